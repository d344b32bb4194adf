"""verify --tree: an installed deps or env compared with the lock, without building anything."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from uvlock2nix.app.gather import Effort, classified, knowledge_of, policy_of
from uvlock2nix.app.remembered import recalled
from uvlock2nix.app.reporter import Reporter
from uvlock2nix.app.request import Options, Request
from uvlock2nix.classify.packages import ClassifiedPackage
from uvlock2nix.dist.installed import Entry, Installed, installed
from uvlock2nix.dist.record import digest_of
from uvlock2nix.errors import InputError
from uvlock2nix.key import is_member
from uvlock2nix.layout import MANIFEST, site_packages
from uvlock2nix.nar import nar_hash, parse_hash
from uvlock2nix.net.urls import shown_url
from uvlock2nix.nixrun.project import Files, files_of
from uvlock2nix.pins import Pins, read_pins
from uvlock2nix.printable import printable
from uvlock2nix.regex import regex
from uvlock2nix.sync.manifest import read_manifest
from uvlock2nix.target import SYSTEMS

_HINT: Final = "pass the store path of deps or env: `nix-build -A env`, or passthru of the package"
# Made by us or by Nix, so not in any RECORD.
_OURS: Final = ("bin/", "nix-support/", "pyvenv.cfg")
_MINOR: Final = regex(r"3\.[0-9]{1,2}t?\Z")
_MOST: Final = 20  # listed problems of a kind


@dataclass(frozen=True, slots=True)
class FileOf:
    """A package of a tree: the locked file that it was made from, the lock's source of it, how that file was
    proved, and how many files the package owns in the tree.
    """

    name: str
    version: str
    filename: str
    source: str
    hash: str
    proof: str
    files: int


@dataclass(frozen=True, slots=True)
class TreeResult:
    """A tree and all of its problems; ``pinned``: its NAR hash is the one in the pins."""

    tree: Path
    system: str
    python: str
    pinned: bool
    packages: tuple[FileOf, ...]
    problems: tuple[str, ...]


def verified_tree(project: Path, options: Options, tree: Path, reporter: Reporter) -> TreeResult:
    """Compare ``tree`` (deps or env, of either mode) with the lock of ``project``.

    Raises:
        InputError, ProjectError: the tree is not ours, or the project cannot be read.
    """
    manifest = _manifest(tree)
    system, python = str(manifest.get("system", "")), str(manifest.get("python", ""))
    if system in SYSTEMS and not options.systems:
        options = replace(options, systems=(system,))
    files = files_of(project)
    if not files.expression.is_file() and _MINOR.match(python):
        options = replace(options, python=python)  # nothing else names one
    asked = recalled(project, options, reporter)
    for note in asked.notes:
        reporter.note(note)
    expected = {one.name: one for one in _held(asked, reporter)}
    there = installed(tree / site_packages(python))
    listed = _packages(manifest)
    problems = [
        *_target(asked, system, python),
        *_compared(expected, listed),
        *_distributions(listed, there),
        *_bytes(tree / site_packages(python), there),
        *_strangers(tree, site_packages(python), there),
    ]
    pinned = False
    if files.pins.is_file() and not (tree / "pyvenv.cfg").exists():
        pinned, wrong = _as_pinned(tree, files, read_pins(files.pins), system)
        problems += wrong
    counts = {one.name: len(one.entries) for one in there}
    rows = tuple(_row(one, listed.get(name, {}), counts.get(name, 0)) for name, one in expected.items())
    return TreeResult(tree, system, python, pinned, rows, tuple(problems))


def _manifest(tree: Path) -> dict[str, object]:
    try:
        return read_manifest(tree)
    except (OSError, ValueError, TypeError, RecursionError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is damaged"
        raise InputError(f"{tree}: {MANIFEST}: {what}", hint=_HINT) from None


def _packages(manifest: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    listed = manifest.get("packages")
    rows = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return {str(one.get("name")): one for one in rows}


def _held(asked: Request, reporter: Reporter) -> list[ClassifiedPackage]:
    """The packages of the lock that deps contains."""
    policy = policy_of(asked, reporter, strict=False)
    knowledge = knowledge_of(asked, reporter)
    _, packages = classified(asked, knowledge, policy, asked.target, Effort(network=False), reporter)
    return [one for one in packages if not one.from_nixpkgs and not is_member(one)]


def _target(asked: Request, system: str, python: str) -> list[str]:
    wanted = (asked.target.system, asked.target.python.minor)
    # A single package of mode `files` names no system.
    if (system or wanted[0], python) == wanted:
        return []
    return [f"it is for {system}, Python {python}; expected {wanted[0]}, Python {wanted[1]}"]


def _compared(
    expected: Mapping[str, ClassifiedPackage], listed: Mapping[str, Mapping[str, object]]
) -> list[str]:
    """The manifest against the lock: the packages, their versions, and the file of each."""
    found = [f"{name} is missing" for name in expected if name not in listed]
    found += [f"{name} is installed, but not in the lock's environment" for name in listed.keys() - expected]
    for name, one in expected.items():
        row = listed.get(name)
        artifact = one.choice.artifact
        if row is None or artifact is None:
            continue
        if one.version is not None and row.get("version") != one.version:
            found.append(f"{name} is {row.get('version')}, the lock says {one.version}")
        made = _artifact(row)
        if made.get("filename") != artifact.filename and artifact.kind != "git":
            found.append(f"{name} was made from {made.get('filename')}, the lock says {artifact.filename}")
        has, locked = made.get("hash"), artifact.hash
        if has and locked and not _same_hash(str(has), locked):
            found.append(f"{name} was made from a file with the hash {has}, the lock says {locked}")
        commit = _origin(made).get("commit")
        if artifact.kind == "git" and commit != artifact.filename:
            found.append(f"{name} was made from the commit {commit}, the lock says {artifact.filename}")
    return found


def _artifact(row: Mapping[str, object]) -> Mapping[str, object]:
    found = row.get("artifact")
    return found if isinstance(found, dict) else {}


def _origin(artifact: Mapping[str, object]) -> Mapping[str, object]:
    found = artifact.get("origin")
    return found if isinstance(found, dict) else {}


def _same_hash(one: str, other: str) -> bool:
    try:
        first, second = parse_hash(one), parse_hash(other)
    except ValueError:
        return one == other
    return first == second


def _distributions(listed: Mapping[str, object], there: Sequence[Installed]) -> list[str]:
    names = {one.name for one in there}
    return [f"{name}: its metadata is not installed" for name in listed if name not in names]


def _bytes(site: Path, there: Iterable[Installed]) -> list[str]:
    """Files that do not match their RECORD."""
    found = [
        f"{one.name}: {printable(entry.path)} {wrong}"
        for one in there
        for entry in one.entries
        if entry.hash and (wrong := _wrong(site, entry))
    ]
    return _some(found, "files do not match their RECORD")


def _wrong(site: Path, entry: Entry) -> str:
    algorithm = entry.hash.partition("=")[0]
    try:
        digest, _ = digest_of(site / entry.path, algorithm)
    except FileNotFoundError:
        return "is missing"
    except (OSError, ValueError):
        return "cannot be compared"
    return "" if digest == entry.hash else "has been changed"


def _strangers(tree: Path, site: str, there: Iterable[Installed]) -> list[str]:
    """Files that are in no RECORD and that neither uvlock2nix nor Python writes."""
    known = {posixpath.normpath(posixpath.join(site, entry.path)) for one in there for entry in one.entries}
    found = []
    for folder, _, names in os.walk(tree):
        inside = posixpath.relpath(folder, tree)
        for name in names:
            path = posixpath.normpath(posixpath.join(inside, name))
            ours = path.startswith(_OURS) or name.endswith(".pyc") or name.startswith("_uvlock2nix")
            if not ours and path not in known and not (tree / path).is_symlink():
                found.append(f"{printable(path)} belongs to no package")
    return _some(sorted(found), "files belong to no package")


def _some(found: list[str], what: str) -> list[str]:
    if len(found) <= _MOST:
        return found
    return [*found[:_MOST], f"{len(found)} {what} in all"]


def _as_pinned(tree: Path, files: Files, pins: Pins, system: str) -> tuple[bool, list[str]]:
    """Whether deps has the pinned hash, and the problems if it does not."""
    if pins.packages:
        return False, []
    if pins.lock != files.lock_digest():
        return False, [
            f"{files.pins} was made from a different {files.lock.name}: run `uvlock2nix update-hash`"
        ]
    pin = pins.pin(system)
    if pin is None:
        return False, [f"{files.pins} has no hash for {system}"]
    found = nar_hash(tree)
    if found != parse_hash(pin.hash):
        return False, [f"its hash is {found.sri}, the pins have {pin.hash}"]
    return True, []


def _row(one: ClassifiedPackage, made: Mapping[str, object], count: int) -> FileOf:
    artifact = one.choice.artifact
    if artifact is None:
        return FileOf(one.name, one.version or "", "", "", "", "", count)
    proof = _artifact(made).get("proof")
    return FileOf(
        one.name,
        one.version or "",
        artifact.filename,
        shown_url(artifact.url) if artifact.url else artifact.path or "",
        artifact.hash or "",
        proof if isinstance(proof, str) else "",
        count,
    )
