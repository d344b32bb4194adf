"""The part of the manifest that records what was stripped.

The manifest is one JSON object that the installing step shares: its keys are kept unchanged, and this module
reads and writes only ``references`` and ``placeholders``. Paths are relative to the tree, with ``/``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Literal, cast, get_args

from uvlock2nix.errors import InputError, RefsError, UsageError
from uvlock2nix.refs.store import check_key, placeholder

MANIFEST_PLACE: Final = PurePosixPath("nix-support/uvlock2nix/manifest.json")
SCHEMA: Final = 1
_LARGEST: Final = 256 << 20

Kind = Literal["rpath", "interp", "script", "text", "string", "symlink", "name"]
KINDS: Final = frozenset(get_args(Kind))


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """A reference of a file, which may occur several times (``count``).

    ``key``: the input's attribute, else its store name without version. ``name``: the store name that is
    still in the file after the placeholder; "" if it was taken out too, or if the hash stood alone. ``room``:
    for rpath and interp, the length of the string in bytes. ``foreign``: not in the build's closure, so its
    path exists on no machine; it is restored only if an input has its key.
    """

    file: str
    kind: Kind
    key: str
    name: str = ""
    count: int = 1
    room: int = 0
    foreign: bool = False

    def to_json(self) -> dict[str, object]:
        """The JSON object of the manifest; without empty members."""
        value: dict[str, object] = {
            "count": self.count,
            "file": self.file,
            "key": self.key,
            "kind": self.kind,
        }
        if self.foreign:
            value["foreign"] = True
        if self.name:
            value["name"] = self.name
        if self.room:
            value["room"] = self.room
        return value


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of the file: the references, and everything else unchanged."""

    references: tuple[Reference, ...]
    rest: Mapping[str, object]

    def render(self) -> bytes:
        """The file's content: keys sorted, references sorted, one trailing newline."""
        keys = sorted({(reference.key) for reference in self.references})
        value = {
            **self.rest,
            "schema": SCHEMA,
            "references": [reference.to_json() for reference in sorted(self.references)],
            "placeholders": {key: placeholder(key)[:-1].decode() for key in keys},
        }
        return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()

    def with_references(self, references: Iterable[Reference]) -> Manifest:
        """The same manifest with these references added."""
        return Manifest(tuple(sorted({*self.references, *references})), self.rest)


def by_file(record: Manifest) -> dict[str, list[Reference]]:
    """The references of each file, except those in its name."""
    files: dict[str, list[Reference]] = {}
    for one in record.references:
        if one.kind != "name":
            files.setdefault(one.file, []).append(one)
    return files


def read_manifest(file: Path) -> Manifest:
    """The manifest in ``file``; :class:`InputError` if unreadable, :class:`RefsError` if invalid."""
    try:
        if file.stat().st_size > _LARGEST:
            raise InputError(f"{file}: the manifest is larger than {_LARGEST} bytes")
        content = file.read_bytes()
    except OSError as error:
        raise InputError(
            f"{file}: the manifest cannot be read: {error.strerror}",
            hint="`uvlock2nix refs strip` writes it; pass it with --manifest, "
            "or use --no-manifest if nothing was stripped",
        ) from error
    return parse_manifest(content, where=str(file))


def parse_manifest(content: bytes, *, where: str) -> Manifest:
    """The manifest in ``content``; ``where`` is for messages."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RefsError(f"{where}: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise RefsError(f"{where}: not a JSON object")
    if value.get("schema") != SCHEMA:
        raise RefsError(
            f"{where}: the manifest has schema {value.get('schema')!r}; this uvlock2nix supports {SCHEMA}",
            hint="strip and restore with the same version of uvlock2nix",
        )
    references = value.pop("references", [])
    value.pop("placeholders", None)
    if not isinstance(references, list):
        raise RefsError(f"{where}: `references` is not a list")
    problems: list[str] = []
    found = [_reference(item, number, problems) for number, item in enumerate(references)]
    if problems:
        raise RefsError(f"{where}: " + "; ".join(problems[:10]), data={"problems": problems})
    return Manifest(tuple(reference for reference in found if reference is not None), value)


def _reference(item: object, number: int, problems: list[str]) -> Reference | None:
    where = f"references[{number}]"
    if not isinstance(item, dict):
        problems.append(f"{where} is not an object")
        return None
    before = len(problems)
    texts = {name: item.get(name, "") for name in ("file", "kind", "key", "name")}
    numbers = {name: item.get(name, default) for name, default in (("count", 1), ("room", 0))}
    problems += [f"{where}.{name} is not a string" for name, value in texts.items() if not is_text(value)]
    problems += [
        f"{where}.{name} is not a number from 0 to 2^40"
        for name, value in numbers.items()
        if type(value) is not int or not 0 <= value < 1 << 40
    ]
    foreign = item.get("foreign", False)
    if type(foreign) is not bool:
        problems.append(f"{where}.foreign is neither true nor false")
    if len(problems) == before:
        if texts["kind"] not in KINDS:
            problems.append(
                f"{where}.kind is {texts['kind']!r}, which is not one of {', '.join(sorted(KINDS))}"
            )
        if not is_inside(texts["file"]):
            problems.append(f"{where}.file {texts['file']!r} is not a path inside the tree")
        try:
            check_key(texts["key"])
        except UsageError as error:
            problems.append(f"{where}.key: {error.message}")
    if len(problems) > before:
        return None
    return Reference(
        file=texts["file"],
        kind=cast(Kind, texts["kind"]),
        key=texts["key"],
        name=texts["name"],
        count=numbers["count"],
        room=numbers["room"],
        foreign=foreign,
    )


def is_text(value: object) -> bool:
    """Whether ``value`` is a string that can be a name: JSON can also contain lone surrogates."""
    if not isinstance(value, str):
        return False
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        return False
    return True


def is_inside(path: str) -> bool:
    """Whether ``path`` is relative, plain, and lexically stays inside the tree."""
    return bool(path) and "\0" not in path and all(part not in ("", ".", "..") for part in path.split("/"))
