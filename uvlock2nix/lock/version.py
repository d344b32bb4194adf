"""The version of a lock: checked before anything else.

https://docs.astral.sh/uv/concepts/resolution/#lockfile-versioning
"""

from __future__ import annotations

from uvlock2nix.errors import LockError
from uvlock2nix.lock.wire import Table, shorten

SUPPORTED_VERSION = 1
_HINT = "run `uv lock` to write the lock again; if uv itself accepts this lock, please report a bug"


def check_version(table: Table, file: str) -> int:
    """The revision of a lock. Raises LockError with both numbers for an unsupported version."""
    version, revision = table.get("version"), table.get("revision", 0)
    for key, value in (("version", version), ("revision", revision)):
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 31:
            raise LockError(f"{file}: {key}: is not a number: {shorten(repr(value), 40)}", hint=_HINT)
    if version != SUPPORTED_VERSION:
        raise LockError(
            f"{file}: version {version} of the lock format; uvlock2nix supports version {SUPPORTED_VERSION}",
            hint="update uvlock2nix, or lock with a uv that writes version 1",
            data={"version": version, "supported": SUPPORTED_VERSION},
        )
    return int(revision)
