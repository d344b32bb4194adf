"""Find an option that makes one of a package's wheels fit, by trying."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from uvlock2nix.artifacts.tags import tags_for
from uvlock2nix.artifacts.wheelname import WheelName, parse_wheel_name
from uvlock2nix.regex import regex
from uvlock2nix.target import PREFERRED, Glibc, PythonVersion, Target

_MACOS = regex(r"macosx_([0-9]+)_([0-9]+)_")
_GLIBC = regex(r"manylinux_2_([0-9]+)_")


def remedy(filenames: Iterable[str], target: Target) -> str:
    """What to do if no wheel fits ``target``: the smallest change that makes one fit."""
    wheels = [name for name in map(parse_wheel_name, filenames) if name is not None]
    for option, changed in (*_systems(wheels, target), *_pythons(wheels, target)):
        tags = tags_for(changed)
        if any(tags.rank(one.tags.pythons, one.tags.abis, one.tags.platforms) is not None for one in wheels):
            return option
    return "choose another --system, or a version of the package that has a file for it"


def _systems(wheels: Iterable[WheelName], target: Target) -> Iterator[tuple[str, Target]]:
    """Newer systems than the target's, the oldest first, each with its hint."""
    other = "or choose a different version of the package"
    platforms = [platform for one in wheels for platform in one.tags.platforms]
    if target.is_darwin:
        found = {(int(m[1]), int(m[2])) for one in platforms if (m := _MACOS.match(one))}
        for major, minor in sorted(one for one in found if one > target.macos):
            yield (
                f"raise the oldest macOS to run on, --macos {major}.{minor}, {other}",
                replace(target, macos=(major, minor)),
            )
    elif isinstance(target.libc, Glibc):
        minors = {int(m[1]) for one in platforms if (m := _GLIBC.match(one))}
        for number in sorted(one for one in minors if one > target.libc.minor):
            yield (
                f"if the target has that glibc, pass --libc glibc-2.{number}; {other}",
                replace(target, libc=Glibc(2, number)),
            )


def _pythons(wheels: Iterable[WheelName], target: Target) -> Iterator[tuple[str, Target]]:
    """Other Pythons, in the order in which they are suggested."""
    if wheels:
        for minor in PREFERRED:
            if minor != target.python.minor:
                python = PythonVersion.parse(minor)
                yield (
                    f"choose a Python that has a wheel and that requires-python allows: --python {minor}",
                    replace(target, python=python),
                )
