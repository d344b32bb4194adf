"""Read all wheels of an environment: what each needs from outside, and which files conflict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from uvlock2nix.cache import Kept
from uvlock2nix.errors import InputError, NetworkError, Uvlock2nixError
from uvlock2nix.inspect.candidate import WHEEL_EDITION, Candidate
from uvlock2nix.inspect.outside import missing_sonames, outside
from uvlock2nix.inspect.packed import USUAL
from uvlock2nix.inspect.wheels import BIN, WheelContents, collisions, read_remote_wheel, read_wheel
from uvlock2nix.net.fetch import Fetcher
from uvlock2nix.printable import first_of

SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Survey:
    """``needs``: package → attributes from outside (``()`` if it needs none); ``notes``:
    package → sentences about the driver, unknown sonames, unread files and collisions.
    """

    needs: Mapping[str, tuple[str, ...]]
    notes: Mapping[str, tuple[str, ...]]


def survey(
    wheels: Sequence[Candidate],
    fetcher: Fetcher | None,
    cache: Path,
    tick: Callable[[], None] = lambda: None,
) -> Survey:
    """Read every wheel (in parallel, and cached) and compare them; failures become notes."""
    contents, unread = read_all(wheels, fetcher, cache, frozenset(), tick)
    notes = {name: [f"its wheel was not read: {why}"] for name, why in unread.items()}
    foreign = outside(contents)
    for name, needs in foreign.items():
        if needs.driver:
            notes.setdefault(name, []).append(f"{', '.join(needs.driver)} comes with the graphics driver")
        unknown = (*needs.optional, *needs.unknown)
        if unknown:
            shown = ", ".join(unknown[:8]) + (" …" if len(unknown) > 8 else "")
            notes.setdefault(name, []).append(f"its shared objects need {shown}, which no wheel provides")
    for name, found in contents.items():
        if found.unread:
            notes.setdefault(name, []).append("not read: " + "; ".join(found.unread[:SHOWN]))
    _note_collisions(contents, notes)
    attributes = {name: foreign[name].attributes if name in foreign else () for name in contents}
    return Survey(attributes, {name: tuple(texts) for name, texts in notes.items()})


@dataclass(frozen=True, slots=True)
class FromOutside:
    """Package → the sonames that its wheel needs from outside; ``programs`` that run its scripts and that no
    wheel has; and why its wheel was not read completely (``unread``).
    """

    sonames: Mapping[str, tuple[str, ...]]
    programs: Mapping[str, tuple[str, ...]]
    unread: Mapping[str, str]


def from_outside(
    wheels: Sequence[Candidate],
    large: frozenset[str],
    fetcher: Fetcher | None,
    cache: Path,
    tick: Callable[[], None] = lambda: None,
) -> FromOutside:
    """What wheels need from outside.

    For ``large`` wheels, only the table of contents is read: their libraries count for the others.
    """
    contents, unread = read_all(wheels, fetcher, cache, large, tick)
    for name, found in contents.items():
        if found.unread:
            unread[name] = "; ".join(found.unread[:SHOWN])
    return FromOutside(missing_sonames(contents), programs_asked(contents), unread)


def programs_asked(contents: Mapping[str, WheelContents]) -> Mapping[str, tuple[str, ...]]:
    """Package → the programs that run its scripts and that no package brings."""
    brought = {path.removeprefix(BIN) for found in contents.values() for path in found.files}
    programs = {name: tuple(sorted(found.interpreters - brought)) for name, found in contents.items()}
    return {name: asked for name, asked in programs.items() if asked}


def read_all(
    wheels: Sequence[Candidate],
    fetcher: Fetcher | None,
    cache: Path,
    large: frozenset[str],
    tick: Callable[[], None],
) -> tuple[dict[str, WheelContents], dict[str, str]]:
    """Package → the content of its wheel; package → why it was not read. ``large``: see above."""

    def one(wheel: Candidate) -> WheelContents | str:
        try:
            return _contents(wheel, fetcher, cache, names_only=wheel.name in large)
        except Uvlock2nixError as error:
            return error.message.splitlines()[0][:200]
        finally:
            tick()

    with ThreadPoolExecutor(max_workers=12) as pool:
        results = dict(zip((wheel.name for wheel in wheels), pool.map(one, wheels), strict=True))
    contents = {name: found for name, found in results.items() if isinstance(found, WheelContents)}
    return contents, {name: found for name, found in results.items() if isinstance(found, str)}


def sizes(
    files: Sequence[Candidate], fetcher: Fetcher, tick: Callable[[], None] = lambda: None
) -> Mapping[str, int]:
    """The sizes of files without a size in the lock, from their servers; failures are left out."""

    def one(file: Candidate) -> int | None:
        try:
            return fetcher.part(file.url, -1, 0)[1] if file.url is not None else None
        except Uvlock2nixError:
            return None
        finally:
            tick()

    with ThreadPoolExecutor(max_workers=8) as pool:
        found = zip(files, pool.map(one, files), strict=True)
        return {file.name: size for file, size in found if size is not None}


def _note_collisions(contents: Mapping[str, WheelContents], notes: dict[str, list[str]]) -> None:
    by_pair: dict[tuple[str, str], list[str]] = {}
    for collision in collisions(contents):
        for name in collision.packages:
            for other in collision.packages:
                if other != name:
                    by_pair.setdefault((name, other), []).append(collision.path.removeprefix("../../../"))
    for (name, other), paths in by_pair.items():
        shown = first_of(paths, SHOWN)
        notes.setdefault(name, []).append(f"ships {shown} with different content than {other}")


def _contents(wheel: Candidate, fetcher: Fetcher | None, cache: Path, *, names_only: bool) -> WheelContents:
    kept = Kept(cache / "wheels" / str(WHEEL_EDITION), ".names.json" if names_only else ".json")
    limits = replace(USUAL, inside=not names_only)
    if (known := _recall(kept, wheel)) is not None:
        return known
    if wheel.path is not None:
        return read_wheel(wheel.path, limits)
    if fetcher is None or wheel.url is None:
        raise InputError("network access is turned off")
    try:
        found = read_remote_wheel(fetcher, wheel.url, wheel.filename, limits=limits)
    except NetworkError:
        if names_only:
            raise
        # The server does not support ranges: fetch the whole file, with its hash checked.
        found = read_wheel(fetcher.file(wheel.url, wheel.hash, wheel.filename))
    _remember(kept, wheel, found)
    return found


def _remember(kept: Kept, wheel: Candidate, found: WheelContents) -> None:
    kept.keep_json(
        wheel.hash,
        {
            "files": {path: list(facts) for path, facts in found.files.items()},
            "provided": sorted(found.provided),
            "needed": sorted(found.needed),
            "unread": list(found.unread),
            "interpreters": sorted(found.interpreters),
        },
    )


def _recall(kept: Kept, wheel: Candidate) -> WheelContents | None:
    value = kept.recall_json(wheel.hash)
    try:
        return (
            WheelContents(
                {str(path): (int(size), int(crc)) for path, (size, crc) in value["files"].items()},
                frozenset(map(str, value["provided"])),
                frozenset(map(str, value["needed"])),
                tuple(map(str, value["unread"])),
                frozenset(map(str, value["interpreters"])),
            )
            if isinstance(value, dict)
            else None
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
