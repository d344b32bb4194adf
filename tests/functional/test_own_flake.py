"""Our flake evaluates for all its systems, without a warning, where nixpkgs refuses what it has dropped."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.flakes import own_flake
from tests.support.stand import STAND, Suite, require_stand

pytestmark = [pytest.mark.stand, pytest.mark.slow]

# nixpkgs as it is on its unstable branch: a system that is gone, and a name that has moved. For what
# the stand does not have is a program that it has: nothing is built.
STUB = """
{ system, overlays ? [ ], ... }:
if system == "x86_64-darwin" then throw "nixpkgs dropped x86_64-darwin"
else import STAND {
  system = "x86_64-linux";
  overlays = overlays ++ [
    (final: previous: {
      python3 = previous.python3 // { withPackages = _: final.coreutils; };
      nixfmt = final.coreutils;
      nixfmt-rfc-style = throw "nixfmt-rfc-style is now nixfmt";
      nixfmt-classic = throw "nixfmt-classic is gone";
      ruff = final.coreutils;
      shellcheck = final.coreutils;
    })
  ];
}
"""


@pytest.mark.parametrize("suite", ["forky", "trixie"])
def test_flake_check_of_all_systems(suite: Suite, tmp_path: Path) -> None:
    stand = require_stand(suite)
    own, nixpkgs = own_flake(tmp_path / "own"), tmp_path / "nixpkgs"
    nixpkgs.mkdir()
    (nixpkgs / "default.nix").write_text(STUB.replace("STAND", str(STAND / "nixpkgs")))
    (nixpkgs / "flake.nix").write_text(f"{{ outputs = _: {{ lib = import {STAND}/nixpkgs/lib; }}; }}")
    done = stand.run(
        [
            *("nix", "--extra-experimental-features", "nix-command flakes", "flake", "check", f"path:{own}"),
            *("--all-systems", "--no-build", "--impure", "--no-write-lock-file"),
            *("--override-input", "nixpkgs", f"path:{nixpkgs}"),
        ],
        timeout=600,
    )
    said = done.stderr.lower()
    assert "aarch64-darwin" in said
    assert "x86_64-darwin" not in said
    warnings = [line for line in said.splitlines() if "warning" in line and "lock file" not in line]
    assert warnings == []
