"""Compile the modules that standard input names: names ended by a NUL, batches ended by one more.

Run as a script, by the Python that they are for, with the number of processes that may work at once; it
imports nothing but the standard library. Each batch is compiled by a child, forked before anything was
compiled, so that all begin with the same memory. A module that does not compile is left to fail when it is
imported: code for a different Python, templates, tests. For a child that ended early, the number of its batch
and its exit code are printed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import py_compile
import sys


def main() -> None:
    """Write the bytecode of each module next to it, of the kind that is never compared with its source."""
    batches = sys.stdin.buffer.read().split(b"\0\0")[:-1]
    running: dict[int, int] = {}
    # When garbage is collected hangs on how much memory is there: a batch does without.
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
            # Whatever is in a file, also an encoding or a depth that Python refuses.
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
        os._exit(code)  # nothing of the parent's is to be run twice


def wait(running: dict[int, int]) -> None:
    """Wait for one child; report it where it ended early."""
    child, status = os.wait()
    number, code = running.pop(child), os.waitstatus_to_exitcode(status)
    if code != 0:
        sys.stdout.write(f"{number} {code}\n")


if __name__ == "__main__":
    main()
