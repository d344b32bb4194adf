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
from uvlock2nix.plan import Plan

RENEW: Final = "uvlock2nix index update, then uvlock2nix generate"


# Small, and in every closure that has Python; larger ones of PEP 600's list (libGL, glib) are named by the
# packages that need them. https://peps.python.org/pep-0600/
SYSTEM_LIBRARIES: Final = ("stdenv.cc.cc", "expat", "zlib")


def env_file(plan: Plan) -> str:
    """The text of ``python-env.nix``."""
    names = {"lib", "stdenv", "callPackage", "restoreReferencesHook", "uvEnvHook"}
    names |= {attr.split(".")[0] for attr in SYSTEM_LIBRARIES}
    if is_conditional(plan.runtime_inputs, plan):
        names.add("lib")
    deps = Formal("python-deps", call("callPackage", Path(0, (DEPS,)), AttrSet(())))
    body: Expr = call("stdenv.mkDerivation", Func("finalAttrs", _attributes(plan)))
    if plan.excluded:
        body = Let((_from_nixpkgs(plan),), body)
    function = Func(arguments(plan, names, plan.runtime_inputs, (deps,)), body)
    about = "its environment: the packages of deps with their references restored"
    return render_file(function, header(plan, about))


def _from_nixpkgs(plan: Plan) -> Bind:
    """The packages that were decided to come from nixpkgs, checked again: nixpkgs may have moved on."""
    matches = [one.nixpkgs for one in plan.excluded]
    decided = attrs((one.attr, string(one.version or "")) for one in matches if one and one.attr)
    # What is known of nixpkgs has to be renewed too, or the same would be decided again.
    ways_out = ", this was generated for ", Var("version"), f". Run: {RENEW}"
    found = interpolated(f"{plan.name}: nixpkgs has ", Var("attr"), " ", select("package.version"), *ways_out)
    gone = interpolated(f"{plan.name}: nixpkgs has no {plan.python_attr}.pkgs.", Var("attr"), *ways_out)
    package = Select(select(f"{plan.python_attr}.pkgs"), (Var("attr"),), call("throw", gone))
    other = Binary("!=", select("package.version"), Var("version"))
    one = Let((Bind(("package",), package),), call("lib.throwIf", other, found, Var("package")))
    return Bind(
        ("fromNixpkgs",),
        call("lib.mapAttrsToList", Func("attr", Func("version", one)), decided),
        "Taken from nixpkgs, with the versions that this was decided for.",
    )


def _attributes(plan: Plan) -> AttrSet:
    inputs: Expr = select("python-deps.buildInputs")
    if plan.runtime_inputs:
        inputs = Binary("++", inputs, input_list(plan.runtime_inputs, plan, SYSTEM))
    hooks = List((Item(Var("restoreReferencesHook")), Item(Var("uvEnvHook"))))
    binds: list[Bind | Inherit] = [
        Bind(("name",), string(f"{plan.name}-python-env")),
        Bind(
            ("outputs",),
            strings(["out", "build"]),
            "`build` holds what builds the project's own packages; nothing at run time refers to it.",
        ),
        Bind(("nativeBuildInputs",), hooks, blank_before=True),
        Bind(("buildInputs",), inputs),
        Bind(("referenceInputs",), select("python-deps.referenceInputs")),
        Bind(("pythonDeps",), Var("python-deps"), blank_before=True),
        Bind(("uvEnvInterpreter",), select(f"{plan.python_attr}.interpreter")),
    ]
    if plan.excluded:
        modules = call(f"{plan.python_attr}.pkgs.requiredPythonModules", Var("fromNixpkgs"))
        binds.append(Bind(("uvEnvPackages",), modules))
        if plan.collisions:
            keep = (f"{path}={name}" for path, name in sorted(plan.collisions.items()))
            binds.append(Bind(("uvEnvKeep",), strings(keep)))
    binds.append(
        Bind(
            ("referencesLibraryPath",),
            call(
                "map",
                Func("library", interpolated(call("lib.getLib", Var("library")), "/lib")),
                List(tuple(Item(select(attr)) for attr in SYSTEM_LIBRARIES)),
            ),
            "What manylinux wheels may take from the system: libstdc++, libgcc_s, libexpat, libz.",
            blank_before=True,
        )
    )
    if plan.dlopen:
        items = (
            Item(
                interpolated(
                    f"{name}=", call("lib.getLib", picked(plan, attr, (name,))), f"/{library_folder(attr)}"
                )
            )
            for name, attributes in plan.dlopen
            for attr in attributes
        )
        binds.append(
            Bind(
                ("referencesDlopen",), List(tuple(items), broken=True), "Opened by name, which no file says."
            )
        )
    if plan.ignore_missing:
        binds.append(Bind(("referencesIgnore",), strings(plan.ignore_missing)))
    binds += [
        Bind(("dontUnpack",), True, blank_before=True),
        Bind(("dontFixup",), True, "Wheels stay as they are but for what is restored."),
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
