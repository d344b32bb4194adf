from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.refs import store_path
from uvlock2nix.errors import RefsError
from uvlock2nix.refs.scan import Hit, Scanner, may_have_run, walk

PATHS = tuple(store_path(name) for name in ("a-1", "b-2", "c-3"))
FOREIGN = store_path("foreign-9")
KNOWN = [path.hash for path in PATHS]

pieces = st.one_of(
    st.sampled_from([path.hash.encode() for path in (*PATHS, FOREIGN)]),
    st.sampled_from(
        [b"/nix/store/", b"-", b"-a-1", b"0", b"e", b"0" * 31, b"/nix/store/" + FOREIGN.base.encode()]
    ),
    st.binary(max_size=40),
    st.text(alphabet="0123456789abcdfghijklmnpqrsvwxyz", max_size=40).map(str.encode),
)
contents = st.lists(pieces, max_size=8).map(b"".join)


def by_the_rule(data: bytes) -> list[Hit]:
    """The rule, written down as slowly and plainly as it can be."""
    hits = []
    for at in range(len(data) - 31):
        window = data[at : at + 32]
        is_hash = all(byte in b"0123456789abcdfghijklmnpqrsvwxyz" for byte in window)
        foreign = is_hash and data[:at].endswith(b"/nix/store/") and data[at + 32 : at + 33] == b"-"
        if window.decode("latin-1") in KNOWN or foreign:
            hits.append(Hit(at, window.decode()))
    return hits


@given(contents, st.integers(48, 120))
def test_blocks_find_what_the_rule_finds(data: bytes, block: int) -> None:
    scanner = Scanner(KNOWN, store_dir="/nix/store", block=block)
    assert scanner.in_bytes(data) == by_the_rule(data)
    with tempfile.TemporaryFile() as stream:
        stream.write(data)
        stream.flush()
        os.lseek(stream.fileno(), 0, os.SEEK_SET)
        assert scanner.in_file(stream.fileno()) == by_the_rule(data)


@given(st.lists(pieces, max_size=40).map(b"".join))
def test_samples_never_miss_a_run(data: bytes) -> None:
    there = any(
        all(byte in b"0123456789abcdfghijklmnpqrsvwxyz" for byte in data[at : at + 32])
        for at in range(len(data) - 31)
    )
    assert may_have_run(data) == there


def test_samples_of_what_is_almost_a_run_everywhere() -> None:
    assert not may_have_run(b"00000000000000000000000000000eee" * 299)
    # Too many places to look at: nothing is known.
    assert may_have_run(b"00000000000000000000000000000eeee" * 9000)


@pytest.mark.parametrize("start", [*range(9), 65_000, 131_000])
def test_a_reference_in_a_large_file(start: int) -> None:
    data = b"." * start + KNOWN[0].encode() + b"." * (131_040 - start)
    assert Scanner(KNOWN, store_dir="/nix/store").in_bytes(data) == [Hit(start, KNOWN[0])]
    assert Scanner(KNOWN, store_dir="/nix/store").in_bytes(data.replace(KNOWN[0][9:].encode(), b"e")) == []


def test_a_hash_at_every_place_around_a_block_border() -> None:
    scanner = Scanner(KNOWN, store_dir="/nix/store", block=100)
    for start in range(250):
        data = b"." * start + KNOWN[0].encode() + b"." * 20
        with tempfile.TemporaryFile() as stream:
            stream.write(data)
            stream.seek(0)
            assert scanner.in_file(stream.fileno()) == [Hit(start, KNOWN[0])]


def test_a_file_that_grew_since_it_was_listed_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 300 + KNOWN[1].encode())
    scanner = Scanner(KNOWN, store_dir="/nix/store")
    assert scanner.in_path(str(tmp_path / "f"), 10) == [Hit(300, KNOWN[1])]


def test_another_store_directory() -> None:
    scanner = Scanner([], store_dir="/my/store/")
    assert scanner.in_bytes(f"/my/store/{FOREIGN.base}".encode()) == [Hit(10, FOREIGN.hash)]
    assert scanner.in_bytes(f"/nix/store/{FOREIGN.base}".encode()) == []


def test_walk_lists_everything_once_in_one_order_and_follows_nothing(tmp_path: Path) -> None:
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "e" / "f").touch()
    (tmp_path / "a").symlink_to("d")
    (tmp_path / "b").symlink_to("/")
    (tmp_path / "Z").touch()
    assert [entry.path for entry in walk(tmp_path)] == ["Z", "a", "b", "d", "d/e", "d/e/f"]


def test_walk_refuses_what_the_store_cannot_hold(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RefsError, match="neither a file, a directory nor a symlink"):
        list(walk(tmp_path))


def test_a_symlink_is_not_read_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(KNOWN[0].encode())
    (tmp_path / "link").symlink_to("target")
    with pytest.raises(RefsError, match="cannot be read"):
        Scanner(KNOWN, store_dir="/nix/store").in_path(str(tmp_path / "link"), 32)
