"""The whole of deps before stripping: from a lock to a tree that is the same every time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.tags import parse_tag
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from uvlock2nix.digest import HALF, environment_digest
from uvlock2nix.errors import InputError
from uvlock2nix.layout import BUILD_REQUIRES, site_packages
from uvlock2nix.lock import Project, load_project, resolve
from uvlock2nix.sync.build import Workshop
from uvlock2nix.sync.install import Uv, decide_collisions, leave_out, selection_flags
from uvlock2nix.sync.manifest import write_manifest
from uvlock2nix.sync.normalise import Script, normalise
from uvlock2nix.sync.plan import Step, SyncPlan, plan_sync
from uvlock2nix.sync.records import Installed, installed
from uvlock2nix.sync.requires import effective_requires
from uvlock2nix.sync.run import Runner
from uvlock2nix.sync.schedule import build_all
from uvlock2nix.sync.values import NativeBuild, SyncRequest
from uvlock2nix.target import Target

# What a user's session may have set and a build must not see.
FOREIGN_VARIABLES: Final = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "CONDA_PREFIX")


def sync(request: SyncRequest, run: Runner) -> None:
    """Make ``request.out`` (which must not exist): the locked packages, normalised, with a manifest.

    Raises:
        Uvlock2nixError: with what failed, where, and what to do.
    """
    project = load_project(request.project)
    target = Target.parse(system=request.system, python=request.python_version, libc=request.libc)
    environment = resolve(project, request.selection, target)
    plan = plan_sync(project, environment, target, exclude=request.exclude, native=request.native)
    check_key(request, plan, target)
    request.work.mkdir(parents=True, exist_ok=True)
    env = base_environment(request)
    uv = Uv(run, request.uv, request.python, env, request.project, request.out)
    shop = _workshop(request, project, plan, target, env, run)
    shop.root.mkdir(parents=True, exist_ok=True)
    flags = [*selection_flags(project, request.selection), *leave_out(plan.not_by_uv)]
    with ThreadPoolExecutor(max_workers=2) as pool:
        run.say(f"uvlock2nix: {len(plan.wheels)} wheels, {len(plan.builds)} to build")
        syncing = pool.submit(uv.sync, flags)
        requiring = pool.submit(_build_requires, request, project, plan, shop)
        try:
            wheels = build_all(plan.builds, shop, request.cores)
            syncing.result()
            required = requiring.result()
        except BaseException:
            run.stop()
            raise
    uv.install_files([wheels[name] for name in sorted(wheels)])
    site = request.out / site_packages(target.python.minor)
    site.mkdir(parents=True, exist_ok=True)
    order = [package.name for package in project.lock.packages]
    collided = decide_collisions(uv, site, wheels, order, request.collisions, flags)
    for one, winner in collided:
        run.say(f"uvlock2nix: {one.path}: shipped by {', '.join(one.owners)}; kept: {winner}")
    check_installed(installed(site), plan)
    scripts = normalise(request.out, site)
    kept = _move_in(required, request.out / BUILD_REQUIRES)
    write_manifest(
        request.out,
        plan,
        python_version=target.python.minor,
        system=request.system,
        scripts=scripts,
        collided=collided,
        build_requires=kept,
    )


def check_key(request: SyncRequest, plan: SyncPlan, target: Target) -> None:
    """Compare the environment with the one that generate saw: nixpkgs' Python may be another patch release.

    Raises:
        InputError: they differ, so the name of deps would lie about what it holds.
    """
    if request.key is None:
        return
    steps = [(step.package, step.choice) for step in (*plan.wheels, *plan.built_steps)]
    found = environment_digest(steps, python=target.python.minor, system=request.system)
    if found != request.key[:HALF]:
        raise InputError(
            f"the environment for Python {request.python_version} on {request.system} is not the one that "
            "these files were generated for",
            hint=f"run: uvlock2nix generate --python {request.python_version}; then: uvlock2nix update-hash",
        )


def base_environment(request: SyncRequest) -> dict[str, str]:
    """The environment of every program that runs: no trace of the user's, uv without surprises."""
    env = {name: value for name, value in os.environ.items() if name not in FOREIGN_VARIABLES}
    home = request.work / "home"
    home.mkdir(parents=True, exist_ok=True)
    cache = request.work / "uv-cache"
    cache.mkdir(parents=True, exist_ok=True)
    env.update(
        HOME=str(home),
        UV_CACHE_DIR=str(cache),
        UV_PROJECT_ENVIRONMENT=str(request.out),
        UV_PYTHON_DOWNLOADS="never",
        UV_PYTHON_PREFERENCE="only-system",
        UV_NO_SYSTEM_CONFIG="1",
        UV_NO_INSTALLER_METADATA="1",
        UV_NO_PROGRESS="1",
        UV_LINK_MODE="copy",
        UV_NO_ENV_FILE="1",
        PYTHONDONTWRITEBYTECODE="1",
        PYTHONHASHSEED="0",
        SOURCE_DATE_EPOCH="315532800",
        LC_ALL="C.UTF-8",
        TZ="UTC",
    )
    if "SSL_CERT_FILE" in env:
        env.setdefault("REQUESTS_CA_BUNDLE", env["SSL_CERT_FILE"])
        env.setdefault("GIT_SSL_CAINFO", env["SSL_CERT_FILE"])
    return env


