"""Unpack brotli, for a channel's ``packages.json.br``: https://www.rfc-editor.org/rfc/rfc7932.

The library is an optional dependency (``uvlock2nix[channel]``), imported only when needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Final

from uvlock2nix.errors import InputError, ToolError

MAX_UNPACKED: Final = 4 << 30
PIECE: Final = 1 << 20
# Without a limit on the output, a few bytes of input may give 16 MiB (RFC 7932, MLEN).
SMALL: Final = 64


def unpack(chunks: Iterable[bytes], most: int = MAX_UNPACKED) -> Iterator[bytes]:
    """The unpacked bytes of a brotli stream, in pieces of about a megabyte.

    JSON that is already unpacked (by the server or by hand) is passed through.

    Raises:
        ToolError: the library is not installed.
        InputError: the stream is damaged or truncated, or unpacks to more than 4 GiB.
    """
    total = 0
    for piece in _unpack(iter(chunks)):
        total += len(piece)
        if total > most:
            raise InputError("the channel's file unpacks to more than 4 GiB")
        yield piece


def _unpack(chunks: Iterator[bytes]) -> Iterator[bytes]:
    first = next(chunks, b"")
    if first[:1] == b"{" and first[1:64].lstrip()[:1] in (b'"', b"}"):
        return chain((first,), chunks)
    try:
        import brotli
    except ImportError:
        raise ToolError(
            "a channel's packages.json.br needs the Python module brotli, which is not installed",
            hint="install uvlock2nix[channel] (in nixpkgs: python3Packages.brotli), or create the index with "
            "Nix: `uvlock2nix index update --nixpkgs …`",
        ) from None
    return _by_library(brotli.Decompressor(), brotli.error, chain((first,), chunks))


def _by_library(work: Any, error: type[Exception], chunks: Iterable[bytes]) -> Iterator[bytes]:
    limited = hasattr(work, "can_accept_more_data")  # since 1.2
    try:
        for chunk in chunks:
            for start in range(0, len(chunk), PIECE if limited else SMALL):
                if work.is_finished():
                    raise InputError("the channel's file is not valid brotli: data follows its end")
                yield from _pieces(work, chunk[start : start + (PIECE if limited else SMALL)], limited)
    except error as problem:
        raise InputError(
            f"the channel's file is not valid brotli: {problem}",
            hint="it must be a packages.json or packages.json.br; fetch it again",
        ) from problem
    if not work.is_finished():
        raise InputError("the channel's file is truncated", hint="fetch it again")


def _pieces(work: Any, data: bytes, limited: bool) -> Iterator[bytes]:
    process: Callable[..., bytes] = work.process
    if not limited:
        yield process(data)
        return
    yield process(data, output_buffer_limit=PIECE)
    while not work.can_accept_more_data():
        yield process(b"", output_buffer_limit=PIECE)
