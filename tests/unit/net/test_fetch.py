import contextlib
import hashlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.support.http_server import serving
from uvlock2nix.errors import InputError, NetworkError
from uvlock2nix.inspect.candidate import Candidate
from uvlock2nix.inspect.inspections import inspect_all
from uvlock2nix.net.client import Limits
from uvlock2nix.net.fetch import HttpFetcher

DATA = bytes(range(256)) * 40


class Handler(BaseHTTPRequestHandler):
    """Serves DATA, whole and in parts; some paths misbehave."""

    hits: list[str]

    def do_GET(self) -> None:
        self.hits.append(f"{self.path} {self.headers.get('Range', '')}".strip())
        if self.path == "/absent":
            self.send_error(404)
            return
        wanted = self.headers.get("Range")
        start, status = 0, 200
        data = DATA
        if wanted and self.path != "/whole":
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start = int(first) if first else len(DATA) - int(last)
            end = int(last) + 1 if first and last else len(DATA)
            if self.path == "/shifted":
                start += 1
            if self.path == "/short":
                end -= 1
            data, status = DATA[start:end], 206
        self.send_response(status)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(data)))
        whole = {"/nameless": None, "/lying": start, "/huge": 10**30, "/words": "some"}.get(
            self.path, len(DATA)
        )
        if status == 206 and whole is not None:
            self.send_header("Content-Range", f"bytes {start}-{start + len(data) - 1}/{whole}")
        if self.path == "/coded":
            self.send_header("Content-Encoding", "br")
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if self.path == "/cut" else data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        return


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    hits: list[str] = []
    handler = type("H", (Handler,), {"hits": hits})
    with serving(handler) as httpd:
        yield f"http://127.0.0.1:{httpd.server_port}", hits


@pytest.fixture
def fetcher(tmp_path: Path) -> Iterator[HttpFetcher]:
    with HttpFetcher(tmp_path / "cache") as made:
        yield made


DIGEST = "sha256:" + hashlib.sha256(DATA).hexdigest()


def test_a_file_is_fetched_once_and_its_hash_is_checked(
    server: tuple[str, list[str]], fetcher: HttpFetcher
) -> None:
    url, hits = server
    path = fetcher.file(f"{url}/x", DIGEST, "x")
    assert path.read_bytes() == DATA
    assert fetcher.file(f"{url}/x", DIGEST, "x") == path
    assert hits == ["/x"]
    path.write_bytes(b"rotten")
    assert fetcher.file(f"{url}/x", DIGEST, "x").read_bytes() == DATA


