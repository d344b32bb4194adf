"""The network is cut in the middle of a transfer through a proxy: the next run resumes, or starts over, and
says what happened; nothing half-fetched is used or kept."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.packages import make_wheel
from tests.support.proxy import Proxy, proxying
from tests.support.syncing import NEWER, PYTHON, REPOSITORY, SYSTEM, UV, VERSION, write_locked
from uvlock2nix.errors import NetworkError
from uvlock2nix.net.fetch import HttpFetcher

SECRET = "S3CRET"
HOST = "http://index.invalid"
ROWS = {f"python313Packages.p{n}": {"pname": f"p{n}", "version": f"1.{n}"} for n in range(5000)}
CHANNEL = json.dumps({"version": 2, "packages": ROWS}).encode()


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with proxying({"/packages.json": CHANNEL}) as running:
        for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(name.upper(), raising=False)
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", f"http://{SECRET}:{SECRET}@{running.address}")
        yield running


def update(cache: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "uvlock2nix", "index", "update", "--channel", f"{HOST}/packages.json"]
    env = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    return subprocess.run(argv, cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False)


def test_a_channel_is_resumed(proxy: Proxy, tmp_path: Path) -> None:
    proxy.cut, proxy.cuts = 50_000, 2
    for _ in range(2):
        done = update(tmp_path)
        assert done.returncode == 5, done.stderr
        assert "closed too early" in done.stderr or "bytes were received" in done.stderr
        assert "the download resumes" in done.stderr
        assert SECRET not in done.stderr
        assert not list(tmp_path.rglob("index/*.json.gz"))
    done = update(tmp_path)
    assert done.returncode == 0, done.stderr
    ranges = [wanted for address, wanted in proxy.asked if address == f"{HOST}/packages.json"]
    assert ranges[0] == ""
    assert all(int(one.removeprefix("bytes=").rstrip("-")) > 0 for one in ranges[1:])
    assert len(list(tmp_path.rglob("index/*.json.gz"))) == 1
    assert any(proxy.logins)


@pytest.mark.parametrize("cuts", [1, 100])
def test_a_file_with_a_hash_is_whole_or_not_there(proxy: Proxy, tmp_path: Path, cuts: int) -> None:
    proxy.files["/file"] = data = os.urandom(300_000)
    proxy.cut, proxy.cuts = 100_000, cuts
    hash_ = f"sha256:{hashlib.sha256(data).hexdigest()}"
    with HttpFetcher(tmp_path) as fetcher:
        with pytest.raises(NetworkError, match="closed too early"):
            fetcher.file(f"{HOST}/file", hash_, "file")
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]
        if cuts == 1:
            assert fetcher.file(f"{HOST}/file", hash_, "file").read_bytes() == data


@pytest.mark.parametrize("cuts", [1, 100])
def test_uv_tries_again_or_fails_clearly(proxy: Proxy, tmp_path: Path, cuts: int) -> None:
    """What deps does: uv fetches, and repeats what was cut; the exit code is that of a network error."""
    wheel = make_wheel(tmp_path / "files", "small", {"small.py": f"x = {os.urandom(50_000).hex()!r}\n"})
    proxy.files[f"/files/{wheel.name}"] = wheel.read_bytes()
    proxy.cut, proxy.cuts = 10_000, cuts
    project = tmp_path / "project"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    write_locked(project, f"{HOST}/simple", f"{HOST}/files/{wheel.name}", digest)
    argv = [
        sys.executable, "-m", "uvlock2nix", "sync", str(project), "--out", str(tmp_path / "out"),
        "--work", str(tmp_path / "work"), "--interpreter", str(PYTHON), "--python", VERSION,
        "--system", SYSTEM, "--uv", UV, "--exclude-newer", NEWER,
    ]  # fmt: skip
    env = {**os.environ, "UV_HTTP_RETRIES": "2"}
    done = subprocess.run(argv, cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False)
    assert SECRET not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    if cuts == 1:
        assert done.returncode == 0, done.stderr
        assert list((tmp_path / "out").rglob("small.py"))
    else:
        assert done.returncode == 5, done.stderr
        assert "hint: the connection was cut in the middle: run the command again" in done.stderr
        assert not (tmp_path / "out").exists()
