"""The nixpkgs index: which packages a nixpkgs has, in which version and under which attribute.

An index is a snapshot. The embedded one has a date and limits, which are shown wherever it is used;
``uvlock2nix index update`` creates the exact one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple
from typing import Literal as OneOf

from packaging.version import Version

from uvlock2nix.errors import InputError
from uvlock2nix.knowledge.names import python_attributes
from uvlock2nix.knowledge.templates import is_attribute
from uvlock2nix.names import canonicalize_name

SCHEMA: Final = "uvlock2nix/index/1"

Match = OneOf["same", "differs", "absent"]


class IndexRow(NamedTuple):
    """A package of a Python set: its attribute below ``python3XX.pkgs``, version, and other variants.

    ``usable`` is false if the package is marked broken or unavailable on the index's system.
    ``others`` are (attribute, version) of variants such as ``django_5_2``.
    """

    attr: str
    version: str
    usable: bool = True
    others: tuple[tuple[str, str], ...] = ()


class NixpkgsMatch(NamedTuple):
    """An index's entry for a locked package; ``attr`` and ``version`` are ``None`` if there is none.

    ``usable`` is false if nixpkgs marks the package as broken or unavailable. ``beside`` is set if
    ``attr`` is a variant (``django_5_2``): the attribute and version that nixpkgs' own packages use.
    """

    attr: str | None
    version: str | None
    match: Match
    usable: bool = True
    beside: str = ""


ABSENT: Final = NixpkgsMatch(None, None, "absent")


class NixpkgsIndex(NamedTuple):
    """Python package sets by ``"3.13"``: canonical PyPI name → row.

    ``origin`` is ``embedded``, a channel or a flake reference; ``revision`` the nixpkgs commit, if known;
    ``date`` the date of this state of nixpkgs (ISO). ``default_python`` is the minor version of its
    ``python3``, if known. ``names`` maps PyPI names to attributes if the index is keyed by attribute.
    """

    origin: str
    nixpkgs: str
    date: str
    sets: Mapping[str, Mapping[str, IndexRow]]
    revision: str | None = None
    caveats: tuple[str, ...] = ()
    default_python: str | None = None

    def python(self, version: str) -> str | None:
        """The index's own Python (``"3.13"``) for a target's, or the nearest one.

        Versions hardly differ between the sets of a nixpkgs; the reasons mention the substitute.
        """
        minor = ".".join(version.split(".")[:2])
        if minor in self.sets:
            return minor
        known = sorted(self.sets, key=_minor)
        return min(known, key=lambda k: abs(_minor(k) - _minor(minor))) if known else None

    def lookup(self, name: str, version: str | None, python: str) -> NixpkgsMatch:
        """Compare a locked package with the index, variants (``django_5_2``) included.

        If no version is equal, a compatible variant is chosen, else the nearest.
        """
        chosen = self.python(python)
        rows = self.sets[chosen] if chosen is not None else {}
        key = canonicalize_name(name)
        row = _row_of(rows, key)
        if row is None:
            return ABSENT
        attr, found = row.attr, row.version
        if row.others:
            strangers = {attr for other, attr in python_attributes().items() if other != key}
            others = [(attr, other) for attr, other in row.others if attr not in strangers]
            attr, found = max([(attr, found), *others], key=lambda one: _nearness(one[1], version))
        match: Match = "same" if version is not None and same_version(found, version) else "differs"
        beside = f"{row.attr} {row.version}" if (attr, found) != (row.attr, row.version) else ""
        return NixpkgsMatch(attr, found, match, row.usable, beside)

    def describe(self) -> str:
        """Describe this index in a sentence, for the output."""
        what = f"nixpkgs index: {self.origin}, {self.nixpkgs}, as of {self.date}"
        return what + (f", revision {self.revision}" if self.revision else "")


def _row_of(rows: Mapping[str, IndexRow], name: str) -> IndexRow | None:
    """The row of a PyPI name: its own, or the one in the table of exceptions."""
    if name in rows:
        return rows[name]
    attr = python_attributes().get(name)
    if attr is None:
        return None
    row = rows.get(canonicalize_name(attr))
    if row is not None and row.attr == attr:
        return row
    for row in rows.values():
        for other, version in row.others:
            if other == attr:
                return IndexRow(attr, version, row.usable)
    return None


def _nearness(there: str, locked: str | None) -> tuple[bool, bool, int]:
    """How near nixpkgs' version is to a locked one; greater is nearer, and of equals the first wins."""
    if locked is None:
        return False, False, 0
    if same_version(there, locked):
        return True, True, 0
    try:
        have, want = Version(there), Version(locked)
    except ValueError:  # InvalidVersion, and numbers with thousands of digits
        return False, False, 0
    shared = 0
    for one, other in zip(have.release, want.release, strict=False):
        if one != other:
            break
        shared += 1
    return False, compatible_version(there, locked), shared


