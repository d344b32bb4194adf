"""Which Python fits: the answer to a ``requires-python`` that leaves the one at hand out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from uvlock2nix.target import PREFERRED, PythonVersion, latest_patch


def fitting_python(requires: Iterable[str], near: PythonVersion | None = None) -> str | None:
    """The spelling, for ``--python``, of a Python that every specifier of ``requires`` admits.

    The minor of ``near`` is tried first, and its newest release: ``3.12`` where that fits, else the newest
    that does, as ``3.12.8``. None where none does, or where a specifier cannot be read.
    """
    try:
        wanted = SpecifierSet(",".join(one for one in requires if one))
    except InvalidSpecifier:
        return None
    first = () if near is None else (near.minor,)
    free = "t" if near is not None and near.freethreaded else ""
    for minor in dict.fromkeys((*first, *PREFERRED)):
        for patch in _patches(minor):
            if wanted.contains(f"{minor}.{patch}", prereleases=True):
                latest = patch == latest_patch()[int(minor.partition(".")[2])]
                return f"{minor}{free}" if latest else f"{minor}.{patch}{free}"
    return None


def _patches(minor: str) -> Iterator[int]:
    """The releases of a minor: the newest known, the older ones, then those that may be out by now."""
    latest = latest_patch()[int(minor.partition(".")[2])]
    yield from range(latest, -1, -1)
    yield from range(latest + 1, 100)
