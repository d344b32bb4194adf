from __future__ import annotations

import gzip
import hashlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from urllib3.exceptions import InsecureRequestWarning

from uvlock2nix.errors import InputError, NetworkError
from uvlock2nix.net.client import Limits
from uvlock2nix.net.hashes import check_file
from uvlock2nix.net.locked import fetch
from uvlock2nix.net.urls import shown_url

CONTENT = b"the file " * 1000
QUICK = Limits(tries=3, pause=0.01)
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """What goes wrong is in the path; ``seen`` has the path and login of each request."""

    seen: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers.get("Authorization")))
        kind = self.path.strip("/")
        if kind == "moved":
            self.answer(302, b"", Location="/whole")
        elif kind == "once-more" and len(self.seen) < 3:
            self.answer(503, b"")
        elif kind in {"404", "401", "500"}:
            self.answer(int(kind), b"")
        elif kind == "short":
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT) + 1))
            self.end_headers()
            self.wfile.write(CONTENT)
            self.close_connection = True
        elif kind == "packed" and "gzip" in self.headers.get("Accept-Encoding", ""):
            self.answer(200, gzip.compress(CONTENT), **{"Content-Encoding": "gzip"})
        else:
            self.answer(200, CONTENT)

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


class Server:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str | None]] = []
        handler = type("Seeing", (Handler,), {"seen": self.seen})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.realm = ("http", f"127.0.0.1:{self.server.server_port}")
        self.url = f"http://{self.realm[1]}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    running = Server()
    thread = threading.Thread(
        target=running.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    yield running
    running.server.shutdown()
    running.server.server_close()
    thread.join()


def get(server: Server, path: str, to: Path, **options: object) -> None:
    fetch(f"{server.url}/{path}", to, **{"expected": SHA256, "limits": QUICK, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["whole", "moved", "once-more", "packed"])
def test_a_file(server: Server, tmp_path: Path, path: str) -> None:
    get(server, path, tmp_path / "f", size=len(CONTENT))
    assert (tmp_path / "f").read_bytes() == CONTENT


@pytest.mark.parametrize("kind", ["sha256", "sha384", "sha512", "md5"])
def test_kinds_of_hashes(server: Server, tmp_path: Path, kind: str) -> None:
    get(server, "whole", tmp_path / "f", expected=f"{kind}:{hashlib.new(kind, CONTENT).hexdigest().upper()}")
    with pytest.raises(InputError, match=f"the lock says {kind}:00"):
        get(server, "whole", tmp_path / "f", expected=f"{kind}:00")


@pytest.mark.parametrize("kind", ["shake_128:00", "crc32:00", "none", ":", "x" * 500])
def test_kinds_that_no_lock_has(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InputError, match="hash of the unknown kind"):
        fetch("http://127.0.0.1:1/never-asked", tmp_path / "f", expected=kind)


def test_without_a_hash(server: Server, tmp_path: Path) -> None:
    get(server, "whole", tmp_path / "f", expected=None)
    assert (tmp_path / "f").read_bytes() == CONTENT


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1, 0])
def test_another_size(server: Server, tmp_path: Path, size: int) -> None:
    with pytest.raises(InputError, match=f"the lock says {size}"):
        get(server, "whole", tmp_path / "f", size=size)


def test_what_is_not_there_is_asked_for_once(server: Server, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="HTTP 404"):
        get(server, "404", tmp_path / "f")
    assert len(server.seen) == 1


def test_a_server_that_fails_is_asked_again(server: Server, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="HTTP 500"):
        get(server, "500", tmp_path / "f")
    assert len(server.seen) == 3


@pytest.mark.parametrize("options", [{}, {"expected": None}])
def test_a_file_that_ends_too_early(server: Server, tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(NetworkError):
        get(server, "short", tmp_path / "f", **options)
    assert len(server.seen) == 3


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NetworkError, match="cannot be reached: Connection refused"):
        fetch(f"http://127.0.0.1:{port}/x", tmp_path / "f", expected=None, limits=QUICK)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "nothing", "http://", "ftp://x.example/y"])
