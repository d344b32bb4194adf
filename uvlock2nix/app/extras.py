"""The files that ``generate`` writes on request: a NixOS module, an image, and our own files.

Once requested, they are kept up to date: a file that exists is written again with the others.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

from uvlock2nix.app.files import Generated
from uvlock2nix.config import Config
from uvlock2nix.emit.attributes import STANDALONE
from uvlock2nix.emit.common import IMAGE, IMAGE_MAKER, MAKER, MODULE, STATIC, USER_MAKER, header
from uvlock2nix.plan import Plan
from uvlock2nix.service import parse_service

# What can be requested, and the file whose presence shows that it was.
EXTRAS: Final = {"module": MODULE, "image": IMAGE, "standalone": f"{STANDALONE}/files.json"}


def extra_files(plan: Plan, config: Config, root: Path, asked: Collection[str]) -> tuple[Generated, ...]:
    """The files that are requested, now or before.

    Raises:
        UsageError: ``[tool.uvlock2nix.service]`` is invalid, or the project has no program to run.
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

        files += [
            Generated.of(folder / MODULE, module_file(plan, service)),
            _copied(plan, folder / MAKER, "mkServiceModule", "the function that makes its module"),
            _copied(plan, folder / USER_MAKER, "service-user", "what that makes of it for a user"),
        ]
    if "image" in wanted:
        from uvlock2nix.emit.image import image_file

        files += [
            Generated.of(folder / IMAGE, image_file(plan, service)),
            _copied(plan, folder / IMAGE_MAKER, "mkServiceImage", "the function that makes its image"),
        ]
    if wanted and service.static:
        files.append(_copied(plan, folder / STATIC, "mkStaticFiles", "the function that makes static files"))
    return tuple(files)


def is_standalone(folder: Path, asked: Collection[str]) -> bool:
    """Whether our own files are written next to the generated ones: requested now or before."""
    return "standalone" in _wanted(folder, asked)


def _wanted(folder: Path, asked: Collection[str]) -> frozenset[str]:
    return frozenset(name for name, file in EXTRAS.items() if name in asked or (folder / file).exists())


def _copied(plan: Plan, path: Path, function: str, what: str) -> Generated:
    """A copy of a Nix function of ours, so that the project's files need no input for it."""
    from uvlock2nix.resources import nix_dir

    text = (nix_dir() / "lib" / f"{function}.nix").read_text(encoding="utf-8")
    about = "\n".join(f"# {line}" for line in header(plan, what))
    return Generated.of(path, f"{about}\n{text}")
