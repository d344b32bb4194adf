"""Update RECORD lines for the changes of a stage."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from uvlock2nix.dist.record import Record
from uvlock2nix.refs.apply import Stage


class Moved:
    """Maps a path to its name after the renames."""

    def __init__(self, renames: tuple[tuple[str, str], ...]) -> None:
        self._new = {old: new.rpartition("/")[2] for old, new in renames}

    def __call__(self, path: str) -> str:
        """The name of ``path`` after the renaming."""
        if not self._new:
            return path
        parts = path.split("/")
        return "/".join(self._new.get("/".join(parts[: depth + 1]), part) for depth, part in enumerate(parts))


def correct_records(
    stage: Stage,
    records: Iterable[str],
    moved: Moved,
    each: Callable[[Callable[[str], bytes | None], Iterable[str]], Iterable[bytes | None]] = map,
) -> None:
    """Correct the RECORD lines of changed files, including changed RECORDs.

    ``each``: ``map``, or a parallel equivalent.
    """
    changed = {moved(path): place for path, place in stage.files.items() if not place.is_symlink()}
    if not changed:
        return
    records = list(records)
    # Compute all before writing the first: a RECORD may have a line for another RECORD.
    contents = list(each(lambda path: Record(path, stage.content(path)).corrected(changed), records))
    for path, content in zip(records, contents, strict=True):
        if content is not None:
            stage.write(path, content)
