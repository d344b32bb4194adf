"""Read sdists and wheels without running them: what they need, as proposals with evidence.

- ``archive``: the files of an sdist or source tree that describe its build, within hard limits.
- ``build_files``: selects these files and combines their clues; ``clues``: one module per
  build system.
- ``branches``, ``build_conditions``: which lines of a build script run on Linux, decided without running it.
- ``sdist``: what an sdist tells about its build; ``pep725``: what it declares under ``[external]``.
- ``build_system``: its build requirements.
- ``candidate``, ``inspections``, ``kept``: inspecting the sdists of an environment, and the cache of results;
  ``uv_cache``: trees that uv has already unpacked.
- ``wheels``: what a wheel needs from outside, and collisions; ``elf_needed``: the sonames of an ELF file;
  ``wheel_survey``: all wheels of an environment, with a cache.
- ``interpreters``: the interpreters of scripts in wheels and source trees.
- ``requirements``: the versions that locked packages require of each other.
"""
