"""The files that ``generate`` writes on request: a NixOS module, an image, and what all need of ours.

Asked for once, they are kept up to date: a file that is there is written again with the others.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

from uvlock2nix.app.files import Generated
from uvlock2nix.config import Config
from uvlock2nix.emit.attributes import STANDALONE
from uvlock2nix.emit.common import IMAGE, MAKER, MODULE, header
from uvlock2nix.plan import Plan
from uvlock2nix.service import parse_service

# What can be asked for, and the file by which it is known again.
EXTRAS: Final = {"module": MODULE, "image": IMAGE, "standalone": f"{STANDALONE}/files.json"}


def extra_files(plan: Plan, config: Config, root: Path, asked: Collection[str]) -> tuple[Generated, ...]:
    """The files of what is asked for, or was asked for before.

    Raises:
        UsageError: ``[tool.uvlock2nix.service]`` is not in order, or the project has no program to run.
    """
    folder = root / plan.folder
    service = parse_service(config.service)
    wanted = _wanted(folder, asked)
    files: list[Generated] = []
    if plan.standalone:
        from uvlock2nix.app.standalone import standalone_files

        files += standalone_files(folder)
    if "module" in wanted:
        from uvlock2nix.emit.module import module_file
        from uvlock2nix.resources import nix_dir

        maker = (nix_dir() / "lib" / "mkServiceModule.nix").read_text(encoding="utf-8")
        about = "\n".join(f"# {line}" for line in header(plan, "the function that makes its NixOS module"))
        files += [
            Generated.of(folder / MODULE, module_file(plan, service)),
            Generated.of(folder / MAKER, f"{about}\n{maker}"),
        ]
    if "image" in wanted:
        from uvlock2nix.emit.image import image_file

        files.append(Generated.of(folder / IMAGE, image_file(plan, service)))
    return tuple(files)


def is_standalone(folder: Path, asked: Collection[str]) -> bool:
    """Whether what generated files need of ours is written next to them: asked for now, or before."""
    return "standalone" in _wanted(folder, asked)


def _wanted(folder: Path, asked: Collection[str]) -> frozenset[str]:
    return frozenset(name for name, file in EXTRAS.items() if name in asked or (folder / file).exists())
