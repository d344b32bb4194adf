"""Store references of an installed tree: strip, audit, restore.

``strip`` makes a tree legal inside a fixed-output derivation, ``audit`` proves it by Nix's own rule, and
``restore`` puts every reference back from the inputs at hand, which may have other hashes and versions. All
three read a tree in one pass and leave the files that they do not change alone, inode and time included.

What is where: ``store`` (paths, keys, placeholders), ``closure`` (what is looked for), ``scan`` and
``parallel`` (Nix's rule over a tree), ``elf`` (facts of an ELF file), ``replace`` and ``undo`` (bytes there
and back, pure), ``elfplan``, ``needs`` and ``resolve`` (what an ELF file gets), ``manifest``, ``records``
and ``recording`` (what is written down), ``apply``, ``populate`` and ``patchelf`` (the only writing),
``strip``, ``audit``, ``restore``.
"""

from __future__ import annotations

from uvlock2nix.refs.audit import Finding, audit
from uvlock2nix.refs.closure import closure_from_environment, closure_from_file
from uvlock2nix.refs.restore import RestoreReport, restore
from uvlock2nix.refs.store import StorePath, placeholder, store_key
from uvlock2nix.refs.strip import StripReport, strip
from uvlock2nix.refs.stripped import MANIFEST_PLACE, Reference

__all__ = [
    "MANIFEST_PLACE",
    "Finding",
    "Reference",
    "RestoreReport",
    "StorePath",
    "StripReport",
    "audit",
    "closure_from_environment",
    "closure_from_file",
    "placeholder",
    "restore",
    "store_key",
    "strip",
]
