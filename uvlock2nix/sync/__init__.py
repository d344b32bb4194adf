"""What runs inside deps: drives uv, builds sdists at fixed paths, makes the tree the same every time.

- ``request``: what the hook asks for; ``plan``: which packages uv installs and which are built here
- ``core``: the whole way, from a lock to a tree that is the same every time
- ``install``: wheels by ``uv sync``, built ones from their files, collisions decided
- ``normalise``: no launchers, no bytecode, no trace of the installer
- ``checking``: what was installed against what generate saw; ``own_programs``: collisions with the project
- ``manifest``: what deps says of itself
"""
