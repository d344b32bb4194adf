"""Most of a lock are lists of wheels, all written alike: read those by one pattern, the rest as TOML.

The lists are cut out and a token is in their place, so that the TOML around keeps its shape; the parser
changes tokens back into files. Whatever is not written exactly as uv writes it stays in the text, and the
whole text is read again as TOML whenever anything is wrong: this way can be quicker, never laxer.
"""

from __future__ import annotations

import re
from typing import Literal

from uvlock2nix.errors import LockError
from uvlock2nix.lock.model import Lock, LockedFile
from uvlock2nix.lock.parse import LockReader, parse_lock
from uvlock2nix.lock.version import check_version
from uvlock2nix.lock.wire import parse_toml

MARK = "@uvlock2nix files "
"""Begins every token; a lock that already has it somewhere is not read this way."""

# The same characters as in uvlock2nix.lock.files; TOML's own rules on numbers; no escapes anywhere.
_FILE = (
    r'\{ url = "(https?://[!$&-.0-9:;=@A-Z_a-z~/]+/([0-9A-Za-z_][0-9A-Za-z_.!-]*))"'
    r', hash = "(sha256:[0-9a-f]{64})"'
    r"(?:, size = (0|[1-9][0-9]{0,17}))?"
    r'(?:, upload-time = "([^"\\\x00-\x1f\x7f]+)")? \}'
)
_ENTRY = re.compile(_FILE)
_SAME = re.sub(r"\((?!\?)", "(?:", _FILE)
_LISTS = re.compile(rf"^(wheels = )\[\n(?:    {_SAME},\n)+\]$|^(sdist = ){_SAME}$", re.MULTILINE)


def parse_text(data: bytes, file: str, flavour: Literal["uv", "script"] = "uv") -> Lock:
    """The lock that a file's bytes spell: the same answers and errors as TOML and parse_lock, only sooner.

    Raises LockError.
    """
    cut = cut_files(data.decode("utf-8-sig", "replace"))
    if cut is not None:
        text, files = cut
        try:
            table = parse_toml(text.encode(), file, error=LockError)
            reader = LockReader(table, file, flavour, check_version(table, file), files)
            lock = reader.read()
        except LockError:
            # Said again below, about the text as it is.
            pass
        else:
            # A token anywhere else than where files belong: what it means there, only TOML can say.
            if len(reader.used) == len(files):
                return lock
    return parse_lock(parse_toml(data, file, error=LockError), file, flavour)


def cut_files(text: str) -> tuple[str, dict[str, tuple[LockedFile, ...]]] | None:
    """The text with tokens, and token → its files in order; None where this way cannot be taken."""
    # Inside a multi-line string a line may look like a list and be none.
    if MARK in text or '"""' in text or "'''" in text:
        return None
    found: dict[str, tuple[LockedFile, ...]] = {}

    def take(match: re.Match[str]) -> str:
        token = f"{MARK}{len(found)}"
        found[token] = tuple(
            LockedFile(name, url, None, digest, int(size) if size else None, uploaded[:64] or None)
            for url, name, digest, size, uploaded in _ENTRY.findall(match[0])
        )
        return f'{match[1] or match[2]}"{token}"'

    reduced = _LISTS.sub(take, text)
    return (reduced, found) if found else None
