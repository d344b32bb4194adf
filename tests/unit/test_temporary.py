from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from uvlock2nix.errors import InputError
from uvlock2nix.temporary import temporary_folder


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_a_killed_run_left_goes_and_nothing_else(base: Path) -> None:
    code = (
        "import os, sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from uvlock2nix.temporary import temporary_folder\n"
        "with temporary_folder() as folder:\n"
        "    (folder / 'big').write_text('x'); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(base)], check=False)
    (left,) = base.iterdir()
    others = ["uvlock2nix-run-mine", "uvlock2nix-run-of_users", "uvlock2nix", "uvlock2nix-run-12345678x"]
    for name in others:
        (base / name).mkdir(0o755)
    (base / "uvlock2nix-run-abcdefgh").write_text("a file")
    (base / "uvlock2nix-run-abcdefg2").symlink_to(base / "uvlock2nix")
    with temporary_folder() as folder, temporary_folder() as second:
        assert not left.exists()
        assert folder.is_dir()
        assert second.is_dir()
        assert folder.stat().st_mode & 0o777 == 0o700
    there = {path.name for path in base.iterdir()}
    assert there == {*others, "uvlock2nix-run-abcdefgh", "uvlock2nix-run-abcdefg2"}


def test_nowhere_to_write(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(base / "none"))
    with pytest.raises(InputError, match="temporary folder: No such file"), temporary_folder():
        pass
