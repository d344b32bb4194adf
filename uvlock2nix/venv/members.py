"""Building the wheels of the project's own packages, offline, with what deps holds for it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from uvlock2nix.errors import ToolError
from uvlock2nix.layout import site_packages
from uvlock2nix.dist.scripts import Script
from uvlock2nix.sync.normalise import normalise
from uvlock2nix.build.programs import Runner
from uvlock2nix.venv.copying import copy_writable
from uvlock2nix.venv.interpreter import write_interpreter


@dataclass(frozen=True, slots=True)
class MemberBuild:
    """One of the project's own packages: its name and the folder of its source."""

    name: str
    source: Path


@dataclass(frozen=True, slots=True)
class Bench:
    """What the builds share: env, the build requirements by package, the interpreter, a place to work."""

    run: Runner
    uv: str
    env: Path
    requires: Path
    python: Path
    version: str
    work: Path


def build_members(members: Sequence[MemberBuild], bench: Bench) -> tuple[Path, ...]:
    """Build each member's wheel; return the wheels.

    Raises:
        ToolError: a build failed, with the end of its output.
    """
    wheels: list[Path] = []
    for member in members:
        python = _environment(member, bench)
        out = bench.work / "wheels" / member.name
        arguments = [bench.uv, "build", "--wheel", "--no-build-isolation", "--no-sources", "--offline"]
        arguments += ["--python", str(python), "--out-dir", str(out), "--", str(member.source)]
        env = _variables(bench, python.parent, bench.requires / member.name / "_scripts")
        bench.run.say(f"uvlock2nix: building {member.name}")
        bench.run(arguments, what=f"building {member.name}", env=env, cwd=member.source)
        made = sorted(out.glob("*.whl"))
        if len(made) != 1:
            raise ToolError(f"{member.name}: its backend made {len(made)} wheels", hint="one was asked for")
        wheels += made
    return tuple(wheels)


def install_members(wheels: Sequence[Path], bench: Bench) -> tuple[Path, tuple[Script, ...]]:
    """Install wheels into an environment of their own, normalised; return it and its scripts."""
    tree = bench.work / "tree"
    interpreter = write_interpreter(tree, bench.python, bench.version)
    (tree / site_packages(bench.version)).mkdir(parents=True, exist_ok=True)
    if wheels:
        arguments = [bench.uv, "pip", "install", "--quiet", "--no-deps", "--no-index", "--offline"]
        arguments += ["--python", str(interpreter), "--", *map(str, wheels)]
        env = _variables(bench, interpreter.parent, None)
        bench.run(arguments, what="installing the project's packages", env=env, cwd=bench.work)
    scripts = normalise(tree, tree / site_packages(bench.version))
    return tree, scripts


def _environment(member: MemberBuild, bench: Bench) -> Path:
    """An environment that sees the member's build requirements first and then what it runs with."""
    root = bench.work / "env" / member.name
    python = write_interpreter(root, bench.python, bench.version)
    site = root / site_packages(bench.version)
    site.mkdir(parents=True)
    requires = bench.requires / member.name
    if requires.is_dir():
        copy_writable(requires, site)
    (site / "_uvlock2nix.pth").write_text(f"{bench.env / site_packages(bench.version)}\n")
    return python


def _variables(bench: Bench, bin_dir: Path, scripts: Path | None) -> Mapping[str, str]:
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "UV_"))}
    home = bench.work / "home"
    home.mkdir(parents=True, exist_ok=True)
    path = [str(bin_dir), *([str(scripts)] if scripts else []), keep.get("PATH", "")]
    return {
        **keep,
        "HOME": str(home),
        "PATH": ":".join(path),
        "VIRTUAL_ENV": str(bin_dir.parent),
        "UV_CACHE_DIR": str(bench.work / "uv-cache"),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_SYSTEM_CONFIG": "1",
        "UV_NO_INSTALLER_METADATA": "1",
        "UV_NO_PROGRESS": "1",
        "UV_LINK_MODE": "copy",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": keep.get("SOURCE_DATE_EPOCH", "315532800"),
        "LC_ALL": "C.UTF-8",
    }