def test_urls_that_are_none(tmp_path: Path, url: str) -> None:
    with pytest.raises(NetworkError):
        fetch(url, tmp_path / "f", expected=None, limits=QUICK)


@pytest.mark.parametrize("path", ["404", "401", "500", "short", "whole"])
def test_credentials_are_never_shown(server: Server, tmp_path: Path, path: str) -> None:
    url = f"http://user:s3cret@{server.realm[1]}/{path}?token=s3cret"
    with pytest.raises((NetworkError, InputError)) as caught:
        fetch(url, tmp_path / "f", expected="sha256:00", limits=QUICK)
    assert "s3cret" not in f"{caught.value.message} {caught.value.hint} {caught.value.data}"
    assert caught.value.__cause__ is None


def test_logins(server: Server, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login n password n\n")
    (tmp_path / "netrc").chmod(0o600)
    get(server, "a", tmp_path / "f")
    get(server, "b", tmp_path / "f", logins={server.realm: ("i", "i")})
    get(server, "c", tmp_path / "f", logins={("https", server.realm[1]): ("i", "i")})
    fetch(f"http://u:u@{server.realm[1]}/d", tmp_path / "f", expected=None, logins={server.realm: ("i", "i")})
    basic = {"n": "Basic bjpu", "i": "Basic aTpp", "u": "Basic dTp1"}
    assert server.seen == [("/a", basic["n"]), ("/b", basic["i"]), ("/c", basic["n"]), ("/d", basic["u"])]


def test_urls_as_they_are_shown() -> None:
    assert shown_url("https://u:p@h.example:8443/a/b?c=d#e") == "https://h.example:8443/a/b"
    assert shown_url("https://h.example/a") == "https://h.example/a"
    assert shown_url("https://u:p@h.example:no-port/a") == "https://h.example:no-port/a"
    assert shown_url("https://u:p@@[::1]:1/a") == "https://[::1]:1/a"


def test_a_file_that_is_here(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(CONTENT)
    check_file(file, SHA256)
    check_file(file, None)
    with pytest.raises(InputError, match="the lock says sha256:00"):
        check_file(file, "sha256:00")
    with pytest.raises(InputError, match="No such file"):
        check_file(tmp_path / "g", SHA256)


def test_a_proxy_that_is_named_is_asked(server: Server, tmp_path: Path) -> None:
    # A proxy is asked for the whole URL, which is how we see that it was.
    env = {"http_proxy": server.url, "no_proxy": "spared.invalid"}
    fetch("http://index.invalid/whole", tmp_path / "f", expected=SHA256, env=env)
    assert [path for path, _ in server.seen] == ["http://index.invalid/whole"]
    with pytest.raises(NetworkError, match=r"spared\.invalid"):
        fetch("http://spared.invalid/whole", tmp_path / "f", expected=SHA256, env=env, limits=QUICK)
    assert len(server.seen) == 1


def test_a_host_may_be_spared_the_check_of_its_certificate(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    argv += ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=localhost", "-days", "2"]
    subprocess.run(argv, check=True, capture_output=True)
    running = Server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    running.server.socket = context.wrap_socket(running.server.socket, server_side=True)
    place = f"localhost:{running.server.server_port}"
    thread = threading.Thread(target=running.server.serve_forever, daemon=True)
    thread.start()
    try:
        with pytest.raises(NetworkError, match="certificate verify failed"):
            fetch(f"https://{place}/whole", tmp_path / "f", expected=SHA256, env={}, limits=QUICK)
        for spared in (place, "localhost", f"x https://{place}"):
            with pytest.warns(InsecureRequestWarning):
                fetch(
                    f"https://{place}/whole",
                    tmp_path / "f",
                    expected=SHA256,
                    env={"UV_INSECURE_HOST": spared},
                )
            assert (tmp_path / "f").read_bytes() == CONTENT
    finally:
        running.server.shutdown()
        running.server.server_close()
        thread.join()
