"""Fetching a channel's file from a server on 127.0.0.1 that cuts connections, changes files and lies."""

import fcntl
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.support.http_server import serving
from uvlock2nix.errors import InputError, NetworkError
from uvlock2nix.net.client import Limits
from uvlock2nix.net.fetch import HttpFetcher

DATA = random.Random(7).randbytes(20_000)  # noqa: S311
OTHER = DATA[::-1] + b"more"


@dataclass
class Site:
    """What the server does. ``cut``: bytes after which it ends the connection (once each)."""

    url: str = ""
    data: bytes = DATA
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"1"'})
    cuts: list[int] = field(default_factory=list)
    part: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        site, headers = self.site, {k.lower(): v for k, v in self.headers.items()}
        site.asked.append(headers)
        tag = site.headers.get("ETag") or site.headers.get("Last-Modified")
        if tag and headers.get("if-none-match", headers.get("if-modified-since")) == tag:
            self.send_response(304)
            self.end_headers()
            return
        start, status = 0, 200
        if "range" in headers and headers.get("if-range") == tag:
            start, status = int(headers["range"].removeprefix("bytes=").removesuffix("-")), 206
        if site.part == "416" and status == 206:
            self.send_error(416)
            return
        body = site.data[start:]
        self.send_response(status)
        for name, value in site.headers.items():
            self.send_header(name, value)
        if status == 206:
            first = start + (1 if site.part == "shifted" else 0)
            whole = len(site.data) + (5 if site.part == "longer" else 0)
            if site.part != "nameless":
                self.send_header("Content-Range", f"bytes {first}-{start + len(body) - 1}/{whole}")
        if site.part != "chunked":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: site.cuts.pop(0)] if site.cuts else body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        return


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    handler = type("H", (Handler,), {"site": made})
    with serving(handler) as httpd:
        made.url = f"http://127.0.0.1:{httpd.server_port}/packages.json.br"
        yield made


@pytest.fixture
def fetcher(tmp_path: Path) -> Iterator[HttpFetcher]:
    with HttpFetcher(tmp_path / "cache", limits=Limits(resumed_chunk=512)) as made:
        yield made


def cut_once(site: Site, fetcher: HttpFetcher) -> None:
    site.cuts = [9_000]
    with pytest.raises(NetworkError) as caught:
        fetcher.resume(site.url)
    assert "the download resumes" in caught.value.hint


def test_what_is_there_is_not_fetched_again(site: Site, fetcher: HttpFetcher) -> None:
    assert fetcher.resume(site.url).read_bytes() == DATA
    assert fetcher.resume(site.url).read_bytes() == DATA
    assert site.asked[1]["if-none-match"] == '"1"'
    site.data, site.headers = OTHER, {"ETag": '"2"'}
    assert fetcher.resume(site.url).read_bytes() == OTHER


@pytest.mark.parametrize("tag", ["ETag", "Last-Modified"])
def test_a_cut_connection_goes_on(site: Site, fetcher: HttpFetcher, tag: str) -> None:
    site.headers = {tag: '"1"' if tag == "ETag" else "Fri, 20 Nov 2026 10:00:00 GMT"}
    cut_once(site, fetcher)
    seen: list[tuple[int, int | None]] = []
    fetcher.progress = lambda done, total: seen.append((done, total))
    site.cuts = [4_000]
    with pytest.raises(NetworkError):
        fetcher.resume(site.url)
    assert fetcher.resume(site.url).read_bytes() == DATA
    starts = [int(headers["range"][6:-1]) for headers in site.asked[1:]]
    assert 8_000 < starts[0] <= 9_000 < starts[1] <= 13_000
    assert seen[-1] == (len(DATA), len(DATA))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_file_that_changed_in_between_begins_anew(site: Site, fetcher: HttpFetcher) -> None:
    cut_once(site, fetcher)
    site.data, site.headers = OTHER, {"ETag": '"2"'}
    assert fetcher.resume(site.url).read_bytes() == OTHER


@pytest.mark.parametrize("tag", [{"ETag": 'W/"1"'}, {}])
def test_what_cannot_be_told_from_another_file_is_not_continued(
    site: Site, fetcher: HttpFetcher, tag: dict[str, str]
) -> None:
    site.headers = tag
    cut_once(site, fetcher)
    assert fetcher.resume(site.url).read_bytes() == DATA
    assert "range" not in site.asked[-1]
    site.data = OTHER
    if not tag:
        assert fetcher.resume(site.url).read_bytes() == OTHER


@pytest.mark.parametrize("lie", ["shifted", "longer", "nameless", "416"])
def test_a_part_that_does_not_fit_is_refused_and_begun_anew(
    site: Site, fetcher: HttpFetcher, lie: str
) -> None:
    cut_once(site, fetcher)
    site.part = lie
    with pytest.raises(NetworkError, match=r"different range|answered HTTP 416") as caught:
        fetcher.resume(site.url)
    assert "the download starts over" in caught.value.hint
    assert fetcher.resume(site.url).read_bytes() == DATA


def test_the_coding_of_the_body_is_kept(site: Site, fetcher: HttpFetcher) -> None:
    """A channel's file is brotli, and servers say so: with brotli there, urllib3 would undo it."""
    brotli = pytest.importorskip("brotli")
    site.data = brotli.compress(DATA)
    site.headers = {"ETag": '"1"', "Content-Encoding": "br"}
    cut_once(site, fetcher)
    assert fetcher.resume(site.url).read_bytes() == site.data
    assert len(site.asked) == 2
    assert "range" in site.asked[1]


def test_without_a_length_the_end_is_the_end(site: Site, fetcher: HttpFetcher) -> None:
    site.part = "chunked"
    assert fetcher.resume(site.url).read_bytes() == DATA


def test_two_runs_do_not_write_one_file(site: Site, fetcher: HttpFetcher) -> None:
    cut_once(site, fetcher)
    (part,) = fetcher.cache.rglob("*.part")
    with part.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another run"):
            fetcher.resume(site.url)
    assert fetcher.resume(site.url).read_bytes() == DATA


def test_a_torn_note_of_what_is_here_begins_anew(site: Site, fetcher: HttpFetcher) -> None:
    cut_once(site, fetcher)
    (note,) = fetcher.cache.rglob("*.json")
    for torn in ("", "{}", '{"tag": 3, "total": "x"}', '{"tag": "a\\r\\nEvil: 1", "total": 1}'):
        note.write_text(torn)
        assert fetcher.resume(site.url).read_bytes() == DATA
        assert "evil" not in site.asked[-1]


def test_a_cache_that_cannot_be_written(site: Site, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with (
        HttpFetcher(tmp_path / "cache", limits=Limits(resumed_chunk=512)) as fetcher,
        pytest.raises(InputError, match="cannot write"),
    ):
        fetcher.resume(site.url)
