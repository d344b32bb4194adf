"""Resolving requirements with uv, held back in time: the files that it would install on a target."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from uvlock2nix.build.machine import FOREIGN, KEPT
from uvlock2nix.build.programs import NETWORK_SIGNS
from uvlock2nix.errors import LockError, NetworkError, ToolError
from uvlock2nix.held_back import written
from uvlock2nix.lock.model import Package
from uvlock2nix.lock.pylock import parse_pylock
from uvlock2nix.lock.wire import parse_toml
from uvlock2nix.net.urls import shown_text
from uvlock2nix.target import Target
from uvlock2nix.temporary import temporary_folder
from uvlock2nix.uv_platform import uv_platform

# uv's settings in addition to those that every build keeps: where its cache is, and whether it may use the
# network.
_OWN: Final = frozenset({"UV_CACHE_DIR", "UV_OFFLINE", "UV_INDEX_STRATEGY"})
_UNMET_SIGNS: Final = (
    "no solution found",
    "unsatisfiable",
    "failed to build",
    "failed to download and build",
    "not found",
)
_OFFLINE_SIGNS: Final = ("network was disabled", "offline")


class Unresolvable(ToolError):
    """No lockable set of files meets the requirements; the message has the reason, uv's or ours."""


@dataclass(frozen=True, slots=True)
class Uv:
    """The uv that resolves, and the settings of all its runs.

    ``flags`` name the project's indexes, ``constraints`` are its build constraints, ``packages`` the
    per-package times of ``exclude-newer-package`` as uv's flags.
    """

    program: str
    flags: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    outer: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def resolve(
        self,
        requires: Sequence[str],
        target: Target,
        until: datetime | None,
        *,
        sdists: bool,
        preferred: Sequence[str] = (),
    ) -> tuple[Package, ...]:
        """The packages that meet ``requires``, each with the files that uv may install.

        ``until``: later files, and files without a time, do not count; None: all do. ``sdists``: whether a
        package without a wheel for the target is allowed; uv may have to run its build to learn its
        requirements. ``preferred`` are further constraints.

        Raises:
            Unresolvable: nothing meets the requirements.
            NetworkError: an index cannot be reached.
            ToolError: uv cannot be run, or returns something unexpected.
        """
        with temporary_folder() as work:
            (work / "requirements.in").write_text("".join(f"{line}\n" for line in requires), encoding="utf-8")
            limits = [*self.constraints, *preferred]
            (work / "constraints.txt").write_text("".join(f"{line}\n" for line in limits), encoding="utf-8")
            text = self._run(self._arguments(work, target, until, sdists=sdists), target)
        return _packages(text)

    def _arguments(self, work: Path, target: Target, until: datetime | None, *, sdists: bool) -> list[str]:
        arguments = [self.program, "pip", "compile", "--quiet", "--no-config", "--no-header"]
        constraints = str(work / "constraints.txt")
        arguments += ["--format", "pylock.toml", "--constraints", constraints, "--no-python-downloads"]
        arguments += ["--python-version", target.python.full]
        arguments += ["--exclude-newer", written(until)] if until is not None else []
        arguments += [*self.packages, *self.flags]
        if sdists:
            arguments += ["--build-constraints", constraints]
        else:
            # No interpreter of the target is needed: wheels have all metadata.
            arguments += ["--only-binary", ":all:", "--python", sys.executable]
        # uv cannot resolve for a free-threaded Python: list all files and choose among them here.
        platform = None if target.python.freethreaded else uv_platform(target)
        arguments += ["--universal"] if platform is None else ["--python-platform", platform]
        return [*arguments, str(work / "requirements.in")]

    def _run(self, arguments: Sequence[str], target: Target) -> str:
        env = {
            name: value
            for name, value in self.outer.items()
            if name in _OWN or KEPT.fullmatch(name) or not FOREIGN.fullmatch(name) or name.startswith("XDG_")
        }
        if target.is_darwin:
            env["MACOSX_DEPLOYMENT_TARGET"] = "{}.{}".format(*target.macos)
        try:
            # Not in the current folder: uv refuses to run in a folder that is part of its cache.
            done = subprocess.run(
                arguments, cwd="/", env=env, capture_output=True, text=True, check=False, errors="replace"
            )
        except OSError as error:
            raise ToolError(
                f"{self.program}: cannot be run: {error.strerror}", hint="install uv, or set UV to its path"
            ) from None
        if done.returncode == 0:
            return done.stdout
        raise _failure(shown_text(done.stderr).strip())


def _failure(said: str) -> ToolError | NetworkError:
    low = said.lower()
    if any(sign in low for sign in (*NETWORK_SIGNS, *_OFFLINE_SIGNS)):
        return NetworkError(
            "uv cannot reach the package index:\n" + _quoted(said), hint="check the network connection"
        )
    if any(sign in low for sign in _UNMET_SIGNS):
        return Unresolvable(_quoted(said))
    if "unexpected argument" in low or "invalid value" in low:
        return ToolError(
            "uv does not support an option that is needed:\n" + _quoted(said), hint="use uv 0.8 or newer"
        )
    first = (said.splitlines() or ["it printed nothing"])[0].removeprefix("error: ")
    return ToolError(f"uv failed: {first}", hint=f"its output:\n{_quoted(said)}")


def _quoted(text: str) -> str:
    return "\n".join(f"  | {line}" for line in text.splitlines()[:30])


def _packages(text: str) -> tuple[Package, ...]:
    try:
        return parse_pylock(parse_toml(text.encode(), "uv's answer", error=LockError), "uv's answer").packages
    except LockError as error:
        raise ToolError(f"uv: {error.message}", hint="use uv 0.8 or newer") from None


def find_uv() -> str | None:
    """The uv that ``UV`` names, else from PATH, else the one installed with uvlock2nix; None without any."""
    beside = Path(sys.executable).parent / "uv"
    return os.environ.get("UV") or shutil.which("uv") or (str(beside) if beside.is_file() else None)
