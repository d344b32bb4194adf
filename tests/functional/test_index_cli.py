import json
import os
import pty
import stat
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.http_server import serving
from uvlock2nix.app.index import nixpkgs_python
from uvlock2nix.cli.classify import command as classify
from uvlock2nix.cli.index import command
from uvlock2nix.errors import InputError, NetworkError, ToolError, UsageError

ROOT = Path(__file__).parents[2]
AUTHENTIK = ROOT / "fixtures" / "authentik"
CHANNEL = {
    "version": 2,
    "packages": {
        "python313Packages.gssapi": {
            "name": "python3.13-gssapi-1.11.1",
            "pname": "gssapi",
            "version": "1.11.1",
        },
        "python313Packages.decorator": {"name": "decorator-5.3.1", "pname": "decorator", "version": "5.3.1"},
    },
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*args: str) -> Result:
    return CliRunner().invoke(command, args)


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_an_index_from_a_channel_file_changes_the_classes(tmp_path: Path) -> None:
    file = tmp_path / "packages.json"
    file.write_text(json.dumps(CHANNEL))
    result = run("update", "--channel", str(file))
    assert result.exit_code == 0, result.output
    assert "Python 3.13: 2 packages" in result.stdout
    assert "channel" in run("show", str(AUTHENTIK)).stdout
    args = [str(AUTHENTIK), "--system", "x86_64-linux", "--python", "3.13", "--no-inspect", "--json"]
    found = {p["name"]: p for p in json.loads(CliRunner().invoke(classify, args).stdout)["packages"]}
    assert found["gssapi"]["class"] == "nixpkgs"
    assert found["decorator"]["class"] == "nixpkgs"
    assert found["decorator"]["reasons"][0].startswith("nixpkgs' gssapi depends on it")
    assert found["lxml"]["nixpkgs"]["match"] == "absent"


# The other schema: the version is a text, outputs are a list, names have no prefix.
OTHER_SCHEMA = {
    "version": "2",
    "packages": {
        "python313Packages.gssapi": {
            "name": "gssapi-1.11.1", "pname": "gssapi", "version": "1.11.1", "outputs": ["out", "dist"],
        },
        "python313Packages.decorator": {"name": "decorator-5.3.1", "outputs": ["out"]},
    },
}  # fmt: skip


class Channel(BaseHTTPRequestHandler):
    """A channel's server, which says that packages.json.br is brotli, and ends the first connection early."""

    body: bytes
    hits: list[str]

    def do_GET(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        self.hits.append(f"{self.path} {start}")
        data = self.body if self.path.endswith(".br") else b"a" * 40 + b"\n"
        self.send_response(206 if start else 200)
        self.send_header("ETag", '"1"')
        if self.path.endswith(".br"):
            self.send_header("Content-Encoding", "br")
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start:] if len(self.hits) > 1 else data[: len(data) // 2])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        return


@pytest.fixture
def channel() -> Iterator[tuple[str, type[Channel]]]:
    pytest.importorskip("brotli")
    handler = type("Here", (Channel,), {"hits": []})
    with serving(handler) as server:
        yield f"http://127.0.0.1:{server.server_port}/nixos-x/packages.json.br", handler


def packed(value: object) -> bytes:
    import brotli

    text = json.dumps(value)
    # What cannot be packed: the file is as long as one that takes a while.
    noise = {"attr-" + os.urandom(32).hex(): {"name": "x-1"} for _ in range(3000)}
    text = text.replace('"packages": {', '"packages": {' + json.dumps(noise)[1:-1] + ", ", 1)
    return bytes(brotli.compress(text.encode(), quality=4))


@pytest.mark.parametrize("schema", [CHANNEL, OTHER_SCHEMA])
def test_a_channel_over_http_goes_on_where_it_was_cut(
    channel: tuple[str, type[Channel]], schema: dict[str, object]
) -> None:
    url, server = channel
    server.body = packed(schema)
    first = run("update", "--channel", url)
    assert isinstance(first.exception, NetworkError)
    assert "the download resumes" in first.exception.hint
    assert "embedded" in run("show").stdout
    result = run("update", "--channel", url)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Python 3.13: 2 packages\n")
    assert int(server.hits[1].split()[1]) > len(server.body) // 2 - 5000
    shown = run("show").stdout
    assert "a" * 40 in shown
    args = [str(AUTHENTIK), "--system", "x86_64-linux", "--python", "3.13", "--no-inspect", "--json"]
    found = {p["name"]: p for p in json.loads(CliRunner().invoke(classify, args).stdout)["packages"]}
    assert found["gssapi"]["class"] == found["decorator"]["class"] == "nixpkgs"


def test_a_packed_file_torn_and_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("brotli")
    file = tmp_path / "packages.json.br"
    file.write_bytes(packed(CHANNEL))
    assert run("update", "--channel", str(file)).exit_code == 0
    file.write_bytes(packed(CHANNEL)[:-100])
    torn = run("update", "--channel", str(file))
    assert isinstance(torn.exception, InputError)
    assert "truncated" in torn.exception.message
    monkeypatch.setitem(sys.modules, "brotli", None)
    result = run("update", "--channel", str(file))
    assert isinstance(result.exception, ToolError)
    assert "uvlock2nix[channel]" in result.exception.hint
    assert run("show").exit_code == 0


def test_progress_is_shown_on_a_terminal_and_only_there(
    channel: tuple[str, type[Channel]], tmp_path: Path
) -> None:
    url, server = channel
    server.body, server.hits = packed(CHANNEL), ["not the first"]
    argv = [sys.executable, "-m", "uvlock2nix", "index", "update", "--channel", url]
    seen: list[bytes] = []
    main, terminal = pty.openpty()
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=terminal) as process:
        os.close(terminal)
        while True:
            try:
                seen.append(os.read(main, 65536))
            except OSError:  # the other end is closed
                break
        assert process.stdout is not None
        out = process.stdout.read()
    os.close(main)
    assert process.returncode == 0
    assert b"channel" in b"".join(seen)
    assert b"100%" in b"".join(seen)
    assert out.startswith(b"Python 3.13: 2 packages\n")
    quiet = subprocess.run(argv, cwd=ROOT, capture_output=True, check=True)
    assert quiet.stderr == b""


