"""``python-deps.nix``: the fixed-output derivation."""

from __future__ import annotations

from collections.abc import Sequence

from uvlock2nix.emit.attributes import arguments, picked
from uvlock2nix.emit.common import (
    PINS,
    command,
    header,
    input_list,
    interpolated,
    on_systems,
    project_path,
    strings,
)
from uvlock2nix.flags import explicit_flags
from uvlock2nix.nixlang import (
    Apply,
    Binary,
    Bind,
    Expr,
    Formal,
    Func,
    If,
    Inherit,
    Item,
    Let,
    List,
    Not,
    Path,
    Select,
    Str,
    Var,
    attrs,
    call,
    render_file,
    select,
    string,
    value,
)
from uvlock2nix.nixlang import AttrSet as Attrs
from uvlock2nix.plan import Plan


def deps_file(plan: Plan) -> str:
    """The text of ``python-deps.nix``."""
    names = {"lib", "stdenv", "cacert", "uv", "uvSyncHook", "stripReferencesHook"}
    if plan.needs_git:
        names.add("git")
    told = "Both are set by `uvlock2nix update-hash`, which evaluates before the hash is known."
    extra = (Formal("outputHash", Var("null"), told), Formal("skipLockCheck", False))
    body = Let((*_bindings(plan), *_checks(plan)), _derivation(plan))
    about = "its installed packages, without a reference to the store (a fixed-output derivation)"
    formals = arguments(plan, names, (*plan.build_inputs, *plan.native_build_inputs), extra)
    return render_file(Func(formals, body), header(plan, about))


def _bindings(plan: Plan) -> tuple[Bind | Inherit, ...]:
    binds: list[Bind | Inherit] = [
        Inherit(("system",), select("stdenv.hostPlatform")),
        Bind(("python",), Var(plan.python_attr)),
        Bind(("pins",), call("lib.importJSON", Path(0, (PINS,)))),
        Bind(("pin",), Select(Var("pins"), ("hashes", Var("system")), Var("null")), blank_before=True),
        Bind(
            ("keys",),
            attrs((one.system, string(one.key)) for one in plan.systems),
            "All that the content depends on (locked files, selection, Python, build settings), by system.",
            blank_before=True,
        ),
        Bind(("key",), Select(Var("keys"), (Var("system"),), call("throw", _no_system(plan)))),
        Bind(
            ("nativeBuildInputs",),
            input_list(plan.native_build_inputs, plan, Var("system")),
            "Programs that builds from source run, with the packages that need them.",
            blank_before=True,
        ),
        Bind(
            ("buildInputs",),
            input_list(plan.build_inputs, plan, Var("system")),
            "Libraries that builds from source link, with the packages that need them.",
            blank_before=True,
        ),
    ]
    if plan.compiles:
        binds += _toolchain()
        pins_key: Expr = interpolated(Var("key"), "-", Var("toolchain"))
    else:
        pins_key = Var("key")
    binds.append(Bind(("pinsKey",), pins_key))
    binds.append(
        Bind(
            ("referenceInputs",),
            call("builtins.toJSON", call("stripReferencesHook.referenceInputs", _referenced(plan))),
            "The names of references that are stripped here and restored in the environment.",
            blank_before=True,
        )
    )
    return tuple(binds)


def _no_system(plan: Plan) -> Str:
    return interpolated(
        f"{plan.name}: nothing was generated for ",
        Var("system"),
        f". Run: {command('update-hash', plan)} --system ",
        Var("system"),
    )


def _toolchain() -> tuple[Bind, ...]:
    """Compiled code depends on what compiled it: a different toolchain gives a different name."""
    paths = Binary(
        "++",
        List((Item(Var("stdenv")), Item(Var("python")))),
        Binary("++", Var("nativeBuildInputs"), Var("buildInputs")),
    )
    text = call("builtins.unsafeDiscardStringContext", call("toString", Var("compilers")))
    return (
        Bind(
            ("compilers",),
            paths,
            "Compiled code depends on its toolchain: a different compiler or library gives a different name.",
            blank_before=True,
        ),
        Bind(
            ("toolchain",), call("lib.substring", 0, 16, call("builtins.hashString", string("sha256"), text))
        ),
    )


