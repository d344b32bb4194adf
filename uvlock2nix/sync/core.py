"""The content of deps before stripping: from a lock to a reproducible tree."""

from __future__ import annotations

import os
import posixpath
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from uvlock2nix.build.foreign import refuse_foreign
from uvlock2nix.build.indexes import (
    index_flags,
    login_environment,
    login_flags,
    logins,
    network_environment,
)
from uvlock2nix.build.machine import base_environment
from uvlock2nix.build.programs import Runner
from uvlock2nix.build.values import BuildContext
from uvlock2nix.dist.installed import Collision, Installed, case_collisions, collisions, installed, shown
from uvlock2nix.dist.scripts import Script
from uvlock2nix.errors import InputError
from uvlock2nix.layout import BUILD_REQUIRES, site_packages
from uvlock2nix.lock import Project, load_project, resolve
from uvlock2nix.printable import printable
from uvlock2nix.refs.closure import closure_from_environment
from uvlock2nix.refs.store import STORE_DIR, Keys
from uvlock2nix.sync.checking import check_installed, check_key
from uvlock2nix.sync.install import Uv, decide_collisions, leave_out, not_built, selection_flags
from uvlock2nix.sync.manifest import write_manifest
from uvlock2nix.sync.normalise import normalise
from uvlock2nix.sync.own_programs import own_programs
from uvlock2nix.sync.plan import SyncPlan, plan_sync
from uvlock2nix.sync.request import SyncRequest
from uvlock2nix.sync.script_programs import script_programs
from uvlock2nix.target import Target, this_system
from uvlock2nix.uv_platform import uv_platform

if TYPE_CHECKING:
    from uvlock2nix.build.from_pins import FromPins
    from uvlock2nix.refs.linked import Linked

# Packages are first installed here, below the output.
STAGE: Final = ".uvlock2nix-sync"


def sync(request: SyncRequest, run: Runner) -> None:
    """Create ``request.out`` with the locked packages, normalised, and a manifest; or nothing on failure.

    They are installed inside ``out``, next to uv's cache, and moved up at the end: within a file system, uv
    links files that it would otherwise have to copy.

    Raises:
        Uvlock2nixError: with what failed, where, and what to do.
    """
    stage = request.out / STAGE
    try:
        stage.mkdir(parents=True)
        _make(replace(request, out=stage / "env"), run, stage / "cache")
        shutil.rmtree(stage / "cache", ignore_errors=True)
        for path in (stage / "env").iterdir():
            path.rename(request.out / path.name)
        shutil.rmtree(stage)
    except BaseException:
        # Leave nothing incomplete: the next run refuses an existing folder.
        shutil.rmtree(request.out, ignore_errors=True)
        raise


def _make(request: SyncRequest, run: Runner, cache: Path) -> None:
    """Install into ``request.out``, with uv's ``cache``, and make it reproducible."""
    from uvlock2nix.sync.build_requires import move_in

    project = load_project(request.project)
    target = Target.parse(
        system=request.system, python=request.python_version, libc=request.libc, macos=request.macos
    )
    environment = resolve(project, request.selection, target)
    plan = plan_sync(
        project,
        environment,
        target,
        exclude=request.exclude,
        native=request.native,
        no_binary=request.no_binary,
    )
    check_key(request, plan, target)
    request.work.mkdir(parents=True, exist_ok=True)
    env = {
        **sync_environment(request, os.environ),
        **network_environment(project.uv, os.environ),
        **login_environment(project, os.environ),
    }
    platform = request.platform or _foreign(request, target, run)
    if platform and target.is_darwin:
        env["MACOSX_DEPLOYMENT_TARGET"] = "{}.{}".format(*target.macos)
    linking = {**env, "UV_CACHE_DIR": str(cache), "UV_LINK_MODE": "hardlink"}
    uv = Uv(run, request.uv, request.python, linking, project.root, request.out, platform)
    context = _build_context(request, project, plan, target, env, run)
    selected = _selected(project, request, plan, uv)
    wheels, required = _install(request, project, plan, context, uv, selected)
    site = request.out / site_packages(target.python.minor)
    site.mkdir(parents=True, exist_ok=True)
    distributions = installed(site)
    check_installed(distributions, plan)
    _tell_outside(distributions, run)
    order = [package.name for package in project.lock.packages]
    alone = partial(_alone, uv, plan, wheels, selected, request.work / "alone", site.relative_to(request.out))
    collided = decide_collisions(collisions(distributions), site, order, request.collisions, alone)
    own = own_programs(project, {one.name for one in plan.local}, distributions)
    _tell(collided, request.collisions, own, run)
    if target.is_darwin:
        for paths in case_collisions(distributions):
            run.say(f"uvlock2nix: differ only in case: {', '.join(printable(shown(one)) for one in paths)}")
    scripts = normalise(request.out, site, altered=[one.path for one, _ in collided], say=run.say)
    run.say(script_programs(installed(site), site))
    kept = move_in(required, request.out / BUILD_REQUIRES)
    libraries = _libraries(request, site, context, kept)
    write_manifest(
        request.out,
        plan,
        python_version=target.python.minor,
        system=request.system,
        scripts=scripts,
        collided=collided,
        build_requires=kept,
        pinned=_requirements(request, project, uv.env).pinned,
        libraries=libraries,
    )


