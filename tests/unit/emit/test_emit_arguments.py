"""A generated function takes exactly what it uses; what holds on some systems is under a condition."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.emit import FAKE_HASH, fake_packages, plan_of, put, read_back, texts
from tests.support.stand import REPO, Stand, require_stand
from uvlock2nix.emit.attributes import RESERVED
from uvlock2nix.emit.common import DEPS, ENV, PACKAGE
from uvlock2nix.errors import UsageError
from uvlock2nix.knowledge.native import BuildInputs, NativeInputs
from uvlock2nix.native import Native
from uvlock2nix.nixlang import render_file, value
from uvlock2nix.plan import Input, Plan

FIXTURES = REPO / "fixtures"
BOTH = ("x86_64-linux", "aarch64-darwin")
FORMAL = re.compile(r"^  ([a-zA-Z_][\w'-]*)( \?.*)?,$")


def formals(text: str) -> dict[str, bool]:
    """The arguments of the function, as written: name → whether it has a default."""
    head = text[text.index("{\n") : text.index("\n}:\n")]
    found = [FORMAL.match(line) for line in head.splitlines()]
    return {match[1]: bool(match[2]) for match in found if match}


@pytest.fixture(scope="module")
def stand() -> Stand:
    return require_stand("forky")


def plans() -> dict[str, Plan]:
    hello, authentik = plan_of(FIXTURES / "hello"), plan_of(FIXTURES / "authentik")
    linux = ("x86_64-linux",)
    runtime = (Input("glib", ("pygobject",), linux),)
    return {
        "hello": hello,
        "wheels-only": plan_of(FIXTURES / "wheels-only"),
        "authentik": authentik,
        "two systems": plan_of(FIXTURES / "authentik", systems=BOTH),
        "run time": replaced(authentik, runtime_inputs=runtime, ignore_missing=("libcuda.so.1",)),
        "run time on one": replaced(plan_of(FIXTURES / "hello", systems=BOTH), runtime_inputs=runtime),
        "members": replaced(authentik, member_inputs=(Input("pkgconf", ("app",), linux),)),
        "programs": replaced(hello, script_programs=(Input("nodejs", ("iniconfig",), linux),)),
        "programs, mode files": replaced(
            plan_of(FIXTURES / "hello", mode="files"),
            script_programs=(Input("nodejs", ("iniconfig",), linux),),
        ),
        "members on one": replaced(
            plan_of(FIXTURES / "authentik", systems=BOTH), member_inputs=(Input("pkgconf", ("app",), linux),)
        ),
    }


def replaced(plan: Plan, **changes: object) -> Plan:

    return plan._replace(**changes)  # type: ignore[arg-type]


@pytest.mark.stand
def test_every_argument_is_used_and_nothing_else(stand: Stand, tmp_path: Path) -> None:
    """Nix finds an undefined variable when it parses: so each argument, taken away, must break the file."""
    whole: dict[str, Path] = {}
    without: dict[tuple[str, str], Path] = {}
    for number, plan in enumerate(plans().values()):
        for name, text in texts(plan).items():
            whole[text] = tmp_path / f"{number}-{name}"
            for formal in formals(text):
                less = re.sub(rf"^  {re.escape(formal)}( \?.*)?,\n", "", text, count=1, flags=re.MULTILINE)
                # Each kind of file with each argument once for each way of using it.
                uses = "\n".join(line for line in less.splitlines() if formal in line)
                cut = tmp_path / f"{number}-without-{formal}-{name}"
                if without.setdefault((formal, uses), cut) == cut:
                    cut.write_text(less)
    for text, path in whole.items():
        path.write_text(text)
    script = 'for file; do nix-instantiate --parse "$file" >/dev/null 2>&1 && echo "$file"; done; true'
    good = set(stand.run(["bash", "-c", script, "-", *whole.values()]).stdout.split("\n")) - {""}
    assert good == {str(path) for path in whole.values()}
    still_good = set(stand.run(["bash", "-c", script, "-", *without.values()]).stdout.split("\n")) - {""}
    assert still_good == set()
    listed = " ".join(f'"{path}" = builtins.functionArgs (import {path});' for path in whole.values())
    assert stand.evaluate(f"{{ {listed} }}") == {str(path): formals(text) for text, path in whole.items()}


def test_the_arguments_of_hello_and_authentik() -> None:
    every = plans()
    hello = {name: set(formals(text)) for name, text in texts(every["hello"]).items()}
    own = {"lib", "stdenv", "cacert", "python313", "stripReferencesHook", "uv", "uvSyncHook"}
    assert hello == {
        DEPS: own | {"outputHash", "skipLockCheck"},
        ENV: {"lib", "stdenv", "callPackage", "expat", "python313", "zlib"}
        | {"restoreReferencesHook", "uvEnvHook", "python-deps", "linkMode"},
        PACKAGE: {
            "stdenv", "callPackage", "python313", "uvPackageHook", "python-deps", "python-env",
        },
    }  # fmt: skip
    needed = {"git", "krb5", "libpq", "libtool", "libxml2", "libxslt", "openssl", "pkg-config"}
    assert set(formals(texts(every["authentik"])[DEPS])) == hello[DEPS] | needed | {"xmlsec", "zlib"}


@pytest.mark.stand
def test_conditions_by_system(stand: Stand, tmp_path: Path) -> None:
    """What only one system needs reaches only that system, in inputs, build settings and C library."""
    linux, darwin = ("x86_64-linux",), ("aarch64-darwin",)
    base = plan_of(FIXTURES / "authentik", systems=BOTH)
    plan = replaced(
        base,
        build_inputs=(
            Input("zlib", ("a",), BOTH),
            Input("krb5", ("b",), linux),
            Input("apple", ("c",), darwin),
        ),
        native_build_inputs=(Input("pkg-config", ("b",), linux),),
        runtime_inputs=(Input("glib", ("d",), linux), Input("cairo", ("d",), BOTH)),
        script_programs=(Input("nodejs", ("d",), linux), Input("perl", ("d",), darwin)),
        member_inputs=(Input("gettext", ("e",), darwin),),
        natives=(
            Native("a", NativeInputs(build=BuildInputs(build_inputs=("zlib",))), BOTH),
            Native("b", NativeInputs(build=BuildInputs(build_inputs=("krb5",), cflags=("-DX",))), linux),
            Native("b", NativeInputs(build=BuildInputs(cflags=("-DY",))), darwin),
        ),
    )
    found = {system: read_back(stand, tmp_path, plan, system=system) for system in BOTH}
    deps = {system: one["deps"] for system, one in found.items()}
    on_linux, on_darwin = deps["x86_64-linux"], deps["aarch64-darwin"]
    assert on_linux["buildInputs"] == ["/fake/zlib", "/fake/krb5"]
    assert on_darwin["buildInputs"] == ["/fake/zlib", "/fake/apple"]
    assert "/fake/pkg-config" in on_linux["nativeBuildInputs"]
    assert "/fake/pkg-config" not in on_darwin["nativeBuildInputs"]
    assert (on_linux["uvSyncLibc"], on_darwin["uvSyncLibc"]) == ("glibc 2.40", "")
    assert json.loads(on_linux["uvSyncNative"]) == {
        "a": {"inputs": ["/fake/zlib"]},
        "b": {"inputs": ["/fake/krb5"], "cflags": ["-DX"]},
    }
    assert json.loads(on_darwin["uvSyncNative"]) == {
        "a": {"inputs": ["/fake/zlib"]},
        "b": {"cflags": ["-DY"]},
    }
    env = {system: one["env"]["buildInputs"] for system, one in found.items()}
    assert env["x86_64-linux"] == ["/fake/zlib", "/fake/krb5", "/fake/cairo", "/fake/glib", "/fake/nodejs"]
    assert env["aarch64-darwin"] == ["/fake/zlib", "/fake/apple", "/fake/cairo", "/fake/perl"]
    assert found["x86_64-linux"]["package"]["buildInputs"] == []
    assert found["aarch64-darwin"]["package"]["buildInputs"] == ["/fake/gettext"]
    keys = {system: one["uvSyncKey"] for system, one in deps.items()}
    assert keys == {one.system: one.key for one in plan.systems}
    assert len(set(keys.values())) == 2
    assert on_linux["meta"]["platforms"] == list(BOTH)


@pytest.mark.stand
def test_libraries_of_wheels_are_looked_for_where_they_are(stand: Stand, tmp_path: Path) -> None:
    """In lib of the library output, or where nixpkgs has them; only on the systems that need them."""
    libraries = (
        Input("libx11", ("gui",), ("x86_64-linux",)),
        Input("R", ("rpy2",), ("x86_64-linux",)),
        Input("glib", ("gui",), BOTH),
    )
    plan = replaced(plan_of(FIXTURES / "hello", systems=BOTH), wheel_libraries=libraries)
    always = ["/fake/cc-cc/lib", "/fake/expat/lib", "/fake/zlib/lib", "/fake/glib/lib"]
    found = {system: read_back(stand, tmp_path, plan, system=system)["env"] for system in BOTH}
    linux = [*always, "/fake/libx11/lib", "/fake/R/lib/R/lib"]
    assert found["x86_64-linux"]["referencesLibraryPath"] == linux
    assert found["aarch64-darwin"]["referencesLibraryPath"] == always


@pytest.mark.stand
def test_what_is_opened_by_name_on_one_system_is_asked_for_there_only(stand: Stand, tmp_path: Path) -> None:
    inputs = (Input("udev", ("pyudev",), ("x86_64-linux",)), Input("cairo", ("cairocffi",), BOTH))
    opened = (("cairocffi", ("cairo",)), ("pyudev", ("udev",)))
    plan = replaced(plan_of(FIXTURES / "hello", systems=BOTH), runtime_inputs=inputs, dlopen=opened)
    found = {system: read_back(stand, tmp_path, plan, system=system)["env"] for system in BOTH}
    cairo, udev = "cairocffi=/fake/cairo/lib", "pyudev=/fake/udev/lib"
    assert found["x86_64-linux"]["referencesDlopen"] == [cairo, udev]
    assert found["aarch64-darwin"]["referencesDlopen"] == [cairo]


@pytest.mark.stand
def test_what_deps_says(stand: Stand, tmp_path: Path) -> None:
    found = read_back(stand, tmp_path, plan_of(FIXTURES / "authentik"))
    deps, env, package = found["deps"], found["env"], found["package"]
    assert re.fullmatch(r"authentik-like-python-deps-[0-9a-f]{32}-[0-9a-f]{16}", deps["name"])
    assert deps["outputHashMode"] == "recursive"
    assert deps["dontFixup"] is True
    assert {"http_proxy", "NIX_SSL_CERT_FILE"} <= set(deps["impureEnvVars"])
    assert deps["passthru"]["pinsKey"] == deps["name"].removeprefix("authentik-like-python-deps-")
    native = json.loads(deps["uvSyncNative"])
    assert set(native) == {"gssapi", "lxml", "psycopg-c", "xmlsec"}
    assert native["gssapi"]["cflags"] == ["-include gssapi/gssapi_ext.h"]
    assert json.loads(deps["referenceInputs"])["libpq.pg_config"] == "/fake/libpq.pg_config"
    # What env refers to is itself, not a placeholder that means nothing outside of the derivation.
    assert env["passthru"]["pythonPath"] == "/fake/final/lib/python3.13/site-packages"
    assert set(env["passthru"]) == {"deps", "python", "pythonPath"}
    assert env["referenceInputs"] == deps["referenceInputs"]
    assert package["meta"]["mainProgram"] == "ak"
    assert set(package["passthru"]) == {"deps", "env", "programs", "python", "pythonPath", "updateScript"}
    assert "authentik-like-tasks=packages/authentik-like-tasks" in package["uvPackageMembers"]


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_an_attribute_with_a_name_of_ours_is_refused(name: str) -> None:
    plan = replaced(
        plan_of(FIXTURES / "hello"), build_inputs=(Input(f"{name}.dev", ("foo",), ("x86_64-linux",)),)
    )
    with pytest.raises(UsageError, match=f"foo: nixpkgs' attribute `{name}`"):
        texts(plan)


def test_names_of_ours_are_all_reserved() -> None:
    """Whatever a file binds itself, an input of that name would not be reached."""
    for plan in plans().values():
        for text in texts(plan).values():
            let = text[text.index("\nlet\n") : text.index("\nin\n")] if "\nlet\n" in text else ""
            bound = set(re.findall(r"^  ([\w-]+) =", let, flags=re.MULTILINE))
            own = {"outputHash", "skipLockCheck", "python-deps", "python-env"}
            defaults = {name for name, default in formals(text).items() if default} & own
            assert bound | defaults <= RESERVED


def check(stand: Stand, folder: Path, plan: Plan, pins: object, arguments: str = "{ }") -> tuple[int, str]:
    """Evaluate deps' hash with these pins; exit code and the last error line."""
    nix = put(folder, plan, pins=pins)
    expression = f"""
      let pkgs = import <nixpkgs> {{ overlays = [ (import {REPO}/nix/overlay.nix) ]; }};
      in (pkgs.callPackage {nix}/python-deps.nix {arguments}).drvPath"""
    done = stand.run(["nix-instantiate", "--eval", "--json", "-E", expression], check=False)
    errors = [line.strip() for line in done.stderr.splitlines() if "error:" in line]
    return done.returncode, errors[-1] if errors else ""


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    for name in ("uv.lock", "pyproject.toml"):
        (tmp_path / name).write_bytes((FIXTURES / "hello" / name).read_bytes())
    return tmp_path


