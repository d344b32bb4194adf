"""The side file with the hashes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvlock2nix.collision_pins import Collision, WheelCollisions
from uvlock2nix.errors import InputError
from uvlock2nix.nar import FAKE_HASH, Hash
from uvlock2nix.pins import NixpkgsUsed, Pin, Pins, lock_digest, parse_pins, read_pins, render

LOCK = "ab" * 32
PIN = Pin("x86_64-linux", FAKE_HASH.sri, "k1", "0.8.0", "3.12")
PINS = Pins(LOCK, "2026-08-01T00:00:00Z", (PIN,))


def test_the_text_is_the_contract() -> None:
    assert render(PINS) == (
        "{\n"
        '  "build": {\n    "excludeNewer": "2026-08-01T00:00:00Z"\n  },\n'
        '  "hashes": {\n    "x86_64-linux": {\n'
        f'      "hash": "{FAKE_HASH.sri}",\n      "key": "k1",\n'
        '      "python": "3.12",\n      "uv": "0.8.0"\n'
        "    }\n  },\n"
        f'  "lock": "{LOCK}",\n  "schema": 1\n'
        "}\n"
    )


def test_collisions_are_kept() -> None:
    collided = (
        Collision("bin/clash", ("clash-a", "clash-b"), "clash-b"),
        Collision("x/y.py", ("a", "b"), "a"),
    )
    pins = Pins(LOCK, None, (PIN._replace(collisions=collided),))
    assert json.loads(render(pins))["hashes"]["x86_64-linux"]["collisions"] == {
        "bin/clash": {"kept": "clash-b", "packages": ["clash-a", "clash-b"]},
        "x/y.py": {"kept": "a", "packages": ["a", "b"]},
    }
    assert parse_pins(render(pins).encode()) == pins


@pytest.mark.parametrize(
    "value",
    [[], {"bin/x": "a"}, {"bin/x": {"packages": "a", "kept": "a"}}, {"\x1b": {"packages": [], "kept": "a"}}],
)
def test_damaged_collisions(value: object) -> None:
    raw = json.loads(render(PINS))
    raw["hashes"]["x86_64-linux"]["collisions"] = value
    with pytest.raises(InputError, match="collisions"):
        parse_pins(json.dumps(raw).encode())


def test_the_nixpkgs_of_a_hash() -> None:
    revision = "0123456789" * 4
    used = NixpkgsUsed("26.05pre-git", revision)
    pins = Pins(LOCK, None, (PIN._replace(nixpkgs=used),))
    entry = json.loads(render(pins))["hashes"]["x86_64-linux"]
    assert entry["nixpkgs"] == {"version": "26.05pre-git", "revision": revision}
    assert parse_pins(render(pins).encode()) == pins
    assert str(used) == "nixpkgs 26.05pre-git (012345678901)"
    assert str(NixpkgsUsed("26.05.1.0123456", revision)) == "nixpkgs 26.05.1.0123456"


@pytest.mark.parametrize("value", [[], "26.05", {}, {"version": 26}, {"version": "26.05", "revision": ""}])
def test_a_damaged_nixpkgs(value: object) -> None:
    raw = json.loads(render(PINS))
    raw["hashes"]["x86_64-linux"]["nixpkgs"] = value
    with pytest.raises(InputError, match="nixpkgs"):
        parse_pins(json.dumps(raw).encode())


def test_what_wheels_both_have_is_kept() -> None:
    found = WheelCollisions("0" * 16, (("bin/x", ("a", "b")),), (("c", "no network"),))
    pins = PINS._replace(found_collisions=(("x86_64-linux", found),), logins=(("h:1", "UV_INDEX_H"),))
    assert parse_pins(render(pins).encode()) == pins


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"x86_64-linux": {"of": "short"}},
        {"x86_64-linux": {"of": "0" * 16, "paths": {"x": "a"}}},
        {"x86_64-linux": {"of": "0" * 16, "paths": {"\x1b": ["a"]}}},
        {"x86_64-linux": {"of": "0" * 16, "unread": {"a": 1}}},
    ],
)
def test_damaged_collisions_of_wheels(value: object) -> None:
    raw = json.loads(render(PINS)) | {"collisions": value}
    with pytest.raises(InputError, match="collisions"):
        parse_pins(json.dumps(raw).encode())


systems = st.sampled_from(["x86_64-linux", "aarch64-linux", "aarch64-darwin", "riscv64-linux"])
hashes = st.builds(lambda data: Hash("sha256", data).sri, st.binary(min_size=32, max_size=32))


def pins_of(name: str) -> st.SearchStrategy[Pin]:
    """Not ``builds(Pin, …)``: it would fill the optional fields of a NamedTuple with any text."""
    rows = st.tuples(hashes, st.text("0123456789abc", min_size=1, max_size=9))
    return rows.map(lambda row: Pin(name, *row))


pins_values = st.builds(
    lambda lock, time, words, table: Pins(
        lock, time, tuple(table[name] for name in sorted(table)), generate=words
    ),
    st.binary(min_size=32, max_size=32).map(bytes.hex),
    st.sampled_from([None, "2026-08-01T00:00:00Z", "2026-08-01T00:00:00.5+02:00"]),
    st.sampled_from([None, (), ("--extra=ä", "--python=3.12.8")]),
    st.lists(systems, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: pins_of(name) for name in names})
    ),
)


@given(pins_values)
def test_there_and_back(pins: Pins) -> None:
    assert parse_pins(render(pins).encode()) == pins


def test_what_a_newer_version_added_stays() -> None:
    raw = json.loads(render(PINS))
    raw["later"] = {"a": [1]}
    raw["build"]["more"] = True
    raw["hashes"]["x86_64-linux"]["why"] = "x"
    pins = parse_pins(json.dumps(raw).encode())
    assert json.loads(render(pins)) == raw
    changed = pins.with_pin(Pin("x86_64-linux", FAKE_HASH.sri, "k2"))
    assert json.loads(render(changed))["hashes"]["x86_64-linux"]["why"] == "x"


def test_a_pin_takes_its_place() -> None:
    pins = PINS.with_pin(Pin("aarch64-linux", FAKE_HASH.sri, "k2"))
    assert [pin.system for pin in pins.hashes] == ["aarch64-linux", "x86_64-linux"]
    found = pins.with_pin(Pin("x86_64-linux", FAKE_HASH.sri, "k3")).pin("x86_64-linux")
    assert found is not None
    assert found.key == "k3"
    assert pins.pin("aarch64-darwin") is None


def test_a_greater_schema_is_refused_with_both_numbers() -> None:
    with pytest.raises(InputError, match="has schema 2; this uvlock2nix supports 1"):
        parse_pins(b'{"schema": 2}')


def test_everything_that_is_wrong_is_told_at_once() -> None:
    raw = {
        "schema": 1,
        "lock": "zz",
        "build": {"excludeNewer": "yesterday"},
        "hashes": {"linux": {"hash": "sha256-AAAA", "key": "a b"}, "x86_64-linux": 3},
    }
    with pytest.raises(InputError) as caught:
        parse_pins(json.dumps(raw).encode(), "nix/python-deps.json")
    for part in (
        "nix/python-deps.json",
        '"lock"',
        "yesterday",
        "'linux'",
        "sha256-AAAA",
        "'a b'",
        "x86_64-linux",
    ):
        assert part in caught.value.message


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "UTF-8"),
        (b"[]", "not a JSON object"),
        (b'{"schema": 1, "schema": 1}', "twice"),
        (b'{"schema": NaN}', "NaN"),
        (b"[" * 100_000, "nested|JSON"),
        (b'{"schema": true}', "must be the number 1"),
        (b'{"schema": 0}', "never written"),
        (b'{"schema": 1, "lock": "' + b"a" * 64 + b'"}', '"hashes" is missing'),
        (b"{\n<<<<<<< HEAD\n", "merge"),
    ],
)
def test_damage_is_named(data: bytes, part: str) -> None:
    with pytest.raises(InputError, match=part):
        parse_pins(data)


def test_a_hash_in_another_form_than_sri_is_refused() -> None:
    text = render(PINS).replace(FAKE_HASH.sri, f"sha256:{FAKE_HASH.nix32}")
    with pytest.raises(InputError, match="SRI"):
        parse_pins(text.encode())


def test_reading_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "python-deps.json"
    with pytest.raises(InputError, match="does not exist") as caught:
        read_pins(path)
    assert "generate" in caught.value.hint
    path.write_text(render(PINS))
    assert read_pins(path) == PINS
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match="cannot read"):
        read_pins(path)


def test_the_lock_digest_is_the_files() -> None:
    assert lock_digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
