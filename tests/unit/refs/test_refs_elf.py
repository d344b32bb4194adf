from __future__ import annotations

import io
import os
import re
import struct
import subprocess
import time
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from hypothesis import given
from hypothesis import strategies as st

from tests.support.refs import make_elf
from uvlock2nix.refs.elf import CorruptElf, ElfFile, bytes_reader
from uvlock2nix.refs.elfusers import other_users, users
from uvlock2nix.refs.libraries import effective_runpath, elf_target

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "elf"
SAMPLES = sorted(path for path in FIXTURES.glob("*.so") if "macosx" not in path.name)
KINDS = [(32, "<", 3), (32, ">", 8), (64, "<", 62), (64, ">", 22), (64, ">", 21)]


def read(content: bytes) -> ElfFile:
    return ElfFile(bytes_reader(content), len(content))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_facts_agree_with_readelf(path: Path) -> None:
    done = subprocess.run(["readelf", "-dlW", path], capture_output=True, text=True)
    if done.returncode == 127:
        pytest.skip("no readelf")
    said = re.findall(r"\((NEEDED|SONAME|RPATH|RUNPATH)\)[^\[\n]*\[(.*)\]", done.stdout)
    said += [("INTERP", name) for name in re.findall(r"program interpreter: (.*)\]", done.stdout)]
    facts = read(path.read_bytes()).facts
    mine = [("NEEDED", os.fsdecode(name)) for name in facts.needed]
    mine += [("SONAME", os.fsdecode(facts.soname))] if facts.soname is not None else []
    mine += [(tag, os.fsdecode(one.text)) for one in facts.runpaths for tag in one.tags]
    mine += [("INTERP", os.fsdecode(facts.interpreter.text))] if facts.interpreter is not None else []
    assert sorted(mine) == sorted(said)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_facts_agree_with_pyelftools_own_view(path: Path) -> None:
    facts = read(path.read_bytes()).facts
    with path.open("rb") as stream:
        other = ELFFile(stream)
        assert facts.target[:2] == (other.elfclass, "<" if other.little_endian else ">")
        segments = [one for one in other.iter_segments() if isinstance(one, DynamicSegment)]
        needed = [tag.needed for one in segments for tag in one.iter_tags("DT_NEEDED")]  # type: ignore[attr-defined]
    assert [os.fsdecode(name) for name in facts.needed] == needed


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_all_symbol_names_are_counted_as_users_of_the_string_table(path: Path) -> None:
    with path.open("rb") as stream:
        section = ELFFile(stream).get_section_by_name(".dynsym")
        assert isinstance(section, SymbolTableSection)
        names = {symbol.entry.st_name for symbol in section.iter_symbols()}
    assert names <= set(users(read(path.read_bytes())))


@pytest.mark.parametrize(("bits", "order", "machine"), KINDS)
@pytest.mark.parametrize("gnu_hash", [False, True])
def test_every_class_and_byte_order(bits: int, order: str, machine: int, gnu_hash: bool) -> None:
    content = make_elf(
        bits=bits,
        order=order,
        machine=machine,
        runpath=b"/a/lib:$ORIGIN",
        needed=[b"libz.so.1", b"libc.so.6"],
        soname=b"libx.so.2",
        symbols=[b"one", b"two"],
        interpreter=b"/lib/ld.so",
        gnu_hash=gnu_hash,
        versions=[(b"libc.so.6", (b"GLIBC_2.2",))],
    )
    facts = read(content).facts
    assert facts.target == (bits, order, machine)
    assert facts.needed == (b"libz.so.1", b"libc.so.6")
    assert facts.soname == b"libx.so.2"
    assert facts.interpreter is not None
    assert (facts.interpreter.text, facts.interpreter.room) == (b"/lib/ld.so", 11)
    (runpath,) = facts.runpaths
    assert content[runpath.offset : runpath.offset + len(runpath.text)] == runpath.text == b"/a/lib:$ORIGIN"
    other = ELFFile(io.BytesIO(content))
    assert other.little_endian == (order == "<")


