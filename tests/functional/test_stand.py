"""The test stand does what nixpkgs and Nix do where our tests rely on it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.stand import STAND, Stand, StandCommandError, missing, require_stand

pytestmark = [pytest.mark.stand]

EXTENSION = """
with import <nixpkgs> { };
stdenv.mkDerivation {
  name = "stand-extension";
  dontUnpack = true;
  buildInputs = [ INPUTS python3 ];
  buildPhase = ''
    cat > probe.c <<'SOURCE'
    #include <Python.h>
    #include <libxml/parser.h>
    static PyObject *version(PyObject *self, PyObject *none) {
      xmlInitParser();
      return PyUnicode_FromString(LIBXML_DOTTED_VERSION);
    }
    static PyMethodDef methods[] = {{"version", version, METH_NOARGS, ""}, {0}};
    static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "probe", 0, -1, methods};
    PyMODINIT_FUNC PyInit_probe(void) { return PyModule_Create(&module); }
    SOURCE
    headers=$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')
    $CC -shared -fPIC FLAGS -I$headers probe.c -o probe.so -lxml2
  '';
  installPhase = "mkdir -p $out/${python3.sitePackages}; cp probe.so $out/${python3.sitePackages}/";
}
"""


@pytest.fixture
def stand() -> Stand:
    return require_stand("forky")


def runpath(stand: Stand, library: str) -> list[str]:
    text = stand.run(["readelf", "-d", library]).stdout
    found = re.search(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", text)
    # What fixup takes away leaves an entry without folders.
    return list(filter(None, found[1].split(":"))) if found else []


def extension(inputs: str = "libxml2", flags: str = "-I${lib.getDev libxml2}/include/libxml2") -> str:
    return EXTENSION.replace("INPUTS", inputs).replace("FLAGS", flags)


def test_extension_carries_the_library_in_its_runpath_and_loads(stand: Stand) -> None:
    out = stand.nix_build(extension())
    library = next(stand.path(out).rglob("probe.so"))
    inside = "/" + str(library.relative_to(stand.root))
    entries = runpath(stand, inside)
    assert any(re.fullmatch(r"/nix/store/[0-9a-z]{32}-libxml2-[^/]+/lib", entry) for entry in entries), (
        entries
    )
    python = str(stand.evaluate("(import <nixpkgs> { }).python3.interpreter"))
    version = stand.evaluate("(import <nixpkgs> { }).libxml2.version")
    code = (
        f"import sys; sys.path.insert(0, {str(Path(inside).parent)!r}); import probe; print(probe.version())"
    )
    assert stand.run([python, "-c", code]).stdout.strip() == version


def test_a_missing_input_is_missing(stand: Stand) -> None:
    with pytest.raises(StandCommandError, match=r"libxml/parser\.h"):
        stand.nix_build(extension(inputs="", flags="-I/usr/include/libxml2"))


def test_rpath_can_be_turned_off_as_in_nixpkgs(stand: Stand) -> None:
    text = extension().replace("dontUnpack", "NIX_DONT_SET_RPATH = 1; dontUnpack")
    out = stand.nix_build(text)
    library = "/" + str(next(stand.path(out).rglob("probe.so")).relative_to(stand.root))
    assert runpath(stand, library) == []


NETWORK = """
with import <nixpkgs> {{ }};
runCommand "net-{salt}" {{ {extra} }} ''
  if ${{python3}}/bin/python3 -c 'import socket; socket.create_connection(("{host}", {port}), 5)'; then
    echo yes > $out
  else
    echo no > $out
  fi
''
"""


class Listener:
    """A TCP port on this machine's own address (a network namespace has its own loopback)."""

    def __enter__(self) -> tuple[str, int]:
        import socket

        self.socket = socket.create_server(("127.0.0.1", 0))
        host, port = self.socket.getsockname()[:2]
        return str(host), int(port)

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def test_only_fixed_output_derivations_have_network(stand: Stand) -> None:
    salt = str(time.time_ns())
    with Listener() as (host, port):
        ordinary = stand.nix_build(NETWORK.format(salt=salt, extra="", host=host, port=port))
        assert stand.path(ordinary).read_text() == "no\n"
        fixed = 'outputHashMode = "flat"; outputHash = lib.fakeHash; outputHashAlgo = "sha256";'
        text = NETWORK.format(salt=salt + "-fixed", extra=fixed, host=host, port=port)
        with pytest.raises(StandCommandError) as caught:
            stand.nix_build(text)
    assert got(caught.value) == "sha256-" + base64.b64encode(hashlib.sha256(b"yes\n").digest()).decode()


def got(error: StandCommandError) -> str:
    """The hash that Nix names in a mismatch message."""
    found = re.search(r"got:\s+(\S+)", error.done.stderr)
    assert found is not None, error.done.stderr
    return found[1]


