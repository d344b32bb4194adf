"""Sources of builds: unpacked where nothing gets out, and patched."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uvlock2nix.build.programs import Runner
from uvlock2nix.build.sources import prepare
from uvlock2nix.build.unpack import Limits, plain, unpack
from uvlock2nix.build.values import Build, BuildContext, NativeBuild, Source
from uvlock2nix.errors import InputError, ToolError


def tar(path: Path, *members: tarfile.TarInfo | tuple[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                item = tarfile.TarInfo(member[0])
                item.size = len(member[1])
                archive.addfile(item, io.BytesIO(member[1]))
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    item = tarfile.TarInfo(name)
    item.type = kind
    item.linkname = target
    return item


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", ""])
def test_a_tar(tmp_path: Path, kind: str) -> None:
    archive = tar(
        tmp_path / f"x-1.tar.{kind}", ("x-1/setup.py", b"1"), ("x-1/a/b.py", b"2"), mode=f"w:{kind}"
    )
    top = unpack(archive, tmp_path / "out")
    assert top == tmp_path / "out" / "x-1"
    assert (top / "a" / "b.py").read_bytes() == b"2"


def test_a_zip(tmp_path: Path) -> None:
    archive = tmp_path / "x-1.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("x-1/a.py", "1")
        item = zipfile.ZipInfo("x-1/configure")
        item.external_attr = 0o100755 << 16
        zipped.writestr(item, "#!/bin/sh\n")
    top = unpack(archive, tmp_path / "out")
    assert top.name == "x-1"
    assert (top / "configure").stat().st_mode & stat.S_IXUSR
    assert not (top / "a.py").stat().st_mode & stat.S_IXUSR


def test_without_a_top_folder_it_must_hold_a_project(tmp_path: Path) -> None:
    flat = tar(tmp_path / "a.tar.gz", ("pyproject.toml", b""), ("a/x.py", b""), ("b/x.py", b""))
    assert unpack(flat, tmp_path / "flat") == tmp_path / "flat"
    two = tar(tmp_path / "b.tar.gz", ("a/setup.py", b""), ("b/setup.py", b""))
    with pytest.raises(InputError, match="2 folders at its top"):
        unpack(two, tmp_path / "two")
    with pytest.raises(InputError, match="0 folders at its top"):
        unpack(tar(tmp_path / "c.tar.gz"), tmp_path / "none")


HOSTILE: dict[str, tuple[tarfile.TarInfo | tuple[str, bytes], ...]] = {
    "up": (("../victim", b"bad"),),
    "up in the middle": (("x/../../victim", b"bad"),),
    "symlink out": (special("x/l", tarfile.SYMTYPE, "../.."), ("x/l/victim", b"bad")),
    "symlink absolute": (special("x/l", tarfile.SYMTYPE, "/"),),
    "symlink chain": (
        special("x/a", tarfile.SYMTYPE, "."),
        special("x/a/b", tarfile.SYMTYPE, "../.."),
        ("x/b/victim", b"bad"),
    ),
    "hard link out": (special("x/l", tarfile.LNKTYPE, "../victim"),),
    "hard link absolute": (special("x/l", tarfile.LNKTYPE, "/etc/passwd"),),
    "device": (special("x/dev", tarfile.CHRTYPE),),
    "block device": (special("x/dev", tarfile.BLKTYPE),),
    "pipe": (special("x/pipe", tarfile.FIFOTYPE),),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_tars(tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"untouched")
    with pytest.raises(InputError, match="cannot be unpacked"):
        unpack(tar(tmp_path / "x-1.tar.gz", *HOSTILE[name]), tmp_path / "out")
    assert victim.read_bytes() == b"untouched"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "victim", "x-1.tar.gz"]
    for path in (tmp_path / "out").rglob("*"):
        assert stat.S_ISREG(path.lstat().st_mode) or stat.S_ISDIR(path.lstat().st_mode) or path.is_symlink()


def test_an_absolute_name_lands_inside(tmp_path: Path) -> None:
    unpack(tar(tmp_path / "x.tar.gz", (f"{tmp_path}/victim", b"1")), tmp_path / "out")
    assert not (tmp_path / "victim").exists()


def test_no_setuid(tmp_path: Path) -> None:
    item = tarfile.TarInfo("x/tool")
    item.mode = 0o6777
    top = unpack(tar(tmp_path / "x.tar.gz", item), tmp_path / "out")
    assert not (top / "tool").stat().st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH)


def make_zip(path: Path, *items: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for item, data in items:
            zipped.writestr(item, data)
    return path


def test_hostile_zips(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("x/l")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(InputError, match="symlink"):
        unpack(make_zip(tmp_path / "a.zip", (link, b"/etc")), tmp_path / "a")
    unpack(make_zip(tmp_path / "b.zip", ("../../victim", b"1"), ("x/y", b"")), tmp_path / "b" / "b")
    assert not (tmp_path / "victim").exists()
    assert not (tmp_path / "b" / "victim").exists()


def zip_with_password(path: Path) -> Path:
    data = bytearray(make_zip(path, ("x/y", b"1")).read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + offset] |= 1
    path.write_bytes(data)
    return path


def zip_with_odd_compression(path: Path) -> Path:
    data = bytearray(make_zip(path, ("x/y", b"1" * 99)).read_bytes())
    for magic, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.index(magic) + offset] = 97
    path.write_bytes(data)
    return path


def bad_deflate(path: Path) -> Path:
    data = bytearray(gzip.compress(tar(path, ("x/y", bytes(100_000)), mode="w:").read_bytes()))
    data[40:60] = b"\xff" * 20
    path.write_bytes(data)
    return path


def truncated(path: Path) -> Path:
    data = tar(path, ("x/y", bytes(range(256)) * 999)).read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def text(path: Path) -> Path:
    path.write_text("<html>not an archive</html>")
    return path


@pytest.mark.parametrize("make", [zip_with_password, zip_with_odd_compression, bad_deflate, truncated, text])
def test_damaged(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    with pytest.raises(InputError, match=r"x\.tar\.gz: cannot be unpacked"):
        unpack(make(tmp_path / "x.tar.gz"), tmp_path / "out")


def test_bombs_are_not_unpacked(tmp_path: Path) -> None:
    small = Limits(always_fine=1 << 20)
    zeros = bytes(3 << 20)
    with pytest.raises(InputError, match="more than 1 MiB"):
        unpack(tar(tmp_path / "x.tar.gz", ("x/zeros", zeros)), tmp_path / "a", small)
    with pytest.raises(InputError, match="more than 1 MiB"):
        unpack(make_zip(tmp_path / "x.zip", ("x/zeros", zeros)), tmp_path / "b", small)
    assert not list(tmp_path.rglob("zeros"))
    many = [(f"x/{number}", b"") for number in range(10)]
    with pytest.raises(InputError, match="9 files"):
        unpack(tar(tmp_path / "y.tar.gz", *many), tmp_path / "c", Limits(entries=9))
    assert len(list((tmp_path / "c" / "x").iterdir())) == 9


def test_honest_archives_are_far_from_the_bound(tmp_path: Path) -> None:
    source = b"".join(f"def function_{number}(): return {number}\n".encode() for number in range(200_000))
    unpack(tar(tmp_path / "x.tar.gz", ("x/big.py", source)), tmp_path / "out")


@settings(max_examples=60)
@given(st.data())
def test_any_damage_is_an_error_or_none(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damage", numbered=True)
    archive = folder / data.draw(st.sampled_from(["x.tar.gz", "x.zip"]))
    (make_zip if archive.suffix == ".zip" else tar)(archive, ("x/y", b"1" * 500))
    content = bytearray(archive.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    archive.write_bytes(content)
    with contextlib.suppress(InputError):
        unpack(archive, folder / "out")
    assert {path.name for path in folder.iterdir()} == {archive.name, "out"}


@pytest.mark.parametrize(
    ("name", "kind", "link"),
    [
        ("../out", tarfile.REGTYPE, ""),
        ("/etc/out", tarfile.REGTYPE, ""),
        ("a/link", tarfile.SYMTYPE, "../../out"),
        ("a/link", tarfile.SYMTYPE, "/etc/passwd"),
        ("a/link", tarfile.LNKTYPE, "../out"),
        ("a/device", tarfile.CHRTYPE, ""),
    ],
)
def test_a_python_without_filters_refuses_the_same(tmp_path: Path, name: str, kind: bytes, link: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    with pytest.raises(ValueError, match=r"points outside|neither"):
        plain(member, tmp_path)


def test_a_python_without_filters_keeps_what_is_harmless(tmp_path: Path) -> None:
    member = tarfile.TarInfo("a/run")
    member.mode, member.uid = 0o6777, 4711
    kept = plain(member, tmp_path)
    assert (kept.name, kept.mode, kept.uid) == ("a/run", 0o755, os.getuid())


PATCH = """\
--- a/pkg/pyproject.toml
+++ b/pkg/pyproject.toml
@@ -1,2 +1,2 @@
 [build-system]