def _workshop(
    request: SyncRequest,
    project: Project,
    plan: SyncPlan,
    target: Target,
    env: Mapping[str, str],
    run: Runner,
) -> Workshop:
    locked = {step.package.name: step.package.version or "" for step in (*plan.wheels, *plan.built_steps)}
    return Workshop(
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
        marker_environment=target.marker_environment(),
    )


def index_flags(project: Project) -> tuple[str, ...]:
    """uv's flags for the indexes of the project, for what is installed outside of its lock."""
    flags = [
        f"--{'default-index' if index.default else 'index'}={index.url}"
        for index in project.uv.indexes
        if not index.explicit
    ]
    if project.uv.index_url:
        flags.append(f"--default-index={project.uv.index_url}")
    flags += [f"--index={url}" for url in project.uv.extra_index_url]
    return tuple(flags)


def _build_requires(
    request: SyncRequest, project: Project, plan: SyncPlan, shop: Workshop
) -> dict[str, tuple[Path, tuple[Script, ...]]]:
    """Install what builds each of the project's own packages into a folder of its own."""
    made: dict[str, tuple[Path, tuple[Script, ...]]] = {}
    local = {package.name for package in plan.local}
    for member in project.members:
        if member.name not in local or member.is_virtual:
            continue
        what = f"the build requirements of {member.name}"
        added = request.native.get(member.name, NativeBuild()).build_requires
        requires = effective_requires(
            member.build_requires, added=added, marker_environment=shop.marker_environment, what=what
        )
        wanted = [text for text in requires if canonicalize_name(Requirement(text).name) not in local]
        made[member.name] = _install_tree(wanted, shop.root / "requires" / member.name, shop, what)
    return made


def _install_tree(
    requires: Sequence[str], work: Path, shop: Workshop, what: str
) -> tuple[Path, tuple[Script, ...]]:
    work.mkdir(parents=True)
    tree = work / "tree"
    arguments = [shop.uv, "pip", "install", "--quiet", "--python", str(shop.python), "--target", str(tree)]
    if requires:
        arguments += shop.resolver_arguments(work, requires)
        shop.run(arguments, what=what, env=shop.env, cwd=work)
    tree.mkdir(exist_ok=True)
    return tree, normalise(tree, tree, scripts_to="_scripts")


def _move_in(
    made: Mapping[str, tuple[Path, tuple[Script, ...]]], place: Path
) -> dict[str, tuple[Script, ...]]:
    # Only now: uv makes the environment around it at the same time, and wants an empty place.
    for name, (tree, _) in made.items():
        place.mkdir(parents=True, exist_ok=True)
        shutil.move(tree, place / name)
    return {name: scripts for name, (_, scripts) in made.items()}


def check_installed(distributions: Sequence[Installed], plan: SyncPlan) -> None:
    """Compare what was installed with what was planned; uv must have taken the very files that we named.

    Raises:
        InputError: a package is missing, is too many, has another version or another wheel.
    """
    there = {one.name: one for one in distributions}
    wrong: list[str] = []
    for step in (*plan.wheels, *plan.built_steps):
        one = there.pop(step.package.name, None)
        if one is None:
            wrong.append(f"{step.package} is missing")
        elif step.package.version and not _same_version(one.version, step.package.version):
            wrong.append(f"{step.package.name} is {one.version}, the lock says {step.package.version}")
        elif step in plan.wheels and (reason := _other_wheel(one, step)):
            wrong.append(reason)
    wrong += [f"{name} is there and is not in the plan" for name in there]
    if wrong:
        raise InputError(
            "uv installed something else than what was planned: " + "; ".join(wrong),
            hint="this is a fault of uvlock2nix: report it with the uv.lock",
        )


def _same_version(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def _other_wheel(one: Installed, step: Step) -> str:
    """Why the installed wheel is not the planned one; ``""`` when it is."""
    artifact = step.choice.artifact
    if artifact is None or not artifact.filename.endswith(".whl"):
        return ""
    wanted = parse_tag("-".join(artifact.filename.removesuffix(".whl").split("-")[-3:]))
    text = (one.dist_info / "WHEEL").read_text(encoding="utf-8", errors="replace")
    tags = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("Tag:")]
    have = {tag for text in tags for tag in parse_tag(text)}
    # Some wheels were renamed after they were built and say another platform inside: compare what can be.
    if have and not have & wanted and {tag.abi for tag in have}.isdisjoint({tag.abi for tag in wanted}):
        return f"{step.package.name}: uv took a wheel for {', '.join(tags)}, planned was {artifact.filename}"
    return ""
