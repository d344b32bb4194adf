"""Our cache: results about files, stored under the files' hashes, so they are never stale.

If it cannot be written, everything works without it.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from uvlock2nix.atomic import replacing
from uvlock2nix.reading import read_regular
from uvlock2nix.regex import regex

_LIMIT: Final = 64 << 20
_HASH: Final = regex(r"([a-z0-9]{3,10}):([0-9a-fA-F]{32,128})\Z")


def cache_dir() -> Path:
    """``$XDG_CACHE_HOME/uvlock2nix``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache"
    return root / "uvlock2nix"


def hash_key(hash_: str | None) -> str | None:
    """``sha256:AB…`` of a lock → ``sha256-ab…``, a file name; ``None`` if it is not a hash."""
    match = _HASH.match(hash_ or "")
    return f"{match[1]}-{match[2].lower()}" if match is not None else None


class Kept(NamedTuple):
    """Results of one kind in ``folder``. Each edition of the code that makes them has its own folder."""

    folder: Path
    suffix: str = ""

    def recall(self, hash_: str | None) -> bytes | None:
        """What is stored for the file with this hash; ``None`` if there is nothing readable."""
        key = hash_key(hash_)
        if key is None:
            return None
        try:
            return read_regular(self.folder / f"{key}{self.suffix}", _LIMIT)
        except OSError:
            return None

    def keep(self, hash_: str | None, data: bytes) -> None:
        """Store ``data`` for the file with this hash; without a hash, nothing is stored."""
        key = hash_key(hash_)
        if key is not None:
            with suppress(OSError):
                self.folder.mkdir(parents=True, exist_ok=True)
                with replacing(self.folder / f"{key}{self.suffix}") as file:
                    file.write(data)

    def recall_json(self, hash_: str | None) -> object:
        """As :meth:`recall`, for JSON; ``None`` also if it is damaged."""
        data = self.recall(hash_)
        try:
            return json.loads(data) if data is not None else None
        except (ValueError, RecursionError):
            return None

    def keep_json(self, hash_: str | None, value: object) -> None:
        """As :meth:`keep`, for a JSON value."""
        self.keep(hash_, json.dumps(value).encode())
