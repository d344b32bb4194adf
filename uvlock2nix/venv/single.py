"""A wheel in its own store path (mode `files`): installed, with libraries found and bytecode compiled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from uvlock2nix.build.machine import base_environment
from uvlock2nix.build.programs import Runner
from uvlock2nix.dist.entry_points import entry_points, launcher_lines
from uvlock2nix.dist.installed import Installed, installed, rewrite
from uvlock2nix.dist.interpreter import write_interpreter
from uvlock2nix.dist.record import write_record
from uvlock2nix.errors import InputError
from uvlock2nix.layout import site_packages
from uvlock2nix.refs.libraries import DEFAULT_IGNORE
from uvlock2nix.refs.needs import RestoreOptions
from uvlock2nix.refs.restore import Recorded, restore
from uvlock2nix.sync.manifest import read_manifest
from uvlock2nix.sync.normalise import normalise
from uvlock2nix.venv.bytecode import compile_bytecode
from uvlock2nix.venv.own_manifest import of_package, write
from uvlock2nix.venv.wants import WANTS, Want


@dataclass(frozen=True, slots=True)
class Place:
    """What installations share: uv, the interpreter and its minor version, a work folder, variables."""

    run: Runner
    uv: str
    python: Path
    version: str
    work: Path
    outer: Mapping[str, str]


def install_wheel(
    wheel: Path, filename: str, out: Path, place: Place, artifact: Mapping[str, object]
) -> None:
    """Install a wheel into the new folder ``out``, normalised as in mode `sync`, with a manifest.

    ``filename`` is the wheel's own name, which its store path does not have; ``artifact`` is the manifest's
    entry for the locked file, which is the wheel or the source that it was built from.

    Raises:
        ToolError: uv does not accept the wheel.
        InputError: it is not a wheel, or does not have exactly one distribution.
    """
    named = place.work / "wheel" / filename
    named.parent.mkdir(parents=True)
    named.symlink_to(wheel.absolute())
    interpreter = write_interpreter(out, place.python, place.version)
    site = out / site_packages(place.version)
    site.mkdir(parents=True, exist_ok=True)
    arguments = [place.uv, "pip", "install", "--quiet", "--no-deps", "--no-index", "--offline"]
    arguments += ["--python", str(interpreter), "--", str(named)]
    env = base_environment(place.work, place.outer)
    place.run(arguments, what=f"installing {filename}", env=env, cwd=place.work)
    scripts = normalise(out, site, say=place.run.say)
    there = installed(site)
    if len(there) != 1:
        raise InputError(
            f"{filename}: {len(there)} distributions in one wheel",
            hint="report it to the package's maintainers",
        )
    (one,) = there
    kept: list[dict[str, object]] = [
        {"name": script.name, "package": script.package, "python": script.python} for script in scripts
    ]
    write(
        out,
        of_package(
            one.name,
            one.version,
            python=place.version,
            filename=filename,
            artifact=artifact,
            scripts=kept,
        ),
    )


def settle(
    out: Path,
    *,
    python: Path,
    libraries: Sequence[str],
    ignore: Sequence[str],
    dlopen: Mapping[str, Sequence[str]],
    interpreter: str | None,
    cores: int,
    patched: bool = True,
) -> tuple[Want, ...]:
    """Finish an installed package: RECORD, search paths, bytecode.

    Files that may have been ``patched`` after the installation are recorded again. Libraries that are neither
    its own nor in ``libraries`` are not an error yet, because another package may have them: they are
    returned, and recorded for the environment.

    Raises:
        RefsError: a file cannot be changed.
    """
    manifest = dict(read_manifest(out))
    site = out / site_packages(str(manifest["python"]))
    for one in installed(site) if patched else ():
        rewrite(one, site, {})
    report = restore(
        out,
        Recorded({}, None),
        RestoreOptions(libraries, ignore=("*",), interpreter=interpreter, dlopen=dlopen),
    )
    wants = tuple(Want(file, library) for file, library in report.ignored if not is_ignored(library, ignore))
    for one in installed(site) if patched else ():
        _name_launchers(one)
    compile_bytecode(site, python, cores)
    manifest.pop(WANTS, None)
    if wants:
        manifest[WANTS] = [{"file": one.file, "library": one.library} for one in wants]
    write(out, manifest)
    return wants


def _name_launchers(one: Installed) -> None:
    """Write the launchers that each environment makes into the RECORD, which is then right in all of them."""
    lines = [(entry.path, entry.hash, entry.size) for entry in one.entries]
    write_record(one.dist_info / "RECORD", [*lines, *launcher_lines(entry_points(one))])


def is_ignored(library: str, patterns: Iterable[str]) -> bool:
    """Whether a library may be missing."""
    return any(fnmatchcase(library, pattern) for pattern in (*DEFAULT_IGNORE, *patterns))
