"""The hash of deps without Nix: run here the program that deps runs, and hash the tree as a NAR.

This works only where the result follows from the lock: for an environment of wheels. Compiled code depends
on the compiler and the libraries, which only Nix has, so it is refused.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from uvlock2nix.app import uv_resolve
from uvlock2nix.app.request import Request
from uvlock2nix.build.programs import Runner
from uvlock2nix.endings import FULL_DISK, is_full
from uvlock2nix.errors import ToolError, UsageError
from uvlock2nix.key import is_built
from uvlock2nix.layout import MANIFEST
from uvlock2nix.nar import Hash, nar_hash
from uvlock2nix.plan import Plan, SystemPlan
from uvlock2nix.refs.strip import strip
from uvlock2nix.sync.core import sync
from uvlock2nix.sync.request import SyncRequest
from uvlock2nix.target import Target
from uvlock2nix.temporary import temporary_folder
from uvlock2nix.uv_platform import uv_platform

# A wrapper of uv that installs for the target's platform instead of this machine's. Its settings are in files
# next to it: sync passes on its own environment, and ours must not be changed.


def refusal(one: SystemPlan) -> str:
    """Why the hash of a system cannot be computed here; ``""`` if it can."""
    built = [package.name for package in one.classes if is_built(package)]
    if built:
        shown = ", ".join(built[:8]) + (" …" if len(built) > 8 else "")
        return f"{len(built)} of its packages are built from source ({shown})"
    return ""


def compute(asked: Request, plan: Plan, one: SystemPlan, *, quiet: bool) -> tuple[Hash, str, tuple[str, ...]]:
    """The hash of deps for a system, uv's version, and the lines that a build of deps would log.

    Raises:
        UsageError: something is built from source, so the hash does not follow from the lock.
        ToolError: uv or a Python of that minor version is missing.
        NetworkError: a wheel could not be fetched.
    """
    why = refusal(one)
    if why:
        raise UsageError(
            f"{one.system}: the hash cannot be computed without Nix: {why}",
            hint=f"run `uvlock2nix update-hash --system {one.system}` on a machine with Nix",
        )
    uv = _uv()
    with temporary_folder() as root:
        tree = root / "out"
        request = SyncRequest(
            project=asked.project.root / asked.project.argument,
            out=tree,
            work=root / "work",
            python=_python(uv, one.target),
            selection=plan.selection,
            system=one.system,
            python_version=str(one.target.python),
            libc=str(one.target.libc) if one.target.is_linux else None,
            macos="{}.{}".format(*one.target.macos) if one.target.is_darwin else None,
            platform=platform_of(one.target),
            exclude_newer=plan.exclude_newer,
            build_pins=plan.build_pins,
            key=one.key,
            exclude=frozenset(package.name for package in plan.excluded),
            collisions=plan.collisions,
            uv=uv,
        )
        run = Runner(quiet=quiet)
        sync(request, run)
        strip(tree, store_paths=(), inputs={}, manifest=tree / MANIFEST)
        return nar_hash(tree), _version(uv), tuple(run.said)


def platform_of(target: Target) -> str:
    """uv's name of the target's platform; UsageError if uv cannot install for it from here."""
    name = uv_platform(target)
    if name is None or (target.is_linux and target.arch not in ("x86_64", "aarch64")):
        raise UsageError(
            f"uv can install for {target.system} only on such a machine",
            hint=f"run `uvlock2nix update-hash --system {target.system}` there, or on a machine with Nix",
        )
    return name


def _uv() -> str:
    found = uv_resolve.find_uv()
    if found is None:
        raise ToolError("uv is not installed, or not in PATH", hint="install uv: https://docs.astral.sh/uv")
    return found


def _python(uv: str, target: Target) -> Path:
    """A Python of the target's minor version on this machine: uv takes its tags from it."""
    minor = target.python.minor
    done = subprocess.run(
        [uv, "python", "find", "--no-project", minor], capture_output=True, text=True, check=False
    )
    if is_full(done.stderr):
        raise ToolError(f"uv cannot look for Python {minor}:\n{done.stderr.strip()}", hint=FULL_DISK)
    if done.returncode != 0 or not done.stdout.strip():
        raise ToolError(f"no Python {minor} on this machine", hint=f"install one: uv python install {minor}")
    return Path(done.stdout.strip())


def _version(uv: str) -> str:
    done = subprocess.run([uv, "--version"], capture_output=True, text=True, check=False)
    words = done.stdout.split()
    return words[1] if done.returncode == 0 and len(words) > 1 else ""
