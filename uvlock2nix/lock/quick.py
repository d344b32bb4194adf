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

# The same characters as in uvlock2nix.lock.files; TOML's rules for numbers; no escapes.
_FILE = (
    r'\{ url = "(https?://[!$&-.0-9:;=@A-Z_a-z~/]+/([0-9A-Za-z_][0-9A-Za-z_.!-]*))"'
    r', hash = "(sha256:[0-9a-f]{64})"'
    r"(?:, size = (0|[1-9][0-9]{0,17}))?"
    r'(?:, upload-time = "([^"\\\x00-\x1f\x7f]+)")? \}'
)
# A string that is in TOML as it is.
_TEXT = r'[^"\\\x00-\x1f\x7f]+'
_EDGE = (
    rf'\{{ name = "({_TEXT})"(?:, version = "({_TEXT})")?(?:, source = \{{ registry = "({_TEXT})" \}})?'
    rf'(?:, extra = \["({_TEXT})"\])?(?:, marker = "({_TEXT})")? \}}'
)


def _without_groups(pattern: str) -> str:
    return re.sub(r"\((?!\?)", "(?:", pattern)


_SAME_FILE = _without_groups(_FILE)
_ENTRY = re.compile(_FILE)
_LISTS = re.compile(rf"^(wheels = )\[\n(?:    {_SAME_FILE},\n)+\]$|^(sdist = ){_SAME_FILE}$", re.MULTILINE)
_DEPENDENCY = re.compile(_EDGE)
# Up to the next package: what belongs to it in tables of their own would come before that.
_PACKAGE = re.compile(
    rf'^\[\[package\]\]\nname = "({_TEXT})"\nversion = "({_TEXT})"\n'
    rf'source = \{{ registry = "({_TEXT})" \}}\n'
    rf'(?:resolution-markers = \[\n((?:    "{_TEXT}",\n)++)\]\n)?+'
    rf"(?:dependencies = \[\n((?:    {_without_groups(_EDGE)},\n)++)\]\n)?+"
    rf"(?:sdist = ({_SAME_FILE})\n)?+"
    rf"(?:wheels = \[\n((?:    {_SAME_FILE},\n)++)\]\n)?+"
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
    packages: list[Table] = []
    files: dict[str, tuple[LockedFile, ...]] = {}
    edges: dict[str, Table] = {}

    def take_package(match: re.Match[str]) -> str:
        packages.append(_package(match, edges))
        return f'[[package]]\n"{MARK}" = {len(packages) - 1}\n'

    def take_files(match: re.Match[str]) -> str:
        token = f"{MARK} {len(files)}"
        files[token] = _files(match[0])
        return f'{match[1] or match[2]}"{token}"'

    rest = _LISTS.sub(take_files, _PACKAGE.sub(take_package, text))
    return Marks(rest, tuple(packages), files) if packages or files else None


def _package(match: re.Match[str], edges: dict[str, Table]) -> Table:
    """The table that TOML would give, but for its files; equal edges are one and the same table."""
    name, version, registry, markers, dependencies, sdist, wheels = match.groups()
    table: dict[str, object] = {"name": name, "version": version, "source": {"registry": registry}}
    if markers:
        table["resolution-markers"] = [line[5:-2] for line in markers.split("\n")[:-1]]
    if dependencies:
        found = []
        for line in dependencies.split("\n")[:-1]:
            edge = edges.get(line)
            if edge is None:
                edge = edges[line] = _edge(line)
            found.append(edge)
        table["dependencies"] = found
    if sdist:
        table["sdist"] = _files(sdist)
    if wheels:
        table["wheels"] = _files(wheels)
    return table


def _edge(line: str) -> Table:
    [(name, version, registry, extra, marker)] = _DEPENDENCY.findall(line)
    table: dict[str, object] = {"name": name}
    if version:
        table["version"] = version
    if registry:
        table["source"] = {"registry": registry}
    if extra:
        table["extra"] = [extra]
    if marker:
        table["marker"] = marker
    return table


def _files(text: str) -> tuple[LockedFile, ...]:
    return tuple(
        [
            LockedFile(name, url, None, digest, int(size) if size else None, uploaded[:64] or None)
            for url, name, digest, size, uploaded in _ENTRY.findall(text)
        ]
    )
