"""Hooks of MkDocs: pages that are made from the code, and those that are kept at the top of the repository."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.site import commands, house, keys, library, messages, schemas  # noqa: E402

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

# Place in the site → what makes the page.
PAGES: Final[dict[str, Callable[[], str]]] = {
    "reference/commands.md": commands.page,
    "reference/configuration.md": keys.page,
    "reference/nix.md": library.page,
    "reference/schemas.md": schemas.page,
    "reference/messages.md": messages.page,
    "architecture.md": house.page,
    "contributing.md": lambda: (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"),
    "changelog.md": lambda: (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
}


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that are not in the folder ``docs``."""
    from mkdocs.structure.files import File

    for place, make in PAGES.items():
        files.append(File.generated(config, place, content=make()))
    return files
