"""The project's own packages in a store path of their own (mode `files`), built without an environment.

A change of a dependency then builds none of them again, and an environment over them is made of links.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from uvlock2nix.build.programs import Runner
from uvlock2nix.build.values import Build
from uvlock2nix.layout import site_packages
from uvlock2nix.target import Target
from uvlock2nix.venv.bytecode import compile_bytecode
from uvlock2nix.venv.local_manifest import write_local
from uvlock2nix.venv.making import Making
from uvlock2nix.venv.members import Places, local_tree


def install_local(
    builds: Sequence[Build], places: Places, run: Runner, uv: str, target: Target, making: Making, out: Path
) -> None:
    """Build local packages and install them into the new folder ``out``, with their bytecode.

    Raises:
        InputError: a build made a different package.
        ToolError: a build failed, with the end of its output, or modules cannot be compiled.
    """
    python = making.builder or making.python
    tree, scripts = local_tree(builds, places, run, uv, python, target)
    shutil.move(tree, out)
    version = target.python.minor_and_variant
    compile_bytecode(out / site_packages(version), python, making.cores)
    write_local(out, version, scripts)
