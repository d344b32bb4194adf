"""Nearly all of a lock has one format: read that with patterns, and only the rest as TOML.

Whole packages, if they are as uv writes them and have nothing unusual, and the lists of files of the others
are replaced by marks, so that the TOML around them stays valid and in order; the parser turns marks back.
Whatever is not written exactly so stays in the text, and if anything is wrong, the whole text is read again
as TOML: this can be faster, never laxer.
"""

from __future__ import annotations

import re
from typing import Literal

from uvlock2nix.errors import LockError
from uvlock2nix.lock.marks import MARK, Marks
from uvlock2nix.lock.model import Lock, LockedFile
from uvlock2nix.lock.parse import LockReader, parse_lock
from uvlock2nix.lock.version import check_version
from uvlock2nix.lock.wire import Table, parse_toml
from uvlock2nix.regex import regex

# The same characters as in uvlock2nix.lock.files; TOML's own rules on numbers; no escapes anywhere.
_FILE = regex(
    r'\{ url = "(https?://[!$&-.0-9:;=@A-Z_a-z~/]+/([0-9A-Za-z_][0-9A-Za-z_.!-]*))"'
    r', hash = "(sha256:[0-9a-f]{64})"'
    r"(?:, size = (0|[1-9][0-9]{0,17}))?"
    r'(?:, upload-time = "([^"\\\x00-\x1f\x7f]+)")? \}'
)
# A string without escapes in TOML.
_TEXT = r'[^"\\\x00-\x1f\x7f]+'
_MARKER = regex(rf'"({_TEXT})"')
_EDGE = regex(
    rf'\{{ name = "({_TEXT})"(?:, version = "({_TEXT})")?(?:, source = \{{ registry = "({_TEXT})" \}})?'
    rf'(?:, extra = \["({_TEXT})"\])?(?:, marker = "({_TEXT})")? \}}'
)
# The matches are checked line by line, because they may be something else.
_LISTS = regex(r"^(wheels = )\[\n((?:    .+\n)++)\]$|^(sdist = )(.+)$", re.MULTILINE)
# Up to the next package: sub-tables of this package would come before it.
_PACKAGE = regex(
    rf'^\[\[package\]\]\nname = "({_TEXT})"\nversion = "({_TEXT})"\n'
    rf'source = \{{ registry = "({_TEXT})" \}}\n'
    r"(?:resolution-markers = \[\n((?:    .+\n)++)\]\n)?+"
    r"(?:dependencies = \[\n((?:    .+\n)++)\]\n)?+"
    r"(?:sdist = (.+)\n)?+"
    r"(?:wheels = \[\n((?:    .+\n)++)\]\n)?+"
    r"(?=\n\[\[package\]\]\n|\Z)",
    re.MULTILINE,
)


def parse_text(data: bytes, file: str, flavour: Literal["uv", "script"] = "uv") -> Lock:
    """Parse the bytes of a lock: the same results and errors as TOML and parse_lock, only faster.

    Raises LockError.
    """
    try:
        found = cut(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        found = None
    if found is not None:
        try:
            table = parse_toml(found.text.encode(), file, error=LockError)
            lock = LockReader(table, file, flavour, check_version(table, file), found).read()
        except LockError:
            # Reported below, for the original text.
            pass
        else:
            # A mark elsewhere than where it was put has to be read as TOML.
            if found.all_used:
                return lock
    return parse_lock(parse_toml(data, file, error=LockError), file, flavour)


def cut(text: str) -> Marks | None:
    """The text with marks, and what they stand for; None if that is not possible."""
    # In a multi-line string, a line may only look like a list.
    if MARK in text or '"""' in text or "'''" in text:
        return None
    reader = _Reader()
    rest = _LISTS.sub(reader.take_files, _PACKAGE.sub(reader.take_package, text))
    return Marks(rest, tuple(reader.packages), reader.files) if reader.packages or reader.files else None


class _Other(Exception):
    """Something that is left to TOML."""


class _Reader:
    """Reads parts that are written as uv writes them; equal dependency lines share a table."""

    def __init__(self) -> None:
        self.packages: list[Table] = []
        self.files: dict[str, tuple[LockedFile, ...]] = {}
        self.edges: dict[str, Table] = {}

    def take_package(self, match: re.Match[str]) -> str:
        """Take a package; return its mark, or the text unchanged."""
        try:
            self.packages.append(self._package(match))
        except _Other:
            return match[0]
        return f'[[package]]\n"{MARK}" = {len(self.packages) - 1}\n'

    def take_files(self, match: re.Match[str]) -> str:
        """Take a list of files; return its mark, or the text unchanged."""
        try:
            files = _wheels(match[2]) if match[1] else (_file(match[4]),)
        except _Other:
            return match[0]
        token = f"{MARK} {len(self.files)}"
        self.files[token] = files
        return f'{match[1] or match[3]}"{token}"'

    def _package(self, match: re.Match[str]) -> Table:
        """The table that TOML would give, but for its files."""
        name, version, registry, markers, dependencies, sdist, wheels = match.groups()
        table: dict[str, object] = {"name": name, "version": version, "source": {"registry": registry}}
        if markers:
            table["resolution-markers"] = [_found(_MARKER, line)[0] for line in _lines(markers)]
        if dependencies:
            edges = self.edges
            table["dependencies"] = [edges.get(line) or self._edge(line) for line in _lines(dependencies)]
        if sdist:
            table["sdist"] = (_file(sdist),)
        if wheels:
            table["wheels"] = _wheels(wheels)
        return table

    def _edge(self, line: str) -> Table:
        name, version, registry, extra, marker = _found(_EDGE, line)
        table: dict[str, object] = {"name": name}
        if version:
            table["version"] = version
        if registry:
            table["source"] = {"registry": registry}
        if extra:
            table["extra"] = [extra]
        if marker:
            table["marker"] = marker
        self.edges[line] = table
        return table


def _lines(text: str) -> list[str]:
    """The lines of an array, without what is before and after each value."""
    if not text.endswith(",\n"):
        raise _Other
    return text[4:-2].split(",\n    ")


def _found(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    match = pattern.fullmatch(text)
    if match is None:
        raise _Other
    return match.groups()


def _file(text: str) -> LockedFile:
    url, name, digest, size, uploaded = _found(_FILE, text)
    return LockedFile(
        name, url, None, digest, int(size) if size else None, uploaded[:64] if uploaded else None
    )


def _wheels(text: str) -> tuple[LockedFile, ...]:
    return tuple([_file(line) for line in _lines(text)])
