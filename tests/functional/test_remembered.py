"""Whatever generate was called with, the other commands read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import project_at, uvlock2nix
from uvlock2nix.pins import read_pins

GIVEN = (
    ["--python", "3.13.15"],
    ["--python", "3.12"],
    ["--extra", "more"],
    ["--all-extras", "--no-extra", "more"],
    ["--group", "dev"],
    ["--dev"],
    ["--only-dev"],
    ["--default-groups"],
    ["--default-groups", "--no-dev"],
    ["--all-groups"],
    ["--only-group", "dev"],
    ["--system", "aarch64-darwin", "--macos", "15.2"],
    ["--system", "x86_64-linux", "--system", "aarch64-darwin", "--libc", "glibc-2.35", "--macos", "14"],
    ["--libc", "musl-1.2", "--system", "x86_64-linux"],
    ["--from-nixpkgs", "none"],
    ["--from-nixpkgs", "same", "--python", "3.13.2", "--extra", "more"],
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def out_of_date(project: Path) -> list[str]:
    """What check reports, except for hashes that were never computed."""
    result = uvlock2nix("check", "--json", str(project))
    reasons: list[str] = json.loads(result.stdout)["reasons"]
    return [reason for reason in reasons if not reason.endswith("is not known yet")]


def packages(project: Path, *options: str) -> set[str]:
    result = uvlock2nix("classify", "--no-inspect", "--json", *options, str(project))
    assert result.error is None
    return {one["name"] for one in json.loads(result.stdout)["packages"]}


@pytest.mark.parametrize("given", GIVEN, ids=" ".join)
def test_check_agrees_with_what_generate_was_called_with(tmp_path: Path, given: list[str]) -> None:
    project = project_at(tmp_path / "app")
    assert uvlock2nix("generate", *given, str(project)).error is None
    written = {path.name: path.read_bytes() for path in (project / "nix").iterdir()}
    assert out_of_date(project) == []
    assert uvlock2nix("generate", *given, "--check", str(project)).error is None
    # The words in the pins are options of generate that make the same files.
    words = json.loads(written["python-deps.json"])["generate"]
    assert words
    assert uvlock2nix("generate", *words, str(project)).stdout == "all files are up to date\n"


def test_a_patch_release_decides_on_both_sides_of_a_marker(tmp_path: Path) -> None:
    project = project_at(tmp_path / "app")
    for python, has in (("3.13.15", True), ("3.13.16", False), ("3.13", False)):
        assert uvlock2nix("generate", "--python", python, str(project)).error is None
        assert ("older" in packages(project)) is has
        assert out_of_date(project) == []


def test_classify_says_what_it_takes_over(tmp_path: Path) -> None:
    project = project_at(tmp_path / "app")
    uvlock2nix("generate", "--extra", "more", "--python", "3.12", str(project))
    assert packages(project) == {"always", "older", "extra-one"}
    result = uvlock2nix("classify", "--no-inspect", str(project))
    assert "with the options of the last generate: --extra=more --python=3.12" in result.stderr
    assert packages(project, "--group", "dev") == {"always", "older", "for-dev"}


def test_sbom_reads_it_back_too(tmp_path: Path) -> None:
    project = project_at(tmp_path / "app")
    uvlock2nix("generate", "--extra", "more", "--python", "3.13.15", str(project))
    listed = json.loads(uvlock2nix("sbom", str(project)).stdout)["components"]
    assert {one["name"] for one in listed} == {"always", "older", "extra-one"}


def test_what_pyproject_says_is_followed_and_noticed(tmp_path: Path) -> None:
    project = project_at(tmp_path / "app", table='python = "3.13.15"\nextra = ["more"]\n')
    assert uvlock2nix("generate", str(project)).error is None
    assert json.loads((project / "nix" / "python-deps.json").read_text())["generate"] == []
    assert out_of_date(project) == []
    assert packages(project) == {"always", "older", "extra-one"}
    project_at(project, table='python = "3.13.15"\n')
    assert "nix/python-deps.nix differs from what generate would write" in out_of_date(project)


def test_the_command_line_goes_over_pyproject(tmp_path: Path) -> None:
    project = project_at(tmp_path / "app", table='default-groups = true\nextra = ["more"]\n')
    assert uvlock2nix("generate", "--no-default-groups", str(project)).error is None
    assert packages(project) == {"always", "extra-one"}
    assert out_of_date(project) == []
    # What excludes each other on a command line does not meet across the two.
    assert uvlock2nix("generate", "--only-dev", str(project)).error is None
    assert packages(project) == {"for-dev"}


def test_another_selection_is_refused_with_the_command_that_makes_it(tmp_path: Path) -> None:
    project = project_at(tmp_path / "a project")
    uvlock2nix("generate", "--python", "3.12", "--from-nixpkgs", "none", str(project))
    result = uvlock2nix("update-hash", "--extra", "more", "--no-nix", str(project))
    wanted = f"uvlock2nix generate --extra=more --python=3.12 --from-nixpkgs=none '{project}'"
    assert wanted in result.hint


def test_generate_says_that_it_was_called_otherwise_before(tmp_path: Path) -> None:
    project = project_at(tmp_path / "app")
    uvlock2nix("generate", "--extra", "more", str(project))
    again = uvlock2nix("generate", str(project))
    assert "the last generate was called with --extra=more, this one with none" in again.stderr


def test_pins_of_an_older_version_remember_what_the_nix_file_says(tmp_path: Path) -> None:
    project = project_at(tmp_path / "app")
    uvlock2nix("generate", "--extra", "more", "--python", "3.12", "--libc", "glibc-2.35", str(project))
    pins = project / "nix" / "python-deps.json"
    value = json.loads(pins.read_text())
    del value["generate"]
    pins.write_text(json.dumps(value))
    assert out_of_date(project) == []
    assert packages(project) == {"always", "older", "extra-one"}
    assert read_pins(pins).generate is None


@pytest.mark.parametrize("pinned", ["", "3.13.15"])
def test_init_keeps_the_patch_release(tmp_path: Path, pinned: str) -> None:
    project = project_at(tmp_path / "app")
    if pinned:
        (project / ".python-version").write_text(f"{pinned}\n")
    given = [] if pinned else ["--python", "3.13.15"]
    assert uvlock2nix("init", "--yes", "--no-hash", *given, str(project)).error is None
    assert "older" in packages(project)
    assert out_of_date(project) == []
    assert uvlock2nix("generate", "--check", str(project)).error is None


def test_a_folder_that_is_no_project_is_reported_once(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "app"\nversion = "1"\n')
    done = uvlock2nix("classify", str(tmp_path))
    assert done.error is not None
    assert "has no uv.lock" in str(done.error)
    assert "has no uv.lock" not in done.stderr


def test_in_the_folder_of_a_member_a_command_means_that_member(tmp_path: Path) -> None:
    """The files are where the lock is; what was asked for holds in the workspace's folder too."""
    workspace = tmp_path / "workspace"
    for name in ("api", "worker"):
        (workspace / name).mkdir(parents=True)
        (workspace / name / "pyproject.toml").write_text(
            f'[project]\nname = "{name}"\nversion = "1"\nrequires-python = ">=3.11"\n'
        )
    (workspace / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["api", "worker"]\n')
    entries = "".join(
        f'\n[[package]]\nname = "{name}"\nversion = "1"\nsource = {{ virtual = "{name}" }}\n'
        for name in ("api", "worker")
    )
    (workspace / "uv.lock").write_text(
        'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n\n[manifest]\nmembers = ["api", "worker"]\n'
        + entries
    )
    member = workspace / "api"
    assert uvlock2nix("generate", "--python", "3.13", str(member)).error is None
    assert not (member / "nix").exists()
    pins = json.loads((workspace / "nix" / "python-deps.json").read_text())
    assert "--package=api" in pins["generate"]
    for folder in (member, workspace):
        assert out_of_date(folder) == []
    assert uvlock2nix("generate", "--python", "3.13", str(member), "--check").error is None
