"""Programs that run scripts of the installed packages, and that no package brings: reported for env.

Only reported, not recorded in deps: env gives the scripts their interpreters, deps has them unchanged.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from uvlock2nix.dist.entry_points import entry_points
from uvlock2nix.dist.installed import Installed
from uvlock2nix.first_lines import LIMIT
from uvlock2nix.inspect.interpreters import foreign_interpreter, is_no_script
from uvlock2nix.layout import SCRIPTS
from uvlock2nix.reading import open_regular

_KEPT: Final = f"../../../{SCRIPTS}/"


def script_programs(distributions: Sequence[Installed], site: Path) -> str:
    """The line about the ``distributions`` in ``site``: ``… NAME=node,perl OTHER=php``; always there."""
    brought = {name for one in distributions for name in entry_points(one)}
    brought |= {
        entry.path.removeprefix(_KEPT)
        for one in distributions
        for entry in one.entries
        if entry.path.startswith(_KEPT)
    }
    found = {one.name: sorted(set(_asked(one, site)) - brought) for one in distributions}
    words = [f"{name}={','.join(programs)}" for name, programs in sorted(found.items()) if programs]
    return f"uvlock2nix: scripts are run by: {' '.join(words) or 'nothing else'}"


def _asked(one: Installed, site: Path) -> Iterator[str]:
    for entry in one.entries:
        if is_no_script(entry.path):
            continue
        path = f"{site}/{entry.path}"  # there are tens of thousands of files
        try:
            if not os.stat(path).st_mode & 0o111:  # noqa: PTH116
                continue
            with open_regular(Path(path)) as file:
                name = foreign_interpreter(file.read(LIMIT))
        except OSError:
            continue  # a file that a RECORD has and that is not there, or is no regular one
        if name is not None:
            yield name
