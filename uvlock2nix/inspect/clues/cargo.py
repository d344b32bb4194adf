"""Clues in Cargo's files: crates that link a system library."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

import tomli

from uvlock2nix.inspect.clues.text import Clue, make_clue
from uvlock2nix.knowledge.libraries import library_attribute, tls_crates, vendoring_features
from uvlock2nix.regex import regex

_OTHER_SYSTEMS: Final = regex(r"windows|macos|apple|ios|wasm|android|freebsd|redox|not\(.{0,20}linux")
_TABLES: Final = ("dependencies", "build-dependencies")
_MAX_CRATES: Final = 500


def cargo_clues(file: str, text: str, chosen: frozenset[str]) -> Iterator[Clue]:
    """Clues of a manifest; ``chosen`` are the features that the build backend requests."""
    try:
        manifest = tomli.loads(text)
    except (ValueError, RecursionError):
        return
    features = manifest.get("features")
    active = _active(features if isinstance(features, dict) else {}, chosen)
    for table in _dependency_tables(manifest):
        for name, value in islice(table.items(), _MAX_CRATES):
            details = value if isinstance(value, dict) else {}
            package = details.get("package")
            crate = package if isinstance(package, str) else name
            optional = details.get("optional") is True and name not in active
            if _library(crate, details, active) is not None:
                line = text.count("\n", 0, max(0, text.find(name))) + 1
                yield make_clue("crates", crate, file, line, optional=optional)


def lock_clues(file: str, text: str) -> Iterator[Clue]:
    """Crates of a Cargo.lock: weak clues, because some are for tests, other systems or unused features."""
    matches = re.finditer(r'^name = "([\w-]{1,60})"', text, re.MULTILINE)
    names = {match[1]: match.start() for match in islice(matches, 20 * _MAX_CRATES)}
    for name, position in names.items():
        if name.endswith("-sys") and library_attribute("crates", name) and f"{name[:-4]}-src" not in names:
            yield make_clue("crates", name, file, text.count("\n", 0, position) + 1, optional=True)


def _dependency_tables(manifest: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    targets = manifest.get("target")
    sections: list[object] = [manifest]
    if isinstance(targets, dict):
        sections += [section for name, section in targets.items() if not _OTHER_SYSTEMS.search(str(name))]
    for section in sections:
        for key in _TABLES if isinstance(section, dict) else ():
            table = section.get(key) if isinstance(section, dict) else None
            if isinstance(table, dict):
                yield table


def _active(features: Mapping[str, object], chosen: frozenset[str]) -> frozenset[str]:
    """The features and optional crates that are enabled."""
    active: set[str] = set()
    todo = ["default", *chosen]
    while todo and len(active) < 1000:
        name = todo.pop()
        if name in active:
            continue
        active.add(name)
        listed = features.get(name)
        for item in listed if isinstance(listed, list) else ():
            text = str(item).removeprefix("dep:")
            todo.append(text.partition("/")[0].rstrip("?"))
            if "/" in text:
                active.add(text)
    return frozenset(active)


def _library(crate: str, details: Mapping[str, object], active: frozenset[str]) -> str | None:
    listed = details.get("features")
    features = {str(feature) for feature in listed} if isinstance(listed, list) else set()
    features |= {name.partition("/")[2] for name in active if name.partition("/")[0].rstrip("?") == crate}
    if features & vendoring_features():
        return None
    if crate in tls_crates() and details.get("default-features") is False:
        return "openssl" if features & {"native-tls", "default-tls"} else None
    return library_attribute("crates", crate)
