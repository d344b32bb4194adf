"""Setup hooks of inputs never take over a phase of deps, env or package."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.stand import Stand, require_stand

pytestmark = [pytest.mark.stand, pytest.mark.slow]
FILE = Path(__file__).resolve().parent / "phases.nix"
TAKEN = {
    "buildPhase=ninjaBuildPhase",
    "checkPhase=ninjaCheckPhase",
    "configurePhase=cmakeConfigurePhase",
    "preConfigurePhases+=autoreconfPhase",
    "prePhases+=qtPreHook",
}


@pytest.fixture
def stand() -> Stand:
    return require_stand("forky")


def build(stand: Stand, hook: str, *flags: str) -> tuple[Path, str]:
    """The derivation of ``hook`` with switches of phases.nix: its output, and the log."""
    words = ["--argstr", "hook", hook]
    for flag in flags:
        words += ["--arg", flag, "true"]
    done = stand.run(["nix-build", "--no-out-link", str(FILE), *words])
    path = done.stdout.split()[-1]
    log = stand.run(["nix-store", "--read-log", path]).stdout
    return stand.path(path), log


def dropped(log: str) -> set[str]:
    """What the hook says it does not run."""
    (line,) = [line for line in log.splitlines() if line.startswith("uvlock2nix: not run, ")]
    return set(line.rpartition(": ")[2].split())


@pytest.mark.parametrize("flags", [(), ("structured",), ("strict",), ("structured", "strict"), ("last",)])
@pytest.mark.parametrize("hook", ["uvSyncHook", "uvEnvHook", "uvPackageHook"])
def test_inputs_never_take_over_a_phase(stand: Stand, hook: str, flags: tuple[str, ...]) -> None:
    out, log = build(stand, hook, *flags)
    said = dropped(log)
    assert said >= TAKEN - ({"buildPhase=ninjaBuildPhase"} if hook == "uvSyncHook" else set()), log[-3000:]
    assert "was run" not in log
    called = (out / "called").read_text()
    assert {"uvSyncHook": "sync ", "uvEnvHook": "venv copy", "uvPackageHook": "venv package"}[hook] in called
    environment = (out / "environment").read_text()
    # What inputs bring to builds is available.
    assert "zlib" in environment.partition("PKG_CONFIG_PATH=")[2].partition("\n")[0]
    assert "zlib" in environment.partition("NIXPKGS_CMAKE_PREFIX_PATH=")[2].partition("\n")[0]


@pytest.mark.parametrize("structured", [(), ("structured",)])
@pytest.mark.parametrize("hook", ["uvSyncHook", "uvPackageHook"])
def test_what_the_derivation_says_is_run(stand: Stand, hook: str, structured: tuple[str, ...]) -> None:
    out, log = build(stand, hook, "own", *structured)
    assert (out / "order").read_text().split() == ["mine", "configure", "preInstall"]
    assert not any("configurePhase" in word or "minePhase" in word for word in dropped(log))


def test_an_added_phase_that_is_wanted_is_kept(stand: Stand) -> None:
    _, log = build(stand, "uvEnvHook", "keep")
    assert "Running phase: glibPreFixupPhase" in log
    assert "preFixupPhases+=glibPreFixupPhase" not in dropped(log)