def pins_of(plan: Plan, **changes: object) -> dict[str, object]:
    hashes = {one.system: {"hash": "sha256-" + "B" * 43 + "=", "key": one.key} for one in plan.systems}
    return {
        "schema": 1,
        "build": {"excludeNewer": "x"},
        "hashes": hashes,
        "lock": plan.lock_sha256,
        **changes,
    }


@pytest.mark.stand
def test_a_stale_output_cannot_be_had(stand: Stand, hello: Path) -> None:
    plan = plan_of(hello)
    assert check(stand, hello, plan, pins_of(plan)) == (0, "")
    code, said = check(stand, hello, plan, pins_of(plan, lock="0" * 64))
    assert code == 1
    assert "uv.lock is not the lock that" in said
    assert "Run: uvlock2nix update-hash" in said
    code, said = check(stand, hello, plan, pins_of(plan, hashes={}))
    assert code == 1
    assert "has no hash" in said
    assert "on x86_64-linux. Run: uvlock2nix update-hash" in said
    other = {"x86_64-linux": {"hash": "sha256-" + "B" * 43 + "=", "key": "0" * 32}}
    code, said = check(stand, hello, plan, pins_of(plan, hashes=other))
    assert (code, "Run: uvlock2nix update-hash" in said) == (1, True)
    # Today's lock with one byte changed.
    (hello / "uv.lock").write_bytes((hello / "uv.lock").read_bytes() + b"\n")
    code, said = check(stand, hello, plan, pins_of(plan))
    assert (code, "uv.lock is not the lock that" in said) == (1, True)
    given = f'{{ outputHash = "sha256-{"C" * 43}="; skipLockCheck = true; }}'
    assert check(stand, hello, plan, pins_of(plan, hashes={}), given) == (0, "")


