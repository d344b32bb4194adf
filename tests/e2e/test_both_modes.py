"""What one sees in env is the same in both modes, links followed, whether it is one tree or links."""

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
SITE = "lib/python3.13/site-packages"
MANIFEST = "nix-support/uvlock2nix/manifest.json"


def env(stand: Stand, root: Path) -> str:
    for command in ("generate", "update-hash"):
        done = uvlock2nix(stand, command, root)
        assert done.returncode == 0, done.stderr
    return Project(stand, root).build("python-env")


def resolved(stand: Stand, path: Path) -> Path:
    """Where a path leads inside of the stand, as seen from outside."""
    for part in (*reversed(path.parents), path):
        if part.is_symlink():
            target = os.fspath(part.readlink())
            start = stand.path(target) if target.startswith("/nix/") else part.parent / target
            return resolved(stand, Path(os.path.normpath(start), path.relative_to(part)))
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


def links_in_mode_sync(stand: Stand, root: Path, sync: dict[str, tuple[bytes, bool]]) -> None:
    """``link-mode = "symlink"``: pure packages are links into deps, those with compiled files are copies."""
    place = stand.nix_build(f'({PKGS}.callPackage {root}/nix/python-env.nix {{ linkMode = "symlink"; }})')
    found = seen(stand, place)
    inside = {path: one for path, one in found.items() if "/.deps/" not in path}
    assert inside.keys() == sync.keys()
    # A RECORD has the hashes of launchers, which name their environment.
    different = {path for path in sync if inside[path] != sync[path]}
    assert all(path.endswith("/RECORD") for path in different)
    site = stand.path(place) / SITE
    assert (site / "typing_extensions.py").is_symlink()
    assert (site / "annotated_types" / "__init__.py").is_symlink()
    assert not (site / "annotated_types" / "__pycache__").is_symlink()
    # This one finds its compiled neighbours even where it resolves its own path.
    assert not any(path.is_symlink() for path in (site / "cryptography").rglob("*"))
    code = (
        "import pathlib, annotated_types, typing_extensions\n"
        "import cryptography.hazmat.bindings._rust as rust\n"
        "print(annotated_types.__file__, annotated_types.__cached__, pathlib.Path(rust.__file__).resolve())\n"
        "print(pathlib.Path(typing_extensions.__file__).resolve())"
    )
    shown = stand.run([f"{place}/bin/python", "-c", code]).stdout.split()
    deps = stand.nix_build(f"({PKGS}.callPackage {root}/nix/python-deps.nix {{ }})")
    assert all(path.startswith(f"{place}/") for path in shown[:3])
    assert shown[3] == f"{deps}/{SITE}/typing_extensions.py"
    assert deps in stand.run(["nix-store", "--query", "--references", place]).stdout


def test_env_is_the_same_in_both_modes(stand: Stand, tmp_path: Path) -> None:
    root = tmp_path / "seen"
    root.mkdir()
    (root / "pyproject.toml").write_text(PYPROJECT)
    lock(root)
    sync = seen(stand, env(stand, root))
    links_in_mode_sync(stand, root, sync)
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
