"""The embedded table of native inputs: ``data/native.json``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from uvlock2nix.knowledge.native import BuildInputs, NativeInputs, NativeKind, Origin, RunInputs
from uvlock2nix.knowledge.tables import Row, Rows, load_table
from uvlock2nix.names import canonicalize_name

_FILE = "native.json"


class NativeTable(NamedTuple):
    """Canonical name → (version range, entry) pairs; the first that fits wins."""

    entries: Mapping[str, tuple[tuple[str, NativeInputs], ...]]

    def lookup(self, name: str, version: str | None) -> NativeInputs | None:
        """The entry for a package, ``None`` if the table has none.

        A package without a version (dynamic, from git) gets the entry for the newest range.
        """
        for versions, inputs in self.entries.get(canonicalize_name(name), ()):
            if fits(version, versions):
                return inputs
        return None


def fits(version: str | None, versions: str) -> bool:
    """Whether ``version`` is in the PEP 440 range ``versions`` (``""`` is every version)."""
    if not versions or version is None:
        return True
    try:
        return SpecifierSet(versions).contains(Version(version), prereleases=True)
    except ValueError:  # invalid, or numbers with thousands of digits
        return False


@lru_cache(maxsize=1)
def native_table() -> NativeTable:
    """The embedded table, read once per process, on first use; each row is checked when it is looked up.

    Raises:
        InputError: the file is damaged; a lookup raises it for a row of the wrong shape.
    """
    return NativeTable(Rows(_FILE, load_table(_FILE).get("packages"), read_rows))


def read_rows(where: str, raw: object) -> tuple[tuple[str, NativeInputs], ...]:
    """The entries of one package. Raises InputError with every problem of an entry; ``where`` names it."""
    rows = raw if isinstance(raw, list) else [raw]
    return tuple(_row(where if len(rows) == 1 else f"{where}[{n}]", row) for n, row in enumerate(rows))


def _row(where: str, raw: object) -> tuple[str, NativeInputs]:
    row = Row(where, raw)
    versions = row.text("versions")
    inputs = NativeInputs(
        build=BuildInputs(
            build_inputs=row.attributes("build_inputs"),
            native_build_inputs=row.attributes("native_build_inputs"),
            env=row.environment("env"),
            cflags=row.texts("cflags"),
            flags=row.texts("flags", _is_flag, "config-setting:KEY=VALUE"),
            build_requires=row.texts("build_requires"),
            relax=row.texts("relax"),
        ),
        run=RunInputs(
            dlopen=row.attributes("dlopen"), wheel_runtime_libs=row.attributes("wheel_runtime_libs")
        ),
        origin=Origin(
            sources=row.texts("sources"),
            notes=row.text("notes"),
            doubtful=row.attributes("doubtful"),
            unbuildable=row.text("unbuildable"),
        ),
        kind=row.one_of("kind", NativeKind, "link"),
    )
    row.done()
    return versions, inputs


def _is_flag(text: str) -> bool:
    return text.startswith("config-setting:")


def lookup(name: str, version: str | None) -> NativeInputs | None:
    """The embedded table's entry for a package of this version."""
    return native_table().lookup(name, version)
