"""Which wheels run on a target, and in which order they are preferred.

https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/ with uv's order: first
the pair of Python and ABI tag, then the platform, newest first; ``any`` comes after every platform.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from uvlock2nix.target import Glibc, Musl, Target

_LEGACY = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
_MACOS_FORMATS = {
    "x86_64": ("x86_64", "intel", "fat64", "fat32", "universal2", "universal"),
    "aarch64": ("arm64", "universal2"),
}


class Tags(NamedTuple):
    """Ranks; 0 is best. A wheel's rank is (pair, platform), or (after all pairs, ``any`` rank)."""

    pairs: dict[tuple[str, str], int]
    platforms: dict[str, int]
    anywhere: dict[str, int]
    freethreaded: bool

    def rank(
        self, pythons: tuple[str, ...], abis: tuple[str, ...], platforms: tuple[str, ...]
    ) -> tuple[int, int] | None:
        """The best rank of any combination of the wheel's tags; None if it does not run."""
        best: tuple[int, int] | None = None
        known = [self.platforms[platform] for platform in platforms if platform in self.platforms]
        nearest = min(known) if known else None
        for python in pythons:
            for abi in abis:
                if nearest is not None and (pair := self.pairs.get((python, abi))) is not None:
                    best = min(best, (pair, nearest)) if best else (pair, nearest)
                if abi == "none" and "any" in platforms and (place := self.anywhere.get(python)) is not None:
                    rank = (len(self.pairs), place)
                    best = min(best, rank) if best else rank
        return best


@lru_cache(maxsize=16)
def tags_for(target: Target) -> Tags:
    """The tags of a target. CPython only; the free-threaded build accepts neither ``abi3`` nor a GIL ABI."""
    minor = target.python.minor_number
    pairs: list[tuple[str, str]] = []
    exact = f"cp3{minor}"
    stable = "abi3t" if target.python.freethreaded else "abi3"
    pairs.append((exact, f"{exact}t" if target.python.freethreaded else exact))
    pairs.append((exact, stable))
    pairs.append((exact, "none"))
    pairs.extend((f"cp3{older}", stable) for older in range(minor - 1, 1, -1))
    generic = [f"py3{minor}", "py3", *(f"py3{older}" for older in range(minor - 1, -1, -1))]
    pairs.extend((python, "none") for python in generic)
    return Tags(
        pairs={pair: rank for rank, pair in enumerate(pairs)},
        platforms={platform: rank for rank, platform in enumerate(platform_tags(target))},
        anywhere={python: rank for rank, python in enumerate((exact, *generic))},
        freethreaded=target.python.freethreaded,
    )


def platform_tags(target: Target) -> tuple[str, ...]:
    """The platform tags of a target, best first, without ``any``."""
    if target.is_darwin:
        return tuple(_macos_tags(target.macos, target.arch))
    arch = target.arch
    found: list[str] = []
    match target.libc:
        case Glibc(major=2, minor=newest):
            for minor in range(newest, target.oldest_manylinux - 1, -1):
                found.append(f"manylinux_2_{minor}_{arch}")
                if minor in _LEGACY:
                    found.append(f"{_LEGACY[minor]}_{arch}")
        case Musl(major=major, minor=newest):
            found.extend(f"musllinux_{major}_{minor}_{arch}" for minor in range(newest, -1, -1))
        case _:
            pass
    found.append(f"linux_{arch}")
    return tuple(found)


def _macos_tags(version: tuple[int, int], arch: str) -> list[str]:
    """macOS tags: 10.N up to 10.16, then the major version only. On arm64, nothing is older than 11."""
    major, minor = version
    formats = _MACOS_FORMATS[arch]
    found: list[str] = []
    if major == 10:
        if arch == "x86_64":
            found.extend(f"macosx_10_{old}_{name}" for old in range(minor, 3, -1) for name in formats)
        return found
    found.extend(f"macosx_{new}_0_{name}" for new in range(major, 10, -1) for name in formats)
    older = formats if arch == "x86_64" else ("universal2",)
    found.extend(f"macosx_10_{old}_{name}" for old in range(16, 3, -1) for name in older)
    return found
