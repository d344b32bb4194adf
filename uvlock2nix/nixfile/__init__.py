"""Other people's Nix files: finding a literal hash by structure, and changing that string only."""

from __future__ import annotations

from uvlock2nix.nixfile.literals import HashLiteral, choose, find_literals, replaced

__all__ = ["HashLiteral", "choose", "find_literals", "replaced"]
