import bz2
import gzip
import io
import lzma
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uvlock2nix.errors import InputError
from uvlock2nix.knowledge import archive
from uvlock2nix.knowledge.archive import read_archive, read_tree


def tar_bytes(files: dict[str, bytes], odd: Callable[[tarfile.TarFile], None] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        if odd is not None:
            odd(tar)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


FILES = {"p-1.0/setup.py": b"setup()", "p-1.0/src/a.c": b"int x;", "p-1.0/data.bin": b"\xff\xfe"}


def everything(_name: str) -> bool:
    return True


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, bytes])
def test_tars_are_read_below_their_top_directory(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "p-1.0.tar.gz"
    path.write_bytes(pack(tar_bytes(FILES)))
    found = read_archive(path, lambda name: name == "setup.py")
    assert found.names == ("setup.py", "src/a.c", "data.bin")
    assert found.texts == {"setup.py": "setup()"}
    assert found.oddities == ()


def test_zips_too(tmp_path: Path) -> None:
    path = tmp_path / "p-1.0.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, data in FILES.items():
            file.writestr(name, data)
    found = read_archive(path, everything)
    assert found.texts["src/a.c"] == "int x;"
    assert found.texts["data.bin"] == "\ufffd\ufffd"


def test_nothing_is_written_for_names_that_point_outside(tmp_path: Path) -> None:
    path = tmp_path / "in" / "p.tar"
    path.parent.mkdir()
    path.write_bytes(tar_bytes({"../evil.py": b"x", "/etc/evil": b"x", "p/../../evil": b"x", **FILES}))
    found = read_archive(path, everything)
    assert len(found.oddities) == 3
    assert not any(".." in name or name.startswith("/") for name in found.texts)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["in", "p.tar"]


def test_links_and_devices_are_not_followed(tmp_path: Path) -> None:
    def odd(tar: tarfile.TarFile) -> None:
        for name, kind, target in (
            ("p/pyproject.toml", tarfile.SYMTYPE, "/etc/passwd"),
            ("p/hard.py", tarfile.LNKTYPE, "../../etc/passwd"),
            ("p/fifo", tarfile.FIFOTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            tar.addfile(info)

    path = tmp_path / "p.tar"
    path.write_bytes(tar_bytes(FILES, odd))
    assert set(read_archive(path, everything).texts) == {"setup.py", "src/a.c", "data.bin"}


def test_a_bomb_ends_in_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_UNPACKED", 1 << 20)
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(gzip.compress(tar_bytes({"p/zeros": bytes(8 << 20)})))
    with pytest.raises(InputError, match="unpacks to more than"):
        read_archive(path, lambda _name: False)


def test_a_huge_extended_header_is_refused_before_it_is_read(tmp_path: Path) -> None:
    header = tarfile.TarInfo("p/long")
    header.type, header.size = tarfile.XHDTYPE, 1 << 33
    path = tmp_path / "p.tar"
    path.write_bytes(header.tobuf(format=tarfile.GNU_FORMAT) + bytes(2048))
    with pytest.raises(InputError, match="header of"):
        read_archive(path, everything)


def test_xz_may_not_ask_for_any_amount_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_XZ_MEMORY", 1 << 20)
    path = tmp_path / "p.tar.xz"
    path.write_bytes(lzma.compress(tar_bytes(FILES), preset=9))
    with pytest.raises(InputError, match="cannot be read"):
        read_archive(path, everything)


def test_a_cut_xz(tmp_path: Path) -> None:
    path = tmp_path / "p.tar.xz"
    path.write_bytes(lzma.compress(tar_bytes(FILES))[:-40])
    with pytest.raises(InputError, match="cannot be read"):
        read_archive(path, everything)


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 10)
    path = tmp_path / "p.tar"
    path.write_bytes(tar_bytes({f"p/{i}": b"" for i in range(11)}))
    with pytest.raises(InputError, match="more than 10 files"):
        read_archive(path, everything)


def test_a_big_build_file_is_noted_and_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILE", 100)
    path = tmp_path / "p.tar"
    path.write_bytes(tar_bytes({"p/setup.py": bytes(101), "p/a.py": b"a"}))
    found = read_archive(path, everything)
    assert found.oddities == ("setup.py was not read: too big",)
    assert set(found.texts) == {"a.py"}


def test_an_empty_archive_and_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "p.tar"
    path.write_bytes(tar_bytes({}))
    with pytest.raises(InputError, match="no files"):
        read_archive(path, everything)
    with pytest.raises(InputError, match="cannot be read"):
        read_archive(tmp_path / "absent.tar.gz", everything)


GOOD = gzip.compress(tar_bytes(FILES), mtime=0)


def read_bytes(data: bytes, name: str) -> archive.Archive | InputError:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        try:
            return read_archive(path, everything)
        except InputError as error:
            return error


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=8), st.booleans())
def test_damage_is_an_error_of_ours_or_harmless(position: int, noise: bytes, cut: bool) -> None:
    found = read_bytes(GOOD[:position] + noise + (b"" if cut else GOOD[position + len(noise) :]), "p.tar.gz")
    assert not isinstance(found, InputError) or "p.tar.gz" in found.message


@settings(deadline=None)
@given(st.binary(max_size=600))
def test_noise_in_a_tar_is_an_error_of_ours_or_harmless(noise: bytes) -> None:
    found = read_bytes(noise + tar_bytes(FILES)[len(noise) :], "p.tar")
    assert not isinstance(found, InputError) or found.hint


def test_trees_on_disk_without_following_links(tmp_path: Path) -> None:
    secret = tmp_path / "secret.py"
    secret.write_text("secret")
    tree = tmp_path / "tree"
    (tree / ".git").mkdir(parents=True)
    (tree / ".git" / "x.py").write_text("x")
    (tree / "setup.py").write_text("setup()")
    (tree / "link.py").symlink_to(secret)
    found = read_tree(tree, everything)
    assert found.texts == {"setup.py": "setup()"}
    with pytest.raises(InputError, match="no source tree"):
        read_tree(tmp_path / "nothing", everything)
