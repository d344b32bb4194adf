"""A small project that is locked by a real uv and installed by ``uvlock2nix sync``: for tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.packages import Index, record_faults

REPOSITORY = Path(__file__).resolve().parents[2]
PYTHON = Path(sys.executable).resolve()
VERSION = ".".join(map(str, sys.version_info[:3]))
SITE = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
SYSTEM = f"{os.uname().machine}-linux"
NEWER = "2025-06-01T00:00:00Z"  # setuptools 80.9.0 was the newest


def find_uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    return str(beside) if beside.exists() else shutil.which("uv") or "uv"


UV = find_uv()


@dataclass(frozen=True, slots=True)
class Stage:
    """A project in ``root/project`` to lock and to sync."""

    root: Path

    @property
    def project(self) -> Path:
        return self.root / "project"

    def lock(self, pyproject: str, env: Mapping[str, str] | None = None) -> None:
        self.project.mkdir(parents=True, exist_ok=True)
        (self.project / "pyproject.toml").write_text(textwrap.dedent(pyproject))
        argv = [UV, "lock", "--quiet", "--python", str(PYTHON)]
        cache = {"UV_CACHE_DIR": str(self.root / "lock-cache")}
        done = subprocess.run(
            argv, cwd=self.project, env={**os.environ, **cache, **(env or {})}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    def sync(
        self,
        name: str,
        *more: str,
        env: Mapping[str, str] | None = None,
        uv: str = UV,
        project: Path | None = None,
    ) -> tuple[Path, subprocess.CompletedProcess[str]]:
        """Run the command into ``root/name/out``, working in ``root/name/work``."""
        out = self.root / name / "out"
        argv = [
            sys.executable, "-m", "uvlock2nix", "sync", str(project or self.project),
            "--out", str(out), "--work", str(self.root / name / "work"), "--interpreter", str(PYTHON),
            "--python", VERSION, "--system", SYSTEM, "--uv", uv, "--exclude-newer", NEWER, *more,
        ]  # fmt: skip
        done = subprocess.run(
            argv, cwd=REPOSITORY, env={**os.environ, **(env or {})}, capture_output=True, text=True
        )
        return out, done

    def uv(self, version: str) -> str:
        """Install a different uv; return its program."""
        place = self.root / "uv" / version
        subprocess.run([UV, "venv", "--quiet", "--python", PYTHON, place], check=True)
        python = str(place / "bin" / "python")
        subprocess.run([UV, "pip", "install", "--quiet", "--python", python, f"uv=={version}"], check=True)
        return str(place / "bin" / "uv")

    def good(self, name: str, *more: str, **options: object) -> Path:
        out, done = self.sync(name, *more, **options)  # type: ignore[arg-type]
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        assert record_faults(out / SITE) == []
        return out


def same(one: Path, other: Path) -> str:
    """What ``diff -r`` says: nothing where two trees are equal."""
    return subprocess.run(["diff", "-r", one, other], capture_output=True, text=True).stdout


def project(index: Index, *dependencies: str, more: str = "") -> str:
    """A pyproject.toml that takes what the index has from there, and the rest from uv's default one."""
    return f"""\
[project]
name = "app"
version = "1.0"
requires-python = ">=3.11"
dependencies = {json.dumps(list(dependencies))}
[tool.uv]
package = false
[[tool.uv.index]]
name = "here"
url = "{index.url}"
{more}"""


LOCK = """\
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "app"
version = "1.0"
source = {{ virtual = "." }}
dependencies = [{{ name = "small" }}]

[package.metadata]
requires-dist = [{{ name = "small" }}]

[[package]]
name = "small"
version = "1.0"
source = {{ registry = "{index}" }}
wheels = [{{ url = "{url}", hash = "sha256:{digest}" }}]
"""


def write_locked(project: Path, index: str, url: str, digest: str) -> None:
    """A project that needs the wheel ``url`` of the package ``small`` from ``index``, locked."""
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.11"\ndependencies = ["small"]\n'
        f'[tool.uv]\npackage = false\n[[tool.uv.index]]\nurl = "{index}"\ndefault = true\n'
    )
    (project / "uv.lock").write_text(LOCK.format(index=index, url=url, digest=digest))
