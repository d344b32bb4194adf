"""Clues in build files, one module for each build system.

- ``text``: what all share: a clue as a value, lines, setup.cfg and Makefiles.
- ``setup_py``, ``meson``, ``cmake``, ``cargo``: the build files of that name.
- ``headers``: ``#include`` lines of sources.
"""
