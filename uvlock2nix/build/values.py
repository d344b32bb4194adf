"""The values of a build: its source, what only it gets, what all builds share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from uvlock2nix.build.programs import Runner
from uvlock2nix.dataclass import dataclass, field
from uvlock2nix.errors import InputError

if TYPE_CHECKING:
    from uvlock2nix.net.client import Logins

Product = Literal["wheel", "sdist"]


@dataclass(frozen=True, slots=True)
class NativeBuild:
    """What the build of one package gets that no other build sees.

    ``inputs`` are store paths; ``env`` is set as it is; ``cflags`` reach the compiler, ``flags``
    (``KEY=VALUE``) the build backend as PEP 517 config settings; ``build_requires`` are added to what the
    source declares, and the pins of those in ``relax`` are dropped. ``crates`` is a folder with the crates of
    its Cargo.lock: with it cargo fetches nothing. ``patches`` are files that change the source first.
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
    """Where a build's source comes from: a file (URL or path), a git commit, or a folder that is here."""

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
    """One package to compile or package: its source, and what only it may see."""

    name: str
    version: str | None
    source: Source
    native: NativeBuild = field(default_factory=NativeBuild)

    @property
    def what(self) -> str:
        """How messages name the build."""
        return f"building {self.name} {self.version or ''}".rstrip()


@dataclass(frozen=True, slots=True)
class BuildContext:
    """What all builds share: the tools, the fixed folder, the time that holds back requirements.

    ``keeps_rpath``: whether what is linked says where its libraries are, as in an ordinary derivation.
    ``product``: what is built.
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
    """Read the JSON that a hook hands over: package name → fields of :class:`NativeBuild`.

    ``what`` is the name of the variable that it comes from.

    Raises:
        InputError: it is not JSON of that shape.
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
