"""What ``[project]`` says for people: read leniently, as it decides nothing."""

from __future__ import annotations

from typing import Any

import pytest

from uvlock2nix.lock.about import About, read_about


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        ({}, About()),
        ({"description": " Two\nlines\t "}, About(description="Two lines")),
        ({"description": 3, "urls": "x", "license": 4, "classifiers": "License"}, About()),
        ({"license": "MIT OR Apache-2.0"}, About(license="MIT OR Apache-2.0")),
        ({"license": {"text": "BSD-3-Clause"}}, About(license="BSD-3-Clause")),
        ({"license": {"file": "LICENSE"}}, About(files=("LICENSE",))),
        ({"readme": "R.md", "license-files": ["A*", 3]}, About(files=("R.md", "A*", "3"))),
        ({"license-files": {"globs": ["A*"]}}, About(files=("**",))),
        ({"urls": {"Home-Page": "https://a.example"}}, About(homepage="https://a.example")),
        (
            {"urls": {"Source": "https://s.example", "homepage": "https://h.example"}},
            About(homepage="https://h.example"),
        ),
        ({"urls": {"Source Code": "https://s.example"}}, About(homepage="https://s.example")),
        ({"urls": {"Homepage": "javascript:alert(1)"}}, About()),
        ({"classifiers": ["License :: X", 3]}, About(classifiers=("License :: X",))),
    ],
)
def test_read(project: dict[str, Any], expected: About) -> None:
    assert read_about(project) == expected
