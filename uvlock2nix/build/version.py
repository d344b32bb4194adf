"""Versions that a backend would ask git for: given to it in the way that its tool reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from uvlock2nix.build.values import Build
from uvlock2nix.inspect.project_version import version_tool, version_variables


def with_version(build: Build, version: str) -> Build:
    """The build of a folder with ``version``, where its version comes from git; else as it is.

    What is said for the package's build has the last word. A tool that reads no variable finds a PKG-INFO,
    as it would in an sdist: https://packaging.python.org/en/latest/specifications/source-distribution-format/
    """
    folder = build.source.folder
    if folder is None or not version_tool(folder):
        return build
    variables = version_variables(folder, build.name, version)
    if not variables:
        _write_metadata(folder / "PKG-INFO", build.name, version)
    native = replace(build.native, env={**variables, **build.native.env})
    return replace(build, version=version, native=native)


def _write_metadata(path: Path, name: str, version: str) -> None:
    if not path.exists():
        path.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
