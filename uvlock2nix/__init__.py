"""Turn a Python project's ``uv.lock`` into Nix."""

__version__ = "0.1.0"