def test_a_wrong_hash_leaves_nothing(server: tuple[str, list[str]], fetcher: HttpFetcher) -> None:
    with pytest.raises(InputError, match="wrong hash"):
        fetcher.file(f"{server[0]}/x", "sha256:" + "0" * 64, "x")
    assert [p for p in fetcher.cache.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize(
    "hash_", [None, "", "sha256:", "crc32:abcdabcd", "sha256:../../x", "sha256:" + "z" * 64]
)
def test_without_a_good_hash_nothing_is_fetched(fetcher: HttpFetcher, hash_: str | None) -> None:
    with pytest.raises(InputError, match="no hash"):
        fetcher.file("http://127.0.0.1:1/x", hash_, "x")


def test_only_http_is_spoken(fetcher: HttpFetcher) -> None:
    for url in ("file:///etc/passwd", "ftp://x/y", "/etc/passwd"):
        with pytest.raises(InputError, match="not an HTTP URL"):
            fetcher.file(url, DIGEST, "x")


def test_what_is_not_there_and_who_is_not_there(server: tuple[str, list[str]], fetcher: HttpFetcher) -> None:
    with pytest.raises(NetworkError, match="404"):
        fetcher.file(f"{server[0]}/absent", DIGEST, "x")
    with pytest.raises(NetworkError) as caught:
        fetcher.file("http://127.0.0.1:1/x", DIGEST, "x")
    assert caught.value.hint


def test_a_file_that_does_not_end_is_refused(server: tuple[str, list[str]], tmp_path: Path) -> None:
    with (
        HttpFetcher(tmp_path / "cache", limits=Limits(file=1000)) as fetcher,
        pytest.raises(NetworkError, match="larger than"),
    ):
        fetcher.file(f"{server[0]}/x", DIGEST, "x")


def test_parts(server: tuple[str, list[str]], fetcher: HttpFetcher) -> None:
    url = server[0]
    assert fetcher.part(f"{url}/x", 10, 5) == (DATA[10:15], len(DATA))
    assert fetcher.part(f"{url}/x", -7, 0) == (DATA[-7:], len(DATA))
    for path, needle in (
        ("whole", "does not support ranges"),
        ("nameless", "does not state its range"),
        ("lying", "does not state its range"),
        ("huge", "does not state its range"),
        ("words", "does not state its range"),
        ("shifted", "different range"),
        ("short", "different range"),
        ("coded", "does not support ranges"),
        ("cut", "IncompleteRead|closed too early"),
    ):
        with pytest.raises(NetworkError, match=needle):
            fetcher.part(f"{url}/{path}", 10, 5)


def test_what_was_sent_is_kept_whatever_the_library_could_decode(
    server: tuple[str, list[str]], fetcher: HttpFetcher
) -> None:
    """With the module brotli there, urllib3 would undo the coding: hash and size were of nothing."""
    pytest.importorskip("brotli")
    assert fetcher.file(f"{server[0]}/coded", DIGEST, "x").read_bytes() == DATA


def test_nothing_is_imported_or_opened_before_something_is_fetched(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from uvlock2nix.net.fetch import HttpFetcher\n"
        f"with HttpFetcher(Path({str(tmp_path)!r})) as fetcher: pass\n"
        "print([name for name in ('requests', 'urllib3', 'ssl') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_server_that_cannot_be_reached_is_not_asked_for_each(
    server: tuple[str, list[str]], fetcher: HttpFetcher
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        gone = f"http://127.0.0.1:{closed.getsockname()[1]}"
    for _ in range(4):
        with pytest.raises(NetworkError, match="cannot be reached: Connection refused"):
            fetcher.part(f"{gone}/x", 0, 5)
    with pytest.raises(NetworkError, match=f"{gone}/y: cannot be reached: Connection refused"):
        fetcher.text(f"{gone}/y", 5)
    # A refusal is not such a failure, and a different server has its own count.
    for _ in range(5):
        with pytest.raises(NetworkError, match="404"):
            fetcher.text(f"{server[0]}/absent", 5)
    assert fetcher.part(f"{server[0]}/x", 0, 5)[0] == DATA[:5]
    fetcher.stop()
    with pytest.raises(NetworkError, match="stopped"):
        fetcher.part(f"{server[0]}/x", 0, 5)


def test_a_host_that_ends_every_connection_is_asked_three_times(fetcher: HttpFetcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as ending:
        ending.settimeout(20)
        place = f"http://127.0.0.1:{ending.getsockname()[1]}"
        accepted = []

        def end() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = ending.accept()
                    connection.recv(1 << 16)
                    connection.close()
                    accepted.append(1)

        thread = threading.Thread(target=end, daemon=True)
        thread.start()
        said = set()
        for _ in range(6):
            with pytest.raises(NetworkError) as caught:
                fetcher.part(f"{place}/x", 0, 5)
            said.add(caught.value.message)
        ending.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert len(accepted) == 3
    assert len(said) == 1


def test_a_full_disk_is_an_error_of_ours(
    server: tuple[str, list[str]], fetcher: HttpFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(InputError, match="No space left"):
        fetcher.file(f"{server[0]}/x", DIGEST, "x")


def test_small_texts(server: tuple[str, list[str]], fetcher: HttpFetcher) -> None:
    assert len(fetcher.text(f"{server[0]}/x", 1 << 20)) > 0
    with pytest.raises(NetworkError, match="longer than"):
        fetcher.text(f"{server[0]}/x", 100)


class Offline:
    """Counts how often the network is asked."""

    asked = 0

    def file(self, url: str, hash_: str | None, name: str) -> Path:
        self.asked += 1
        raise NetworkError("no route")

    def part(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        raise NetworkError("no route")

    def text(self, url: str, limit: int) -> str:
        raise NetworkError("no route")


def test_without_a_network_it_is_not_asked_for_each(tmp_path: Path) -> None:
    offline = Offline()
    wanted = [Candidate(f"p{i}", "x.tar.gz", "https://x.invalid/x", None, DIGEST) for i in range(100)]
    found = inspect_all(wanted, offline, tmp_path)
    assert offline.asked < 20
    assert all(f.inputs is None and f.why_not for f in found)
    assert [f.why_not for f in inspect_all(wanted[:1], None, tmp_path)] == [
        "not inspected (--no-inspect, or no network)"
    ]


class HalfThere(Offline):
    """One host answers (that there is no such file), the other does not."""

    def file(self, url: str, hash_: str | None, name: str) -> Path:
        self.asked += 1
        if "gone" in url:
            raise NetworkError(
                f"{url}: cannot be reached: no route", data={"reason": "cannot be reached: no route"}
            )
        raise NetworkError(f"{url}: the server answered HTTP 404", data={"status": 404})


def test_a_host_that_is_gone_says_nothing_about_another(tmp_path: Path) -> None:
    """Whatever the order in which threads come to ask, every run gives every package the same answer."""
    wanted = [
        Candidate(f"p{i}", "x", f"https://{host}.invalid/{i}", None, DIGEST)
        for i in range(60)
        for host in ("gone", "here")
    ]
    answers = []
    for _ in range(3):
        fetcher = HalfThere()
        found = inspect_all(wanted, fetcher, tmp_path)
        answers.append([one.why_not for one in found])
        assert fetcher.asked < 60 + 20
    assert answers[0] == answers[1] == answers[2]
    assert sum(text.endswith("HTTP 404") for text in answers[0]) == 60
    assert sum(text.endswith("cannot be reached: no route") for text in answers[0]) == 60


def test_inspections_are_kept_and_a_rotten_cache_is_made_again(tmp_path: Path) -> None:
    import gzip
    import io
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("x-1/setup.py")
        text = b"setup(ext_modules=[Extension('x', ['x.c'], libraries=['z'])])"
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
        tar.addfile(tarfile.TarInfo("x-1/x.c"))
    sdist = tmp_path / "x-1.tar.gz"
    sdist.write_bytes(gzip.compress(buffer.getvalue()))

    class Disk(Offline):
        def file(self, url: str, hash_: str | None, name: str) -> Path:
            self.asked += 1
            return sdist

    disk = Disk()
    wanted = [Candidate("x", "x-1.tar.gz", "https://x.invalid/x", None, DIGEST)]
    first = inspect_all(wanted, disk, tmp_path / "cache")
    assert first[0].inputs is not None
    assert first[0].inputs.build.build_inputs == ("zlib",)
    assert inspect_all(wanted, disk, tmp_path / "cache") == first
    assert disk.asked == 1
    for kept in (tmp_path / "cache").rglob("*.json"):
        kept.write_text('{"inputs": {"build_inputs": ["${evil}"]}}')
    assert inspect_all(wanted, disk, tmp_path / "cache") == first
    assert disk.asked == 2