@pytest.mark.parametrize(("bits", "order", "machine"), KINDS)
@pytest.mark.parametrize("gnu_hash", [False, True])
def test_strings_that_share_the_end_of_a_search_path_are_seen(
    bits: int, order: str, machine: int, gnu_hash: bool
) -> None:
    content = make_elf(
        bits=bits, order=order, machine=machine, runpath=b"/x/lib", symbols=[b"lib", b"b", b"other"],
        merge=True, gnu_hash=gnu_hash, versions=[(b"/lib", (b"ib",))],
    )  # fmt: skip
    elf = read(content)
    (runpath,) = elf.facts.runpaths
    if machine != 22 or gnu_hash:  # s390 has wide words in DT_HASH; the sample has not, and reads as empty
        assert other_users(elf, runpath, 6) == frozenset({2, 3, 4, 5})


def test_a_search_path_that_is_itself_an_end_may_not_be_changed() -> None:
    elf = read(make_elf(runpath=b"lib", symbols=[b"my_lib"], merge=True))
    assert other_users(elf, elf.facts.runpaths[0], 3) is None
    elf = read(make_elf(runpath=b"lib", symbols=[b"lib"], merge=True))
    assert other_users(elf, elf.facts.runpaths[0], 3) is None


def test_two_search_paths_are_users_of_each_other() -> None:
    elf = read(make_elf(runpath=b"/y", rpath=b"/x:/y", merge=True))
    by_tag = {one.tags[0]: one for one in elf.facts.runpaths}
    assert other_users(elf, by_tag["RPATH"], 5) == frozenset({3})
    assert other_users(elf, by_tag["RUNPATH"], 2) is None


@given(st.sampled_from(KINDS), st.integers(0, 500))
def test_a_shortened_file_is_corrupt_or_still_right(kind: tuple[int, str, int], size: int) -> None:
    bits, order, machine = kind
    content = make_elf(
        bits=bits, order=order, machine=machine, runpath=b"/a", needed=[b"libz.so"], symbols=[b"f"]
    )
    if size >= len(content):
        return
    try:
        facts = read(content[:size]).facts
    except CorruptElf:
        return
    assert size > len(content) - 8, "only the filling behind the last part can be missing"
    assert facts == read(content).facts


def test_what_follows_the_interpreter_in_its_segment_is_no_room_for_it() -> None:
    content = bytearray(make_elf(runpath=b"/a", interpreter=b"/lib/ld.so", needed=[b"libz.so"]))
    row = 64 + 2 * 56
    size = int.from_bytes(content[row + 32 : row + 40], "little")
    assert size == 11
    content[row + 32 : row + 40] = (size + 60).to_bytes(8, "little")
    interpreter = read(bytes(content)).facts.interpreter
    assert interpreter is not None
    assert interpreter.text == b"/lib/ld.so"
    behind = content[interpreter.offset : interpreter.offset + interpreter.room]
    assert behind == b"/lib/ld.so" + b"\0" * (interpreter.room - 10)
    assert interpreter.room < size + 60


def test_readelf_reads_what_the_tests_make(tmp_path: Path) -> None:
    for bits, order, machine in KINDS:
        file = tmp_path / f"{bits}{machine}"
        file.write_bytes(
            make_elf(bits=bits, order=order, machine=machine, runpath=b"/a/lib", needed=[b"libz.so"])
        )
        done = subprocess.run(["readelf", "-dW", file], capture_output=True, text=True)
        if done.returncode == 127:
            pytest.skip("no readelf")
        assert "[/a/lib]" in done.stdout
        assert "[libz.so]" in done.stdout


