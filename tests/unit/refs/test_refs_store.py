from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.refs import store_path
from uvlock2nix.errors import InputError, UsageError
from uvlock2nix.refs.store import (
    ALPHABET,
    PLACEHOLDER,
    Keys,
    StorePath,
    find_input,
    placeholder,
    split_store_name,
    store_key,
)

HASHES = st.text(alphabet=ALPHABET.decode(), min_size=32, max_size=32)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("libxml2-2.13.8", ("libxml2", "2.13.8", "")),
        ("libxml2-2.13.8-dev", ("libxml2", "2.13.8", "dev")),
        ("glibc-2.40-66", ("glibc", "2.40-66", "")),
        ("glibc-2.40-66-bin", ("glibc", "2.40-66", "bin")),
        ("gcc-14.2.1.20250322-lib", ("gcc", "14.2.1.20250322", "lib")),
        ("gcc-14.2.1-libgcc", ("gcc", "14.2.1", "libgcc")),
        ("bash-5.2p37", ("bash", "5.2p37", "")),
        ("foo-unstable-2024-01-01", ("foo-unstable", "2024-01-01", "")),
        ("foo-1.0-rc", ("foo", "1.0-rc", "")),
        ("stdenv-linux", ("stdenv-linux", "", "")),
        ("-x", ("-x", "", "")),
    ],
)
def test_split_store_name(name: str, parts: tuple[str, str, str]) -> None:
    assert split_store_name(name) == parts


def test_key_has_no_version_but_the_output() -> None:
    assert store_key("libxml2-2.13.8") == store_key("libxml2-2.14.10") == "libxml2"
    assert store_key("libxml2-2.13.8-dev") == "libxml2.dev"


@given(st.text(min_size=1), st.booleans())
def test_placeholder_is_a_pure_function_of_the_key_and_found_again(key: str, whole: bool) -> None:
    token = placeholder(key, whole=whole)
    assert len(token) == 32
    assert PLACEHOLDER.fullmatch(token)
    assert placeholder(key, whole=whole) == token
    assert placeholder(key, whole=not whole) != token
    assert placeholder(key + "x", whole=whole) != token


@given(st.text(min_size=1), st.text(alphabet=ALPHABET.decode(), min_size=40, max_size=40))
def test_no_window_over_a_placeholder_can_be_a_hash(key: str, around: str) -> None:
    text = around.encode() + placeholder(key) + around.encode()
    for at in range(9, 40 + 32):
        assert set(text[at : at + 32]) - set(ALPHABET)


def test_parse_takes_what_is_below_the_store_only() -> None:
    path = store_path("zlib-1.3.1")
    assert StorePath.parse(f"/nix/store/{path.base}") == path
    assert StorePath.parse(f"/nix/store/{path.base}/lib/x") == path
    assert StorePath.parse(f"/s/{path.base}", store_dir="/s/") == path
    for bad in (
        "",
        "/nix/store",
        f"/nix/store/{path.hash}",
        f"/nix/store/{path.base}\n",
        f"/other/{path.base}",
    ):
        with pytest.raises(InputError, match="is not a path in the store"):
            StorePath.parse(bad)


def test_keys_prefer_attributes_and_never_stand_for_two_hashes() -> None:
    zlib, other, third = (store_path("zlib-1.3.1", seed) for seed in "123")
    newer = store_path("zlib-1.4")
    keys = Keys([zlib, other, newer, third], {"zlib": f"/nix/store/{newer.base}/lib"}, store_dir="/nix/store")
    assert keys.key(newer.hash, newer.name) == "zlib"
    assert keys.key(other.hash, other.name) == "zlib-1.3.1"
    assert keys.key(zlib.hash, zlib.name) == "zlib#2"
    assert keys.key(third.hash, third.name) == "zlib#3"
    assert keys.key(zlib.hash, "") == "zlib#2"


def test_out_wins_over_other_names_of_one_path() -> None:
    path = store_path("deps-1")
    where = f"/nix/store/{path.base}"
    keys = Keys([], {"a": where, "out": where, "python-deps": where}, store_dir="/nix/store")
    assert keys.key(path.hash, path.name) == "out"


@pytest.mark.parametrize("attr", ["", "a b", "a=b", "a\n", "\0"])
def test_a_key_that_cannot_be_written_is_refused(attr: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of an input"):
        Keys([], {attr: "/nix/store/x"}, store_dir="/nix/store")


def test_find_input_by_attribute_then_by_the_only_store_name() -> None:
    old, new = store_path("libxml2-2.13.8"), store_path("libxml2-2.14.1")
    dev = store_path("libxml2-2.14.1-dev")
    assert find_input("libxml2", {"libxml2": new}, [old]) == new
    assert find_input("libxml2", {"xml": new, "xml.dev": dev}, [old]) == new
    assert find_input("libxml2.dev", {}, [old, dev]) == dev
    assert find_input("libxml2", {}, [old, new]) is None
    assert find_input("libxslt", {"libxml2": new}, []) is None


@given(HASHES)
def test_a_store_path_is_found_again(store_hash: str) -> None:
    assert StorePath.parse(f"/nix/store/{store_hash}-a") == StorePath("a", store_hash)
