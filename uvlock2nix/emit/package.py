"""``package.nix``: the project's own packages on top of its environment."""

from __future__ import annotations

from uvlock2nix.emit.attributes import arguments
from uvlock2nix.emit.common import (
    DEPS,
    ENV,
    PINS,
    SYSTEM,
    command,
    header,
    input_list,
    interpolated,
    no_bytecode,
    only_on,
    project_path,
    strings,
    word,
)
from uvlock2nix.key import is_member
from uvlock2nix.knowledge.licenses import spdx_identifiers
from uvlock2nix.lock.unread import LOCK, no_build_reads_lock
from uvlock2nix.nixlang import (
    Apply,
    AttrSet,
    Binary,
    Bind,
    Expr,
    Formal,
    Func,
    Inherit,
    Item,
    List,
    Path,
    Select,
    Var,
    call,
    render_file,
    select,
    string,
    uses,
)
from uvlock2nix.plan import Plan


def package_file(plan: Plan) -> str:
    """The text of ``package.nix``."""
    names = {"stdenv", "callPackage", "uvPackageHook"}
    if any(one.crates is not None for one in plan.local_builds):
        names.add("rustPlatform")
    extra = (
        *_version_argument(plan),
        Formal("python-deps", call("callPackage", Path(0, (DEPS,)), AttrSet(()))),
        Formal(
            "python-env",
            call("callPackage", Path(0, (ENV,)), AttrSet((Inherit(("python-deps",)),))),
        ),
    )
    attributes = _attributes(plan)
    if uses((extra, attributes), "lib"):
        names.add("lib")
    final = Func("finalAttrs", attributes)
    body = Apply(select("stdenv.mkDerivation"), (final,))
    about = "its own packages, ready to run"
    return render_file(
        Func(arguments(plan, names, (*plan.member_tools, *plan.member_inputs), extra), body),
        header(plan, about),
    )


def _attributes(plan: Plan) -> AttrSet:
    hooks: Expr = List((Item(Var("uvPackageHook")),))
    if plan.member_tools:
        hooks = Binary("++", hooks, input_list(plan.member_tools, plan, SYSTEM))
    binds: list[Bind | Inherit] = [
        Bind(("pname",), string(plan.name)),
        _version(plan),
        Bind(
            ("outputs",),
            strings(["out", "venv"]),
            "`venv` has everything that `uv sync` would install; `out` links to the project's programs.",
            blank_before=True,
        ),
        Bind(("src",), _source(plan), blank_before=True),
        Bind(("strictDeps",), True, blank_before=True),
        Bind(("nativeBuildInputs",), hooks),
    ]
    if plan.member_inputs:
        binds.append(Bind(("buildInputs",), input_list(plan.member_inputs, plan, SYSTEM)))
    binds += [
        *_environment(plan),
        Bind(("uvPackageRequires",), select("python-env.build")),
        Bind(("uvPackageInterpreter",), select(f"{plan.python_attr}.interpreter")),
        Bind(("uvPackageBuilder",), select(f"{plan.python_attr}.pythonOnBuildForHost.interpreter")),
        Bind(("uvPackageMembers",), _members(plan)),
        *([Bind(("uvPackageScript",), strings(map(word, plan.script)))] if plan.script else []),
        Bind(("uvPackageExpose",), strings(plan.exposed)),
        *_natives(plan),
        *_git_versions(plan),
        *no_bytecode(plan),
        Bind(("passthru",), _passthru(plan), blank_before=True),
        Bind(("meta",), _meta(plan), blank_before=True),
    ]
    return AttrSet(tuple(binds))


def _members(plan: Plan) -> Expr:
    """Name and folder of each local package; those of some systems only are conditional."""
    everywhere = tuple(one.system for one in plan.systems)
    groups: dict[tuple[str, ...], list[str]] = {everywhere: []}
    there = {one.system: {it.name for it in one.classes if is_member(it)} for one in plan.systems}
    for member in plan.members:
        with_it = tuple(system for system, names in there.items() if member.name in names)
        groups.setdefault(with_it or everywhere, []).append(f"{member.name}={word(member.path)}")
    result = strings(groups.pop(everywhere))
    for systems, members in groups.items():
        result = Binary("++", result, call("lib.optionals", only_on(systems, SYSTEM), strings(members)))
    return result


