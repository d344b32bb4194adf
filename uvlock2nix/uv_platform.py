"""uv's names of platforms, for installing for a different machine.

https://docs.astral.sh/uv/reference/cli/#uv-sync--python-platform
"""

from __future__ import annotations

from typing import Final

from uvlock2nix.target import Glibc, Musl, Target

_GLIBC: Final = (17, 28, *range(31, 41))  # the manylinux_2_… for which uv has a platform


def uv_platform(target: Target) -> str | None:
    """uv's name of the target's platform; None if it has none."""
    if target.is_darwin:
        return f"{target.arch}-apple-darwin"
    if target.arch not in ("x86_64", "aarch64"):
        return f"{target.arch}-unknown-linux" if target.arch == "riscv64" else None
    match target.libc:
        case Musl():
            return f"{target.arch}-unknown-linux-musl"
        case Glibc(minor=minor):
            return f"{target.arch}-manylinux_2_{max(value for value in _GLIBC if value <= max(minor, 17))}"