@pytest.mark.parametrize(
    ("at", "data"),
    [(4, b"\3"), (5, b"\0"), (54, b"\x39\0"), (56, b"\xff\xff"), (32, b"\xff" * 8), (56, b"\xfe\xff")],
)
def test_a_header_that_cannot_be_is_corrupt(at: int, data: bytes) -> None:
    content = bytearray(make_elf(runpath=b"/a"))
    content[at : at + len(data)] = data
    with pytest.raises(CorruptElf):
        read(bytes(content))


def test_symbol_versions_in_a_circle_end() -> None:
    content = make_elf(runpath=b"/abc", versions=[(b"libc.so.6", (b"A", b"B", b"C"))])
    elf = read(content)
    at = elf.offset_of(elf.values[0x6FFFFFFE])
    hostile = bytearray(content)
    hostile[at + 2 : at + 4] = b"\xff\xff"  # 65,535 entries
    hostile[at + 16 + 12 : at + 16 + 16] = (0).to_bytes(4, "little")
    hostile[at + 32 + 12 : at + 32 + 16] = (-16 & 0xFFFFFFFF).to_bytes(4, "little")
    elf = read(bytes(hostile))
    assert other_users(elf, elf.facts.runpaths[0], 4) == frozenset()


def place_of(content: bytes, tag: int) -> int:
    """The offset of the first dynamic entry with ``tag`` in a 64-bit little-endian file of ``make_elf``."""
    start = int.from_bytes(content[64 + 56 + 8 : 64 + 56 + 16], "little")
    while int.from_bytes(content[start : start + 8], "little") != tag:
        start += 16
    return start


def changed(content: bytes, at: int, layout: str, *values: int) -> bytes:
    data = struct.pack(layout, *values)
    return content[:at] + data + content[at + len(data) :]


def test_names_are_bytes() -> None:
    facts = read(make_elf(runpath=b"/caf\xe9:/\xff", needed=[b"lib\x80.so"], soname=b"\xfe")).facts
    assert facts.runpaths[0].text == b"/caf\xe9:/\xff"
    assert (facts.needed, facts.soname) == ((b"lib\x80.so",), b"\xfe")


def test_section_headers_do_not_count() -> None:
    content = make_elf(runpath=b"/a", needed=[b"libz.so"], symbols=[b"f"])
    for section in ((1, 0, 0), (1 << 60, 0xFFFF, 1), (64, 0, 0xFFFF), (len(content) - 1, 0xFF00, 0xFF00)):
        hostile = changed(content, 40, "<Q", section[0])
        hostile = changed(hostile, 58, "<HHH", 64, section[1], section[2])
        assert read(hostile).facts == read(content).facts
        assert set(users(read(hostile))) == set(users(read(content)))


def test_of_several_entries_with_one_tag_the_last_one_counts() -> None:
    content = make_elf(runpath=b"/last", rpath=b"/first", soname=b"x")
    twice = read(changed(content, place_of(content, 15), "<Q", 29)).facts
    assert [one.text for one in twice.runpaths] == [b"/first", b"/last"]
    assert effective_runpath(twice) == b"/last"
    assert effective_runpath(read(content).facts) == b"/last"


def test_a_library_that_only_imports_has_symbols_too() -> None:
    content = make_elf(runpath=b"/x/lib", symbols=[b"lib", b"b"], merge=True, gnu_hash=True)
    elf = read(content)
    at = elf.offset_of(elf.values[0x6FFFFEF5])
    empty = read(changed(content, at, "<IIIIQI", 1, 1, 1, 0, 0, 0))  # as GNU ld writes it
    assert other_users(empty, empty.facts.runpaths[0], 6) == frozenset({3, 5})


@pytest.mark.parametrize("order", ["<", ">"])
def test_wide_hash_tables_count_the_symbols(order: str) -> None:
    machine = 22 if order == ">" else 0x9026
    content = make_elf(order=order, machine=machine, runpath=b"/x/lib", symbols=[b"lib", b"b"], merge=True)
    elf = read(content)
    at = elf.offset_of(elf.values[4])
    wide = read(changed(content, at, order + "QQ", 1, 3))
    assert other_users(wide, wide.facts.runpaths[0], 6) == frozenset({3, 5})


