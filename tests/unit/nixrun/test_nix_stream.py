"""The structured log, line by line."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from uvlock2nix.nar import FAKE_HASH, Hash
from uvlock2nix.nixrun.messages import BuilderFailed, Mismatch
from uvlock2nix.nixrun.stream import LogReader, Status

DRV = "/nix/store/23gcxzsmhbx8s2bclvdl2cxgcpvgfhyg-app-python-deps-1.0.drv"
GOT = Hash("sha256", bytes(range(32)))


def feed(*events: object) -> tuple[LogReader, list[Status]]:
    statuses: list[Status] = []
    reader = LogReader(statuses.append)
    for event in events:
        reader.line("@nix " + json.dumps(event))
    return reader, statuses


def start(number: int, kind: int, *fields: object, text: str = "") -> dict[str, object]:
    return {"action": "start", "id": number, "type": kind, "text": text, "fields": list(fields)}


def result(number: int, kind: int, *fields: object) -> dict[str, object]:
    return {"action": "result", "id": number, "type": kind, "fields": list(fields)}


@pytest.mark.parametrize(
    "got", [GOT.sri, {"algorithm": "sha256", "format": "nix32", "hash": GOT.nix32}, f"sha256:{GOT.hex}"]
)
def test_determinate_nix_says_it_in_json(got: object) -> None:
    payload = {"storePath": DRV, "wanted": FAKE_HASH.sri, "got": got}
    reader, _ = feed({"action": "result", "id": 1, "type": 109, "payload": payload})
    assert reader.trusted == [Mismatch(DRV, GOT)]


def test_a_payload_that_is_none() -> None:
    payloads: tuple[object, ...] = (None, [], {}, {"storePath": 1})
    for payload in payloads:
        reader, _ = feed({"action": "result", "id": 1, "type": 109, "payload": payload})
        assert reader.trusted == []


def test_builders_are_kept_apart() -> None:
    reader, statuses = feed(
        start(1, 105, DRV, "", 1, 1),
        start(2, 105, "/nix/store/x-other.drv", "", 1, 1),
        result(1, 104, "buildPhase"),
        result(1, 101, "one"),
        result(2, 101, "two"),
        result(1, 101, "three \x1b[31mred\x1b[0m"),
    )
    assert reader.tail(DRV) == ("one", "three red")
    assert reader.tail("/nix/store/x-other.drv") == ("two",)
    assert reader.tail(None) == ("one", "three red")  # the one that printed last
    assert Status(DRV, "buildPhase") in statuses


def test_the_tail_is_short_whatever_a_builder_prints() -> None:
    reader, _ = feed(start(1, 105, DRV), *(result(1, 101, "x" * 9000) for _ in range(500)))
    assert len(reader.tail(DRV, 1000)) == 200
    assert max(map(len, reader.tail(DRV, 1000))) == 4000


def test_memory_is_bounded_whatever_a_builder_prints() -> None:
    """Also by lines that look like Nix's own, which it hands on as messages and transfers."""
    reader = LogReader()
    tracemalloc.start()
    for _ in range(60):
        reader.line("x" * 200_000)
        reader.line("@nix " + json.dumps({"action": "msg", "level": 0, "msg": "y" * 200_000}))
    for number in range(1000):
        reader.line("@nix " + json.dumps(start(number, 101, "https://e.org/a")))
        reader.line("@nix " + json.dumps(result(number, 105, 1, 2)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
    assert len(reader.tail(None)) == 25


def test_bytes_of_downloads_are_added_up() -> None:
    _, statuses = feed(
        start(1, 101, "https://e.org/a", text="downloading 'https://e.org/a'"),
        start(2, 101, "https://e.org/b"),
        result(1, 105, 10, 100, 0, 0),
        result(2, 105, 5, 50, 0, 0),
        {"action": "stop", "id": 1},
        result(2, 105, 6, 50, 0, 0),
    )
    assert statuses[-2:] == [Status(None, "downloading", 15, 150), Status(None, "downloading", 6, 50)]


def test_lines_that_only_the_error_quotes() -> None:
    raw = f"builder for '{DRV}' failed with exit code 2;\nlast 2 log lines:\n> a\n> b\nFor full logs, run: x"
    reader, _ = feed({"action": "msg", "level": 0, "msg": "x", "raw_msg": raw})
    assert reader.trusted == [BuilderFailed(DRV, "with exit code 2")]
    assert reader.tail(DRV) == ("a", "b")


@pytest.mark.parametrize(
    "event",
    [
        {"action": "result", "type": 101, "fields": [1]},
        {"action": "result", "type": 105, "id": 1, "fields": ["a", "b"]},
        {"action": "start", "type": 105, "fields": []},
        {"action": "start", "type": "x", "fields": "y"},
        {"action": 1},
        {"action": "msg", "raw_msg": 1, "msg": 2},
        {},
    ],
)
def test_events_of_another_shape_are_passed_over(event: object) -> None:
    reader, _ = feed(event)
    assert reader.trusted == []
    assert reader.doubted() == ()


def test_an_activity_of_a_builder_is_its_own_affair() -> None:
    """A warning of Nix (level 1) is not an error, whatever it says."""
    raw = f"hash mismatch in fixed-output derivation '{DRV}':\n  specified: x\n     got:    {GOT.sri}"
    reader, _ = feed({"action": "msg", "level": 1, "msg": "x", "raw_msg": raw})
    assert reader.trusted == []
