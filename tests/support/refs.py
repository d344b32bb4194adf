"""Store paths, ELF files and trees for the tests of refs: made here, so that no compiler is needed."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

from uvlock2nix.refs.store import ALPHABET, StorePath


def store_path(name: str, seed: str = "1") -> StorePath:
    """A store path of that name; its hash depends only on the two arguments."""
    value = int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest(), "big")
    return StorePath(hash=bytes(ALPHABET[value >> 5 * i & 31] for i in range(32)).decode(), name=name)


class Strings:
    """A string table; with ``merge`` strings share their ends, as linkers let them."""

    def __init__(self, *, merge: bool) -> None:
        self.data = b"\0"
        self._merge = merge
        self._at: dict[bytes, int] = {b"": 0}

    def add(self, text: bytes) -> int:
        if text not in self._at:
            at = self.data.find(text + b"\0") if self._merge else -1
            if at < 0:
                at = len(self.data)
                self.data += text + b"\0"
            self._at[text] = at
        return self._at[text]


def make_elf(
    *,
    bits: int = 64,
    order: str = "<",
    machine: int = 62,
    kind: int = 3,
    runpath: bytes | None = None,
    rpath: bytes | None = None,
    needed: Sequence[bytes] = (),
    soname: bytes | None = None,
    symbols: Sequence[bytes] = (),
    interpreter: bytes | None = None,
    rodata: bytes = b"",
    merge: bool = False,
    gnu_hash: bool = False,
    versions: Sequence[tuple[bytes, Sequence[bytes]]] = (),
) -> bytes:
    """A small, valid ELF image with what the dynamic loader reads, one PT_LOAD at address 0, no sections.

    ``versions``: needed symbol versions, (library, names). Long strings go into the table first, so that with
    ``merge`` later ones can be their ends.
    """
    word = "I" if bits == 32 else "Q"
    strings = Strings(merge=merge)
    for text in sorted((t for t in (runpath, rpath, soname, *needed, *symbols) if t), key=len, reverse=True):
        strings.add(text)
    for library, names in versions:
        for text in (library, *names):
            strings.add(text)
    interp = interpreter + b"\0" if interpreter is not None else b""
    count = 3 if interpreter is not None else 2
    at = (52 + 32 * count) if bits == 32 else (64 + 56 * count)
    blobs: list[bytes] = []

    def put(blob: bytes, align: int = 8) -> int:
        nonlocal at
        pad = -at % align
        blobs.append(b"\0" * pad + blob)
        start = at + pad
        at = start + len(blob)
        return start

    interp_at = put(interp, 1)
    dynsym = _symbols(strings, symbols, bits, order)
    if gnu_hash:
        bloom = struct.pack(order + word, (1 << bits) - 1)
        chain = [2 * n + (n == len(symbols) - 1) for n in range(len(symbols))]
        table = struct.pack(order + "IIII", 1, 1, 1, 0) + bloom
        table += struct.pack(order + "I", 1 if symbols else 0) + struct.pack(f"{order}{len(chain)}I", *chain)
    else:
        table = struct.pack(order + "IIII", 1, len(symbols) + 1, 0, 0) + b"\0" * 4 * len(symbols)
    hash_at = put(table)
    dynsym_at = put(dynsym)
    verneed_at = put(_versions(strings, versions, order)) if versions else 0
    dynstr_at = put(strings.data, 1)
    entries: list[tuple[int, int]] = [(1, strings.add(name)) for name in needed]
    if soname is not None:
        entries.append((14, strings.add(soname)))
    if rpath is not None:
        entries.append((15, strings.add(rpath)))
    if runpath is not None:
        entries.append((29, strings.add(runpath)))
    entries += [(0x6FFFFEF5 if gnu_hash else 4, hash_at), (5, dynstr_at), (6, dynsym_at)]
    entries += [(10, len(strings.data)), (11, 16 if bits == 32 else 24)]
    if versions:
        entries += [(0x6FFFFFFE, verneed_at), (0x6FFFFFFF, len(versions))]
    dynamic = b"".join(struct.pack(order + word * 2, tag, value) for tag, value in [*entries, (0, 0)])
    dynamic_at = put(dynamic)
    put(rodata, 1)
    size = at
    headers = [(1, 0, size), (2, dynamic_at, len(dynamic))]
    if interpreter is not None:
        headers.append((3, interp_at, len(interp)))
    return _headers(bits, order, machine, kind, headers) + b"".join(blobs)


def _headers(
    bits: int, order: str, machine: int, kind: int, headers: Iterable[tuple[int, int, int]]
) -> bytes:
    headers = list(headers)
    ident = b"\x7fELF" + bytes([bits // 32, 1 if order == "<" else 2, 1]) + b"\0" * 9
    word = "I" if bits == 32 else "Q"
    start, entry = (52, 32) if bits == 32 else (64, 56)
    head = struct.pack(
        f"{order}HHI{word * 3}IHHHHHH", kind, machine, 1, 0, start, 0, 0, start, entry, len(headers), 0, 0, 0
    )
    rows = b""
    for sort, offset, size in headers:
        if bits == 32:
            rows += struct.pack(order + "8I", sort, offset, offset, offset, size, size, 6, 8)
        else:
            rows += struct.pack(order + "IIQQQQQQ", sort, 6, offset, offset, offset, size, size, 8)
    return ident + head + rows


def _symbols(strings: Strings, names: Sequence[bytes], bits: int, order: str) -> bytes:
    rows = b""
    for index in [0, *(strings.add(name) for name in names)]:
        if bits == 32:
            rows += struct.pack(order + "IIIBBH", index, 0, 0, 0x12, 0, 0)
        else:
            rows += struct.pack(order + "IBBHQQ", index, 0x12, 0, 0, 0, 0)
    return rows


def _versions(strings: Strings, versions: Sequence[tuple[bytes, Sequence[bytes]]], order: str) -> bytes:
    table = b""
    for number, (library, names) in enumerate(versions):
        size = 16 + 16 * len(names)
        following = size if number + 1 < len(versions) else 0
        table += struct.pack(order + "HHIII", 1, len(names), strings.add(library), 16, following)
        for index, name in enumerate(names):
            step = 16 if index + 1 < len(names) else 0
            table += struct.pack(order + "IHHII", 0, 0, 2 + index, strings.add(name), step)
    return table


def snapshot(tree: Path) -> dict[str, tuple[str, int, bytes]]:
    """Path → (kind, mode, content or target) of everything in a tree."""
    found: dict[str, tuple[str, int, bytes]] = {}
    for path in sorted(tree.rglob("*")):
        name = path.relative_to(tree).as_posix()
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            found[name] = ("link", 0, os.readlink(os.fsencode(path)))  # noqa: PTH115 - byte for byte
        elif stat.S_ISDIR(status.st_mode):
            found[name] = ("dir", stat.S_IMODE(status.st_mode), b"")
        else:
            found[name] = ("file", stat.S_IMODE(status.st_mode), path.read_bytes())
    return found


def record_line(path: str, content: bytes) -> str:
    """A RECORD line with hash and size."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(content)}\n"
