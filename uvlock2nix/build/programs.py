"""Run external programs, and keep their output for error messages."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from uvlock2nix.endings import FULL_DISK, ended, hint_for, is_full
from uvlock2nix.errors import NetworkError, ToolError
from uvlock2nix.net.urls import shown_text
from uvlock2nix.printable import printable
from uvlock2nix.regex import regex

TAIL: Final = 40
_TRACEBACK: Final = "Traceback (most recent call last):"
_LINE: Final = 1000
# The end of the output is kept: a build backend may print anything, forever.
KEPT: Final = 4 << 20
# What uv, git and pip-like programs print without a network, but not if only a file is missing.
_CUT_SIGNS: Final = (
    "request or response body error",
    "error reading a body from connection",
    "connection reset",
    "operation timed out",
    "early eof",
    "the remote end hung up",
)
NETWORK_SIGNS: Final = (
    *_CUT_SIGNS,
    "dns error",
    "failed to lookup address",
    "temporary failure in name resolution",
    "could not resolve host",
    "connection refused",
    "network is unreachable",
    "error sending request",
    "failed to connect to",
)
LOGIN_SIGNS: Final = (
    "401 unauthorized", "403 forbidden", "authentication failed for", "could not read username"
)  # fmt: skip
CRATE_SIGNS: Final = (
    "no matching package named",
    "--offline was specified",
    "failed to select a version for",
)
_WANTS_PIP: Final = regex(r"-m pip install ([A-Za-z0-9][A-Za-z0-9._-]*)")
_MISSING_MODULE: Final = regex(r"no module named ['\"]?([\w.]+)", re.IGNORECASE)


@dataclass(slots=True)
class Runner:
    """Runs programs; it is thread-safe. ``said`` has all progress lines."""

    quiet: bool = False
    said: list[str] = field(default_factory=list)
    grace: float = 5.0
    cause: BaseException | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: set[subprocess.Popen[bytes]] = field(default_factory=set)
    _stopped: bool = False

    def say(self, text: str) -> None:
        """Print a line of progress to stderr, and keep it in ``said``; names in it must not forge lines."""
        text = printable(text)
        self.said.append(text)
        if not self.quiet:
            with self._lock:
                print(text, file=sys.stderr, flush=True)  # noqa: T201 - the build log is our only reader

    def stop(self, cause: BaseException | None = None) -> None:
        """End the running programs and let no other start, because one has failed.

        The first ``cause`` is kept.
        """
        with self._lock:
            first = not self._stopped
            self._stopped = True
            self.cause = self.cause or cause
        self._signal(signal.SIGTERM)
        if first:
            # For those that ignore SIGTERM; a daemon, so that it does not delay the exit.
            timer = threading.Timer(self.grace, self._signal, [signal.SIGKILL])
            timer.daemon = True
            timer.start()

    def _signal(self, number: signal.Signals) -> None:
        with self._lock:
            running = tuple(self._running)
        for process in running:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)

    def __call__(self, argv: Sequence[str], *, what: str, env: Mapping[str, str], cwd: Path) -> str:
        """Run ``argv``; return its output (both streams), of more than ``KEPT`` bytes the end.

        Raises:
            ToolError: it is missing or failed; the message has ``what`` and its last lines.
            NetworkError: it failed and its output shows that the network is the reason.
        """
        with self._lock:
            if self._stopped:
                raise ToolError(
                    f"{what}: not started, because a different step failed", hint="see the other error"
                )
            try:
                process = subprocess.Popen(
                    list(argv),
                    env=dict(env),
                    cwd=cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                why = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be run: {error}"
                raise ToolError(
                    f"{what}: the program `{argv[0]}` {why}",
                    hint="inside Nix the hook provides it; outside, install it and add it to PATH",
                ) from None
            self._running.add(process)
        try:
            output = _end_of(process)
        except BaseException:
            self.stop()
            raise
        finally:
            with self._lock:
                self._running.discard(process)
        if process.returncode:
            raise failure(what, argv, process.returncode, output)
        return output


def _end_of(process: subprocess.Popen[bytes]) -> str:
    """What a program prints until it ends."""
    if process.stdout is None:
        raise AssertionError("it is a pipe")
    kept = bytearray()
    with process.stdout as stream:
        while data := os.read(stream.fileno(), 1 << 16):
            kept += data
            if len(kept) > 2 * KEPT:
                del kept[:-KEPT]
    process.wait()
    text = bytes(kept[-KEPT:]).decode("utf-8", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def failure(what: str, argv: Sequence[str], code: int, output: str) -> ToolError | NetworkError:
    """The error for a program that exited with ``code``."""
    lines = shown_text(output).strip().splitlines()
    shown = "\n".join(f"  | {line[:_LINE]}" for line in telling(lines))
    # An inline script does not help the reader.
    shown_argv = [word for word in argv[1:3] if "\n" not in word]
    message = f"{what}: `{Path(argv[0]).name} {' '.join(shown_argv)} …` {ended(code)}\n{shown}"
    low = output.lower()
    if any(sign in low for sign in NETWORK_SIGNS):
        if any(sign in low for sign in _CUT_SIGNS):
            return NetworkError(message, hint="the connection was cut in the middle: run the command again")
        return NetworkError(
            message,
            hint="the build needs the network: in Nix only a fixed-output derivation has it; behind a proxy "
            "set http_proxy and https_proxy for the Nix daemon",
        )
    return ToolError(message, hint=hint_for(code) or build_hint(output))


def telling(lines: Sequence[str]) -> Sequence[str]:
    """The last lines of an output; of a backend's traceback its end, and what was printed before it.

    A compiler that a backend runs says there what is wrong, the traceback only that it was run.
    """
    start = next((at for at in reversed(range(len(lines))) if lines[at].strip() == _TRACEBACK), None)
    if start is None or len(lines) - start <= TAIL // 2:
        return lines[-TAIL:]
    end = TAIL // 4
    return [*lines[max(0, start - TAIL + end) : start], "…", *lines[-end:]]


def build_hint(output: str) -> str:
    """What to do about a failed build, from the output of the compiler or the backend."""
    low = output.lower()
    if is_full(output):
        return FULL_DISK
    if any(sign in low for sign in LOGIN_SIGNS):
        return (
            "the index or the repository requires credentials: set UV_INDEX_<NAME>_USERNAME and"
            " _PASSWORD (in Nix, "
            "for the daemon) for a named index, else a netrc file"
        )
    if wants := _WANTS_PIP.search(output):
        return (
            f"the backend would install `{wants[1]}`, which is not possible in this build:"
            " set build-requires = "
            f'["{wants[1]}"] under [tool.uvlock2nix.native.<package>] and run `uvlock2nix generate` again'
        )
    if any(sign in low for sign in CRATE_SIGNS):
        return (
            "cargo has no network access here, and Cargo.lock does not list all crates: run "
            "`cargo generate-lockfile` next to Cargo.toml and run `uvlock2nix generate` again"
        )
    if missing := _MISSING_MODULE.search(output):
        return (
            f"the build needs the Python module `{missing[1]}`, which the package does not declare: add its "
            "requirement under [tool.uvlock2nix.native.<package>] build-requires and run"
            " `uvlock2nix generate` again"
        )
    if "fatal error:" in low or "cannot find -l" in low or "was not found in the pkg-config" in low:
        return (
            "a header or a library is missing: add the nixpkgs attribute that has it under "
            "[tool.uvlock2nix.native.<package>] build-inputs and run `uvlock2nix generate` again"
        )
    if "exclude-newer" in low or "was published after the exclude newer time" in low:
        return (
            "a build requirement is newer than the lock: set [tool.uvlock2nix] exclude-newer to a later time"
        )
    return "the lines above are the end of the program's output"