def _referenced(plan: Plan) -> Expr:
    """Attribute → derivation, for everything that compiled code may refer to."""
    # Not uv: it runs on the build platform, and cross compilation would build it for the host.
    needs: dict[str, dict[str, None]] = {"python": {}}
    packages: dict[str, dict[str, None]] = {}
    for one in (*plan.build_inputs, *plan.native_build_inputs):
        packages.setdefault(one.attr, {}).update(dict.fromkeys(one.packages))
        needs.setdefault(one.attr, {}).update(dict.fromkeys(one.systems))
    if plan.compiles:
        needs |= {"stdenv.cc": {}, "stdenv.cc.cc": {}}
    everywhere = tuple(one.system for one in plan.systems)
    groups: dict[tuple[str, ...], list[str]] = {everywhere: []}
    for attr in sorted(needs):
        systems = needs[attr] or everywhere
        groups.setdefault(tuple(name for name in everywhere if name in systems), []).append(attr)

    def by_name(found: Sequence[str]) -> Attrs:
        plain = tuple(attr for attr in found if "." not in attr)
        inherited = (Inherit(plain),) if plain else ()
        dotted = (attr for attr in found if "." in attr)
        return Attrs(
            (
                *inherited,
                *(Bind((attr,), picked(plan, attr, tuple(packages.get(attr, ())))) for attr in dotted),
            )
        )

    return on_systems(
        {systems: by_name(found) for systems, found in groups.items()}, everywhere, Var("system")
    )


def _checks(plan: Plan) -> tuple[Bind, ...]:
    """The checks that make a stale hash impossible."""
    found = call("builtins.hashFile", string("sha256"), project_path(plan, plan.lock_name))
    stale = Binary("&&", Not(Var("skipLockCheck")), Binary("!=", found, select("pins.lock")))
    pins, update = f"{plan.folder}/{PINS}", command("update-hash", plan)
    lock_message = string(
        f"{plan.name}: {plan.lock_name} is not the lock that {pins} was made for. Run: {update}"
    )
    known = Binary(
        "&&", Binary("!=", Var("pin"), Var("null")), call("lib.hasPrefix", Var("key"), select("pin.key"))
    )
    hash_message = interpolated(
        f"{plan.name}: {pins} has no hash for what would be installed on ", Var("system"), f". Run: {update}"
    )
    given = Binary("!=", Var("outputHash"), Var("null"))
    pinned: Expr = _with_this_toolchain(plan, update) if plan.compiles else select("pin.hash")
    chosen = If(
        given, Var("outputHash"), If(known, _with_this_python(plan, pinned), call("throw", hash_message))
    )
    then = Select(Var("pin"), ("nixpkgs", "version"), string("of unknown version"))
    return (
        Bind(("stale",), stale, blank_before=True),
        *([Bind(("madeWith",), then)] if plan.compiles else []),
        Bind(
            ("hash",),
            If(Var("stale"), call("throw", lock_message), chosen),
            "A hash belongs to one key: any change to what would be installed makes it invalid.",
        ),
    )


def _with_this_python(plan: Plan, pinned: Expr) -> Expr:
    """The pinned hash, unless the lock selects other packages for nixpkgs' patch release of Python."""
    for place, operator in ((0, "lib.versionOlder"), (1, "lib.versionAtLeast")):
        cuts = [one.patches[place] for one in plan.systems if one.patches[place] is not None]
        if not cuts:
            continue
        cut = max(filter(None, cuts)) if place == 0 else min(filter(None, cuts))
        message = interpolated(
            f"{plan.name}: {plan.lock_name} selects other packages, or none, for Python ",
            select("python.version"),
            f", which this nixpkgs has. Run: {command('update-hash', plan)}",
        )
        release = string(f"{plan.python.removesuffix('t')}.{cut}")
        pinned = If(call(operator, select("python.version"), release), call("throw", message), pinned)
    return pinned


def _with_this_toolchain(plan: Plan, update: str) -> Expr:
    """The pinned hash, with a warning if it was made with a different nixpkgs."""
    message = interpolated(
        f"{plan.name}: the hash was made with nixpkgs ",
        Var("madeWith"),
        "; packages compiled with ",
        select("lib.trivial.version"),
        f" may differ. If the hash is wrong, run: {update}",
    )
    other = Binary("!=", select("pin.key"), Var("pinsKey"))
    return call("lib.warnIf", other, message, select("pin.hash"))


