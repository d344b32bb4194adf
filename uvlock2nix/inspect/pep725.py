"""``[external]`` of pyproject.toml: system requirements declared by a project.

See https://peps.python.org/pep-0725/ (draft). Both spellings are read: ``pkg:generic/libxml2`` and
``virtual:compiler/c`` (first drafts), ``dep:generic/libxml2`` and ``dep:virtual/compiler/c`` of the
later drafts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from uvlock2nix.knowledge.libraries import generic_names
from uvlock2nix.knowledge.native import BuildInputs, NativeInputs, NativeKind, Origin, RunInputs

# Key of [external] -> our field. Build requirements are programs, host requirements libraries.
_KEYS: Final[Mapping[str, str]] = {
    "build-requires": "native",
    "host-requires": "build",
    "dependencies": "run",
    "optional-build-requires": "",
    "optional-host-requires": "",
    "optional-dependencies": "",
    "dependency-groups": "",
}


@dataclass(frozen=True, slots=True)
class External:
    """The result of ``[external]``: inputs, and entries without a known nixpkgs attribute."""

    inputs: NativeInputs
    unknown: tuple[str, ...] = ()


def parse_external(table: Mapping[str, object], where: str) -> External | None:
    """Read an ``[external]`` table; ``where`` (a file) becomes the source of the facts.

    ``None`` if the table has nothing useful. Entries of the wrong type count as unknown, because the file is
    not ours.
    """
    names = generic_names()
    found: dict[str, list[str]] = {"native": [], "build": [], "run": []}
    compiles = False
    unknown: list[str] = []
    for key, role in _KEYS.items():
        entries = table.get(key, []) if role else []
        if not isinstance(entries, list):
            unknown.append(f"{key} is not a list")
            continue
        for entry in entries:
            name = _generic(entry)
            if name.startswith("compiler/"):
                compiles = True
            if name not in names:
                unknown.append(str(entry)[:120])
                continue
            found[role].extend(attr for attr in names[name] if attr not in found[role])
    if not any(found.values()) and not unknown and not compiles:
        return None
    kind: NativeKind = "link" if found["build"] else "bundled" if compiles else "unknown"
    return External(
        NativeInputs(
            build=BuildInputs(build_inputs=tuple(found["build"]), native_build_inputs=tuple(found["native"])),
            run=RunInputs(dlopen=tuple(found["run"])),
            origin=Origin(sources=(f"{where} [external]",), provenance="pep725"),
            kind="rust" if "cargo" in found["native"] else kind,
        ),
        tuple(unknown),
    )


def _generic(entry: object) -> str:
    """``pkg:generic/libxml2@>=2.9`` → ``libxml2``; ``virtual:compiler/c`` → ``compiler/c``."""
    text = entry if isinstance(entry, str) else ""
    text = text.split(";", 1)[0].split("?", 1)[0].split("#", 1)[0].split("@", 1)[0].strip().lower()
    for prefix in ("pkg:generic/", "dep:generic/", "dep:virtual/", "virtual:"):
        if text.startswith(prefix):
            return text.removeprefix(prefix)
    return text
