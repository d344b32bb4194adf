"""What a comparison finds."""

from __future__ import annotations

from typing import Final, Literal, get_args

from uvlock2nix.dataclass import dataclass

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

# All causes; a file with evidence of several is attributed to the one that is first here. What follows
# from other differences (a build-id is a digest of the rest) is late.
CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)

# What to do about a cause, in a line.
ADVICE: Final[dict[Cause, str]] = {
    "cores": "the build records the number of processors: patch it, or set its own option for that",
    "output-path": "the build records its installation path, which changes with the hash",
    "store-path": "the build records store paths that are not only those of its inputs",
    "build-path": "a path of the build stays in the file: map it (-ffile-prefix-map in `cflags`) or patch it",
    "timestamp": "the build records the time: it should honour SOURCE_DATE_EPOCH, else patch it",
    "generator": "a different version of a build tool: pin it (build-constraint-dependencies of uv)",
    "random": "a number or name that is generated in each build (process id, uuid, temporary name): patch it",
    "order": "the order of files or of a hash table: the build should sort",
    "bytecode": "byte-compiled files must not be in deps; the package writes its own",
    "type": "a file in one build, a directory or link in the other: the package's build depends on chance",
    "mode": "the executable bit depends on the umask or on chance: report it to the package",
    "symlink": "the link's target differs: see the evidence",
    "missing": "the first build alone has it: an optional part was not built, or a temporary file stayed",
    "extra": "the second build alone has it: an optional part was not built, or a temporary file stayed",
    "code": "compiled code differs and no string says why: a race in the build, or a different compiler",
    "debug-info": "debug information differs: build without -g, or strip it",
    "build-id": "the linker's build-id: link with --build-id=none",
    "record": "follows from the other files of the package: nothing to do about it alone",
    "content": "no pattern was recognised: see the evidence",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that was not the same in the two builds: its text in the ``first`` and in the ``second``."""

    cause: Cause
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One difference: ``where`` in the file, what it shows, and both sides (short, printable, may be "")."""

    where: str
    cause: Cause
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A path that differs, relative to the tree, printable; ``package`` is "" where no RECORD tells.

    ``evidence`` is not empty; what explains most is first, and its cause is the finding's.
    """

    file: str
    package: str
    cause: Cause
    evidence: tuple[Evidence, ...]
