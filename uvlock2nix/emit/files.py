"""Mode `files`: ``python-deps.nix`` with a derivation for each package, and ``python-env.nix``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from uvlock2nix.emit.attributes import arguments, picked
from uvlock2nix.emit.common import DEPS, PINS, header, interpolated, on_systems, project_path, strings
from uvlock2nix.emit.env import from_nixpkgs, opened_by_name
from uvlock2nix.emit.natives import crates_of, template
from uvlock2nix.flags import explicit_flags
from uvlock2nix.knowledge.attributes import library_folder
from uvlock2nix.native import Native
from uvlock2nix.nixlang import (
    AttrSet,
    Bind,
    Expr,
    Formal,
    Func,
    Inherit,
    Item,
    Let,
    List,
    Path,
    Var,
    attrs,
    call,
    render_file,
    select,
    string,
)
from uvlock2nix.plan import Input, Plan

LINK_MODE: Final = "How env joins the packages: `symlink`, or `copy` (a tree without references to theirs)."
OVERRIDES: Final = "Changes to individual packages, as an overlay: final: prev: { … }."


def files_deps(plan: Plan) -> str:
    """The text of ``python-deps.nix``."""
    inputs = _inputs(plan)
    nothing = Func("_final", Func("_prev", AttrSet(())))
    extra = (Formal("overrides", nothing, OVERRIDES),)
    body: Expr = call("importUvLock", _arguments(plan))
    if _needs_system(plan):
        body = Let((Inherit(("system",), select("stdenv.hostPlatform")),), body)
    about = "its packages, each fetched with the hash of the lock and installed into a store path of its own"
    return render_file(Func(arguments(plan, _names(plan), inputs, extra), body), header(plan, about))


def _inputs(plan: Plan) -> tuple[Input, ...]:
    building = (*plan.build_inputs, *plan.native_build_inputs)
    return (*building, *plan.runtime_inputs, *plan.script_programs, *plan.wheel_libraries)


def _names(plan: Plan) -> set[str]:
    names = {"importUvLock"}
    if any(one.crates is not None for one in plan.natives):
        names.add("rustPlatform")
    if _needs_system(plan):
        names |= {"lib", "stdenv"}
    elsewhere = any(library_folder(one.attr) != "lib" for one in plan.wheel_libraries)
    if plan.dlopen or elsewhere or any(one.inputs.build.env for one in plan.natives):
        names.add("lib")
    return names


def _needs_system(plan: Plan) -> bool:
    everywhere = {one.system for one in plan.systems}
    inputs = _inputs(plan)
    systems = [one.systems for one in inputs] + [one.systems for one in plan.natives]
    return any(set(one) != everywhere for one in systems)


def _arguments(plan: Plan) -> AttrSet:
    binds: list[Bind | Inherit] = [
        Bind(("pins",), Path(0, (PINS,))),
        Bind(("lock",), project_path(plan, plan.lock_name)),
        Bind(("root",), project_path(plan)),
        Bind(("python",), Var(plan.python_attr)),
        Inherit(("overrides",)),
        Bind(
            ("keys",),
            attrs((one.system, string(one.key)) for one in plan.systems),
            "What this file was generated for.",
            blank_before=True,
        ),
    ]
    if flags := explicit_flags(plan.selection):
        binds.append(Bind(("selection",), strings(flags)))
    linux = [one.target for one in plan.systems if one.target.is_linux]
    if linux:
        binds.append(Bind(("libc",), string(str(linux[0].libc))))
    darwin = [one.target for one in plan.systems if one.target.is_darwin]
    if darwin:
        binds.append(Bind(("macos",), string(".".join(str(part) for part in darwin[0].macos))))
    if not plan.bytecode:
        binds.append(Bind(("bytecode",), False))
    return AttrSet((*binds, *_tables(plan)))


def _tables(plan: Plan) -> list[Bind]:
    """The tables of inputs of individual packages."""
    binds: list[Bind] = []

    def add(name: str, table: Expr, comment: str = "") -> None:
        binds.append(Bind((name,), table, comment, blank_before=True))

    if plan.natives:
        native = _by_system(plan, {one.name: one.systems for one in plan.natives}, _natives(plan))
        add("native", native, "The inputs of each build from source, which no other build gets.")
    if libraries := _libraries(plan):
        systems = {name: systems for name, (systems, _) in libraries.items()}
        values = {
            name: List(tuple(Item(_library(plan, name, attr)) for attr in found))
            for name, (_, found) in libraries.items()
        }
        add("libraries", _by_system(plan, systems, values), "The libraries that packages need at run time.")
    if plan.script_programs:
        packages = {name: one for one in plan.script_programs for name in one.packages}
        running = {
            name: List(
                tuple(Item(picked(plan, o.attr, (name,))) for o in plan.script_programs if name in o.packages)
            )
            for name in sorted(packages)
        }
        systems = {name: one.systems for name, one in packages.items()}
        add("programs", _by_system(plan, systems, running), "The interpreters of scripts that packages ship.")
    if plan.dlopen:
        opened = attrs((name, _folders(plan, name, found)) for name, found in plan.dlopen)
        add("dlopen", opened, "Loaded with dlopen, so not listed in any ELF header.")
    if plan.patches:
        paths = {name: [project_path(plan, path) for path in listed] for name, listed in plan.patches}
        add("patches", attrs((name, List(tuple(map(Item, listed)))) for name, listed in paths.items()))
    return binds


def _library(plan: Plan, name: str, attr: str) -> Expr:
    """A package with libraries, or its library folder if that is not `lib`."""
    package, folder = picked(plan, attr, (name,)), library_folder(attr)
    return package if folder == "lib" else interpolated(call("lib.getLib", package), f"/{folder}")


def _folders(plan: Plan, name: str, found: Iterable[str]) -> Expr:
    items = (
        Item(interpolated(call("lib.getLib", picked(plan, attr, (name,))), f"/{library_folder(attr)}"))
        for attr in found
    )
    return List(tuple(items))


def _by_system(plan: Plan, systems: Mapping[str, Iterable[str]], values: Mapping[str, Expr]) -> Expr:
    everywhere = tuple(one.system for one in plan.systems)
    groups: dict[tuple[str, ...], list[tuple[str, Expr]]] = {everywhere: []}
    for name in sorted(values):
        here = tuple(one for one in everywhere if one in systems[name])
        groups.setdefault(here, []).append((name, values[name]))
    return on_systems({here: attrs(found) for here, found in groups.items()}, everywhere, Var("system"))


def _natives(plan: Plan) -> dict[str, Expr]:
    return {one.name: _native(plan, one) for one in plan.natives}


def _native(plan: Plan, one: Native) -> Expr:
    build = one.inputs.build
    pairs: list[tuple[str, Expr]] = []
    for name, attributes in (
        ("buildInputs", build.build_inputs),
        ("nativeBuildInputs", build.native_build_inputs),
    ):
        found = dict.fromkeys(attr.removesuffix(".dev") for attr in attributes)
        if found:
            pairs.append((name, List(tuple(Item(picked(plan, attr, (one.name,))) for attr in found))))
    if build.env:
        pairs.append(("env", attrs((name, template(plan, one, parts)) for name, parts in build.env)))
    for name, values in (("cflags", build.cflags), ("flags", build.flags)):
        if values:
            pairs.append((name, strings(values)))
    return attrs([*pairs, *crates_of(plan, one)])


def _libraries(plan: Plan) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Package → the systems, and the attributes whose libraries it links at run time."""
    opened = dict(plan.dlopen)
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for one in (*plan.runtime_inputs, *plan.wheel_libraries):
        for package in one.packages:
            if one.attr not in opened.get(package, ()):
                systems, listed = found.setdefault(package, ({}, {}))
                systems.update(dict.fromkeys(one.systems))
                listed[one.attr] = None
    return {name: (tuple(systems), tuple(listed)) for name, (systems, listed) in sorted(found.items())}


