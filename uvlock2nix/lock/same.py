"""Whether two texts are the same version, or allow the same Pythons: uv normalises both."""

from __future__ import annotations

from packaging.specifiers import SpecifierSet
from packaging.version import Version


def same_version(left: str, right: str) -> bool:
    """Whether both are equal versions, such as ``1.0`` and ``1.0.0``; invalid versions are compared as
    text.
    """
    try:
        return Version(left) == Version(right)
    except ValueError:
        return left == right


def same_specifier(left: str, right: str) -> bool:
    """Whether both allow the same Pythons, tested at and next to every version that either mentions."""
    try:
        first, second = SpecifierSet(left), SpecifierSet(right)
        probes = set[str]()
        for specifier in (*first, *second):
            release = (*Version(specifier.version.removesuffix(".*")).release, 0, 0)[:3]
            major, minor, patch = release
            for m in (max(minor - 1, 0), minor, minor + 1):
                probes.update(f"{major}.{m}.{p}" for p in (0, max(patch - 1, 0), patch, patch + 1, 99))
        return all(first.contains(probe) == second.contains(probe) for probe in probes)
    except ValueError:
        return left == right
