"""Tiny wheels and sdists, and an index on 127.0.0.1 that serves them: for tests of sync and venv."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import tarfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

from tests.support.http_server import serving

Content = str | bytes
FIRST = "2024-01-01T00:00:00Z"


def _bytes(content: Content) -> bytes:
    return content.encode() if isinstance(content, str) else content


def urlsafe(data: bytes) -> str:
    """The hash as a RECORD has it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def make_wheel(
    folder: Path,
    name: str,
    files: Mapping[str, Content],
    *,
    version: str = "1.0",
    tag: str = "py3-none-any",
    entry_points: str = "",
    requires: tuple[str, ...] = (),
    record_more: tuple[tuple[str, str, str], ...] = (),
) -> Path:
    """Write ``name-version-tag.whl``; ``files`` map paths in it, ``record_more`` are added to RECORD."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {one}\n" for one in requires)
    everything = {path: _bytes(content) for path, content in files.items()}
    everything[f"{info}/METADATA"] = metadata.encode()
    purelib = "true" if tag.endswith("-any") else "false"
    everything[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {purelib}\nTag: {tag}\n".encode()
    )
    if entry_points:
        everything[f"{info}/entry_points.txt"] = entry_points.encode()
    text = io.StringIO()
    lines = [(path, urlsafe(data), str(len(data))) for path, data in everything.items()]
    csv.writer(text, lineterminator="\n").writerows([*lines, *record_more, (f"{info}/RECORD", "", "")])
    everything[f"{info}/RECORD"] = text.getvalue().encode()
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as zipped:
        for path, data in everything.items():
            item = zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0))
            executable = ".data/scripts/" in path
            item.external_attr = (0o100755 if executable else 0o100644) << 16
            zipped.writestr(item, data)
    return wheel


def make_sdist(folder: Path, name: str, files: Mapping[str, Content], *, version: str = "1.0") -> Path:
    """Write ``name-version.tar.gz`` with ``files`` below its top folder, and a PKG-INFO."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{name}-{version}.tar.gz"
    info = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    with tarfile.open(archive, "w:gz") as tar:
        for path, content in {"PKG-INFO": info, **files}.items():
            data = _bytes(content)
            item = tarfile.TarInfo(f"{name}-{version}/{path}")
            item.size = len(data)
            item.mode = 0o644
            tar.addfile(item, io.BytesIO(data))
    return archive


@dataclass(slots=True)
class Index:
    """A running index: the files of ``folder``; ``delays`` (file name → seconds) slow a download down.

    ``times`` say when files were uploaded (``""``: the index does not tell); else it is the first of 2024.
    With ``moved`` (a root) its files are found there, by a redirection. ``logins`` are the Authorization
    headers of all requests.
    """

    folder: Path
    port: int = 0
    login: tuple[str, str] | None = None
    delays: dict[str, float] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    times: dict[str, str] = field(default_factory=dict)
    moved: str = ""
    host: str = "127.0.0.1"
    logins: list[str] = field(default_factory=list)

    @property
    def root(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.root}/simple"

    def project(self, name: str) -> bytes | None:
        """The page of a project, https://packaging.python.org/en/latest/specifications/simple-repository-api/"""
        files = [
            {
                "filename": file.name,
                "url": f"{self.root}/files/{file.name}",
                "hashes": {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()},
                **({"upload-time": time} if (time := self.times.get(file.name, FIRST)) else {}),
                "size": file.stat().st_size,
            }
            for file in sorted(self.folder.iterdir())
            if file.name.partition("-")[0].replace("_", "-").lower() == name
        ]
        if not files:
            return None
        page = {"meta": {"api-version": "1.1"}, "name": name, "versions": [], "files": files}
        return json.dumps(page).encode()


class _Handler(BaseHTTPRequestHandler):
    index: Index

    def do_GET(self) -> None:
        self.index.asked.append(self.path)
        self.index.logins.append(self.headers.get("Authorization") or "")
        login = self.index.login
        if login is not None:
            wanted = "Basic " + base64.b64encode(":".join(login).encode()).decode()
            if self.headers.get("Authorization") != wanted:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="test"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        parts = unquote(self.path.partition("?")[0]).strip("/").split("/")
        kind, name = parts[0], parts[-1]
        if kind == "files" and self.index.moved:
            self.send_response(302)
            self.send_header("Location", f"{self.index.moved}/files/{name}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if kind == "simple":
            body, content_type = self.index.project(name), "application/vnd.pypi.simple.v1+json"
        else:
            file = self.index.folder / name
            time.sleep(self.index.delays.get(name, 0))
            body = file.read_bytes() if file.is_file() else None
            content_type = "application/octet-stream"
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body or b"")

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@contextmanager
def served(folder: Path, *, login: tuple[str, str] | None = None, host: str = "127.0.0.1") -> Iterator[Index]:
    """Serve the files of ``folder`` as an index until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    index = Index(folder, login=login, host=host)
    handler = type("Handler", (_Handler,), {"index": index})
    with serving(handler, host) as server:
        index.port = server.server_port
        yield index


def record_faults(site: Path) -> list[str]:
    """An independent check of all RECORDs below ``site``: what is wrong, and files that none names."""
    faults: list[str] = []
    root = site.parents[2] if site.name == "site-packages" else site
    named: set[Path] = set()
    for record in sorted(site.glob("*.dist-info/RECORD")):
        with record.open(encoding="utf-8", newline="") as file:
            for path, digest, size in csv.reader(file):
                target = Path(os.path.normpath(site / path))
                if not target.is_relative_to(root):
                    faults.append(f"{record.parent.name}: {path} leaves the environment")
                    continue
                named.add(target)
                if target == record:
                    continue
                if not target.is_file():
                    faults.append(f"{record.parent.name}: {path} is not there")
                    continue
                if record.parent.is_symlink() and target.parent == root / "bin" and not digest and not size:
                    continue  # one RECORD for all environments, each with a launcher of its own
                data = target.read_bytes()
                if digest != urlsafe(data) or size != str(len(data)):
                    faults.append(f"{record.parent.name}: {path} has another hash or size")
    there = {path for path in site.rglob("*") if path.is_file()}
    faults += [f"{path.relative_to(site)}: in no RECORD" for path in sorted(there - named)]
    return faults
