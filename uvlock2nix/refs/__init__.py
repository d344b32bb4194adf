"""Store references of an installed tree: strip, audit, restore.

``strip`` makes a tree legal inside a fixed-output derivation, ``audit`` proves it by Nix's own rule, and
``restore`` puts every reference back from the inputs at hand, which may have other hashes and versions. All
three read a tree in one pass and leave the files that they do not change alone, inode and time included.

- ``store``: store paths, the keys of references, placeholders; ``closure``: what is looked for
- ``scan``, ``parallel``: Nix's rule over a tree
- ``elf``, ``elfstream``, ``elfusers``: facts of an ELF file, its bytes, who uses its strings
- ``replace``, ``undo``: references to placeholders and back, as values
- ``elfplan``, ``needs``, ``libraries``, ``missing``: what an ELF file gets, and what cannot be found
- ``stripped``, ``linked``, ``recording``: what is written down, in the manifest and in RECORD
- ``apply``, ``journal``, ``populate``, ``patchelf``: the only writing; a killed run is undone
- ``strip``, ``audit``, ``restore``: the three commands
"""
