"""How generated files refer to nixpkgs' attributes, even to those that a nixpkgs may not have.

An attribute that :mod:`uvlock2nix.knowledge.attributes` lists for every supported release is a plain
argument. An attribute that only newer releases have falls back to its older name. An unlisted or removed
attribute has a default that throws: ``callPackage`` uses it if nixpkgs has no such attribute, and its message
names the packages that need it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from typing import Final

from uvlock2nix.errors import UsageError
from uvlock2nix.knowledge.attributes import former_attribute, is_everywhere, judged
from uvlock2nix.nixlang import AttrSet, Expr, Formal, Path, Select, Var, call, select, string
from uvlock2nix.plan import Input, Plan

# Names that the files define themselves, which would shadow an attribute of that name.
RESERVED: Final = frozenset(
    {
        "buildInputs",
        "callPackage",
        "compilers",
        "finalAttrs",
        "fromNixpkgs",
        "hash",
        "key",
        "keys",
        "madeWith",
        "nativeBuildInputs",
    }
    | {"outputHash", "pin", "pins", "pinsKey", "python", "python-deps", "python-env", "referenceInputs"}
    | {"linkMode", "madeWith", "skipLockCheck", "stale", "system", "toolchain", "version"}
)


# The attributes that our overlay adds to nixpkgs.
OURS: Final = frozenset(
    {"importUvLock", "restoreReferencesHook", "stripReferencesHook"}
    | {"uvEnvHook", "uvPackageHook", "uvSyncHook"}
)
STANDALONE: Final = "uvlock2nix"


def arguments(
    plan: Plan, own: Iterable[str], inputs: Sequence[Input], extra: Sequence[Formal] = ()
) -> tuple[Formal, ...]:
    """The arguments of a callPackage function: ``lib`` and ``stdenv`` first, then by name, then ``extra``.

    ``own`` are attributes that the file needs in any case; the Python of ``plan`` is added.

    Raises:
        UsageError: an input has a name that the generated files use themselves.
    """
    own = set(own)
    defaults = _standalone(own) if plan.standalone else {}
    if defaults:
        own.add("callPackage")
    if not is_everywhere(plan.python_attr):
        defaults[plan.python_attr] = call("throw", string(_no_python(plan)))
    for one in inputs:
        _refuse_reserved(one)
        _add_defaults(plan, one, defaults)
    names = {*own, plan.python_attr, *(one.attr.split(".")[0] for one in inputs), *defaults}
    first = [name for name in ("lib", "stdenv") if name in names]
    rest = sorted(names - set(first))
    return (*(Formal(name, defaults.get(name)) for name in (*first, *rest)), *extra)


def _standalone(own: Set[str]) -> dict[str, Expr]:
    """Our attributes come from the folder next to the file, unless the package set has them."""
    ours = call("callPackage", Path(0, (STANDALONE,)), AttrSet(()))
    return {name: Select(ours, (name,)) for name in OURS & own}


def picked(plan: Plan, attr: str, packages: Sequence[str]) -> Expr:
    """The attribute as an expression; an unlisted nested attribute throws, with who needs it, if it is
    missing.

    Without ``packages``, it is an attribute that the file itself needs.
    """
    head, *path = attr.split(".")
    if not path or not packages or judged(attr) is not None:
        return select(attr)
    return Select(Var(head), tuple(path), call("throw", string(_missing(plan, attr, packages))))


def _add_defaults(plan: Plan, one: Input, defaults: dict[str, Expr]) -> None:
    head = one.attr.split(".")[0]
    if is_everywhere(one.attr) or (head != one.attr and judged(head) is not None):
        return
    message = call("throw", string(_missing(plan, one.attr, one.packages)))
    former = former_attribute(one.attr) if head == one.attr else None
    if former is None:
        defaults.setdefault(head, message)
        return
    # Nix is lazy: the older name is evaluated only if the newer one is missing.
    defaults[head] = select(former)
    older = former.split(".")[0]
    if not is_everywhere(older):
        defaults.setdefault(older, message)


def _refuse_reserved(one: Input) -> None:
    name = one.attr.split(".")[0]
    if name in RESERVED:
        raise UsageError(
            f"{', '.join(one.packages)}: nixpkgs' attribute `{name}` cannot be a native input",
            hint="use a different attribute in [tool.uvlock2nix.native]: python3 for python",
        )


def _missing(plan: Plan, attr: str, packages: Sequence[str]) -> str:
    found = judged(attr)
    gone = f" (removed in {found.gone})" if found is not None and found.gone else ""
    former = former_attribute(attr)
    older = f" (`{former}` before {found.since})" if found is not None and former else ""
    return (
        f"{plan.name}: this nixpkgs has no `{attr}`{gone}{older}, which {', '.join(packages)} needs."
        " Use a nixpkgs that has it, or name a replacement under"
        f" [tool.uvlock2nix.native.{packages[0]}] in pyproject.toml and run: uvlock2nix generate"
    )


def _no_python(plan: Plan) -> str:
    found = judged(plan.python_attr)
    gone = f" (removed in {found.gone})" if found is not None and found.gone else ""
    return (
        f"{plan.name}: this nixpkgs has no {plan.python_attr}{gone}. Use a nixpkgs that has it, or generate"
        " for a Python that it has, if requires-python allows one: uvlock2nix generate --python VERSION"
    )
