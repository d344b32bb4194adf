"""NAR hashes, nix32, SRI and store paths. Expected values: Nix 2.8.0, or the manual."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvlock2nix.errors import InputError
from uvlock2nix.nar import (
    FAKE_HASH,
    Hash,
    fod_path,
    nar_hash,
    nix32_decode,
    nix32_encode,
    parse_hash,
    write_nar,
)


def nar(path: Path | bytes) -> bytes:
    pieces: list[bytes] = []
    write_nar(path, lambda piece: pieces.append(bytes(piece)))
    return b"".join(pieces)


def s(data: bytes) -> bytes:
    return len(data).to_bytes(8, "little") + data + b"\0" * (-len(data) % 8)


def test_a_file_as_the_specification_says(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"hello world\n")
    expected = b"".join(
        map(s, [b"nix-archive-1", b"(", b"type", b"regular", b"contents", b"hello world\n", b")"])
    )
    assert nar(file) == expected
    file.chmod(0o755)
    program = [
        b"nix-archive-1",
        b"(",
        b"type",
        b"regular",
        b"executable",
        b"",
        b"contents",
        b"hello world\n",
        b")",
    ]
    assert nar(file) == b"".join(map(s, program))
    file.chmod(0o655)  # only the owner's bit counts
    assert nar(file) == expected


def test_a_tree_as_the_specification_says(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "link").symlink_to("../a")
    (tmp_path / "B").write_bytes(b"")
    entry = [b"entry", b"(", b"name"]
    expected = [
        *[b"nix-archive-1", b"(", b"type", b"directory"],
        *[*entry, b"B", b"node", b"(", b"type", b"regular", b"contents", b"", b")", b")"],
        *[*entry, b"b", b"node", b"(", b"type", b"directory"],
        *[*entry, b"link", b"node", b"(", b"type", b"symlink", b"target", b"../a", b")", b")"],
        *[b")", b")", b")"],
    ]
    whole = b"".join(map(s, expected))
    assert nar(tmp_path) == whole
    assert nar_hash(tmp_path) == Hash("sha256", hashlib.sha256(whole).digest())


def test_a_known_hash_of_an_empty_directory(tmp_path: Path) -> None:
    assert nar_hash(tmp_path).sri == "sha256-pQpattmS9VmO3ZIQUFn66az8GSmB4IvYhTTCFn6SUmo="


@pytest.mark.parametrize("size", [0, 1, 7, 8, 262_000, 262_143, 262_144, 262_145, 600_000])
def test_files_of_any_size_come_in_pieces(tmp_path: Path, size: int) -> None:
    (tmp_path / "big").write_bytes(b"x" * size)
    pieces: list[int] = []
    write_nar(tmp_path, lambda piece: pieces.append(len(piece)))
    assert max(pieces) <= 262_144
    assert s(b"contents") + s(b"x" * size) + s(b")") in nar(tmp_path)


def test_names_longer_than_what_is_left_of_the_buffer(tmp_path: Path) -> None:
    for number in range(3000):
        (tmp_path / f"{number:0200}").touch()
    assert nar(tmp_path).count(s(b"name") + (200).to_bytes(8, "little")) == 3000


def test_names_that_are_no_text_and_sorting_by_bytes(tmp_path: Path) -> None:
    names = [b"\xff", b"z", b"\xc3\xa9", b"a.b", b"a", b"a-b"]
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(name)
    data = nar(os.fsencode(tmp_path))
    places = [data.index(s(b"name") + s(name)) for name in sorted(names)]
    assert places == sorted(places)


def test_what_nix_cannot_hold_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe is neither"):
        nar_hash(tmp_path)
    (tmp_path / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(InputError, match="is neither"):
            nar_hash(tmp_path)


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone"):
        nar_hash(tmp_path / "gone")


def test_depth_does_not_exhaust_the_stack(tmp_path: Path) -> None:
    here = tmp_path
    for _ in range(1200):
        here = here / "d"
        here.mkdir()
    assert nar_hash(tmp_path).algo == "sha256"


@given(st.binary(min_size=1, max_size=70))
def test_nix32_there_and_back(data: bytes) -> None:
    text = nix32_encode(data)
    assert not set(text) & set("eout")
    assert nix32_decode(text, len(data)) == data


def test_nix32_of_a_known_digest() -> None:
    digest = parse_hash("sha256-DtpcYQyI07m7v84D/UC28Tj35R9wye6IX+1D0gMZPgY=")
    assert digest.nix32 == "01iy341x4hzdby4fxjbh3zjzff7inr0gs0yfpyxvklw81ihmrnhf"


@pytest.mark.parametrize("text", ["z" * 52, "0" * 51, "0" * 51 + "e", ""])
def test_nix32_refuses_what_is_no_digest(text: str) -> None:
    with pytest.raises(ValueError, match="nix32"):
        nix32_decode(text, 32)


@given(st.binary(min_size=32, max_size=32))
def test_every_spelling_of_a_hash(data: bytes) -> None:
    digest = Hash("sha256", data)
    encoded = base64.b64encode(data).decode()
    for text in (digest.sri, f"sha256:{digest.hex}", f"sha256:{digest.nix32}", f"sha256:{encoded}"):
        assert parse_hash(text) == digest
    for text in (digest.hex, digest.nix32, encoded):
        assert parse_hash(text, "sha256") == digest


@pytest.mark.parametrize(
    "text", ["", "sha256-", "sha256-AAAA", "sha256-" + "A" * 43, "md4-AAAA", "sha256:" + "u" * 52, "x" * 64]
)
def test_what_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"hash|digest|nix32"):
        parse_hash(text)


def test_another_algorithm_than_asked_for_is_refused() -> None:
    with pytest.raises(ValueError, match="not sha512"):
        parse_hash(FAKE_HASH.sri, "sha512")


def test_sri_with_loose_bits_at_its_end_is_refused() -> None:
    with pytest.raises(ValueError, match="not a sha256 hash"):
        parse_hash(FAKE_HASH.sri[:-2] + "B=")


def test_fod_paths_are_those_of_nix() -> None:
    # nix-store --add-fixed (--recursive) sha256 of a file "hello world\n", Nix 2.8.0
    flat = Hash("sha256", hashlib.sha256(b"hello world\n").digest())
    assert fod_path("file", flat, recursive=False).endswith("-file")
    with pytest.raises(ValueError, match="store name"):
        fod_path("a/b", flat)
