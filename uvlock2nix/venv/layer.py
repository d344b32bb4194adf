"""package: the project's own packages on top of env, without copying env."""

from __future__ import annotations

import os
from pathlib import Path

from uvlock2nix.layout import SUPPORT, site_packages
from uvlock2nix.sync.normalise import Script, entry_points
from uvlock2nix.sync.records import installed
from uvlock2nix.venv.copying import copy_file, copy_writable
from uvlock2nix.venv.environment import record
from uvlock2nix.venv.interpreter import compile_bytecode, write_interpreter
from uvlock2nix.venv.launchers import place_script, write_launchers
from uvlock2nix.venv.linking import link_into

# Made anew in every environment, never shared.
OWN = frozenset(["bin", "pyvenv.cfg", SUPPORT.split("/", maxsplit=1)[0]])


def layer(
    env: Path, tree: Path, out: Path, python: Path, version: str, *, scripts: tuple[Script, ...], cores: int
) -> None:
    """Make ``out`` an environment of its own: ``tree`` (installed, normalised) over links into ``env``.

    A folder that only ``env`` has becomes one link; where both have it (namespace packages), it is a folder
    with links. A file that both have is ``tree``'s.
    """
    out.mkdir(parents=True, exist_ok=True)
    for entry in sorted(tree.iterdir()):
        if entry.name not in OWN:
            _copy(entry, out / entry.name)
    for entry in sorted(env.iterdir()):
        if entry.name not in OWN:
            link_into(entry, out / entry.name)
    interpreter = write_interpreter(out, python, version)
    _bin(env, tree, out, interpreter, version, scripts)
    for path in sorted((out / site_packages(version)).iterdir()):
        if not path.is_symlink() and (path.is_dir() or path.suffix == ".py"):
            compile_bytecode(path, interpreter, cores)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir() and not source.is_symlink():
        copy_writable(source, target)
    else:
        copy_file(source, target)


def _bin(
    env: Path, tree: Path, out: Path, interpreter: Path, version: str, scripts: tuple[Script, ...]
) -> None:
    """Launchers for everything that is there: those of ``env`` would run without the project's packages."""
    bin_dir = out / "bin"
    site = out / site_packages(version)
    own = {one.name for one in installed(tree / site_packages(version))}
    for one in installed(site):
        written = write_launchers(bin_dir, interpreter, entry_points(one), package=one.name)
        if one.name in own:
            record(one, out, site, written)
    for script in scripts:
        place_script(tree / SUPPORT / "scripts" / script.name, bin_dir / script.name, interpreter)
    for path in sorted((env / "bin").iterdir()):
        target = bin_dir / path.name
        if not target.exists() and not target.is_symlink():
            _adopt(path, target, env, interpreter)


def _adopt(path: Path, target: Path, env: Path, interpreter: Path) -> None:
    """Bring a script of env over: with our interpreter if it names env's, else as a link."""
    with path.open("rb") as file:
        head = file.read(4096)
        body = head + file.read() if head.startswith(b"#!") else b""
    here = os.fsencode(env / "bin" / "python")
    if here in head.partition(b"\n' '''\n")[0].split(b"\n", 2)[0] or (b"'''exec'" in head and here in head):
        target.write_bytes(body.replace(here, os.fsencode(interpreter), 1))
        target.chmod(0o755)
    else:
        target.symlink_to(path)