def _foreign(request: SyncRequest, target: Target, run: Runner) -> str:
    """uv's name of the target's platform if this machine's differs, else ``""``.

    Raises:
        InputError: uv has no name for it, so it can install only there.
    """
    if request.system == this_system():
        return ""
    platform = uv_platform(target)
    if platform is None:
        raise InputError(
            f"uv cannot install for {request.system} on {this_system()}",
            hint=f"build it on a machine with that system, or with a remote builder for {request.system}",
        )
    run.say(f"uvlock2nix: installing for {request.system} on {this_system()}")
    return platform


def _install(
    request: SyncRequest,
    project: Project,
    plan: SyncPlan,
    context: BuildContext,
    uv: Uv,
    selected: Sequence[str],
) -> tuple[Mapping[str, Path], Mapping[str, tuple[Path, tuple[Script, ...]]]]:
    """Install all packages; return the wheels not installed by uv sync, and the local build requirements."""
    from uvlock2nix.build.schedule import build_all
    from uvlock2nix.sync.build_requires import local_requirements
    from uvlock2nix.sync.wheels import fetch_wheels

    uv.run.say(f"uvlock2nix: {len(plan.wheels)} wheels, {len(plan.builds)} to build")
    requirements = _requirements(request, project, context.env)
    by_uv = project.lock.flavour == "uv"

    def take() -> dict[str, Path]:
        if not by_uv:
            return fetch_wheels(plan, project, context)
        uv.sync([*selected, *leave_out(plan.not_by_uv)])
        return {}

    fetched, built, required = _all_at_once(
        take,
        lambda: build_all(plan.builds, context, requirements, request.cores, requirements.pinned),
        lambda: local_requirements(project, plan.local, request.native, requirements, context),
        uv.run,
    )
    if not by_uv:
        uv.make()
    if uv.platform:
        refuse_foreign(built.values(), request.system)
    wheels = {**built, **fetched}
    uv.install_files([wheels[name] for name in sorted(wheels)])
    return wheels, required


def _tell_outside(distributions: Iterable[Installed], run: Runner) -> None:
    for one in distributions:
        for path in one.outside:
            run.say(f"uvlock2nix: {one.name}: its RECORD lists {path}, outside the environment: left out")


def sync_environment(request: SyncRequest, outer: Mapping[str, str]) -> dict[str, str]:
    """The environment for sync's programs: :func:`base_environment`, and where uv installs."""
    return {**base_environment(request.work, outer), "UV_PROJECT_ENVIRONMENT": str(request.out)}


def _selected(project: Project, request: SyncRequest, plan: SyncPlan, uv: Uv) -> list[str]:
    """The selection flags of every ``uv sync``; none for a script or a pylock.toml."""
    if project.lock.flavour != "uv":
        return []
    flags = selection_flags(project, request.selection, knows_no_default_groups=uv.knows_no_default_groups())
    return [*flags, *login_flags(project), *not_built(step.package.name for step in plan.wheels)]


S = TypeVar("S")
T = TypeVar("T")
U = TypeVar("U")


