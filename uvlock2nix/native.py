"""What the build of one package gets that no other build sees, as the Plan holds it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from uvlock2nix.dataclass import dataclass, replace
from uvlock2nix.knowledge.native import NativeInputs


@dataclass(frozen=True, slots=True)
class Native:
    """The inputs of one package's build, and the systems on which it gets them.

    ``crates`` is the Cargo.lock, relative to the project, whose crates the build finds offline; ``patches``
    change its source (mode `sync`).
    """

    name: str
    inputs: NativeInputs
    systems: tuple[str, ...]
    crates: PurePosixPath | None = None
    patches: tuple[PurePosixPath, ...] = ()


def with_patches(
    natives: Iterable[Native],
    patches: Iterable[tuple[str, tuple[PurePosixPath, ...]]],
    built: Sequence[tuple[str, str]],
) -> tuple[Native, ...]:
    """The natives with the patches of their sources; ``built``: (system, package) of what is built."""
    found = list(natives)
    for name, paths in patches:
        others = [one for one in found if one.name != name]
        own = [one for one in found if one.name == name]
        known = {system for one in own for system in one.systems}
        rest = tuple(system for system, package in built if package == name and system not in known)
        own += [Native(name, NativeInputs(), rest)] if rest else []
        found = [*others, *(replace(one, patches=paths) for one in own)]
    return tuple(sorted(found, key=lambda one: one.name))
