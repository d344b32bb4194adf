#!/usr/bin/env python3
"""Print the release notes of a version, from CHANGELOG.md: scripts/release_notes.py [VERSION].

VERSION is that of the package where none is given. A version that the changelog does not have, or has without
a change, is an error.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADING = re.compile(r"^## \[(?P<version>[^\]]+)\](?: - (?P<date>\d{4}-\d\d-\d\d))?$", re.MULTILINE)


def notes(changelog: str, version: str) -> str:
    """The text between the heading of ``version`` and the next one, under a title; raises ``LookupError``."""
    headings = list(HEADING.finditer(changelog))
    for heading, after in zip(headings, [*headings[1:], None], strict=True):
        if heading["version"] != version:
            continue
        text = changelog[heading.end() : after.start() if after else len(changelog)].strip()
        if not re.search(r"^- ", text, re.MULTILINE):
            raise LookupError(f"the changelog lists no change for {version}")
        if heading["date"] is None:
            raise LookupError(f"{version} has no date in the changelog")
        return f"# uvlock2nix {version} ({heading['date']})\n\n{text}\n"
    raise LookupError(f"the changelog has no section for {version}")


def main() -> int:
    version = sys.argv[1] if len(sys.argv) > 1 else _own_version()
    try:
        sys.stdout.write(notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version))
    except LookupError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _own_version() -> str:
    text = (ROOT / "uvlock2nix" / "__init__.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    return str(version)


if __name__ == "__main__":
    sys.exit(main())
