"""Clues in build files, one module per build system.

- ``text``: shared parts: a clue as a value, lines, setup.cfg and Makefiles.
- ``setup_py``, ``meson``, ``cmake``, ``cargo``: the build files of that name.
- ``headers``: ``#include`` lines of sources.
"""
