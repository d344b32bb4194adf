"""Kill a command at random moments, and look at what is left: the harness of benchmarks/kills.py."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support.packages import make_wheel
from tests.support.stand import REPO, STAND, Stand

SIGNALS: Final = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
HASH: Final = "0123456789abcdfghijklmnpqrsvwxyz"
INPUT: Final = f"/nix/store/{HASH}-libfoo-1.0"
LOCKED: Final = """\
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "app"
version = "1.0"
source = { virtual = "." }
dependencies = [{ name = "small" }]

[package.metadata]
requires-dist = [{ name = "small", path = "small-1.0-py3-none-any.whl" }]

[[package]]
name = "small"
version = "1.0"
source = { path = "small-1.0-py3-none-any.whl" }
wheels = [{ filename = "small-1.0-py3-none-any.whl", hash = "sha256:DIGEST" }]
"""
PROJECT: Final = """\
[project]
name = "app"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["small"]
[tool.uv]
package = false
[tool.uv.sources]
small = { path = "small-1.0-py3-none-any.whl" }
[tool.uvlock2nix]
python = "PYTHON"
system = ["x86_64-linux"]
"""
SMALL_FILE: Final = """\
derivation {
  name = "small-SALT";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  args = [ "-c" "echo SALT > $out" ];
  outputHashMode = "flat";
  outputHashAlgo = "sha256";
  outputHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
}
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A command that writes: the files before it, and its words (``ROOT`` is the folder).

    ``whole``: also a run that was killed leaves every file old or new; else the next run has to repair it.
    ``writes_cache``: what it writes is in the cache, which is then part of ``ROOT``. ``rounds``: after so
    many kills a run is left alone, which has to put everything right.
    """

    name: str
    words: tuple[str, ...]
    prepare: Callable[[Path], None]
    real_nix: bool = False
    whole: bool = True
    writes_cache: bool = False
    rounds: int = 5


@dataclass(slots=True)
class Counts:
    """What came of the kills of one command."""

    killed: int = 0
    ended: int = 0
    by_signal: dict[str, int] = field(default_factory=dict)
    damaged: int = 0
    left_behind: int = 0
    next_run_failed: int = 0
    process_left: int = 0
    tracebacks: int = 0
    before_us: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def faults(self) -> int:
        """All that must be 0."""
        return self.damaged + self.left_behind + self.next_run_failed + self.process_left + self.tracebacks


def small_project(root: Path, python: str = "{}.{}".format(*sys.version_info)) -> None:
    """A project with one wheel in its own folder: its deps needs no network. By default for this Python."""
    wheel = make_wheel(root, "small", {"small.py": "x = 1\n"})
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (root / "pyproject.toml").write_text(PROJECT.replace("PYTHON", python))
    (root / "uv.lock").write_text(LOCKED.replace("DIGEST", digest))


def for_nix(root: Path) -> None:
    """The same for the stand's Python."""
    small_project(root, "3.13")


def generated_project(root: Path, python: str = "3.13") -> None:
    """The same, with its Nix files."""
    small_project(root, python)
    argv = [sys.executable, "-m", "uvlock2nix", "generate", str(root)]
    subprocess.run(argv, cwd=REPO, check=True, capture_output=True)


def generated_here(root: Path) -> None:
    """The same for the Python that runs here, with which the hash can be computed without Nix."""
    generated_project(root, "{}.{}".format(*sys.version_info))


def changed_lock(root: Path) -> None:
    """A project in mode files whose lock has changed since its Nix files were written."""
    small_project(root)
    with (root / "pyproject.toml").open("a") as pyproject:
        pyproject.write('mode = "files"\n')
    argv = [sys.executable, "-m", "uvlock2nix", "generate", str(root)]
    subprocess.run(argv, cwd=REPO, check=True, capture_output=True)
    wheel = make_wheel(root, "small", {"small.py": "x = 2\n"})
    (root / "uv.lock").write_text(LOCKED.replace("DIGEST", hashlib.sha256(wheel.read_bytes()).hexdigest()))


