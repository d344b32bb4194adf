"""Ask the build backend of a local package for its requirements, as uv does, where its files do not say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from uvlock2nix.app.build_resolver import Resolver
from uvlock2nix.app.build_subjects import Subject
from uvlock2nix.build.backend import Backend
from uvlock2nix.build.environment import make_environment
from uvlock2nix.build.machine import base_environment
from uvlock2nix.build.programs import Runner
from uvlock2nix.build.requirements import BuildSystem
from uvlock2nix.build.values import Build, BuildContext, Source
from uvlock2nix.build_pins import PinnedFile
from uvlock2nix.inspect.build_system import BuildFacts
from uvlock2nix.nar import parse_hash
from uvlock2nix.target import this_system
from uvlock2nix.temporary import temporary_folder

# Not part of the source, and often large.
_LEFT_OUT: Final = (".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", "target", "result", ".tox")


def asked(subject: Subject, facts: BuildFacts, resolver: Resolver) -> tuple[str, ...]:
    """What ``get_requires_for_build_wheel`` of a local package returns on this machine.

    It runs in a copy of the package's folder, with the build requirements that are known so far.

    Raises:
        ToolError: the backend failed.
        NetworkError: its requirements cannot be downloaded.
        InputError: they cannot be resolved.
    """
    if subject.member is None:
        return ()
    target = replace(subject.target, system=this_system())
    requires, _ = subject.requires(facts)
    draft = resolver.draft(facts, requires, subject.uploaded, target, of=(subject.name,))
    with temporary_folder() as root:
        tree = root / "source"
        copy_source(subject.project.root / subject.member.path, tree)
        run, uv = Runner(quiet=True), resolver.uv.program
        env = base_environment(root, os.environ)
        # The user's own cache; and the answer does not depend on the tags.
        env |= {name: value for name, value in os.environ.items() if name == "UV_CACHE_DIR"}
        env |= {"SETUPTOOLS_SCM_PRETEND_VERSION": "0", "PBR_VERSION": "0"}
        # Hardly any answer depends on the Python version: without a matching one, our own will do.
        python = python_for(uv, target.python.minor) or Path(sys.executable)
        context = BuildContext(run, uv, python, root, env, None)
        build = Build(subject.name, None, Source(folder=tree))
        environment = make_environment(build, context, {})
        install_files(draft.files, resolver.root, resolver.uv.flags, context, environment.python)
        system = BuildSystem(facts.requires, facts.backend, facts.backend_path)
        backend = Backend(system, tree, {}, environment, run)
        return tuple(backend.requires(f"asking the build backend of {subject.name}"))


def copy_source(folder: Path, to: Path) -> None:
    """Copy a source tree for a backend to run in, without what is no part of the source. Raises OSError."""
    shutil.copytree(folder, to, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT))


def source_size(folder: Path, most: int) -> int:
    """The bytes that :func:`copy_source` copies; any larger number if there are more than ``most``."""
    size = 0
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        for name in names:
            # A file takes at least a block.
            size += max(os.lstat(Path(place, name)).st_size, 4096)
            if size > most:
                return size
    return size


def python_for(uv: str, minor: str) -> Path | None:
    """A Python of that version on this machine; None if there is none."""
    argv = [uv, "python", "find", "--no-project", "--no-python-downloads", minor]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return Path(done.stdout.strip()) if done.returncode == 0 and done.stdout.strip() else None


def install_files(
    files: Sequence[PinnedFile],
    root: Path,
    flags: Sequence[str],
    context: BuildContext,
    python: Path,
    *,
    other: bool = False,
) -> None:
    """Install pinned files (paths are relative to ``root``) for ``python``; ``flags`` name indexes.

    ``other`` means that this is not the Python that they were pinned for, so any files of these versions do.
    """
    if not files:
        return
    lines = []
    for file in files:
        digest = parse_hash(file.hash, "sha256").hex
        place = file.url or (root / str(file.path)).resolve().as_uri()
        exact = f"{file.name} @ {place}#sha256={digest}\n"
        lines.append(f"{file.name}=={file.version}\n" if other and file.url else exact)
    listed = context.root / "requirements.txt"
    listed.write_text("".join(lines), encoding="utf-8")
    arguments = [context.uv, "pip", "install", "--quiet", "--no-deps", "--python", str(python)]
    arguments += [*flags, "--requirements", str(listed)]
    context.run(arguments, what="installing build requirements", env=context.env, cwd=context.root)
