"""Stand-ins for packages: the smallest wheels and sdists that installers accept, and a server of them."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import sys
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

_PYPROJECT = """
[build-system]
requires = []
build-backend = "stub"
backend-path = ["."]
"""
_BACKEND = """
import base64, hashlib, zipfile
def get_requires_for_build_wheel(config_settings=None): return []
def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(directory + "/" + name, "w") as archive:
        for path, text in {files!r}.items():
            archive.writestr(path, text)
    return name
"""


def find_uv() -> str | None:
    """The uv on PATH, else that next to this interpreter."""
    beside = Path(sys.executable).with_name("uv")
    return shutil.which("uv") or (str(beside) if beside.is_file() else None)


def wheel_files(name: str, version: str) -> dict[str, str]:
    """Path → text of the smallest wheel that installers accept."""
    info = f"{name}-{version}.dist-info"
    module = name.replace("-", "_")
    files = {
        f"{module}_stub.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: compare\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text.encode())}")
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
    return files


def make_wheel(name: str, version: str) -> bytes:
    """A wheel with nothing in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in wheel_files(name, version).items():
            archive.writestr(path, text)
    return buffer.getvalue()


def make_sdist(name: str, version: str, *, as_zip: bool) -> bytes:
    """An sdist that builds such a wheel with a backend of its own, so that nothing is fetched for it."""
    top = f"{name}-{version}"
    texts = {
        f"{top}/PKG-INFO": f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n",
        f"{top}/pyproject.toml": _PYPROJECT,
        f"{top}/stub.py": _BACKEND.format(name=name, version=version, files=wheel_files(name, version)),
    }
    buffer = io.BytesIO()
    if as_zip:
        with zipfile.ZipFile(buffer, "w") as archive:
            for path, text in texts.items():
                archive.writestr(path, text)
        return buffer.getvalue()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, text in texts.items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


class Server:
    """Serves ``/RUN/NAME/VERSION/FILE`` and notes which files were asked for in each run."""

    def __init__(self) -> None:
        self.asked: dict[str, set[tuple[str, str]]] = {}
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                run, name, version, filename = (unquote(part) for part in self.path.strip("/").split("/"))
                asked.setdefault(run, set()).add((name, filename))
                if filename.endswith(".whl"):
                    parts = filename.split("-")
                    body = make_wheel(parts[0], parts[1])
                else:
                    body = make_sdist(name.replace("-", "_"), version, as_zip=filename.endswith(".zip"))
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"
