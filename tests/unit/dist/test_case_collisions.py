from __future__ import annotations

from pathlib import Path

from uvlock2nix.dist.installed import Entry, Installed, case_collisions


def owned(name: str, *paths: str) -> Installed:
    return Installed(name, "1.0", Path(f"{name}-1.0.dist-info"), tuple(Entry(path, "", "") for path in paths))


def test_case_and_accents() -> None:
    composed, apart = "b/\u00e9.py", "b/e\u0301.py"
    found = case_collisions(
        [
            owned("one", "a/X.py", "a/z.py", composed, "c/STRASSE"),
            owned("two", "a/x.py", apart, "c/stra\u00dfe"),
        ]
    )
    assert found == (("a/X.py", "a/x.py"), (apart, composed), ("c/STRASSE", "c/stra\u00dfe"))


def test_one_path_of_two_packages_is_no_matter_of_case() -> None:
    assert case_collisions([owned("one", "a/X.py", "b"), owned("two", "a/X.py", "c")]) == ()
    assert case_collisions([]) == ()
