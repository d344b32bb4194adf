"""The request to sync."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from uvlock2nix.build.values import NativeBuild
from uvlock2nix.build_pins import BuildPins
from uvlock2nix.lock import Selection


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """Everything that decides the content of deps, and the paths to work in.

    ``build_pins`` are the locked build requirements, ``exclude_newer`` the time that holds back the others.
    ``platform`` is uv's name of the platform to install for; by default that of ``system``, if this machine's
    differs. ``reference_inputs``: attribute → store path, the names under which libraries are recorded.
    """

    project: Path
    out: Path
    work: Path
    python: Path
    selection: Selection
    system: str
    python_version: str
    libc: str | None = None
    macos: str | None = None
    platform: str = ""
    exclude_newer: str | None = None
    build_pins: BuildPins = field(default_factory=BuildPins)
    key: str | None = None
    exclude: frozenset[str] = frozenset()
    no_binary: frozenset[str] = frozenset()
    native: Mapping[str, NativeBuild] = field(default_factory=dict)
    collisions: Mapping[str, str] = field(default_factory=dict)
    reference_inputs: Mapping[str, str] = field(default_factory=dict)
    cores: int = 1
    uv: str = "uv"
