"""``python-env.nix``: the runnable environment."""

from __future__ import annotations

from typing import Final

from uvlock2nix.emit.attributes import arguments, picked
from uvlock2nix.emit.common import (
    DEPS,
    SYSTEM,
    header,
    input_list,
    interpolated,
    is_conditional,
    no_bytecode,
    only_on,
    strings,
)
from uvlock2nix.knowledge.attributes import library_folder
from uvlock2nix.nixlang import (
    AttrSet,
    Binary,
    Bind,
    Expr,
    Formal,
    Func,
    Inherit,
    Item,
    Let,
    List,
    Path,
    Select,
    Var,
    attrs,
    call,
    render_file,
    select,
    string,
)
from uvlock2nix.plan import Input, Plan
from uvlock2nix.run_inputs import SYSTEM_LIBRARIES

LINK_MODE: Final = "How env is made: `copy`, or `symlink` (links to the packages of deps that do not change)."
RENEW: Final = "uvlock2nix index update, then uvlock2nix generate"


def env_file(plan: Plan) -> str:
    """The text of ``python-env.nix``."""
    names = {"lib", "stdenv", "callPackage", "restoreReferencesHook", "uvEnvHook"}
    names |= {attr.split(".")[0] for attr in SYSTEM_LIBRARIES}
    deps = Formal("python-deps", call("callPackage", Path(0, (DEPS,)), AttrSet(())))
    body: Expr = call("stdenv.mkDerivation", Func("finalAttrs", _attributes(plan)))
    if plan.excluded:
        body = Let((from_nixpkgs(plan),), body)
    inputs = (*plan.runtime_inputs, *plan.script_programs, *plan.wheel_libraries)
    how = Formal("linkMode", string(plan.link_mode or "copy"), LINK_MODE)
    function = Func(arguments(plan, names, inputs, (deps, how)), body)
    about = "its environment: the packages of deps with their references restored"
    return render_file(function, header(plan, about))


def from_nixpkgs(plan: Plan) -> Bind:
    """The packages that come from nixpkgs, with their versions checked: nixpkgs may have changed."""
    matches = [one.nixpkgs for one in plan.excluded if not one.any_version]
    decided = attrs((one.attr, string(one.version or "")) for one in matches if one and one.attr)
    # The index must be updated too, or generate would choose the same package again.
    ways_out = ", this was generated for ", Var("version"), f". Run: {RENEW}"
    found = interpolated(f"{plan.name}: nixpkgs has ", Var("attr"), " ", select("package.version"), *ways_out)
    gone = interpolated(f"{plan.name}: nixpkgs has no {plan.python_attr}.pkgs.", Var("attr"), *ways_out)
    package = Select(select(f"{plan.python_attr}.pkgs"), (Var("attr"),), call("throw", gone))
    other = Binary("!=", select("package.version"), Var("version"))
    one = Let((Bind(("package",), package),), call("lib.throwIf", other, found, Var("package")))
    checked: Expr = call("lib.mapAttrsToList", Func("attr", Func("version", one)), decided)
    about = "Taken from nixpkgs, in the versions for which they were chosen."
    insisted = [one.nixpkgs for one in plan.excluded if one.any_version]
    if attributes := [one.attr for one in insisted if one and one.attr]:
        lacking = interpolated(f"{plan.name}: nixpkgs has no {plan.python_attr}.pkgs.", Var("attr"))
        whatever = Select(select(f"{plan.python_attr}.pkgs"), (Var("attr"),), call("throw", lacking))
        listed = call("map", Func("attr", whatever), strings(attributes))
        alone = not any(one and one.attr for one in matches)
        checked = listed if alone else Binary("++", checked, listed)
        about = "Taken from nixpkgs in any version, as `any-version` in pyproject.toml allows."
    return Bind(("fromNixpkgs",), checked, about)


def opened_by_name(plan: Plan) -> Bind:
    """Package → the folders of the libraries that it opens by name, by system."""
    everywhere = tuple(one.system for one in plan.systems)
    systems = {one.attr: one.systems for one in plan.runtime_inputs}
    groups: dict[tuple[str, ...], list[Item]] = {everywhere: []}
    for name, attributes in plan.dlopen:
        for attr in attributes:
            library = call("lib.getLib", picked(plan, attr, (name,)))
            item = Item(interpolated(f"{name}=", library, f"/{library_folder(attr)}"))
            groups.setdefault(systems.get(attr, everywhere), []).append(item)
    folders: Expr = List(tuple(groups.pop(everywhere)), broken=True)
    for some, items in groups.items():
        part = call("lib.optionals", only_on(some, SYSTEM), List(tuple(items), broken=True))
        folders = part if isinstance(folders, List) and not folders.items else Binary("++", folders, part)
    return Bind(("referencesDlopen",), folders, "Loaded with dlopen, so not listed in any ELF header.")


