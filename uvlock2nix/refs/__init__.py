"""Store references of an installed tree: strip, audit, restore.

``strip`` makes a tree valid in a fixed-output derivation, ``audit`` proves it by Nix's own rule, and
``restore`` puts every reference back from the current inputs, which may have different hashes and versions.
All three read a tree in one pass and leave unchanged files alone, including inode and times.

- ``store``: store paths, the keys of references, placeholders; ``closure``: which references to look for
- ``scan``, ``parallel``: Nix's rule over a tree
- ``elf``, ``elfstream``, ``elfusers``: facts of an ELF file, its bytes, the users of its strings
- ``replace``, ``undo``: references to placeholders and back, as values
- ``elfplan``, ``needs``, ``libraries``, ``missing``: changes to an ELF file, and missing libraries
- ``stripped``, ``linked``, ``recording``: the records in the manifest and in RECORD
- ``linking``: what of a new tree can be links into the old one
- ``apply``, ``journal``, ``populate``, ``patchelf``: all writing; a killed run is undone
- ``strip``, ``audit``, ``restore``: the three commands
"""
