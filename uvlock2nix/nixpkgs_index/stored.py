"""Indexes on disk: created by ``index update``, cached by revision, and found for a project."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from uvlock2nix.atomic import write_atomic
from uvlock2nix.errors import InputError
from uvlock2nix.nixpkgs_index.embedded import embedded_index
from uvlock2nix.nixpkgs_index.model import NixpkgsIndex, parse_index
from uvlock2nix.reading import open_regular, read_regular
from uvlock2nix.regex import regex

MAX_INDEX: Final = 64 << 20
_KEY: Final = regex(r"[A-Za-z0-9._-]{1,80}\Z")
_HINT: Final = "create it again with `uvlock2nix index update`"


class Stored(NamedTuple):
    """An index in the cache: its key (a revision or a digest) and file."""

    key: str
    path: Path


def key_of(args: Sequence[tuple[str, str]]) -> str:
    """The key of the nixpkgs that these arguments pin: equal pins share an index."""
    return hashlib.sha256(json.dumps(list(args)).encode()).hexdigest()[:32]


def folder(cache: Path) -> Path:
    """The folder of the indexes in the cache."""
    return cache / "index"


def store(cache: Path, key: str, raw: Mapping[str, object], *, default: bool) -> Path:
    """Store an index; ``default`` makes it the index of projects that do not pin nixpkgs."""
    if not _KEY.match(key):
        raise InputError(f"{key!r} cannot be the name of an index")
    place = folder(cache) / f"{key}.json.gz"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot create {place.parent}: {error.strerror}", hint="set XDG_CACHE_HOME"
        ) from error
    write_atomic(place, gzip.compress(json.dumps(raw, sort_keys=True).encode(), mtime=0))
    if default:
        write_atomic(place.parent / "default", key + "\n")
    return place


def load(path: Path) -> NixpkgsIndex:
    """Read an index file. Raises InputError if it is missing, truncated, too big or of a different schema."""
    try:
        with open_regular(path) as packed, gzip.open(packed) as file:
            data = file.read(MAX_INDEX + 1)
        if len(data) > MAX_INDEX:
            raise InputError(f"{path} unpacks to more than {MAX_INDEX >> 20} MiB", hint=_HINT)
        raw = json.loads(data)
    except (OSError, EOFError, ValueError, RecursionError) as error:
        raise InputError(f"cannot read the index {path}: {error}", hint=_HINT) from error
    if not isinstance(raw, dict):
        raise InputError(f"{path} is not a JSON object", hint=_HINT)
    return parse_index(raw, str(path))


def find(cache: Path, key: str | None) -> Stored | None:
    """The index for a project whose nixpkgs has ``key``; else the default one, else None."""
    for candidate in (key, _default(cache)):
        if candidate is not None and _KEY.match(candidate):
            path = folder(cache) / f"{candidate}.json.gz"
            if path.is_file():
                return Stored(candidate, path)
    return None


def in_use(cache: Path, key: str | None) -> NixpkgsIndex:
    """The index that classify uses: the project's, the default, or the embedded snapshot."""
    stored = find(cache, key)
    return load(stored.path) if stored is not None else embedded_index()


def _default(cache: Path) -> str | None:
    try:
        return read_regular(folder(cache) / "default", 1000).decode("ascii").strip()
    except (OSError, ValueError):
        return None
