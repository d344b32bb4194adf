"""NAR hashes, nix32, SRI and the store paths of fixed-output derivations, without Nix.

Written from the Nix manual's protocol pages: https://nix.dev/manual/nix/latest/protocols/nix-archive,
https://nix.dev/manual/nix/latest/protocols/nix32 and
https://nix.dev/manual/nix/latest/protocols/store-path.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uvlock2nix.errors import InputError
from uvlock2nix.regex import regex

NIX32_ALPHABET: Final = "0123456789abcdfghijklmnpqrsvwxyz"  # no e, o, u, t
DIGEST_SIZES: Final = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64}
STORE_DIR: Final = "/nix/store"
STORE_NAME: Final = regex(r"[0-9a-zA-Z+\-._?=]{1,211}\Z")

_NIX32_VALUE: Final = {char: value for value, char in enumerate(NIX32_ALPHABET)}
_BUFFER: Final = 256 * 1024  # bytes hashed at a time: fits into the processor's cache


@dataclass(frozen=True, slots=True)
class Hash:
    """A digest with its algorithm (a key of ``DIGEST_SIZES``)."""

    algo: str
    digest: bytes

    def __post_init__(self) -> None:
        if DIGEST_SIZES.get(self.algo) != len(self.digest):
            raise ValueError(f"{len(self.digest)} bytes are not a {self.algo} digest")

    @property
    def sri(self) -> str:
        """``sha256-<base64>``, the form that nixpkgs uses."""
        return f"{self.algo}-{base64.b64encode(self.digest).decode('ascii')}"

    @property
    def nix32(self) -> str:
        """The digest in Nix's base-32, without the algorithm."""
        return nix32_encode(self.digest)

    @property
    def hex(self) -> str:
        """The digest in hexadecimal."""
        return self.digest.hex()


def nix32_encode(data: bytes) -> str:
    """Nix's base-32 of ``data``: 52 characters for 32 bytes, the last bits first."""
    value = int.from_bytes(data, "little")
    length = (len(data) * 8 - 1) // 5 + 1 if data else 0
    return "".join(NIX32_ALPHABET[(value >> (5 * i)) & 31] for i in range(length - 1, -1, -1))


def nix32_decode(text: str, size: int) -> bytes:
    """The ``size`` bytes that ``text`` stands for; ValueError unless it is their canonical spelling."""
    value = 0
    for char in text:
        if char not in _NIX32_VALUE:
            raise ValueError(f"{char!r} is not a nix32 character")
        value = value << 5 | _NIX32_VALUE[char]
    if len(text) != (size * 8 - 1) // 5 + 1 or value >> (size * 8):
        raise ValueError(f"{text!r} is not the nix32 form of {size} bytes")
    return value.to_bytes(size, "little")


def parse_hash(text: str, algo: str | None = None) -> Hash:
    """Parse every spelling that Nix accepts: SRI, ``algo:…`` and, if ``algo`` is given, a bare digest.

    The digest may be hexadecimal, nix32 or base64, according to its length. ValueError with the reason
    otherwise, also if the algorithm differs from ``algo``.
    """
    match = re.fullmatch(r"([a-z0-9]+)([:-])(.*)", text.strip(), re.DOTALL)
    body, sri = text.strip(), False
    if match and match[1] in DIGEST_SIZES:
        if algo is not None and match[1] != algo:
            raise ValueError(f"{text!r} is a {match[1]} hash, not {algo}")
        algo, body, sri = match[1], match[3], match[2] == "-"
    if algo not in DIGEST_SIZES:
        raise ValueError(f"{text!r} has no hash algorithm that Nix supports")
    size = DIGEST_SIZES[algo]
    if not sri and len(body) == size * 2 and re.fullmatch(r"[0-9a-fA-F]+", body):
        return Hash(algo, bytes.fromhex(body))
    if not sri and len(body) == (size * 8 - 1) // 5 + 1:
        return Hash(algo, nix32_decode(body, size))
    try:
        digest = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{text!r} is not a hash: {error}") from None
    if len(digest) != size or base64.b64encode(digest).decode("ascii") != body:
        raise ValueError(f"{text!r} is not a {algo} hash")
    return Hash(algo, digest)


# The hash of lib.fakeHash, which no content has.
FAKE_HASH: Final = Hash("sha256", bytes(32))


def nar_hash(path: Path | str | bytes) -> Hash:
    """The SHA-256 of the NAR of ``path``: a file, symlink or directory.

    Memory does not depend on the size of files: only a directory listing per level and a buffer are kept.
    InputError if something cannot be read, is neither file, directory nor symlink, or changes while it is
    read.
    """
    hasher = hashlib.sha256()
    write_nar(path, hasher.update)
    return Hash("sha256", hasher.digest())


def write_nar(path: Path | str | bytes, write: Callable[[memoryview], object]) -> None:
    """Pass the NAR of ``path`` to ``write`` in pieces; a piece is valid only during the call."""
    where = os.fsencode(path)
    nar = _Nar(write)
    try:
        nar.tree(where)
        nar.flush()
    except OSError as error:
        name = os.fsdecode(error.filename if error.filename is not None else where)
        raise InputError(f"cannot read {name}: {error.strerror}") from error


