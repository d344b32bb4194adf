"""Find the library for each NEEDED entry, as the dynamic loader of env will.

The rules are those of ld.so(8): a name with a slash is a path; otherwise the object's search path is used
(``$ORIGIN`` is its own folder), then the loader's default folder, which for a Nix libc is the interpreter's
folder. A library of a different class, byte order or machine is skipped.
"""

from __future__ import annotations

import os
import posixpath
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from uvlock2nix.refs.elf import ET_DYN, ET_EXEC, CorruptElf, ElfFacts, RunPath, Target, read_target
from uvlock2nix.refs.undo import split_runpath

DEFAULT_IGNORE: Final = ("libcuda.so.1",)
# The libraries of every libc, in case the interpreter is unknown.
_LIBC: Final = frozenset(
    f"lib{name}" for name in (
        "c.so.6", "m.so.6", "pthread.so.0", "dl.so.2", "rt.so.1", "util.so.1", "resolv.so.2", "nsl.so.1",
        "anl.so.1",        "mvec.so.1", "thread_db.so.1", "BrokenLocale.so.1",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Member:
    """An ELF file of the tree: ``path`` relative to it, its facts, and its future search path."""

    path: str
    facts: ElfFacts
    runpath: bytes

    @property
    def is_loaded(self) -> bool:
        """Whether the dynamic linker loads it: a library or a program, not an object file."""
        return self.facts.is_dynamic and self.facts.kind in (ET_DYN, ET_EXEC)


@dataclass(frozen=True, slots=True)
class Resolution:
    """For a file: search path entries to append, in order, and the names that were not found."""

    additions: tuple[bytes, ...]
    missing: tuple[str, ...]
    ignored: tuple[str, ...]


@dataclass(slots=True)
class Libraries:
    """The places of libraries: the tree (by file name), outside folders, the interpreter's folder."""

    tree: Path
    own: bytes | None  # the store path of the tree's output, which may differ from its current path
    members: Mapping[str, Target]
    search: Sequence[str]
    interpreter: str | None
    ignore: Sequence[str]
    by_name: dict[str, list[str]] = field(default_factory=dict)
    _targets: dict[bytes, Target | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path, target in sorted(self.members.items()):
            self.by_name.setdefault(posixpath.basename(path), []).append(path)
            self._targets[posixpath.normpath(os.fsencode(self.tree / path))] = target

    def resolve(self, member: Member, extra: Iterable[bytes] = ()) -> Resolution:
        """The missing libraries of ``member``. ``extra``: entries that it always gets (for dlopen)."""
        entries = split_runpath(member.runpath)
        added = [entry for entry in dict.fromkeys(extra) if entry not in entries]
        missing: list[str] = []
        ignored: list[str] = []
        for raw in member.facts.needed:
            name = os.fsdecode(raw)
            if self._is_found(member, raw, [*entries, *added]):
                continue
            entry = self._provider(member, name)
            if entry is not None:
                added.append(entry)
            elif any(fnmatchcase(name, pattern) for pattern in self.ignore):
                ignored.append(name)
            else:
                missing.append(name)
        return Resolution(tuple(added), tuple(missing), tuple(ignored))

    def _is_found(self, member: Member, raw: bytes, entries: Sequence[bytes]) -> bool:
        target = member.facts.target
        if b"/" in raw:
            return self._target(self._expand(raw, member)) == target
        if any(
            self._target(posixpath.join(self._expand(entry, member), raw)) == target
            for entry in entries
            if entry
        ):
            return True
        name = os.fsdecode(raw)
        if self.interpreter is None:
            return name in _LIBC or name.startswith(("ld-linux", "ld64.", "ld-musl"))
        if name.startswith("libc.musl-") and posixpath.basename(self.interpreter).startswith("ld-musl-"):
            return True
        return self._target(os.fsencode(posixpath.join(posixpath.dirname(self.interpreter), name))) == target

    def _provider(self, member: Member, name: str) -> bytes | None:
        """The entry that provides ``name``: the nearest file of the tree, else an outside folder."""
        folder = posixpath.dirname(member.path)
        near = [path for path in self.by_name.get(name, ()) if self.members[path] == member.facts.target]
        if near:
            best = min(near, key=lambda path: (len(posixpath.relpath(path, folder or ".").split("/")), path))
            step = posixpath.relpath(posixpath.dirname(best) or ".", folder or ".")
            return b"$ORIGIN" if step == "." else b"$ORIGIN/" + os.fsencode(step)
        for place in self.search:
            if self._target(os.fsencode(posixpath.join(place, name))) == member.facts.target:
                return os.fsencode(place)
        return None

    def _expand(self, entry: bytes, member: Member) -> bytes:
        origin = os.fsencode(self.tree / posixpath.dirname(member.path))
        for name in (b"$ORIGIN", b"${ORIGIN}"):
            entry = entry.replace(name, origin)
        if self.own is not None and (entry + b"/").startswith(self.own + b"/"):
            entry = os.fsencode(self.tree) + entry[len(self.own) :]
        return entry

    def _target(self, path: bytes) -> Target | None:
        path = posixpath.normpath(path)
        if path not in self._targets:
            self._targets[path] = elf_target(path)
        return self._targets[path]


def elf_target(path: bytes) -> Target | None:
    """(class, byte order, machine) of the ELF file at ``path``, None if there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return read_target(descriptor)
    except (OSError, CorruptElf):
        return None
    finally:
        os.close(descriptor)


def main_target(members: Iterable[Member], interpreter: str | None) -> Target | None:
    """The target of env: the interpreter's, else that of most files in the tree."""
    if interpreter is not None:
        return elf_target(os.fsencode(interpreter))
    counts = Counter(member.facts.target for member in members)
    return min(counts, key=lambda target: (-counts[target], target)) if counts else None


def effective_runpath(facts: ElfFacts) -> bytes:
    """The text of :func:`effective_entry`, or nothing."""
    found = effective_entry(facts)
    return b"" if found is None else found.text


def effective_entry(facts: ElfFacts) -> RunPath | None:
    """The search path that the loader uses: DT_RUNPATH, else DT_RPATH, else none."""
    for tag in ("RUNPATH", "RPATH"):
        for runpath in reversed(facts.runpaths):  # of several with the same tag, the last counts
            if tag in runpath.tags:
                return runpath
    return None
