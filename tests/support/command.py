"""The command line in this process: what it printed, and the error that ended it, as a value."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from uvlock2nix.cli.app import cli
from uvlock2nix.errors import Uvlock2nixError

LOCK = """\
version = 1
requires-python = ">=3.11"

[[package]]
name = "app"
version = "1"
source = { virtual = "." }
dependencies = [
    { name = "always" },
    { name = "older", marker = "python_full_version < '3.13.16'" },
]

[package.optional-dependencies]
more = [{ name = "extra-one" }]

[package.dev-dependencies]
dev = [{ name = "for-dev" }]

[package.metadata]
provides-extras = ["more"]
requires-dist = [
    { name = "always" },
    { name = "extra-one", marker = "extra == 'more'" },
    { name = "older", marker = "python_full_version < '3.13.16'" },
]

[package.metadata.requires-dev]
dev = [{ name = "for-dev" }]
"""
PYPROJECT = """\
[project]
name = "app"
version = "1"
requires-python = ">=3.11"
dependencies = ["always", "older; python_full_version < '3.13.16'"]

[project.optional-dependencies]
more = ["extra-one"]

[dependency-groups]
dev = ["for-dev"]
"""
WHEEL = """
[[package]]
name = "{name}"
version = "1.0"
source = {{ registry = "https://index.invalid/simple" }}
wheels = [{{ url = "https://files.invalid/{file}", hash = "sha256:{digest}", size = 10 }}]
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Exit code 0 and no error, or the error; ``stdout`` and ``stderr`` in any case."""

    stdout: str
    stderr: str
    error: Uvlock2nixError | None

    @property
    def message(self) -> str:
        assert self.error is not None
        return self.error.message

    @property
    def hint(self) -> str:
        assert self.error is not None
        return self.error.hint


def uvlock2nix(*arguments: str) -> Outcome:
    """Call the command line; what is not an error of ours is raised."""
    result = CliRunner().invoke(cli, list(arguments))
    error = result.exception
    if error is not None and not isinstance(error, SystemExit | Uvlock2nixError):
        raise error
    if isinstance(error, SystemExit) and error.code not in (0, None):
        raise AssertionError(f"{arguments}: wrong usage: {result.output}")
    return Outcome(result.stdout, result.stderr, error if isinstance(error, Uvlock2nixError) else None)


def typed(line: str) -> Outcome:
    """Call what a hint says to type: ``uvlock2nix …``."""
    program, *arguments = shlex.split(line)
    assert program == "uvlock2nix", line
    return uvlock2nix(*arguments)


def wheel(name: str, tags: str = "py3-none-any") -> str:
    """The lock's entry of a package with one wheel."""
    file = f"{name.replace('-', '_')}-1.0-{tags}.whl"
    return WHEEL.format(name=name, file=file, digest=format(sum(name.encode()), "064x"))


def project_at(folder: Path, *, table: str = "", more: str = "") -> Path:
    """A project of wheels: one always, one below Python 3.13.16, one for an extra, one for ``dev``."""
    folder.mkdir(parents=True, exist_ok=True)
    packages = "".join(wheel(name) for name in ("always", "extra-one", "for-dev", "older"))
    (folder / "uv.lock").write_text(LOCK + packages + more)
    (folder / "pyproject.toml").write_text(PYPROJECT + (f"\n[tool.uvlock2nix]\n{table}" if table else ""))
    return folder
