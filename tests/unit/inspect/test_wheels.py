import hashlib
import io
import random
import struct
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uvlock2nix.errors import InputError, NetworkError
from uvlock2nix.inspect.candidate import Candidate
from uvlock2nix.inspect.elf_needed import Needed, read_needed
from uvlock2nix.inspect.outside import outside
from uvlock2nix.inspect.packed import Budget, Limits, Member
from uvlock2nix.inspect.requirements import Asked, parse_requirements, read_requirements
from uvlock2nix.inspect.wheel_survey import survey
from uvlock2nix.inspect.wheels import WheelContents, collisions, read_remote_wheel, read_wheel
from uvlock2nix.net.remote import Parts, RemoteFile


def elf(*needed: str, soname: str = "", wide: bool = True, order: str = "<", gap: int = 0) -> bytes:
    """A smallest ELF file with a dynamic section, ``gap`` bytes behind its headers."""
    strings = b"\0"
    entries: list[tuple[int, int]] = []
    for tag, name in [*((1, n) for n in needed), *(((14, soname),) if soname else ())]:
        entries.append((tag, len(strings)))
        strings += name.encode() + b"\0"
    header, segment = (64, 56) if wide else (52, 32)
    start = header + 2 * segment + gap
    layout = order + ("qQ" if wide else "iI")
    size = struct.calcsize(layout) * (len(entries) + 3)
    entries += [(5, start + size), (10, len(strings)), (0, 0)]
    dynamic = b"".join(struct.pack(layout, tag, value) for tag, value in entries)
    total = start + len(dynamic) + len(strings)
    if wide:
        head = struct.pack(order + "HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
        loads = struct.pack(order + "IIQQQQQQ", 1, 5, 0, 0, 0, total, total, 4096)
        loads += struct.pack(order + "IIQQQQQQ", 2, 6, start, start, 0, len(dynamic), len(dynamic), 8)
    else:
        head = struct.pack(order + "HHIIIIIHHHHHH", 3, 3, 1, 0, 52, 0, 0, 52, 32, 2, 0, 0, 0)
        loads = struct.pack(order + "IIIIIIII", 1, 0, 0, 0, total, total, 5, 4096)
        loads += struct.pack(order + "IIIIIIII", 2, start, start, 0, len(dynamic), len(dynamic), 6, 4)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    return ident + head + loads + bytes(gap) + dynamic + strings


def wheel(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_needed_of_every_kind_of_elf(wide: bool, order: str) -> None:
    found = read_needed(elf("libc.so.6", "libz.so.1", soname="libx.so.1", wide=wide, order=order))
    assert found == Needed(("libc.so.6", "libz.so.1"), "libx.so.1")


def test_what_is_no_elf() -> None:
    assert read_needed(b"") is None
    assert read_needed(b"#!/bin/sh") is None
    assert read_needed(b"\x7fELF") is None


GOOD = elf("libc.so.6", "libGL.so.1", soname="liba.so")


@settings(max_examples=300)
@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=8), st.booleans())
def test_a_damaged_elf_is_none_or_readable(position: int, noise: bytes, cut: bool) -> None:
    found = read_needed(GOOD[:position] + noise + (b"" if cut else GOOD[position + len(noise) :]))
    assert found is None or all(len(name) <= 256 for name in found.needed)


FILES = {
    "pkg/__init__.py": b"",
    "pkg/_x.cpython-313-x86_64-linux-gnu.so": elf(
        "libc.so.6", "libfoo-1234.so.1", "libGL.so.1", "libcuda.so.1"
    ),
    "pkg.libs/libfoo-1234.so.1": elf("libm.so.6"),
    "pkg-1.data/scripts/tool": b"#!python",
    "pkg-1.dist-info/RECORD": b"",
}


