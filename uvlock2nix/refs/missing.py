"""Hints on libraries that neither a file of an environment nor an input has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from uvlock2nix.dist.record import is_record, read_record
from uvlock2nix.knowledge.names import soname_attribute
from uvlock2nix.names import canonicalize_name
from uvlock2nix.refs.scan import Entry

_SHOWN = 6


def missing_hint(origin: Path, entries: Sequence[Entry], missing: Mapping[str, Sequence[str]]) -> str:
    """The settings for missing libraries; ``missing`` maps files to the names that they need.

    The files of a package are those in its RECORD; a file in no RECORD has no package.
    """
    owners = _owners(origin, entries, missing)
    attributes: dict[str, dict[str, None]] = {}
    unknown: dict[str, None] = {}
    for file, names in missing.items():
        for name in names:
            attr = soname_attribute(name)
            if attr is None or file not in owners:
                unknown[name] = None
            else:
                attributes.setdefault(owners[file], {})[attr] = None
    words = [
        f"[tool.uvlock2nix.native.{package}] wheel-runtime-libs = [{_quoted(attrs)}]"
        for package, attrs in sorted(attributes.items())
    ]
    if not words:
        package = next(iter(sorted(set(owners.values()))), "PACKAGE")
        words = [f'[tool.uvlock2nix.native.{package}] wheel-runtime-libs = ["ATTRIBUTE"]']
    if unknown:
        words.append(f"add the nixpkgs attribute that has {_shown(unknown)}, too")
    every = {name: None for names in missing.values() for name in names}
    return (
        f"add to pyproject.toml: {'; '.join(words)}. For libraries that may be missing:"
        f" [tool.uvlock2nix] ignore-missing-libraries = [{_quoted(every)}]. Then run `uvlock2nix generate`."
        " (`refs restore` by hand: --library, --input, --ignore.)"
    )


def _owners(origin: Path, entries: Sequence[Entry], files: Mapping[str, object]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in entries:
        if entry.is_file and is_record(entry.path):
            record = read_record(origin, entry.path)
            for file in record.files():
                if file in files:
                    found[file] = canonicalize_name(record.package)
    return found


def _quoted(names: Mapping[str, None]) -> str:
    return ", ".join(f'"{name}"' for name in sorted(names))


def _shown(names: Mapping[str, None]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:_SHOWN]) + (" …" if len(shown) > _SHOWN else "")
