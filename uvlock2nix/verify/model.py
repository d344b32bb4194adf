"""The findings of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

Cause = Literal[
    "cores",
    "output-path",
    "store-path",
    "build-path",
    "timestamp",
    "generator",
    "random",
    "order",
    "bytecode",
    "type",
    "mode",
    "symlink",
    "missing",
    "extra",
    "code",
    "debug-info",
    "build-id",
    "record",
    "content",
]

# All causes; a file with evidence for several gets the first in this order. Causes that follow from other
# differences (a build-id is a digest of the rest) are late.
CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)

# What to do about a cause.
ADVICE: Final[dict[Cause, str]] = {
    "cores": "the build records the number of processors: patch it, or set its own option for that",
    "output-path": "the build records its installation path, which changes with the hash",
    "store-path": "the build records store paths other than those of its inputs",
    "build-path": "the file contains a path of the build: map it (-ffile-prefix-map in `cflags`) or patch it",
    "timestamp": "the build records the time: it should use SOURCE_DATE_EPOCH; otherwise patch it",
    "generator": "a different version of a build tool: pin it (build-constraint-dependencies of uv)",
    "random": "a number or name that each build generates (process id, uuid, temporary name): patch it",
    "order": "the order of files or of a hash table: the build should sort it",
    "bytecode": "byte-compiled files must not be in deps; the package compiles its own",
    "type": "a file in one build, a directory or link in the other: the build is not deterministic",
    "mode": "the executable bit depends on the umask or on chance: report it to the package's maintainers",
    "symlink": "the link's target differs: see the evidence",
    "missing": "only the first build has it: an optional part was not built, or a temporary file was left",
    "extra": "only the second build has it: an optional part was not built, or a temporary file was left",
    "code": "compiled code differs and no string explains why: a race in the build, or a different compiler",
    "debug-info": "debug information differs: build without -g, or strip it",
    "build-id": "the linker's build-id: link with --build-id=none",
    "record": "follows from the other files of the package: nothing to do about it alone",
    "content": "no pattern was recognised: see the evidence",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that differed between the builds: its text in the ``first`` and in the ``second``."""

    cause: Cause
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A difference: ``where`` in the file, its cause, and both sides (short, printable, may be "")."""

    where: str
    cause: Cause
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A path that differs, relative to the tree, printable; ``package`` is "" if no RECORD lists it.

    ``evidence`` is not empty; the strongest comes first and gives the finding its cause.
    """

    file: str
    package: str
    cause: Cause
    evidence: tuple[Evidence, ...]
