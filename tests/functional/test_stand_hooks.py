"""The stand's setup hooks do what nixpkgs' do: phases taken over, a build that Qt ends, vendored crates."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.stand import STAND, Stand, StandCommandError, require_stand

pytestmark = [pytest.mark.stand]

# Where Cargo.lock says that crates come from; nothing is fetched from there.
INDEX = "github.com/rust-lang/" + ".".join(("crates", "io-index"))
C_PROJECT = """
with import <nixpkgs> { };
stdenv.mkDerivation {
  name = "taken-over";
  __structuredAttrs = STRUCTURED;
  nativeBuildInputs = PROGRAMS;
  src = runCommand "source" { } ''
    mkdir $out
    cd $out
    echo 'int main(void) { return 0; }' > main.c
    printf '%s\\n' "project('p', 'c')" "executable('program', 'main.c', install: true)" > meson.build
    printf '%s\\n' 'cmake_minimum_required(VERSION 3.20)' 'project(p C)' > CMakeLists.txt
    printf '%s\\n' 'add_executable(program main.c)' 'install(TARGETS program)' >> CMakeLists.txt
    echo 'env = Environment(ENV=__import__("os").environ)' > SConstruct
    echo 'program = env.Program("main.c")' >> SConstruct
    echo 'env.Alias("install", env.Install(ARGUMENTS["prefix"] + "/bin", program))' >> SConstruct
  '';
}
"""
CRATE = """
with import <nixpkgs> { };
stdenv.mkDerivation {
  name = "crate";
  nativeBuildInputs = with rustPlatform; [ cargo rustc cargoSetupHook cargoBuildHook cargoInstallHook ];
  cargoDeps = rustPlatform.importCargoLock { lockFile = ./Cargo.lock; };
  src = runCommand "source" { } ''
    mkdir -p $out/src
    cd $out
    printf '%s\\n' '[package]' 'name = "p"' 'version = "0.1.0"' 'edition = "2021"' > Cargo.toml
    printf '%s\\n' '[dependencies]' 'itoa = "1"' >> Cargo.toml
    echo 'fn main() { println!("{}", itoa::Buffer::new().format(42)); }' > src/main.rs
    cp ${./Cargo.lock} Cargo.lock
  '';
}
"""
LOCK = """\
version = 3

[[package]]
name = "itoa"
version = "{version}"
source = "registry+https://{index}"
checksum = "{checksum}"

[[package]]
name = "p"
version = "0.1.0"
dependencies = ["itoa"]
"""


@pytest.fixture
def stand() -> Stand:
    return require_stand("forky")


@pytest.mark.parametrize(
    ("programs", "phases"),
    [
        ("[ cmake ]", ["cmake flags"]),
        ("[ cmake ninja ]", ["cmake flags", "-GNinja", "ninja flags"]),
        ("[ meson ninja ]", ["mesonConfigurePhase flags", "ninja flags"]),
        ("[ scons ]", ["scons: done building targets"]),
    ],
)
@pytest.mark.parametrize("structured", ["false", "true"])
def test_build_systems_take_phases_over(
    stand: Stand, programs: str, phases: list[str], structured: str
) -> None:
    out = stand.nix_build(C_PROJECT.replace("PROGRAMS", programs).replace("STRUCTURED", structured))
    assert list(stand.path(out).glob("bin/*"))
    log = stand.run(["nix-store", "--read-log", out]).stdout
    assert [phase for phase in phases if phase not in log] == []


def test_qtbase_ends_the_build_unless_something_wraps(stand: Stand) -> None:
    text = f"""
    with import <nixpkgs> {{ }};
    let qtbase = makeSetupHook {{ name = "qtbase"; }} {STAND}/nixpkgs/setup-hooks/qtbase.sh; in
    stdenv.mkDerivation {{
      name = "qt";
      dontUnpack = true;
      nativeBuildInputs = [ qtbase MORE ];
      installPhase = "mkdir $out";
    }}
    """
    with pytest.raises(StandCommandError, match="no wrapping behavior was specified"):
        stand.nix_build(text.replace("MORE", ""))
    stand.nix_build(text.replace("MORE", "qt6.wrapQtAppsHook"))


@pytest.mark.slow
def test_crates_are_vendored_from_a_lock_with_their_checksums(stand: Stand, tmp_path: Path) -> None:
    crates = stand.path(stand.nix_build('(import <nixpkgs> { }).stand.debian.nodes."tool:crates".out'))
    (itoa,) = crates.glob("share/cargo/registry/itoa-*")
    checksum = json.loads((itoa / ".cargo-checksum.json").read_text())["package"]
    version = itoa.name.removeprefix("itoa-")
    project = tmp_path / "crate.nix"
    project.write_text(CRATE)
    lock = tmp_path / "Cargo.lock"
    lock.write_text(LOCK.format(version=version, index=INDEX, checksum=checksum))
    out = stand.nix_build(project)
    assert stand.run([f"{out}/bin/p"]).stdout == "42\n"

    lock.write_text(LOCK.format(version=version, index=INDEX, checksum="0" * 64))
    with pytest.raises(StandCommandError, match="hash mismatch: crate itoa"):
        stand.nix_build(project)


def test_libraries_can_be_overridden(stand: Stand) -> None:
    text = """
    with import <nixpkgs> { };
    (zlib.overrideAttrs (old: {
      pname = "my-${old.pname}";
      postInstall = "echo ${old.version} > $out/mine";
    })).overrideAttrs (final: previous: { passthru = { whose = final.pname; }; })
    """
    out = stand.nix_build(text)
    assert stand.evaluate(f"({text}).whose") == "my-zlib"
    assert (stand.path(out) / "mine").read_text().strip() == stand.evaluate(
        "(import <nixpkgs> { }).zlib.version"
    )
    assert list(stand.path(out).glob("lib/libz.so*"))
