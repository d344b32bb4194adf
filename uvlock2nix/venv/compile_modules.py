"""Compile the modules listed on standard input: names end with a NUL, batches with another.

Run as a script by the target Python, with the maximum number of processes as argument; it imports only the
standard library. Each batch is compiled by a child that is forked before anything was compiled, so that all
start with the same memory. A module that does not compile fails on import: code for a different Python,
templates, tests. For each child that ended early, the number of its batch and its exit code are printed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import py_compile
import sys


def main() -> None:
    """Write the bytecode of each module next to it, unchecked against its source."""
    batches = sys.stdin.buffer.read().split(b"\0\0")[:-1]
    running: dict[int, int] = {}
    # Garbage collection would depend on the memory in use, so a batch runs without it.
    gc.disable()
    for number, batch in enumerate(batches):
        if len(running) >= int(sys.argv[1]):
            wait(running)
        child = os.fork()
        if child == 0:
            compile_batch(batch)
        running[child] = number
    while running:
        wait(running)


def compile_batch(batch: bytes) -> None:
    """Compile the modules of a batch, and end the process."""
    code = 1
    try:
        for name in batch.split(b"\0"):
            # Any content, including an encoding or a nesting that Python refuses.
            with contextlib.suppress(
                py_compile.PyCompileError, OSError, ValueError, RecursionError, MemoryError
            ):
                py_compile.compile(
                    os.fsdecode(name),
                    doraise=True,
                    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                )
        code = 0
    finally:
        os._exit(code)  # without the parent's exit handlers


def wait(running: dict[int, int]) -> None:
    """Wait for one child; report it if it ended early."""
    child, status = os.wait()
    number, code = running.pop(child), os.waitstatus_to_exitcode(status)
    if code != 0:
        sys.stdout.write(f"{number} {code}\n")


if __name__ == "__main__":
    main()
