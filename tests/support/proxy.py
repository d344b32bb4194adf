"""A proxy on 127.0.0.1 for addresses of http, which plays the hosts itself and may cut a transfer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.support.http_server import serving


@dataclass(slots=True)
class Proxy:
    """``files``: path → what there is, whatever the host. The first ``cuts`` answers with ``cut`` or more
    bytes end there. ``asked`` are the addresses and ranges, ``logins`` what was sent to the proxy itself.
    """

    files: dict[str, bytes]
    cut: int = 1 << 62
    cuts: int = 0
    address: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy

    def do_GET(self) -> None:
        proxy = self.proxy
        wanted = self.headers.get("Range", "")
        proxy.asked.append((self.path, wanted))
        proxy.logins.append(self.headers.get("Proxy-Authorization", ""))
        data = proxy.files.get(urlsplit(self.path).path)
        whole = data or b""
        first = int(wanted.removeprefix("bytes=").partition("-")[0] or 0)
        part = whole[first:]
        self.send_response(404 if data is None else 206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{len(whole) - 1}/{len(whole)}")
        self.send_header("ETag", '"as-ever"')
        kind = (
            "application/vnd.pypi.simple.v1+json" if "/simple/" in self.path else "application/octet-stream"
        )
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if len(part) > proxy.cut and proxy.cuts:
            proxy.cuts -= 1
            part = part[: proxy.cut]
            self.close_connection = True
        self.wfile.write(part)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@contextmanager
def proxying(files: dict[str, bytes]) -> Iterator[Proxy]:
    """A proxy that plays every host with these files."""
    proxy = Proxy(files)
    with serving(type("Handler", (_Handler,), {"proxy": proxy})) as server:
        proxy.address = f"127.0.0.1:{server.server_port}"
        yield proxy