def _derivation(plan: Plan) -> Expr:
    # Our hooks come first: phases that other hooks register after them do not run in deps.
    own_tools = [Item(Var(name)) for name in ("uvSyncHook", "stripReferencesHook", "python", "uv")]
    if plan.needs_git:
        own_tools.append(Item(Var("git"), "sources from git"))
    binds: list[Bind | Inherit] = [
        Bind(("name",), interpolated(f"{plan.name}-python-deps-", Var("pinsKey"))),
        Bind(("src",), _source(plan), blank_before=True),
        Bind(("strictDeps",), True, blank_before=True),
        Bind(
            ("nativeBuildInputs",),
            Binary("++", List(tuple(own_tools), broken=True), Var("nativeBuildInputs")),
        ),
        Inherit(("buildInputs", "referenceInputs")),
        *_sync(plan),
        Bind(
            ("dontFixup",),
            True,
            "Nothing may change after the check for left references.",
            blank_before=True,
        ),
        Bind(
            ("SSL_CERT_FILE",), interpolated(Var("cacert"), "/etc/ssl/certs/ca-bundle.crt"), blank_before=True
        ),
        Bind(
            ("impureEnvVars",),
            Binary(
                "++",
                select("lib.fetchers.proxyImpureEnvVars"),
                strings(("NIX_SSL_CERT_FILE", *plan.login_variables)),
            ),
            "Credentials come from the builder's environment, never from the store."
            if plan.login_variables
            else "",
        ),
        Bind(("outputHashMode",), string("recursive"), blank_before=True),
        Bind(("outputHashAlgo",), string("sha256")),
        Bind(("outputHash",), Var("hash")),
        Bind(
            ("passthru",),
            Attrs((Inherit(("python", "uv", "pinsKey")),)),
            blank_before=True,
        ),
        Bind(
            ("meta", "platforms"),
            strings(one.system for one in plan.systems),
            blank_before=True,
        ),
    ]
    return Apply(select("stdenv.mkDerivation"), (Attrs(tuple(binds)),))


def _source(plan: Plan) -> Expr:
    files = List(tuple(Item(project_path(plan, path)) for path in plan.files), broken=True)
    pairs: list[tuple[str, Expr]] = [
        ("root", project_path(plan)),
        ("fileset", call("lib.fileset.unions", files)),
    ]
    return call("lib.fileset.toSource", attrs(pairs))


def _sync(plan: Plan) -> list[Bind | Inherit]:
    from uvlock2nix.emit.natives import native_table

    binds: list[Bind | Inherit] = [
        Bind(("uvSyncInterpreter",), select("python.pythonOnBuildForHost.interpreter"), blank_before=True),
        Bind(("uvSyncPython",), select("python.version")),
        Bind(("uvSyncSystem",), Var("system")),
        Bind(("uvSyncKey",), Var("key")),
    ]
    if plan.lock_name != "uv.lock":
        binds.append(Bind(("uvSyncProject",), string(plan.lock_name)))
    linux = [one.target for one in plan.systems if one.target.is_linux]
    if linux:
        libc: Expr = string(str(linux[0].libc))
        if len(linux) < len(plan.systems):
            libc = call("lib.optionalString", select("stdenv.hostPlatform.isLinux"), libc)
        binds.append(Bind(("uvSyncLibc",), libc))
    darwin = [one.target for one in plan.systems if one.target.is_darwin]
    if darwin:
        macos: Expr = string(".".join(str(part) for part in darwin[0].macos))
        if linux:
            macos = call("lib.optionalString", select("stdenv.hostPlatform.isDarwin"), macos)
        binds.append(Bind(("uvSyncMacos",), macos))
    if flags := explicit_flags(plan.selection):
        binds.append(Bind(("uvSyncFlags",), strings(flags)))
    if plan.no_binary:
        binds.append(Bind(("uvSyncNoBinary",), strings(plan.no_binary)))
    if plan.excluded:
        binds.append(Bind(("uvSyncExclude",), strings(one.name for one in plan.excluded)))
    if plan.build_pins.packages:
        binds.append(
            Bind(
                ("uvSyncBuildRequirements",),
                call("builtins.toJSON", select("pins.build")),
                "The build requirements of packages without a wheel, with their hashes.",
                blank_before=True,
            )
        )
        binds.append(Bind(("passAsFile",), strings(["uvSyncBuildRequirements"])))
    if plan.exclude_newer:
        binds.append(Bind(("uvSyncExcludeNewer",), select("pins.build.excludeNewer")))
    if plan.collisions:
        binds.append(Bind(("uvSyncCollisions",), call("builtins.toJSON", value(plan.collisions))))
    if plan.natives:
        binds.append(
            Bind(
                ("uvSyncNative",),
                call("builtins.toJSON", native_table(plan, plan.natives, Var("system"))),
                "The inputs of each build from source, which no other build gets.",
                blank_before=True,
            )
        )
    return binds
