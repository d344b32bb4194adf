"""update-hash for handwritten files: any fixed-output derivation with a literal hash in a Nix file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uvlock2nix.atomic import folder_lock, write_atomic
from uvlock2nix.errors import InputError
from uvlock2nix.nar import DIGEST_SIZES, Hash, parse_hash
from uvlock2nix.nixfile import HashLiteral, choose, find_literals, replaced
from uvlock2nix.nixrun.build import Evaluated, Nix
from uvlock2nix.nixrun.nixpkgs import NixpkgsSource
from uvlock2nix.reading import read_regular

_LARGEST: Final = 16 * 1024 * 1024  # maximum bytes of a Nix file


@dataclass(frozen=True, slots=True)
class Target:
    """A literal in a file, its current hash, and the derivation that it belongs to."""

    path: Path
    text: str
    literal: HashLiteral
    current: Hash
    evaluate: Callable[[Hash], Evaluated]


def find_target(nix: Nix, path: Path, attr: str, source: NixpkgsSource, library: Path, system: str) -> Target:
    """Evaluate ``path`` (and ``attr`` in it) and find the literal that its hash comes from.

    InputError with the reason if the hash is not literal or not unique; ToolError from Nix.
    """
    text = read_text(path)
    literals = find_literals(
        text, str(path)
    )  # before running Nix, to report files that are not Nix or have no hash
    common = {
        "file": str(path.resolve()),
        "attr": attr,
        "overlay": str((library / "overlay.nix").resolve()),
        "system": system,
        **dict(source.args),
    }
    expression = library / "update-file.nix"
    facts = nix.evaluate(expression, common)
    algo = facts.get("algo") or "sha256"
    current = _current(str(facts.get("hash", "")), str(algo), str(path))
    line = str(facts.get("line", ""))
    literal = choose(literals, current, str(path), int(line) if line.isdecimal() else None)

    def evaluate(digest: Hash) -> Evaluated:
        # The caller's fake hash is SHA-256; the derivation may need a different algorithm.
        put = digest if digest.algo == current.algo else Hash(current.algo, bytes(len(current.digest)))
        found = nix.derivation(expression, {**common, "outputHash": put.sri})
        return Evaluated(
            found.drv, found.out, found.name, found.system, found.recursive, current.algo, "", "", ""
        )

    return Target(path, text, literal, current, evaluate)


def write_target(target: Target, digest: Hash) -> bool:
    """Write ``digest`` to the file; return whether it differs. InputError if it was edited meanwhile."""
    if digest == target.current and not target.literal.placeholder:
        return False
    new = replaced(target.text, target.literal, digest)
    with folder_lock(target.path.parent):
        now = read_text(target.path)
        if now == new:
            return True  # another run has computed the same
        if now != target.text:
            raise InputError(
                f"{target.path} changed while the hash was computed; nothing was written",
                hint=f"run the command again; the hash is {digest.sri}",
            )
        write_atomic(target.path, new)
    return True


def read_text(path: Path) -> str:
    """The text of a Nix file, with its original line ends; InputError if it cannot be read."""
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path} is larger than {_LARGEST} bytes, too large for a Nix file")
        return read_regular(path, _LARGEST).decode("utf-8")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start})") from None


def _current(text: str, algo: str, where: str) -> Hash:
    if text == "":
        return Hash(algo, bytes(DIGEST_SIZES.get(algo, 32)))
    prefix = text.partition("-")[0].partition(":")[0]
    try:
        return parse_hash(text, None if prefix in DIGEST_SIZES else algo)
    except ValueError as error:
        raise InputError(f"{where}: the derivation's hash cannot be read: {error}") from None