@pytest.mark.stand
def test_a_system_that_was_not_generated_is_named(stand: Stand, hello: Path) -> None:
    plan = plan_of(hello, systems=("aarch64-darwin",))
    code, said = check(stand, hello, plan, pins_of(plan))
    assert code == 1
    assert "nothing was generated for x86_64-linux. Run: uvlock2nix update-hash --system x86_64-linux" in said


def evaluated(stand: Stand, folder: Path, plan: Plan, packages: str) -> str:
    """What evaluating deps with these packages over the fakes says: its name, or the last error."""
    nix = put(folder, plan)
    (folder / "fake.nix").write_text(render_file(value(fake_packages(plan))))
    expression = f"""
      let
        lib = (import <nixpkgs> {{ }}).lib;
        pkgs = removeAttrs (import {folder}/fake.nix) absent // own // {{
          inherit lib;
          callPackage = lib.callPackageWith pkgs;
          stdenv = {{
            outPath = "/fake/stdenv";
            cc = {{ outPath = "/fake/cc"; cc = {{ outPath = "/fake/cc-cc"; }}; }};
            hostPlatform = {{ system = "x86_64-linux"; isLinux = true; isDarwin = false; }};
            mkDerivation = given: given // {{ outPath = "/fake/deps"; }};
          }};
          stripReferencesHook = {{
            outPath = "/fake/strip";
            referenceInputs = lib.mapAttrs (name: toString);
          }};
        }};
        inherit ({packages}) absent own;
      in builtins.toJSON {{
        deps = removeAttrs (pkgs.callPackage {nix}/python-deps.nix {{
          outputHash = "{FAKE_HASH}"; skipLockCheck = true;
        }}) [ "src" "outPath" "override" "overrideDerivation" ];
      }}"""
    done = stand.run(["nix-instantiate", "--eval", "--strict", "-E", expression], check=False)
    errors = [line.strip() for line in done.stderr.splitlines() if "error:" in line]
    return errors[-1] if done.returncode else done.stdout


