"""Make an installed tree runnable: interpreter, launchers, bytecode, and the project's own packages.

- ``environment``: env, a runnable environment of the restored tree of deps
- ``members``, ``layer``: the project's own packages, built and layered over env; ``local``: in a store path
  of their own, with ``local_manifest``
- ``programs``: what a user installs, as opposed to the whole environment
- ``interpreter``: ``bin/python`` as a program; ``symlinks``: environments made of symlinks
- ``wheel``: one wheel in its own store path (mode `files`), by ``unpack`` or, with uv, ``single``;
  ``join``: an environment of such packages; ``wants``, ``siblings``: libraries
  of other packages; ``own_manifest``: manifests
- ``bytecode``: bytecode that is the same in every build
- ``extra``: more packages over a finished environment
- ``product``: wheels and sdists of local packages; ``bill``: a bill of materials
- ``copying``: copies out of the read-only store
"""
