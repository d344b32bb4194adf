import bz2
import gzip
import io
import lzma
import tarfile
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uvlock2nix.errors import InputError
from uvlock2nix.inspect import archive
from uvlock2nix.inspect.archive import Limits, read_archive, read_tree


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
            ("p/char.py", tarfile.CHRTYPE, ""),
            ("p/block.py", tarfile.BLKTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            tar.addfile(info)

    path = tmp_path / "p.tar"
    path.write_bytes(tar_bytes(FILES, odd))
    assert set(read_archive(path, everything).texts) == {"setup.py", "src/a.c", "data.bin"}


def test_a_bomb_ends_in_an_error(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(gzip.compress(tar_bytes({"p/zeros": bytes(8 << 20)})))
    with pytest.raises(InputError, match="unpacks to more than"):
        read_archive(path, lambda _name: False, Limits(unpacked=1 << 20))


def test_a_real_bomb_costs_little_memory(tmp_path: Path) -> None:
    header = tarfile.TarInfo("p/setup.py")
    header.size = 1 << 33
    path = tmp_path / "bomb.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header.tobuf())
        for _ in range(80):
            file.write(bytes(1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="unpacks to more than"):
            read_archive(path, everything, Limits(unpacked=64 << 20))
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_zip_bomb_is_read_no_further_than_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("p/setup.py", bytes(64 << 20))
        file.writestr("p/a.py", "a")
    # A directory that says the file is small.
    data = bytearray(path.read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = (1000).to_bytes(4, "little")
    lying = tmp_path / "lying.zip"
    lying.write_bytes(data)
    for bomb in (path, lying):
        tracemalloc.start()
        try:
            found = read_bytes(bomb.read_bytes(), bomb.name)
            assert tracemalloc.get_traced_memory()[1] < 24 << 20
        finally:
            tracemalloc.stop()
        assert isinstance(found, InputError) or "setup.py" not in found.texts


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zips_packed_in_ways_without_a_bound_are_refused(tmp_path: Path, method: int) -> None:
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("p/setup.py", bytes(1 << 20))
    with pytest.raises(InputError, match="packed with method"):
        read_archive(path, everything)


def test_a_zip_with_a_huge_directory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w") as file:
        for number in range(1000):
            file.writestr(f"p/{number}", "")
    assert len(read_archive(path, everything).names) == 1000
    with pytest.raises(InputError, match="directory is larger"):
        read_archive(path, everything, Limits(directory=40_000))


def test_zip_names_and_links_do_not_leave(tmp_path: Path) -> None:
    path = tmp_path / "in" / "p.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("../evil.py", "x")
        file.writestr("/etc/evil.py", "x")
        link = zipfile.ZipInfo("p/setup.py")
        link.external_attr = 0xA1FF << 16
        file.writestr(link, "/etc/passwd")
        file.writestr("p/a.py", "a")
    found = read_archive(path, everything)
    assert found.texts == {"a.py": "a"}
    assert len(found.oddities) == 2
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["in", "p.zip"]


def sparse_old() -> bytes:
    header = tarfile.TarInfo("p/setup.py")
    header.type, header.size = tarfile.GNUTYPE_SPARSE, 512
    raw = bytearray(header.tobuf(format=tarfile.GNU_FORMAT))
    raw[482] = 1  # the map goes on in the next block, and there again
    return checked(raw) + (bytes(504) + b"\1" + bytes(7)) * 40_000


def sparse_new() -> bytes:
    pax = b"".join(
        b"%d %s\n" % (len(item) + 4, item)
        for item in (
            b"GNU.sparse.major=1",
            b"GNU.sparse.minor=0",
            b"GNU.sparse.name=ab",
            b"GNU.sparse.size=99",
        )
    )
    extended = tarfile.TarInfo("p/x")
    extended.type, extended.size = tarfile.XHDTYPE, len(pax)
    header = tarfile.TarInfo("p/setup.py")
    header.size = 16 << 20
    return extended.tobuf() + pax.ljust(512, b"\0") + header.tobuf() + b"99999999\n" + b"1\n" * (8 << 20)


def checked(raw: bytearray) -> bytes:
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


@pytest.mark.parametrize("make", [sparse_old, sparse_new])
def test_maps_of_sparse_files_are_not_read(tmp_path: Path, make: Callable[[], bytes]) -> None:
    path = tmp_path / "p.tar"
    path.write_bytes(make())
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="sparse file"):
            read_archive(path, everything)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_global_headers_do_not_pile_up(tmp_path: Path) -> None:
    body = b"".join(b"%d k%06d=%s\n" % (1011, n, b"x" * 997) for n in range(500))
    header = tarfile.TarInfo("p/x")
    header.type, header.size = tarfile.XGLTYPE, len(body)
    path = tmp_path / "p.tar"
    one = header.tobuf() + body + bytes(-len(body) % 512)
    path.write_bytes(one * 2 + tar_bytes(FILES))
    assert set(read_archive(path, everything).texts) == {"setup.py", "src/a.c", "data.bin"}
    path.write_bytes(one * 3 + tar_bytes(FILES))
    with pytest.raises(InputError, match="global headers"):
        read_archive(path, everything)


def test_names_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "p.tar"
    path.write_bytes(tar_bytes({"p/" + "x/" * 600: b"", "p/setup.py": b""}))
    with pytest.raises(InputError, match="file names"):
        read_archive(path, everything)
    path.write_bytes(tar_bytes(FILES))
    with pytest.raises(InputError, match="file names"):
        read_archive(path, everything, Limits(names=20))


def test_a_huge_extended_header_is_refused_before_it_is_read(tmp_path: Path) -> None:
    header = tarfile.TarInfo("p/long")
    header.type, header.size = tarfile.XHDTYPE, 1 << 33
    path = tmp_path / "p.tar"
    path.write_bytes(header.tobuf(format=tarfile.GNU_FORMAT) + bytes(2048))
    with pytest.raises(InputError, match="header of"):
        read_archive(path, everything)


def test_xz_may_not_ask_for_any_amount_of_memory(tmp_path: Path) -> None:
    path = tmp_path / "p.tar.xz"
    path.write_bytes(lzma.compress(tar_bytes(FILES), preset=9))
    with pytest.raises(InputError, match="cannot be read"):
        read_archive(path, everything, Limits(xz_memory=1 << 20))


def test_a_cut_xz(tmp_path: Path) -> None:
    path = tmp_path / "p.tar.xz"
    path.write_bytes(lzma.compress(tar_bytes(FILES))[:-40])
    with pytest.raises(InputError, match="cannot be read"):
        read_archive(path, everything)


def test_too_many_files(tmp_path: Path) -> None:
    path = tmp_path / "p.tar"
    path.write_bytes(tar_bytes({f"p/{i}": b"" for i in range(11)}))
    with pytest.raises(InputError, match="more than 10 files"):
        read_archive(path, everything, Limits(members=10))


def test_a_big_build_file_is_noted_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "p.tar"
    path.write_bytes(tar_bytes({"p/setup.py": bytes(101), "p/a.py": b"a"}))
    found = read_archive(path, everything, Limits(file=100))
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
