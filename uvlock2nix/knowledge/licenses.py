"""Licenses of a project as SPDX identifiers that nixpkgs knows, from ``data/licenses.json``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from uvlock2nix.knowledge.tables import Rows, load_table, text_of, texts_of
from uvlock2nix.regex import regex

_FILE: Final = "licenses.json"
_OPERATOR: Final = regex(r"\s+(?:AND|OR)\s+", re.IGNORECASE)


def spdx_identifiers(expression: str | None, classifiers: Iterable[str]) -> tuple[str, ...]:
    """The identifiers of a license expression (https://peps.python.org/pep-0639/), else of classifiers.

    Empty if nixpkgs does not have an identifier: a wrong license is worse than none.

    Raises:
        InputError: the table is damaged.
    """
    raw = load_table(_FILE)
    rows = Rows(_FILE, raw.get("classifiers"), text_of)
    known = {one.lower(): one for one in (*rows.values(), *texts_of(f"{_FILE}: spdx", raw.get("spdx")))}
    if expression and expression.strip():
        names = [known.get(part.lower(), "") for part in _OPERATOR.split(expression.strip().strip("()"))]
    else:
        said = [text for text in classifiers if text.startswith("License ::")]
        names = [rows.get(text, "") for text in said if text != "License :: OSI Approved"]
    return tuple(dict.fromkeys(names)) if all(names) else ()
