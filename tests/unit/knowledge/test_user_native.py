import pytest

from uvlock2nix.classify.policy import parse_level, parse_lists
from uvlock2nix.errors import UsageError
from uvlock2nix.knowledge.templates import Literal, Output
from uvlock2nix.knowledge.user import parse_user_native


def test_everything_that_can_be_written() -> None:
    parsed = parse_user_native(
        {
            "My_Package": {
                "build-inputs": ["libfoo", "gst_all_1.gstreamer"],
                "native-build-inputs": ["pkg-config"],
                "env": {"FOO_DIR": "${libfoo.dev}/x"},
                "cflags": ["-include foo.h"],
                "flags": ["config-setting:builddir=build"],
                "build-requires": ["cython<3"],
                "relax": ["numpy"],
            }
        }
    )
    entry = parsed["my-package"]
    assert entry.origin.provenance == "user"
    assert entry.build.build_inputs == ("libfoo", "gst_all_1.gstreamer")
    assert entry.build.env == (("FOO_DIR", (Output("libfoo", "dev"), Literal("/x"))),)
    assert entry.compiles
    assert "cflags" in entry.origin.given
    assert "dlopen" not in entry.origin.given


def test_an_empty_list_is_an_answer() -> None:
    entry = parse_user_native({"a": {"build-inputs": []}})["a"]
    assert entry.origin.given == {"build_inputs"}


@pytest.mark.parametrize(
    ("table", "needle"),
    [
        ({"a": {"buildinputs": []}}, "did you mean `build-inputs`"),
        ({"a": {"build_inputs": []}}, "did you mean `build-inputs`"),
        ({"a": {"zzz": []}}, "unknown key `zzz`"),
        ({"a": []}, "must be a table"),
        ({"a": {"build-inputs": "zlib"}}, "must be a list of strings"),
        ({"a": {"build-inputs": ["${x}"]}}, "not a nixpkgs attribute"),
        ({"a": {"build-inputs": ["a; rm -rf /"]}}, "not a nixpkgs attribute"),
        ({"a": {"build-inputs": ["a\nb"]}}, "one line"),
        ({"a": {"env": {"A B": "x"}}}, "variable name"),
        ({"a": {"env": {"A": 1}}}, "variable name with a string"),
        ({"a": {"env": []}}, "must be a table of strings"),
        ({"a": {"env": {"A": "${x y}"}}}, "`env.A`"),
        ({"a": {"flags": ["--foo"]}}, "config-setting:KEY=VALUE"),
        ({"a": {"build-requires": ["=="]}}, "not a Python requirement"),
    ],
)
def test_mistakes_are_named(table: dict[str, object], needle: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_user_native(table)
    assert needle in caught.value.message
    assert caught.value.hint


def test_all_mistakes_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        parse_user_native({"a": {"nope": 1}, "b": 3})
    assert "native.a]" in caught.value.message
    assert "native.b]" in caught.value.message


def test_levels() -> None:
    assert parse_level(None) == "native"
    assert parse_level("compatible") == "compatible"
    with pytest.raises(UsageError, match="did you mean `native`"):
        parse_level("nativ")


def test_allow_and_deny() -> None:
    assert parse_lists({"allow": ["Foo.Bar"], "deny": []}) == (
        frozenset({"foo-bar"}),
        frozenset(),
        frozenset(),
    )
    assert parse_lists({"any-version": ["PyQt6"]})[2] == {"pyqt6"}
    with pytest.raises(UsageError, match="allows and denies pyqt6"):
        parse_lists({"any-version": ["PyQt6"], "deny": ["pyqt6"]})
    with pytest.raises(UsageError, match="did you mean `allow`"):
        parse_lists({"alow": []})
    with pytest.raises(UsageError, match="must be a list of package names"):
        parse_lists({"deny": "numpy"})
    with pytest.raises(UsageError, match="allows and denies numpy"):
        parse_lists({"allow": ["numpy"], "deny": ["NumPy"]})