def nix_file(root: Path) -> None:
    """A Nix file with a derivation whose hash is wrong."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "deps.nix").write_text(SMALL_FILE.replace("SALT", root.parent.name.replace("_", "-")))


def tree(root: Path) -> None:
    """A tree with references in texts, names and links."""
    for number in range(300):
        folder = root / "tree" / f"d{number % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"f{number}").write_text(f"prefix {INPUT}/lib {number}\n" * 20)
    (root / "tree" / "link").symlink_to(f"{INPUT}/lib")
    (root / "tree" / f"n-{HASH}").write_text("")
    (root / "closure").write_text(INPUT + "\n")


def stripped_tree(root: Path) -> None:
    """The same tree, stripped."""
    tree(root)
    words = [word.replace("ROOT", str(root)) for word in STRIP]
    subprocess.run([sys.executable, "-m", "uvlock2nix", *words], cwd=REPO, check=True, capture_output=True)


def channel(root: Path) -> None:
    """A channel's list of packages, as a file."""
    rows = ",\n".join(
        f'"python313Packages.p{number}": {{"pname": "p{number}", "version": "1.{number}"}}'
        for number in range(20000)
    )
    root.mkdir(parents=True, exist_ok=True)
    (root / "packages.json").write_text('{"version": 2, "packages": {\n' + rows + "\n}}\n")


STRIP: Final = ("refs", "strip", "ROOT/tree", "--closure", "ROOT/closure", "--input", f"libfoo={INPUT}")
RESTORE: Final = ("refs", "restore", "ROOT/tree", "--input", f"libfoo={INPUT}")
CASES: Final = {
    case.name: case
    for case in (
        Case("generate", ("generate", "ROOT"), small_project),
        Case("init", ("init", "ROOT"), for_nix, real_nix=True, whole=False, rounds=10),
        Case("update-hash", ("update-hash", "ROOT"), generated_project, real_nix=True, rounds=10),
        Case("update-hash-without-nix", ("update-hash", "--no-nix", "ROOT"), generated_here),
        Case("update-hash-mode-files", ("update-hash", "ROOT"), changed_lock),
        Case("update-hash-file", ("update-hash", "ROOT/deps.nix"), nix_file, real_nix=True, rounds=10),
        Case("refs-strip", STRIP, tree, whole=False),
        Case("refs-restore", RESTORE, stripped_tree, whole=False),
        Case(
            "index-update", ("index", "update", "--channel", "ROOT/packages.json"), channel, writes_cache=True
        ),
        Case("classify-html", ("classify", "ROOT", "--html", "ROOT/page.html"), small_project),
    )
}


def state(root: Path) -> dict[str, bytes]:
    """Everything in a folder: path → content, or target of a link."""
    found = {}
    for folder, folders, names in os.walk(root):
        for name in [*names, *(one for one in folders if (Path(folder) / one).is_symlink())]:
            path = Path(folder) / name
            link = path.is_symlink()
            found[str(path.relative_to(root))] = os.fsencode(path.readlink()) if link else path.read_bytes()
    return found


