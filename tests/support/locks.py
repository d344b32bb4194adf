"""Locks and projects for tests: short ways to write them."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import tomli

from uvlock2nix.lock import Lock, LockedFile, Package, Project, RegistrySource, load_project, parse_lock
from uvlock2nix.target import Target

REPOSITORY = Path(__file__).resolve().parent.parent.parent
LOCKS = REPOSITORY / "fixtures" / "locks"

HEAD = 'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n'
INDEX = '{ registry = "https://index.example/simple" }'
DIGEST = "sha256:" + "0123456789abcdef" * 4

LINUX = Target.parse("x86_64-linux", "3.12")
MAC = Target.parse("aarch64-darwin", "3.12")


def entry(
    name: str, version: str | None = "1.0", *, source: str = INDEX, deps: tuple[str, ...] = (), more: str = ""
) -> str:
    """One ``[[package]]``; ``deps`` are names or inline tables without braces, ``more`` goes to its end."""
    lines = ["", "[[package]]", f'name = "{name}"']
    if version is not None:
        lines.append(f'version = "{version}"')
    lines.append(f"source = {source}")
    if deps:
        lines.append("dependencies = [")
        lines += [f"    {edge(dep)}," for dep in deps]
        lines.append("]")
    return "\n".join([*lines, more, ""])


def edge(text: str) -> str:
    """``a`` → ``{ name = "a" }``; ``name = "a", marker = …`` gets its braces."""
    return f"{{ {text} }}" if "=" in text else f'{{ name = "{text}" }}'


def edges(key: str, **groups: tuple[str, ...]) -> str:
    """A table of edges: ``edges("optional-dependencies", x=("a",))``."""
    lines = [f"[package.{key}]"]
    lines += [f"{name} = [{', '.join(map(edge, deps))}]" for name, deps in groups.items()]
    return "\n".join(lines)


def load_script(name: str) -> ModuleType:
    """A program of ``scripts/``."""
    return importlib.import_module(f"scripts.{name}")


def read(text: str) -> Lock:
    """The lock of a text."""
    return parse_lock(tomli.loads(text), "uv.lock")


def table(text: str) -> dict[str, Any]:
    return tomli.loads(text)


def write_project(
    folder: Path, lock: str, pyproject: str = '[project]\nname = "root"\nversion = "1.0"\n', **members: str
) -> Project:
    """A project in ``folder``; ``members``: folder name → its pyproject.toml."""
    (folder / "uv.lock").write_text(lock)
    (folder / "pyproject.toml").write_text(pyproject)
    for name, text in members.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "pyproject.toml").write_text(text)
    return load_project(folder)


def wheel_package(name: str, version: str, *wheels: str, sdist: bool = False) -> Package:
    """A package from an index with these wheels: tags (``py3-none-any``), or whole file names."""
    filenames = [wheel if wheel.endswith(".whl") else f"{name}-{version}-{wheel}.whl" for wheel in wheels]
    return Package(
        index=0,
        name=name,
        version=version,
        source=RegistrySource("https://index.example/simple"),
        sdist=locked_file(f"{name}-{version}.tar.gz") if sdist else None,
        wheels=tuple(map(locked_file, filenames)),
    )


def locked_file(filename: str) -> LockedFile:
    return LockedFile(filename, f"https://files.example/{filename}", None, DIGEST, 1000, None)
