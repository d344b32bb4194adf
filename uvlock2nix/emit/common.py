"""What the emitted files share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Final

from uvlock2nix import __version__
from uvlock2nix.nixlang import Apply, Binary, Expr, Formal, Item, List, Path, Str, Var, call, select, string
from uvlock2nix.plan import Input, Plan

PINS: Final = "python-deps.json"
DEPS: Final = "python-deps.nix"
ENV: Final = "python-env.nix"
PACKAGE: Final = "package.nix"
FOLDER: Final = "nix"

# The first line of every file that we write: by it we know our own files again.
MARK: Final = "Written by uvlock2nix"


def header(plan: Plan, what: str) -> tuple[str, ...]:
    return (
        f"{MARK} {__version__} from {plan.lock_name}; `uvlock2nix generate` writes it again.",
        f"{plan.name}: {what}",
    )


def formals(names: Iterable[str], extra: Sequence[Formal] = ()) -> tuple[Formal, ...]:
    """The arguments of a callPackage function: ``lib`` and ``stdenv`` first, then by name."""
    first = [name for name in ("lib", "stdenv") if name in set(names)]
    rest = sorted(set(names) - set(first))
    return (*(Formal(name) for name in (*first, *rest)), *extra)


def heads(inputs: Iterable[Input]) -> set[str]:
    """The top-level attributes that a function must be given: ``postgresql`` for ``postgresql.pg_config``."""
    return {one.attr.split(".")[0] for one in inputs}


def input_list(inputs: Sequence[Input], plan: Plan) -> Expr:
    """A list of inputs, each with the packages that need it; a condition around those of some systems."""
    everywhere = tuple(one.system for one in plan.systems)
    common = [one for one in inputs if set(one.systems) == set(everywhere)]
    groups: dict[tuple[str, ...], list[Input]] = {}
    for one in inputs:
        if one not in common:
            groups.setdefault(one.systems, []).append(one)
    result: Expr = _items(common)
    for systems, some in groups.items():
        condition = call("lib.elem", Var("system"), List(tuple(Item(string(name)) for name in systems)))
        result = _plus(result, Apply(select("lib.optionals"), (condition, _items(some))))
    return result


def _items(inputs: Sequence[Input]) -> Expr:
    return List(tuple(Item(select(one.attr), ", ".join(one.packages)) for one in inputs), broken=True)


def _plus(left: Expr, right: Expr) -> Expr:
    if isinstance(left, List) and not left.items:
        return right
    return Binary("++", left, right)


def strings(values: Iterable[str]) -> Expr:
    return List(tuple(Item(string(value)) for value in values))


def project_path(path: PurePosixPath | str) -> Path:
    """A path of the project, seen from the folder that the files are in."""
    return Path(1, tuple(part for part in PurePosixPath(path).parts if part != "."))


def interpolated(*parts: str | Expr) -> Str:
    return Str(tuple(parts))
