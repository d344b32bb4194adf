"""Build requirements that are files: what the derivation of one sdist installs, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.support.packages import make_sdist, make_wheel
from uvlock2nix.build.given import named_wheels
from uvlock2nix.errors import InputError

BACKEND = """\
import shutil
def get_requires_for_build_wheel(settings=None):
    return ASKED
def build_wheel(folder, settings=None, metadata=None):
    import extra
    shutil.copyfile("made.whl", folder + "/made-1.0-py3-none-any.whl")
    return "made-1.0-py3-none-any.whl"
"""


def source(folder: Path, asked: list[str]) -> Path:
    made = make_wheel(folder / "made", "made", {"made.py": ""})
    archive = make_sdist(
        folder,
        "made",
        {
            "made.whl": made.read_bytes(),
            "pyproject.toml": '[build-system]\nrequires = ["backend>=1"]\nbuild-backend = "backend"\n',
        },
    )
    make_wheel(folder / "given", "backend", {"backend.py": BACKEND.replace("ASKED", repr(asked))})
    make_wheel(folder / "given", "extra", {"extra.py": ""})
    make_wheel(folder / "given", "more", {"more.py": ""})
    return archive


def uvlock2nix(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "uvlock2nix", "sdist", *map(str, arguments)]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def build(
    folder: Path, asked: list[str], given: list[str], more: list[str]
) -> subprocess.CompletedProcess[str]:
    archive = source(folder, asked)
    unpacked = uvlock2nix("unpack", archive, folder / "source", "--file", archive.name)
    assert unpacked.returncode == 0, unpacked.stderr
    flags = [
        f"--given={name}-1.0-py3-none-any.whl={folder}/given/{name}-1.0-py3-none-any.whl" for name in given
    ]
    flags += [
        f"--asked={name}-1.0-py3-none-any.whl={folder}/given/{name}-1.0-py3-none-any.whl" for name in more
    ]
    version = ".".join(map(str, sys.version_info[:3]))
    return uvlock2nix(
        "build", unpacked.stdout.strip(), folder / "dist", "--name=made", "--version=1.0",
        "--system=x86_64-linux", f"--python={version}", f"--interpreter={sys.executable}",
        f"--work={folder}/work", f"--uv={Path(sys.executable).with_name('uv')}", *flags,
    )  # fmt: skip


def test_what_is_given_is_installed(tmp_path: Path) -> None:
    done = build(tmp_path, [], ["backend", "extra"], [])
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "dist").iterdir()] == ["made-1.0-py3-none-any.whl"]


def test_what_is_asked_for(tmp_path: Path) -> None:
    done = build(tmp_path, ["more", "extra; python_version > '3'"], ["backend"], ["extra", "more"])
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("asked", "given", "named"),
    [(["other>=2"], ["backend", "extra"], "other>=2"), ([], ["extra"], "backend>=1")],
)
def test_what_is_missing_is_named(tmp_path: Path, asked: list[str], given: list[str], named: str) -> None:
    done = build(tmp_path, asked, given, [])
    assert done.returncode == 4
    assert f"{named} is not among the locked build requirements" in done.stderr
    assert f'build-requires = ["{named}"] under [tool.uvlock2nix.native.made]' in done.stderr


def test_a_tree_and_its_subdirectory(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "python").mkdir(parents=True)
    (tree / "python" / "pyproject.toml").write_text("")
    (tree / "python" / "pyproject.toml").chmod(0o444)
    done = uvlock2nix("unpack", tree, tmp_path / "source", "--subdirectory", "python")
    assert done.stdout == f"{tmp_path}/source/python\n"
    (tmp_path / "source" / "python" / "pyproject.toml").write_text("can be patched")
    outside = uvlock2nix("unpack", tree, tmp_path / "other", "--subdirectory", "..")
    assert outside.returncode == 3
    assert "is not in the source" in outside.stderr


def test_the_name_says_how_it_is_packed(tmp_path: Path) -> None:
    archive = source(tmp_path, [])
    assert tarfile.is_tarfile(archive)
    stored = tmp_path / "hash-made-1.0.tar.gz"
    archive.rename(stored)
    done = uvlock2nix("unpack", stored, tmp_path / "source", "--file", "made-1.0.tar.gz")
    assert (Path(done.stdout.strip()) / "pyproject.toml").exists()


def test_wheels_under_their_own_names(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "built", "x", {"x.py": ""})
    stored = tmp_path / f"hash-{wheel.name}"
    stored.write_bytes(wheel.read_bytes())
    found = named_wheels([f"y-1-py3-none-any.whl={stored}", f"x={wheel.parent}"], tmp_path / "links")
    assert [path.name for path in found] == ["y-1-py3-none-any.whl", wheel.name]
    for text in ("no-equals", "x.tar.gz=/dev/null", f"../x.whl={stored}", f"x.whl={tmp_path}/missing"):
        with pytest.raises(InputError):
            named_wheels([text], tmp_path / "links")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="0 wheels"):
        named_wheels([f"x={tmp_path}/empty"], tmp_path / "links")
