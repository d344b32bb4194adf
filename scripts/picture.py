#!/usr/bin/env python3
"""Draw the picture of the README, docs/classify.svg: a terminal with what `classify` prints of a project."""

from __future__ import annotations

import sys
import tempfile
from html import escape
from pathlib import Path
from typing import Final

from click.testing import CliRunner

ROOT: Final = Path(__file__).resolve().parents[1]
PICTURE: Final = ROOT / "docs" / "classify.svg"
COMMAND: Final = ("fixtures/authentik", "--system", "x86_64-linux", "--python", "3.13", "--no-inspect")
# The rows that are shown, of 29; `…` replaces the others, and the end of a long line.
SHOWN: Final = (
    "NAME",
    "akl-flags",
    "authentik-like ",
    "cryptography",
    "gssapi",
    "lxml",
    "psycopg-c",
    "xmlsec",
)
TALLY: Final = ("29 packages", "from nixpkgs")
WIDE: Final = 118
LINE: Final = (7.25, 19)  # width of a letter, height of a line
COLORS: Final = {"sdist-native": "#f7c67f", "wheel": "#8fd3b6", "workspace": "#c0c8d4"}


def printed() -> list[str]:
    """The lines of the terminal: the command, some of its rows, and the tally."""
    from uvlock2nix.cli.classify import command

    with tempfile.TemporaryDirectory() as folder:
        arguments = [str(ROOT / COMMAND[0]), *COMMAND[1:]]
        done = CliRunner().invoke(command, arguments, env={"XDG_CACHE_HOME": folder}, catch_exceptions=False)
    if done.exit_code:
        raise RuntimeError(done.output)
    lines = [line if len(line) <= WIDE else line[: WIDE - 1] + "…" for line in done.stdout.splitlines()]
    rows = [line for line in lines if line.startswith(SHOWN)]
    return ["$ uvlock2nix classify", *rows, "…", *(line for line in lines if line.startswith(TALLY))]


def drawing() -> str:
    """The picture, as a file of its own."""
    lines = printed()
    width, height = LINE[0] * WIDE + 32, LINE[1] * len(lines) + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
        "<title>uvlock2nix classify: where each package comes from, what it needs, and why</title>",
        f'<rect width="{width:.0f}" height="{height:.0f}" rx="8" fill="#1d2330"/>',
        '<g font-family="ui-monospace, DejaVu Sans Mono, Consolas, monospace" font-size="12" fill="#e6e9ef">',
    ]
    for number, line in enumerate(lines):
        found = next((name for name in COLORS if f" {name} " in line), None)
        color = f' fill="{COLORS[found]}"' if found else ' fill="#8aa0c0"' if number == 1 else ""
        y = 32 + LINE[1] * number
        size = f'textLength="{LINE[0] * len(line):.0f}"'
        parts.append(f'<text x="16" y="{y:.0f}" xml:space="preserve" {size}{color}>{escape(line)}</text>')
    return "\n".join((*parts, "</g>", "</svg>", ""))


if __name__ == "__main__":
    PICTURE.write_text(drawing(), encoding="utf-8")
    sys.stdout.write(f"wrote {PICTURE.relative_to(ROOT)}\n")
