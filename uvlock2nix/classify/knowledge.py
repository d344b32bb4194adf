"""Knowledge: everything that classification may ask, as one value.

The embedded tables are read when they are first asked for; what the command line found out (the user's
table, PEP 725, inspected sdists, an exact index) is put in beforehand, so that classifying stays pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from uvlock2nix.dataclass import dataclass, field, replace
from uvlock2nix.knowledge.build_requires import build_requirements
from uvlock2nix.knowledge.native import NativeInputs, merge
from uvlock2nix.knowledge.native_table import NativeTable, native_table
from uvlock2nix.names import canonicalize_name
from uvlock2nix.nixpkgs_index.embedded import embedded_index
from uvlock2nix.nixpkgs_index.model import NixpkgsIndex
from uvlock2nix.wheel_pins import WheelNeeds


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Sources of facts, the strongest first: ``user``, ``external`` (PEP 725), the table, ``inspected``.

    Keys of all mappings are canonical package names. ``table`` and ``own_index`` are ``None`` for the
    embedded ones. ``uninspected`` says why a package could not be inspected; ``wheel_needs`` which
    attributes a package's wheel needs from outside, ``wheel_notes`` what else there is to say about it;
    ``sizes`` the bytes of files for which the lock says none; ``specifiers`` maps (dependent, dependency)
    to the version range that the dependent asks for; ``read_wheels`` is what ``wheel_needs`` was made from.
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
        """The embedded tables and nothing else; nothing is read before it is asked for."""
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
        build = replace(build, build_requires=missing)
    if "relax" not in given:
        build = replace(build, relax=relax)
    return replace(inputs, build=build)
