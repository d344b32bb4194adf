"""Plan → Nix text, one module for each file that we write.

- ``deps``, ``env``, ``package``: the three derivations; ``module``, ``image``: on request
- ``common``, ``attributes``, ``natives``: what the files share
- ``remarks``: notes on the nixpkgs attributes that are used
"""

from __future__ import annotations

from uvlock2nix.emit.deps import deps_file as sync_deps
from uvlock2nix.emit.env import env_file as sync_env
from uvlock2nix.emit.package import package_file
from uvlock2nix.plan import Plan


def deps_file(plan: Plan) -> str:
    """The text of ``python-deps.nix`` in the mode of the plan."""
    if plan.mode == "sync":
        return sync_deps(plan)
    from uvlock2nix.emit.files import files_deps

    return files_deps(plan)


def env_file(plan: Plan) -> str:
    """The text of ``python-env.nix`` in the mode of the plan."""
    if plan.mode == "sync":
        return sync_env(plan)
    from uvlock2nix.emit.files import files_env

    return files_env(plan)


__all__ = ["deps_file", "env_file", "package_file"]
