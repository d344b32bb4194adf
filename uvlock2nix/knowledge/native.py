"""Native inputs: what the build (or the run) of one package needs from the system.

The values are nixpkgs attribute paths and closed templates, never Nix text: only ``nixlang`` writes Nix,
and a name out of a lock, a table or an sdist must not be able to become code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Final, TypeAlias
from typing import Literal as OneOf

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from uvlock2nix.errors import InputError
from uvlock2nix.knowledge.tables import load_table

OutputName: TypeAlias = OneOf["out", "dev", "lib", "bin"]
Provenance: TypeAlias = OneOf["user", "pep725", "table", "inspected"]

OUTPUTS: Final[tuple[OutputName, ...]] = ("out", "dev", "lib", "bin")
# The stronger first: what a user writes beats what a project declares, and so on.
STRENGTH: Final[tuple[Provenance, ...]] = ("user", "pep725", "table", "inspected")

_ATTR: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_'-]*(\.[A-Za-z0-9_][A-Za-z0-9_'-]*)*\Z")
_ENV: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_HOLE: Final = re.compile(r"\$(\$?)\{([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that stands for itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """The store path of one output of a nixpkgs attribute."""

    attr: str
    output: OutputName = "out"


Template: TypeAlias = tuple[Literal | Output, ...]


@dataclass(frozen=True, slots=True)
class NativeInputs:
    """What one package needs, and who says so.

    ``build_inputs`` are libraries, ``native_build_inputs`` programs that the build runs; an attribute whose
    ``*-config`` program is run is in both. ``env`` holds (variable, template). ``cflags`` are compiler
    flags for this package only, each one string as it is written (``-include gssapi/gssapi_ext.h``).
    ``flags`` are ``config-setting:KEY=VALUE`` for the build backend. ``build_requires`` are Python
    requirements that the sdist needs and does not declare; ``relax`` names those whose pins have to be
    ignored. ``dlopen`` and ``wheel_runtime_libs`` are attributes needed at run time only. ``kind`` is
    ``link``, ``rust``, ``bundled`` (compiles, needs no library), ``tool``, ``dlopen``, ``wheel-runtime`` or
    ``pure``. ``doubtful`` are attributes that a source names and that we do not trust. ``evidence`` are
    the places in an inspected sdist. ``given`` are the fields that this source speaks about, also where it
    says "none".
    """

    build_inputs: tuple[str, ...] = ()
    native_build_inputs: tuple[str, ...] = ()
    env: tuple[tuple[str, Template], ...] = ()
    cflags: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    build_requires: tuple[str, ...] = ()
    relax: tuple[str, ...] = ()
    dlopen: tuple[str, ...] = ()
    wheel_runtime_libs: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    provenance: Provenance = "table"
    kind: str = "link"
    notes: str = ""
    doubtful: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()

    @property
    def compiles(self) -> bool:
        """Whether a build from source runs a compiler, as far as this entry knows."""
        return self.kind in ("link", "rust", "bundled") or bool(self.build_inputs)


EMPTY: Final = NativeInputs(kind="unknown")


def is_attribute(text: str) -> bool:
    """Whether ``text`` is a nixpkgs attribute path that can be written without quotes."""
    return _ATTR.match(text) is not None


def is_variable(text: str) -> bool:
    """Whether ``text`` can be the name of an environment variable."""
    return _ENV.match(text) is not None


def parse_template(text: str) -> Template:
    """Read ``${attr}``, ``${attr.dev}`` (an output) and ``$${`` (a literal ``${``) in ``text``.

    >>> parse_template("${hdf5.dev}/include")
    (Output(attr='hdf5', output='dev'), Literal(text='/include'))

    Raises:
        ValueError: when a hole holds something that is not an attribute path.
    """
    parts: list[Literal | Output] = []
    position = 0
    for hole in _HOLE.finditer(text):
        _literal(parts, text[position : hole.start()])
        position = hole.end()
        if hole[1]:
            _literal(parts, "${" + hole[2] + "}")
        else:
            parts.append(_output(hole[2]))
    _literal(parts, text[position:])
    if "\0" in text or "\n" in text:
        raise ValueError("a value must be one line")
    return tuple(parts)


def template_text(template: Template) -> str:
    """The inverse of :func:`parse_template`, for people and JSON."""
    return "".join(
        part.text.replace("${", "$${")
        if isinstance(part, Literal)
        else "${" + part.attr + ("" if part.output == "out" else f".{part.output}") + "}"
        for part in template
    )


def _literal(parts: list[Literal | Output], text: str) -> None:
    if text and parts and isinstance(parts[-1], Literal):
        parts[-1] = Literal(parts[-1].text + text)
    elif text:
        parts.append(Literal(text))


def _output(path: str) -> Output:
    attr, _, last = path.rpartition(".")
    for output in OUTPUTS:
        if attr and last == output:
            path = attr
            break
    else:
        output = "out"
    if not is_attribute(path):
        raise ValueError(f"`${{{path}}}` does not name a nixpkgs attribute")
    return Output(path, output)


def merge(entries: Iterable[NativeInputs]) -> NativeInputs | None:
    """Merge entries about one package field by field; a stronger source wins where it speaks at all."""
    ranked = sorted(entries, key=lambda entry: STRENGTH.index(entry.provenance))
    if not ranked:
        return None
    result = ranked[0]
    for weaker in ranked[1:]:
        result = _over(result, weaker)
    return result


_MERGED: Final = (
    "build_inputs", "native_build_inputs", "env", "cflags", "flags", "build_requires", "relax", "dlopen",
    "wheel_runtime_libs",
)  # fmt: skip


def _over(stronger: NativeInputs, weaker: NativeInputs) -> NativeInputs:
    taken = {
        name: getattr(weaker, name)
        for name in _MERGED
        if name not in stronger.given and not getattr(stronger, name) and getattr(weaker, name)
    }
    return replace(
        stronger,
        **taken,
        # An entry about running the wheel says nothing about the build.
        kind=weaker.kind if stronger.kind in ("unknown", "wheel-runtime") else stronger.kind,
        sources=(*stronger.sources, *(s for s in weaker.sources if s not in stronger.sources)),
        notes=stronger.notes or weaker.notes,
        evidence=stronger.evidence or weaker.evidence,
        given=stronger.given | weaker.given,
    )


@dataclass(frozen=True, slots=True)
class NativeTable:
    """The embedded table: canonical name → (version range, entry) pairs, the first that fits wins."""

    entries: Mapping[str, tuple[tuple[str, NativeInputs], ...]]

    def lookup(self, name: str, version: str | None) -> NativeInputs | None:
        """The entry for a package, ``None`` where the table says nothing.

        A package without a version (dynamic, from git) gets the entry for the newest range.
        """
        for versions, inputs in self.entries.get(canonicalize_name(name), ()):
            if fits(version, versions):
                return inputs
        return None


def fits(version: str | None, versions: str) -> bool:
    """Whether ``version`` lies in the PEP 440 range ``versions`` (``""`` is every version)."""
    if not versions or version is None:
        return True
    try:
        return SpecifierSet(versions).contains(Version(version), prereleases=True)
    except ValueError:  # not of the form, or numbers of thousands of digits
        return False


@lru_cache(maxsize=1)
def native_table() -> NativeTable:
    """The embedded table, read once a process and only when asked for."""
    raw = load_table("native.json")
    packages = raw.get("packages")
    if not isinstance(packages, dict):
        raise InputError("knowledge/data/native.json has no packages", hint="install uvlock2nix again")
    return NativeTable({name: tuple(_row(name, row) for row in rows) for name, rows in packages.items()})


def _row(name: str, row: Mapping[str, object]) -> tuple[str, NativeInputs]:
    values: dict[str, object] = {}
    for key, value in row.items():
        if key == "env" and isinstance(value, dict):
            values["env"] = tuple((k, parse_template(v)) for k, v in sorted(value.items()))
        elif isinstance(value, list):
            values[key] = tuple(value)
        elif key != "versions":
            values[key] = value
    unknown = values.keys() - {field.name for field in fields(NativeInputs)}
    if unknown:
        raise InputError(f"knowledge/data/native.json: {name} has unknown keys: {', '.join(sorted(unknown))}")
    return str(row.get("versions", "")), NativeInputs(**values)  # type: ignore[arg-type]


def lookup(name: str, version: str | None) -> NativeInputs | None:
    """What the embedded table says about a package of this version."""
    return native_table().lookup(name, version)
