"""``[tool.uv.sources]`` with markers: one name, several folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support.stand import Stand, require_stand

UV = str(Path(sys.executable).parent / "uv")
PROJECT = """\
[project]
name = "own"
version = "1.0"
requires-python = ">=3.11"
dependencies = [DEPENDENCY]
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[tool.uv.sources]
lib = SOURCES
"""
ON_LINUX, ELSEWHERE = "sys_platform == 'linux'", "sys_platform != 'linux'"
FOR_BOTH = f'[{{ path = "lib", marker = "{ON_LINUX}" }}, {{ path = "other", marker = "{ELSEWHERE}" }}]'
LINUX, BOTH = ("--system", "x86_64-linux"), ("--system", "x86_64-linux", "--system", "aarch64-darwin")


def locked(folder: Path, dependency: str, sources: str) -> Path:
    text = PROJECT.replace("DEPENDENCY", json.dumps(dependency)).replace("SOURCES", sources)
    (folder / "pyproject.toml").write_text(text)
    for name, version in (("lib", "1.0"), ("other", "2.0")):
        (folder / name).mkdir()
        metadata = f'[project]\nname = "lib"\nversion = "{version}"\nrequires-python = ">=3.11"\n'
        (folder / name / "pyproject.toml").write_text(metadata)
    lock = [UV, "lock", "--offline", "--no-cache", "--python", sys.executable]
    subprocess.run(lock, cwd=folder, check=True, capture_output=True)
    return folder


def ours(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "uvlock2nix", *words]
    env = {**os.environ, "UV_OFFLINE": "1"}
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=60)


def members(project: Path) -> str:
    text = (project / "nix" / "package.nix").read_text()
    return " ".join(text.partition("uvPackageMembers = ")[2].partition(";")[0].split())


def parses(stand: Stand, file: Path) -> bool:
    return stand.run(["nix-instantiate", "--parse", str(file)]).returncode == 0


def test_the_folder_of_the_system_is_built_and_checked(tmp_path: Path) -> None:
    project = locked(tmp_path, "lib", FOR_BOTH)
    assert ours("generate", str(project), "--python=3.13", *LINUX).returncode == 0
    assert members(project) == '[ "own=." "lib=lib" ]'
    checked = ours("check", str(project))
    # The hash is missing; the lock fits both folders.
    assert "does not match the project" not in checked.stderr
    (project / "other" / "pyproject.toml").write_text('[project]\nname = "lib"\nversion = "3.0"\n')
    assert "package lib: version is 3.0, the lock has 2.0" in ours("check", str(project)).stderr


def test_one_name_in_two_folders_is_refused_for_two_systems(tmp_path: Path) -> None:
    project = locked(tmp_path, "lib", FOR_BOTH)
    done = ours("generate", str(project), "--python=3.13", *BOTH)
    assert done.returncode == 3
    assert "lib: it is in lib on one system and in other on another" in done.stderr
    assert "(--system x86_64-linux)" in done.stderr
    assert ours("generate", str(project), "--python=3.13", *LINUX).returncode == 0


def test_a_local_package_of_one_system_is_built_there_alone(tmp_path: Path) -> None:
    stand = require_stand("forky")
    project = locked(tmp_path, f"lib; {ON_LINUX}", '{ path = "lib" }')
    assert ours("generate", str(project), "--python=3.13", *BOTH).returncode == 0
    condition = 'lib.optionals (lib.elem stdenv.hostPlatform.system [ "x86_64-linux" ])'
    assert members(project) == f'[ "own=." ] ++ {condition} [ "lib=lib" ]'
    assert parses(stand, project / "nix" / "package.nix")
