"""package: the part of a venv that a user installs, without anything that collides with other packages."""

from __future__ import annotations

import mmap
import posixpath
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from uvlock2nix.dist.entry_points import entry_points
from uvlock2nix.dist.installed import Installed, installed
from uvlock2nix.dist.launchers import is_interpreter
from uvlock2nix.errors import InputError
from uvlock2nix.layout import SCRIPTS
from uvlock2nix.names import canonicalize_name

# https://docs.python.org/3/c-api/init.html
_STARTS_PYTHON: Final = (b"Py_Initialize", b"Py_BytesMain", b"Py_RunMain")
_MACH_O: Final = frozenset(bytes.fromhex(text) for text in ("cffaedfe", "cefaedfe", "cafebabe"))
_UP: Final = "../../../"
_BIN: Final = f"{_UP}bin/"
# Parts of an environment that do not belong in a profile: packages, and files for the interpreter.
_PRIVATE: Final = frozenset({"bin", "include", "lib", "lib64", "nix-support", "pyvenv.cfg"})


def programs_of(one: Installed, bin_dir: Path) -> tuple[str, ...]:
    """The programs in ``bin_dir`` of a distribution, from its RECORD."""
    names = {entry.path.removeprefix(_BIN) for entry in one.entries if entry.path.startswith(_BIN)}
    there = (name for name in names if not is_interpreter(name) and (bin_dir / name).exists())
    return tuple(sorted(name for name in there if "/" not in name))


def own_programs(root: Path, site: Path) -> frozenset[str]:
    """The programs of the distributions in ``site``: entry points, and scripts below ``root``."""
    kept = root / SCRIPTS
    names = {path.name for path in kept.iterdir()} if kept.is_dir() else set()
    names.update(name for one in installed(site) for name in entry_points(one))
    return frozenset(name for name in names if not is_interpreter(name))


def data_of(one: Installed, root: Path) -> tuple[str, ...]:
    """The shared data of a distribution below ``root`` (``share/man/…``), from its RECORD."""
    paths = {
        posixpath.normpath(entry.path.removeprefix(_UP)) for entry in one.entries if _is_data(entry.path)
    }
    return tuple(sorted(path for path in paths if (root / path).is_file()))


def _is_data(path: str) -> bool:
    top, slash, _ = path.removeprefix(_UP).partition("/")
    return path.startswith(_UP) and bool(slash) and top not in _PRIVATE and top != ".."


def expose(venv: Path, out: Path, site: Path, names: Sequence[str], programs: Sequence[str] = ()) -> None:
    """Make ``out``: links to the programs and the data of the distributions ``names`` of ``venv``.

    ``site`` is venv's site-packages; ``programs`` are further programs by name.

    Raises:
        InputError: a name is not a distribution of ``venv``, or has nothing to expose.
    """
    there = {one.name: one for one in installed(site)}
    out.mkdir(parents=True, exist_ok=True)
    _link(venv, out, (f"bin/{program}" for program in programs))
    for name in names:
        one = there.get(canonicalize_name(name))
        if one is None:
            raise InputError(
                f"expose: no {name} in the environment",
                hint="remove it from `expose` under [tool.uvlock2nix] and run `uvlock2nix generate`",
            )
        bin_dir = venv / "bin"
        _link(venv, out, (f"bin/{program}" for program in programs_of(one, bin_dir)))
        _link(venv, out, data_of(one, venv))


def _link(venv: Path, out: Path, paths: Iterable[str]) -> None:
    for path in paths:
        target = out / path
        if not target.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(venv / path)


def embeds_python(path: Path) -> bool:
    """Whether a program (not a script) embeds an interpreter, as uWSGI does."""
    with path.open("rb") as file:
        if file.read(2) == b"#!" or path.stat().st_size == 0:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return any(content.find(name) >= 0 for name in _STARTS_PYTHON)


def is_compiled(path: Path) -> bool:
    """Whether a program is machine code, without a shebang."""
    with path.open("rb") as file:
        magic = file.read(4)
    return magic == b"\x7fELF" or magic in _MACH_O
