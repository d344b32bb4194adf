"""Writing generated files: all or none, and never over the user's own edits."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from uvlock2nix.atomic import replace_many
from uvlock2nix.emit.common import MARK
from uvlock2nix.errors import CheckFailed, InputError
from uvlock2nix.reading import read_regular

STAMP = "# Digest: "


class Generated(NamedTuple):
    """A file to write: its text, the text on disk (``None``: no file), whether it is always ours."""

    path: Path
    text: str
    old: str | None
    ours: bool = False

    @classmethod
    def of(cls, path: Path, text: str, *, ours: bool = False) -> Generated:
        """Read what is at ``path``; a Nix file gets the digest that reveals edits."""
        try:
            # Undecodable text cannot be ours: it is only compared.
            old = read_regular(path).decode("utf-8", "replace")
        except FileNotFoundError:
            old = None
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}", hint="move it away") from None
        return cls(path, text if ours else stamped(text), old, ours)

    @property
    def edited(self) -> bool:
        """Whether the file on disk differs from every form that we wrote."""
        return self.old is not None and not self.ours and not is_untouched(self.old)


def stamped(text: str) -> str:
    """``text`` with its digest as the last line of the comment at its top."""
    head, body = _split(text)
    return f"{head}{STAMP}{_digest(head + body)}\n{body}"


def is_untouched(text: str) -> bool:
    """Whether ``text`` is unchanged since :func:`stamped`."""
    head, body = _split(text)
    lines = head.splitlines(keepends=True)
    if not lines or not lines[-1].startswith(STAMP) or MARK not in lines[0]:
        return False
    return lines[-1].strip() == f"{STAMP}{_digest(''.join(lines[:-1]) + body)}"


def _split(text: str) -> tuple[str, str]:
    """The comment at the top of a file and the rest."""
    lines = text.splitlines(keepends=True)
    count = 0
    while count < len(lines) and lines[count].startswith("#"):
        count += 1
    return "".join(lines[:count]), "".join(lines[count:])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_all(files: Sequence[Generated], *, force: bool, command: str) -> tuple[Path, ...]:
    """Write what differs, all or nothing; return the paths written. ``command`` is the one to hint at.

    Raises:
        CheckFailed: a file was edited or is not ours; nothing is written.
    """
    changed = [one for one in files if one.old != one.text]
    edited = [one.path.name for one in changed if one.edited]
    if edited and not force:
        raise CheckFailed(
            f"{', '.join(edited)}: edited, or not written by uvlock2nix; nothing was written",
            hint=f"`{command} --diff` shows what would change, `{command} --force` overwrites",
        )
    for one in changed:
        one.path.parent.mkdir(parents=True, exist_ok=True)
    try:
        replace_many({one.path: one.text.encode() for one in changed})
    except InputError as error:
        raise InputError(
            error.message, hint=error.hint or "nothing was changed; check the disk and the folder"
        ) from error
    return tuple(one.path for one in changed)