def test_a_fixed_output_with_a_reference_is_refused(stand: Stand) -> None:
    text = """
    with import <nixpkgs> { };
    runCommand "with-reference"
      { outputHashMode = "recursive"; outputHashAlgo = "sha256"; outputHash = HASH; }
      "mkdir $out; echo ${zlib} > $out/file"
    """
    with pytest.raises(StandCommandError) as caught:
        stand.nix_build(text.replace("HASH", "lib.fakeHash"))
    right = got(caught.value)
    with pytest.raises(StandCommandError, match="fixed-output derivations must not reference store paths"):
        stand.nix_build(text.replace("HASH", f'"{right}"'))


HOOKS = """
with import <nixpkgs> {{ }};
let
  hook = makeSetupHook {{
    name = "order-hook";
    substitutions = {{ word = "from-hook"; }};
  }} (writeText "hook.sh" ''
    orderHook() {{ echo "phase @word@ ''${{orderFlag-unset}}" >> "$TMPDIR/order"; }}
    if [ -z "''${{dontOrder-}}" ]; then appendToVar preFixupPhases orderHook; fi
    postFixupHooks+=(orderLast)
    orderLast() {{ echo "postFixup hook" >> "$TMPDIR/order"; cp "$TMPDIR/order" $out/order; }}
  '');
in
stdenv.mkDerivation {{
  pname = "hooks";
  version = "1";
  __structuredAttrs = {structured};
  dontUnpack = true;
  nativeBuildInputs = [ hook ];
  orderFlag = "set";
  words = [ "two words" "three" ];
  env.FROM_ENV = "exported";
  preInstall = "echo preInstall >> $TMPDIR/order";
  installPhase = ''
    runHook preInstall
    mkdir -p $out/bin
    local -a all=()
    concatTo all words
    echo "''${{#all[@]}} $(bash -c 'echo $FROM_ENV')" >> $TMPDIR/order
    printf '#!/usr/bin/env bash\\necho hi\\n' > $out/bin/hi
    chmod +x $out/bin/hi
    runHook postInstall
  '';
  postInstall = "echo postInstall >> $TMPDIR/order";
  preFixup = "echo preFixup >> $TMPDIR/order";
  postFixup = "echo postFixup >> $TMPDIR/order";
}}
"""


@pytest.mark.parametrize(("structured", "count"), [("false", 3), ("true", 2)])
def test_hooks_run_in_nixpkgs_order_with_and_without_structured_attributes(
    stand: Stand, structured: str, count: int
) -> None:
    out = stand.nix_build(HOOKS.format(structured=structured))
    assert stand.path(f"{out}/order").read_text().splitlines() == [
        "preInstall",
        f"{count} exported",
        "postInstall",
        "phase from-hook set",
        "preFixup",
        "postFixup",
        "postFixup hook",
    ]
    shebang = stand.path(f"{out}/bin/hi").read_text().splitlines()[0]
    assert re.fullmatch(r"#!/nix/store/[0-9a-z]{32}-[^/]+/bin/bash", shebang), shebang


def test_overrides_and_final_attributes(stand: Stand) -> None:
    value = stand.evaluate(
        """
        with import <nixpkgs> { overlays = [ (final: prev: { greeting = "overlaid"; }) ]; };
        let
          package = callPackage ({ stdenv, greeting, extra ? "plain" }: stdenv.mkDerivation (finalAttrs: {
            pname = "p"; version = "1"; passthru.text = "${finalAttrs.version} ${greeting} ${extra}";
          })) { };
        in [
          package.text
          (package.override { extra = "changed"; }).text
          (package.overrideAttrs (old: { version = old.version + ".5"; })).text
          ((package.override { extra = "both"; }).overrideAttrs { version = "9"; }).text
          (package.overrideAttrs { version = "3"; }).name
          (python3.pkgs.requests.pname) (lib.getExe git == "${git}/bin/git")
        ]
        """
    )
    assert value == [
        "1 overlaid plain",
        "1 overlaid changed",
        "1.5 overlaid plain",
        "9 overlaid both",
        "p-3",
        "requests",
        True,
    ]


def test_build_failure_can_be_tested(stand: Stand) -> None:
    bad = 'runCommand "bad" { } "echo the reason >&2; exit 3"'
    text = f"with import <nixpkgs> {{ }}; testers.testBuildFailure ({bad})"
    out = stand.nix_build(text)
    assert "the reason" in stand.path(f"{out}/testBuildFailure.log").read_text()
    assert stand.path(f"{out}/testBuildFailure.exit").read_text().strip() == "3"


def test_python_packages_and_uv_work(stand: Stand) -> None:
    text = """
    with import <nixpkgs> { };
    let python = python3.withPackages (p: [ p.click p.requests p.pyelftools p.tomli ]); in
    runCommand "tools" { nativeBuildInputs = [ python uv git pkg-config ]; buildInputs = [ zlib ]; } ''
      python3 -c 'import click, requests, elftools, tomli, ssl, sqlite3, ctypes, lzma; print("all")' >> $out
      uv --version >> $out
      git --version >> $out
      pkg-config --modversion zlib >> $out
    ''
    """
    lines = stand.path(stand.nix_build(text)).read_text().splitlines()
    assert "all" in lines
    assert any(line.startswith("uv 0.") for line in lines)
    assert any(line.startswith("git version") for line in lines)


