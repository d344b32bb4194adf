"""Check before a build that Nix has the Python that the files were made for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from uvlock2nix.app.request import Request
from uvlock2nix.errors import InputError
from uvlock2nix.lock import EnvPackage
from uvlock2nix.lock.python_fit import fitting_python
from uvlock2nix.target import PythonVersion, Target


def check_nix_python(asked: Request, target: Target, version: str, command: str) -> None:
    """Compare the environment for Nix's Python (``version``) with the one for the target's.

    A lock can distinguish patch releases, and nixpkgs' is seldom the one that we assume for a minor version.
    ``command`` is the ``update-hash`` to which the hint adds the version.

    Raises:
        InputError: ``requires-python`` excludes it, or it needs different packages.
    """
    if not re.fullmatch(r"3\.\d+\.\d+", version) or version == target.python.full:
        return
    number = version.split(".")
    actual = PythonVersion(3, int(number[1]), int(number[2]), target.python.freethreaded)
    requires = asked.project.lock.requires_python or ""
    if not _admits(requires, version):
        fits = fitting_python([requires], actual)
        raise InputError(
            f"nixpkgs' Python is {version}, and {asked.project.lock_path.name} requires {requires}",
            hint="widen requires-python in pyproject.toml and run `uv lock`, or pass a nixpkgs with "
            f"--nixpkgs{f' that has Python {fits}' if fits else ''}",
        )
    here = _names(asked.environment(target).packages)
    there = _names(asked.environment(replace(target, python=actual)).packages)
    if here != there:
        differing = ", ".join(sorted({name for name, _ in here ^ there}))
        raise InputError(
            f"nixpkgs' Python is {version}, for which {asked.project.lock_path.name} selects"
            " other packages than "
            f"for {target.python}, which the files were made for: {differing}",
            hint=f"run `{command} --python {version}`",
        )


def _admits(requires: str, version: str) -> bool:
    try:
        return SpecifierSet(requires).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True  # the lock was loaded before: problems have been reported


def _names(packages: Iterable[EnvPackage]) -> set[tuple[str, str | None]]:
    return {(one.package.name, one.package.version) for one in packages}
