"""The port that runs every external program, and its implementation."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Final, Protocol

from uvlock2nix.errors import ToolError

_LINE: Final = 256 * 1024  # longer lines are cut: a builder may print anything
_OUTPUT: Final = 32 * 1024 * 1024
_PR_SET_PDEATHSIG: Final = 1
_PATIENCE: Final = 10.0  # seconds for nix to end its builders after a Ctrl-C
INSTALL_HINT: Final = (
    "install Nix (https://nixos.org/download), or compute the hash without it: `update-hash --no-nix`"
)


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended: its exit code (negative: by that signal) and its standard output."""

    code: int
    stdout: str


class Runner(Protocol):
    """Runs a program to its end."""

    def run(
        self,
        argv: Sequence[str],
        on_line: Callable[[str], None],
        *,
        env: Mapping[str, str] | None = None,
    ) -> Ran:
        """Run ``argv``; every line of its standard error is passed to ``on_line`` at once.

        ``env`` is added to our own environment. ToolError if there is no such program.
        """
        ...


class SystemRunner:
    """Runs programs on this machine. On an interrupt, the program is interrupted too, and waited for."""

    def run(
        self,
        argv: Sequence[str],
        on_line: Callable[[str], None],
        *,
        env: Mapping[str, str] | None = None,
    ) -> Ran:
        """Run a program to its end; each line of its standard error is passed to ``on_line``."""
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **(env or {})},
                preexec_fn=_end_with_parent(),  # noqa: PLW1509 - no thread runs here
            )
        except FileNotFoundError:
            raise ToolError(f"{argv[0]} is not installed, or not in PATH", hint=INSTALL_HINT) from None
        except OSError as error:
            raise ToolError(f"cannot run {argv[0]}: {error.strerror}") from error
        with process:
            try:
                stdout = _pump(process, on_line)
                code = process.wait()
            except BaseException:
                _end(process)
                raise
        return Ran(code, stdout.decode("utf-8", "replace"))


def _end_with_parent() -> Callable[[], None] | None:
    """What a child runs first, so that it ends when we are killed; only on Linux."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes  # slow to import (10 ms), and not needed without Nix

    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return None
    parent = os.getpid()

    def first() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # killed in between
            os._exit(1)

    return first


def _pump(process: subprocess.Popen[bytes], on_line: Callable[[str], None]) -> bytes:
    """Read both pipes until they are closed; return standard output."""
    if process.stdout is None or process.stderr is None:
        raise AssertionError("both are pipes")
    stdout = bytearray()
    lines = _Lines(on_line)
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, stdout.extend)
        selector.register(process.stderr, selectors.EVENT_READ, lines.feed)
        while selector.get_map():
            for key, _ in selector.select():
                file: IO[bytes] = key.fileobj  # type: ignore[assignment]
                data = os.read(file.fileno(), 65536)
                if not data:
                    selector.unregister(file)
                    continue
                key.data(data)
                if len(stdout) > _OUTPUT:
                    raise ToolError(f"{process.args!r} printed more than {_OUTPUT} bytes")
    lines.end()
    return bytes(stdout)


class _Lines:
    """Splits a byte stream into lines of text; longer lines are cut at ``_LINE`` bytes."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take a piece of output; pass complete lines on."""
        *whole, rest = (self._rest + data).split(b"\n")
        self._rest = rest[:_LINE]
        for line in whole:
            self._on_line(line[:_LINE].decode("utf-8", "replace"))

    def end(self) -> None:
        """Pass the last, incomplete line on."""
        if self._rest:
            self._on_line(self._rest.decode("utf-8", "replace"))
            self._rest = b""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a running program: interrupt it as Ctrl-C does, then kill it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            continue
        except KeyboardInterrupt:
            continue  # a second Ctrl-C: go on to the next signal
