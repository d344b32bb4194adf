"""A FIFO, a device or a huge file in any place that we read: an error at once, never a wait."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from uvlock2nix.errors import InputError
from uvlock2nix.inspect.archive import read_archive
from uvlock2nix.inspect.wheels import read_wheel
from uvlock2nix.net.hashes import check_file
from uvlock2nix.reading import OddFileError, open_regular, read_regular

REPO = Path(__file__).resolve().parents[2]
TARGET = ("--system", "x86_64-linux", "--python", "3.13")


def fifo(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


def folder(path: Path) -> None:
    path.mkdir()


KINDS = {"fifo": fifo, "device": device, "sparse": sparse, "folder": folder}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    left_out = shutil.ignore_patterns("nix", "result", ".venv", "__pycache__")
    return Path(shutil.copytree(REPO / "fixtures" / "hello", tmp_path / "hello", ignore=left_out))


def bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))


def run(project: Path, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "uvlock2nix", command, str(project), *arguments]
    env = dict(os.environ, XDG_CACHE_HOME=str(project.parent / "cache"), NO_COLOR="1")
    done = subprocess.run(
        argv, cwd=REPO, env=env, capture_output=True, text=True, timeout=60, preexec_fn=bounded
    )
    assert "Traceback" not in done.stderr
    assert "MemoryError" not in done.stderr
    return done


@pytest.mark.parametrize(
    ("name", "kind"),
    [("pyproject.toml", "fifo"), ("pyproject.toml", "sparse"), *(("uv.lock", k) for k in KINDS)],
)
def test_what_uv_reads(project: Path, name: str, kind: str) -> None:
    (project / name).unlink()
    KINDS[kind](project / name)
    done = run(project, "generate", *TARGET)
    assert done.returncode in (2, 3)
    assert done.stderr.count("error: ") == done.stderr.count("hint: ") == 1


@pytest.mark.parametrize(
    ("name", "kind"), [("uv.toml", "fifo"), ("uv.toml", "sparse"), (".python-version", "fifo")]
)
def test_what_uv_reads_if_it_is_there(project: Path, name: str, kind: str) -> None:
    (project / name).unlink(missing_ok=True)
    KINDS[kind](project / name)
    done = run(project, "generate", *TARGET)
    # What is not a file is not there; of a version file only the beginning is read.
    assert done.returncode in (0, 3)


@pytest.mark.parametrize("kind", ["fifo", "sparse"])
@pytest.mark.parametrize("name", ["python-deps.nix", "python-deps.json"])
def test_what_we_wrote(project: Path, name: str, kind: str) -> None:
    assert run(project, "generate", *TARGET).returncode == 0
    (project / "nix" / name).unlink()
    KINDS[kind](project / "nix" / name)
    for command in ("generate", "check"):
        done = run(project, command, *(TARGET if command == "generate" else ()))
        assert done.returncode in (1, 3)
        assert "error: " in done.stderr


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "read",
    [
        lambda path: read_archive(path, lambda _: True),
        read_wheel,
        lambda path: check_file(path, None) if path.stat().st_size < 1 << 30 else read_wheel(path),
    ],
)
def test_files_of_the_lock(tmp_path: Path, kind: str, read: Callable[[Path], object]) -> None:
    path = tmp_path / "x-1.0.tar.gz"
    KINDS[kind](path)
    with pytest.raises(InputError):
        read(path)


@pytest.mark.parametrize("kind", ["fifo", "device", "folder"])
def test_only_files_are_opened(tmp_path: Path, kind: str) -> None:
    KINDS[kind](tmp_path / "x")
    with pytest.raises(OddFileError) as caught, open_regular(tmp_path / "x"):
        pass
    assert caught.value.strerror in (
        "it is a FIFO, not a file",
        "it is a device, not a file",
        "it is a folder, not a file",
    )
    assert caught.value.filename == str(tmp_path / "x")


def test_no_more_is_read_than_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(1000))
    assert read_regular(path, 1000) == bytes(1000)
    with pytest.raises(OddFileError, match="larger than 999 bytes"):
        read_regular(path, 999)
    # It says that it is empty.
    with pytest.raises(OddFileError, match="larger than 10 bytes"):
        read_regular(Path("/proc/self/status"), 10)
    sparse(tmp_path / "y")
    with pytest.raises(OddFileError, match="larger than 64 MiB"):
        read_regular(tmp_path / "y")


def test_a_sparse_file_in_a_tree(tmp_path: Path) -> None:
    """Neither read as zeros, which would take hours, nor copied as zeros, which would fill the disk."""
    store_hash = "0123456789abcdfghijklmnpqrsvwxyz"
    tree = tmp_path / "tree"
    tree.mkdir()
    sparse(tree / "big")
    with (tree / "big").open("r+b") as file:
        file.seek(1 << 39)
        file.write(f"/nix/store/{store_hash}-libfoo-1.0/lib".encode())
    (tmp_path / "closure").write_text(f"/nix/store/{store_hash}-libfoo-1.0\n")
    words = ("--input", f"libfoo=/nix/store/{store_hash}-libfoo-1.0")
    command = [sys.executable, "-m", "uvlock2nix", "refs"]
    for more in (["strip", str(tree), "--closure", str(tmp_path / "closure")], ["restore", str(tree)]):
        done = subprocess.run([*command, *more, *words], cwd=REPO, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        with (tree / "big").open("rb") as file:
            file.seek(1 << 39)
            assert (store_hash.encode() in file.read(60)) == (more[0] == "restore")
    assert (tree / "big").stat().st_size == 1 << 40
    assert (tree / "big").stat().st_blocks < 1000
