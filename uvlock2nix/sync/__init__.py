"""The code that runs inside deps: drives uv, builds sdists at fixed paths, makes the tree reproducible.

- ``request``: the hook's request; ``plan``: which packages uv installs and which are built here
- ``core``: the whole process, from a lock to a reproducible tree
- ``install``: wheels by ``uv sync``, built ones from their files, collisions decided
- ``normalise``: no launchers, no bytecode, no trace of the installer
- ``checking``: compares what is installed with what generate saw; ``own_programs``: collisions with the
project
- ``manifest``: what deps contains
"""
