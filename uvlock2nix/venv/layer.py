"""package: the project's own packages on top of env, without copying env."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Set
from pathlib import Path

from uvlock2nix.dist.entry_points import entry_points
from uvlock2nix.dist.installed import installed
from uvlock2nix.dist.interpreter import write_interpreter
from uvlock2nix.dist.launchers import is_launcher, write_launchers
from uvlock2nix.dist.scripts import Script, place_script
from uvlock2nix.dist.shebangs import Programs, give_interpreters
from uvlock2nix.layout import SCRIPTS, SUPPORT, site_packages
from uvlock2nix.sync.manifest import read_manifest
from uvlock2nix.venv.bytecode import compile_all
from uvlock2nix.venv.copying import copy_file, copy_writable
from uvlock2nix.venv.environment import bin_winners, launchers_of, record_bin, scripts_in
from uvlock2nix.venv.extra import EXTRA, add_packages, add_programs
from uvlock2nix.venv.join import own_record
from uvlock2nix.venv.making import Making
from uvlock2nix.venv.own_manifest import write
from uvlock2nix.venv.programs import embeds_python, own_programs, programs_of
from uvlock2nix.venv.symlinks import (
    LOCK,
    PROJECT,
    Clash,
    Clashes,
    Owner,
    link_into,
    path_behind,
    show_copied,
    show_through,
    show_whole,
)
from uvlock2nix.venv.unrun import unrun_notes

# In the manifest of an environment that will not stay, so that nothing may link to it: where it was made.
_TEMPORARY = "temporary"
# Created for every environment, never shared.
OWN = frozenset(["bin", "pyvenv.cfg", SUPPORT.split("/", maxsplit=1)[0]])


def make_temporary(root: Path, place: Path) -> None:
    """Move the environment ``root``, which is only to be layered over, to ``place``."""
    write(root, {**read_manifest(root), _TEMPORARY: str(root)})
    if root != place:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(root, place)


def layer(
    env: Path,
    tree: Path,
    out: Path,
    version: str,
    making: Making,
    *,
    scripts: tuple[Script, ...],
    link: bool = False,
    wrap: Callable[[Path, Path], None] = lambda out, python: None,
    extra: tuple[Path, ...] = (),
) -> tuple[Clash, ...]:
    """Create the environment ``out``: ``tree`` (installed, normalised) over symlinks into ``env``.

    A folder that only ``env`` has becomes a symlink; a folder of both (namespace packages) becomes a folder
    of symlinks. For a file of both, ``tree`` wins. With ``link``, ``tree`` has its bytecode and no shebangs,
    and becomes symlinks too; else it is copied. ``wrap`` makes ``bin/python`` of an environment (``out``)
    work through any symlink. ``extra`` are more packages (:mod:`uvlock2nix.venv.extra`). Returns the
    conflicts.
    """
    out.mkdir(parents=True, exist_ok=True)
    if link:
        _link_tree(env, tree, out, version)
    else:
        _copy_tree(env, tree, out, version, making)
    manifest = read_manifest(env)
    # Where env is made of links, they are shown themselves: nothing that is deployed then needs env.
    joined, temporary = manifest.get("joined") is True, _TEMPORARY in manifest
    show = show_copied if temporary else show_through if joined else show_whole
    for entry in sorted(env.iterdir()):
        if entry.name not in OWN:
            link_into(entry, out / entry.name, show=show)
    _link_bytecode(env / site_packages(version), out / site_packages(version))
    found = Clashes()
    added = add_packages(extra, out, making.python, version, found)
    interpreter = write_interpreter(out, making.python, version)
    wrap(out, making.python)
    clashes = _bin(env, tree, out, interpreter, version, scripts, added)
    add_programs(extra, out / "bin")
    own_modules = [
        path
        for path in sorted((out / site_packages(version)).iterdir())
        if not path.is_symlink() and (path.is_dir() or path.suffix == ".py")
    ]
    compile_all(own_modules, making.builder or interpreter, making.cores)
    return (*clashes, *dict.fromkeys(found.found))


def _copy_tree(env: Path, tree: Path, out: Path, version: str, making: Making) -> None:
    own = tree / site_packages(version), tree / SCRIPTS
    brought = own_programs(tree, own[0]) | {path.name for path in (env / "bin").iterdir()}
    programs = Programs(out / "bin" / "python", making.program_path, own=brought)
    for text in unrun_notes(give_interpreters(tree, own, programs), tree, own[0], "build-inputs"):
        making.note(text)
    for entry in sorted(tree.iterdir()):
        if entry.name not in OWN:
            _copy(entry, out / entry.name)


def _link_tree(env: Path, tree: Path, out: Path, version: str) -> None:
    for entry in sorted(tree.iterdir()):
        if entry.name not in OWN:
            _link(entry, out / entry.name, env / entry.name)
    site = out / site_packages(version)
    for one in installed(site):
        own_record(site, one.dist_info.name)
    _link_bytecode(tree / site_packages(version), site)


def _link(source: Path, target: Path, below: Path) -> None:
    """Link a folder at ``target``, or its entries where the environment ``below`` has that folder too."""
    if not (source.is_dir() and below.is_dir()):
        target.symlink_to(source)
        return
    target.mkdir()
    for entry in sorted(source.iterdir()):
        if entry.name != "__pycache__":
            _link(entry, target / entry.name, below / entry.name)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir() and not source.is_symlink():
        copy_writable(source, target)
    else:
        copy_file(source, target)


def _bin(
    env: Path,
    tree: Path,
    out: Path,
    interpreter: Path,
    version: str,
    scripts: tuple[Script, ...],
    added: Set[str] = frozenset(),
) -> tuple[Clash, ...]:
    """Write launchers for everything: those of ``env`` would run without the project's packages.

    Returns the programs of the project that a dependency has too.
    """
    bin_dir = out / "bin"
    site = out / site_packages(version)
    own = {one.name for one in installed(tree / site_packages(version))}
    manifest = read_manifest(env)
    python = Path(str(manifest.get(_TEMPORARY, env))) / "bin" / "python"
    winners = bin_winners(manifest)
    written: dict[str, list[str]] = {}
    # The project's own come last, so their programs win; added packages never win.
    for one in sorted(installed(site), key=lambda one: (one.name not in added) + (one.name in own)):
        ours = one.name in own or one.name in added
        points = entry_points(one) if ours else _kept(launchers_of(one, winners), env, python)
        written[one.name] = write_launchers(bin_dir, interpreter, points, package=one.name)
    placed = {
        script.name
        for script in scripts
        if place_script(tree / SCRIPTS / script.name, bin_dir / script.name, interpreter)
    }
    for one in installed(site):
        if one.name in own:
            record_bin(one, out, [*written[one.name], *(name for name in scripts_in(one) if name in placed)])
    for path in sorted((env / "bin").iterdir()):
        target = bin_dir / path.name
        if not target.exists() and not target.is_symlink():
            _adopt(path, target, python, interpreter, temporary=_TEMPORARY in manifest)
    everyone = {one.name: [*written[one.name], *programs_of(one, bin_dir)] for one in installed(site)}
    return _clashes(everyone, own, added)


def _clashes(
    programs: Mapping[str, Iterable[str]], own: Set[str], added: Set[str] = frozenset()
) -> tuple[Clash, ...]:
    """Conflicts in ``bin`` between packages of the project (``own``) and others; ``added`` never wins."""
    locked = sorted(programs.keys() - own - added) if added else ()
    mine = {program: Owner(name, LOCK) for name in locked for program in programs[name]}
    mine |= {program: Owner(name, PROJECT) for name in sorted(own) for program in programs[name]}
    found = {
        Clash(f"bin/{program}", mine[program], Owner(name, EXTRA if name in added else LOCK))
        for name in sorted(programs.keys() - own)
        for program in programs[name]
        if program in mine and (name in added or mine[program].origin == PROJECT)
    }
    return tuple(sorted(found, key=str))


def _kept(points: Mapping[str, str], env: Path, python: Path) -> dict[str, str]:
    """The entry points with a launcher in ``env``, which decided between packages with the same program."""
    return {
        name: reference
        for name, reference in points.items()
        if is_launcher(env / "bin" / name, reference, python, what=name)
    }


def _link_bytecode(env_site: Path, site: Path) -> None:
    """Link the bytecode of symlinked modules only: it is not checked against its source."""
    compiled = env_site / "__pycache__"
    for path in sorted(compiled.iterdir()) if compiled.is_dir() else ():
        target = site / "__pycache__" / path.name
        if (site / f"{path.name.partition('.')[0]}.py").is_symlink() and not target.is_symlink():
            target.parent.mkdir(exist_ok=True)
            target.symlink_to(path_behind(path))


def _adopt(path: Path, target: Path, python: Path, interpreter: Path, *, temporary: bool) -> None:
    """Take over a script of env: with our interpreter if it has env's ``python``, else as a symlink."""
    here = os.fsencode(python)
    with path.open("rb") as file:
        first = file.readline(4096)
        # In the form for long paths, it is in the second line.
        head = first + file.readline(4096) if first.startswith(b"#!/bin/sh") else first
        if head.startswith(b"#!") and here in head:
            target.write_bytes(head.replace(here, os.fsencode(interpreter)) + file.read())
            target.chmod(0o755)
            return
    if not path.is_symlink() and embeds_python(path):
        # It looks for pyvenv.cfg at its real path: through a symlink, it would find env's.
        copy_file(path, target)
    elif temporary and not path.is_symlink():
        copy_file(path, target)
    else:
        target.symlink_to(path_behind(path))
