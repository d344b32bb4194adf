"""update-hash for a project: its files and its evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from uvlock2nix.emit.common import DEPS, PINS
from uvlock2nix.errors import InputError
from uvlock2nix.lock.places import argument_of, find_lock, folder_of
from uvlock2nix.lock.project import find_root
from uvlock2nix.nar import Hash
from uvlock2nix.nixrun.build import Evaluated, Nix
from uvlock2nix.nixrun.nixpkgs import NixpkgsSource
from uvlock2nix.pins import lock_digest
from uvlock2nix.reading import read_regular


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a project that update-hash reads, and the file that it writes."""

    lock: Path
    expression: Path
    pins: Path

    def lock_digest(self) -> str:
        """The SHA-256 of uv.lock now."""
        try:
            return lock_digest(read_regular(self.lock))
        except OSError as error:
            raise InputError(f"cannot read {self.lock}: {error.strerror}") from error


def files_of(project: Path, environment: str = "") -> Files:
    """The paths of an environment's files in ``project`` (a folder, lock or script), existing or not.

    Those of a workspace are next to its lock, for a member too.

    Raises:
        InputError: a folder has no lock, nor does a workspace above it.
    """
    lock = find_lock(project.resolve())
    if lock.name == "uv.lock" and not lock.is_file():
        lock = find_root(lock.parent) / lock.name
    folder = lock.parent / folder_of(argument_of(lock), environment)
    return Files(lock, folder / DEPS, folder / PINS)


def project_files(project: Path, environment: str = "") -> Files:
    """The same; InputError if generate has not run yet."""
    files = files_of(project, environment)
    for path in (files.expression, files.pins):
        if not path.is_file():
            raise InputError(
                f"{path} does not exist", hint=f"run `uvlock2nix generate {quote(str(project))}` first"
            )
    return files


def evaluator(
    nix: Nix, expression: Path, source: NixpkgsSource, library: Path, system: str
) -> Callable[[Hash], Evaluated]:
    """A function that evaluates deps (``expression``) for ``system`` with a given hash.

    ``library`` is the directory of our Nix files.
    """

    def evaluate(digest: Hash) -> Evaluated:
        return nix.derivation(
            library / "update-hash.nix",
            {
                "file": str(expression.resolve()),
                "overlay": str((library / "overlay.nix").resolve()),
                "outputHash": digest.sri,
                "system": system,
                **dict(source.args),
            },
        )

    return evaluate
