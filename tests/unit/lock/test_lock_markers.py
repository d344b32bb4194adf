"""Markers: grammar, truth, and the diagrams that keep extras open."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker as ReferenceMarker

from tests.support.locks import LINUX, MAC
from uvlock2nix.lock.marker_diagrams import FALSE, TRUE, Conditions, extra_item, group_item, project_item
from uvlock2nix.lock.markers import MAX_DEPTH, MarkerError, parse_marker

ENVIRONMENT = LINUX.marker_environment()


def holds(text: str, environment: Mapping[str, str] = ENVIRONMENT, *active: str) -> bool:
    return Conditions(environment).evaluate(text, active)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("sys_platform == 'linux'", True),
        ("'linux' == sys_platform", True),
        ("sys_platform != 'linux'", False),
        ("'lin' in sys_platform", True),
        ("'linux2' in sys_platform", False),
        ("sys_platform in 'linux darwin'", True),
        ("sys_platform not in 'win32'", True),
        ("sys_platform in 'darwinlinux'", True),
        ("python_version >= '3.9'", True),
        ("python_version >= '3.13'", False),
        ("'3.13' > python_version", True),
        ("python_full_version == '3.12.*'", True),
        ("python_full_version != '3.12.*'", False),
        ("python_full_version ~= '3.11'", True),
        ("python_version in '3.11 3.12'", True),
        ("python_version not in ' 3.11\t3.13'", True),
        ("python_version === '3.12'", True),
        ("implementation_version < '3.10'", False),
        ("platform_machine == 'x86_64' and os_name == 'posix'", True),
        ("platform_machine == 'arm64' and os_name == 'posix' or os_name == 'nt'", False),
        ("platform_machine == 'arm64' or os_name == 'posix' and sys_platform == 'linux'", True),
        ("(platform_machine == 'arm64' or os_name == 'posix') and sys_platform == 'win32'", False),
        ("platform_release >= ''", True),
        ("platform_version < 'a'", True),
        ('os.name == "posix"', True),
        ("python_implementation == 'CPython'", True),
        ("extra == 'x'", False),
        ("extra != 'x'", True),
    ],
)
def test_truth_on_linux(text: str, expected: bool) -> None:
    assert holds(text) is expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("os_name", "ends too early"),
        ("os_name ==", "ends too early"),
        ("os_name == 'a' or", "ends too early"),
        ("os_name == 'a' 'b'", "after its end"),
        ("(os_name == 'a'", "ends too early"),
        ("(os_name == 'a' 'b')", "unclosed parenthesis"),
        ("os_name = 'a'", "cannot be read"),
        ("os_name == 'a", "cannot be read"),
        ("os_name == os_name", "does not compare"),
        ("'a' == 'a'", "does not compare"),
        ("nonsense == 'a'", "unknown variable nonsense"),
        ("os_name not 'a'", "instead of a comparison"),
        ("extra > 'a'", "compares extra"),
        ("extras == 'a'", "uses extras"),
        ("'3' ~= python_version", "variable on the right"),
        ("os_name == '" + "a" * 1_000_000 + "'", "more than uvlock2nix supports"),
        ("(" * 100 + "os_name == 'a'" + ")" * 100, "nested too deeply"),
    ],
)
def test_wrong_markers(text: str, says: str) -> None:
    with pytest.raises(MarkerError, match=says):
        parse_marker(text)


@pytest.mark.parametrize(
    "text",
    [
        "python_version >= 'x'",
        "os_name ~= 'posix'",
        "python_version in 'a b'",
        # To uv, only blanks separate versions.
        "python_version in '3.11, 3.12'",
        "python_version not in '3.11|3.13'",
        f"python_version < '{'9' * 5000}'",
    ],
)
def test_comparisons_without_meaning(text: str) -> None:
    with pytest.raises(MarkerError, match="compares"):
        holds(text)


def test_deep_but_allowed() -> None:
    text = "(" * (MAX_DEPTH - 1) + "os_name == 'posix'" + ")" * (MAX_DEPTH - 1)
    assert holds(text)


def test_pep_751_collections() -> None:
    conditions = Conditions(ENVIRONMENT, extras=["x"], groups=["dev"])
    assert conditions.evaluate("'x' in extras and 'dev' in dependency_groups")
    assert not conditions.evaluate("'y' in extras")
    assert conditions.evaluate("'y' not in extras")


def test_names_of_items() -> None:
    assert extra_item("my-pkg", "cpu") == "extra-6-my-pkg-cpu"
    assert group_item("a", "dev") == "group-1-a-dev"
    assert project_item("a") == "project-1-a"


def test_diagrams_are_canonical() -> None:
    conditions = Conditions(ENVIRONMENT)
    one = conditions.compile("extra == 'a' or (extra == 'b' and sys_platform == 'linux')")
    two = conditions.compile("sys_platform == 'linux' and extra == 'b' or extra == 'a'")
    assert one == two
    assert conditions.compile("extra == 'a' or extra != 'a'") == TRUE
    assert conditions.compile("extra == 'a' and extra != 'a'") == FALSE
    assert conditions.possible("extra == 'a'")
    assert not conditions.possible("extra == 'a' and sys_platform == 'win32'")


def test_a_marker_made_to_explode_is_an_error() -> None:
    pairs = [f"(extra == 'a{n}' and extra == 'b{n}')" for n in range(30)]
    first = " and ".join(f"extra != 'a{n}'" for n in range(30))
    conditions = Conditions(ENVIRONMENT, max_nodes=5000)
    conditions.compile(first)
    with pytest.raises(MarkerError, match="too complex"):
        conditions.compile(" or ".join(pairs))


def test_too_many_extras_are_an_error_not_a_deep_recursion() -> None:
    marker = " or ".join(f"extra == 'a{n}'" for n in range(500))
    assert Conditions(ENVIRONMENT).evaluate(marker, {"a499"})
    with pytest.raises(MarkerError, match="more than 500"):
        Conditions(ENVIRONMENT).compile(marker + " or extra == 'b'")


ATOMS = st.sampled_from(
    [
        "sys_platform == 'linux'",
        "sys_platform != 'darwin'",
        "platform_machine == 'arm64'",
        "python_full_version >= '3.12.1'",
        "python_version < '3.13'",
        "'arm' in platform_machine",
        "os_name in 'posix java'",
        "extra == 'a'",
        "extra != 'b'",
        "extra == 'c'",
    ]
)
MARKERS = st.recursive(
    ATOMS,
    lambda inner: st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
        lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
    ),
    max_leaves=12,
)


@given(MARKERS, st.sampled_from([LINUX, MAC]), st.sets(st.sampled_from("abc"), max_size=1))
def test_truth_is_packaging_s(text: str, target: object, active: set[str]) -> None:
    environment = target.marker_environment()  # type: ignore[attr-defined]
    reference = ReferenceMarker(text).evaluate({**environment, "extra": next(iter(active), "")})
    assert Conditions(environment).evaluate(text, active) == reference


@given(MARKERS, MARKERS)
def test_diagrams_are_equal_just_when_the_functions_are(left: str, right: str) -> None:
    conditions = Conditions(ENVIRONMENT)
    one, two = conditions.compile(left), conditions.compile(right)
    subsets = [set(items) for size in range(4) for items in itertools.combinations("abc", size)]
    same = all(conditions.holds(one, active) == conditions.holds(two, active) for active in subsets)
    assert same == (one == two)
    for active in subsets:
        both = conditions.holds(one, active) and conditions.holds(two, active)
        either = conditions.holds(one, active) or conditions.holds(two, active)
        assert conditions.holds(conditions.both(one, two), active) == both
        assert conditions.holds(conditions.either(one, two), active) == either


@given(st.text(max_size=80))
def test_any_text_is_a_marker_or_an_error(text: str) -> None:
    with suppress(MarkerError):
        Conditions(ENVIRONMENT).compile(text)