def with_input(attr: str) -> Plan:
    return replaced(
        plan_of(FIXTURES / "hello"), build_inputs=(Input(attr, ("gui", "tool"), ("x86_64-linux",)),)
    )


@pytest.mark.stand
def test_a_newer_name_falls_back_to_the_older_one(stand: Stand, tmp_path: Path) -> None:
    """`libxtst` exists since 26.05; without aliases, `xorg` is gone from then on."""
    plan = with_input("libxtst")
    new = 'rec { absent = [ "xorg" ]; own = { libxtst = { outPath = "/fake/new"; }; }; }'
    old = 'rec { absent = [ "libxtst" ]; own = { xorg.libXtst = { outPath = "/fake/old"; }; }; }'
    none = 'rec { absent = [ "libxtst" "xorg" ]; own = { }; }'
    assert "/fake/new" in evaluated(stand, tmp_path / "new", plan, new)
    assert "/fake/old" in evaluated(stand, tmp_path / "old", plan, old)
    said = evaluated(stand, tmp_path / "none", plan, none)
    assert "no `libxtst` (`xorg.libXtst` before 26.05), which gui, tool needs" in said
    assert "[tool.uvlock2nix.native.gui]" in said


@pytest.mark.stand
@pytest.mark.parametrize("attr", ["nobody-knows", "some-set.inside", "libpq.nonsense", "wlroots_0_17"])
def test_a_missing_attribute_is_named_with_who_needs_it(stand: Stand, tmp_path: Path, attr: str) -> None:
    head = attr.split(".", maxsplit=1)[0]
    with_head = f'{head} = {{ outPath = "/fake/{head}"; }};' if head == "libpq" else ""
    packages = f'rec {{ absent = [ "{head}" ]; own = {{ {with_head} }}; }}'
    said = evaluated(stand, tmp_path, with_input(attr), packages)
    assert f"this nixpkgs has no `{attr}`" in said
    assert "which gui, tool needs" in said
    there = '{ outPath = "/fake/it"; }'
    whole = f"rec {{ absent = [ ]; own = {{ {attr} = {there}; }}; }}"
    assert "/fake/it" in evaluated(stand, tmp_path / "there", with_input(attr), whole)


@pytest.mark.stand
def test_a_python_that_nixpkgs_dropped(stand: Stand, tmp_path: Path) -> None:
    plan = replaced(plan_of(FIXTURES / "hello"), python="3.10")
    said = evaluated(stand, tmp_path, plan, 'rec { absent = [ "python310" ]; own = { }; }')
    assert "this nixpkgs has no python310 (removed in 26.05)" in said
    assert "--python VERSION" in said
    assert formals(texts(plan)[PACKAGE])["python310"] is True
    assert formals(texts(plan_of(FIXTURES / "hello"))[PACKAGE])["python313"] is False
