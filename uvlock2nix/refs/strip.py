"""Take every store reference out of a tree, so that it can be restored."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from uvlock2nix.dist.record import is_record
from uvlock2nix.errors import RefsError
from uvlock2nix.refs.apply import Edit, Patch, Relink, Rewrite, Stage
from uvlock2nix.refs.audit import Finding, Left, findings_of
from uvlock2nix.refs.elf import MAGIC, CorruptElf, read_elf
from uvlock2nix.refs.journal import STAGE_PREFIX, undo_killed_runs
from uvlock2nix.refs.parallel import scan_files
from uvlock2nix.refs.recording import Moved, correct_records
from uvlock2nix.refs.replace import Replacer, elf_places, place, read_text
from uvlock2nix.refs.scan import Entry, Hit, Scanner, open_file, read_link, walk
from uvlock2nix.refs.store import STORE_DIR, Keys, StorePath, placeholder
from uvlock2nix.refs.stripped import Manifest, Reference, parse_manifest
from uvlock2nix.refs.undo import find_spots
from uvlock2nix.signals import uninterrupted


@dataclass(frozen=True, slots=True)
class StripReport:
    """What :func:`strip` did to ``files`` files and symlinks.

    ``corrupt``: (file, why) for ELF files with references that were left alone. ``left``: every reference
    that is still in the tree, as :func:`~uvlock2nix.refs.audit.audit` would find it, from reading unchanged
    files before and changed files after.
    """

    files: int
    changed: tuple[str, ...]
    references: tuple[Reference, ...]
    corrupt: tuple[tuple[str, str], ...]
    left: tuple[Finding, ...] = ()


def strip(
    tree: Path,
    *,
    store_paths: Iterable[StorePath],
    inputs: Mapping[str, str],
    manifest: Path,
    store_dir: str = STORE_DIR,
) -> StripReport:
    """Replace every reference of ``tree`` with a placeholder, and record it in ``manifest``.

    ``store_paths``: the closure to look for; ``inputs``: attribute → store path, ``out`` for the tree's own
    path. Paths of other machines' stores (``<store_dir>/<hash>-``) are taken out too. The tree is changed as
    a whole or not at all. :class:`RefsError`, :class:`InputError` if that is not possible.
    """
    tree = tree.resolve()
    undo_killed_runs(tree)
    keys = Keys(store_paths, inputs, store_dir=store_dir)
    scanner = Scanner(keys.names, store_dir=store_dir)
    replacer = Replacer(keys, scanner, store_dir=store_dir)
    found = _Found(tree, manifest.resolve())
    for entry in walk(tree):
        found.look(entry, scanner)
    found.finish(scanner)
    plan = _Plan(tree, replacer)
    for entry, hits in found.hits:
        plan.file(entry, hits)
    renames = _renames(found.names, replacer)
    before = _still_true(_read_old(manifest, replacer), tree)
    moved = Moved(renames)
    references = tuple(
        Reference(moved(one.file), one.kind, one.key, one.name, one.count, one.room, one.foreign)
        for one in replacer.references()
        if one.file != _MANIFEST_TEXT
    )
    content = before.with_references(references).render()
    with Stage(tree) as stage:
        _stage(stage, plan, found, scanner)
        correct_records(stage, found.records, moved)
        inside = _relative(manifest.resolve(), tree)
        if inside is None:
            with uninterrupted(), _written(manifest, content):
                stage.commit(renames)
        else:
            stage.write(inside, content)
            stage.commit(renames)
        changed = tuple(sorted(moved(path) for path in stage.files if path != inside))
        left = [*_in_staged(stage, moved, scanner), *_in_names(renames, scanner)]
    broken = {path for path, _ in plan.corrupt}
    left += [
        (moved(one.path), hit, "content") for one, hits in found.hits if one.path in broken for hit in hits
    ]
    report = StripReport(found.files, changed, references, tuple(plan.corrupt))
    return replace(report, left=findings_of(tree, left, keys.names)) if left else report


_MANIFEST_TEXT: Final = "\0manifest"


class _Found:
    """The findings of one pass over the tree."""

    def __init__(self, tree: Path, manifest: Path) -> None:
        self._tree = tree
        self._files: list[Entry] = []
        self._manifest = _relative(manifest, tree)
        self.files = 0
        self.hits: list[tuple[Entry, list[Hit]]] = []
        self.names: list[str] = []
        self.records: list[str] = []
        self._links: dict[tuple[int, int], list[str]] = {}

    def look(self, entry: Entry, scanner: Scanner) -> None:
        """Collect an entry of the tree."""
        if entry.path == self._manifest:
            return
        name = entry.path.rpartition("/")[2]
        if len(name) >= 32 and scanner.in_bytes(os.fsencode(name)):
            self.names.append(entry.path)
        if entry.is_link:
            self.files += 1
            hits = scanner.in_bytes(read_link(self._tree / entry.path))
        elif entry.is_file:
            self.files += 1
            if is_record(entry.path):
                self.records.append(entry.path)
            if entry.inode is not None:
                names = self._links.setdefault(entry.inode, [])
                names.append(entry.path)
                if len(names) > 1:
                    return
            self._files.append(entry)
            return
        else:
            return
        if hits:
            self.hits.append((entry, hits))

    def finish(self, scanner: Scanner) -> None:
        """Scan the collected files."""
        found = scan_files(self._tree, self._files, scanner)
        self.hits += [(entry, list(hits)) for entry, hits in zip(self._files, found, strict=True) if hits]
        self.hits.sort(key=lambda pair: os.fsencode(pair[0].path))

    def other_names(self, entry: Entry) -> tuple[str, ...]:
        """The other hard links of a file."""
        return tuple(self._links.get(entry.inode, ()) if entry.inode is not None else ())[1:]


class _Plan:
    """Edits as values; nothing is written here."""

    def __init__(self, tree: Path, replacer: Replacer) -> None:
        self._tree = tree
        self._replacer = replacer
        self.edits: list[tuple[Entry, Edit]] = []
        self.corrupt: list[tuple[str, str]] = []

    def file(self, entry: Entry, hits: list[Hit]) -> None:
        """Plan the edit of a file or symlink with ``hits``."""
        if entry.is_link:
            target = read_link(self._tree / entry.path)
            self.edits.append(
                (entry, Relink(entry.path, self._replacer.canonical(entry.path, "symlink", target)))
            )
            return
        with open_file(self._tree / entry.path) as descriptor:
            if os.pread(descriptor, 4, 0) == MAGIC:
                self._elf(entry, descriptor, hits)
                return
            text = read_text(descriptor, entry.size)
            if text is None:
                self.edits.append((entry, Patch(entry.path, self._strings(entry, descriptor, hits))))
            else:
                self.edits.append((entry, Rewrite(entry.path, self._text(entry, text, hits))))

    def _strings(self, entry: Entry, descriptor: int, hits: list[Hit]) -> tuple[tuple[int, bytes], ...]:
        writes: list[tuple[int, bytes]] = []
        done = 0
        for hit in hits:
            if hit.offset >= done:
                after = os.pread(descriptor, 212, hit.offset + 32)
                writes.append((hit.offset, self._replacer.same_length(entry.path, "string", hit, after)))
                done = hit.offset + 32
        return tuple(writes)

    def _text(self, entry: Entry, text: bytes, hits: list[Hit]) -> bytes:
        first = len(text.split(b"\n", 1)[0]) if text.startswith(b"#!") else 0
        parts = [self._replacer.canonical(entry.path, "script", text[:first])]
        done = first
        for hit in hits:
            if hit.offset >= done:
                parts.append(text[done : hit.offset])
                after = text[hit.offset + 32 : hit.offset + 244]
                parts.append(self._replacer.same_length(entry.path, "text", hit, after))
                done = hit.offset + 32
        return b"".join([*parts, text[done:]])

    def _elf(self, entry: Entry, descriptor: int, hits: list[Hit]) -> None:
        try:
            places = elf_places(read_elf(descriptor), hits)
        except CorruptElf as error:
            self.corrupt.append((entry.path, str(error)))
            return
        writes: list[tuple[int, bytes]] = []
        rest = hits
        for kind, offset, text, keep in places:
            inside = [hit for hit in rest if offset <= hit.offset < offset + len(text)]
            mark = self._replacer.counts.copy()
            new = self._replacer.canonical(entry.path, kind, text, room=len(text))
            placed = place(text, new, keep)
            if placed is None:  # other strings share the end of this one: only the hash is replaced
                self._replacer.counts = mark
                continue
            writes.append((offset, placed))
            rest = [hit for hit in rest if hit not in inside]
        self.edits.append((entry, Patch(entry.path, (*writes, *self._strings(entry, descriptor, rest)))))


def _renames(paths: list[str], replacer: Replacer) -> tuple[tuple[str, str], ...]:
    """(old, new) for names with a hash, deepest first, so that each old path is still valid when used."""
    renames: list[tuple[str, str]] = []
    for path in paths:
        folder, slash, name = path.rpartition("/")
        raw = os.fsencode(name)
        parts, done = [], 0
        for hit in replacer.scanner.in_bytes(raw):
            if hit.offset >= done:
                after = raw[hit.offset + 32 :]
                parts += [raw[done : hit.offset], replacer.same_length(path, "name", hit, after)]
                done = hit.offset + 32
        renames.append((path, folder + slash + os.fsdecode(b"".join([*parts, raw[done:]]))))
    return tuple(sorted(renames, key=lambda pair: (-pair[0].count("/"), pair[0])))


def _read_old(manifest: Path, replacer: Replacer) -> Manifest:
    """The existing manifest, without the references in its own text; an empty one if there is none."""
    try:
        content = manifest.read_bytes()
    except FileNotFoundError:
        return Manifest((), {})
    except OSError as error:
        raise RefsError(f"{manifest}: the manifest cannot be read: {error.strerror}") from error
    parts, done = [], 0
    for hit in replacer.scanner.in_bytes(content):
        if hit.offset >= done:
            after = content[hit.offset + 32 : hit.offset + 244]
            parts += [content[done : hit.offset], replacer.same_length(_MANIFEST_TEXT, "text", hit, after)]
            done = hit.offset + 32
    return parse_manifest(b"".join([*parts, content[done:]]), where=str(manifest))


def _still_true(manifest: Manifest, tree: Path) -> Manifest:
    """The manifest without the references whose placeholders are gone, because the tree was restored."""
    tokens: dict[str, bytes] = {}
    for one in manifest.references:
        if one.file not in tokens:
            tokens[one.file] = _tokens(tree / one.file)
    kept = [
        one
        for one in manifest.references
        if placeholder(one.key) in tokens[one.file] or placeholder(one.key, whole=True) in tokens[one.file]
    ]
    return Manifest(tuple(kept), manifest.rest)


def _tokens(path: Path) -> bytes:
    """The placeholders in the name, target and content of a file, concatenated."""
    found = os.fsencode(path.name) + b" "
    if path.is_symlink():
        return found + read_link(path)
    if not path.is_file():
        return found
    with open_file(path) as descriptor:
        return found + b" ".join(spot.token for spot in find_spots(descriptor))


def _stage(stage: Stage, plan: _Plan, found: _Found, scanner: Scanner) -> None:
    for entry, edit in plan.edits:
        new = stage.add(edit, also=found.other_names(entry))
        if isinstance(edit, Relink):
            left = scanner.in_bytes(read_link(new))
        else:
            with open_file(new) as descriptor:
                left = scanner.in_file(descriptor)
        if left:
            raise RefsError(
                f"{entry.path}: {left[0].hash} at offset {left[0].offset} remains after stripping",
                hint="this is a bug in uvlock2nix; please report it with the file",
            )


def _in_staged(stage: Stage, moved: Moved, scanner: Scanner) -> Iterator[Left]:
    """The references in what was written, including RECORDs and the manifest, which were not scanned yet."""
    for path in stage.files:
        now = stage.tree / moved(path)
        if now.is_symlink():
            yield from ((moved(path), hit, "symlink") for hit in scanner.in_bytes(read_link(now)))
        else:
            with open_file(now) as descriptor:
                yield from ((moved(path), hit, "content") for hit in scanner.in_file(descriptor))


def _in_names(renames: Iterable[tuple[str, str]], scanner: Scanner) -> Iterator[Left]:
    for _, new in renames:
        yield from ((new, hit, "name") for hit in scanner.in_bytes(os.fsencode(new.rpartition("/")[2])))


def _relative(path: Path, tree: Path) -> str | None:
    return path.relative_to(tree).as_posix() if path.is_relative_to(tree) else None


@contextmanager
def _written(file: Path, content: bytes) -> Iterator[None]:
    """``file`` has ``content`` in the block, and its old content if that fails: no strip is irreversible."""
    before = file.read_bytes() if file.is_file() else None
    write_atomically(file, content)
    try:
        yield
    except BaseException:
        if before is None:
            file.unlink(missing_ok=True)
        else:
            write_atomically(file, before)
        raise


def write_atomically(file: Path, content: bytes) -> None:
    """Write ``file`` in one step: temporary file next to it, fsync, rename."""
    temporary = file.with_name(f"{STAGE_PREFIX}{file.name}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise RefsError(f"{file} cannot be written: {error.strerror}") from error
