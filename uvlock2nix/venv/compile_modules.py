"""Compile the modules that standard input names, each ended by a NUL.

Run as a script, by the Python that they are for; it imports nothing but the standard library. A module that
does not compile is left to fail when it is imported: code for a different Python, templates, tests.
"""

from __future__ import annotations

import contextlib
import os
import py_compile
import sys


def main() -> None:
    """Write the bytecode of each module next to it, of the kind that is never compared with its source."""
    for name in sys.stdin.buffer.read().split(b"\0"):
        # Whatever is in a file, also an encoding or a depth that Python refuses.
        with contextlib.suppress(py_compile.PyCompileError, OSError, ValueError, RecursionError, MemoryError):
            if name:
                py_compile.compile(
                    os.fsdecode(name),
                    doraise=True,
                    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                )


if __name__ == "__main__":
    main()
