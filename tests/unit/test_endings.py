"""How a program ended, in words."""

import sys
from pathlib import Path

import pytest

from uvlock2nix.build.programs import Runner
from uvlock2nix.endings import MEMORY, ended, hint_for
from uvlock2nix.errors import ToolError
from uvlock2nix.nixrun.hints import recognise


@pytest.mark.parametrize(
    ("code", "words", "hint"),
    [
        (3, "failed with exit code 3", ""),
        (-9, "was killed by SIGKILL", MEMORY),
        (137, "was killed by SIGKILL", MEMORY),
        (-15, "was killed by SIGTERM", "run the command again"),
        (139, "was killed by SIGSEGV", "run the command again"),
        (200, "failed with exit code 200", ""),
        (-64, "was killed by SIGRTMAX", "run the command again"),
    ],
)
def test_words(code: int, words: str, hint: str) -> None:
    assert ended(code) == words
    assert hint in hint_for(code)
    assert bool(hint) == bool(hint_for(code))


def test_a_killed_program_is_reported_as_that(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
    with pytest.raises(ToolError, match="was killed by SIGKILL") as caught:
        Runner(quiet=True)(argv, what="a build", env={}, cwd=tmp_path)
    assert caught.value.hint == MEMORY


@pytest.mark.parametrize(
    "words",
    [
        "builder for '/nix/store/x.drv' failed due to signal 9 (Killed);",
        "builder for '/nix/store/x.drv' failed with exit code 137;",
    ],
)
def test_a_killed_builder_is_recognised(words: str) -> None:
    cause = recognise(["last line"], [words], "x86_64-linux")
    assert cause is not None
    assert MEMORY in cause.hint
