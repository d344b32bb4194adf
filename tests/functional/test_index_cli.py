import json
import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from uvlock2nix.cli.classify import command as classify
from uvlock2nix.cli.index import command
from uvlock2nix.errors import InputError, ToolError, UsageError

ROOT = Path(__file__).parents[2]
AUTHENTIK = ROOT / "fixtures" / "authentik"
CHANNEL = {
    "version": 2,
    "packages": {
        "python313Packages.gssapi": {
            "name": "python3.13-gssapi-1.11.1",
            "pname": "gssapi",
            "version": "1.11.1",
        },
        "python313Packages.decorator": {"name": "decorator-5.3.1", "pname": "decorator", "version": "5.3.1"},
    },
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*args: str) -> Result:
    return CliRunner().invoke(command, args)


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_an_index_from_a_channel_file_changes_the_classes(tmp_path: Path) -> None:
    file = tmp_path / "packages.json"
    file.write_text(json.dumps(CHANNEL))
    result = run("update", "--channel", str(file))
    assert result.exit_code == 0, result.output
    assert "Python 3.13: 2 packages" in result.stdout
    assert "channel" in run("show", str(AUTHENTIK)).stdout
    args = [str(AUTHENTIK), "--system", "x86_64-linux", "--python", "3.13", "--no-inspect", "--json"]
    found = {p["name"]: p for p in json.loads(CliRunner().invoke(classify, args).stdout)["packages"]}
    assert found["gssapi"]["class"] == "nixpkgs"
    assert found["decorator"]["class"] == "nixpkgs"
    assert found["decorator"]["reasons"][0].startswith("nixpkgs' gssapi brings it")
    assert found["lxml"]["nixpkgs"]["match"] == "absent"


def test_a_packed_channel_goes_through_brotli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "brotli", None)
    monkeypatch.setitem(__import__("sys").modules, "brotlicffi", None)
    program(tmp_path / "bin", "brotli", "exec /bin/cat\n")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    file = tmp_path / "packages.json.br"
    file.write_text(json.dumps(CHANNEL))
    assert run("update", "--channel", str(file)).exit_code == 0
    program(tmp_path / "bin", "brotli", "exit 1\n")
    result = run("update", "--channel", str(file))
    assert isinstance(result.exception, InputError)
    assert "not good brotli" in result.exception.message or "no packages" in result.exception.message


def test_a_torn_channel(tmp_path: Path) -> None:
    file = tmp_path / "packages.json"
    file.write_text(json.dumps(CHANNEL)[:-20])
    result = run("update", "--channel", str(file))
    assert isinstance(result.exception, InputError)
    assert not (tmp_path / "cache").exists()


NIX = """\
for word in "$@"; do [ "$word" = names ] && asked=1; done
if [ -n "$asked" ]; then
  echo '{"lxml": {"pname": "lxml", "version": "6.0.2", "name": "lxml-6.0.2", "pypi": null, "usable": true}}'
else
  echo '{"names": ["lxml"], "version": "26.05pre20260102.abcdef0"}'
fi
"""


def test_an_index_through_nix_is_kept_for_the_pinned_nixpkgs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "nix-instantiate", NIX)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    project = tmp_path / "p"
    project.mkdir()
    locked = {"type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "a" * 40, "narHash": "sha256-x"}
    nodes = {"root": {"inputs": {"nixpkgs": "nixpkgs"}}, "nixpkgs": {"locked": locked}}
    (project / "flake.lock").write_text(json.dumps({"nodes": nodes, "root": "root", "version": 7}))
    result = run("update", str(project), "--python", "3.13", "--system", "x86_64-linux")
    assert result.exit_code == 0, result.output
    shown = run("show", str(project)).stdout
    assert "26.05pre20260102.abcdef0, as of 2026-01-02" in shown
    assert "Python 3.13: 1 packages" in shown
    # Another project, which pins nothing, does not get the index of this one's pin.
    assert "embedded" in run("show", str(tmp_path)).stdout


def test_without_nix_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("NIX_PATH", "nixpkgs=/nowhere")
    result = run("update", str(tmp_path))
    assert isinstance(result.exception, ToolError)
    assert result.exception.hint


def test_one_source_at_a_time() -> None:
    result = run("update", "--channel", "x", "--nixpkgs", "y")
    assert isinstance(result.exception, UsageError)


def test_a_torn_index_is_named_and_can_be_made_again(tmp_path: Path) -> None:
    file = tmp_path / "packages.json"
    file.write_text(json.dumps(CHANNEL))
    assert run("update", "--channel", str(file)).exit_code == 0
    (index,) = (tmp_path / "cache").rglob("*.json.gz")
    index.write_bytes(b"torn")
    result = run("show")
    assert isinstance(result.exception, InputError)
    assert str(index) in result.exception.message
    assert run("update", "--channel", str(file)).exit_code == 0
    assert run("show").exit_code == 0
