"""Our normal form of a name is that of ``packaging``."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name as theirs

from uvlock2nix.names import canonicalize_name, required_name


@given(st.text(st.sampled_from("aZ09._-Éß "), max_size=12) | st.text(max_size=12))
def test_names_are_normalised_as_packaging_does(name: str) -> None:
    assert canonicalize_name(name) == theirs(name)


REQUIREMENTS = st.lists(
    st.sampled_from(["a", "b.C", "_", "-", " ", ">=", "==", "~=", "<", "1", ".0", "*", ",", "[x]", ";", "@"]),
    max_size=8,
).map("".join)


@given(REQUIREMENTS)
def test_names_in_requirements_are_what_packaging_reads(text: str) -> None:
    expected: str
    try:
        expected = theirs(Requirement(text).name)
    except InvalidRequirement:
        expected = ""
    assert required_name(text) == expected
