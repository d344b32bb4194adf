"""Handwritten Nix files: find a literal hash by structure, and change only that string."""

from __future__ import annotations

from uvlock2nix.nixfile.literals import HashLiteral, choose, find_literals, replaced

__all__ = ["HashLiteral", "choose", "find_literals", "replaced"]
