"""Licenses become identifiers that nixpkgs has, or nothing."""

from __future__ import annotations

import pytest

from uvlock2nix.knowledge.licenses import spdx_identifiers

OSI = "License :: OSI Approved :: "


@pytest.mark.parametrize(
    ("expression", "classifiers", "expected"),
    [
        ("MIT", [], ("MIT",)),
        ("mit OR apache-2.0", [], ("MIT", "Apache-2.0")),
        ("(BSD-2-Clause AND MIT)", [], ("BSD-2-Clause", "MIT")),
        ("LicenseRef-Proprietary", [], ()),
        ("MIT OR LicenseRef-Own", [], ()),
        ("GPL-3.0-only WITH Classpath-exception-2.0", [], ()),
        ("Copyright by us, all rights reserved", [OSI + "MIT License"], ()),
        (None, [OSI + "MIT License", "Topic :: X", OSI + "Apache Software License"], ("MIT", "Apache-2.0")),
        (None, [OSI + "MIT License", "License :: Other/Proprietary License"], ()),
        (None, ["License :: OSI Approved", OSI + "MIT License"], ("MIT",)),
        (" ", [OSI + "ISC License (ISCL)"], ("ISC",)),
        (None, [], ()),
    ],
)
def test_identifiers(expression: str | None, classifiers: list[str], expected: tuple[str, ...]) -> None:
    assert spdx_identifiers(expression, classifiers) == expected
