"""Unpacking brotli: by the Python module where there is one, else by the program ``brotli``.

Neither is a dependency: only ``index update --channel`` needs it.
"""

from __future__ import annotations

import contextlib
import importlib
import subprocess
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Final

from uvlock2nix.errors import InputError, ToolError

MAX_UNPACKED: Final = 4 << 30
CHUNK: Final = 1 << 20


def unpack(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The unpacked bytes of a brotli stream, in pieces.

    Raises:
        ToolError: there is nothing here that can unpack brotli.
        InputError: the stream is damaged, or unpacks to more than 4 GiB.
    """
    total = 0
    for piece in _unpack(chunks):
        total += len(piece)
        if total > MAX_UNPACKED:
            raise InputError("the channel's file unpacks to more than 4 GiB")
        yield piece


def _unpack(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for name in ("brotli", "brotlicffi"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        return _by_module(module, chunks)
    return _by_program(chunks)


def _by_module(module: Any, chunks: Iterable[bytes]) -> Iterator[bytes]:
    decompressor = module.Decompressor()
    process = getattr(decompressor, "process", None) or decompressor.decompress
    try:
        for chunk in chunks:
            yield process(chunk)
    except module.error as error:
        raise InputError(f"the channel's file is not good brotli: {error}") from error


def _by_program(chunks: Iterable[bytes]) -> Iterator[bytes]:
    try:
        process = subprocess.Popen(
            ["brotli", "--decompress", "--stdout"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise ToolError(
            "a channel's packages.json.br needs brotli, which is not here",
            hint="`nix-shell -p brotli`, `pip install brotli`, or make the index with Nix: --nixpkgs …",
        ) from None
    with process:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both are pipes")
        stdin, problems = process.stdin, list[BaseException]()

        def feed() -> None:
            try:
                for chunk in chunks:
                    stdin.write(chunk)
            except BrokenPipeError:
                pass
            except BaseException as error:  # raised again by the reader, in its thread
                problems.append(error)
            finally:
                # Closing writes what is buffered: a program that is gone breaks the pipe here too.
                with contextlib.suppress(OSError, ValueError):
                    stdin.close()

        feeder = threading.Thread(target=feed, daemon=True)
        feeder.start()
        while piece := process.stdout.read(CHUNK):
            yield piece
        feeder.join()
        if problems:
            raise problems[0]
        if process.wait() != 0:
            raise InputError("the channel's file is not good brotli")
