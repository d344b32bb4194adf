"""Compare two builds of the same deps: what differs, in which package, and why.

Pure: nothing here runs a program, writes a file or prints. ``compare`` takes two directories and gives
findings; ``uvlock2nix.cli.verify`` runs the two builds.
"""

from uvlock2nix.verify.model import ADVICE, CAUSES, Cause, Condition, Evidence, Finding
from uvlock2nix.verify.trees import compare

__all__ = ["ADVICE", "CAUSES", "Cause", "Condition", "Evidence", "Finding", "compare"]
