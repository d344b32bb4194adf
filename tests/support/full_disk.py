"""Run a command on a file system that is nearly full: what it says, leaves, and whether it works then.

    python -m tests.support.full_disk FOLDER CASE PLACE FREE…

in a mount namespace of its own. The cases are those of tests/support/kills.py, and ``env``: Nix builds one.
PLACE is what is nearly full: ``root`` (the project), ``tmp``, ``cache``, ``home``, or ``nix``:
the stand's store and its build folder, as an overlay. FREE are the KiB that are left there, one run for each.
Prints the outcomes as JSON.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from tests.support.kills import CASES, Killer, state
from tests.support.stand import REPO, Stand

MOST = 64 << 10  # KiB; nothing of this is taken before it is used
# Whether an overlay can be mounted over a folder of the stand, with what is written on a tmpfs.
OVERLAY = f"""\
set -e
top=$1; mkdir -p "$top"; mount -t tmpfs none "$top"; mkdir "$top/upper" "$top/work" "$top/all"
mount -t overlay overlay -o "lowerdir={Stand().root}/nix,upperdir=$top/upper,workdir=$top/work" "$top/all"
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``code`` and ``errors`` of the run; ``changed`` paths that are neither as before nor as they should be;
    ``again``: what is not in order after a second run, with room enough.
    """

    free: int
    code: int
    errors: str
    changed: tuple[str, ...]
    again: tuple[str, ...]


def outcomes(folder: Path, case: str, place: str, free: list[int]) -> list[Outcome]:
    """Of one case in a namespace of its own; skips the test where there can be none."""
    apart = ["unshare", "--mount", "--propagation", "private"]
    if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs root: file systems are mounted in a namespace of their own")
    if (
        place == "nix"
        and subprocess.run([*apart, "sh", "-c", OVERLAY, "sh", folder], capture_output=True).returncode
    ):
        pytest.skip("needs a kernel that mounts overlays, as the store of which the disk is full")
    words = [sys.executable, "-m", "tests.support.full_disk", str(folder), case, place, *map(str, free)]
    done = subprocess.run(
        [*apart, *words], cwd=REPO, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    return [Outcome(**one) for one in json.loads(done.stdout)]


class Disk:
    """A small file system at ``place``, of which all but some KiB can be filled."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MOST}k", "none", place], check=True)

    def empty(self) -> None:
        for one in self.place.iterdir():
            shutil.rmtree(one) if one.is_dir() and not one.is_symlink() else one.unlink()

    def fill(self, free: int) -> Path:
        """All but so many KiB."""
        filler = self.place / "filler"
        left = shutil.disk_usage(self.place).free - free * 1024
        with filler.open("wb") as file:
            while left > 0:
                left -= file.write(bytes(min(left, 1 << 20)))
        return filler


class Full(Killer):
    """What Killer prepares, with a small disk for one of its folders."""

    builds_env = False
    started = 0

    def __init__(self, name: str, folder: Path, place: str) -> None:
        super().__init__(CASES["update-hash" if name == "env" else name], folder)
        if name == "env":
            # From now on: its hash is right, and its deps are in the store.
            shutil.rmtree(self.before)
            shutil.copytree(self.root, self.before, symlinks=True)
            self.builds_env = True
        self.disk = Disk(folder / ("upper" if place == "nix" else place))
        self.on_root = place == "root"
        if place == "nix":
            for one in ("upper/work", "upper/store", "nix"):
                (folder / one).mkdir(parents=True)
            layers = f"lowerdir={Stand().root}/nix,upperdir={folder}/upper/store,workdir={folder}/upper/work"
            subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, folder / "nix"], check=True)
            # Two stores must not have one user for their builds: Nix ends whatever else runs as that user.
            self.more_env = {
                "UVLOCK2NIX_STAND_NIX": str(folder / "nix"),
                "NIX_CONFIG": "build-users-group =",
            }
            self._clean_run()  # the database of the store is a copy from now on

    def _start(self) -> subprocess.Popen[bytes]:
        if not self.builds_env:
            return super()._start()
        pkgs = f"import <nixpkgs> {{ overlays = [ (import {REPO}/nix/overlay.nix) ]; }}"
        env = f"(({pkgs}).callPackage {self.root}/nix/python-env.nix {{ }})"
        self.started += 1  # built again, each time
        expression = f'{env}.overrideAttrs {{ salt = "{self.folder} {self.started}"; }}'
        return subprocess.Popen(
            ["nix-build", "--no-out-link", "-E", expression],
            env=self._env(),
            cwd=REPO,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def outcome(self, free: int) -> Outcome:
        """One run with so little room, and a second one with enough."""
        if self.on_root:
            self.disk.empty()
            shutil.copytree(self.before, self.root, symlinks=True, dirs_exist_ok=True)
        else:
            self._reset()
        filler = self.disk.fill(free)
        process = self._start()
        _, errors = process.communicate(timeout=300)
        filler.unlink(missing_ok=True)
        old, now = state(self.before), state(self.root)
        changed = [
            one
            for one in {**old, **self.expected, **now}
            if now.get(one) not in (old.get(one), self.expected.get(one))
        ]
        try:
            found = self._clean_run()
            wrong = [one for one in {**found, **self.expected} if found.get(one) != self.expected.get(one)]
        except AssertionError as error:
            wrong = [str(error)]
        text = errors.decode(errors="replace")
        return Outcome(free, process.returncode, text, tuple(changed), (*wrong, *self._left()))


def main(arguments: list[str]) -> None:
    folder, case, place, *free = arguments
    full = Full(case, Path(folder), place)
    json.dump([asdict(full.outcome(int(one))) for one in free], sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
