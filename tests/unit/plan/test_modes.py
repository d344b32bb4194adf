"""The mode, and patches, which mode `sync` applies to what it builds only."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from tests.support.emit import plan_of, texts
from tests.support.stand import REPO
from uvlock2nix.app.missing_hashes import refuse_unlocked
from uvlock2nix.build_pins import BuildPins
from uvlock2nix.config import parse_config
from uvlock2nix.errors import ProjectError, UsageError
from uvlock2nix.modes import mode_of
from uvlock2nix.plan import Plan

LOCK = """\
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "app"
version = "1.0"
source = { virtual = "." }
dependencies = [{ name = "dep" }]

[[package]]
name = "dep"
version = "1.0"
source = { registry = "https://index.example/simple" }
wheels = [{ url = "https://files.example/dep-1.0-py3-none-any.whl", hash = "sha256:HASH", size = 1 }]
""".replace("HASH", "0" * 64)


def project(folder: Path, table: str) -> Path:
    (folder / "uv.lock").write_text(LOCK)
    (folder / "fix.patch").write_text("")
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.11"\ndependencies = ["dep"]\n'
        f"[tool.uvlock2nix.native.{table}\n"
    )
    return folder


def test_the_mode_of_a_project() -> None:
    assert mode_of(parse_config({})) is None
    assert mode_of(parse_config({"mode": "files"})) == "files"
    with pytest.raises(UsageError, match="no mode 'file'"):
        mode_of(parse_config({"mode": "file"}))


def test_patches(tmp_path: Path) -> None:
    plan = plan_of(project(tmp_path, 'Dep]\npatches = ["./fix.patch"]'), mode="files")
    assert plan.patches == (("dep", (PurePosixPath("fix.patch"),)),)


def test_patches_of_what_mode_sync_builds(tmp_path: Path) -> None:
    def planned(patch: str, table: str = 'Dep]\npatches = ["./fix.patch"]') -> Plan:
        folder = project(tmp_path, table)
        lock = folder / "uv.lock"
        sdist = '{ url = "https://files.example/dep-1.0.tar.gz", hash = "sha256:HASH", size = 1 }'
        lock.write_text(LOCK.partition("wheels")[0] + f"sdist = {sdist}\n".replace("HASH", "1" * 64))
        (folder / "fix.patch").write_text(patch)
        return plan_of(folder)

    plan = planned("--- a/x\n")
    assert PurePosixPath("fix.patch") in plan.files
    assert [(one.name, one.patches, one.systems) for one in plan.natives] == [
        ("dep", (PurePosixPath("fix.patch"),), ("x86_64-linux",))
    ]
    assert 'patches = [ "fix.patch" ];' in texts(plan)["python-deps.nix"]
    keys = {planned(patch).systems[0].key for patch in ("--- a/x\n", "--- a/y\n", "--- a/x\n")}
    assert len(keys) == 2
    assert planned("--- a/x\n", 'dep]\ncflags = ["-DX"]').systems[0].key not in keys
    both = planned("--- a/x\n", 'dep]\ncflags = ["-DX"]\npatches = ["fix.patch"]')
    assert [(one.inputs.build.cflags, len(one.patches)) for one in both.natives] == [(("-DX",), 1)]


@pytest.mark.parametrize(
    ("table", "mode", "message"),
    [
        ('dep]\npatches = ["./fix.patch"]', "sync", "installs the wheel of dep unchanged"),
        ('other]\npatches = ["./fix.patch"]', "files", "no package `other`"),
        ('dep]\npatches = ["missing.patch"]', "files", "is not a file below"),
        ('dep]\npatches = ["../fix.patch"]', "files", "is not a file below"),
        ('dep]\npatches = ["/etc/passwd"]', "files", "is not a file below"),
    ],
)
def test_patches_that_cannot_be(tmp_path: Path, table: str, mode: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan_of(project(tmp_path, table), mode=mode)  # type: ignore[arg-type]


def test_a_build_whose_requirements_are_not_locked(tmp_path: Path) -> None:
    """Neither is anything guessed, nor does the build fail much later."""
    plan = plan_of(REPO / "fixtures" / "hello", mode="files")
    refuse_unlocked(plan)
    with pytest.raises(ProjectError, match="the build requirements of hello-uv are not locked") as caught:
        refuse_unlocked(plan._replace(build_pins=BuildPins()))
    assert "uvlock2nix generate" in caught.value.hint
    refuse_unlocked(plan_of(project(tmp_path, "dep]\nenv = {}"), mode="files"))