def test_a_wheel_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "pkg-1-cp313-cp313-linux_x86_64.whl"
    path.write_bytes(wheel(FILES))
    found = read_wheel(path)
    assert "libfoo-1234.so.1" in found.provided
    assert found.needed == {"libc.so.6", "libfoo-1234.so.1", "libGL.so.1", "libcuda.so.1", "libm.so.6"}
    assert "pkg/__init__.py" in found.files
    assert "../../../bin/tool" in found.files
    assert not any("scripts" in name for name in found.files)
    needs = outside({"pkg": found})["pkg"]
    assert needs.attributes == ("libGL",)
    assert needs.driver == ("libcuda.so.1",)
    assert needs.unknown == ()


def contents(
    *needed: str, has: tuple[str, ...] = (), files: dict[str, tuple[int, int]] | None = None
) -> WheelContents:
    return WheelContents(files or {}, frozenset(has), frozenset(needed))


def test_a_library_in_a_sibling_wheel_is_there() -> None:
    found = outside(
        {
            "torch": contents("libcublas.so.12", "libx.so.7"),
            "nvidia-cublas": contents(has=("libcublas.so.12",)),
        }
    )
    assert found["torch"].attributes == ()
    assert found["torch"].unknown == ("libx.so.7",)
    assert "nvidia-cublas" not in found


def test_collisions_need_other_bytes() -> None:
    same, other = (3, 1), (3, 2)
    found = collisions(
        {
            "a": contents(files={"x.py": same, "y.py": same}),
            "b": contents(files={"x.py": same, "y.py": other}),
            "c": contents(files={"z.py": same}),
        }
    )
    assert [(c.path, c.packages) for c in found] == [("y.py", ("a", "b"))]


class Server:
    """Serves files by ranges, and counts the bytes."""

    def __init__(self, files: dict[str, bytes], *, ranges: bool = True) -> None:
        self.files, self.ranges, self.sent, self.asked = files, ranges, 0, 0

    def part(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        if not self.ranges:
            raise NetworkError("no ranges here")
        self.asked += 1
        data = self.files[url]
        piece = data[start:] if start < 0 else data[start : start + length]
        self.sent += len(piece)
        return piece, len(data)

    def file(self, url: str, hash_: str | None, name: str) -> Path:
        raise NetworkError("not reachable")

    def text(self, url: str, limit: int) -> str:
        if url not in self.files:
            raise NetworkError("no such file")
        return self.files[url].decode()[:limit]


def test_a_remote_wheel_is_read_in_parts() -> None:
    data = wheel({"big/data.bin": random.Random(1).randbytes(2 << 20), **FILES})  # noqa: S311
    server = Server({"u": data})
    found = read_remote_wheel(server, "u", "x.whl", Parts(block=1 << 12))
    assert "libGL.so.1" in found.needed
    assert server.sent < len(data) / 4


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06", b"x" * 100, wheel(FILES)[:-30]])
def test_broken_zips_are_errors(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.whl"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"x\.whl"):
        read_wheel(path)


ZIP = wheel(FILES)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(ZIP) - 1), st.binary(min_size=1, max_size=6))
def test_damage_is_an_error_of_ours_or_harmless(position: int, noise: bytes) -> None:
    server = Server({"u": ZIP[:position] + noise + ZIP[position + len(noise) :]})
    try:
        found = read_remote_wheel(server, "u", "x.whl")
    except (InputError, NetworkError) as error:
        found = WheelContents({})
        assert error.message  # noqa: PT017
    assert not any(".." in path.removeprefix("../../../bin/").split("/") for path in found.files)


def test_broken_members_are_told(tmp_path: Path) -> None:
    path = tmp_path / "x.whl"
    late = elf("libGL.so.1", gap=20_000)
    path.write_bytes(wheel({"a.so": late, "b.so": b"text" * 9, "../c.so": elf(), "d.so": elf("libz.so.1")}))
    found = read_wheel(path, Limits(unpacked=10_000, chunk=1_000))
    assert found.unread == (
        "a.so: more than 0 GiB would have to be unpacked",
        "b.so: not a valid ELF file",
    )
    assert found.needed == {"libz.so.1"}
    assert set(found.files) == {"a.so", "b.so", "d.so"}


