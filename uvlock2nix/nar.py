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
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uvlock2nix.errors import InputError

NIX32_ALPHABET: Final = "0123456789abcdfghijklmnpqrsvwxyz"  # no e, o, u, t
DIGEST_SIZES: Final = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64}
STORE_DIR: Final = "/nix/store"
STORE_NAME: Final = re.compile(r"[0-9a-zA-Z+\-._?=]{1,211}\Z")

_NIX32_VALUE: Final = {char: value for value, char in enumerate(NIX32_ALPHABET)}
_CHUNK: Final = 512 * 1024  # bytes hashed at once: big enough for the GIL to be let go, small enough for L2


@dataclass(frozen=True, slots=True)
class Hash:
    """A digest with its algorithm (a key of ``DIGEST_SIZES``)."""

    algo: str
    digest: bytes

    def __post_init__(self) -> None:
        if DIGEST_SIZES.get(self.algo) != len(self.digest):
            raise ValueError(f"{len(self.digest)} bytes are no {self.algo} digest")

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
        return self.digest.hex()


def nix32_encode(data: bytes) -> str:
    """Nix's base-32 of ``data``: 52 characters for 32 bytes, the last bits first."""
    value = int.from_bytes(data, "little")
    length = (len(data) * 8 - 1) // 5 + 1 if data else 0
    return "".join(NIX32_ALPHABET[(value >> (5 * i)) & 31] for i in range(length - 1, -1, -1))


def nix32_decode(text: str, size: int) -> bytes:
    """The ``size`` bytes that ``text`` stands for; ValueError where it is not their one spelling."""
    value = 0
    for char in text:
        if char not in _NIX32_VALUE:
            raise ValueError(f"{char!r} is not a nix32 character")
        value = value << 5 | _NIX32_VALUE[char]
    if len(text) != (size * 8 - 1) // 5 + 1 or value >> (size * 8):
        raise ValueError(f"{text!r} is not the nix32 form of {size} bytes")
    return value.to_bytes(size, "little")


def parse_hash(text: str, algo: str | None = None) -> Hash:
    """Read every spelling that Nix takes: SRI, ``algo:…`` and, when ``algo`` is given, a bare digest.

    The digest may be hexadecimal, nix32 or base64; its length says which. ValueError with the reason
    otherwise, also where the algorithm differs from ``algo``.
    """
    match = re.fullmatch(r"([a-z0-9]+)([:-])(.*)", text.strip(), re.DOTALL)
    body, sri = text.strip(), False
    if match and match[1] in DIGEST_SIZES:
        if algo is not None and match[1] != algo:
            raise ValueError(f"{text!r} is a {match[1]} hash, not {algo}")
        algo, body, sri = match[1], match[3], match[2] == "-"
    if algo not in DIGEST_SIZES:
        raise ValueError(f"{text!r} names no hash algorithm that Nix knows")
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


# What lib.fakeHash is: a hash that nothing has.
FAKE_HASH: Final = Hash("sha256", bytes(32))


def nar_hash(path: Path | str | bytes) -> Hash:
    """The SHA-256 of the NAR of ``path``: a file, symbolic link or directory.

    Memory does not depend on the size of the tree's files: one directory listing per level and a few
    chunks are held. InputError where something cannot be read, is neither file, directory nor link, or
    changes while it is read.
    """
    hasher = hashlib.sha256()
    for chunk in nar_chunks(path):
        hasher.update(chunk)
    return Hash("sha256", hasher.digest())


def nar_chunks(path: Path | str | bytes) -> Iterator[bytes]:
    """The NAR of ``path`` as a stream of chunks of about half a mebibyte."""
    waiting: list[bytes] = []
    size = 0
    for piece in _pieces(os.fsencode(path)):
        waiting.append(piece)
        size += len(piece)
        if size >= _CHUNK:
            yield b"".join(waiting) if len(waiting) > 1 else piece
            waiting, size = [], 0
    yield b"".join(waiting)


def fod_path(name: str, digest: Hash, *, recursive: bool = True, store: str = STORE_DIR) -> str:
    """The store path of a fixed-output derivation's only output.

    ``name`` is the derivation's; ``recursive`` is ``outputHashMode = "recursive"`` (or "nar").
    ValueError where ``name`` is not a store name.
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
    return struct.pack("<Q", len(data)) + data + b"\0" * (-len(data) % 8)


def _strings(*parts: bytes) -> bytes:
    return b"".join(_string(part) for part in parts)


_OPEN_DIRECTORY: Final = _strings(b"(", b"type", b"directory")
_ENTRY: Final = _strings(b"entry", b"(", b"name")
_NODE: Final = _strings(b"node")
_CLOSE: Final = _string(b")")
_SYMLINK: Final = _strings(b"(", b"type", b"symlink", b"target")
_FILE: Final = _strings(b"(", b"type", b"regular", b"contents")
_PROGRAM: Final = _strings(b"(", b"type", b"regular", b"executable", b"", b"contents")


def _pieces(path: bytes) -> Iterator[bytes]:
    """The NAR's parts in order. A stack and no recursion: depth is the input's to choose."""
    try:
        yield _string(b"nix-archive-1")
        mode = os.lstat(path).st_mode
        if not stat.S_ISDIR(mode):
            yield from _leaf(path, mode)
            return
        yield _OPEN_DIRECTORY
        stack = [_listing(path)]
        while stack:
            entry = next(stack[-1], None)
            if entry is None:
                stack.pop()
                yield _CLOSE + _CLOSE if stack else _CLOSE
                continue
            yield _ENTRY + _string(entry.name) + _NODE
            if entry.is_dir(follow_symlinks=False):
                yield _OPEN_DIRECTORY
                stack.append(_listing(entry.path))
            else:
                yield from _leaf(entry.path, None)
                yield _CLOSE
    except OSError as error:
        where = os.fsdecode(error.filename if error.filename is not None else path)
        raise InputError(f"cannot read {where}: {error.strerror}") from error


def _listing(path: bytes) -> Iterator[os.DirEntry[bytes]]:
    with os.scandir(path) as entries:
        return iter(sorted(entries, key=lambda entry: entry.name))  # byte order, no locale


def _leaf(path: bytes, mode: int | None) -> Iterator[bytes]:
    """A file's or symbolic link's node; ``mode`` None when it has not been looked up."""
    if mode is None:
        mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        yield _SYMLINK + _string(os.readlink(path)) + _CLOSE  # noqa: PTH115 - a path of bytes
    elif stat.S_ISREG(mode):
        yield from _regular(path)
    else:
        raise InputError(
            f"{os.fsdecode(path)} is neither a file, a directory nor a symbolic link",
            hint="Nix cannot hold devices, sockets and named pipes; remove it",
        )


def _regular(path: bytes) -> Iterator[bytes]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        facts = os.fstat(fd)
        size = facts.st_size
        head = _PROGRAM if facts.st_mode & stat.S_IXUSR else _FILE  # only the owner's bit counts
        yield head + struct.pack("<Q", size)
        left = size
        while left > 0:
            chunk = os.read(fd, min(left, _CHUNK))
            if not chunk:
                break
            left -= len(chunk)
            yield chunk
        if left or os.fstat(fd).st_size != size:
            raise InputError(f"{os.fsdecode(path)} changed while it was read", hint="run the command again")
        yield b"\0" * (-size % 8) + _CLOSE
    finally:
        os.close(fd)
