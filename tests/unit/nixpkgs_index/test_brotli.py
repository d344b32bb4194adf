import random
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uvlock2nix.errors import InputError, ToolError
from uvlock2nix.nixpkgs_index import brotli as ours
from uvlock2nix.nixpkgs_index.brotli import unpack

brotli = pytest.importorskip("brotli")
DATA = b'{"packages": {}}' * 2000 + random.Random(3).randbytes(5000)  # noqa: S311
PACKED = brotli.compress(DATA)


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, len(PACKED)))
def test_a_stream_in_pieces(size: int) -> None:
    assert b"".join(unpack(cut(PACKED, size))) == DATA


class Old:
    """The library before 1.2, which cannot bound what comes out."""

    def __init__(self) -> None:
        self._real = brotli.Decompressor()
        self.is_finished = self._real.is_finished
        self.given: list[int] = []

    def process(self, data: bytes) -> bytes:
        self.given.append(len(data))
        return bytes(self._real.process(data))


def test_an_older_library(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Old] = []

    def decompressor() -> Old:
        made.append(Old())
        return made[-1]

    fake = SimpleNamespace(Decompressor=decompressor, error=brotli.error)
    monkeypatch.setitem(__import__("sys").modules, "brotli", fake)
    assert b"".join(unpack([PACKED])) == DATA
    assert max(made[0].given) <= ours.SMALL


@pytest.mark.parametrize("keep", [0, 1, len(PACKED) // 2, len(PACKED) - 1])
def test_a_torn_stream(keep: int) -> None:
    with pytest.raises(InputError, match="truncated"):
        list(unpack(cut(PACKED[:keep], 999)))


def test_no_brotli_and_more_than_brotli() -> None:
    for data in (b"\xff" * 100, b"<html>" * 30):
        with pytest.raises(InputError, match=r"not valid brotli|truncated"):
            list(unpack([data]))
    with pytest.raises(InputError, match="not valid brotli"):
        list(unpack([PACKED, b"and more"]))
    with pytest.raises(InputError, match="not valid brotli"):
        list(unpack([PACKED + b"and more"]))


def test_json_passes_through_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "brotli", None)
    assert b"".join(unpack([b'{ "version": 2', b"}"])) == b'{ "version": 2}'
    assert b"".join(unpack([b"{}"])) == b"{}"
    with pytest.raises(ToolError, match="Python module brotli") as caught:
        list(unpack([PACKED]))
    assert "uvlock2nix[channel]" in caught.value.hint


def test_a_bomb_is_refused_in_bounded_memory() -> None:
    bomb = brotli.compress(bytes(24 << 20))
    assert len(bomb) < 1000

    def pieces() -> Iterator[int]:
        for piece in unpack([bomb], 8 << 20):
            yield len(piece)

    sizes: list[int] = []
    with pytest.raises(InputError, match="more than 4 GiB"):
        sizes.extend(pieces())
    if hasattr(brotli.Decompressor(), "can_accept_more_data"):
        assert max(sizes) <= 2 * ours.PIECE
