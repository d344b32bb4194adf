"""Hashes in the form of locks: ``algorithm:hex``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uvlock2nix.errors import InputError
from uvlock2nix.reading import open_regular

# The algorithms that locks may use.
ALGORITHMS: Final = ("sha256", "sha384", "sha512", "sha224", "sha1", "blake2b", "md5")
CHUNK: Final = 1 << 20
_CHANGED: Final = (
    "the file was changed after it was locked; if that is intended, run `uv lock --upgrade-package`"
)


@dataclass(frozen=True, slots=True)
class Expected:
    """A lock's data on a file: its digest in lower case (``""`` for none), and its size."""

    algorithm: str = "sha256"
    digest: str = ""
    size: int | None = None

    @classmethod
    def parse(cls, text: str | None, size: int | None = None) -> Expected:
        """``algorithm:hex``; ``None`` for a file without a hash in the lock.

        Raises:
            InputError: an algorithm that locks cannot use.
        """
        algorithm, _, digest = (text or "sha256:").partition(":")
        if algorithm not in ALGORITHMS:
            raise InputError(
                f"the lock has a hash of the unknown kind `{algorithm[:40]}`",
                hint=f"known: {', '.join(ALGORITHMS)}",
            )
        return cls(algorithm, digest.lower(), size)

    def check(self, shown: str, digest: str, length: int) -> None:
        """Compare a file's digest and length with these; ``shown`` names the file.

        Raises:
            InputError: it is a different file.
        """
        if self.size is not None and length != self.size:
            more = " or more" if length > self.size else ""
            raise InputError(
                f"{shown}: {length} bytes{more}, the lock says {self.size}", hint="run `uv lock` again"
            )
        if self.digest and digest != self.digest:
            raise InputError(
                f"{shown}: the hash is {digest}, the lock says {self.algorithm}:{self.digest}", hint=_CHANGED
            )


def digest_of(file: Path, algorithm: str) -> str:
    """The digest of a file in hex. Raises OSError."""
    hasher = hashlib.new(algorithm)
    with open_regular(file) as opened:
        while chunk := opened.read(CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()


def check_file(file: Path, expected: str | None) -> None:
    """Compare a file on disk with the lock's hash.

    Raises:
        InputError: it is a different file, or does not exist.
    """
    wanted = Expected.parse(expected)
    try:
        digest = digest_of(file, wanted.algorithm)
    except OSError as error:
        raise InputError(
            f"{file}: {error.strerror}", hint="it is in the lock; is it in the source of the derivation?"
        ) from None
    wanted.check(str(file), digest, 0)
