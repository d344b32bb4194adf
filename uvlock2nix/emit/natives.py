"""The table of each build's own inputs, which deps and package pass to their builders."""

from __future__ import annotations

from collections.abc import Sequence

from uvlock2nix.emit.attributes import picked
from uvlock2nix.emit.common import on_systems, project_path, strings
from uvlock2nix.knowledge.templates import Literal, Output, Template
from uvlock2nix.native import Native
from uvlock2nix.nixlang import Expr, Item, List, Str, attrs, call, select, string
from uvlock2nix.plan import Plan


def native_table(plan: Plan, natives: Sequence[Native], system: Expr) -> Expr:
    """Package → the inputs of its build; ``system`` is the file's expression for the host system."""
    everywhere = tuple(one.system for one in plan.systems)
    groups: dict[tuple[str, ...], list[tuple[str, Expr]]] = {everywhere: []}
    for one in natives:
        systems = tuple(name for name in everywhere if name in one.systems)
        groups.setdefault(systems, []).append((one.name, _native(plan, one)))
    return on_systems({systems: attrs(found) for systems, found in groups.items()}, everywhere, system)


def _native(plan: Plan, one: Native) -> Expr:
    build = one.inputs.build
    pairs: list[tuple[str, Expr]] = []
    attr_names = sorted({a.removesuffix(".dev") for a in build.attributes})
    if attr_names:
        listed = List(tuple(Item(picked(plan, attr, (one.name,))) for attr in attr_names))
        pairs.append(("inputs", call("map", select("lib.getDev"), listed)))
    if build.env:
        pairs.append(("env", attrs((name, template(plan, one, parts)) for name, parts in build.env)))
    for name, values in (
        ("cflags", build.cflags),
        ("flags", build.flags),
        ("build_requires", build.build_requires),
        ("relax", build.relax),
    ):
        if values:
            pairs.append((name, strings(values)))
    if one.patches:
        pairs.append(("patches", strings(map(str, one.patches))))
    pairs += crates_of(plan, one)
    return attrs(pairs)


def crates_of(plan: Plan, one: Native) -> list[tuple[str, Expr]]:
    """The crates of a cargo build, each fetched by its hash in Cargo.lock."""
    pairs: list[tuple[str, Expr]] = []
    if one.crates is not None:
        lock: list[tuple[str, Expr | bool]] = [
            ("lockFile", project_path(plan, one.crates)),
            ("allowBuiltinFetchGit", True),
        ]
        pairs.append(("crates", call("rustPlatform.importCargoLock", attrs(lock))))
    return pairs


def template(plan: Plan, one: Native, parts: Template) -> Str:
    """The value of an environment variable, with the store paths that it names."""
    out: list[str | Expr] = []
    for part in parts:
        match part:
            case Literal(text):
                out.append(text)
            case Output(attr, output):
                out.append(call("lib.getOutput", string(output), picked(plan, attr, (one.name,))))
    return Str(tuple(out))
