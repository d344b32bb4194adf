"""The values of a build: its source, its own inputs, and what all builds share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from uvlock2nix.build.programs import Runner
from uvlock2nix.errors import InputError

if TYPE_CHECKING:
    from uvlock2nix.net.client import Logins

Product = Literal["wheel", "sdist"]


@dataclass(frozen=True, slots=True)
class NativeBuild:
    """The inputs of a package's build, which no other build gets.

    ``inputs`` are store paths; ``env`` is set unchanged; ``cflags`` are for the compiler; ``flags``
    (``KEY=VALUE``) are PEP 517 config settings for the build backend; ``build_requires`` are added to the
    declared ones, and pins are dropped from those in ``relax``. ``crates`` is a folder with the crates of its
    Cargo.lock: with it, cargo fetches nothing. ``patches`` are applied to the source first.
    """

    inputs: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cflags: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    build_requires: tuple[str, ...] = ()
    relax: tuple[str, ...] = ()
    crates: str | None = None
    patches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a build: a file (URL or path), a git commit, or a local folder."""

    url: str | None = None
    path: Path | None = None
    filename: str = ""
    hash: str | None = None
    size: int | None = None
    commit: str | None = None
    subdirectory: str | None = None
    lfs: bool = False
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """A package to build: its source and its own inputs."""

    name: str
    version: str | None
    source: Source
    native: NativeBuild = field(default_factory=NativeBuild)

    @property
    def what(self) -> str:
        """The name of the build in messages."""
        return f"building {self.name} {self.version or ''}".rstrip()


@dataclass(frozen=True, slots=True)
class BuildContext:
    """What all builds share: tools, the fixed folder, the time that holds back requirements.

    ``keeps_rpath``: whether linked files get an RPATH, as in an ordinary derivation.
    ``product``: what to build.
    """

    run: Runner
    uv: str
    python: Path
    root: Path
    env: Mapping[str, str]
    exclude_newer: str | None
    constraints: tuple[str, ...] = ()
    index_flags: tuple[str, ...] = ()
    native_inputs: tuple[str, ...] = ()
    locked: Mapping[str, str] = field(default_factory=dict)
    marker_environment: Mapping[str, str] = field(default_factory=dict)
    logins: Logins = field(default_factory=dict)
    folders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keeps_rpath: bool = False
    product: Product = "wheel"


def parse_native(text: str, what: str = "uvSyncNative") -> dict[str, NativeBuild]:
    """Parse the JSON that a hook passes: package name → fields of :class:`NativeBuild`.

    ``what`` is the name of its variable.

    Raises:
        InputError: it is not JSON of that form.
    """
    try:
        data = json.loads(text) if text else {}
        return {name: _native(name, fields) for name, fields in data.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise InputError(
            f"{what}: not the JSON that `uvlock2nix generate` writes: {error}",
            hint="run `uvlock2nix generate` again; in a derivation of your own, see docs/refs.md",
        ) from None


def _native(name: str, fields: Mapping[str, object]) -> NativeBuild:
    lists: dict[str, tuple[str, ...]] = {}
    for key in ("inputs", "cflags", "flags", "build_requires", "relax", "patches"):
        items = fields.get(key, [])
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise TypeError(f"`{name}.{key}` must be a list of strings")
        lists[key] = tuple(items)
    env = fields.get("env", {})
    if not isinstance(env, dict) or not all(isinstance(item, str) for item in env.values()):
        raise TypeError(f"`{name}.env` must be a table of strings")
    crates = fields.get("crates")
    if crates is not None and not isinstance(crates, str):
        raise TypeError(f"`{name}.crates` must be a path")
    unknown = sorted(set(fields) - {*lists, "env", "crates"})
    if unknown:
        raise TypeError(f"`{name}` has unknown keys: {', '.join(unknown)}")
    return NativeBuild(env=env, crates=crates, **lists)