def test_programs_of_builds_work_where_they_lie_and_only_as_inputs(stand: Stand) -> None:
    text = """
    with import <nixpkgs> { };
    stdenv.mkDerivation {
      name = "programs";
      dontUnpack = true;
      strictDeps = true;
      dontUseCmakeConfigure = true;
      dontUseNinjaBuild = true;
      dontUseNinjaInstall = true;
      nativeBuildInputs = PROGRAMS;
      buildInputs = [ zlib ];
      installPhase = ''
        printf '%s\\n' 'cmake_minimum_required(VERSION 3.20)' 'project(p NONE)' > CMakeLists.txt
        echo 'find_path(HEADER zlib.h REQUIRED)' >> CMakeLists.txt
        cmake -G Ninja .
        grep 'HEADER:PATH=/nix/store' CMakeCache.txt
        ninja --version
        test -e "$(swig -swiglib)/python/python.swg"
        # Without an argument the preprocessor reads its standard input; it knows the inputs' headers.
        echo '#include <zlib.h>' | cpp | grep -c deflateInit_
        touch $out
      '';
    }
    """
    stand.nix_build(text.replace("PROGRAMS", "[ cmake ninja swig ]"))
    with pytest.raises(StandCommandError, match="cmake: command not found"):
        stand.nix_build(text.replace("PROGRAMS", "[ ninja swig ]"))


def test_programs_for_building_lie_in_dev(stand: Stand) -> None:
    """glib's scripts name `dev`, which names `out`: in `out` they would close a cycle of outputs."""
    out = stand.nix_build("<nixpkgs>", "-A", "glib.dev")
    assert (stand.path(out) / "bin/glib-gettextize").exists()
    assert (stand.path(out) / "include/glib-2.0").exists()


def test_pg_config_names_the_library_of_the_store(stand: Stand) -> None:
    out = stand.nix_build("<nixpkgs>", "-A", "postgresql.pg_config")
    folder = stand.run([f"{out}/bin/pg_config", "--includedir", "--libdir"]).stdout.split()
    assert (stand.path(folder[0]) / "libpq-fe.h").exists()
    assert (stand.path(folder[1]) / "libpq.so").exists()


def test_shims_pass_input_output_and_exit_code(stand: Stand, tmp_path: Path) -> None:
    done = subprocess.run(
        ["nix-instantiate", "--eval", "-"],
        input="1 + 1",
        env=stand.env(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "2\n")
    done = subprocess.run(
        ["nix-instantiate", "--eval", "-E", "throw ''x''"],
        env=stand.env(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "x" in done.stderr


def test_a_signal_ends_the_build_and_no_mount_is_left(stand: Stand) -> None:
    text = (
        f'with import <nixpkgs> {{ }}; runCommand "slow-{time.time_ns()}" {{ }} "echo started >&2; sleep 300"'
    )
    started = time.monotonic()
    argv = ["nix-build", "--no-out-link", "-E", text]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, env=stand.env(), stdin=subprocess.DEVNULL, stderr=pipe, text=True) as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line.strip() == "started":
                break
        # Again until it ends: once, on a machine with a load of 16, one signal was not enough for Nix.
        for _ in range(20):
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=3)
            except subprocess.TimeoutExpired:
                continue
            break
    assert "started\n" in lines, lines
    assert process.returncode != 0
    assert time.monotonic() - started < 60
    assert str(stand.root) not in Path("/proc/self/mountinfo").read_text()


def test_second_setup_does_nothing(stand: Stand) -> None:
    def setup() -> tuple[list[str], dict[str, tuple[str, int]]]:
        done = subprocess.run(
            [STAND / "setup", "forky"], env=dict(os.environ), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        parts = sorted((stand.root / "stand").glob("stamp-*"))
        return done.stderr.splitlines(), {
            part.name: (part.read_text(), part.stat().st_mtime_ns) for part in parts
        }

    _, before = setup()
    lines, after = setup()
    assert "stamp-prebuild" in before
    assert after == before
    # Each part that does something prints its time; here only the whole does.
    assert [line.split(":")[2].strip() for line in lines] == ["all"], lines


def test_without_root_or_setup_the_reason_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UVLOCK2NIX_STAND", str(tmp_path))
    monkeypatch.setenv("CI", "true")
    assert missing("forky") is not None
    with pytest.raises(pytest.fail.Exception):
        require_stand("forky")
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception):
        require_stand("forky")


def test_unknown_suite_is_an_error() -> None:
    done = subprocess.run([STAND / "setup", "potato"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "error: unknown suite 'potato'" in done.stderr
    assert "hint:" in done.stderr


def test_lock_names_every_package_by_hash(stand: Stand) -> None:
    lock = json.loads((stand.root / "stand/debs-forky.json").read_text())
    debs = [deb for node in lock["nodes"].values() for deb in node["debs"]]
    assert all(re.fullmatch(r"[0-9a-f]{64}", deb["sha256"]) for deb in debs)
    owners = [deb["name"] for deb in debs]
    assert len(owners) == len(set(owners))
