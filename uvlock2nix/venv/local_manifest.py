"""What is recorded with the project's own packages in a store path of their own.

Every package in mode `files` reads it; ``venv.local`` writes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from uvlock2nix.dist.installed import installed
from uvlock2nix.dist.scripts import Script
from uvlock2nix.dist.shebangs import scripts_of
from uvlock2nix.errors import InputError
from uvlock2nix.layout import site_packages
from uvlock2nix.sync.manifest import read_manifest
from uvlock2nix.venv.copying import copy_writable
from uvlock2nix.venv.own_manifest import write

# In the manifest: whether files have a shebang, which each environment completes in a copy of its own.
_SHEBANGS: Final = "shebangs"


def write_local(out: Path, version: str, scripts: tuple[Script, ...]) -> None:
    """Write the manifest of the packages installed in ``out``; ``version`` is the minor version of Python."""
    site = out / site_packages(version)
    manifest = {
        "schema": 1,
        "python": version,
        "packages": [{"name": one.name, "version": one.version} for one in installed(site)],
        "scripts": [{"name": one.name, "package": one.package, "python": one.python} for one in scripts],
        _SHEBANGS: bool(scripts) or next(scripts_of(site), None) is not None,
    }
    write(out, manifest)


def read_local(local: Path, work: Path) -> tuple[Path, tuple[Script, ...], bool]:
    """The tree of installed packages, its scripts, and whether an environment may link to its files.

    If it may not, the tree is a copy below ``work``.

    Raises:
        InputError: ``local`` is not what ``venv.local`` made.
    """
    try:
        manifest = read_manifest(local)
        listed = manifest["scripts"]
        scripts = tuple(
            Script(str(one["name"]), str(one["package"]), bool(one["python"]))
            for one in (listed if isinstance(listed, list) else ())
        )
        shebangs = bool(manifest[_SHEBANGS])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{local}: no installed packages of the project: {error}",
            hint="set uvPackageLocal to null to build them with the environment",
        ) from None
    if not shebangs:
        return local, scripts, True
    copy = work / "tree"
    copy_writable(local, copy, leave_out="__pycache__")
    return copy, scripts, False
