"""A file at a URL, of which only the ranges that are read are fetched."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

from uvlock2nix.errors import InputError, NetworkError
from uvlock2nix.net.fetch import Fetcher
from uvlock2nix.net.urls import shown_url


@dataclass(frozen=True, slots=True)
class Parts:
    """How to read a file: sizes in bytes, other numbers in blocks.

    ``kept`` blocks are cached; sequential reading fetches up to ``ahead`` at a time. ``tail`` bytes are
    fetched first; ``most`` is the limit for the total.
    """

    block: int = 1 << 20
    kept: int = 16
    ahead: int = 8
    tail: int = 1 << 16
    most: int = 4 << 30


USUAL: Final = Parts()


class RemoteFile(io.RawIOBase):
    """A seekable file over ranges of a URL; memory does not depend on its size."""

    def __init__(self, fetcher: Fetcher, url: str, parts: Parts = USUAL) -> None:
        """Fetch the end of the file (of a wheel, usually its table of contents). Raises NetworkError."""
        super().__init__()
        self._fetcher = fetcher
        self._url = url
        self._parts = parts
        self._tail, self._size = fetcher.part(url, -parts.tail, 0)
        self._tail_start = self._size - len(self._tail)
        self._blocks: dict[int, bytes] = {}
        self._next, self._ahead = -1, 1
        self._position = 0
        self._fetched = len(self._tail)

    def readable(self) -> bool:
        """As for a binary file: yes."""
        return True

    def seekable(self) -> bool:
        """As for a binary file: yes."""
        return True

    def tell(self) -> int:
        """As for a binary file."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As for a binary file; nothing is fetched."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        """As for a binary file; fetches missing blocks."""
        end = self._size if size is None or size < 0 else min(self._size, self._position + size)
        if self._position >= end:
            return b""
        if self._position >= self._tail_start:
            data = self._tail[self._position - self._tail_start : end - self._tail_start]
        else:
            first, last = self._position // self._parts.block, (end - 1) // self._parts.block
            joined = b"".join(self._block(number) for number in range(first, last + 1))
            start = self._position - first * self._parts.block
            data = joined[start : start + end - self._position]
        self._position += len(data)
        return data

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            # Sequential reads fetch more and more blocks at a time; other reads fetch one.
            self._ahead = min(self._ahead * 2, self._parts.ahead) if number == self._next else 1
            self._load(number, self._ahead)
        return self._blocks[number]

    def _load(self, number: int, count: int) -> None:
        start = number * self._parts.block
        length = min(self._parts.block * count, self._size - start)
        self._fetched += length
        if self._fetched > self._parts.most:
            raise InputError("too much of it would have to be fetched")
        data, size = self._fetcher.part(self._url, start, length)
        if size != self._size:
            raise NetworkError(f"{shown_url(self._url)}: it changed while it was read")
        if len(data) != length:
            raise NetworkError(f"{shown_url(self._url)}: the connection was closed too early")
        for at in range(0, length, self._parts.block):
            self._blocks[number + at // self._parts.block] = data[at : at + self._parts.block]
        self._next = number + count
        while len(self._blocks) > self._parts.kept:
            del self._blocks[next(iter(self._blocks))]