def fod_path(name: str, digest: Hash, *, recursive: bool = True, store: str = STORE_DIR) -> str:
    """The store path of a fixed-output derivation's only output.

    ``name`` is the derivation's; ``recursive`` is ``outputHashMode = "recursive"`` (or "nar").
    ValueError if ``name`` is not a store name.
    """
    if not STORE_NAME.match(name):
        raise ValueError(f"{name!r} is not a store name")
    if recursive and digest.algo == "sha256":
        kind, inner = "source", digest.hex
    else:
        text = f"fixed:out:{'r:' if recursive else ''}{digest.algo}:{digest.hex}:"
        kind, inner = "output:out", hashlib.sha256(text.encode()).hexdigest()
    fingerprint = f"{kind}:sha256:{inner}:{store}:{name}"
    folded = bytearray(20)
    for index, byte in enumerate(hashlib.sha256(fingerprint.encode()).digest()):
        folded[index % 20] ^= byte
    return f"{store}/{nix32_encode(bytes(folded))}-{name}"


def _string(data: bytes) -> bytes:
    """NAR's ``str(s)``: length, bytes, zeros to a multiple of eight."""
    return len(data).to_bytes(8, "little") + data + b"\0" * (-len(data) % 8)


def _strings(*parts: bytes) -> bytes:
    return b"".join(_string(part) for part in parts)


_OPEN_DIRECTORY: Final = _strings(b"(", b"type", b"directory")
_ENTRY: Final = _strings(b"entry", b"(", b"name")
_NODE: Final = _strings(b"node")
_CLOSE: Final = _string(b")")
_SYMLINK: Final = _strings(b"(", b"type", b"symlink", b"target")
_FILE: Final = _strings(b"(", b"type", b"regular", b"contents")
_PROGRAM: Final = _strings(b"(", b"type", b"regular", b"executable", b"", b"contents")


_ENDS: Final = tuple(b"\0" * (-size % 8) + _CLOSE for size in range(8))  # padding and end, by size modulo 8
_READ: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class _Nar:
    """A buffer into which files are read and from which ``write`` is fed, so bytes are copied once."""

    def __init__(self, write: Callable[[memoryview], object]) -> None:
        self._write = write
        self._view = memoryview(bytearray(_BUFFER))
        self._at = 0

    def flush(self) -> None:
        """Pass the content of the buffer on."""
        self._write(self._view[: self._at])
        self._at = 0

    def _put(self, data: bytes) -> None:
        while self._at + len(data) > _BUFFER:
            part = _BUFFER - self._at
            self._view[self._at :] = data[:part]
            self._at, data = _BUFFER, data[part:]
            self.flush()
        self._view[self._at : self._at + len(data)] = data
        self._at += len(data)

    def tree(self, path: bytes) -> None:
        """The NAR's parts in order. Not recursive, because the input decides the depth."""
        self._put(_string(b"nix-archive-1"))
        mode = os.lstat(path).st_mode
        if not stat.S_ISDIR(mode):
            self._leaf(path, mode)
            return
        self._put(_OPEN_DIRECTORY)
        stack = [_listing(path)]
        while stack:
            entry = next(stack[-1], None)
            if entry is None:
                stack.pop()
                self._put(_CLOSE + _CLOSE if stack else _CLOSE)
                continue
            self._put(_ENTRY + _string(entry.name) + _NODE)
            if entry.is_file(follow_symlinks=False):  # known from the listing: no lookup
                self._file(entry.path)
                self._put(_CLOSE)
            elif entry.is_dir(follow_symlinks=False):
                self._put(_OPEN_DIRECTORY)
                stack.append(_listing(entry.path))
            else:
                self._leaf(entry.path, os.lstat(entry.path).st_mode)
                self._put(_CLOSE)

    def _leaf(self, path: bytes, mode: int) -> None:
        """The node of anything but a directory."""
        if stat.S_ISLNK(mode):
            self._put(_SYMLINK + _string(os.readlink(path)) + _CLOSE)  # noqa: PTH115 - a path of bytes
        elif stat.S_ISREG(mode):
            self._file(path)
        else:
            raise InputError(
                f"{os.fsdecode(path)} is neither a file, a directory nor a symlink",
                hint="Nix cannot store devices, sockets and named pipes; remove it",
            )

    def _file(self, path: bytes) -> None:
        fd = os.open(path, _READ)
        try:
            facts = os.fstat(fd)
            left = size = facts.st_size
            head = _PROGRAM if facts.st_mode & stat.S_IXUSR else _FILE  # only the owner's bit counts
            self._put(head + size.to_bytes(8, "little"))
            while True:
                if self._at == _BUFFER:
                    self.flush()
                # Ask for one byte more than is left, to notice a file that grows.
                wanted = min(left + 1, _BUFFER - self._at)
                got = os.readv(fd, [self._view[self._at : self._at + wanted]])
                if got > left or (got == 0 and left):
                    raise InputError(
                        f"{os.fsdecode(path)} changed while it was read", hint="run the command again"
                    )
                self._at += got
                left -= got
                if left == 0 and got < wanted:
                    break
            self._put(_ENDS[size % 8])
        finally:
            os.close(fd)


def _listing(path: bytes) -> Iterator[os.DirEntry[bytes]]:
    with os.scandir(path) as entries:
        return iter(sorted(entries, key=lambda entry: entry.name))  # byte order, no locale