def _library_path(plan: Plan) -> Bind:
    """The search path of libraries that wheels need and do not ship."""
    everywhere = tuple(one.system for one in plan.systems)
    always = tuple(Input(attr, (), everywhere) for attr in SYSTEM_LIBRARIES)
    usual = [one for one in plan.wheel_libraries if library_folder(one.attr) == "lib"]
    folder = interpolated(call("lib.getLib", Var("library")), "/lib")
    path: Expr = call("map", Func("library", folder), input_list((*always, *usual), plan, SYSTEM))
    for one in plan.wheel_libraries:
        if one not in usual:
            library = call("lib.getLib", picked(plan, one.attr, one.packages))
            place = interpolated(library, f"/{library_folder(one.attr)}")
            found: Expr = List((Item(place, ", ".join(one.packages)),), broken=True)
            if is_conditional([one], plan):
                found = call("lib.optionals", only_on(one.systems, SYSTEM), found)
            path = Binary("++", path, found)
    what = "What wheels expect from the system: libstdc++, libgcc_s, libexpat, libz"
    more = ", and what their files need" if plan.wheel_libraries else ""
    return Bind(("referencesLibraryPath",), path, f"{what}{more}.", blank_before=True)


def _attributes(plan: Plan) -> AttrSet:
    inputs: list[Bind | Inherit] = [Inherit(("buildInputs", "referenceInputs"), Var("python-deps"))]
    if more := (*plan.runtime_inputs, *plan.script_programs):
        listed = input_list(more, plan, SYSTEM)
        inputs = [
            Bind(("buildInputs",), Binary("++", select("python-deps.buildInputs"), listed)),
            Inherit(("referenceInputs",), Var("python-deps")),
        ]
    hooks = List((Item(Var("restoreReferencesHook")), Item(Var("uvEnvHook"))))
    binds: list[Bind | Inherit] = [
        Bind(("name",), string(f"{plan.name}-python-env")),
        Bind(
            ("outputs",),
            strings(["out", "build"]),
            "`build` has the build requirements of the project's own packages, unused at run time.",
        ),
        Bind(("strictDeps",), True, blank_before=True),
        Bind(("nativeBuildInputs",), hooks),
        *inputs,
        Bind(("pythonDeps",), Var("python-deps"), blank_before=True),
        Bind(("uvEnvLinkMode",), Var("linkMode")),
        Bind(("uvEnvInterpreter",), select(f"{plan.python_attr}.interpreter")),
        Bind(("uvEnvBuilder",), select(f"{plan.python_attr}.pythonOnBuildForHost.interpreter")),
        *no_bytecode(plan),
    ]
    if plan.excluded:
        modules = call(f"{plan.python_attr}.pkgs.requiredPythonModules", Var("fromNixpkgs"))
        binds.append(Bind(("uvEnvPackages",), modules))
        if plan.collisions:
            keep = (f"{path}={name}" for path, name in sorted(plan.collisions.items()))
            binds.append(Bind(("uvEnvKeep",), strings(keep)))
    binds.append(_library_path(plan))
    if plan.dlopen:
        binds.append(opened_by_name(plan))
    if plan.ignore_missing:
        binds.append(Bind(("referencesIgnore",), strings(plan.ignore_missing)))
    binds += [
        Bind(("dontUnpack",), True, blank_before=True),
        Bind(("dontFixup",), True, "Wheels are unchanged, except for restored references."),
        Bind(
            ("passthru",),
            AttrSet(
                (
                    Bind(("deps",), Var("python-deps")),
                    Bind(("python",), Var(plan.python_attr)),
                    Bind(
                        ("pythonPath",),
                        interpolated(
                            select("finalAttrs.finalPackage"),
                            "/",
                            select(f"{plan.python_attr}.sitePackages"),
                        ),
                    ),
                )
            ),
            blank_before=True,
        ),
    ]
    return AttrSet(tuple(binds))
