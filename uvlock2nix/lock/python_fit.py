"""Find a Python that fits when ``requires-python`` excludes the current one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from uvlock2nix.target import PREFERRED, PythonVersion, latest_patch


def fitting_python(requires: Iterable[str], near: PythonVersion | None = None) -> str | None:
    """A Python, as a value for ``--python``, that every specifier of ``requires`` allows.

    The minor version of ``near`` is tried first, with its newest release: ``3.12`` if that fits, else the
    newest that does, such as ``3.12.8``. None if none fits, or if a specifier cannot be read.
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
    """The releases of a minor version: the newest known, the older ones, then possible newer ones."""
    latest = latest_patch()[int(minor.partition(".")[2])]
    yield from range(latest, -1, -1)
    yield from range(latest + 1, 100)
