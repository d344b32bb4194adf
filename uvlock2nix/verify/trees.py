"""Compare two trees as Nix sees them: kinds, names, contents, link targets, the executable bit."""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, cast

from uvlock2nix.dist.record import is_record
from uvlock2nix.errors import InputError
from uvlock2nix.printable import printable
from uvlock2nix.verify.binaries import binary_evidence
from uvlock2nix.verify.model import CAUSES, Condition, Evidence, Finding
from uvlock2nix.verify.owners import Owners
from uvlock2nix.verify.strings import evidence
from uvlock2nix.verify.texts import record_evidence, text_evidence

_OPEN: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_BLOCK: Final = 1 << 20
_LARGEST_TEXT: Final = 16 << 20

Kind = Literal["file", "symlink", "directory"]


@dataclass(frozen=True, slots=True)
class _Node:
    """What is at a path; ``held``: a directory that is not empty."""

    kind: Kind
    executable: bool
    size: int
    identity: tuple[int, int]
    held: bool = False


def compare(first: Path, second: Path, conditions: Sequence[Condition] = ()) -> tuple[Finding, ...]:
    """The differences between two directories, by path; empty exactly if their NARs are equal.

    ``conditions`` are known differences between the builds; what they explain is attributed to them. Symlinks
    are never followed.

    Raises:
        InputError: something cannot be read, or is neither file, directory nor symlink.
    """
    try:
        ours, theirs = _walk(first), _walk(second)
        differing = sorted(
            path for path in ours.keys() | theirs.keys() if _differs(path, first, second, ours, theirs)
        )
        owners = Owners(((first, ours.keys()), (second, theirs.keys())))
        context = _Context(first, second, ours, theirs, frozenset(differing), tuple(conditions))
        return tuple(_finding(path, context, owners) for path in differing)
    except OSError as error:
        name = printable(os.fsdecode(error.filename)) if error.filename is not None else str(first)
        raise InputError(f"cannot read {name}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class _Context:
    first: Path
    second: Path
    ours: dict[str, _Node]
    theirs: dict[str, _Node]
    differing: frozenset[str]
    conditions: tuple[Condition, ...]


def _walk(root: Path) -> dict[str, _Node]:
    """Path relative to ``root`` → node; the root itself is not an entry."""
    if not root.is_dir() or root.is_symlink():
        raise InputError(f"{root} is not a directory", hint="pass two installed trees")
    found: dict[str, _Node] = {}
    stack = [("", os.fspath(root))]
    while stack:
        prefix, folder = stack.pop()
        held = False
        with os.scandir(folder) as entries:
            for entry in entries:
                path = prefix + entry.name
                facts = entry.stat(follow_symlinks=False)
                node = _node(path, facts)
                if node.kind == "directory":
                    stack.append((path + "/", entry.path))
                found[path] = node
                held = True
        if prefix and held:
            found[prefix[:-1]] = replace(found[prefix[:-1]], held=True)
    return found


def _node(path: str, facts: os.stat_result) -> _Node:
    identity = (facts.st_dev, facts.st_ino)
    if stat.S_ISREG(facts.st_mode):
        return _Node("file", bool(facts.st_mode & stat.S_IXUSR), facts.st_size, identity)
    if stat.S_ISLNK(facts.st_mode):
        return _Node("symlink", False, facts.st_size, identity)
    if stat.S_ISDIR(facts.st_mode):
        return _Node("directory", False, 0, identity)
    raise InputError(
        f"{printable(path)} is neither a file, a directory nor a symlink",
        hint="Nix cannot store devices, sockets and named pipes",
    )


def _differs(path: str, first: Path, second: Path, ours: dict[str, _Node], theirs: dict[str, _Node]) -> bool:
    one, other = ours.get(path), theirs.get(path)
    if one is None or other is None:
        there = one or other
        # If only one side has a directory, its content is reported.
        return there is not None and not (there.kind == "directory" and there.held)
    if one.kind != other.kind:
        return True
    match one.kind:
        case "directory":
            return False
        case "symlink":
            return (first / path).readlink() != (second / path).readlink()
        case "file":
            if one.executable != other.executable or one.size != other.size:
                return True
            return one.identity != other.identity and not _same_bytes(first / path, second / path)


def _same_bytes(first: Path, second: Path) -> bool:
    with _opened(first) as one, _opened(second) as other:
        while True:
            block, twin = os.read(one, _BLOCK), os.read(other, _BLOCK)
            if block != twin:
                return False
            if not block:
                return True


def _finding(path: str, context: _Context, owners: Owners) -> Finding:
    one, other = context.ours.get(path), context.theirs.get(path)
    told: tuple[Evidence, ...]
    if one is None or other is None:
        told = (_one_sided(path, one, other),)
    elif one.kind != other.kind:
        told = (Evidence("kind", "type", one.kind, other.kind),)
    elif one.kind == "symlink":
        found = evidence(
            "target",
            os.fspath((context.first / path).readlink()),
            os.fspath((context.second / path).readlink()),
            context.conditions,
        )
        cause = "symlink" if found.cause == "content" else found.cause
        told = (Evidence("target", cause, found.first, found.second),)
    else:
        told = _file_evidence(path, one, other, context)
    ordered = tuple(sorted(told, key=lambda one: CAUSES.index(one.cause)))  # the strongest cause comes first
    return Finding(printable(path), owners(path), ordered[0].cause, ordered)


def _one_sided(path: str, one: _Node | None, other: _Node | None) -> Evidence:
    there = one or other
    kind = there.kind if there is not None else ""
    is_bytecode = path.endswith(".pyc") and kind == "file"
    if other is None:
        return Evidence("only in the first", "bytecode" if is_bytecode else "missing", kind, "")
    return Evidence("only in the second", "bytecode" if is_bytecode else "extra", "", kind)


def _file_evidence(path: str, one: _Node, other: _Node, context: _Context) -> tuple[Evidence, ...]:
    told: list[Evidence] = []
    if one.executable != other.executable:
        bit = ("not executable", "executable")
        told.append(Evidence("mode", "mode", bit[one.executable], bit[other.executable]))
    with _content(context.first / path) as first, _content(context.second / path) as second:
        if len(first) != len(second) or not _same_bytes(context.first / path, context.second / path):
            texts = None if path.endswith(".pyc") else _texts(first, second)
            if texts is None:
                told += binary_evidence(path, first, second, context.conditions)
            elif is_record(path):
                told += record_evidence(path, *texts, context.differing, context.conditions)
            else:
                told += text_evidence(*texts, context.conditions)
    return tuple(told) or (Evidence("", "content", "", ""),)


def _texts(first: bytes, second: bytes) -> tuple[str, str] | None:
    """Both contents as text; None if either is not text, or too long for a comparison by line."""
    if max(len(first), len(second)) > _LARGEST_TEXT or b"\0" in (first[:8192] + second[:8192]):
        return None
    try:
        return first[:].decode("utf-8"), second[:].decode("utf-8")
    except UnicodeDecodeError:
        return None


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, _OPEN)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _content(path: Path) -> Iterator[bytes]:
    """The file's bytes, mapped: slices and searches work as for ``bytes``."""
    with _opened(path) as descriptor:
        size = os.fstat(descriptor).st_size
        if size == 0:
            yield b""
            return
        with mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) as mapped:
            yield cast(bytes, mapped)
