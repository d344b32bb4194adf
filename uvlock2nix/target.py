"""What an environment is computed for: system, Python version and libc baseline.

Only :func:`this_system` looks at the running machine: any target works anywhere.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from uvlock2nix.errors import UsageError
from uvlock2nix.knowledge.baselines import (
    default_glibc,
    default_macos,
    default_musl,
    latest_patch,
    oldest_manylinux,
)
from uvlock2nix.regex import regex

__all__ = [
    "PREFERRED",
    "SYSTEMS",
    "Glibc",
    "Libc",
    "Musl",
    "PythonVersion",
    "Target",
    "is_darwin",
    "is_linux",
    "latest_patch",
    "this_system",
]

SYSTEMS = ("x86_64-linux", "aarch64-linux", "riscv64-linux", "x86_64-darwin", "aarch64-darwin")
"""The supported systems, in Nix's spelling."""

_MACHINES: Mapping[str, str] = {"amd64": "x86_64", "arm64": "aarch64"}

PREFERRED = ("3.13", "3.14", "3.12", "3.11", "3.10", "3.9", "3.15")
"""The minor versions in order of preference: nixpkgs' own default first (most Python packages are built
and cached for it), then newer, then older ones."""

_PYTHON = regex(r"(?P<major>[0-9])\.(?P<minor>[0-9]{1,3})(?:\.(?P<patch>[0-9]{1,4}))?(?P<free>t)?")
_LIBC = regex(r"(?P<kind>glibc|gnu|musl)?[-_ ]?(?:(?P<major>[0-9]{1,3})\.(?P<minor>[0-9]{1,4}))?")
_MACOS = regex(r"(?P<major>[0-9]{1,3})(?:\.(?P<minor>[0-9]{1,3}))?(?:\.[0-9]{1,3})?")


def is_linux(system: str) -> bool:
    """Whether a Nix system runs Linux."""
    return system.endswith("-linux")


def is_darwin(system: str) -> bool:
    """Whether a Nix system runs macOS."""
    return system.endswith("-darwin")


def this_system() -> str:
    """The Nix system of this machine."""
    machine = platform.machine().lower()
    kernel = "darwin" if sys.platform == "darwin" else "linux"
    return f"{_MACHINES.get(machine, machine)}-{kernel}"


class PythonVersion(NamedTuple):
    """A CPython release, such as 3.12.13, or its free-threaded build."""

    major: int
    minor_number: int
    patch: int
    freethreaded: bool = False

    @property
    def minor(self) -> str:
        """``"3.12"``."""
        return f"{self.major}.{self.minor_number}"

    @property
    def minor_and_variant(self) -> str:
        """``"3.13"``, ``"3.13t"`` of the free-threaded build: as folders and uv have it."""
        return f"{self.minor}t" if self.freethreaded else self.minor

    @property
    def full(self) -> str:
        """``"3.12.13"``; the free-threaded build has the same number."""
        return f"{self.major}.{self.minor_number}.{self.patch}"

    def __str__(self) -> str:
        return f"{self.full}t" if self.freethreaded else self.full

    @classmethod
    def parse(cls, text: str) -> PythonVersion:
        """Read ``3.12`` (its newest known patch release), ``3.12.13`` or ``3.14t``.

        Raises UsageError for anything else, and for an unknown Python.
        """
        match = _PYTHON.fullmatch(text)
        if match is None or match["major"] != "3" or int(match["minor"]) not in latest_patch():
            low, high = min(latest_patch()), max(latest_patch())
            raise UsageError(
                f"Python {text[:40]!r} is not a known version",
                hint=f"pass 3.{low} … 3.{high}, or a full release such as 3.12.13",
            )
        minor = int(match["minor"])
        free = match["free"] is not None
        if free and minor < 13:
            raise UsageError(
                f"no free-threaded build of Python 3.{minor} exists", hint="free-threading began with 3.13t"
            )
        patch = int(match["patch"]) if match["patch"] else latest_patch()[minor]
        return cls(3, minor, patch, free)