def _minor(text: str) -> int:
    try:
        return int(text.split(".")[1])
    except (IndexError, ValueError):
        return 0


def same_version(one: str, other: str) -> bool:
    """PEP 440 equality (``1.0`` is ``1.0.0``); invalid versions are compared as text."""
    if one == other:
        return True
    try:
        return Version(one) == Version(other)
    except ValueError:  # InvalidVersion, and numbers with thousands of digits
        return one == other


def compatible_version(nixpkgs: str, locked: str) -> bool:
    """Whether nixpkgs' version can replace the locked one: same major (same minor below 1.0), not older.

    If either is not a PEP 440 version, only equal text is compatible.
    """
    try:
        have, want = Version(nixpkgs), Version(locked)
    except ValueError:  # InvalidVersion, and numbers with thousands of digits
        return nixpkgs == locked
    if have.epoch != want.epoch or have < want or have.is_prerelease != want.is_prerelease:
        return False
    if want.major == 0:
        return have.release[:2] == (*want.release[:2], 0)[:2]
    return have.major == want.major


def parse_index(raw: Mapping[str, object], where: str) -> NixpkgsIndex:
    """Parse the JSON of an index file.

    Raises:
        InputError: for a different schema or a truncated file; ``where`` names it.
    """
    hint = "create it again with `uvlock2nix index update`"
    if raw.get("schema") != SCHEMA:
        raise InputError(f"{where}: schema {raw.get('schema')!r} is not {SCHEMA!r}", hint=hint)
    sets = raw.get("sets")
    if not isinstance(sets, dict) or not all(isinstance(rows, dict) for rows in sets.values()):
        raise InputError(f"{where}: `sets` is not a table of tables", hint=hint)
    try:
        parsed = {
            f"3.{int(key.removeprefix('3').lstrip('.'))}": {
                name: parse_row(name, row) for name, row in rows.items()
            }
            for key, rows in sets.items()
        }
    except (TypeError, ValueError, IndexError) as error:
        raise InputError(f"{where}: damaged: {error}", hint=hint) from error
    caveats = raw.get("caveats", [])
    revision, python = raw.get("revision"), str(raw.get("python"))
    return NixpkgsIndex(
        origin=_shown(raw.get("source", where)),
        nixpkgs=_shown(raw.get("nixpkgs", "unknown nixpkgs")),
        date=_shown(raw.get("date", "unknown date")),
        sets=parsed,
        revision=_shown(revision) if revision else None,
        caveats=tuple(map(_shown, caveats)) if isinstance(caveats, list) else (),
        default_python=python if re.fullmatch(r"3\.\d{1,2}", python) else None,
    )


def _shown(value: object) -> str:
    """A text of an index made printable: one line, no control characters."""
    return "".join(c if c.isprintable() else "?" for c in str(value)[:300])


def parse_row(name: str, row: object) -> IndexRow:
    """Parse a row: ``version`` or ``[version, attr or "", flags, {attr: version}]``.

    Raises:
        ValueError, TypeError: it is neither.
    """
    if isinstance(row, str):
        return IndexRow(_attribute(name), _version(row))
    if not isinstance(row, list) or not row or not isinstance(row[0], str):
        raise ValueError(f"row of {name!r} is {row!r}")
    attr = _attribute(row[1] if len(row) > 1 and row[1] else name)
    others = row[3] if len(row) > 3 else {}
    if not isinstance(others, dict):
        raise TypeError(f"variants of {name!r} are {others!r}")
    return IndexRow(
        attr,
        _version(row[0]),
        usable=not (len(row) > 2 and row[2]),
        others=tuple((_attribute(a), _version(str(v))) for a, v in others.items()),
    )


def _version(text: str) -> str:
    if not text.isprintable():
        raise ValueError(f"version {text!r}")
    return text


def _attribute(text: object) -> str:
    """Check an attribute, which reaches Nix: only plain names (and ``2to3``, which is quoted later)."""
    if not isinstance(text, str) or not is_attribute("_" + text):
        raise ValueError(f"attribute {text!r}")
    return text
