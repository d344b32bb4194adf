"""Notes on the attributes in generated files, before Nix reports them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from uvlock2nix.classify.packages import ClassifiedPackage
from uvlock2nix.knowledge.attributes import OLDEST, Attribute, is_everywhere, judged
from uvlock2nix.plan import Input, Plan

# The nixpkgs configuration that allows it, and the equivalent variable for update-hash.
_ALLOWED: Final = {
    "unfree": ("allowUnfree = true;", "UNFREE"),
    "insecure": ("allowInsecurePredicate = pkg: true;", "INSECURE"),
    "broken": ("allowBroken = true;", "BROKEN"),
}


def attribute_remarks(plan: Plan) -> tuple[str, ...]:
    """A note for each attribute that nixpkgs refuses, that is removed, or that some releases lack."""
    return tuple(dict.fromkeys(_remarks(plan)))


def _remarks(plan: Plan) -> Iterator[str]:
    yield from _python(plan)
    inputs = (*plan.native_build_inputs, *plan.build_inputs, *plan.runtime_inputs, *plan.wheel_libraries)
    inputs += (*plan.script_programs, *plan.member_inputs, *plan.member_tools)
    for one in inputs:
        found = judged(one.attr)
        if found is not None and found.refused in _ALLOWED:
            yield _refused(one, found)
        if found is not None and found.gone:
            yield (
                f"{', '.join(one.packages)}: nixpkgs has no {one.attr} since {found.gone}: name a different"
                f" attribute under [tool.uvlock2nix.native.{one.packages[0]}], or use an older nixpkgs"
            )
    for system in plan.systems:
        for package in system.classes:
            yield from _left_out(package)


def _python(plan: Plan) -> Iterator[str]:
    found = judged(plan.python_attr)
    other = "choose a Python that requires-python allows with --python"
    if found is not None and found.gone > OLDEST:
        yield f"nixpkgs has no {plan.python_attr} since {found.gone}: use an older nixpkgs, or {other}"
    elif found is not None and found.gone:
        yield f"no supported nixpkgs has {plan.python_attr}: {other}"
    elif not is_everywhere(plan.python_attr):
        yield f"{plan.python_attr} is not in every supported nixpkgs: use a newer one if yours lacks it"


def _refused(one: Input, found: Attribute) -> str:
    line, variable = _ALLOWED[found.refused]
    return (
        f"{', '.join(one.packages)}: nixpkgs refuses {one.attr}, which is {found.refused}: allow it with"
        f" `{line}` in the config of your nixpkgs, and run"
        f" `NIXPKGS_ALLOW_{variable}=1 uvlock2nix update-hash`"
    )


def _left_out(package: ClassifiedPackage) -> Iterator[str]:
    """Notes on inputs of a build that nixpkgs no longer has."""
    if package.known != "known" or package.from_nixpkgs:
        return
    for attr in package.native.origin.doubtful:
        found = judged(attr)
        if found is not None and found.gone:
            yield (
                f"{package.name}: its build needs {attr}, which nixpkgs does not have since {found.gone}:"
                f" name a replacement in `build-inputs` under [tool.uvlock2nix.native.{package.name}]"
            )
