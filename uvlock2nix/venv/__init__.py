"""Make an installed tree runnable: interpreter, launchers, bytecode, and the project's own packages.

- ``environment``: env, a runnable environment of the restored tree of deps
- ``members``, ``layer``: the project's own packages, built and layered over env
- ``programs``: what a user installs, as opposed to the whole environment
- ``interpreter``: ``pyvenv.cfg`` and ``bin/python``; ``symlinks``: environments made of symlinks
- ``extra``: more packages over a finished environment
- ``product``: wheels and sdists of local packages; ``bill``: a bill of materials
- ``copying``: copies out of the read-only store
"""
