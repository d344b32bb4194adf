"""update-hash for a project: its files, its evaluation, and the writing of its pins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from uvlock2nix.atomic import folder_lock, write_atomic
from uvlock2nix.errors import InputError
from uvlock2nix.nar import Hash
from uvlock2nix.nix.build import Evaluated, Nix
from uvlock2nix.nix.nixpkgs import NixpkgsSource
from uvlock2nix.pins import Pin, Pins, lock_digest, read_pins, render


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a project that update-hash reads, and the one that it writes."""

    lock: Path
    expression: Path
    pins: Path

    def lock_digest(self) -> str:
        """The SHA-256 of uv.lock as it is now."""
        try:
            return lock_digest(self.lock.read_bytes())
        except OSError as error:
            raise InputError(f"cannot read {self.lock}: {error.strerror}") from error


def project_files(project: Path) -> Files:
    """The files of ``project``; InputError where generate has not run yet."""
    files = Files(
        project / "uv.lock", project / "nix" / "python-deps.nix", project / "nix" / "python-deps.json"
    )
    for path in (files.expression, files.pins):
        if not path.is_file():
            raise InputError(f"{path} does not exist", hint=f"run `uvlock2nix generate {project}` first")
    return files


def evaluator(
    nix: Nix, files: Files, source: NixpkgsSource, library: Path, system: str
) -> Callable[[Hash], Evaluated]:
    """A function that evaluates the project's deps for ``system`` with a hash put in.

    ``library`` is the directory of our Nix files.
    """

    def evaluate(digest: Hash) -> Evaluated:
        return nix.derivation(
            library / "update-hash.nix",
            {
                "file": str(files.expression.resolve()),
                "overlay": str((library / "overlay.nix").resolve()),
                "outputHash": digest.sri,
                "system": system,
                **dict(source.args),
            },
        )

    return evaluate


def write_pins(files: Files, lock: str, new: tuple[Pin, ...]) -> Pins:
    """Put ``new`` into the pins that are on disk now, and write them; ``lock`` is what they were made from.

    Another run may have added its systems meanwhile: those stay. InputError where uv.lock is no longer the
    one that was built; the pins are left as they were then.
    """
    with folder_lock(files.pins.parent):
        if files.lock_digest() != lock:
            raise InputError(
                f"{files.lock} changed while the hash was made; nothing was written",
                hint="run `uvlock2nix update-hash` again",
            )
        pins = replace(read_pins(files.pins), lock=lock)
        for pin in new:
            pins = pins.with_pin(pin)
        write_atomic(files.pins, render(pins))
    return pins
