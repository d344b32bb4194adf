"""What restore does to an ELF file: facts → plan → one change, verified afterwards."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from uvlock2nix.errors import RefsError
from uvlock2nix.refs.elf import MAGIC, CorruptElf, ElfFile, RunPath, read_elf
from uvlock2nix.refs.elfusers import other_users, shared_runpaths
from uvlock2nix.refs.libraries import Member, effective_entry, effective_runpath
from uvlock2nix.refs.patchelf import Grow
from uvlock2nix.refs.replace import place
from uvlock2nix.refs.stripped import Reference
from uvlock2nix.refs.undo import Undo, check_counts, kept_entries, names_of, string_writes


@dataclass(frozen=True, slots=True)
class Growth:
    """What does not fit into the existing file: the whole search path, the interpreter."""

    runpath: bytes | None
    force: bool
    interpreter: bytes | None

    def apply(self, file: Path, grow: Grow) -> None:
        """Let ``grow`` rewrite ``file``, which may be read-only."""
        mode = file.stat().st_mode & 0o7777
        file.chmod(mode | 0o600)
        try:
            grow(file, self.runpath, self.force, self.interpreter)
        finally:
            file.chmod(mode)


@dataclass(slots=True)
class ElfPlan:
    """An ELF file: its facts (``member.facts``), what it should have, and the writes for that."""

    member: Member
    references: Sequence[Reference]
    runpaths: dict[int, bytes]  # offset in the string table → new text
    interpreter: bytes | None
    writes: list[tuple[int, bytes]]
    dropped: tuple[bytes, ...]
    problems: list[str] = field(default_factory=list)

    def want(self, additions: Sequence[bytes], interpreter: str | None, undo: Undo) -> None:
        """Append search path entries, and replace an interpreter that is not in the store."""
        if additions:
            effective = effective_entry(self.member.facts)
            text = b":".join([*([self.member.runpath] if self.member.runpath else []), *additions])
            self.runpaths[-1 if effective is None else effective.index] = text
        if (
            interpreter is not None
            and self.interpreter is not None
            and not self.interpreter.startswith(undo.store)
        ):
            self.interpreter = os.fsencode(interpreter)

    def finish(self, descriptor: int) -> Growth | None:
        """Complete ``writes`` with what fits in place; return what does not."""
        facts = self.member.facts
        changed = {
            one.index: one for one in facts.runpaths if self.runpaths.get(one.index, one.text) != one.text
        }
        grown: bytes | None = self.runpaths.get(-1)
        effective = effective_entry(self.member.facts)
        elf = read_elf(descriptor) if changed else None
        for index, runpath in changed.items():
            assert elf is not None  # noqa: S101 - for the type checker
            try:
                placed = self._in_place(elf, runpath, self.runpaths[index])
            except CorruptElf as error:
                self.problems.append(f"{self.member.path}: not a valid ELF file: {error}")
                continue
            if placed is not None:
                self.writes.append((runpath.offset, placed))
            elif effective is not None and effective.index == index:
                grown = self.runpaths[index]
            else:
                self.problems.append(f"{self.member.path}: a DT_RPATH next to a DT_RUNPATH became longer")
        interpreter = facts.interpreter
        long_interpreter = None
        if interpreter is not None and self.interpreter is not None and self.interpreter != interpreter.text:
            if len(self.interpreter) < interpreter.room:
                data = self.interpreter + b"\0" * (interpreter.room - len(self.interpreter))
                self.writes.append((interpreter.offset, data))
            else:
                long_interpreter = self.interpreter
        if grown is None and long_interpreter is None:
            return None
        return Growth(grown, effective is not None and "RUNPATH" not in effective.tags, long_interpreter)

    def _in_place(self, elf: ElfFile, runpath: RunPath, text: bytes) -> bytes | None:
        """The bytes for the room that strip left for the string; None if ``text`` does not fit."""
        recorded = {one.room for one in self.references if one.kind == "rpath"}
        for room in sorted({*recorded, len(runpath.text)}, reverse=True):
            if not len(runpath.text) <= room <= elf.strings_size - runpath.index - 1:
                continue
            window = elf.window(runpath.offset, room + 1)
            users = other_users(elf, runpath, room)
            if users is None or window[room:] != b"\0":
                continue
            keep = room - min(users) if users else 0
            if window[len(runpath.text) : room - keep].strip(b"\0"):
                continue
            placed = place(window[:room], text, keep)
            if placed is not None:
                return placed
        return None

    def check(self, old: int, new: int) -> None:
        """Verify the new file; :class:`RefsError` unless it is as planned and otherwise unchanged."""
        path = self.member.path
        try:
            facts, after = self.member.facts, read_elf(new)
            same = (
                facts.target == after.facts.target
                and facts.kind == after.facts.kind
                and facts.needed == after.facts.needed
                and facts.soname == after.facts.soname
            )
            searched = {runpath.index for runpath in facts.runpaths}
            # Most files have no search path before, so there is nothing to compare.
            before = read_elf(old) if facts.runpaths else after
            for runpath in facts.runpaths:
                room = max([len(runpath.text), *(one.room for one in self.references)])
                users = other_users(before, runpath, min(room, before.strings_size - runpath.index)) or ()
                others = [runpath.index + at for at in users if runpath.index + at not in searched]
                same = same and all(before.string(index) == after.string(index) for index in others)
        except CorruptElf as error:
            raise RefsError(f"{path}: the changed file is not a valid ELF file: {error}") from error
        effective = effective_entry(self.member.facts)
        wanted = self.runpaths.get(-1 if effective is None else effective.index, self.member.runpath)
        found = after.facts.interpreter
        if effective_runpath(after.facts) != wanted:
            same = False
        if not same or (found.text if found else None) != self.interpreter:
            raise RefsError(
                f"{path}: the changed file differs from the plan",
                hint="this is a bug in uvlock2nix or patchelf; please report it with the file",
            )


def plan_elf(
    path: str, descriptor: int, references: Sequence[Reference], undo: Undo, tree: Path
) -> ElfPlan | None:
    """The plan for an open file, with its references but without its needs; None if it is not ELF.

    :class:`CorruptElf` if it is a broken ELF file.
    """
    if os.pread(descriptor, 4, 0) != MAGIC:
        return None
    facts = read_elf(descriptor).facts
    interpreter = facts.interpreter.text if facts.interpreter else None
    if not references:
        return ElfPlan(Member(path, facts, effective_runpath(facts)), (), {}, interpreter, [], ())
    counts: Counter[str] = Counter()
    problems: list[str] = []
    runpaths: dict[int, bytes] = {}
    dropped: list[bytes] = []

    def exists(folder: bytes) -> bool:
        return (tree / os.fsdecode(folder)).is_dir()

    names = names_of(references)
    shared = shared_runpaths(facts)
    own = [one for one in facts.runpaths if one.index not in shared]
    for runpath in own:
        runpaths[runpath.index], gone = kept_entries(runpath.text, undo, exists, names, counts)
        dropped += gone
    if facts.interpreter is not None:
        interpreter = undo.text(facts.interpreter.text, names, counts)
    ranges = [(one.offset, one.offset + len(one.text)) for one in (*own, facts.interpreter) if one]
    writes = string_writes(path, descriptor, names, undo, counts, problems, without=ranges)
    try:
        check_counts(path, references, counts)
    except RefsError as error:
        problems.append(error.message)
    effective = effective_entry(facts)
    searched = b""
    if effective is not None:
        one = effective.index
        searched = runpaths[one] if one in runpaths else undo.text(effective.text, names, Counter())
    return ElfPlan(
        Member(path, facts, searched),
        references,
        runpaths,
        interpreter,
        list(writes),
        tuple(dropped),
        problems,
    )
