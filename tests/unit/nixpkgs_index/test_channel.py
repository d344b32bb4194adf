import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvlock2nix.errors import InputError
from uvlock2nix.nixpkgs_index import stored as indexes
from uvlock2nix.nixpkgs_index.channel import Found, entries, make_index, parse_entry, read_channel
from uvlock2nix.nixpkgs_index.model import parse_index

OLD = {
    "version": 2,
    "packages": {
        "hello": {"name": "hello-2.12", "pname": "hello", "version": "2.12", "meta": {}},
        "python313Packages.lxml": {
            "name": "python3.13-lxml-6.0.2", "pname": "python3.13-lxml", "version": "6.0.2",
            "system": "x86_64-linux", "outputs": {"out": None}, "meta": {"broken": False, "available": True},
        },
        "python313Packages.web": {"name": "python3.13-web.py-0.62", "system": "x86_64-linux", "meta": {}},
        "python312Packages.django_5_2": {"name": "python3.12-django-5.2.6"},
    },
}  # fmt: skip
NEW = {
    "version": "2",
    "packages": {
        "python313Packages.lxml": {
            "name": "lxml-6.0.2",
            "pname": "lxml",
            "version": "6.0.2",
            "outputs": ["out"],
        },
        "python313Packages.bad": {
            "name": "bad-1.0",
            "pname": "bad",
            "version": "1.0",
            "meta": {"broken": True},
        },
        "python313Packages.django": {"name": "django-4.2", "pname": "django", "version": "4.2"},
        "python313Packages.django_5_2": {"name": "django-5.2", "pname": "django", "version": "5.2"},
        "python313Packages.pygobject3": {"name": "pygobject-3.52", "pname": "pygobject", "version": "3.52"},
        "python313Packages.odd": 7,
        "python313Packages.nothing": {"name": "nothing"},
        "python313Packages.set.inner": {"name": "inner-1.0"},
    },
}


def pieces(value: object, size: int = 7) -> list[bytes]:
    data = json.dumps(value, ensure_ascii=False).encode()
    return [data[i : i + size] for i in range(0, len(data), size)]


def test_both_schemas_of_a_channel() -> None:
    old, new = read_channel(pieces(OLD)), read_channel(pieces(NEW))
    assert old["313"][0] == new["313"][0] == Found("lxml", "lxml", "6.0.2")
    assert old["313"][1] == Found("web", "web.py", "0.62")
    assert old["312"] == [Found("django_5_2", "django", "5.2.6")]
    assert [row.attr for row in new["313"]] == ["lxml", "bad", "django", "django_5_2", "pygobject3"]


def test_rows_of_an_index() -> None:
    raw = make_index(
        read_channel(pieces(NEW)), source="s", nixpkgs="n", date="2026-01-01", revision=None, system="x"
    )
    index = parse_index(json.loads(json.dumps(raw)), "f")
    assert index.lookup("django", "5.2", "3.13").attr == "django_5_2"
    assert index.lookup("django", "4.2", "3.13").attr == "django"
    assert index.lookup("django", "1", "3.13").attr == "django"
    assert index.lookup("PyGObject", "3.52", "3.13").attr == "pygobject3"
    assert index.lookup("pygobject3", "3.52", "3.13").match == "same"
    assert not index.lookup("bad", "1.0", "3.13").usable


def test_hostile_attributes_do_not_enter_an_index() -> None:
    found = {"313": [Found('x"; evil', "x", "1"), Found("2to3", "2to3", "1")]}
    raw = make_index(found, source="s", nixpkgs="n", date="d", revision=None, system="x")
    assert raw["sets"] == {"313": {"2to3": "1"}}


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]",
     b'{"packages"', b'{"packages": 3}', b'{"packages": {"a": {}', b'{"packages": {"a" 1}}',
     b'{"packages": {"a": 1', b'{"packages": {"a": 1 "b": 2}}', b'{"packages": {3: 1}}', b'{"packages": {}}',
     b'{"packages": {"a": \xff}}'],
)  # fmt: skip
def test_a_torn_channel_is_an_error(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        read_channel([data])
    assert caught.value.hint


TABLES = st.dictionaries(st.text(max_size=5), st.one_of(st.text(), st.integers()), max_size=5)


@given(st.integers(1, 40), TABLES)
def test_pieces_may_be_cut_anywhere(size: int, packages: dict[str, object]) -> None:
    assert dict(entries(pieces({"packages": packages}, size))) == packages


def test_an_endless_value_is_refused() -> None:
    with pytest.raises(InputError, match="damaged"):
        list(entries([b'{"packages": {"a": "', *[b"x" * (1 << 20)] * 8]))


def test_an_entry_without_version_is_none() -> None:
    assert parse_entry("a", {"name": "a"}) is None
    assert parse_entry("a", []) is None
    assert parse_entry("a", {"name": "a-b-0-unstable-2024-01-01"}) == Found(
        "a", "a-b", "0-unstable-2024-01-01"
    )


RAW = make_index(
    {"313": [Found("lxml", "lxml", "6.0.2")]}, source="s", nixpkgs="n", date="d", revision=None, system="x"
)


def test_indexes_are_found_by_key_then_default_then_embedded(tmp_path: Path) -> None:
    assert indexes.in_use(tmp_path, "abc").origin == "embedded"
    key = indexes.key_of((("nixpkgsUrl", "u"),))
    indexes.store(tmp_path, key, RAW, default=False)
    assert indexes.in_use(tmp_path, key).origin == "s"
    assert indexes.in_use(tmp_path, "other").origin == "embedded"
    indexes.store(tmp_path, "d", {**RAW, "source": "default"}, default=True)
    assert indexes.in_use(tmp_path, "other").origin == "default"
    assert indexes.in_use(tmp_path, None).origin == "default"
    assert indexes.in_use(tmp_path, key).origin == "s"


def test_a_torn_index_file_is_named(tmp_path: Path) -> None:
    path = indexes.store(tmp_path, "k", RAW, default=True)
    for data in (b"", b"junk", path.read_bytes()[:-9]):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"k\.json\.gz"):
            indexes.in_use(tmp_path, "k")


def test_keys_are_plain_names(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        indexes.store(tmp_path, "../evil", RAW, default=False)
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "default").write_text("../../evil")
    assert indexes.find(tmp_path, None) is None
