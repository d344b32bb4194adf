"""What one sees in env is the same in both modes, links followed; and with `link-mode = "copy"`, one tree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.conftest import uvlock2nix
from tests.e2e.test_files_mode import PKGS, Project, lock
from tests.support.stand import Stand

pytestmark = [pytest.mark.stand, pytest.mark.network]

# Extension modules, a library in a wheel, programs, a script among the modules.
PYPROJECT = """\
[project]
name = "seen"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["cryptography==46.0.3", "markupsafe==3.0.3", "pydantic==2.12.4", "greenlet==3.2.4"]
[tool.uv]
package = false
[tool.uvlock2nix]
python = "3.13"
"""
MANIFEST = "nix-support/uvlock2nix/manifest.json"


def env(stand: Stand, root: Path) -> str:
    for command in ("generate", "update-hash"):
        done = uvlock2nix(stand, command, root)
        assert done.returncode == 0, done.stderr
    return Project(stand, root).build("python-env")


def resolved(stand: Stand, path: Path) -> Path:
    """Where a path leads inside of the stand, as seen from outside."""
    while path.is_symlink():
        target = os.fspath(path.readlink())
        path = stand.path(target) if target.startswith("/nix/") else path.parent / target
    return path


def seen(stand: Stand, root: str) -> dict[str, tuple[bytes, bool]]:
    """Every file below ``root``, links followed: its bytes with ``root`` left out, whether it can be run."""
    found: dict[str, tuple[bytes, bool]] = {}

    def walk(folder: Path, place: str) -> None:
        for entry in sorted(folder.iterdir()):
            path = resolved(stand, entry)
            if path.is_dir():
                walk(path, f"{place}{entry.name}/")
            elif path.exists():
                data = path.read_bytes().replace(root.encode(), b"@env@")
                found[f"{place}{entry.name}"] = data, bool(path.stat().st_mode & 0o100)

    walk(stand.path(root), "")
    return found


def test_env_is_the_same_in_both_modes(stand: Stand, tmp_path: Path) -> None:
    root = tmp_path / "seen"
    root.mkdir()
    (root / "pyproject.toml").write_text(PYPROJECT)
    lock(root)
    sync = seen(stand, env(stand, root))
    (root / "pyproject.toml").write_text(PYPROJECT + 'mode = "files"\n')
    linked = env(stand, root)
    links = seen(stand, linked)
    call = f'({PKGS}.callPackage {root}/nix/python-env.nix {{ linkMode = "copy"; }})'
    place = stand.nix_build(call)
    copied = seen(stand, place)
    assert len(sync) > 500
    for other in (links, copied):
        assert other.keys() == sync.keys()
        different = {path for path in sync if sync[path] != other[path]}
        # Bytecode names the path that it was compiled from; a RECORD has the hashes of launchers, which name
        # their environment; a script among the modules is run by the Python that its package was made for.
        explained = {path for path in different if "__pycache__" in path or path.endswith("/RECORD")}
        scripts = {path for path in different - explained if sync[path][0].startswith(b"#!")}
        assert different - explained - scripts <= {MANIFEST}
        for path in scripts:
            assert sync[path][0].partition(b"\n")[2] == other[path][0].partition(b"\n")[2]
    # The tree does not hold on to the packages; links do.
    references = {
        one: stand.run(["nix-store", "--query", "--references", one]).stdout for one in (place, linked)
    }
    assert "python3.13-markupsafe" in references[linked]
    assert "python3.13-markupsafe" not in references[place]
