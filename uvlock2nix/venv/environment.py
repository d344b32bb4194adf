"""env: a runnable environment from the restored tree of deps."""

from __future__ import annotations

import os
import posixpath
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from uvlock2nix.dist.entry_points import entry_points
from uvlock2nix.dist.installed import Installed, installed
from uvlock2nix.dist.interpreter import write_interpreter
from uvlock2nix.dist.launchers import write_launchers
from uvlock2nix.dist.record import digest_of, write_record
from uvlock2nix.dist.scripts import place_script
from uvlock2nix.dist.shebangs import Programs, give_interpreters
from uvlock2nix.errors import InputError
from uvlock2nix.layout import BUILD_REQUIRES, SCRIPTS, site_packages
from uvlock2nix.sync.manifest import read_manifest
from uvlock2nix.venv.bytecode import compile_all, compile_bytecode
from uvlock2nix.venv.checking import check_packages
from uvlock2nix.venv.copying import copy_writable
from uvlock2nix.venv.libraries import write_lookup
from uvlock2nix.venv.making import Making
from uvlock2nix.venv.programs import embeds_python, is_compiled, own_programs
from uvlock2nix.venv.symlinks import LOCK, NIXPKGS, Clash, Clashes, Owner, link_packages, link_programs
from uvlock2nix.venv.unrun import unrun_notes


def finish_environment(
    root: Path,
    making: Making,
    *,
    build_to: Path | None,
    packages: tuple[Path, ...] = (),
    keep: Mapping[str, str] | None = None,
    linked: bool = False,
    libraries: tuple[Path, ...] = (),
) -> tuple[Clash, ...]:
    """Turn the restored copy of deps in ``root`` into an environment, in place.

    ``build_to`` gets the folders with the build requirements of the project's own packages; otherwise they
    are removed, because the environment must not refer to them. ``packages`` are installed packages (of
    nixpkgs) to link in. Returns what they and the lock's packages both have; the lock's is kept, unless
    ``keep`` (path → package) decides otherwise. ``linked``: the lock's packages are symlinks, which have
    their bytecode. ``libraries`` are the folders of libraries that packages open by name.
    """
    manifest = read_manifest(root)
    version = str(manifest["python"])
    site = root / site_packages(version)
    _take_out(root / BUILD_REQUIRES, build_to)
    if build_to is not None:
        # Once here, where each build of the project would compile them several times over.
        compile_all(sorted(build_to.iterdir()), making.builder or making.python, making.cores)
    interpreter = write_interpreter(root, making.python, version)
    # Before the RECORDs are read, because this changes them.
    programs_ = Programs(interpreter, making.program_path, own=own_programs(root, site))
    unrun = give_interpreters(root, (site, root / SCRIPTS), programs_)
    for text in unrun_notes(unrun, root, site, "dlopen"):
        making.note(text)
    own = installed(site)
    check_packages(manifest, own, "env")
    scripts = _scripts(root, own, interpreter, linked=linked)
    # nixpkgs lists the interpreter among the modules, with its own site-packages (sitecustomize.py).
    packages = tuple(one for one in packages if not making.python.resolve().is_relative_to(one.resolve()))
    clashes = Clashes(keep or {})
    link_packages(packages, root, version, clashes)
    winners = bin_winners(manifest)
    written = {
        one.name: write_launchers(root / "bin", interpreter, launchers_of(one, winners), package=one.name)
        for one in own
    }
    placed = {one.name: [*scripts.get(one.name, ()), *written[one.name]] for one in own}
    programs = {name: Owner(one, LOCK) for one, names in placed.items() for name in names}
    if packages:
        _launch_linked(site, root / "bin", interpreter, own, programs, clashes)
    link_programs(packages, root / "bin", version, programs, clashes)
    for one in own:
        names = [name for name in placed[one.name] if programs[name].origin == LOCK]
        if not one.dist_info.is_symlink():
            record_bin(one, root, names)
    write_lookup(site, libraries)
    if not linked:
        compile_bytecode(site, making.builder or interpreter, making.cores)
    return tuple(dict.fromkeys(clashes.found))


