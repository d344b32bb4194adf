from __future__ import annotations

import itertools

import pytest

from uvlock2nix.lock.declared import specifier_key
from uvlock2nix.lock.marker_functions import TRUE, MarkerFunctions
from uvlock2nix.lock.markers import MarkerError

LINUX, MAC = (f"sys_platform == '{name}'" for name in ("linux", "darwin"))
# Each line's markers hold in the same environments, no two lines' do (for Python 3.10 and later).
CLASSES = (
    ("", "python_version >= '3.9'", "os_name == 'nt' or os_name != 'nt'", "python_version < '<3.10'"),
    ("python_version < '3.12'", "python_full_version < '3.12'", "'3.12' > python_version"),
    ("python_version <= '3.12'", "python_version < '3.13'", "python_full_version < '3.13'"),
    ("python_full_version <= '3.12'",),
    ("python_version == '3.11'", "python_version ~= '3.11.0'", "python_full_version == '3.11.*'"),
    ("python_full_version < '3.12.1'",),
    (LINUX, "'linux' == sys_platform", "platform_system == 'Linux'", f"{LINUX} and python_version > '3'"),
    ("sys_platform in 'linux darwin'", f"{LINUX} or {MAC} or sys_platform == 'linux darwin'"),
    ("platform_machine == 'x86_64'",),
    ("platform_machine != 'x86_64'",),
    ("extra == 'a'", "extra == 'A'"),
    ("extra != 'a'",),
    (f"extra == 'a' and {LINUX}", f"{LINUX} and extra == 'a'"),
    (f"{MAC} and (extra == 'a' or extra == 'b')", f"extra == 'b' and {MAC} or {MAC} and extra == 'a'"),
)  # fmt: skip


def test_equal_markers_have_equal_numbers() -> None:
    functions = MarkerFunctions(itertools.chain(*CLASSES), ">=3.10")
    numbers = [{functions.of(text) for text in texts} for texts in CLASSES]
    assert [len(found) for found in numbers] == [1] * len(CLASSES)
    assert len(set().union(*numbers)) == len(CLASSES)


def test_pythons_that_are_left_out_do_not_count() -> None:
    texts = ("python_version >= '3.11'", "")
    everywhere, here = MarkerFunctions(texts, ""), MarkerFunctions(texts, ">=3.11")
    assert everywhere.of(texts[0]) != TRUE
    assert here.of(texts[0]) == TRUE


def test_operations() -> None:
    linux, mac = "sys_platform == 'linux'", "sys_platform == 'darwin'"
    functions = MarkerFunctions((linux, mac, f"{linux} or {mac}", f"{linux} and extra == 'x'"), "")
    one, other = functions.of(linux), functions.of(mac)
    assert functions.either(one, other) == functions.of(f"{linux} or {mac}")
    assert functions.both(one, other) == functions.negated(TRUE)
    assert functions.either(one, functions.negated(one)) == TRUE
    assert functions.with_extra(one, "X") == functions.of(f"{linux} and extra == 'x'")


@pytest.mark.parametrize("text", ["nonsense", "os_name ==", "'x' in extras"])
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(MarkerError):
        MarkerFunctions([text], "").of(text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (">=03.04", ">=3.4", True),
        (">=1,<2", "<2.0, >=1.0.0", True),
        ("==1.0", "==1", True),
        ("==1.*", "==1.0.*", False),
        ("~=1.0", "~=1.0.0", False),
        ("~=01.0", "~=1.0", True),
        (">=1.0a1", ">=1.0.alpha1", True),
        (">=1", ">1", False),
        ("===1.0", "===1", False),
        ("==1.0+Local", "==1+local", True),
        ("", "", True),
    ],
)
def test_specifiers_are_values(one: str, other: str, *, same: bool) -> None:
    assert (specifier_key(one) == specifier_key(other)) is same
