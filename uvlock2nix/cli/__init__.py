"""The command line: the only place that prints, and the only error boundary."""

from __future__ import annotations

from uvlock2nix.cli.app import main

__all__ = ["main"]
