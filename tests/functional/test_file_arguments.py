"""``update-hash FILE.nix`` calls a file as ``nix-build`` does: its own defaults win."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stand import REPO, STAND, Stand, require_stand

pytestmark = [pytest.mark.stand]

# A fixed-output derivation that needs nothing but Nix.
FETCHED = """
derivation {
  name = "NAME";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  args = [ "-c" "echo hello > $out" ];
  outputHashMode = "flat";
  outputHashAlgo = "sha256";
  outputHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
}
"""
HELLO = "sha256-WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM="


@pytest.fixture
def stand() -> Stand:
    return require_stand("forky")


def update(stand: Stand, file: Path, nix_path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "uvlock2nix", "update-hash", str(file)],
        env=stand.env({"UVLOCK2NIX_NIXPKGS": nix_path}),
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.mark.parametrize(
    "head",
    [
        "",
        "{ pkgs ? import ./pinned.nix { } }: assert pkgs.mine;",
        "{ system ? builtins.currentSystem, ... }:",
        '{ pkgs ? throw "not needed", lib ? pkgs.lib }:',
    ],
)
def test_a_file_that_needs_no_nixpkgs_needs_none(stand: Stand, tmp_path: Path, head: str) -> None:
    file = tmp_path / "file.nix"
    file.write_text(head + FETCHED.replace("NAME", f"own-{len(head)}"))
    (tmp_path / "pinned.nix").write_text("{ }: { mine = true; }")
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "default.nix").write_text('throw "nixpkgs was asked for"')
    done = update(stand, file, str(tmp_path / "none"))
    assert done.returncode == 0, done.stderr
    assert HELLO in file.read_text()


@pytest.mark.parametrize(
    "head", ["{ pkgs }: assert pkgs ? stdenv;", "{ lib, stdenv }: assert lib.isDerivation stdenv;"]
)
def test_arguments_without_a_default_come_from_nixpkgs(stand: Stand, tmp_path: Path, head: str) -> None:
    file = tmp_path / "file.nix"
    file.write_text(head + FETCHED.replace("NAME", f"given-{len(head)}"))
    done = update(stand, file, str(STAND / "nixpkgs"))
    assert done.returncode == 0, done.stderr
    assert HELLO in file.read_text()


def test_an_argument_that_nixpkgs_does_not_have_is_named(stand: Stand, tmp_path: Path) -> None:
    file = tmp_path / "file.nix"
    file.write_text(
        "{ stdenv, noSuchPackage }: assert noSuchPackage ? x;" + FETCHED.replace("NAME", "missing")
    )
    done = update(stand, file, str(STAND / "nixpkgs"))
    assert done.returncode == 3, done.stderr
    assert "requires the argument `noSuchPackage`" in done.stderr
    assert "hint: give the argument a default" in done.stderr