def files_env(plan: Plan) -> str:
    """The text of ``python-env.nix``."""
    deps = Formal("python-deps", call("callPackage", Path(0, (DEPS,)), AttrSet(())))
    body: Expr = call("stdenv.mkDerivation", Func("finalAttrs", _env_attributes(plan)))
    if plan.excluded:
        body = Let((from_nixpkgs(plan),), body)
    names = {"lib", "stdenv", "callPackage", "uvEnvHook"}
    about = "its environment: the packages of deps joined by links"
    opened = {attr for _, attributes in plan.dlopen for attr in attributes}
    inputs = [one for one in plan.runtime_inputs if one.attr in opened]
    how = Formal("linkMode", string(plan.link_mode or "symlink"), LINK_MODE)
    return render_file(Func(arguments(plan, names, inputs, (deps, how)), body), header(plan, about))


def _env_attributes(plan: Plan) -> AttrSet:
    python = plan.python_attr
    binds: list[Bind | Inherit] = [
        Bind(("name",), string(f"{plan.name}-python-env")),
        Bind(("nativeBuildInputs",), List((Item(Var("uvEnvHook")),)), blank_before=True),
        Bind(("uvEnvJoin",), call("lib.attrValues", select("python-deps.packages")), blank_before=True),
        Bind(("uvEnvLinkMode",), Var("linkMode")),
        Bind(("uvEnvPython",), select(f"{python}.pythonVersion")),
        Bind(("uvEnvSystem",), select("stdenv.hostPlatform.system")),
        Bind(("uvEnvInterpreter",), select(f"{python}.interpreter")),
    ]
    if plan.excluded:
        modules = call(f"{python}.pkgs.requiredPythonModules", Var("fromNixpkgs"))
        binds.append(Bind(("uvEnvPackages",), modules))
    if plan.collisions:
        keep = (f"{path}={name}" for path, name in sorted(plan.collisions.items()))
        binds.append(Bind(("uvEnvKeep",), strings(keep)))
    if plan.ignore_missing:
        binds.append(Bind(("uvEnvIgnore",), strings(plan.ignore_missing)))
    if plan.dlopen:
        binds.append(opened_by_name(plan))
    site = interpolated(select("finalAttrs.finalPackage"), "/", select(f"{python}.sitePackages"))
    passthru = AttrSet(
        (
            Bind(("deps",), Var("python-deps")),
            Inherit(("build",), Var("python-deps"), "The build requirements of the project's own packages."),
            Bind(("python",), Var(python)),
            Bind(("pythonPath",), site),
        )
    )
    binds += [
        Bind(("dontUnpack",), True, blank_before=True),
        Bind(("dontFixup",), True),
        Bind(("passthru",), passthru, blank_before=True),
    ]
    return AttrSet(tuple(binds))
