"""uvlock2nix itself as its users get it: from a wheel, from the flake, and the commands of the README."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import copy_fixture
from tests.support.stand import REPO, STAND, Stand

pytestmark = [pytest.mark.network, pytest.mark.slow]

FLAKES = "experimental-features = nix-command flakes"


def checkout(to: Path) -> Path:
    """The committed tree and what is changed in it, without anything that git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        source, target = REPO / name, to / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return to


@pytest.mark.stand
def test_an_installed_wheel_goes_the_whole_way(stand: Stand, tmp_path: Path) -> None:
    """pip install, then generate and update-hash: Nix files and hooks come out of the package."""
    source = checkout(tmp_path / "source")
    venv = tmp_path / "venv"
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "build", "--quiet", "--wheel", source, "--out-dir", tmp_path], check=True)
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, venv], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([uv, "pip", "install", "--quiet", "--python", venv / "bin" / "python", wheel], check=True)
    project = copy_fixture("hello", tmp_path)
    for command in ("generate", "update-hash"):
        done = subprocess.run(
            [venv / "bin" / "uvlock2nix", command, project],
            env=stand.env({"NIX_PATH": f"nixpkgs={STAND / 'nixpkgs'}"}),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert '"hash": "sha256-' in (project / "nix" / "python-deps.json").read_text()


@pytest.mark.stand
def test_the_flake_gives_the_command(stand: Stand, tmp_path: Path) -> None:
    """packages.default builds and runs; nixpkgs is the stand's, made a flake."""
    source = checkout(tmp_path / "source")
    nixpkgs = Path(shutil.copytree(STAND / "nixpkgs", tmp_path / "nixpkgs"))
    (nixpkgs / "flake.nix").write_text(
        '{ outputs = _: { lib = (import ./. { system = "x86_64-linux"; }).lib; }; }\n'
    )
    done = stand.run(
        [
            "nix",
            "build",
            "--impure",
            "--no-link",
            "--print-out-paths",
            "--no-write-lock-file",
            "--override-input",
            "nixpkgs",
            f"path:{nixpkgs}",
            f"path:{source}#default",
        ],
        env={"NIX_CONFIG": FLAKES},
    )
    (program,) = done.stdout.split()
    shown = stand.run([f"{program}/bin/uvlock2nix", "--version"], cwd=Path("/")).stdout
    assert re.search(r"\d+\.\d+", shown)
    share = Path(program) / "share"
    for place, text in (
        ("bash-completion/completions/uvlock2nix", "complete -o nosort -F _uvlock2nix_completion"),
        ("zsh/site-functions/_uvlock2nix", "#compdef uvlock2nix"),
        ("fish/vendor_completions.d/uvlock2nix.fish", "complete --no-files --command uvlock2nix"),
        ("man/man1/uvlock2nix.1.gz", ".SS uvlock2nix update\\-hash"),
    ):
        assert text in stand.run(["zcat" if place.endswith(".gz") else "cat", str(share / place)]).stdout
    # The hooks of overlays.default, by the names that a flake uses.
    for name in ("uvSyncHook", "stripReferencesHook", "restoreReferencesHook"):
        stand.run(
            [
                "nix",
                "eval",
                "--impure",
                "--raw",
                "--no-write-lock-file",
                "--override-input",
                "nixpkgs",
                f"path:{nixpkgs}",
                f"path:{source}#checks.x86_64-linux.{name}.name",
            ],
            env={"NIX_CONFIG": FLAKES},
        )


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def test_the_demo_of_the_readme_runs() -> None:
    (demo,) = (block for block in blocks(REPO / "README.md", "sh") if block == "scripts/demo\n")
    done = subprocess.run(["bash", "-euc", demo], cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "sdist-native" in done.stdout
    assert "libxml2 # lxml, xmlsec" in done.stdout


@pytest.mark.stand
def test_the_commands_of_the_readme_run(stand: Stand, tmp_path: Path) -> None:
    """`classify`, `generate`, `update-hash` and `nix-build`, as they stand there, on a bundled project."""
    text = next(block for block in blocks(REPO / "README.md", "sh") if "nix-build" in block)
    text = text.replace("/path/to/uvlock2nix", str(REPO))
    project = copy_fixture("hello", tmp_path)
    tools = Path(sys.executable).parent
    env = stand.env({"NIX_PATH": f"nixpkgs={STAND / 'nixpkgs'}"})
    done = subprocess.run(
        ["bash", "-euc", text],
        env={**env, "PATH": f"{env['PATH']}:{tools}"},
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    program = done.stdout.split()[-1]
    assert stand.run([f"{program}/bin/hello-uv", "7"], cwd=Path("/")).stdout


def test_ci_runs_the_test_command_of_the_readme() -> None:
    command = blocks(REPO / "README.md", "sh")[-1].strip()
    assert command == "tests/run"
    assert f"exec {command}" in (REPO / ".ci" / "run").read_text()
