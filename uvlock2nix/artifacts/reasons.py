"""Why a wheel does not run on a target, in terms of what it needs."""

from __future__ import annotations

from uvlock2nix.artifacts.tags import Tags
from uvlock2nix.artifacts.wheelname import TagSets
from uvlock2nix.regex import regex
from uvlock2nix.target import Glibc, Musl, Target

_PYTHON = regex(r"(cp|py|pp|graalpy|pyston|ip|jy)([0-9])([0-9]{0,3})")
_CPYTHON_ABI = regex(r"cp([0-9])([0-9]{1,3})([a-z]*)")
_MANYLINUX = regex(r"manylinux_([0-9]+)_([0-9]+)_(.+)")
_LEGACY = regex(r"manylinux(1|2010|2014)_(.+)")
_MUSL = regex(r"musllinux_([0-9]+)_([0-9]+)_(.+)")
_MACOS = regex(r"macosx_([0-9]+)_([0-9]+)_(.+)")
_LEGACY_GLIBC = {"1": 5, "2010": 12, "2014": 17}
_OTHERS = {
    "win": "Windows",
    "android": "Android",
    "ios": "iOS",
    "pyodide": "Emscripten",
    "pyemscripten": "Emscripten",
}
_ARCHS_OF_MAC = {
    "arm64": ("aarch64",),
    "x86_64": ("x86_64",),
    "universal2": ("aarch64", "x86_64"),
    "intel": ("x86_64",),
    "fat32": ("x86_64",),
    "fat64": ("x86_64",),
    "universal": ("x86_64",),
}


def rejection(wheel: TagSets, tags: Tags, target: Target) -> str:
    """The reason in words. ``wheel`` are the tags of a wheel that has no rank in ``tags``."""
    if not any(platform == "any" or platform in tags.platforms for platform in wheel.platforms):
        return _closest([_platform_reason(platform, target) for platform in wheel.platforms])
    if target.python.freethreaded and not any(_fits_freethreaded(abi) for abi in wheel.abis):
        return f"built for CPython with the GIL ({'.'.join(wheel.abis)}), target is {target.python.minor}t"
    reasons = [_python_reason(python, abi, target) for python in wheel.pythons for abi in wheel.abis]
    return _closest(
        [reason for reason in reasons if reason]
        or ["its Python, ABI and platform tags do not match the target together"]
    )


def _fits_freethreaded(abi: str) -> bool:
    match = _CPYTHON_ABI.fullmatch(abi)
    return abi in {"none", "abi3t"} or (match is not None and "t" in match[3])


def _closest(reasons: list[str]) -> str:
    """All distinct reasons; several tags of a wheel often have the same reason."""
    return " or ".join(dict.fromkeys(reasons))


def _python_reason(python: str, abi: str, target: Target) -> str:
    """What this pair of tags needs; ``""`` if the pair is not the problem."""
    match = _PYTHON.fullmatch(python)
    if match is None:
        return f"unknown Python tag {python}"
    kind, major, minor = match[1], int(match[2]), match[3]
    have = target.python
    if kind not in {"cp", "py"}:
        names = {"pp": "PyPy", "graalpy": "GraalPy", "pyston": "Pyston", "ip": "IronPython", "jy": "Jython"}
        return f"needs {names[kind]}, target has CPython"
    if major != have.major:
        return f"needs Python {major}, target has {have.minor}"
    number = int(minor) if minor else None
    if kind == "py" or abi in {"abi3", "abi3t"}:
        if number is not None and number > have.minor_number:
            return f"needs Python ≥ {major}.{number}, target has {have.minor}"
        if abi == "abi3t" and not have.freethreaded:
            return "needs a free-threaded Python"
        return "" if abi in {"none", "abi3", "abi3t"} else f"needs the ABI {abi}"
    if number is None:
        return f"has the Python tag {python}, which no installer looks for"
    built_for = _CPYTHON_ABI.fullmatch(abi)
    free = built_for is not None and "t" in built_for[3]
    if number != have.minor_number:
        return f"needs CPython {major}.{number}{'t' if free else ''}, target has {have.minor}"
    if free and not have.freethreaded:
        return f"needs the free-threaded CPython {have.minor}t"
    if built_for is not None and (int(built_for[1]), int(built_for[2])) != (major, number):
        return f"needs the ABI of CPython {built_for[1]}.{built_for[2]}"
    if built_for is not None and "d" in built_for[3]:
        return "needs a debug build of CPython"
    return f"needs the ABI {abi}"


def _platform_reason(platform: str, target: Target) -> str:
    if match := _MANYLINUX.fullmatch(platform):
        return _glibc_reason(int(match[1]), int(match[2]), match[3], target)
    if match := _LEGACY.fullmatch(platform):
        return _glibc_reason(2, _LEGACY_GLIBC[match[1]], match[2], target)
    if match := _MUSL.fullmatch(platform):
        if not target.is_linux:
            return "for Linux (musl)"
        if match[3] != target.arch:
            return f"for {match[3]}"
        need = f"{match[1]}.{match[2]}"
        if isinstance(target.libc, Musl):
            return f"needs musl ≥ {need}, target has {target.libc.major}.{target.libc.minor}"
        return f"needs musl ≥ {need}, target has {target.libc}"
    if match := _MACOS.fullmatch(platform):
        return _macos_reason(int(match[1]), int(match[2]), match[3], target)
    if platform.startswith("linux_"):
        return f"for Linux {platform[6:]}" if not target.is_linux else f"for {platform[6:]}"
    for prefix, name in _OTHERS.items():
        if platform.startswith(prefix):
            return f"for {name}"
    return f"for the platform {platform}"


def _glibc_reason(major: int, minor: int, arch: str, target: Target) -> str:
    if not target.is_linux:
        return "for Linux"
    if arch != target.arch:
        return f"for {arch}"
    if isinstance(target.libc, Glibc) and (major, minor) > (target.libc.major, target.libc.minor):
        return f"needs glibc ≥ {major}.{minor}, target has {target.libc.major}.{target.libc.minor}"
    if isinstance(target.libc, Musl):
        return f"needs glibc ≥ {major}.{minor}, target has {target.libc}"
    return f"has the platform tag of glibc {major}.{minor}, which does not exist for {arch}"


def _macos_reason(major: int, minor: int, machine: str, target: Target) -> str:
    if not target.is_darwin:
        return "for macOS"
    if target.arch not in _ARCHS_OF_MAC.get(machine, ()):
        return f"for macOS on {machine}"
    if (major, minor) > target.macos:
        shown = f"{major}.{minor}" if minor or major == 10 else str(major)
        return f"needs macOS ≥ {shown}, target has {target.macos[0]}.{target.macos[1]}"
    return f"has the platform tag macosx_{major}_{minor}_{machine}, which no installer looks for"
