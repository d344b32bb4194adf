"""What packages need from outside at run time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from uvlock2nix.classify.packages import ClassifiedPackage
from uvlock2nix.key import is_built

# Small, and in every closure that has Python: env always offers them to wheels.
# https://peps.python.org/pep-0600/
SYSTEM_LIBRARIES: Final = ("stdenv.cc.cc", "expat", "zlib")
ALWAYS_THERE: Final = frozenset((*SYSTEM_LIBRARIES, "stdenv.cc.cc.lib", "glibc"))
# Its compiled part opens libraries for other packages (`ffi.dlopen`), which must be found from there.
_OPENS_FOR_OTHERS: Final = "cffi"


def opened_by_name(every: Sequence[ClassifiedPackage]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Packages whose code opens libraries by name, so that no file lists them, with their attributes."""
    found = {
        one.name: one.native.run.dlopen for one in every if one.native.run.dlopen and not one.from_nixpkgs
    }
    if found and any(one.name == _OPENS_FOR_OTHERS and not one.from_nixpkgs for one in every):
        found[_OPENS_FOR_OTHERS] = tuple(
            dict.fromkeys(attr for _, attrs in sorted(found.items()) for attr in attrs)
        )
    return tuple(sorted(found.items()))


def libraries_of_wheel(one: ClassifiedPackage) -> tuple[str, ...]:
    """The libraries from outside that the files of a wheel link.

    Not CUDA where the table lists it for wheels: the lock's own nvidia wheels provide it (a CPU build of
    torch needs none), and nixpkgs' is unfree and large. If neither is there, restore fails and names the
    library. What the user sets is used unchanged.
    """
    if is_built(one):
        return ()
    libraries = tuple(attr for attr in one.native.run.wheel_runtime_libs if attr not in ALWAYS_THERE)
    if one.native.origin.provenance == "user":
        return libraries
    return tuple(attr for attr in libraries if not attr.startswith(("cudaPackages", "linuxPackages")))
