"""Knowledge: everything that classification uses, as a value.

The embedded tables are read when first needed; the results of other sources (the user's table, PEP 725,
inspected sdists, an exact index) are added beforehand, so that classifying stays pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from uvlock2nix.knowledge.build_requires import build_requirements
from uvlock2nix.knowledge.native import NativeInputs, merge
from uvlock2nix.knowledge.native_table import NativeTable, native_table
from uvlock2nix.names import canonicalize_name
from uvlock2nix.nixpkgs_index.embedded import embedded_index
from uvlock2nix.nixpkgs_index.model import NixpkgsIndex
from uvlock2nix.wheel_pins import WheelNeeds


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Sources of facts, strongest first: ``user``, ``external`` (PEP 725), the table, ``inspected``.

    All mappings are keyed by canonical package names. ``table`` and ``own_index`` are ``None`` for the
    embedded ones. ``uninspected`` is why a package could not be inspected; ``wheel_needs`` the attributes
    that a package's wheel needs from outside, ``wheel_notes`` further notes on it; ``sizes`` the bytes of
    files without a size in the lock; ``specifiers`` maps (dependent, dependency) to the dependent's version
    range; ``read_wheels`` is the source of ``wheel_needs``.
    """

    user: Mapping[str, NativeInputs] = field(default_factory=dict)
    external: Mapping[str, NativeInputs] = field(default_factory=dict)
    inspected: Mapping[str, NativeInputs] = field(default_factory=dict)
    uninspected: Mapping[str, str] = field(default_factory=dict)
    wheel_needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wheel_notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    specifiers: Mapping[tuple[str, str], str] = field(default_factory=dict)
    read_wheels: WheelNeeds | None = None
    table: NativeTable | None = None
    own_index: NixpkgsIndex | None = None

    @classmethod
    def default(cls) -> Knowledge:
        """The embedded tables and nothing else; read only when needed."""
        return cls()

    @property
    def index(self) -> NixpkgsIndex:
        """The index of nixpkgs: the user's own, else the embedded one."""
        return self.own_index if self.own_index is not None else embedded_index()

    def native(self, name: str, version: str | None) -> NativeInputs | None:
        """Everything known about the native inputs of a package, merged by strength, or ``None``."""
        key = canonicalize_name(name)
        table = self.table if self.table is not None else native_table()
        found = [source[key] for source in (self.user, self.external) if key in source]
        row = table.lookup(key, version)
        if row is not None:
            found.append(row)
        if key in self.inspected:
            found.append(self.inspected[key])
        merged = merge(found)
        return None if merged is None else _with_requirements(key, merged)


def _with_requirements(name: str, inputs: NativeInputs) -> NativeInputs:
    missing, relax = build_requirements(name)
    build, given = inputs.build, inputs.origin.given
    if "build_requires" not in given:
        build = build._replace(build_requires=missing)
    if "relax" not in given:
        build = build._replace(relax=relax)
    return inputs._replace(build=build)
