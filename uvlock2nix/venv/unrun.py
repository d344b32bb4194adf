"""Scripts that no program of the inputs can run: reported with the line that gives them one."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator
from pathlib import Path

from uvlock2nix.dist.installed import installed
from uvlock2nix.dist.shebangs import Unrun
from uvlock2nix.first_lines import is_program
from uvlock2nix.knowledge.libraries import library_names
from uvlock2nix.printable import printable


def unrun_notes(scripts: Iterable[Unrun], root: Path, site: Path, key: str) -> Iterator[str]:
    """A note for each script of the distributions in ``site``, below ``root``.

    ``key`` is the key of ``[tool.uvlock2nix.native.NAME]`` whose attributes become inputs of what is made.
    """
    found = tuple(scripts)
    if not found:
        return
    inside = os.path.relpath(site, root)
    owners = {
        posixpath.normpath(f"{inside}/{entry.path}"): one.name
        for one in installed(site)
        for entry in one.entries
    }
    known = library_names("interpreters")
    for one in found:
        if not is_program(one.program):
            name = printable(one.program, 80)
            yield f"{one.path}: {name}, which should run it, is no program: the script stays as it is"
            continue
        owner = owners.get(one.path, "NAME")
        attr = known.get(one.program, one.program)
        line = f'{key} = ["{attr}"] under [tool.uvlock2nix.native.{owner}]'
        yield (
            f"{one.path}: {one.program}, which runs it, is not among the inputs: the script stays as it is."
            f" Set {line}, where {attr} is the attribute that has it, and run `uvlock2nix generate`"
        )
