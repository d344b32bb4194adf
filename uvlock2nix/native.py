"""The inputs of a package's build, as a value in the Plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from uvlock2nix.knowledge.native import NativeInputs


class Native(NamedTuple):
    """The inputs of a package's build, and the systems that they apply to.

    ``crates`` is the Cargo.lock, relative to the project, with the crates for an offline build; ``patches``
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
    """Add the patches to the natives; ``built`` are the (system, package) pairs that are built."""
    found = list(natives)
    for name, paths in patches:
        others = [one for one in found if one.name != name]
        own = [one for one in found if one.name == name]
        known = {system for one in own for system in one.systems}
        rest = tuple(system for system, package in built if package == name and system not in known)
        own += [Native(name, NativeInputs(), rest)] if rest else []
        found = [*others, *(one._replace(patches=paths) for one in own)]
    return tuple(sorted(found, key=lambda one: one.name))
