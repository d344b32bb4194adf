"""Pass a version to a backend that would otherwise ask git, in the form that its tool reads."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from uvlock2nix.build.values import Build
from uvlock2nix.inspect.project_version import (
    release_tag,
    version_tool,
    version_variables,
    versioneer_file,
)


def with_version(build: Build, version: str) -> Build:
    """The build of a folder with ``version`` if its version comes from git; else unchanged.

    Settings of the package's build win. A tool that reads no variable finds what an sdist would have
    (https://packaging.python.org/en/latest/specifications/source-distribution-format/), or the tag that
    :func:`uvlock2nix.build.file_list.commit_source` makes.
    """
    folder = build.source.folder
    tool = version_tool(folder) if folder is not None else ""
    if folder is None or not tool:
        return build
    variables = version_variables(folder, build.name, version)
    if tool == "versioneer":
        _write_versioneer(versioneer_file(folder), version)
    elif not variables and not release_tag(folder, version):
        _write_metadata(folder / "PKG-INFO", build.name, version)
    native = replace(build.native, env={**variables, **build.native.env})
    return replace(build, version=version, native=native)


def _write_metadata(path: Path, name: str, version: str) -> None:
    if not path.exists():
        path.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")


def _write_versioneer(path: Path | None, version: str) -> None:
    """As versioneer's `sdist` writes it, without the unknown data on the commit."""
    if path is None:
        return
    known = {"date": None, "dirty": False, "error": None, "full-revisionid": None, "version": version}
    text = json.dumps(known, indent=1).replace("'", "\\'")
    path.write_text(
        f"import json\n\nversion_json = '''\n{text}\n'''  # END VERSION_JSON\n\n\n"
        "def get_versions():\n    return json.loads(version_json)\n",
        encoding="utf-8",
    )
