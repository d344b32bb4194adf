"""``init``: from a project with a lock to everything that Nix needs, in one go."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import tomli

from uvlock2nix.app.environments import planned_all
from uvlock2nix.app.files import write_all
from uvlock2nix.app.planning import Planned, Resolving
from uvlock2nix.app.remembered import command_line
from uvlock2nix.app.reporter import Reporter
from uvlock2nix.app.request import Options
from uvlock2nix.atomic import write_atomic
from uvlock2nix.emit.flake import FLAKE, NIXPKGS_URL, additions, flake_file
from uvlock2nix.errors import InputError, UsageError
from uvlock2nix.pythons import choose_python
from uvlock2nix.reading import read_regular
from uvlock2nix.resources import PACKAGE

TABLE: Final = "[tool.uvlock2nix]"
IGNORED: Final = ("result", "result-*", ".direnv/")


@dataclass(frozen=True, slots=True)
class InitOptions:
    """What ``init`` writes beyond the generated files, and where the flake's inputs come from."""

    flake_url: str | None
    nixpkgs_url: str = NIXPKGS_URL
    gitignore: bool = False
    envrc: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What ``init`` finds in a project, and what it would write; nothing is written yet."""

    everything: tuple[Planned, ...]
    root: Path
    texts: tuple[tuple[Path, str], ...]
    to_add: str
    command: str

    @property
    def planned(self) -> Planned:
        """The plan of the project, or of its first environment."""
        return self.everything[0]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that will be written or changed."""
        return (
            *(path for path, _ in self.texts),
            *(one.path for found in self.everything for one in found.changed),
        )


def look(project: Path, options: Options, how: InitOptions, reporter: Reporter) -> Found:
    """Read the project and decide what to write.

    Raises:
        UsageError: ``project`` is not a folder with pyproject.toml.
        InputError, ProjectError: the project cannot be read; without a lock, the hint says how to create it.
    """
    if project.is_file():
        raise UsageError(
            f"{project}: init needs the folder of a project", hint="for a script, run `uvlock2nix generate`"
        )
    every = planned_all(project, options, reporter, force=how.force, resolving=Resolving(missing=True))
    found = every[0]
    plan, root = found.plan, found.root
    written, table = _read(root / "pyproject.toml")
    description = table.get("project", {}).get("description")
    systems = [one.system for one in plan.systems]
    # If only named environments exist, the project is named after its folder.
    name = root.name if plan.environment else plan.name
    texts: list[tuple[Path, str]] = []
    to_add = ""
    if (root / FLAKE).exists():
        to_add = additions(name, systems, how.flake_url)
    else:
        about = description if isinstance(description, str) else f"{name}, built from its uv.lock"
        text = flake_file(name, about, systems, how.flake_url, how.nixpkgs_url)
        texts.append((root / FLAKE, text))
    wanted: dict[str, object] = {"system": systems}
    if options.python or not found.asked.project.python_version_file:
        # In full: a requested patch release must not get lost.
        wanted = {"python": choose_python(options.python, found.asked.project, plan.python)[0], **wanted}
    config = _configured(root / "pyproject.toml", written, table, wanted)
    if config is not None:
        texts.append((root / "pyproject.toml", config))
    if how.gitignore:
        texts += _lines(root / ".gitignore", IGNORED)
    if how.envrc:
        texts += _lines(root / ".envrc", ("use flake",))
    return Found(every, root, tuple(texts), to_add, command_line("generate", options, project))


def write(found: Found, how: InitOptions) -> tuple[Path, ...]:
    """Write what :func:`look` decided; return the paths that were written.

    Raises:
        CheckFailed: a generated file was edited; nothing is written.
    """
    files = [file for one in found.everything for file in one.files]
    written = write_all(files, force=how.force, command=found.command)
    for path, text in found.texts:
        write_atomic(path, text)
    return (*(path for path, _ in found.texts), *written)


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of pyproject.toml, and its parsed content."""
    try:
        text = read_regular(path).decode()
        return text, tomli.loads(text)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}", hint="check the file") from None


def _configured(path: Path, text: str, before: dict[str, Any], wanted: Mapping[str, object]) -> str | None:
    """pyproject.toml with the missing keys of our table at its end; None if nothing can or need be added."""
    there = before.get("tool", {}).get("uvlock2nix", {})
    missing = {key: value for key, value in wanted.items() if key not in there}
    lines = [f"{key} = {json.dumps(value)}" for key, value in missing.items()]
    after = text.rstrip("\n") + f"\n\n{TABLE}\n" + "\n".join(lines) + "\n"
    expected = {**before, "tool": {**before.get("tool", {}), "uvlock2nix": {**there, **missing}}}
    try:
        good = tomli.loads(after) == expected
    except tomli.TOMLDecodeError:
        good = False
    if good and missing:
        return after
    if not good and not there:
        raise InputError(
            f"{path}: {TABLE} cannot be added at the end of the file",
            hint=f"add it yourself: {TABLE}, " + ", ".join(lines),
        )
    # The table is the user's own: generate records the rest in the files that it writes.
    return None


def _lines(path: Path, wanted: tuple[str, ...]) -> list[tuple[Path, str]]:
    """The file with the lines that it lacks; empty if it has them all."""
    text = read_regular(path).decode() if path.exists() else ""
    missing = [line for line in wanted if line not in text.splitlines()]
    if not missing:
        return []
    start = text if not text or text.endswith("\n") else f"{text}\n"
    return [(path, start + "\n".join(missing) + "\n")]


def own_flake() -> str | None:
    """The flake reference of the running checkout of uvlock2nix; None if it is installed."""
    checkout = PACKAGE.parent
    if not (checkout / FLAKE).is_file() or not (checkout / "nix" / "overlay.nix").is_file():
        return None
    return f"{'git+file' if (checkout / '.git').exists() else 'path'}:{checkout}"


def with_extras(options: Options, *, module: bool, image: bool, standalone: bool) -> Options:
    """The options plus the requested extra files."""
    asked = (("module", module), ("image", image), ("standalone", standalone))
    extras = tuple(name for name, on in asked if on)
    return replace(options, extras=extras)
