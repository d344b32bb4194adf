"""Build requirements of local packages, already installed in a folder per package; nothing is fetched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from uvlock2nix.build.environment import BuildEnvironment, install_wheels
from uvlock2nix.build.values import Build, BuildContext
from uvlock2nix.dist.entry_points import entry_points
from uvlock2nix.dist.installed import Installed, installed
from uvlock2nix.dist.launchers import write_launchers
from uvlock2nix.dist.scripts import place_script
from uvlock2nix.errors import ToolError
from uvlock2nix.names import canonicalize_name

# The programs of wheels, in a folder of build requirements.
PROGRAMS: Final = "_scripts"
# What no compiler reads: by suffix, and names of licences and metadata that have none.
_SUFFIXES: Final = (".py", ".pyc", ".pyi", ".typed", ".pth", ".txt", ".md", ".rst", ".json", ".toml", ".cfg")
_OTHERS: Final = (".lock", ".exe", ".tmpl", ".xml", ".html", ".lark", ".BSD", ".APACHE")
_NAMES: Final = ("LICENSE", "NOTICE", "README", "METADATA", "RECORD", "WHEEL", "INSTALLER", "REQUESTED")
_PYTHON: Final = frozenset([*_SUFFIXES, *_OTHERS, *_NAMES])


@dataclass(frozen=True, slots=True)
class Prepared:
    """Requirements from ``trees`` (package → a folder made by ``--target``), which are complete.

    ``env`` is the site-packages of the environment for the packages. A build gets it if it requires something
    that only it has: a package that was compiled for it, or a runtime dependency of a local package. None
    where no build requires that.
    """

    trees: Path
    env: Path | None

    def install(
        self,
        requires: Sequence[str],
        environment: BuildEnvironment,
        build: Build,
        context: BuildContext,
        ready: Mapping[str, Path],
    ) -> None:
        """Link or copy the content of the package's folder into the environment, with its programs; check
        ``requires``.

        Raises:
            ToolError: a requirement is missing, or has the wrong version.
        """
        site = site_of(environment)
        if not any(site.glob("*.dist-info")):
            self._fill(site, environment, build)
        wheels = [ready[name] for name in map(_name, requires) if name in ready]
        install_wheels(wheels, environment, context, f"installing the build requirements of {build.name}")
        here = versions_of(installed(site))
        missing = [text for text in requires if not meets(text, here)]
        if self.env is not None and (missing or wheels):
            (site / "_uvlock2nix.pth").write_text(f"{self.env}\n", encoding="utf-8")
            there = {**versions_of(installed(self.env)), **here}
            missing = [text for text in missing if not meets(text, there)]
        if missing:
            raise _not_there(build.name, missing, here)

    def _fill(self, site: Path, environment: BuildEnvironment, build: Build) -> None:
        tree = self.trees / build.name
        if not tree.is_dir():
            return
        for entry in sorted(tree.iterdir()):
            _place(entry, site / entry.name)
        programs = site / PROGRAMS
        for path in sorted(programs.iterdir()) if programs.is_dir() else ():
            place_script(path, environment.python.parent / path.name, environment.python)
        for one in installed(site):
            write_launchers(
                environment.python.parent, environment.python, entry_points(one), package=one.name
            )


def site_of(environment: BuildEnvironment) -> Path:
    """The site-packages of a build's environment."""
    (site,) = environment.folder.glob("lib/python*/site-packages")
    return site


def _place(source: Path, target: Path) -> None:
    """Link to what is only Python, else copy it: compiled code must not name the store path of a header."""
    if source.suffix == ".dist-info" or _is_python(source):
        target.symlink_to(source)
    elif source.is_dir():
        shutil.copytree(source, target, symlinks=True, copy_function=_copy)
        for path in (target, *target.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
    else:
        _copy(str(source), str(target))


def _is_python(path: Path) -> bool:
    """Whether a file, or everything in a folder, is Python or text that no compiler reads."""
    if path.is_dir():
        return all(
            (Path(name).suffix or name) in _PYTHON
            for _, _, names in os.walk(path, followlinks=True)
            for name in names
        )
    return (path.suffix or path.name) in _PYTHON


def _copy(source: str, target: str) -> str:
    """A writable copy of a read-only file of the store."""
    shutil.copyfile(source, target, follow_symlinks=False)
    copied = Path(target)
    if not copied.is_symlink():
        copied.chmod(0o755 if Path(source).stat().st_mode & 0o100 else 0o644)
    return target


def _name(requirement: str) -> str:
    return canonicalize_name(Requirement(requirement).name)


def versions_of(distributions: Sequence[Installed]) -> dict[str, str]:
    """Name → version."""
    return {one.name: one.version for one in distributions}


def meets(requirement: str, versions: Mapping[str, str]) -> bool:
    """Whether a requirement is met by what is installed."""
    parsed = Requirement(requirement)
    version = versions.get(canonicalize_name(parsed.name))
    if version is None:
        return False
    try:
        return parsed.url is not None or parsed.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True  # not a PEP 440 version: it was resolved for this build


def _not_there(name: str, missing: Sequence[str], here: Mapping[str, str]) -> ToolError:
    shown = ", ".join(missing)
    have = [f"{_name(text)} {here[_name(text)]}" for text in missing if _name(text) in here]
    there = f" (they have {', '.join(have)})" if have else ""
    quoted = ", ".join(f'"{text}"' for text in missing)
    return ToolError(
        f"building {name}: it requires {shown}, which is not among its build requirements{there}",
        hint=f"set build-requires = [{quoted}] under [tool.uvlock2nix.native.{name}]; then run "
        "`uvlock2nix generate` and `uvlock2nix update-hash`",
    )
