"""What the files say of packages that come from nixpkgs."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from uvlock2nix.cli.app import cli

LOCK = """\
version = 1
requires-python = ">=3.13"

[[package]]
name = "app"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "a-tool" }, { name = "mine" }]

[[package]]
name = "a-tool"
version = "1.0"
source = { registry = "https://index.invalid/simple" }
wheels = [{ url = "https://files.invalid/a_tool-1.0-py3-none-any.whl", hash = "sha256:DIGEST" }]

[[package]]
name = "mine"
version = "1.0"
source = { registry = "https://index.invalid/simple" }
wheels = [{ url = "https://files.invalid/mine-1.0-py3-none-any.whl", hash = "sha256:DIGEST" }]
"""
CHANNEL = {"version": 2, "packages": {"python313Packages.a-tool": {"pname": "a-tool", "version": "1.0"}}}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "packages.json").write_text(json.dumps(CHANNEL))
    made = CliRunner().invoke(cli, ["index", "update", "--channel", str(tmp_path / "packages.json")])
    assert made.exit_code == 0, made.output
    (tmp_path / "uv.lock").write_text(LOCK.replace("DIGEST", "0" * 64))
    return tmp_path


def env_of(project: Path, table: str = "") -> str:
    (project / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.13"\n'
        f'dependencies = ["a-tool", "mine"]\n[tool.uvlock2nix]\nfrom-nixpkgs = "same"\n{table}'
    )
    arguments = ["generate", str(project), "--system", "x86_64-linux"]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    # With an index of the user's own, the embedded index is not mentioned.
    assert "index update" not in result.stderr
    return (project / "nix" / "python-env.nix").read_text()


def test_the_decided_version_is_checked_at_evaluation(project: Path) -> None:
    text = env_of(project)
    assert 'a-tool = "1.0";' in text
    assert "Run: uvlock2nix index update, then uvlock2nix generate" in text
    assert "uvEnvKeep" not in text


def test_the_users_choice_between_nixpkgs_and_the_lock_reaches_the_environment(project: Path) -> None:
    text = env_of(project, '[tool.uvlock2nix.collisions]\n"bin/tool" = "a-tool"\n')
    assert re.search(r'uvEnvKeep = \[ "bin/tool=a-tool" \];', text)