def _environment(plan: Plan) -> list[Bind]:
    """The environment below; in mode `files`, the packages too that are built without it."""
    env = Var("python-env")
    if plan.mode != "files" or not plan.members:
        return [Bind(("uvPackageEnv",), env, blank_before=True)]
    final = Var("finalAttrs")
    return [
        Bind(("uvPackageEnv",), call("uvPackageHook.environment", final, env), blank_before=True),
        Bind(("uvPackageLocal",), call("uvPackageHook.localPackages", final)),
        *([Bind(("uvPackageUnread",), strings([LOCK]))] if no_build_reads_lock(plan.members) else []),
    ]


def _version(plan: Plan) -> Bind | Inherit:
    """The derivation's version; the argument, if the project's version comes from git."""
    if plan.version.own or not plan.version.from_git:
        return Bind(("version",), string(plan.version.known or "0"))
    return Inherit(("version",))


def _version_argument(plan: Plan) -> tuple[Formal, ...]:
    """The argument in place of a version from git; its default is the version at the time of generate."""
    if not plan.version.from_git:
        return ()
    pins = Select(call("lib.importJSON", Path(0, (PINS,))), ("version",), string("0.0.0"))
    names = ", ".join(name for name, _ in plan.version.from_git)
    default = string(plan.version.given) if plan.version.given else pins
    return (Formal("version", default, f"The version of {names}, which comes from git."),)


def _git_versions(plan: Plan) -> list[Bind]:
    """The versions in place of git's: the project's, and those of local packages that differ from it."""
    if not plan.version.from_git:
        return []
    binds = [Bind(("uvPackageVersion",), Var("version"))]
    if len(plan.version.from_git) > 1 and not plan.version.given:
        others = Select(call("lib.importJSON", Path(0, (PINS,))), ("versions",), AttrSet(()))
        binds.append(Bind(("uvPackageVersions",), call("builtins.toJSON", others)))
    return binds


def _natives(plan: Plan) -> list[Bind | Inherit]:
    from uvlock2nix.emit.natives import native_table

    if not plan.local_builds:
        return []
    table = call("builtins.toJSON", native_table(plan, plan.local_builds, SYSTEM))
    return [
        Bind(
            ("uvPackageNative",),
            table,
            "The inputs of each build, which no other build gets.",
            blank_before=True,
        )
    ]


def _source(plan: Plan) -> Expr:
    root = Bind(("root",), project_path(plan))
    if plan.script:
        listed = List(tuple(Item(project_path(plan, path)) for path in plan.script), broken=True)
        fileset = Bind(("fileset",), call("lib.fileset.unions", listed))
        return call("lib.fileset.toSource", AttrSet((root, fileset)))
    binds = [root]
    for name, paths in (("include", plan.source.include), ("exclude", plan.source.exclude)):
        if paths:
            binds.append(Bind((name,), List(tuple(Item(project_path(plan, path)) for path in paths))))
    return call("uvPackageHook.projectSource", AttrSet(tuple(binds)))


def _passthru(plan: Plan) -> Expr:
    site = interpolated(
        select("finalAttrs.finalPackage.venv"), "/", select(f"{plan.python_attr}.sitePackages")
    )
    shown = [
        Bind((name,), strings(words))
        for name, words in (("programs", plan.programs), ("manage", plan.manage), ("check", plan.check))
        if words
    ]
    own = AttrSet(
        (
            Bind(("deps",), Var("python-deps")),
            Bind(("env",), Var("python-env")),
            Bind(("python",), Var(plan.python_attr)),
            Bind(("pythonPath",), site),
            *shown,
            # nix-update and nixpkgs' own updater run this in the project's folder.
            Bind(("updateScript",), strings(command("update-hash", plan).split())),
        )
    )
    return Binary("//", call("uvPackageHook.parts", select("finalAttrs.finalPackage")), own)


def _meta(plan: Plan) -> AttrSet:
    about = plan.about
    binds: list[Bind | Inherit] = []
    if about.description:
        binds.append(Bind(("description",), string(about.description)))
    if about.homepage:
        binds.append(Bind(("homepage",), string(about.homepage)))
    licenses = [
        call("lib.getLicenseFromSpdxId", string(one))
        for one in spdx_identifiers(about.license, about.classifiers)
    ]
    if len(licenses) == 1:
        binds.append(Bind(("license",), licenses[0]))
    elif licenses:
        binds.append(Bind(("license",), List(tuple(Item(one) for one in licenses), broken=True)))
    if plan.main_program:
        binds.append(Bind(("mainProgram",), string(plan.main_program)))
    binds.append(Bind(("platforms",), strings(one.system for one in plan.systems)))
    return AttrSet(tuple(binds))
