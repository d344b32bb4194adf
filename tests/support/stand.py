"""Drive the test stand (tests/stand) from tests: real Nix in a Debian folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

REPO = Path(__file__).resolve().parents[2]
STAND = REPO / "tests" / "stand"
SUITES = ("forky", "trixie", "bookworm")
Suite = Literal["forky", "trixie", "bookworm"]


def place() -> Path:
    """The folder that holds the suites' folders."""
    return Path(os.environ.get("UVLOCK2NIX_STAND") or "/var/cache/uvlock2nix-stand")


class StandCommandError(AssertionError):
    """A command in the stand failed; the message carries its stderr, for pytest to show."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        tail = "\n".join(done.stderr.splitlines()[-60:])
        super().__init__(f"{' '.join(map(str, done.args))} ended with {done.returncode}\n{tail}")
        self.done = done


@dataclass(frozen=True, slots=True)
class Stand:
    """One suite's Nix. `binds`: more folders of the host to show inside, at the same paths."""

    suite: str = "forky"
    binds: tuple[Path, ...] = ()

    @property
    def root(self) -> Path:
        return place() / self.suite

    def env(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """An environment for host programs in which `nix`, `nix-build` … are the stand's."""
        env = dict(os.environ)
        env["PATH"] = f"{STAND / 'bin'}:{env.get('PATH', '')}"
        env["UVLOCK2NIX_STAND"] = str(place())
        env["UVLOCK2NIX_STAND_SUITE"] = self.suite
        if self.binds:
            env["UVLOCK2NIX_STAND_BIND"] = ":".join(map(str, self.binds))
        env.update(extra or {})
        return env

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        input: str | None = None,  # noqa: A002 - subprocess's own name
        timeout: float = 1800,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program inside the folder; StandCommandError when `check` and it fails."""
        done = subprocess.run(
            [str(STAND / "enter"), self.suite, *map(str, argv)],
            env=self.env(env),
            cwd=cwd or REPO,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode != 0:
            raise StandCommandError(done)
        return done

    def nix_build(
        self,
        *arguments: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 1800,
    ) -> str:
        """The store path that `nix-build --no-out-link ARGUMENTS` prints (the last one, when several).

        A first argument that is neither a file nor an option is taken as an expression.
        """
        words = [str(argument) for argument in arguments]
        if words and not words[0].startswith(("-", "<", "/", "./")) and not words[0].endswith(".nix"):
            words = ["-E", *words]
        done = self.run(["nix-build", "--no-out-link", *words], env=env, cwd=cwd, timeout=timeout)
        return done.stdout.split()[-1]

    def evaluate(
        self, expression: str, *, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> object:
        """The JSON value of an expression, by strict evaluation."""
        argv = ["nix-instantiate", "--eval", "--strict", "--json", "-E", expression]
        return json.loads(self.run(argv, env=env, cwd=cwd).stdout)

    def path(self, store_path: str | Path) -> Path:
        """Where a path of the folder is on the host; absolute symlinks still mean the folder's root."""
        return self.root / str(store_path).lstrip("/")

    def nix_version(self) -> tuple[int, ...]:
        text = self.run(["nix", "--version"]).stdout.split()[-1]
        return tuple(int(part) for part in text.split(".") if part.isdigit())


def missing(suite: str) -> str | None:
    """What the machine lacks to run `suite`, or None when it is ready."""
    if os.name != "posix" or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "the stand needs root"
    if shutil.which("unshare") is None:
        return "the stand needs unshare (util-linux)"
    if not (place() / suite / "stand" / "ready").exists():
        return f"the stand's suite {suite} is not set up: run tests/stand/setup {suite}"
    return None


def suites_ready() -> tuple[str, ...]:
    """The suites that can be used now, newest first."""
    return tuple(suite for suite in SUITES if missing(suite) is None)


def require_stand(suite: Suite = "forky", *, binds: tuple[Path, ...] = ()) -> Stand:
    """The stand of `suite`; skips the test when it is not there, and fails it under CI=true."""
    reason = missing(suite)
    if reason is not None:
        if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return Stand(suite, binds)
