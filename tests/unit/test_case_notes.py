from __future__ import annotations

from uvlock2nix.app.collisions import case_notes

LINE = "uvlock2nix: differ only in case: a/X.py, a/x.py"


def test_once_whatever_the_number() -> None:
    (note,) = case_notes([f"python-deps> {LINE}", LINE, "uvlock2nix: differ only in case: é/A, é/a", "x"])
    assert note.startswith(
        "a/X.py, a/x.py (and 1 more such group) differ only in case: a case-insensitive file system"
    )


def test_nothing_to_tell_and_lines_that_steer_a_terminal() -> None:
    assert case_notes(["uvlock2nix: building a 1.0", "uvlock2nix: differ only in case: \x1b[2J"]) == ()