@dataclass(frozen=True, slots=True)
class Glibc:
    """The GNU C library of the target; wheels up to ``manylinux_<major>_<minor>`` run on it."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"glibc {self.major}.{self.minor}"


@dataclass(frozen=True, slots=True)
class Musl:
    """The musl C library of the target; wheels up to ``musllinux_<major>_<minor>`` run on it."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"musl {self.major}.{self.minor}"


Libc = Glibc | Musl


def _glibc() -> Glibc:
    return Glibc(*default_glibc())


@dataclass(frozen=True, slots=True)
class Target:
    """System, Python and baseline of an environment.

    ``libc`` applies only to Linux, ``macos`` (major and minor version of the oldest macOS) only to macOS; the
    other keeps its default, so that a single table of settings works for all systems.
    """

    system: str
    python: PythonVersion
    libc: Libc = field(default_factory=_glibc)
    macos: tuple[int, int] = field(default_factory=default_macos)

    @property
    def oldest_manylinux(self) -> int:
        """The oldest glibc 2.N that has a manylinux tag for its machine."""
        return oldest_manylinux(self.arch)

    @property
    def is_linux(self) -> bool:
        """Whether it is Linux."""
        return is_linux(self.system)

    @property
    def is_darwin(self) -> bool:
        """Whether it is macOS."""
        return is_darwin(self.system)

    @property
    def arch(self) -> str:
        """The first part of the system: ``x86_64``, ``aarch64`` or ``riscv64``."""
        return self.system.partition("-")[0]

    def __str__(self) -> str:
        base = str(self.libc) if self.is_linux else f"macOS {self.macos[0]}.{self.macos[1]}"
        return f"{self.system}, Python {self.python}, {base}"

    @classmethod
    def parse(cls, system: str, python: str, *, libc: str | None = None, macos: str | None = None) -> Target:
        """Parse a target from user input.

        ``libc``: ``2.38``, ``glibc-2.38``, ``musl``, ``musl-1.2``; ``macos``: ``14`` or ``14.0``.
        Raises UsageError that names the wrong part.
        """
        if system not in SYSTEMS:
            raise UsageError(f"unknown system {system[:60]!r}", hint=f"one of {', '.join(SYSTEMS)}")
        version = PythonVersion.parse(python)
        return cls(
            system,
            version,
            _glibc() if libc is None else _parse_libc(libc),
            default_macos() if macos is None else _parse_macos(macos),
        )

    def marker_environment(self) -> Mapping[str, str]:
        """The values of PEP 508's marker variables, ``extra`` left out.

        ``platform_release`` and ``platform_version`` are empty, as in uv for a foreign platform.
        https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers
        """
        darwin = self.is_darwin
        machine = "arm64" if darwin and self.arch == "aarch64" else self.arch
        return {
            "implementation_name": "cpython",
            "implementation_version": self.python.full,
            "os_name": "posix",
            "platform_machine": machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Darwin" if darwin else "Linux",
            "platform_version": "",
            "python_full_version": self.python.full,
            "python_version": self.python.minor,
            "sys_platform": "darwin" if darwin else "linux",
        }


def _parse_libc(text: str) -> Libc:
    match = _LIBC.fullmatch(text)
    if match is None or not (match["kind"] or match["major"]):
        raise UsageError(f"unknown libc {text[:60]!r}", hint="pass 2.38, glibc-2.38, musl or musl-1.2")
    given = (int(match["major"]), int(match["minor"])) if match["major"] else None
    if match["kind"] == "musl":
        return Musl(*(given or default_musl()))
    return Glibc(*(given or default_glibc()))


def _parse_macos(text: str) -> tuple[int, int]:
    match = _MACOS.fullmatch(text)
    if match is None or int(match["major"]) < 10:
        raise UsageError(f"unknown macOS version {text[:60]!r}", hint="pass 13.0, 14 or 10.15")
    return int(match["major"]), int(match["minor"] or 0)
