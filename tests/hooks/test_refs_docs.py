"""The examples of docs/refs.md do what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.refs import store_path
from tests.support.stand import StandCommandError, require_stand

REPO = Path(__file__).resolve().parents[2]
PAGE = (REPO / "docs" / "refs.md").read_text()


@pytest.mark.stand
@pytest.mark.slow
def test_the_derivations_build(tmp_path: Path) -> None:
    stand = require_stand("forky")
    (text,) = re.findall(r"```nix\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "default.nix"
    file.write_text(text.replace("uvlock2nix.overlays.default", f"(import {REPO}/nix/overlay.nix)"))
    with pytest.raises(StandCommandError) as caught:
        stand.nix_build(file, "-A", "stripped")
    found = re.search(r"got:\s+(sha256-\S+)", caught.value.done.stderr)
    assert found, caught.value.done.stderr
    env = stand.nix_build(file, "-A", "restored", "--argstr", "hash", found[1])
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