def test_a_library_larger_than_what_is_held_in_memory(tmp_path: Path) -> None:
    """Its dynamic section is at its end, as linkers put it, behind more than we would ever read at once."""
    path = tmp_path / "x.whl"
    data = elf("libGL.so.1", "libcuda.so.1", soname="libbig.so.1", gap=150 << 20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("big/libbig.so.1", data)
    del data
    tracemalloc.start()
    found = read_wheel(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.needed == {"libGL.so.1", "libcuda.so.1"}
    assert found.provided == {"libbig.so.1"}
    assert found.unread == ()
    assert peak < 24 << 20


class Counted(io.BytesIO):
    """A packed file that counts what is unpacked of it."""

    unpacked = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.unpacked += len(data)
        return data


@pytest.mark.parametrize("gap", [0, 300, 9_000, 90_000])
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
def test_what_lies_together_is_unpacked_once(gap: int, order: tuple[int, int, int]) -> None:
    """patchelf moves the program headers, the dynamic section and its strings to the end, in any order."""
    data = random.Random(gap).randbytes(gap + 900)  # noqa: S311
    file = Counted(data)
    member = Member(file, Budget(Limits(unpacked=10**6, chunk=64, keep=1000)))
    places = [gap + 100 + 200 * number for number in order]
    for place in (0, 16, *places, 3):
        member.seek(place)
        found = b""
        while len(found) < 100:
            found += member.read(100 - len(found))
        assert found == data[place : place + 100]
    assert file.unpacked <= len(data)
    # What is neither kept nor ahead is unpacked again; behind the end there is nothing.
    member.seek(min(gap, 5_000))
    assert member.read(50) == data[min(gap, 5_000) :][:50]
    member.seek(len(data))
    assert member.read(5) == b""


def test_of_a_stored_library_only_the_places_that_count_are_fetched() -> None:
    data = elf("libGL.so.1", soname="libbig.so.1", gap=40 << 20)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("big/libbig.so.1", data)
    server = Server({"u": buffer.getvalue()})
    assert read_remote_wheel(server, "u", "x.whl").needed == {"libGL.so.1"}
    assert server.sent < 4 << 20


def test_reading_on_in_order_asks_for_more_at_a_time() -> None:
    data = random.Random(5).randbytes(40 * 4096)  # noqa: S311
    server = Server({"u": data})
    with RemoteFile(server, "u", Parts(block=1 << 12)) as file:
        assert b"".join(iter(lambda: file.read(1000), b"")) == data
        assert server.asked < 12
        file.seek(3)
        assert file.read(5) == data[3:8]


def test_a_file_that_changes_while_it_is_read() -> None:
    server = Server({"u": wheel(FILES) + bytes(1)})
    with RemoteFile(server, "u", Parts(tail=64)) as file:
        server.files["u"] += b"x"
        with pytest.raises(NetworkError, match="changed while it was read"):
            file.read(10)


def damaged_zips() -> Iterator[tuple[str, bytes]]:
    good = wheel(FILES)
    end = good.rindex(b"PK\x05\x06")
    yield "a table of contents of 4 GiB", good[: end + 12] + b"\xff\xff\xff\x7f" + good[end + 16 :]
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, 1 << 62, 1)
    yield "zip64 that points nowhere", good[:end] + locator + good[end:]
    record = b"PK\x06\x06" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, 2**63, 2**63, 2**62, 0)
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, end, 1)
    yield "zip64 with absurd numbers", good[:end] + record + locator + good[end:]
    yield "truncated", good[: len(good) // 2]


@pytest.mark.parametrize(("what", "data"), list(damaged_zips()))
def test_hostile_tables_of_contents(what: str, data: bytes) -> None:
    assert what
    with pytest.raises(InputError, match=r"x\.whl is not a valid wheel"):
        read_remote_wheel(Server({"u": data}), "u", "x.whl")


def test_zip64_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.whl"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.so", "w", force_zip64=True) as member,
    ):
        member.write(elf("libGL.so.1"))
    assert read_wheel(path).needed == {"libGL.so.1"}


