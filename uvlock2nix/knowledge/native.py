"""Native inputs: what a package needs from the system to build or to run, and the source of that knowledge.

Attributes are those of nixpkgs, as text that :func:`~uvlock2nix.knowledge.templates.is_attribute` accepts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar
from typing import Literal as OneOf

from uvlock2nix.knowledge.templates import Template

Provenance: TypeAlias = OneOf["user", "pep725", "table", "inspected"]
# What a package is to a builder: ``bundled`` compiles but needs no library, ``wheel-runtime`` is about its
# wheels only.
NativeKind: TypeAlias = OneOf["link", "rust", "bundled", "tool", "dlopen", "wheel-runtime", "pure", "unknown"]

# The strongest first: a user's entry beats what a project declares, and so on.
STRENGTH: Final[tuple[Provenance, ...]] = ("user", "pep725", "table", "inspected")


class BuildInputs(NamedTuple):
    """What a build from source needs.

    ``build_inputs`` are libraries, ``native_build_inputs`` programs that the build runs; an attribute whose
    ``*-config`` program is run is in both. ``env`` holds (variable, template). ``cflags`` are compiler
    flags for this package only, each one string as it is written (``-include gssapi/gssapi_ext.h``).
    ``flags`` are ``config-setting:KEY=VALUE`` for the build backend. ``build_requires`` are Python
    requirements that the sdist needs and does not declare; ``relax`` names those whose pins have to be
    ignored.
    """

    build_inputs: tuple[str, ...] = ()
    native_build_inputs: tuple[str, ...] = ()
    env: tuple[tuple[str, Template], ...] = ()
    cflags: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    build_requires: tuple[str, ...] = ()
    relax: tuple[str, ...] = ()

    @property
    def attributes(self) -> tuple[str, ...]:
        """The libraries and programs together."""
        return (*self.build_inputs, *self.native_build_inputs)


class RunInputs(NamedTuple):
    """What is needed at run time only: libraries that it opens by name, and those that its wheels link."""

    dlopen: tuple[str, ...] = ()
    wheel_runtime_libs: tuple[str, ...] = ()


class Origin(NamedTuple):
    """The source of an entry.

    ``doubtful`` are attributes that the source names but that are not trusted. ``evidence`` are places in an
    inspected sdist. ``given`` are the fields that the source sets, even if to nothing. ``unbuildable`` is why
    a build from source does not work with nixpkgs.
    """

    provenance: Provenance = "table"
    sources: tuple[str, ...] = ()
    notes: str = ""
    doubtful: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()
    unbuildable: str = ""


class NativeInputs(NamedTuple):
    """What a package needs for its build and at run time, and where that is known from."""

    build: BuildInputs = BuildInputs()
    run: RunInputs = RunInputs()
    origin: Origin = Origin()
    kind: NativeKind = "link"

    @property
    def compiles(self) -> bool:
        """Whether a build from source runs a compiler, as far as this entry knows."""
        return self.kind in ("link", "rust", "bundled") or bool(self.build.build_inputs)


EMPTY: Final = NativeInputs(kind="unknown")


def merge(entries: Iterable[NativeInputs]) -> NativeInputs | None:
    """Merge entries about a package field by field; a stronger source wins if it sets the field."""
    ranked = sorted(entries, key=lambda entry: STRENGTH.index(entry.origin.provenance))
    if not ranked:
        return None
    result = ranked[0]
    for weaker in ranked[1:]:
        result = _over(result, weaker)
    return result


def _over(stronger: NativeInputs, weaker: NativeInputs) -> NativeInputs:
    mine, theirs = stronger.origin, weaker.origin
    return NativeInputs(
        build=_filled(stronger.build, weaker.build, mine.given),
        run=_filled(stronger.run, weaker.run, mine.given),
        origin=mine._replace(
            sources=(*mine.sources, *(s for s in theirs.sources if s not in mine.sources)),
            notes=mine.notes or theirs.notes,
            evidence=mine.evidence or theirs.evidence,
            given=mine.given | theirs.given,
        ),
        # An entry about running the wheel does not tell how it is built.
        kind=weaker.kind if stronger.kind in ("unknown", "wheel-runtime") else stronger.kind,
    )


_Inputs = TypeVar("_Inputs", BuildInputs, RunInputs)


def _filled(stronger: _Inputs, weaker: _Inputs, given: frozenset[str]) -> _Inputs:
    """``stronger`` with the fields of ``weaker`` that it does not set."""
    taken: dict[str, Any] = {
        name: getattr(weaker, name)
        for name in stronger._fields
        if name not in given and not getattr(stronger, name) and getattr(weaker, name)
    }
    return stronger._replace(**taken) if taken else stronger
