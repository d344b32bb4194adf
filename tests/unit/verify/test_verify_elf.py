"""Objects that a compiler really made, and hostile section tables."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.refs import make_elf
from uvlock2nix.verify import Finding, compare
from uvlock2nix.verify.binaries import binary_evidence
from uvlock2nix.verify.sections import read_sections

SOURCE = """
#include <stdio.h>
static const char *where = WHERE;
int twice(int x) { printf("%s %d\\n", where, x); return 2 * x; }
"""

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="no compiler here")


def build(folder: Path, *flags: str, where: str = '"x"', source: str = SOURCE) -> bytes:
    """Compile ``source``, found by its whole path, in a folder of its own."""
    folder.mkdir(parents=True)
    (folder / "twice.c").write_text(source)
    out = folder / "twice.so"
    command = ["gcc", "-shared", "-fPIC", "-O1", f"-DWHERE={where}", *flags, "-o", str(out)]
    subprocess.run([*command, str(folder / "twice.c")], check=True, cwd=folder, capture_output=True)
    return out.read_bytes()


def found(tmp_path: Path, first: bytes, second: bytes) -> Finding:
    for name, content in (("first", first), ("second", second)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "twice.so").write_bytes(content)
    (one,) = compare(tmp_path / "first", tmp_path / "second")
    return one


@needs_gcc
def test_debug_information_of_two_folders(tmp_path: Path) -> None:
    first = build(tmp_path / "one", "-g", "-Wl,--build-id=sha1")
    second = build(tmp_path / "another", "-g", "-Wl,--build-id=sha1")
    one = found(tmp_path, first, second)
    assert one.cause == "build-path"
    paths = [item for item in one.evidence if item.cause == "build-path"]
    assert any(
        str(tmp_path / "one") in item.first and str(tmp_path / "another") in item.second for item in paths
    )
    assert all(item.where.startswith("section .debug_") for item in paths)
    (identity,) = (item for item in one.evidence if item.cause == "build-id")
    assert identity.where == "section .note.gnu.build-id"
    assert not [item for item in one.evidence if item.cause == "code"]


@needs_gcc
def test_the_same_folder_twice_is_equal(tmp_path: Path) -> None:
    first = build(tmp_path / "one", "-g")
    shutil.rmtree(tmp_path / "one")
    assert first == build(tmp_path / "one", "-g")


@needs_gcc
def test_a_path_in_the_program_itself(tmp_path: Path) -> None:
    flags = ("-g0", "-Wl,--build-id=none")
    first = build(tmp_path / "one", *flags, where="__FILE__")
    second = build(tmp_path / "two", *flags, where="__FILE__")
    one = found(tmp_path, first, second)
    assert one.cause == "build-path"
    assert [item.where for item in one.evidence] == ["section .rodata"]


@needs_gcc
def test_with_and_without_a_build_id(tmp_path: Path) -> None:
    first = build(tmp_path / "one", "-g0", "-Wl,--build-id=sha1")
    second = build(tmp_path / "two", "-g0", "-Wl,--build-id=none")
    one = found(tmp_path, first, second)
    assert one.cause == "build-id"
    assert {item.cause for item in one.evidence} == {"build-id"}
    assert one.evidence[0].where == "section .note.gnu.build-id"
    assert (one.evidence[0].first, one.evidence[0].second) == ("present", "")


@needs_gcc
def test_a_build_id_alone(tmp_path: Path) -> None:
    first = build(tmp_path / "one", "-g0", "-Wl,--build-id=0x1234567890abcdef")
    second = build(tmp_path / "two", "-g0", "-Wl,--build-id=0x1234567890abcdee")
    one = found(tmp_path, first, second)
    assert one.cause == "build-id"
    assert one.evidence[0].first == "12 34 56 78 90 ab cd ef"


@needs_gcc
def test_the_time_of_the_build(tmp_path: Path) -> None:
    flags = ("-g0", "-Wl,--build-id=none", "-Wno-builtin-macro-redefined")
    first = build(tmp_path / "one", *flags, '-D__TIME__="13:55:54"', where="__TIME__")
    second = build(tmp_path / "two", *flags, '-D__TIME__="14:01:02"', where="__TIME__")
    assert found(tmp_path, first, second).cause == "timestamp"


@needs_gcc
def test_other_code(tmp_path: Path) -> None:
    flags = ("-g0", "-Wl,--build-id=sha1")
    first = build(tmp_path / "one", *flags)
    second = build(tmp_path / "two", *flags, source=SOURCE.replace("2 * x", "2 * x + 77"))
    one = found(tmp_path, first, second)
    assert one.cause == "code"
    assert any(item.where.startswith("section .text") for item in one.evidence)
    assert any(item.cause == "build-id" for item in one.evidence)


@needs_gcc
def test_debug_information_in_one_alone(tmp_path: Path) -> None:
    flags = ("-Wl,--build-id=none",)
    one = found(tmp_path, build(tmp_path / "one", "-g0", *flags), build(tmp_path / "two", "-g", *flags))
    assert one.cause == "debug-info"


@needs_gcc
def test_readelf_sees_the_same_sections(tmp_path: Path) -> None:
    data = build(tmp_path / "one", "-g")
    sections = read_sections(data)
    assert sections is not None
    command = ["readelf", "--section-headers", "--wide", str(tmp_path / "one" / "twice.so")]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = [
        line.split("]", 1)[1].split() for line in text.splitlines() if line.startswith("  [") and "]" in line
    ]
    told = {row[0]: (int(row[3], 16), int(row[4], 16)) for row in rows if row[0].startswith(".")}
    assert {one.name for one in sections} == told.keys()
    for one in sections:
        if one.name != ".bss":
            assert (one.offset, one.size) == told[one.name]


def with_sections(bits: int, order: str, note: bytes) -> bytes:
    """An ELF file with one named section, and no compiler."""
    body = make_elf(bits=bits, order=order)
    strings = b"\0.note.gnu.build-id\0.shstrtab\0"
    at = len(body)
    table = at + len(note) + len(strings)
    layout = order + ("IIQQQQIIQQ" if bits == 64 else "10I")
    rows = [
        struct.pack(layout, *[0] * 10),
        struct.pack(layout, 1, 7, 0, 0, at, len(note), 0, 0, 4, 0),
        struct.pack(layout, 20, 3, 0, 0, at + len(note), len(strings), 0, 0, 1, 0),
    ]
    head = bytearray(body)
    struct.pack_into(order + ("Q" if bits == 64 else "I"), head, 40 if bits == 64 else 32, table)
    size = struct.calcsize(layout)
    struct.pack_into(order + "HHH", head, 58 if bits == 64 else 46, size, 3, 2)
    return bytes(head) + note + strings + b"".join(rows)


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_class_and_byte_order(bits: int, order: str) -> None:
    first = with_sections(bits, order, b"\4\0\0\0\10\0\0\0\3\0\0\0GNU\0" + bytes(8))
    second = with_sections(bits, order, b"\4\0\0\0\10\0\0\0\3\0\0\0GNU\0" + bytes(7) + b"\1")
    (one,) = binary_evidence("x.so", first, second)
    assert (one.where, one.cause) == ("section .note.gnu.build-id", "build-id")
    # A difference that no section has.
    (one,) = binary_evidence("x.so", first, first[:16] + b"\7" + first[17:])
    assert (one.where, one.cause) == ("offset 0x10, in no section", "code")


@settings(max_examples=300, deadline=None)
@given(
    bits=st.sampled_from([32, 64]), order=st.sampled_from(["<", ">"]), at=st.integers(0, 400),
    junk=st.binary(min_size=1, max_size=12), end=st.integers(0, 500),
)  # fmt: skip
def test_a_damaged_file_is_no_accident(bits: int, order: str, at: int, junk: bytes, end: int) -> None:
    whole = with_sections(bits, order, b"\4\0\0\0\10\0\0\0\3\0\0\0GNU\0" + bytes(8))
    damaged = (whole[:at] + junk + whole[at + len(junk) :])[: max(end, 8)]
    if damaged != whole:
        assert binary_evidence("x.so", whole, damaged)
        assert binary_evidence("x.so", damaged, whole)
    for one in read_sections(damaged) or ():
        assert one.offset + one.size <= len(damaged) or one.size == 0