def test_names_without_end_or_number_are_corrupt() -> None:
    long = make_elf(runpath=b"/a" * 0x7000, needed=[b"x"] * 200)
    at = place_of(long, 29)
    index = struct.unpack("<Q", long[at + 8 : at + 16])[0]
    many = long
    for number in range(200):
        many = changed(many, place_of(long, 1) + 16 * number, "<QQ", 1, index)
    with pytest.raises(CorruptElf, match="impossibly many"):
        read(many)
    with pytest.raises(CorruptElf, match="no end"):
        read(make_elf(runpath=b"/a" * 0x8000))
    with pytest.raises(CorruptElf, match="not in the dynamic string table"):
        read(changed(long, at + 8, "<Q", 1 << 63))


def test_a_dynamic_section_without_end_is_left_at_its_end() -> None:
    content = make_elf(runpath=b"/a", needed=[b"libz.so"], rodata=b"\1" * 64)
    null = place_of(content, 0)
    size = int.from_bytes(content[64 + 56 + 32 : 64 + 56 + 40], "little")
    without = changed(content, 64 + 56 + 32, "<Q", size - 16)
    without = changed(without, null, "<QQ", 1, 0)
    assert read(without).facts.needed == (b"libz.so",)
    with pytest.raises(CorruptElf, match="not in the file"):
        read(changed(content, 64 + 56 + 32, "<Q", 1 << 17))
    with pytest.raises(CorruptElf, match="impossibly long"):
        read(changed(content, 64 + 56 + 32, "<Q", 1 << 40))


@pytest.mark.parametrize("what", ["chain", "buckets", "blooms", "count", "versions", "size"])
def test_hostile_tables_end_soon(what: str) -> None:
    content = make_elf(
        runpath=b"/abc",
        symbols=[b"f"],
        gnu_hash=what != "count",
        versions=[(b"libc.so.6", (b"A",))],
        rodata=b"\2\0\0\0" * (1 << 18),
    )
    elf = read(content)
    table = elf.offset_of(elf.values[4 if what == "count" else 0x6FFFFEF5])
    match what:
        case "chain":
            content = changed(content, table + 16 + 8, "<I", 0x7FFF)
        case "buckets":
            content = changed(content, table, "<I", 0xFFFFFFFF)
        case "blooms":
            content = changed(content, table + 8, "<I", 0xFFFFFFFF)
        case "count":
            content = changed(content, table + 4, "<I", 0xFFFFFFFF)
        case "versions":
            at = elf.offset_of(elf.values[0x6FFFFFFE])
            content = changed(content, place_of(content, 0x6FFFFFFF) + 8, "<Q", (1 << 64) - 1)
            content = changed(content, at + 2, "<H", 0xFFFF)
            content = changed(content, at + 16 + 12, "<I", 4)
        case _:
            content = changed(content, place_of(content, 11) + 8, "<Q", 6)
    start = time.perf_counter()
    with pytest.raises(CorruptElf):
        other_users(read(content), elf.facts.runpaths[0], 4)
    assert time.perf_counter() - start < 10


def test_what_a_file_is_made_for(tmp_path: Path) -> None:
    file = tmp_path / "f"
    for bits, order, machine in [*KINDS, (64, "<", 0xABCD)]:
        file.write_bytes(make_elf(bits=bits, order=order, machine=machine))
        assert elf_target(os.fsencode(file)) == (bits, order, machine)
        file.write_bytes(file.read_bytes()[:40])
        assert elf_target(os.fsencode(file)) is None
    assert elf_target(os.fsencode(tmp_path)) is None
    assert elf_target(os.fsencode(tmp_path / "none")) is None
