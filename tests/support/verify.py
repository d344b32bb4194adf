"""Run ``uvlock2nix`` with the stand's Nix, and read what ``verify --json`` says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.support.stand import REPO, STAND, Stand

SCHEMA = json.loads((REPO / "docs" / "schema" / "verify-1.json").read_text())


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The value that was printed, checked against its schema."""
    value: dict[str, Any] = json.loads(done.stdout)
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(value)
    return value


def on_stand(stand: Stand, *arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """The command on this machine, the stand's Nix on its PATH; it must end with ``code``."""
    done = subprocess.run(
        [sys.executable, "-m", "uvlock2nix", *map(str, arguments)],
        env=stand.env({"NIX_PATH": f"nixpkgs={STAND / 'nixpkgs'}"}), cwd=REPO,
        capture_output=True, text=True, timeout=1200,
    )  # fmt: skip
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done
