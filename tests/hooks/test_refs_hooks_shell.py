"""What the reference hooks do to a shell: phases, guards, arguments. No Nix: stdenv's part is played."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

HOOKS = Path(__file__).resolve().parents[2] / "hooks"
KINDS = {
    "strip": ("stripReferencesPhase", "postPhases", "dontStripReferences"),
    "restore": ("restoreReferencesPhase", "preFixupPhases", "dontRestoreReferences"),
}
STDENV = r"""
set -eu
runHook() { echo "hook $1"; }
tool() { echo "tool $*"; [[ "$*" != *"${failing-nothing}"* ]]; }
out=/nix/store/o
"""
APPEND = """
appendToVar() {
  local -n list="$1"
  if [[ "$(declare -p "$1" 2>/dev/null)" == "declare -a"* ]]; then list+=("$2"); else list="${list-} $2"; fi
}
"""


def bash(kind: str, before: str, after: str, *, times: int = 1, code: int = 0) -> str:
    """Run ``before``, the hook's file and ``after`` in one shell; what was printed."""
    hook = (HOOKS / f"{kind}-references-hook.sh").read_text().replace("@uvlock2nix@", "tool")
    hook = hook.replace("@common@", f"{HOOKS}/common.sh")
    script = "\n".join([STDENV, before, *[hook] * times, after])
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}
    )
    assert done.returncode == code, done.stderr
    assert done.stderr == ""
    return done.stdout


def called(kind: str, before: str, *, code: int = 0) -> list[str]:
    """The lines that the phase prints."""
    return bash(kind, before, KINDS[kind][0], code=code).splitlines()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("append", ["", APPEND])
@pytest.mark.parametrize(
    ("list_before", "expected"),
    [("", "{phase}"), ("{list}=(one)", "one {phase}"), ("{list}=one", "one {phase}")],
)
def test_the_phase_is_there_once(kind: str, append: str, list_before: str, expected: str) -> None:
    phase, name, _ = KINDS[kind]
    before = append + list_before.format(list=name)
    shown = bash(kind, before, f"echo ${{{name}[*]}}", times=3)
    assert shown.split() == expected.format(phase=phase).split()


@pytest.mark.parametrize("kind", KINDS)
def test_the_guard(kind: str) -> None:
    _, name, guard = KINDS[kind]
    after = f'echo "${{{name}-none}} ${{dontPatchELF-none}} ${{dontStrip-none}} ${{dontAutoPatchelf-none}}"'
    assert bash(kind, f"{guard}=1", after) == "none none none none\n"
    assert bash(kind, f"{guard}=", f'echo "${{{name}}}"').split() == [KINDS[kind][0]]


def test_restore_switches_off_what_would_undo_it_unless_the_derivation_says() -> None:
    after = 'echo "${dontPatchELF}:${dontStrip}:${dontAutoPatchelf}"'
    assert bash("restore", "", after) == "1:1:1\n"
    assert bash("restore", "dontPatchELF=; dontStrip=; dontAutoPatchelf=", after) == "::\n"


WAYS = {
    "table": "declare -A referenceInputs=([a]=/nix/store/x)",
    "list": "referenceInputs=(a=/nix/store/x)",
    "text": "export referenceInputs='a=/nix/store/x'",
    "JSON": 'referenceInputs=\'{"a": "/nix/store/x"}\'',
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_saying_the_inputs(kind: str, way: str) -> None:
    lines = [line for line in called(kind, WAYS[way]) if line.startswith("tool")]
    given = '--inputs {"a": "/nix/store/x"}' if way == "JSON" else "--input a=/nix/store/x"
    command = f"/nix/store/o --store-dir /nix/store --input out=/nix/store/o {given}"
    if kind == "restore":
        assert lines == [f"tool refs restore {command}"]
    else:
        assert lines == [f"tool refs strip {command} --audit"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_ends_the_phase(kind: str) -> None:
    lines = called(kind, f"failing={kind}; out=/o", code=1)
    assert lines[-1].startswith(f"tool refs {kind}")
    assert not any(line.startswith(("hook post", "Finished")) for line in lines)


@pytest.mark.parametrize("kind", KINDS)
def test_further_outputs(kind: str, tmp_path: Path) -> None:
    (tmp_path / "dev/nix-support/uvlock2nix").mkdir(parents=True)
    (tmp_path / "dev/nix-support/uvlock2nix/manifest.json").touch()
    before = f"out=/o; dev={tmp_path}/dev; doc={tmp_path}/doc; getAllOutputNames() {{ echo dev doc out; }}\n"
    before += "referencesFrom=/deps; referencesManifest=/m"
    trees = [line.split()[3:] for line in called(kind, before) if line.startswith(f"tool refs {kind}")]
    own = {words[0]: [word for word in words if "=" in word] for words in trees}
    assert own == {
        "/o": ["out=/o", f"outputs.dev={tmp_path}/dev", f"outputs.doc={tmp_path}/doc"],
        f"{tmp_path}/dev": [f"out={tmp_path}/dev", f"outputs.doc={tmp_path}/doc", "outputs.out=/o"],
    }
    if kind == "restore":
        assert ["--from" in words and "--manifest" in words for words in trees] == [True, False]
    (only,) = [line for line in called(kind, before + "; referencesTree=/t") if f" {kind} " in line]
    assert only.startswith(f"tool refs {kind} /t --store-dir /nix/store --input out=/o ")