def _all_at_once(
    syncing: Callable[[], S], building: Callable[[], T], requiring: Callable[[], U], run: Runner
) -> tuple[S, T, U]:
    """Run the three tasks concurrently; the first failure cancels the others and is the one reported."""

    def guarded(action: Callable[[], V]) -> V:
        try:
            return action()
        except BaseException as error:
            run.stop(error)
            raise

    with ThreadPoolExecutor(max_workers=3) as pool:
        synced = pool.submit(guarded, syncing)
        built, required = pool.submit(guarded, building), pool.submit(guarded, requiring)
        try:
            return synced.result(), built.result(), required.result()
        except BaseException as error:
            run.stop(error)
            # Cancelled tasks fail too: report the original cause.
            raise run.cause or error from None


V = TypeVar("V")


def _alone(
    uv: Uv,
    plan: SyncPlan,
    wheels: Mapping[str, Path],
    selected: Sequence[str],
    place: Path,
    site: Path,
    name: str,
) -> Path:
    """Install one package into an environment of its own; return its site-packages."""
    one = uv.elsewhere(place / name)
    if name in wheels:
        one.make()
        one.install_files([wheels[name]])
    else:
        others = [step.package.name for step in plan.wheels if step.package.name != name]
        one.sync([*selected, *leave_out([*plan.not_by_uv, *others])], what=f"uv sync ({name} alone)")
    return place / name / site


def _tell(
    collided: Sequence[tuple[Collision, str]], choice: Mapping[str, str], own: Iterable[str], run: Runner
) -> None:
    for one, winner in collided:
        run.say(f"uvlock2nix: {shown(one.path)}: shipped by {', '.join(one.owners)}; kept: {winner}")
    for line in own:
        run.say(line)
    paths = [shown(one.path) for one, _ in collided]
    for key in choice:
        if not any(path == key or path.startswith(key + "/") for path in paths):
            run.say(f"uvlock2nix: [tool.uvlock2nix.collisions]: no two packages in deps differ in {key}")


def _build_context(
    request: SyncRequest,
    project: Project,
    plan: SyncPlan,
    target: Target,
    env: Mapping[str, str],
    run: Runner,
) -> BuildContext:
    from uvlock2nix.build.environment import folders_to_link

    locked = {step.package.name: step.package.version or "" for step in (*plan.wheels, *plan.built_steps)}
    context = BuildContext(
        run=run,
        uv=request.uv,
        python=request.python,
        root=request.work / "uvlock2nix",
        env=env,
        exclude_newer=request.exclude_newer,
        constraints=project.uv.build_constraint_dependencies,
        index_flags=index_flags(project),
        native_inputs=tuple(path for native in request.native.values() for path in native.inputs),
        locked=locked,
        logins=logins(project, os.environ),
        marker_environment=target.marker_environment(),
    )
    context.root.mkdir(parents=True, exist_ok=True)
    return replace(context, folders=folders_to_link(plan.builds, context))


def _requirements(request: SyncRequest, project: Project, env: Mapping[str, str]) -> FromPins:
    """The source of build requirements: the files locked in pins."""
    from uvlock2nix.build.from_pins import FromPins
    from uvlock2nix.build.pinned import Pinned

    folder = request.work / "uvlock2nix" / "build-requirements"
    found = logins(project, os.environ)
    return FromPins(Pinned(request.build_pins, request.system, project.root, folder, found, env))


def _libraries(
    request: SyncRequest, site: Path, context: BuildContext, members: Iterable[str]
) -> tuple[Linked, ...]:
    """The store folders in which each file compiled here finds its libraries.

    ``members``: projects whose build requirements (in their own folders) may have been compiled too.
    """
    from uvlock2nix.build.rpath import library_folders, linked_libraries

    folders = {name: found for name, found in context.folders.items() if found}
    everyone = library_folders(context.env)
    if not everyone:
        return ()
    store_dir = context.env.get("NIX_STORE", STORE_DIR)
    closure = closure_from_environment(os.environ, store_dir=store_dir)
    keys = Keys(closure, request.reference_inputs, store_dir=store_dir)
    inside = site.relative_to(request.out).as_posix()
    files = {
        one.name: [posixpath.normpath(f"{inside}/{entry.path}") for entry in one.entries]
        for one in installed(site)
        if one.name in folders
    }
    for name in members:
        place = f"{BUILD_REQUIRES}/{name}"
        folders[place] = everyone
        files[place] = [
            posixpath.normpath(f"{place}/{entry.path}")
            for one in installed(request.out / place)
            for entry in one.entries
        ]
    return linked_libraries(request.out, files, folders, keys, store_dir)