def _launch_linked(
    site: Path,
    bin_dir: Path,
    interpreter: Path,
    own: Sequence[Installed],
    programs: dict[str, Owner],
    clashes: Clashes,
) -> None:
    """Write launchers for linked packages; those of the lock's packages win, whatever their order."""
    names = {one.name for one in own}
    references = {name: point for one in own for name, point in entry_points(one).items()}
    for one in installed(site):
        if one.name in names:
            continue
        owner = Owner(one.name, NIXPKGS)
        points = entry_points(one)
        for name in sorted(points):
            if name in programs:
                same = references.get(name) == points[name]
                if same or not clashes.wins(f"bin/{name}", programs[name], owner):
                    del points[name]
                    continue
            programs[name] = owner
            references[name] = points[name]
        write_launchers(bin_dir, interpreter, points, package=one.name)


def _take_out(source: Path, to: Path | None) -> None:
    if to is not None:
        to.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            for tree in source.iterdir():
                shutil.move(tree, to / tree.name)
    if source.is_dir():
        shutil.rmtree(source)


def _scripts(
    root: Path, own: Sequence[Installed], interpreter: Path, *, linked: bool
) -> dict[str, list[str]]:
    """Move the scripts of wheels into ``bin``; return each package's names."""
    kept = root / SCRIPTS
    placed = {
        path.name
        for path in (sorted(kept.iterdir()) if kept.is_dir() else ())
        if place_script(path, root / "bin" / path.name, interpreter)
    }
    for name in placed if linked else ():
        source = (kept / name).resolve()
        # Compiled, and without an embedded Python that would look for this environment: keep the package's
        # file.
        if is_compiled(source) and os.access(source, os.X_OK) and not embeds_python(source):
            (root / "bin" / name).unlink()
            (root / "bin" / name).symlink_to(source)
    if kept.is_dir():
        shutil.rmtree(kept)
    return {one.name: [name for name in scripts_in(one) if name in placed] for one in own}


def bin_winners(manifest: Mapping[str, object]) -> dict[str, str]:
    """Program of several packages → the package that wins."""
    found: dict[str, str] = {}
    collided = manifest.get("collisions")
    for one in collided if isinstance(collided, list) else ():
        folder, name = posixpath.split(str(one["path"]))
        if folder == "../../../bin":
            found[name] = str(one["kept"])
    return found


def launchers_of(one: Installed, winners: Mapping[str, str]) -> dict[str, str]:
    """The entry points of a distribution whose launchers are not those of another package."""
    points = entry_points(one)
    return {name: points[name] for name in points if winners.get(name, one.name) == one.name}


_KEPT: Final = f"../../../{SCRIPTS}/"


def scripts_in(one: Installed) -> list[str]:
    """The names of the scripts that a distribution of deps ships."""
    return [entry.path.removeprefix(_KEPT) for entry in one.entries if entry.path.startswith(_KEPT)]


def record_bin(one: Installed, root: Path, names: Iterable[str]) -> None:
    """Write the RECORD of a distribution whose programs ``names`` have moved to ``bin``."""
    added = {f"../../../bin/{name}": root / "bin" / name for name in names}
    lines = [
        (entry.path, entry.hash, entry.size)
        for entry in one.entries
        if entry.path not in added and not entry.path.startswith(_KEPT)
    ]
    for path, file in added.items():
        digest, size = digest_of(file)
        lines.append((path, digest, str(size)))
    write_record(one.dist_info / "RECORD", lines)


def copy_tree(source: Path, out: Path) -> None:
    """Copy deps to the output of env, writable.

    Raises:
        InputError: ``source`` has no manifest, so it is not deps.
    """
    try:
        read_manifest(source)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{source}: not the deps of uvlock2nix: {error}", hint="pass the output of deps"
        ) from None
    copy_writable(source, out)
