"""Plan → Nix text, one module for each file that we write.

- ``deps``, ``env``, ``package``: the three derivations; ``module``, ``image``: on request
- ``common``, ``attributes``, ``natives``: what the files share
- ``remarks``: what a person should know about the attributes that are used
"""

from __future__ import annotations

from uvlock2nix.emit.deps import deps_file
from uvlock2nix.emit.env import env_file
from uvlock2nix.emit.package import package_file

__all__ = ["deps_file", "env_file", "package_file"]
