"""Put every reference back, and make every ELF file find its libraries."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from uvlock2nix.dist.record import is_record
from uvlock2nix.errors import RefsError
from uvlock2nix.refs.apply import Edit, Patch, Relink, Rewrite, Stage
from uvlock2nix.refs.elfplan import ElfPlan
from uvlock2nix.refs.journal import undo_killed_runs
from uvlock2nix.refs.linked import as_references, read_linked, search_paths
from uvlock2nix.refs.linking import Links, links
from uvlock2nix.refs.missing import missing_hint
from uvlock2nix.refs.needs import RestoreOptions, Result, plan_elf_files
from uvlock2nix.refs.parallel import threads
from uvlock2nix.refs.patchelf import Grow, Sign, run_patchelf
from uvlock2nix.refs.populate import populate
from uvlock2nix.refs.recording import Moved, correct_records
from uvlock2nix.refs.scan import Entry, open_file, read_link, walk
from uvlock2nix.refs.store import STORE_DIR, StorePath
from uvlock2nix.refs.stripped import Manifest, Reference, by_file, read_manifest
from uvlock2nix.refs.undo import Undo, check_counts, find_spots, make_undo, names_of, string_writes

if TYPE_CHECKING:
    from concurrent.futures import Future

_MACH_O = frozenset(
    bytes.fromhex(text) for text in ("feedface", "feedfacf", "cefaedfe", "cffaedfe", "cafebabe", "cafebabf")
)


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What :func:`restore` did.

    ``grown``: files that patchelf had to rewrite. ``added``: (file, search path entries added for NEEDED).
    ``dropped``: (file, entries removed because they cannot exist). ``ignored``: (file, library) pairs of the
    ignore list. ``skipped``: (file, why) for ELF files that were left alone. ``left``: keys whose
    placeholders are kept.
    """

    changed: tuple[str, ...]
    grown: tuple[str, ...]
    added: tuple[tuple[str, tuple[str, ...]], ...]
    dropped: tuple[tuple[str, str], ...]
    ignored: tuple[tuple[str, str], ...]
    skipped: tuple[tuple[str, str], ...]
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What strip took out of a tree, and the current store paths in its place.

    ``inputs``: attribute → store path (``out``: the tree's own). ``manifest``: as written by strip; None if
    nothing was stripped. ``others``: store paths that may match a key by name. ``leave``: keys whose
    placeholders are kept.
    """

    inputs: Mapping[str, str]
    manifest: Path | None
    others: Iterable[StorePath] = ()
    leave: Iterable[str] = ()
    store_dir: str = STORE_DIR


@dataclass(frozen=True, slots=True)
class Tools:
    """The functions that rewrite a file that has to grow, and sign a changed file (on macOS)."""

    grow: Grow = run_patchelf
    sign: Sign | None = None


def restore(
    tree: Path,
    recorded: Recorded,
    options: RestoreOptions | None = None,
    *,
    source: Path | None = None,
    link: bool = False,
    tools: Tools | None = None,
) -> RestoreReport:
    """Undo :func:`strip` in ``tree`` with the current store paths, and do what auto-patchelf does.

    ``source``: create ``tree`` from this one (its files are copied; with ``link``, those of packages in which
    nothing changes become symlinks: :mod:`uvlock2nix.refs.linking`).

    The tree is changed as a whole or not at all. :class:`RefsError` lists everything that cannot be restored
    and every library that is not found.
    """
    inputs, manifest, store_dir = recorded.inputs, recorded.manifest, recorded.store_dir
    options = options or RestoreOptions()
    parsed = {attr: StorePath.parse(path, store_dir=store_dir) for attr, path in inputs.items()}
    tree = tree.resolve()
    origin = tree if source is None else source.resolve()
    if origin == tree:
        undo_killed_runs(tree)
    record = Manifest((), {}) if manifest is None else read_manifest(manifest)
    linked = read_linked(record, where=str(manifest))
    undo = make_undo(
        (*record.references, *as_references(linked)),
        inputs=parsed,
        others=recorded.others,
        leave=recorded.leave,
        store_dir=store_dir,
    )
    brought = (f"{path.rstrip('/')}/lib" for attr, path in inputs.items() if attr != "out")
    options = replace(options, needed_search=(*options.needed_search, *brought))
    entries = [entry for entry in walk(origin) if not entry.path.startswith(".uvlock2nix-refs-")]
    result = Result()
    record, renames, moved = _names_now(origin, record, _renames(record, undo))
    _plan_recorded(origin, record, undo, result)
    own = inputs.get("out")
    found = {moved(file): paths for file, paths in search_paths(linked, undo.paths, undo.store).items()}
    plan_elf_files(origin, entries, record, found, undo, options, result, os.fsencode(own) if own else None)
    _raise_if_any(origin, entries, result)
    linked_to = Links()
    if link:
        changed = {*result.edits, *(old for old, _ in renames)}
        linked_to = links(origin, entries, changed, compiled=result.plans, store_dir=store_dir)
    with (
        populate(origin, tree, entries, links=linked_to, changed=result.edits.keys()),
        Stage(tree, source=origin) as stage,
    ):
        _stage(stage, entries, result, undo, tools or Tools(), renames)
        stage.commit(renames)
        written = tuple(sorted(stage.files))
    return _report(written, result, undo)


def _report(changed: tuple[str, ...], result: Result, undo: Undo) -> RestoreReport:
    return RestoreReport(
        changed=changed,
        grown=tuple(sorted(result.growth)),
        added=tuple(sorted(result.added)),
        dropped=tuple(sorted(result.dropped)),
        ignored=tuple(sorted(result.ignored)),
        skipped=tuple(sorted(result.skipped)),
        left=tuple(sorted(undo.left)),
    )


def _raise_if_any(origin: Path, entries: Sequence[Entry], result: Result) -> None:
    found = sorted(result.problems)
    if found:
        hint = "a longer compiled-in path requires a new build of deps: run `uvlock2nix update-hash`"
        raise RefsError(
            "\n".join(["these cannot be restored:", *(f"  {line}" for line in found)]),
            hint=missing_hint(origin, entries, result.missing) if result.missing else hint,
            data={"problems": found},
        )


# -- entries of the manifest, except ELF files --


def _plan_recorded(origin: Path, record: Manifest, undo: Undo, result: Result) -> None:
    for file, references in by_file(record).items():
        kinds = {one.kind for one in references}
        if "rpath" in kinds or "interp" in kinds:
            continue  # planned with the ELF files
        try:
            edit = _plan_file(origin, file, references, undo, result.problems)
        except RefsError as error:
            result.problems.append(error.message)
            continue
        if edit is not None:
            result.edits[file] = edit


def _plan_file(
    origin: Path, file: str, references: list[Reference], undo: Undo, problems: list[str]
) -> Edit | None:
    place = origin / file
    if place.parent.resolve() != place.parent:
        raise RefsError(f"{file}: a folder of it is a symlink")
    counts: Counter[str] = Counter()
    names = names_of(references)
    if references[0].kind == "symlink":
        if not place.is_symlink():
            raise RefsError(f"{file}: the symlink no longer exists")
        before = read_link(place)
        target = undo.text(before, names, counts)
        return Relink(file, target) if check_counts(file, references, counts) and target != before else None
    with open_file(place) as descriptor:
        if references[0].kind in ("text", "script"):
            content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
            new = undo.text(content, names, counts)
            return Rewrite(file, new) if check_counts(file, references, counts) and new != content else None
        writes = string_writes(file, descriptor, names, undo, counts, problems)
        return Patch(file, writes) if check_counts(file, references, counts) and writes else None


# -- writing --


def _stage(
    stage: Stage,
    entries: Sequence[Entry],
    result: Result,
    undo: Undo,
    tools: Tools,
    renames: tuple[tuple[str, str], ...],
) -> None:
    by_inode: dict[tuple[int, int], list[str]] = {}
    # A store that is optimised links equal files of different packages, which a new tree does not.
    for entry in entries if stage.source == stage.tree else ():
        if entry.is_file and entry.inode is not None:
            by_inode.setdefault(entry.inode, []).append(entry.path)
    twins = {path: tuple(paths) for paths in by_inode.values() for path in paths}
    from concurrent.futures import as_completed  # slow to import, and rarely needed

    sizes = {entry.path: entry.size for entry in entries}
    with threads() as pool:
        jobs: dict[Path, Future[None]] = {}
        # Largest first, so that no core waits for it at the end.
        for path in sorted(result.edits, key=lambda path: (-sizes.get(path, 0), path)):
            if path not in stage.files:
                also = tuple(twin for twin in twins.get(path, ()) if twin != path)
                stage.add(result.edits[path], also=also)
            new = stage.files[path]
            if path in result.growth and new not in jobs:  # names of the same file share a new version
                jobs[new] = pool.submit(result.growth[path].apply, new, tools.grow)
        grown: dict[Future[None] | None, list[str]] = {}
        for path in result.edits:
            grown.setdefault(jobs.get(stage.files[path]), []).append(path)
        # Check each file as soon as patchelf is done with it, while patchelf works on the next.
        for job in chain((None,), as_completed(jobs.values())):
            if job is not None:
                job.result()
            for path in grown.get(job, ()):
                _check_and_sign(stage, path, result, undo, tools.sign)
        records = (entry.path for entry in entries if entry.is_file and is_record(entry.path))
        correct_records(stage, records, Moved(renames), pool.map)


def _check_and_sign(stage: Stage, path: str, result: Result, undo: Undo, sign: Sign | None) -> None:
    edit, new = result.edits[path], stage.files[path]
    _check(stage.source / path, new, path, edit, result.plans.get(path), undo)
    if sign is not None and isinstance(edit, Patch) and _is_mach_o(new):
        sign(new)


def _check(before: Path, after: Path, path: str, edit: Edit, plan: ElfPlan | None, undo: Undo) -> None:
    """Read the new file again: no placeholder is left, and an ELF file has only the planned changes."""
    if isinstance(edit, Relink):
        return
    with open_file(after) as new:
        for spot in find_spots(new):
            found = undo.find(spot.token)
            if found is not None and found[1] is not None:
                raise RefsError(f"{path}: a placeholder of {found[0]} remains at offset {spot.offset}")
        if plan is not None:
            with open_file(before) as old:
                plan.check(old, new)


def _is_mach_o(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(4) in _MACH_O


def _names_now(
    origin: Path, record: Manifest, renames: tuple[tuple[str, str], ...]
) -> tuple[Manifest, tuple[tuple[str, str], ...], Moved]:
    """(the manifest, the renames to do, the new names) for a tree that may already be restored."""
    moved = Moved(renames)
    done = all(
        os.path.lexists(origin / moved(old)) and not os.path.lexists(origin / old) for old, _ in renames
    )
    if not renames or not done:
        return record, renames, Moved(())
    references = tuple(
        one if one.kind == "name" else replace(one, file=moved(one.file)) for one in record.references
    )
    return Manifest(references, record.rest), (), moved


def _renames(record: Manifest, undo: Undo) -> tuple[tuple[str, str], ...]:
    renames: list[tuple[str, str]] = []
    by_path: dict[str, list[Reference]] = {}
    for one in record.references:
        if one.kind == "name":
            by_path.setdefault(one.file, []).append(one)
    for path, references in by_path.items():
        folder, slash, name = path.rpartition("/")
        new = os.fsdecode(undo.text(os.fsencode(name), names_of(references), Counter()))
        if new != name:
            renames.append((path, folder + slash + new))
    return tuple(sorted(renames, key=lambda pair: (-pair[0].count("/"), pair[0])))
