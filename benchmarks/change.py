"""What one changed package costs: processor and wall seconds, derivations, bytes, in both modes.

    python benchmarks/change.py PROJECT NAME==VERSION [--modes files,sync,uv] [--edit FILE] \\
        [--against FILE.nix]

PROJECT is a folder with a uv.lock that has NAME in a different version. Run as root after
``tests/stand/setup forky``. Everything is built; then the lock is changed (``uv lock -P``), and what follows
is measured: what a user runs of ours (``update-hash``) and ``nix-build``; for ``uv``, ``uv sync --frozen``
with an empty cache into the environment that is there. With ``--edit``, a line is put at the end of that
module of the project's afterwards, and the same is measured, without ``update-hash``, which an edit does not
need. ``--against``: a Nix file, a function of
``{ dir }`` that gives what a different tool makes of the folder ``dir``.

"new" is the size (as NAR) of all store paths that were not there before, "deploy" of those of them that are
in the closure of the result; "derivations" counts the ones that nix-build built, fetches included.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))

from tests.support.stand import STAND, Stand  # noqa: E402

UV = Path(sys.executable).with_name("uv")
OURS = """
(import <nixpkgs> { overlays = [ (import OVERLAY) ]; }).callPackage (/. + dir + "/nix/package.nix") { }
""".replace("OVERLAY", str(REPO / "nix" / "overlay.nix"))


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Subject:
    """One project as one mode builds it."""

    def __init__(self, stand: Stand, mode: str, project: Path, against: Path | None) -> None:
        self.stand, self.mode, self.project = stand, mode, project
        self.expression = f"{{ dir }}: {OURS if against is None else f'import {against} {{ inherit dir; }}'}"
        self.ours = against is None

    def own(self, *words: str) -> None:
        environment = self.stand.env({"NIX_PATH": f"nixpkgs={STAND / 'nixpkgs'}"})
        argv = [sys.executable, "-m", "uvlock2nix", *words]
        done = subprocess.run(argv, cwd=REPO, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(words)}: {done.stderr[-3000:]}")

    def prepare(self, options: Sequence[str]) -> None:
        if self.mode == "uv":
            self.sync()
            return
        if self.ours:
            self.own("generate", str(self.project), "--mode", self.mode, *options)
        self.update()
        self.build()

    def update(self) -> None:
        if self.ours:
            self.own("update-hash", str(self.project))

    def sync(self) -> None:
        with tempfile.TemporaryDirectory(prefix="uvlock2nix-cache-") as cache:
            env = {**os.environ, "UV_CACHE_DIR": cache, "UV_PYTHON_DOWNLOADS": "never"}
            argv = [str(UV), "sync", "--frozen", "--quiet", "--no-default-groups", "--compile-bytecode"]
            subprocess.run(argv, cwd=self.project, env=env, check=True)

    def build(self) -> tuple[str, str]:
        """The log and the result."""
        argv = ["nix-build", "--no-out-link", "-E", self.expression, "--argstr", "dir", str(self.project)]
        done = self.stand.run(argv, timeout=3600)
        return done.stderr, done.stdout.split()[-1]

    def measure(self, *, locked: bool) -> str:
        """What a change costs; if the lock is what changed (``locked``), a user of ours runs update-hash."""
        before = self.paths()
        start, used = time.monotonic(), cpu()
        if self.mode == "uv":
            self.sync()
            return f"{cpu() - used:6.2f} s CPU, {time.monotonic() - start:6.1f} s"
        updated = ""
        if self.ours and locked:
            self.update()
            updated = f"update-hash {cpu() - used:.2f} s CPU, {time.monotonic() - start:.1f} s; "
        log, out = self.build()
        took = f"{cpu() - used:6.2f} s CPU, {time.monotonic() - start:6.1f} s"
        new = self.paths() - before
        closure = set(self.stand.run(["nix-store", "--query", "--requisites", out]).stdout.split())
        built = len(re.findall(r"^building ", log, re.MULTILINE))
        return (
            f"{took} ({updated}{built} derivations in nix-build), "
            f"new {self.size(new):,} B, deploy {self.size(new & closure):,} B"
        )

    def paths(self) -> set[str]:
        """The valid store paths that are no derivations."""
        valid = self.stand.run(["nix", "--extra-experimental-features", "nix-command", "path-info", "--all"])
        return {path for path in valid.stdout.split() if not path.endswith(".drv")}

    def size(self, paths: set[str]) -> int:
        if not paths:
            return 0
        sizes = self.stand.run(["nix-store", "--query", "--size", *sorted(paths)]).stdout.split()
        return sum(map(int, sizes))


def copied(project: Path, folder: Path, mode: str) -> Path:
    target = folder / mode / project.name
    leave = shutil.ignore_patterns(".git", ".venv", "nix")
    shutil.copytree(project, target, symlinks=True, ignore=leave)
    return target


def changed(project: Path, package: str, edit: str, python: str) -> None:
    if edit:
        with (project / edit).open("a") as file:
            file.write(f"\nchanged = {time.time()}\n")
        return
    env = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    subprocess.run(
        [str(UV), "lock", "--quiet", "-p", python, "-P", package], cwd=project, env=env, check=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("project", type=Path)
    parser.add_argument("package", nargs="?", default="", metavar="NAME==VERSION")
    parser.add_argument("--modes", default="files,sync,uv")
    parser.add_argument("--edit", default="")
    parser.add_argument("--against", type=Path)
    parser.add_argument("--python", default="3.13")
    asked, options = parser.parse_known_args()
    stand = Stand("forky")
    with tempfile.TemporaryDirectory(prefix="uvlock2nix-change-") as folder:
        subjects = [
            Subject(stand, mode, copied(asked.project, Path(folder), mode), None)
            for mode in asked.modes.split(",")
        ]
        if asked.against is not None:
            project = copied(asked.project, Path(folder), "against")
            subjects.append(Subject(stand, "against", project, asked.against.resolve()))
        for one in subjects:
            one.prepare([f"--python={asked.python}", *options])
        for package, edit in ((asked.package, ""), ("", asked.edit)):
            for one in subjects if package or edit else ():
                changed(one.project, package, edit, asked.python)
                result = one.measure(locked=bool(package))
                what = package or f"edit of {edit}"
                print(f"{what}, {one.mode}: {result}; load {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main()
