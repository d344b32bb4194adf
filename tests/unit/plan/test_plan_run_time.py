"""What the emitted env takes from nixpkgs for the run: each attribute that it names, it is given."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.emit import plan_of, texts
from uvlock2nix.emit.common import ENV

REPO = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("key", ["dlopen", "wheel-runtime-libs"])
def test_what_a_user_names_is_taken_also_when_it_is_cuda(tmp_path: Path, key: str) -> None:
    project = tmp_path / "hello"
    project.mkdir()
    for name in ("uv.lock", "pyproject.toml"):
        (project / name).write_text((REPO / "fixtures" / "hello" / name).read_text())
    with (project / "pyproject.toml").open("a") as file:
        file.write(f'\n[tool.uvlock2nix.native.humanize]\n{key} = ["cudaPackages.cudnn"]\n')
    text = texts(plan_of(project))[ENV]
    assert re.search(r"^  cudaPackages,$", text, flags=re.MULTILINE)
    assert "cudaPackages.cudnn # humanize" in text
    assert ("referencesDlopen" in text) == (key == "dlopen")
