"""Debian's package index as values, and a small dependency resolver over it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Deb:
    """One binary package. `depends` holds alternatives: each inner tuple is one `a | b` group of names."""

    name: str
    version: str
    source: str
    section: str
    filename: str
    sha256: str
    depends: tuple[tuple[str, ...], ...]
    provides: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """All packages of a suite by name, and who provides which virtual name."""

    debs: Mapping[str, Deb]
    providers: Mapping[str, tuple[str, ...]]

    def choose(self, alternatives: Iterable[str], taken: Iterable[str] = ()) -> Deb | None:
        """The package for one dependency group: one already taken, else the first that exists."""
        present = set(taken)
        real: list[str] = []
        for name in alternatives:
            real += [name] if name in self.debs else self.providers.get(name, ())
        for name in real:
            if name in present:
                return self.debs[name]
        return self.debs[real[0]] if real else None

    def closure(self, roots: Iterable[str]) -> dict[str, Deb]:
        """Every package that `roots` need to run, roots included, in a stable order."""
        found: dict[str, Deb] = {}
        waiting = [self.debs[name] for name in roots]
        while waiting:
            deb = waiting.pop()
            if deb.name in found:
                continue
            found[deb.name] = deb
            for group in deb.depends:
                chosen = self.choose(group, found)
                if chosen is not None:
                    waiting.append(chosen)
        return dict(sorted(found.items()))


def _names(field: str) -> tuple[tuple[str, ...], ...]:
    groups = []
    for group in field.split(","):
        names = tuple(
            re.split(r"[\s(:\[<]", part.strip(), maxsplit=1)[0] for part in group.split("|") if part.strip()
        )
        if names:
            groups.append(names)
    return tuple(groups)


def _stanzas(path: Path) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line == "\n":
                if fields:
                    yield fields
                fields = {}
            elif line[0] not in " \t":
                key, _, value = line.partition(":")
                fields[key] = value.strip()
    if fields:
        yield fields


def read_index(paths: Iterable[Path]) -> Index:
    """Parse `Packages` files (deb-src-control(5) stanzas); a later file wins for the same name."""
    debs: dict[str, Deb] = {}
    for path in paths:
        for fields in _stanzas(path):
            name = fields["Package"]
            debs[name] = Deb(
                name=name,
                version=fields["Version"],
                source=fields.get("Source", name).split(" ", 1)[0],
                section=fields.get("Section", "").rsplit("/", 1)[-1],
                filename=fields["Filename"],
                sha256=fields["SHA256"],
                depends=_names(fields.get("Pre-Depends", "")) + _names(fields.get("Depends", "")),
                provides=tuple(group[0] for group in _names(fields.get("Provides", ""))),
            )
    providers: dict[str, list[str]] = {}
    for deb in debs.values():
        for virtual in deb.provides:
            providers.setdefault(virtual, []).append(deb.name)
    return Index(debs, {name: tuple(sorted(who)) for name, who in providers.items()})


def upstream_version(version: str) -> str:
    """Debian's version as upstream's: `2:2.12.7+dfsg+really2.9.14-2.1` → `2.9.14`."""
    text = version.split(":", 1)[-1].rsplit("-", 1)[0]
    text = re.sub(r"^.*\+really", "", text)
    return re.split(r"[+~]|\.dfsg", text, maxsplit=1)[0]
