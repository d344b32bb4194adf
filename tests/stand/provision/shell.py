"""Small services for the provisioner: messages, timing, running programs, atomic files."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path


class StandError(Exception):
    """Something that the user can mend: `message` says what, `hint` says how."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def say(text: str) -> None:
    """One line of progress, on stderr: stdout carries nothing but results."""
    sys.stderr.write(f"stand: {text}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long a part took, also when it fails."""
    start = time.monotonic()
    try:
        yield
    finally:
        say(f"{what}: {time.monotonic() - start:.1f} s")


def run(argv: Sequence[str | Path], *, log: Path | None = None, env: Mapping[str, str] | None = None) -> None:
    """Run a program; its output goes to `log` (or away) and its tail into the error when it fails."""
    done = subprocess.run(
        [str(part) for part in argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=None if env is None else dict(env),
        check=False,
    )
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            file.write(done.stdout)
    if done.returncode != 0:
        tail = "\n".join(done.stdout.decode(errors="replace").splitlines()[-15:])
        where = f" (whole output: {log})" if log else ""
        raise StandError(
            f"`{' '.join(map(str, argv[:4]))} …` ended with {done.returncode}:\n{tail}", f"see above{where}"
        )


def write_atomic(path: Path, text: str) -> None:
    """Write `text` so that readers see the old file or the new one, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def write_json(path: Path, value: object) -> None:
    write_atomic(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


def digest(*parts: str | bytes) -> str:
    """sha256 over length-prefixed parts, so that no two part lists collide."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "little") + data)
    return state.hexdigest()


def file_bytes(path: Path) -> bytes:
    """The file's bytes, or nothing when there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