def test_a_torn_channel(tmp_path: Path) -> None:
    file = tmp_path / "packages.json"
    file.write_text(json.dumps(CHANNEL)[:-20])
    result = run("update", "--channel", str(file))
    assert isinstance(result.exception, InputError)
    assert not (tmp_path / "cache").exists()


NIX = """\
for word in "$@"; do [ "$word" = names ] && asked=1; done
if [ -n "$asked" ]; then
  echo '{"lxml": {"pname": "lxml", "version": "6.0.2", "name": "lxml-6.0.2", "pypi": null, "usable": true}}'
else
  echo '{"names": ["lxml"], "version": "26.05pre20260102.abcdef0", "default": "3.14"}'
fi
"""


def test_an_index_through_nix_is_kept_for_the_pinned_nixpkgs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "nix-instantiate", NIX)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    project = tmp_path / "p"
    project.mkdir()
    locked = {"type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "a" * 40, "narHash": "sha256-x"}
    nodes = {"root": {"inputs": {"nixpkgs": "nixpkgs"}}, "nixpkgs": {"locked": locked}}
    (project / "flake.lock").write_text(json.dumps({"nodes": nodes, "root": "root", "version": 7}))
    result = run("update", str(project), "--python", "3.13", "--system", "x86_64-linux")
    assert result.exit_code == 0, result.output
    shown = run("show", str(project)).stdout
    assert "26.05pre20260102.abcdef0, as of 2026-01-02" in shown
    assert "Python 3.13: 1 packages" in shown
    # So its default Python is known, and goes before the release that flake.lock follows.
    assert nixpkgs_python(project) == ("3.14", "python3 of the nixpkgs that the index was made of")
    nodes["nixpkgs"] |= {"locked": {**locked, "rev": "b" * 40}, "original": {"ref": "nixos-26.05"}}
    (project / "flake.lock").write_text(json.dumps({"nodes": nodes, "root": "root", "version": 7}))
    assert nixpkgs_python(project) == ("3.13", "python3 of nixpkgs 26.05, which flake.lock follows")
    assert nixpkgs_python(tmp_path) is None
    # Another project, which pins nothing, does not get the index of this one's pin.
    assert "embedded" in run("show", str(tmp_path)).stdout


def test_without_nix_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("NIX_PATH", "nixpkgs=/nowhere")
    result = run("update", str(tmp_path))
    assert isinstance(result.exception, ToolError)
    assert "--channel" in result.exception.hint


def test_what_is_no_channel_and_no_project(tmp_path: Path) -> None:
    for channel in ("/etc/nothing", "../x", "a b"):
        result = run("update", "--channel", channel)
        assert isinstance(result.exception, UsageError)
        assert "neither a file nor the name" in result.exception.message
    for arguments in (("show",), ("update",), ("update", "--channel", "x")):
        result = run(*arguments, str(tmp_path / "nothing"))
        assert isinstance(result.exception, InputError)
        assert "no such file or folder" in result.exception.message


def test_one_source_at_a_time() -> None:
    result = run("update", "--channel", "x", "--nixpkgs", "y")
    assert isinstance(result.exception, UsageError)


def test_a_torn_index_is_named_and_can_be_made_again(tmp_path: Path) -> None:
    file = tmp_path / "packages.json"
    file.write_text(json.dumps(CHANNEL))
    assert run("update", "--channel", str(file)).exit_code == 0
    (index,) = (tmp_path / "cache").rglob("*.json.gz")
    index.write_bytes(b"torn")
    result = run("show")
    assert isinstance(result.exception, InputError)
    assert str(index) in result.exception.message
    assert run("update", "--channel", str(file)).exit_code == 0
    assert run("show").exit_code == 0
