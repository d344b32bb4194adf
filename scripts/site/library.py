"""The reference page of the Nix library, from the doc-comments of nix/lib and the heads of the setup hooks."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DOC: Final = re.compile(r"/\*\*\n(.*?)\*/", re.DOTALL)
HEAD: Final = """\
# Nix library

`overlays.default` of the flake (without flakes: `nix/overlay.nix`) adds `uvlock2nix`, the setup hooks and `importUvLock`
to a package set; `lib` has the other functions. Generated files call all of them; you can, too.
"""


def doc(path: Path) -> str:
    """The doc-comment of a file as Markdown, its headings two levels lower.

    Raises:
        LookupError: the file has none.
    """
    found = DOC.search(path.read_text(encoding="utf-8"))
    if found is None:
        raise LookupError(f"{path} has no doc-comment")
    text = textwrap.dedent(found[1]).strip()
    # nixpkgs' doc-comments put examples into admonitions, each with a heading.
    text = re.sub(r"^:::.*\n?", "", text, flags=re.MULTILINE)
    text = re.sub(r"^## (.*)$", r"\1:", text, flags=re.MULTILINE)
    text = re.sub(r"^# ", "#### ", text, flags=re.MULTILINE)
    return re.sub(r"^(`.+`)\n: ", r"- \1: ", text, flags=re.MULTILINE)


def hook(path: Path) -> str:
    """What a setup hook says of itself at its top."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    text = []
    for line in lines:
        if not line.startswith("#") or line.startswith("# shellcheck"):
            break
        text.append(line.removeprefix("#").removeprefix(" "))
    return "\n".join(text).strip()


def functions() -> tuple[Path, ...]:
    """The files of nix/lib, one function each."""
    return tuple(path for path in sorted((ROOT / "nix" / "lib").glob("*.nix")) if path.name != "default.nix")


def hooks() -> tuple[Path, ...]:
    """The setup hooks, without what they share."""
    return tuple(sorted((ROOT / "hooks").glob("*-hook.sh")))


def page() -> str:
    """Functions, then hooks."""
    parts = [HEAD, "## Functions\n"]
    parts += [f"### {path.stem}\n\n{doc(path)}\n" for path in functions()]
    parts.append("## Setup hooks\n")
    for path in hooks():
        words = path.stem.split("-")
        name = words[0] + "".join(word.capitalize() for word in words[1:])
        first, _, rest = hook(path).partition("\n\n")
        parts.append(f"### {name}\n\n{first}\n")
        if rest:
            parts.append(f"```text\n{rest}\n```\n")
    return "\n".join(parts)
