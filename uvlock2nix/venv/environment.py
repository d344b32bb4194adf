"""env: a runnable environment from the restored tree of deps."""

from __future__ import annotations

import os
import posixpath
import shutil
from dataclasses import replace
from pathlib import Path

from uvlock2nix.errors import InputError
from uvlock2nix.layout import BUILD_REQUIRES, SCRIPTS, site_packages
from uvlock2nix.sync.manifest import read_manifest
from uvlock2nix.sync.normalise import entry_points
from uvlock2nix.sync.records import Installed, digest_of, installed, write
from uvlock2nix.venv.copying import copy_writable
from uvlock2nix.venv.interpreter import compile_bytecode, write_interpreter
from uvlock2nix.venv.launchers import place_script, write_launchers
from uvlock2nix.venv.linking import link_packages


def finish_environment(
    root: Path, python: Path, *, cores: int, build_to: Path | None, packages: tuple[Path, ...] = ()
) -> None:
    """Make the restored copy of deps in ``root`` an environment, in place.

    ``build_to`` gets the folders with what builds the project's own packages; without it they are removed:
    the environment must not hold on to them. ``packages`` are installed packages (of nixpkgs) that are
    linked in.
    """
    manifest = read_manifest(root)
    version = str(manifest["python"])
    site = root / site_packages(version)
    _take_out(root / BUILD_REQUIRES, build_to)
    interpreter = write_interpreter(root, python, version)
    _scripts(root, site, interpreter)
    own = installed(site)
    link_packages(packages, root, version)
    for one in installed(site):
        written = write_launchers(root / "bin", interpreter, entry_points(one), package=one.name)
        if one in own:
            record(one, root, site, written)
    compile_bytecode(site, interpreter, cores)


def _take_out(source: Path, to: Path | None) -> None:
    if to is not None:
        to.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            for tree in source.iterdir():
                shutil.move(tree, to / tree.name)
    if source.is_dir():
        shutil.rmtree(source)


def _scripts(root: Path, site: Path, interpreter: Path) -> None:
    """Put the scripts that wheels ship from their keeping place into ``bin``, also in the RECORDs."""
    kept = root / SCRIPTS
    if not kept.is_dir():
        return
    for path in sorted(kept.iterdir()):
        place_script(path, root / "bin" / path.name, interpreter)
    up = os.path.relpath(root, site)
    old = posixpath.join(up, SCRIPTS) + "/"
    for one in installed(site):
        names = [entry.path.removeprefix(old) for entry in one.entries if entry.path.startswith(old)]
        rest = tuple(entry for entry in one.entries if not entry.path.startswith(old))
        record(replace(one, entries=rest), root, site, names)
    shutil.rmtree(kept)


def record(one: Installed, root: Path, site: Path, names: list[str]) -> None:
    """Add files of ``bin`` to a distribution's RECORD."""
    if not names:
        return
    up = os.path.relpath(root, site)
    added = {posixpath.join(up, "bin", name) for name in names}
    lines = [(e.path, e.hash, e.size) for e in one.entries if e.path not in added]
    for name in names:
        digest, size = digest_of(root / "bin" / name)
        lines.append((posixpath.join(up, "bin", name), digest, str(size)))
    write(one.dist_info / "RECORD", lines)


def copy_tree(source: Path, out: Path) -> None:
    """Copy deps to where env is made, writable.

    Raises:
        InputError: ``source`` has no manifest, so it is no deps.
    """
    try:
        read_manifest(source)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{source}: not a deps of uvlock2nix: {error}", hint="pass the output of deps"
        ) from None
    copy_writable(source, out)