def test_a_way_of_packing_that_needs_much_memory_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "x.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.so", elf("libGL.so.1"))
    assert read_wheel(path).unread == ("a.so: has an unusual compression",)


def test_what_record_says_does_not_count(tmp_path: Path) -> None:
    """The files are those of the zip's table of contents, whatever RECORD claims."""
    path = tmp_path / "x.whl"
    path.write_bytes(wheel({"a.so": elf("libz.so.1"), "x-1.dist-info/RECORD": b"b.so,sha256=x,1\n../c,,\n"}))
    assert set(read_wheel(path).files) == {"a.so", "x-1.dist-info/RECORD"}


def test_a_survey_notes_what_went_wrong_and_keeps_the_rest(tmp_path: Path) -> None:
    server = Server({"good": wheel(FILES), "bad": b"junk", "other": wheel({"pkg/__init__.py": b"other"})})
    digest = "sha256:" + "a" * 64
    listed = [
        Candidate("good", "good.whl", "good", None, digest),
        Candidate("bad", "bad.whl", "bad", None, None),
        Candidate("other", "other.whl", "other", None, None),
    ]
    found = survey(listed, server, tmp_path)
    assert found.needs["good"] == ("libGL",)
    assert found.needs["other"] == ()
    assert "bad" not in found.needs
    assert "not read" in found.notes["bad"][0]
    assert "libcuda.so.1 comes with the graphics driver" in found.notes["good"]
    assert any(
        "ships pkg/__init__.py with different content than other" in note for note in found.notes["good"]
    )
    # A second time nothing is fetched for what has a hash.
    assert survey(listed[:1], None, tmp_path).needs == {"good": ("libGL",)}


def test_programs_of_one_name_are_found_before_the_build(tmp_path: Path) -> None:
    def points(name: str, text: str) -> bytes:
        return wheel({f"{name}-1.dist-info/entry_points.txt": text.encode()})

    server = Server(
        {
            "a": points("a", "[console_scripts]\ntool = a : main [extra]\nsame=b:main\n[other]\nodd = x:y\n"),
            "b": points("b", "[console_scripts]\nsame = b:main\n[gui_scripts]\ntool = b:main\n"),
            "c": wheel({"c-1.data/scripts/tool": b"#!python"}),
            "torn": points("torn", "[console_scripts\n= = =\n\xff"),
        }
    )
    found = survey([Candidate(n, f"{n}.whl", n, None, None) for n in server.files], server, tmp_path)
    assert found.notes["a"] == (
        "ships bin/tool with different content than b",
        "ships bin/tool with different content than c",
    )
    assert not any("same" in note or "odd" in note for notes in found.notes.values() for note in notes)
    assert "torn" not in found.notes


class Whole(Server):
    """A server without ranges, or with parts that do not fit: the whole file is fetched."""

    def __init__(self, files: dict[str, bytes], folder: Path) -> None:
        super().__init__(files, ranges=False)
        self.folder = folder

    def file(self, url: str, hash_: str | None, name: str) -> Path:
        if hash_ is None:
            raise InputError(f"{name}: the lock has no hash for it, so it is not fetched")
        if hash_ != "sha256:" + hashlib.sha256(self.files[url]).hexdigest():
            raise InputError(f"{name}: wrong hash")
        path = self.folder / name
        path.write_bytes(self.files[url])
        return path


def test_without_ranges_the_whole_file_is_read_if_its_hash_is_right(tmp_path: Path) -> None:
    data = wheel(FILES)
    server = Whole({"u": data}, tmp_path)
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    found = survey(
        [
            Candidate("good", "good.whl", "u", None, digest),
            Candidate("wrong", "wrong.whl", "u", None, "sha256:" + "0" * 64),
            Candidate("bare", "bare.whl", "u", None, None),
        ],
        server,
        tmp_path / "cache",
    )
    assert found.needs == {"good": ("libGL",)}
    assert found.notes["wrong"] == ("its wheel was not read: wrong.whl: wrong hash",)
    assert "no hash" in found.notes["bare"][0]


