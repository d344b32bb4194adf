"""Comparing what was planned with what generate saw, and with what uv installed."""

from __future__ import annotations

from collections.abc import Sequence

from uvlock2nix.digest import HALF, environment_digest
from uvlock2nix.dist.installed import Installed, same_version
from uvlock2nix.errors import InputError
from uvlock2nix.sync.plan import Step, SyncPlan
from uvlock2nix.sync.request import SyncRequest
from uvlock2nix.target import Target


def check_key(request: SyncRequest, plan: SyncPlan, target: Target) -> None:
    """Compare the environment with that of generate: nixpkgs' Python may be a different patch release.

    Raises:
        InputError: they differ, so the name of deps would not match its content.
    """
    if request.key is None:
        return
    steps = [(step.package, step.choice) for step in (*plan.wheels, *plan.built_steps)]
    found = environment_digest(steps, python=target.python.minor, system=request.system)
    if found != request.key[:HALF]:
        raise InputError(
            f"the environment for Python {request.python_version} on {request.system} is not the one that "
            "these files were generated for",
            hint=f"run: uvlock2nix update-hash --python {request.python_version}",
        )


def check_installed(distributions: Sequence[Installed], plan: SyncPlan) -> None:
    """Compare what was installed with what was planned; uv must have installed the planned files.

    Raises:
        InputError: a package is missing or unexpected, or has a different version or wheel.
    """
    there = {one.name: one for one in distributions}
    wrong: list[str] = []
    for step in (*plan.wheels, *plan.built_steps):
        one = there.pop(step.package.name, None)
        if one is None:
            wrong.append(f"{step.package} is missing")
        elif step.package.version and not same_version(one.version, step.package.version):
            wrong.append(f"{step.package.name} is {one.version}, the lock says {step.package.version}")
        elif step in plan.wheels and (reason := _other_wheel(one, step)):
            wrong.append(reason)
    wrong += [f"{name} is installed, but not in the plan" for name in there]
    if wrong:
        raise InputError(
            "uv did not install what was planned: " + "; ".join(wrong),
            hint="this is a bug in uvlock2nix: please report it with the uv.lock",
        )


def _other_wheel(one: Installed, step: Step) -> str:
    """Why the installed wheel is not the planned one; ``""`` if it is."""
    from packaging.tags import parse_tag

    artifact = step.choice.artifact
    if artifact is None or not artifact.filename.endswith(".whl"):
        return ""
    wanted = parse_tag("-".join(artifact.filename.removesuffix(".whl").split("-")[-3:]))
    text = (one.dist_info / "WHEEL").read_text(encoding="utf-8", errors="replace")
    tags = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("Tag:")]
    have = {tag for text in tags for tag in parse_tag(text)}
    # Some wheels were renamed after the build, and have a different platform inside: compare the ABI only.
    if have and not have & wanted and {tag.abi for tag in have}.isdisjoint({tag.abi for tag in wanted}):
        return (
            f"{step.package.name}: uv took a wheel for {', '.join(tags)}, but {artifact.filename} was planned"
        )
    return ""
