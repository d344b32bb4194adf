"""The examples of docs/refs.md do what the page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.refs import store_path
from tests.support.stand import STAND, require_stand

REPO = Path(__file__).resolve().parents[2]
PAGE = (REPO / "docs" / "refs.md").read_text()


@pytest.mark.stand
@pytest.mark.slow
def test_the_flake_builds(tmp_path: Path) -> None:
    """As in the page; nixpkgs is the stand's, made a flake, and uvlock2nix this checkout."""
    stand = require_stand("forky")
    (text,) = re.findall(r"```nix\n(.*?)```", PAGE, re.DOTALL)
    nixpkgs = Path(shutil.copytree(STAND / "nixpkgs", tmp_path / "nixpkgs"))
    (nixpkgs / "flake.nix").write_text("{ outputs = _: { lib = import ./lib; }; }\n")
    for name in ("nix", "hooks", "uvlock2nix"):
        shutil.copytree(REPO / name, tmp_path / "uvlock2nix" / name)
    shutil.copy(REPO / "flake.nix", tmp_path / "uvlock2nix")
    project = tmp_path / "project"
    project.mkdir()

    def build(attribute: str, text: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        (project / "flake.nix").write_text(text)
        words = ["nix", "build", "--impure", "--no-link", "--print-out-paths", "--no-write-lock-file"]
        for name in ("nixpkgs", "uvlock2nix"):
            words += ["--override-input", name, f"path:{tmp_path / name}"]
        flakes = {"NIX_CONFIG": "experimental-features = nix-command flakes"}
        return stand.run([*words, f"path:{project}#{attribute}"], env=flakes, check=check)

    said = build("stripped", text, check=False).stderr
    found = re.search(r"got:\s+(sha256-\S+)", said)
    assert found, said
    env = build("default", text.replace("pkgs.lib.fakeHash", f'"{found[1]}"')).stdout.strip()
    assert "zlib" in stand.run(["nix-store", "-q", "--references", env]).stdout
    shown = stand.run(["readelf", "-d", f"{env}/lib/libf.so"]).stdout
    assert re.search(r"\[/nix/store/[0-9a-z]{32}-zlib[^:\]]*/lib", shown)


def test_the_console_session(tmp_path: Path) -> None:
    (text,) = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    xml, own = store_path("libxml2-2.13.8"), store_path("demo-1")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a").write_text(f"/nix/store/{xml.base} /nix/store/{own.base}")
    (tmp_path / "tree" / "b").write_text(xml.hash)
    (tmp_path / "closure").write_text(f"/nix/store/{xml.base}\n/nix/store/{own.base}\n")
    for command, expected in re.findall(r"^\$ uvlock2nix (.*)\n((?:[^$].*\n)+)", text, re.MULTILINE):
        words = command.replace("…-libxml2", f"{xml.hash}-libxml2").split()
        done = subprocess.run(
            [sys.executable, "-m", "uvlock2nix", *words],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPO)},
            capture_output=True,
            text=True,
        )
        assert (done.stdout, done.stderr) == (expected, "")
