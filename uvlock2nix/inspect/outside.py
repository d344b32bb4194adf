"""What wheels need from outside: the sonames that no wheel of the environment has, and their providers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from uvlock2nix.knowledge.names import is_driver, is_libc, optional_sonames, soname_attribute
from uvlock2nix.regex import regex

if TYPE_CHECKING:
    from uvlock2nix.inspect.wheels import WheelContents

_QT: Final = regex(r"libQt([56])\w+\.so\.\1\Z")


class Outside(NamedTuple):
    """What a wheel needs that no wheel has: nixpkgs ``attributes``, sonames of the ``driver``, those that are
    ``optional`` (for a plugin that also does not load with uv), and those ``unknown`` to our table.
    """

    attributes: tuple[str, ...] = ()
    driver: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def missing_sonames(wheels: Mapping[str, WheelContents]) -> Mapping[str, tuple[str, ...]]:
    """Package → the sonames that neither a wheel nor the C library has, sorted.

    A library in any other wheel counts as found, by a path relative to the wheels.
    """
    everywhere = frozenset(soname for wheel in wheels.values() for soname in wheel.provided)
    found = {
        package: tuple(sorted(s for s in wheel.needed - everywhere if s and not is_libc(s)))
        for package, wheel in wheels.items()
    }
    return {package: sonames for package, sonames in found.items() if sonames}


def sorted_out(sonames: Iterable[str]) -> Outside:
    """The providers of these sonames, as far as they are known."""
    names = list(sonames)
    driver = tuple(name for name in names if is_driver(name))
    optional = tuple(name for name in names if name in optional_sonames() or _is_left_out_of_qt(name, names))
    rest = [name for name in names if name not in driver and name not in optional]
    known = {name: attr for name in rest if (attr := soname_attribute(name)) is not None}
    return Outside(
        attributes=tuple(dict.fromkeys(attr for attr in known.values() if attr != "glibc")),
        driver=driver,
        optional=optional,
        unknown=tuple(name for name in rest if name not in known),
    )


def _is_left_out_of_qt(name: str, names: Sequence[str]) -> bool:
    """Whether it is a Qt module, of a Qt that a wheel ships without this module.

    Wheels of PyQt and PySide have plugins for modules in their other wheels, which are not loaded if those
    are not installed.
    """
    match = _QT.match(name)
    return match is not None and f"libQt{match[1]}Core.so.{match[1]}" not in names


def outside(wheels: Mapping[str, WheelContents]) -> Mapping[str, Outside]:
    """Package → what its wheel needs from outside, given the other wheels of the environment."""
    return {package: sorted_out(sonames) for package, sonames in missing_sonames(wheels).items()}
