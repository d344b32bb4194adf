"""A Git server on 127.0.0.1 for tests: the repository that fixtures/authentik depends on.

`uv.lock` names a commit, so the repository is made from the files of `fixtures/authentik/git-dependency/`
with fixed author, dates and modes: the same files always give the same commit id. It is served read only by
Git's smart HTTP protocol (https://git-scm.com/docs/gitprotocol-http) through `git http-backend`
(https://git-scm.com/docs/git-http-backend), to processes of this machine and to fixed-output derivations,
which share the machine's network.

From a shell: `python -m tests.support.git_server [--port N] [-- COMMAND …]` serves until it is stopped, or as
long as COMMAND runs and with COMMAND's exit code.
"""

from __future__ import annotations

import argparse
import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from typing_extensions import override
else:

    def override(method):
        return method


HOST = "127.0.0.1"
PORT = 18741
REPOSITORY = "akl-flags.git"
TAG = "v1.2.0"
SOURCE = Path(__file__).resolve().parents[2] / "fixtures" / "authentik" / "git-dependency"

_WHO = b"uvlock2nix fixtures <fixtures@example.invalid>"
_WHEN = b"1767225600 +0000"  # 2026-01-01T00:00:00Z
_AFTER_THE_TAG = b'raise ImportError("this is the head of main, not the commit that uv.lock names")\n'
_MAX_BODY = 1 << 20
_MAX_REQUESTS = 8
_TIMEOUT = 30.0


class GitServerError(Exception):
    """The repository cannot be made or served; the text says why."""


@dataclass(frozen=True, slots=True)
class GitServer:
    """A running server: where it is and the commit that its tag names."""

    port: int
    commit: str

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/{REPOSITORY}"


def git_environment() -> dict[str, str]:
    """The environment for git without the user's and the machine's configuration, and without questions."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def source_files(source: Path) -> list[tuple[str, bytes]]:
    """Path (POSIX, relative, sorted) and content of each file that belongs in the repository.

    What an editor, a build or an import leaves behind does not: hidden files, `__pycache__`, `*.egg-info`,
    `dist`, `build`. A symbolic link is an error, since its target might be outside.
    """
    found = []
    for path in sorted(source.rglob("*"), key=lambda p: p.relative_to(source).as_posix()):
        parts = path.relative_to(source).parts
        if any(_is_litter(part) for part in parts):
            continue
        if path.is_symlink():
            raise GitServerError(f"{path}: a symbolic link cannot be part of the served repository")
        if path.is_file():
            found.append(("/".join(parts), path.read_bytes()))
    if not found:
        raise GitServerError(f"{source}: no files to make a repository from")
    return found


def _is_litter(name: str) -> bool:
    return name.startswith(".") or name in {"__pycache__", "build", "dist"} or name.endswith(".egg-info")


def import_stream(files: Sequence[tuple[str, bytes]]) -> bytes:
    """The input of `git fast-import`: a tagged commit with `files`, and a later one on main, not to be used.

    The later commit makes the package fail on import, so whoever takes the branch instead of the locked
    commit notices. Modes are always 100644: a checkout with a different umask gives the same commit.
    """
    lines = [b"commit refs/heads/main\nmark :1\n", _signature(b"author"), _signature(b"committer")]
    lines.append(_data(b"akl-flags 1.2.0\n"))
    for path, content in files:
        lines += [b'M 100644 inline "%s"\n' % _quoted(path), _data(content)]
    lines += [b"\ncommit refs/heads/main\nmark :2\n", _signature(b"author"), _signature(b"committer")]
    lines += [_data(b"After the tag\n"), b"from :1\n"]
    modules = [path for path, _ in files if path.endswith("/__init__.py")]
    for path in modules:
        lines += [b'M 100644 inline "%s"\n' % _quoted(path), _data(_AFTER_THE_TAG)]
    lines += [
        b"\ntag %s\nfrom :1\n" % TAG.encode(),
        _signature(b"tagger"),
        _data(b"akl-flags 1.2.0\n"),
        b"done\n",
    ]
    return b"".join(lines)


def _signature(role: bytes) -> bytes:
    return role + b" " + _WHO + b" " + _WHEN + b"\n"


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _quoted(path: str) -> bytes:
    if any(ord(char) < 0x20 or char in '"\\' for char in path):
        raise GitServerError(f"{path!r}: such a file name is not supported here")
    return path.encode()


def make_repository(root: Path, source: Path = SOURCE) -> str:
    """Make the bare repository `root/akl-flags.git` from `source`; the commit id that the tag names.

    The id depends on the files' paths and contents only. GitServerError when git is absent or refuses.
    """
    repository = root / REPOSITORY
    # An explicit template and format: neither may come from the machine's git.
    _git(
        "init",
        "--quiet",
        "--bare",
        "--template=",
        "--object-format=sha1",
        "--initial-branch=main",
        str(repository),
    )
    _git("-C", str(repository), "fast-import", "--quiet", "--done", stdin=import_stream(source_files(source)))
    # Clients ask for the locked commit by its id, which need not be the tip of a branch.
    _git("-C", str(repository), "config", "uploadpack.allowAnySHA1InWant", "true")
    return _git("-C", str(repository), "rev-parse", f"refs/tags/{TAG}^{{commit}}").decode().strip()


def _git(*arguments: str, stdin: bytes = b"") -> bytes:
    if shutil.which("git") is None:
        raise GitServerError("git is not on PATH")
    done = subprocess.run(
        ["git", *arguments], input=stdin, capture_output=True, env=git_environment(), timeout=_TIMEOUT
    )
    if done.returncode != 0:
        raise GitServerError(f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


class _Server(ThreadingHTTPServer):
    """Knows the folder that it serves, and how many requests may run git at once."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, root: Path) -> None:
        self.root = root
        self.slots = threading.BoundedSemaphore(_MAX_REQUESTS)
        super().__init__((HOST, port), _Handler)

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is its own business and no traceback in a test's output."""


