"""Ask the project's own tools for a version that no tag of the commit names, as uv does."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from packaging.version import InvalidVersion, Version

from uvlock2nix.app.ask_backend import copy_source, install_files, python_for, source_size
from uvlock2nix.app.git import git
from uvlock2nix.app.uv_resolve import find_uv
from uvlock2nix.build.backend import Backend, config_settings
from uvlock2nix.build.environment import make_environment
from uvlock2nix.build.indexes import index_flags
from uvlock2nix.build.machine import base_environment
from uvlock2nix.build.programs import Runner
from uvlock2nix.build.requirements import read_build_system
from uvlock2nix.build.values import Build, BuildContext, NativeBuild, Source
from uvlock2nix.errors import InputError, Uvlock2nixError
from uvlock2nix.inspect.uv_cache import uv_cache_dir
from uvlock2nix.knowledge.native import BuildInputs
from uvlock2nix.knowledge.templates import Literal
from uvlock2nix.lock import Project
from uvlock2nix.plan import Plan
from uvlock2nix.target import this_system
from uvlock2nix.temporary import temporary_folder

_MOST_BYTES: Final = 1 << 30
# A clone must not run any of the user's settings.
_PLAIN: Final = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "filter.lfs.smudge="),
    *("-c", "filter.lfs.process="),
    *("-c", "filter.lfs.required=false"),
)


def asked_versions(plan: Plan, project: Project, note: Callable[[str], None]) -> dict[str, str]:
    """Local package → the version that its backend computes for the checked-out commit.

    The backend runs in a clone (uncommitted changes do not count), with the locked build requirements; in a
    copy, if there is no commit: a file may have the version (.git_archival.txt, PKG-INFO), or a setting.
    Packages whose backend cannot be asked are left out, with a note.
    """
    system, uv = this_system(), find_uv()
    if uv is None or system not in {one.system for one in plan.systems}:
        return {}
    found: dict[str, str] = {}
    with temporary_folder() as work:
        try:
            root = _clone(project.root, work / "clone")
        except OSError as error:
            note(f"{project.root} cannot be copied, so that no tool was asked for the version: {error}")
            return {}
        if root is None:
            return {}
        for name, tool in plan.version.from_git:
            try:
                version = _asked(plan, project, name, root, work, uv)
                found[name] = str(Version(version or ""))
            except (Uvlock2nixError, OSError, InvalidVersion) as error:
                why = error.message if isinstance(error, Uvlock2nixError) else str(error)
                note(
                    f"{name}: {tool} could not be asked for the version of this commit: {why.splitlines()[0]}"
                )
    return found


def _asked(plan: Plan, project: Project, name: str, root: Path, work: Path, uv: str) -> str | None:
    """The version that a package's backend returns; ``root`` is the project's folder in the clone."""
    system = this_system()
    locked = plan.build_pins.builds(system).get(name)
    if locked is None or locked.built or set(locked.files) & plan.build_pins.nested(system).keys():
        raise InputError("its build requirements are not all locked as wheels")
    tree = root / next(one.path for one in plan.members if one.name == name)
    own = work / name
    own.mkdir()
    run = Runner(quiet=True)
    env = {**base_environment(own, os.environ), "UV_CACHE_DIR": str(uv_cache_dir())}
    env |= {key: value for key, value in os.environ.items() if key == "UV_OFFLINE"}
    python = python_for(uv, plan.python)
    context = BuildContext(run, uv, python or Path(sys.executable), own, env, None)
    native = next((one.inputs.build for one in plan.local_builds if one.name == name), BuildInputs())
    variables = {
        key: "".join(part.text for part in parts if isinstance(part, Literal))
        for key, parts in native.env
        if all(isinstance(part, Literal) for part in parts)
    }
    build = Build(name, None, Source(folder=tree), NativeBuild(env=variables))
    environment = make_environment(build, context, {})
    files = [plan.build_pins.by_key[key] for key in locked.files]
    flags = index_flags(project)
    install_files(files, project.root, flags, context, environment.python, other=python is None)
    system_ = read_build_system(tree)
    backend = Backend(system_, tree, config_settings(native.flags, system_), environment, run)
    return backend.version(own / "metadata", f"asking {name} for its version")


def _clone(root: Path, to: Path) -> Path | None:
    """Clone the repository of ``root``, or copy ``root``; return its place in it, or None if git fails."""
    if git(root, "rev-parse", "--verify", "HEAD") is None:
        if source_size(root, _MOST_BYTES) > _MOST_BYTES:
            raise OSError("it is larger than 1 GiB")
        copy_source(root, to)
        return to
    top, inside = (git(root, "rev-parse", one) for one in ("--show-toplevel", "--show-prefix"))
    if top is None or inside is None:
        return None
    place = top.decode(errors="replace").strip()
    if git(root, *_PLAIN, "clone", "--quiet", "--shared", place, str(to)) is None:
        return None
    return to / inside.decode(errors="replace").strip()
