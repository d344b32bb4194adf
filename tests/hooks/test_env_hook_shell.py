"""How uv-env-hook creates env: by restoring deps into it, or from a copy if it is changed before that."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

HOOKS = Path(__file__).resolve().parents[2] / "hooks"
STDENV = """
set -eu
runHook() { :; }
tool() { echo "tool $*"; }
out=/nix/store/o pythonDeps=/nix/store/deps uvEnvInterpreter=/python
"""
COPIED = [
    "tool venv copy /nix/store/deps /nix/store/o",
    "tool refs restore /nix/store/o --store-dir /nix/store --input out=/nix/store/o",
]


def phases(before: str) -> list[str]:
    """What env's phases run, after the shell code ``before``."""
    hooks = [(HOOKS / name).read_text() for name in ("restore-references-hook.sh", "uv-env-hook.sh")]
    code = "\n".join([STDENV, *hooks, before, "uvEnvInstallPhase; restoreReferencesPhase; uvEnvFinishPhase"])
    code = code.replace("@uvlock2nix@", "tool").replace("@common@", f"{HOOKS}/common.sh")
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith(("tool", "uvlock2nix"))]
    assert lines.pop().startswith("tool venv finish /nix/store/o --interpreter /python")
    return lines


@pytest.mark.parametrize(
    ("mode", "flags"), [("", ""), ("uvEnvLinkMode=copy", ""), ("uvEnvLinkMode=symlink", " --link")]
)
def test_env_is_made_from_deps_at_once(mode: str, flags: str) -> None:
    (line,) = phases(mode)
    assert line == f"{COPIED[1]} --from /nix/store/deps{flags}"


@pytest.mark.parametrize(
    "before",
    [
        "postInstall='rm $out/x'",
        "preRestoreReferences() { rm $out/x; }",
        "postInstallHooks=(change)",
        "preFixupPhases=(mine restoreReferencesPhase uvEnvFinishPhase)",
    ],
)
def test_what_changes_env_before_gets_a_copy(before: str) -> None:
    assert phases(before) == COPIED
    said, *rest = phases(f"{before}; uvEnvLinkMode=symlink")
    assert said.startswith("uvlock2nix: env is a copy")
    assert rest == COPIED