class _Handler(BaseHTTPRequestHandler):
    """The two addresses of a fetch and nothing else; so no path of a client ever reaches the file system."""

    server: _Server
    timeout = _TIMEOUT
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if (address.path, address.query) != (f"/{REPOSITORY}/info/refs", "service=git-upload-pack"):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self._backend(address.path, address.query, b"")

    def do_POST(self) -> None:
        address = urlsplit(self.path)
        if (address.path, address.query) != (f"/{REPOSITORY}/git-upload-pack", ""):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()):
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
            return
        if len(length) > 9 or int(length) > _MAX_BODY:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        self._backend(address.path, "", self.rfile.read(int(length)))

    def _backend(self, path: str, query: str, body: bytes) -> None:
        """Run `git http-backend` as the CGI program that it is and pass its answer on."""
        environment = git_environment() | {
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REMOTE_ADDR": HOST,
            "REQUEST_METHOD": self.command,
        }
        with self.server.slots:
            try:
                done = subprocess.run(
                    ["git", "http-backend"],
                    input=body,
                    capture_output=True,
                    env=environment,
                    timeout=_TIMEOUT,
                )
            except (OSError, subprocess.TimeoutExpired):
                self.send_error(HTTPStatus.BAD_GATEWAY)
                return
        status, headers, content = parse_cgi(done.stdout)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    @override
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """A test's output is for the test."""


def parse_cgi(answer: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    """Split a CGI program's answer into status, headers, body.

    The specification is https://www.rfc-editor.org/rfc/rfc3875#section-6.

    Without a blank line it is not an answer: status 502 and nothing else.
    """
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator:
        return HTTPStatus.BAD_GATEWAY, [], b""
    status: int = HTTPStatus.OK
    headers = []
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        value = value.strip()
        if name.lower() == "status":
            code = value[:3]
            status = int(code) if code.isascii() and code.isdecimal() else HTTPStatus.BAD_GATEWAY
        elif name.lower() != "content-length":
            headers.append((name, value))
    return status, headers, body


def _listen(port: int, root: Path, deadline: float) -> _Server:
    while True:
        try:
            return _Server(port, root)
        except (OSError, OverflowError) as error:
            busy = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            if not busy or time.monotonic() >= deadline:
                raise GitServerError(f"cannot listen on {HOST}:{port}: {error}") from error
        time.sleep(0.1)


@contextmanager
def serve(port: int = PORT, source: Path = SOURCE, wait: float = 60.0) -> Iterator[GitServer]:
    """Make the repository in a temporary folder and serve it while the block runs.

    Port 0 takes a free one; `uv.lock` names PORT. Since that one is fixed, two test runs may want it at once:
    the later waits up to `wait` seconds. GitServerError when it is still taken then, or when git is absent.
    """
    with tempfile.TemporaryDirectory(prefix="uvlock2nix-git-") as folder:
        root = Path(folder)
        commit = make_repository(root, source)
        server = _listen(port, root, time.monotonic() + wait)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield GitServer(port=server.server_address[1], commit=commit)
        finally:
            server.shutdown()
            server.server_close()
            thread.join(_TIMEOUT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM, or while a command runs; prints URL and commit as one line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.git_server", description="Serve the Git fixture."
    )
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("command", nargs="*", metavar="COMMAND", help="serve while this runs (after --)")
    options = parser.parse_args(arguments)
    try:
        with serve(options.port) as server:
            if options.command:
                return subprocess.run(options.command).returncode
            sys.stdout.write(f"{server.url} {server.commit}\n")
            sys.stdout.flush()
            signal.sigwait({signal.SIGINT, signal.SIGTERM})
            return 0
    except (GitServerError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 4


if __name__ == "__main__":
    # Before any thread starts: the server's threads inherit it, so that only `sigwait` takes the signals.
    if "--" not in sys.argv:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    raise SystemExit(main())
