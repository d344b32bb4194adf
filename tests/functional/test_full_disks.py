"""A disk that gets full, in every place that is written to: a clear error, every file as it was or as it
should be, and the next run, with room enough, puts all right. And folders that may not be written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.support.full_disk import Outcome, outcomes
from tests.support.http_server import serving
from tests.support.kills import CASES, channel, state
from tests.support.stand import REPO, require_stand

NO_ROOM = "No space left on device"


def checked(found: list[Outcome]) -> list[int]:
    """The exit codes, where all that was said and left is in order."""
    for one in found:
        assert "Traceback" not in one.errors, one
        assert not one.changed, one
        assert not one.again, one
        if one.code:
            assert NO_ROOM in one.errors, one
            assert one.errors.count("\nhint: ") == 1, one
            assert "the disk is full" in one.errors.rpartition("\nhint: ")[2], one
    return [one.code for one in found]


@pytest.mark.parametrize(
    ("case", "free", "codes"),
    [
        ("generate", [4], [3]),
        ("classify-html", [0], [3]),
        ("index-update", [64], [3]),
        ("refs-strip", [512], [3]),
        ("refs-restore", [512], [3]),
        ("update-hash-without-nix", [0], [3]),
    ],
)
def test_the_disk_of_the_project(tmp_path: Path, case: str, free: list[int], codes: list[int]) -> None:
    assert checked(outcomes(tmp_path / "place", case, "root", free)) == codes


@pytest.mark.parametrize("place", ["tmp", "cache"])
@pytest.mark.parametrize("case", ["generate", "update-hash-without-nix"])
def test_disks_that_are_not_the_project_s(tmp_path: Path, case: str, place: str) -> None:
    """What is only kept for later is done without; else it is the disk that is full, and nothing else."""
    codes = checked(outcomes(tmp_path / "place", case, place, [0, 16]))
    if case == "generate":
        assert codes == [0, 0]
    elif place == "tmp":
        assert codes[1] == 4  # uv installs there


@pytest.mark.stand
@pytest.mark.parametrize(
    ("case", "place", "free", "codes"),
    [
        ("update-hash", "root", [0], [3]),
        ("update-hash", "nix", [100], [4]),
        ("update-hash-file", "nix", [0], [4]),
    ],
)
def test_with_real_nix(tmp_path: Path, case: str, place: str, free: list[int], codes: list[int]) -> None:
    require_stand("forky")
    assert CASES[case].real_nix
    assert checked(outcomes(tmp_path / "place", case, place, free)) == codes


@pytest.mark.stand
def test_in_the_build_of_env(tmp_path: Path) -> None:
    """Nix says it in its own words; nothing half-made is left in the store, and then it is built."""
    require_stand("forky")
    (found,) = outcomes(tmp_path / "place", "env", "nix", [110])
    assert found.code != 0
    # The builder's words, or those of Nix' database.
    assert NO_ROOM in found.errors or "disk is full" in found.errors
    assert "Traceback" not in found.errors
    assert not found.changed
    assert not found.again


DOWNLOADS = """\
mount -t tmpfs -o size=300k none "$1" || exit 77
shift
"$@"; echo "ended: $?" >&2
mount -o remount,size=64m "$XDG_CACHE_HOME"
"$@"; echo "ended: $?" >&2
"""


class Channel(BaseHTTPRequestHandler):
    """A channel's list of 20,000 packages."""

    data = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.data)))
        self.end_headers()
        self.wfile.write(self.data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


def test_in_the_middle_of_a_download(tmp_path: Path) -> None:
    """The error names the folder; with room enough, the next run completes what the first one began."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare, for a small disk")
    channel(tmp_path / "channel")
    cache = tmp_path / "cache"
    cache.mkdir()
    data = (tmp_path / "channel" / "packages.json").read_bytes()
    with serving(type("Handler", (Channel,), {"data": data})) as server:
        url = f"http://127.0.0.1:{server.server_port}/packages.json"
        command = [sys.executable, "-m", "uvlock2nix", "index", "update", "--channel", url]
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", DOWNLOADS, "sh", str(cache), *command],
            env={**os.environ, "XDG_CACHE_HOME": str(cache), "no_proxy": "127.0.0.1"},
            cwd=REPO,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    first, second = done.stderr.split("ended: 3\n")
    assert f"error: cannot write to the cache {cache}" in first
    assert NO_ROOM in first
    assert first.count("hint: ") == 1
    assert "Traceback" not in done.stderr
    assert second.endswith("ended: 0\n")
    assert "20000 packages" in done.stdout


FOREIGN = 12345


def foreign(root: Path) -> None:
    """Make everything there somebody else's, readable for all."""
    for path in (root, *root.rglob("*")):
        os.chown(path, FOREIGN, FOREIGN, follow_symlinks=False)


def powerless(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user who may not write what is somebody else's: root without its capabilities."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv, to own files as two users")
    user = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
    env = {**os.environ, "HOME": str(place), "XDG_CACHE_HOME": str(place / "cache"), "TMPDIR": str(place)}
    argv = [*user, sys.executable, "-m", "uvlock2nix", *words]
    return subprocess.run(argv, env=env, cwd=REPO, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("case", ["generate", "update-hash-without-nix", "classify-html", "refs-strip"])
@pytest.mark.parametrize("whose", ["foreign", "mode"])
def test_a_folder_of_somebody_else(tmp_path: Path, case: str, whose: str) -> None:
    """Nothing is written, the message says which place, and what only reads works."""
    root = tmp_path / "root"
    CASES[case].prepare(root)
    before = state(root)
    if whose == "foreign":
        foreign(root)
    else:
        for path in (root, *root.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o555)
    done = powerless(tmp_path, *(word.replace("ROOT", str(root)) for word in CASES[case].words))
    if (case, whose) == ("refs-strip", "mode"):
        # As in Nix's store, where a folder of one's own is opened for the change, and closed again.
        assert done.returncode == 0, done.stderr
        assert all(not path.stat().st_mode & 0o222 for path in root.rglob("d*"))
        return
    assert done.returncode == 3, done.stderr
    assert str(root) in done.stderr
    assert "ermi" in done.stderr
    assert (done.stderr.count("error: "), done.stderr.count("\nhint: ")) == (1, 1)
    assert state(root) == before
    if case != "refs-strip":
        read = powerless(tmp_path, "classify", str(root), "--python", "3.13", "--system", "x86_64-linux")
        assert read.returncode == 0, read.stderr
