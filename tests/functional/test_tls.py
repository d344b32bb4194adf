"""A redirection from https to http is refused, before anything is sent there: whoever is on the way could
read what follows, and change it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.support.http_server import serving
from tests.support.packages import make_wheel
from tests.support.syncing import NEWER, PYTHON, REPOSITORY, SYSTEM, UV, VERSION, write_locked
from tests.support.tls import make_certificate, serving_tls
from uvlock2nix.errors import NetworkError
from uvlock2nix.net.fetch import HttpFetcher

CONTENT = b"a file of some bytes\n" * 100
HASH = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Servers:
    """``secure`` redirects ``/to/WAY/…`` to itself or to ``plain``, which notes what it was ``asked``."""

    authority: Path
    secure: str = ""
    plain: str = ""
    files: dict[str, bytes] = field(default_factory=lambda: {"file": CONTENT})
    asked: list[str] = field(default_factory=list)


def answers(servers: Servers, *, plain: bool) -> type[BaseHTTPRequestHandler]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if plain:
                servers.asked.append(self.path)
            ways = {
                "http": f"http://{servers.plain}",
                "HTTP": f"HTTP://{servers.plain}",
                "control": f"\x0bhttp://{servers.plain}",
                "https": f"https://{servers.secure}",
                "host": f"//{servers.secure}",
                "twice": f"https://{servers.secure}/to/http",
            }
            if self.path.startswith("/to/"):
                way, _, rest = self.path[4:].partition("/")
                self.send_response(302)
                self.send_header("Location", f"{ways[way]}/{rest}")
                self.end_headers()
                return
            data = servers.files.get(self.path.rpartition("/")[2])
            whole = data or b""
            wanted = self.headers.get("Range", "").removeprefix("bytes=").partition("-")
            part = whole[int(wanted[0]) : int(wanted[2]) + 1] if wanted[0] else whole
            self.send_response(404 if data is None else 206 if wanted[0] else 200)
            if wanted[0]:
                self.send_header("Content-Range", f"bytes {wanted[0]}-{wanted[2]}/{len(whole)}")
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            self.wfile.write(part)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    return Answers


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    certificate = make_certificate(tmp_path_factory.mktemp("tls"))
    servers = Servers(certificate.authority)
    with (
        serving(answers(servers, plain=True)) as plain,
        serving_tls(answers(servers, plain=False), certificate) as secure,
    ):
        servers.plain, servers.secure = (f"127.0.0.1:{one.server_port}" for one in (plain, secure))
        yield servers


@pytest.fixture
def servers(running: Servers, monkeypatch: pytest.MonkeyPatch) -> Servers:
    for name in ("REQUESTS_CA_BUNDLE", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(running.authority))
    running.asked.clear()
    return running


WAYS: dict[str, Callable[[HttpFetcher, str], object]] = {
    "file": lambda fetcher, url: fetcher.file(url, HASH, "file").read_bytes(),
    "part": lambda fetcher, url: fetcher.part(url, 0, len(CONTENT))[0],
    "text": lambda fetcher, url: fetcher.text(url, 10_000).encode(),
    "resume": lambda fetcher, url: fetcher.resume(url).read_bytes(),
}


@pytest.mark.parametrize("kind", ["http", "HTTP", "control", "twice"])
@pytest.mark.parametrize("way", WAYS)
def test_a_way_out_of_encryption_is_refused(servers: Servers, way: str, kind: str, tmp_path: Path) -> None:
    with HttpFetcher(tmp_path) as fetcher, pytest.raises(NetworkError, match="without encryption"):
        WAYS[way](fetcher, f"https://{servers.secure}/to/{kind}/file")
    assert servers.asked == []


@pytest.mark.parametrize("kind", ["https", "host"])
@pytest.mark.parametrize("way", WAYS)
def test_a_way_that_stays_encrypted_is_followed(
    servers: Servers, way: str, kind: str, tmp_path: Path
) -> None:
    with HttpFetcher(tmp_path) as fetcher:
        assert WAYS[way](fetcher, f"https://{servers.secure}/to/{kind}/file") == CONTENT


def test_from_http_to_https_is_followed(servers: Servers, tmp_path: Path) -> None:
    with HttpFetcher(tmp_path) as fetcher:
        assert fetcher.text(f"http://{servers.plain}/to/https/file", 10_000).encode() == CONTENT


def test_who_is_not_trusted_is_not_asked(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with HttpFetcher(Path("/nonexistent")) as fetcher, pytest.raises(NetworkError, match="no secure conn"):
        fetcher.text(f"https://{servers.secure}/file", 10_000)


def test_the_command_says_it(servers: Servers, tmp_path: Path) -> None:
    url = f"https://me:S3CRET@{servers.secure}/to/http/packages.json?sig=S3CRET"
    argv = [sys.executable, "-m", "uvlock2nix", "index", "update", "--channel", url]
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(argv, cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 5, done.stderr
    assert "without encryption" in done.stderr
    assert "S3CRET" not in done.stderr
    assert servers.asked == []


def synced(servers: Servers, root: Path) -> subprocess.CompletedProcess[str]:
    """Install ``small`` as deps does."""
    argv = [
        sys.executable, "-m", "uvlock2nix", "sync", str(root / "project"), "--out", str(root / "out"),
        "--work", str(root / "work"), "--interpreter", str(PYTHON), "--python", VERSION, "--system", SYSTEM,
        "--uv", UV, "--exclude-newer", NEWER,
    ]  # fmt: skip
    env = {**os.environ, "SSL_CERT_FILE": str(servers.authority)}
    return subprocess.run(argv, cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("changed", [False, True])
def test_what_uv_was_redirected_to_is_proved_by_the_hash(
    servers: Servers, tmp_path: Path, changed: bool
) -> None:
    """Inside of a build uv fetches, and nothing makes it refuse http: then the lock's hash has to hold."""
    wheel = make_wheel(tmp_path / "files", "small", {"small.py": "x = 1\n"})
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if changed:
        wheel = make_wheel(tmp_path / "other", "small", {"small.py": "x = 'changed on the way'\n"})
    servers.files[wheel.name] = wheel.read_bytes()
    project = tmp_path / "project"
    host = f"https://{servers.secure}"
    write_locked(project, f"{host}/simple", f"{host}/to/http/small-1.0-py3-none-any.whl", digest)
    done = synced(servers, tmp_path)
    assert servers.asked, done.stderr  # uv went there
    if changed:
        assert done.returncode != 0
        assert "hash" in done.stderr.lower()
        assert not (tmp_path / "out").exists()
    else:
        assert done.returncode == 0, done.stderr
