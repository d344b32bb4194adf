"""The patch releases of a Python minor for which an environment holds: a lock can cut at any of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from uvlock2nix.dataclass import replace
from uvlock2nix.errors import Uvlock2nixError
from uvlock2nix.lock import Project, Selection, resolve
from uvlock2nix.reading import read_regular
from uvlock2nix.target import Target


def patch_ranges(
    project: Project, selection: Selection, targets: Sequence[Target]
) -> list[tuple[int | None, int | None]]:
    """For each target, the first patch release with its packages, and the first after it with other packages.

    None where the lock does not cut on that side: the environment is the same for every patch release.
    """
    text = read_regular(project.lock_path).decode("utf-8", "replace")
    cuts = {minor: _cuts(text, minor) for minor in {target.python.minor for target in targets}}
    return [_range(project, selection, target, cuts[target.python.minor]) for target in targets]


def _range(
    project: Project, selection: Selection, target: Target, cuts: set[int]
) -> tuple[int | None, int | None]:
    if not cuts:
        return None, None
    here = _packages(project, selection, target, target.python.patch)

    def differs(patch: int) -> bool:
        return _packages(project, selection, target, patch) != here

    return _nearest(cuts, target.python.patch, differs)


def _nearest(cuts: set[int], patch: int, differs: Callable[[int], bool]) -> tuple[int | None, int | None]:
    below = (cut for cut in sorted(cuts, reverse=True) if cut <= patch)
    above = (cut for cut in sorted(cuts) if cut > patch)
    return next((cut for cut in below if differs(cut - 1)), None), next(filter(differs, above), None)


def _cuts(text: str, minor: str) -> set[int]:
    """The patch releases at which a marker, or ``requires-python``, may change its mind."""
    found: set[int] = set()
    for number in re.findall(rf"[<>=~!]=?\s*['\"]?{re.escape(minor)}\.(\d{{1,4}})\b", text):
        found |= {int(number), int(number) + 1}
    return found - {0}


def _packages(
    project: Project, selection: Selection, target: Target, patch: int
) -> frozenset[tuple[str, str | None]] | None:
    """What would be installed; None where the lock does not admit the release."""
    python = replace(target.python, patch=patch)
    try:
        environment = resolve(project, selection, replace(target, python=python))
    except Uvlock2nixError:
        return None
    return frozenset((one.package.name, one.package.version) for one in environment.packages)
