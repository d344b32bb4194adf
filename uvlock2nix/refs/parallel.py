"""Several cores, if it is worth it: scan many files, and threads for other work."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from uvlock2nix.errors import RefsError
from uvlock2nix.refs.scan import Entry, Hit, Scanner

if TYPE_CHECKING:
    from concurrent.futures import Executor

# Below this size, a second process costs more than it saves.
_WORTH_IT: Final = 64 << 20
_PER_FILE: Final = 1 << 14  # opening a file costs about as much as scanning 16 KiB
_MOST_WORKERS: Final = 8


def scan_files(
    tree: Path, entries: Sequence[Entry], scanner: Scanner, workers: int | None = None
) -> list[Sequence[Hit]]:
    """The hits of each file, in the order of ``entries``; :class:`RefsError` if one cannot be read.

    ``workers``: the number of processes; by default, depending on the cores and the size.
    """
    if workers is None:
        workers = worth(sum(entry.size for entry in entries))
    if workers < 2:
        return [scanner.in_path(f"{tree}/{entry.path}", entry.size) or () for entry in entries]
    shares = _shares(entries, workers)
    found: list[Sequence[Hit]] = [()] * len(entries)
    children = [_start(tree, entries, share, scanner) for share in shares[1:]]
    try:
        _scan(tree, entries, shares[0], scanner, found)
    finally:
        answers = [_collect(child, pipe) for child, pipe in children]
    for answer in answers:
        if isinstance(answer, RefsError):
            raise answer
        for number, hits in answer:
            found[number] = [Hit(offset, text) for offset, text in hits]
    return found


def worth(size: int) -> int:
    """The number of processes for a scan of that many bytes on this machine."""
    # Darwin's system libraries are not safe to fork.
    return 1 if sys.platform == "darwin" else min(cores(), _MOST_WORKERS, 1 + size // _WORTH_IT)


def cores() -> int:
    """How many processes may run: the build's cores in Nix, else those available to us."""
    allowed = os.environ.get("NIX_BUILD_CORES", "")
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(there, int(allowed)) if allowed.isdecimal() and int(allowed) > 0 else there


@contextmanager
def threads() -> Iterator[Executor]:
    """A thread for each core: for calls of patchelf, of which there may be hundreds, and copies of large
    files. None starts after a failure.
    """
    from concurrent.futures import ThreadPoolExecutor  # slow to import

    pool = ThreadPoolExecutor(max_workers=cores())
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _shares(entries: Sequence[Entry], workers: int) -> list[list[int]]:
    """The file numbers for each worker, with about the same number of bytes."""
    shares: list[list[int]] = [[] for _ in range(workers)]
    loads = [0] * workers
    for number in sorted(range(len(entries)), key=lambda number: -entries[number].size):
        least = loads.index(min(loads))
        shares[least].append(number)
        loads[least] += entries[number].size + _PER_FILE
    return [sorted(share) for share in shares]


def _scan(
    tree: Path, entries: Sequence[Entry], share: Sequence[int], scanner: Scanner, found: list[Sequence[Hit]]
) -> None:
    for number in share:
        entry = entries[number]
        # Of most files there is nothing to keep.
        found[number] = scanner.in_path(f"{tree}/{entry.path}", entry.size) or ()


_Answer = list[tuple[int, list[tuple[int, str]]]] | RefsError


def _start(tree: Path, entries: Sequence[Entry], share: Sequence[int], scanner: Scanner) -> tuple[int, int]:
    """Start a child for ``share``; returns (its process id, where its answer can be read)."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    code = 1
    try:
        os.close(reading)
        answer: _Answer
        try:
            found: list[Sequence[Hit]] = [()] * len(entries)
            _scan(tree, entries, share, scanner, found)
            answer = [(n, [(hit.offset, hit.hash) for hit in found[n]]) for n in share if found[n]]
        except RefsError as error:
            answer = error
        with os.fdopen(writing, "wb") as stream:
            pickle.dump(answer, stream)
        code = 0
    finally:
        os._exit(code)  # without the parent's exit handlers


def _collect(child: int, reading: int) -> _Answer:
    with os.fdopen(reading, "rb") as stream:
        data = stream.read()
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        return RefsError("a process that scanned files ended early", hint="check whether memory ran out")
    answer: _Answer = pickle.loads(data)  # noqa: S301 - written by our own child
    return answer
