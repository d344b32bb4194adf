"""Reading sdists and wheels without running them: what they need, as proposals with evidence.

- ``archive``: the files of an sdist or source tree that say how it is built, within hard bounds.
- ``build_files``: which of them those are, and the clues in them put together; ``clues``: one file for each
  build system.
- ``branches``, ``build_conditions``: which lines of a build script run on Linux, judged without running it.
- ``sdist``: what one sdist says about its build; ``pep725``: what it declares under ``[external]``.
- ``build_system``: which build requirements it asks for.
- ``candidate``, ``inspections``, ``kept``: the sdists of an environment, inspected, and the cache of results;
  ``uv_cache``: trees that uv has unpacked already.
- ``wheels``: what a wheel needs from outside, and collisions; ``elf_needed``: the sonames of an ELF file;
  ``wheel_survey``: all wheels of an environment, with a cache.
- ``interpreters``: which programs scripts of wheels and source trees name.
- ``requirements``: which versions the locked packages ask of each other.
"""
