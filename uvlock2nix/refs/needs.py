"""Plan the ELF files of a tree for restore: their references, and the libraries that they need."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from uvlock2nix.dist.record import is_record, read_record
from uvlock2nix.errors import InputError
from uvlock2nix.names import canonicalize_name
from uvlock2nix.refs.apply import Edit, Patch
from uvlock2nix.refs.elf import CorruptElf
from uvlock2nix.refs.elfplan import ElfPlan, Growth, plan_elf
from uvlock2nix.refs.libraries import DEFAULT_IGNORE, Libraries, Resolution, elf_target, main_target
from uvlock2nix.refs.scan import Entry, open_file
from uvlock2nix.refs.stripped import Manifest, by_file
from uvlock2nix.refs.undo import Undo, split_runpath


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """How ELF files find their libraries.

    ``needed_search``: folders outside the tree for NEEDED libraries, before the ``lib`` of each input;
    ``ignore``: patterns of library names that may be missing; ``interpreter``: the program interpreter for
    executables, whose folder also has libc; ``dlopen``: package → folders for its search paths.
    ``libraries``: if false, only stripped references are restored.
    """

    needed_search: Sequence[str] = ()
    ignore: Sequence[str] = DEFAULT_IGNORE
    interpreter: str | None = None
    dlopen: Mapping[str, Sequence[str]] = field(default_factory=dict)
    libraries: bool = True


@dataclass(slots=True)
class Result:
    """The findings so far: edits, files that must grow, and problems."""

    edits: dict[str, Edit] = field(default_factory=dict)
    growth: dict[str, Growth] = field(default_factory=dict)
    plans: dict[str, ElfPlan] = field(default_factory=dict)
    added: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    ignored: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)


def plan_elf_files(
    origin: Path,
    entries: Sequence[Entry],
    record: Manifest,
    linked: Mapping[str, Sequence[bytes]],
    undo: Undo,
    options: RestoreOptions,
    result: Result,
    own: bytes | None,
) -> None:
    """Plan every ELF file of the tree into ``result``: its entries in the manifest, then its needs.

    ``linked``: file → the search path entries that the linker would have written.
    ``own``: the store path of the tree's output, if that is not its current path.
    """
    recorded = by_file(record)
    plans = result.plans
    links: dict[str, Entry] = {}
    for entry in entries:
        if entry.is_link and ".so" in entry.path:
            links[entry.path] = entry
        if not entry.is_file or entry.size < 52:
            continue
        with open_file(origin / entry.path) as descriptor:
            try:
                plan = plan_elf(entry.path, descriptor, recorded.get(entry.path, []), undo, origin)
            except CorruptElf as error:
                result.skipped.append((entry.path, f"not a valid ELF file: {error}"))
                continue
        if plan is not None:
            plans[entry.path] = plan
            result.edits.pop(entry.path, None)
    for file, references in recorded.items():
        if any(one.kind in ("rpath", "interp") for one in references) and file not in plans:
            result.problems.append(f"{file}: the ELF file that was stripped no longer exists")
    for file in linked.keys() - plans.keys():
        result.problems.append(f"{file}: the ELF file that the manifest has libraries for no longer exists")
    libraries = _libraries(origin, plans, links, options, own)
    _resolve_all(origin, entries, plans, linked, libraries, options, undo, result)


def _libraries(
    origin: Path,
    plans: Mapping[str, ElfPlan],
    links: Iterable[str],
    options: RestoreOptions,
    own: bytes | None,
) -> Libraries:
    members = {path: plan.member.facts.target for path, plan in plans.items() if plan.member.is_loaded}
    for path in links:
        target = elf_target(os.fsencode(origin / path))
        if target is not None:
            members[path] = target
    if options.interpreter is not None and elf_target(os.fsencode(options.interpreter)) is None:
        raise InputError(
            f"the interpreter {options.interpreter} is not an ELF file",
            hint="in nixpkgs it is $(< $NIX_BINTOOLS/nix-support/dynamic-linker)",
        )
    return Libraries(origin, own, members, options.needed_search, options.interpreter, options.ignore)


def _resolve_all(
    origin: Path,
    entries: Sequence[Entry],
    plans: Mapping[str, ElfPlan],
    linked: Mapping[str, Sequence[bytes]],
    libraries: Libraries,
    options: RestoreOptions,
    undo: Undo,
    result: Result,
) -> None:
    extra = _opened_by_name(origin, entries, options.dlopen)
    target = main_target((plan.member for plan in plans.values()), options.interpreter)
    for path, plan in sorted(plans.items()):
        resolution = Resolution((), (), ())
        before = linked.get(path, ())
        if not options.libraries:
            has = split_runpath(plan.member.runpath)
            plan.want([entry for entry in before if entry not in has], None, undo)
        elif plan.member.is_loaded and plan.member.facts.target == target:
            resolution = libraries.resolve(plan.member, (*before, *extra.get(path, ())))
            plan.want(resolution.additions, options.interpreter, undo)
        elif plan.member.is_loaded:
            result.skipped.append((path, "made for a different machine"))
        if resolution.additions:
            result.added.append((path, tuple(os.fsdecode(entry) for entry in resolution.additions)))
        result.ignored += [(path, name) for name in resolution.ignored]
        if resolution.missing:
            result.missing[path] = resolution.missing
        result.problems += [f"{path}: the library {name} is not found" for name in resolution.missing]
        result.dropped += [(path, os.fsdecode(entry)) for entry in plan.dropped]
        with open_file(origin / path) as descriptor:
            growth = plan.finish(descriptor)
        result.problems += plan.problems
        if plan.writes or growth is not None:
            result.edits[path] = Patch(path, tuple(plan.writes))
        if growth is not None:
            result.growth[path] = growth


def _opened_by_name(
    origin: Path, entries: Sequence[Entry], dlopen: Mapping[str, Sequence[str]]
) -> dict[str, list[bytes]]:
    """File → the folders from which its package opens libraries."""
    extra: dict[str, list[bytes]] = {}
    wanted = {canonicalize_name(package): folders for package, folders in dlopen.items()}
    for entry in entries if wanted else ():
        if entry.is_file and is_record(entry.path):
            record = read_record(origin, entry.path)
            folders = [os.fsencode(folder) for folder in wanted.get(canonicalize_name(record.package), ())]
            for file in record.files() if folders else ():
                extra.setdefault(file, []).extend(folders)
    return extra
