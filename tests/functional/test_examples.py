"""Every example of the pages is read by what it is written for: Nix, TOML, JSON, YAML, our command line."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest
import tomli
import yaml

from tests.support.pages import Example, examples
from tests.support.stand import REPO, STAND, require_stand
from uvlock2nix.classify.policy import parse_lists
from uvlock2nix.cli.app import COMMANDS
from uvlock2nix.config import parse_config
from uvlock2nix.knowledge.user import parse_user_native
from uvlock2nix.service import parse_service

TOOLS = Path(sys.executable).parent
UVLOCK2NIX = (sys.executable, "-m", "uvlock2nix")


def names(example: Example) -> str:
    return example.where


def test_there_are_examples_of_every_kind() -> None:
    for language in ("nix", "toml", "json", "yaml", "sh", "console"):
        assert examples(language), language


@pytest.mark.parametrize("example", examples("toml"), ids=names)
def test_toml_is_what_our_readers_accept(example: Example) -> None:
    tool = tomli.loads(example.text).get("tool", {})
    assert set(tool) <= {"uvlock2nix", "uv"}
    table = tool.get("uvlock2nix", {})
    parse_config(table)
    parse_user_native(table.get("native", {}))
    parse_lists(table.get("nixpkgs", {}))
    parse_service(table.get("service", {}))


@pytest.mark.parametrize("example", examples("json"), ids=names)
def test_json_is_json(example: Example, tmp_path: Path) -> None:
    text = example.text if example.text.lstrip().startswith("{") else "{" + example.text + "}"
    value = json.loads(text)
    if "packageRules" in value:
        accepted(tmp_path / "renovate.json", text, "vendor.renovate")


@pytest.mark.parametrize("example", examples("yaml"), ids=names)
def test_yaml_is_what_its_reader_accepts(example: Example, tmp_path: Path) -> None:
    value = yaml.safe_load(example.text)
    if "repos" in value:
        ours = yaml.safe_load((REPO / ".pre-commit-hooks.yaml").read_text())
        used = {hook["id"] for repo in value["repos"] for hook in repo["hooks"]}
        assert used <= {hook["id"] for hook in ours}
    else:
        accepted(tmp_path / "workflow.yaml", example.text, "vendor.github-workflows")


def accepted(file: Path, text: str, schema: str) -> None:
    """Checked by the schema of those who read the file."""
    file.write_text(text)
    done = subprocess.run(
        [TOOLS / "check-jsonschema", "--builtin-schema", schema, file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """Every line of a shell example, of a workflow or of a configuration that runs uvlock2nix."""
    for example in examples("sh", "console", "yaml", "json"):
        for line in example.text.replace("\\\n", " ").splitlines():
            bare = line.removeprefix("$ ").removeprefix("# ").split("  #")[0]
            for match in re.finditer(
                r"(?:^|&& |\(|run: |uvx --from \S+ |-- )uvlock2nix ([a-z-][^|&;>)\"]*)", bare.strip()
            ):
                yield example.where, shlex.split(match[1].replace("…", "").replace("--yes,", ""))


@pytest.mark.parametrize(("where", "words"), list(command_lines()), ids=lambda value: " ".join(value)[:60])
def test_commands_of_the_pages_exist(
    where: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parsed by click, options and choices too; nothing is run."""
    if words[0] == "--version":
        return
    command: click.Command = import_module(f"uvlock2nix.cli.{COMMANDS[words[0]][0]}").command
    rest = words[1:]
    while isinstance(command, click.Group):
        command, rest = command.commands[rest[0]], rest[1:]
    for result in ("result", "result-venv"):
        (tmp_path / result).mkdir()
    monkeypatch.chdir(tmp_path)
    command.make_context(words[0], rest)


# What the blocks call by names that only a project has.
SCOPE = """
let
  pkgs = import <nixpkgs> { overlays = [ (import REPO/nix/overlay.nix) ]; };
  uvlock2nix = { lib = import REPO/nix/lib { overlay = import REPO/nix/overlay.nix; }; };
  nixpkgs = { inherit (pkgs) lib; legacyPackages.x86_64-linux = pkgs; };
  self = { outPath = ./.; };
  blog = uvlock2nix.lib.mkApplication { inherit pkgs; files = ./nix; };
  block =
BLOCK
  ;
  shown = value:
    if builtins.isFunction value then "function"
    else if value ? drvPath then builtins.seq value.drvPath "derivation"
    else builtins.concatStringsSep " " (builtins.attrNames value);
in
shown block
"""


@pytest.mark.stand
@pytest.mark.network
@pytest.mark.parametrize("example", examples("nix"), ids=names)
def test_nix_evaluates(example: Example, tmp_path: Path) -> None:
    """In a project with generated files; Nix itself says what the value is."""
    stand = require_stand("forky")
    project = shutil.copytree(
        REPO / "fixtures" / "hello", tmp_path / "hello", ignore=shutil.ignore_patterns("nix")
    )
    if "version =" in example.text:
        toml = project / "pyproject.toml"
        text = toml.read_text().replace('version = "1.0.0"', 'dynamic = ["version"]')
        text = text.replace('requires = ["hatchling>=1.24"]', 'requires = ["hatchling>=1.24", "hatch-vcs"]')
        toml.write_text(text + '[tool.hatch.version]\nsource = "vcs"\n')
    if "environments.plugins" in example.text:
        with (project / "pyproject.toml").open("a") as toml_file:
            toml_file.write("[tool.uvlock2nix.environments.plugins]\n")
    generate = ["generate", "--mode", "files", "--image", "--module", "--python", "3.13", str(project)]
    done = subprocess.run([*UVLOCK2NIX, *generate], capture_output=True, text=True, cwd=REPO, check=False)
    assert done.returncode == 0, done.stderr
    (project / "uvlock2nix").symlink_to(REPO)
    (project / "blog").symlink_to(project)
    text = example.text
    if re.match(r"\s*(outputs|inputs)\b", text):
        text = "{ " + text + " }"
    text = SCOPE.replace("BLOCK", text).replace("REPO", str(REPO))
    (project / "example.nix").write_text(text)
    shown = stand.run(
        ["nix-instantiate", "--eval", "--strict", str(project / "example.nix")],
        env={"NIX_PATH": f"nixpkgs={STAND / 'nixpkgs'}"},
        cwd=project,
    )
    assert len(shown.stdout.strip()) > 2
