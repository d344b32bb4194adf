"""The defaults of a target: ``data/baselines.json``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from uvlock2nix.knowledge.tables import Rows, load_table, number_of, numbers_of

_FILE: Final = "baselines.json"


@lru_cache(maxsize=1)
def latest_patch() -> Mapping[int, int]:
    """Minor version of Python 3 → its newest patch release."""
    return {int(minor): patch for minor, patch in _numbers("latest_patch").items()}


def default_python(release: str) -> int | None:
    """The minor version of ``python3`` in a nixpkgs release (``26.05``); None if it is not in the table."""
    return _numbers("python").get(release)


def default_glibc() -> tuple[int, int]:
    """glibc of current nixpkgs; ``libc`` lowers or raises it."""
    return _version("glibc")


def default_musl() -> tuple[int, int]:
    """musl of current nixpkgs."""
    return _version("musl")


def default_macos() -> tuple[int, int]:
    """The minimum macOS that uv assumes for a foreign macOS; ``macos`` changes it."""
    return _version("macos")


def oldest_manylinux(machine: str) -> int:
    """The oldest glibc 2.N that has a manylinux tag for a machine (``x86_64``)."""
    return _numbers("manylinux")[machine]


def _numbers(key: str) -> Rows[int]:
    return Rows(_FILE, load_table(_FILE).get(key), number_of)


@lru_cache(maxsize=3)
def _version(key: str) -> tuple[int, int]:
    major, minor = numbers_of(f"knowledge/data/{_FILE}: {key}", load_table(_FILE).get(key), count=2)
    return major, minor