METADATA = """Metadata-Version: 2.1
Name: pydantic
Requires-Dist: pydantic-core (==2.33.2)
Requires-Dist: Typing_Extensions>=4.12 ; python_version >= "3.8"
Requires-Dist: typing-extensions<5
Requires-Dist: email-validator>=2 ; extra == 'email'
Requires-Dist: tzdata ; sys_platform == "win32"
Requires-Dist: odd @ https://files.invalid/odd.whl
Requires-Dist: !!!

Requires-Dist: in-the-body
"""
ENVIRONMENT = {"python_version": "3.13", "sys_platform": "linux"}


def test_requirements_of_a_wheel() -> None:
    assert parse_requirements(METADATA, ENVIRONMENT) == {
        "pydantic-core": "==2.33.2",
        "typing-extensions": ">=4.12,<5",
    }


def test_requirements_are_read_once_and_failures_leave_them_unknown(tmp_path: Path) -> None:
    server = Server({"a.whl.metadata": METADATA.encode()})
    listed = [
        Candidate("a", "a.whl", "a.whl#x", None, "sha256:" + "b" * 64),
        Candidate("gone", "gone.whl", "gone.whl", None, None),
    ]
    expected = {("a", "pydantic-core"): "==2.33.2", ("a", "typing-extensions"): ">=4.12,<5"}
    assert read_requirements(listed, server, tmp_path, ENVIRONMENT, {}) == Asked(expected, ("gone",))
    server.files.clear()
    assert read_requirements(listed, server, tmp_path, ENVIRONMENT, {}).ranges == expected
    more = read_requirements(listed, server, tmp_path, ENVIRONMENT, {"a": ("email",)})
    assert more.ranges == {**expected, ("a", "email-validator"): ">=2"}


def test_requirements_come_from_inside_of_a_wheel_where_nothing_lies_beside_it(tmp_path: Path) -> None:
    inside = wheel(
        {"sub/y.dist-info/METADATA": b"Requires-Dist: no", "x-1.dist-info/METADATA": METADATA.encode()}
    )
    lzma = io.BytesIO()
    with zipfile.ZipFile(lzma, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x-1.dist-info/METADATA", METADATA)
    server = Server(
        {"a.whl": inside, "none.whl": wheel(FILES), "odd.whl": lzma.getvalue(), "torn.whl": b"PK"}
    )
    listed = [Candidate(name[:-4], name, name, None, None) for name in server.files]
    (tmp_path / "disk.whl").write_bytes(inside)
    listed.append(Candidate("disk", "disk.whl", None, tmp_path / "disk.whl", None))
    found = read_requirements(listed, server, tmp_path / "cache", ENVIRONMENT, {})
    assert {name for name, _ in found.ranges} == {"a", "disk"}
    assert found.ranges["a", "pydantic-core"] == found.ranges["disk", "pydantic-core"] == "==2.33.2"
    assert found.unread == ("none", "odd", "torn")


def test_a_page_in_the_place_of_metadata_is_none_and_not_kept(tmp_path: Path) -> None:
    inside = wheel({"x-1.dist-info/METADATA": METADATA.encode()})
    server = Server({"a.whl.metadata": b"<html>log in first</html>", "a.whl": inside})
    listed = [Candidate("a", "a.whl", "a.whl", None, "sha256:" + "c" * 64)]
    for _ in range(2):
        assert read_requirements(listed, server, tmp_path, ENVIRONMENT, {}).ranges["a", "pydantic-core"]
        for kept in (tmp_path / "metadata").iterdir():
            assert kept.read_text() == METADATA
            kept.write_text("torn")