-requires = ["old"]
+requires = ["new"]
"""


def patched(tmp_path: Path, *patches: str) -> tuple[Path, str]:
    """A source with its project in a subfolder: its tree, and what its build system requires."""
    project = ("x-1/pkg/pyproject.toml", b'[build-system]\nrequires = ["old"]\n')
    archive = tar(tmp_path / "x-1.tar.gz", project, ("x-1/setup.py", b""))
    digest = "sha256:" + hashlib.sha256(archive.read_bytes()).hexdigest()
    files = []
    for number, text in enumerate(patches):
        files.append(tmp_path / f"{number}.patch")
        files[-1].write_text(text)
    source = Source(path=archive, filename=archive.name, hash=digest, subdirectory="pkg")
    context = BuildContext(Runner(), "uv", Path("/python"), tmp_path / "work", dict(os.environ), None)
    tree, system = prepare(Build("x", "1", source, NativeBuild(patches=tuple(map(str, files)))), context)
    return tree, system.requires[0]


def test_patches_change_the_source_before_it_is_read(tmp_path: Path) -> None:
    again = PATCH.replace('"new"', '"newer"').replace('"old"', '"new"')
    tree, requires = patched(tmp_path, PATCH, again)
    assert requires == "newer"
    assert [path.name for path in tree.iterdir()] == ["pyproject.toml"]


def test_a_patch_that_does_not_fit_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"applying 0\.patch to x"):
        patched(tmp_path, PATCH.replace('"old"', '"other"'))


def test_a_source_that_is_no_project(tmp_path: Path) -> None:
    """What git does not track is not in the source of a local package: not an error about setuptools then."""
    folder = tmp_path / "polls"
    (folder / "src").mkdir(parents=True)
    context = BuildContext(Runner(), "uv", Path("/python"), tmp_path / "work", dict(os.environ), None)
    build = Build("polls", "1", Source(folder=folder))
    with pytest.raises(
        InputError, match=r"building polls 1: neither pyproject\.toml nor setup\.py is in"
    ) as caught:
        prepare(build, context)
    assert "git add" in caught.value.hint
    (folder / "setup.py").write_text("")
    assert prepare(build, context)[0] == folder
