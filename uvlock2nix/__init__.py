"""Turn a Python project's ``uv.lock`` into Nix."""

__version__ = "0.2.0"