class Killer:
    """Kills one command again and again, each time in a fresh copy of what was there before."""

    def __init__(self, case: Case, folder: Path, seed: int = 1) -> None:
        self.case = case
        self.folder = folder
        self.more_env: dict[str, str] = {}
        self.random = random.Random(seed)  # noqa: S311 - moments, no secrets
        self.before = folder / "before"
        self.root = folder / "root"
        for name in ("tmp", "cache", "home"):
            (folder / name).mkdir(parents=True)
        case.prepare(self.root)
        shutil.copytree(self.root, self.before, symlinks=True)
        start = time.monotonic()
        self.expected = self._clean_run()
        self.took = time.monotonic() - start
        self._reset()
        if self._clean_run() != self.expected:
            raise AssertionError(f"{case.name}: two clean runs differ")

    def run(self, kills: int, seconds: float | None = None) -> Counts:
        """Kill so many runs, or until so many seconds have gone; a run that ended before does not count."""
        end = time.monotonic() + (seconds if seconds is not None else float("inf"))
        counts = Counts()
        old = state(self.before)
        self._reset()
        number = 0
        while counts.killed < kills:
            self._kill(counts, SIGNALS[number % len(SIGNALS)])
            number += 1
            if self.case.whole:
                now = state(self.root)
                # A temporary file of a run that could not clean up is no damage: the next run has to.
                torn = [
                    one
                    for one in {**old, **self.expected}
                    if now.get(one) not in (old.get(one), self.expected.get(one))
                ]
                counts.damaged += bool(torn)
                counts.notes += torn[:1]
            if number % self.case.rounds == 0 or counts.killed == kills:
                self._next(counts)
                self._reset()
                if time.monotonic() > end:
                    break
        return counts

    def _kill(self, counts: Counts, number: signal.Signals) -> None:
        process = self._start()
        time.sleep(self.random.uniform(0, self.took * 1.1))
        process.send_signal(number)
        _, errors = process.communicate(timeout=120)
        if b"Traceback" in errors:
            # In Python's own start, before our first statement, nobody can catch a Ctrl-C.
            ours = b"uvlock2nix" in errors
            counts.tracebacks += ours
            counts.before_us += not ours
        # What else this machine does changes how long a run takes: follow it, so that most runs are killed.
        self.took *= 0.9 if process.returncode == 0 else 1.02
        if process.returncode == 0:
            counts.ended += 1
        else:
            counts.killed += 1
            counts.by_signal[number.name] = counts.by_signal.get(number.name, 0) + 1
        deadline = time.monotonic() + 10
        while self._processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        counts.process_left += bool(self._processes())

    def _next(self, counts: Counts) -> None:
        try:
            found = self._clean_run()
        except AssertionError as error:
            counts.next_run_failed += 1
            counts.notes.append(str(error))
            return
        wrong = [one for one, data in self.expected.items() if found.get(one) != data]
        more = [*(found.keys() - self.expected), *self._left()]
        counts.damaged += bool(wrong)
        counts.left_behind += bool(more)
        counts.notes += [f"damaged: {one}" for one in wrong[:1]] + [f"left: {one}" for one in more[:1]]

    def _left(self) -> list[str]:
        """What is in the folder of temporary files, and temporary names in the cache."""
        # uv keeps empty lock files there, whoever runs it.
        found = [path.name for path in (self.folder / "tmp").iterdir() if not path.name.startswith("uv-")]
        found += [path.name for path in (self.folder / "cache" / "uvlock2nix").rglob(".*") if path.is_file()]
        return found

    def _clean_run(self) -> dict[str, bytes]:
        process = self._start()
        _, errors = process.communicate(timeout=600)
        text = errors.decode(errors="replace")
        if process.returncode != 0 or "Traceback" in text:
            raise AssertionError(f"{self.case.name}: a run that was left alone ended with\n{text}")
        return state(self.root)

    def _reset(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self.before, self.root, symlinks=True)

    def _start(self) -> subprocess.Popen[bytes]:
        words = [word.replace("ROOT", str(self.root)) for word in self.case.words]
        return subprocess.Popen(
            [sys.executable, "-m", "uvlock2nix", *words],
            env=self._env(),
            cwd=REPO,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=hear_every_signal,  # noqa: PLW1509 - no other thread runs here
        )

    def _env(self) -> Mapping[str, str]:
        env = Stand().env({"NIX_PATH": f"nixpkgs={STAND / 'nixpkgs'}"}) if self.case.real_nix else os.environ
        places = {"TMPDIR": "tmp", "XDG_CACHE_HOME": "cache", "HOME": "home"}
        env = {**env, **{name: str(self.folder / value) for name, value in places.items()}, **self.more_env}
        return {**env, "XDG_CACHE_HOME": str(self.root / "cache")} if self.case.writes_cache else env

    def _processes(self) -> list[str]:
        """Processes that still work on the folder."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if os.fsencode(self.root) in path.read_bytes() and path.parent.name != str(os.getpid()):
                    found.append(path.parent.name)
            except OSError:
                continue
        return found


def hear_every_signal() -> None:
    """As in a terminal: what runs the tests may ignore some, as nohup does."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
