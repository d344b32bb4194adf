"""The page of ``classify --html`` in a real browser: what it shows, and that it loads nothing else."""

import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from uvlock2nix.cli.app import cli

CHROMIUM = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
browser = pytest.mark.skipif(
    CHROMIUM is None and not IN_CI, reason="chromium is not installed: apt-get install chromium"
)

EVIL = "<script>document.title='run'</script><img src=http://127.0.0.1:PORT/x onerror=alert(1)>\\\"'&amp;"
LOCK = """\
version = 1
requires-python = ">=3.11"
[[package]]
name = "app"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "a" }, { name = "b" }, { name = "c" }, { name = "big" }]
[[package]]
name = "a"
version = "1"
source = { git = "https://git.invalid/EVIL#COMMIT" }
[[package]]
name = "b"
version = "1"
source = { registry = "https://index.invalid/EVIL" }
wheels = [{ url = "https://files.invalid/b-1-py3-none-any.whl", size = 1000 }]
[[package]]
name = "c"
version = "1"
source = { path = "EVIL.tar.gz" }
sdist = { path = "EVIL.tar.gz", hash = "sha256:DIGEST" }
[[package]]
name = "big"
version = "2"
source = { registry = "https://index.invalid/simple" }
wheels = [{ url = "https://files.invalid/big-2-py3-none-any.whl", size = 9000 }]
"""


class Listener:
    """Counts who connects."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.asked: list[bytes] = []
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(1)
                self.asked.append(connection.recv(1000))


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.socket.shutdown(socket.SHUT_RDWR)
    made.socket.close()
    made.thread.join(5)


@pytest.fixture
def page(tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\n'
        'dependencies = ["a", "b", "c", "big"]\n'
    )
    evil = EVIL.replace("PORT", str(listener.port))
    lock = LOCK.replace("EVIL", evil).replace("COMMIT", "a" * 40).replace("DIGEST", "0" * 64)
    (tmp_path / "uv.lock").write_text(lock)
    args = ["classify", str(tmp_path), "--system", "x86_64-linux", "--python", "3.13", "--no-inspect"]
    made = tmp_path / "page.html"
    result = CliRunner().invoke(cli, [*args, "--html", str(made)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return made


def chromium(page: Path, *flags: str) -> str:
    assert CHROMIUM is not None
    # A profile of its own, and nothing that the browser does on its own account.
    argv = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={page.parent / 'profile'}",
        "--disable-background-networking", "--disable-component-update", "--no-first-run", "--disable-sync",
        *flags, page.as_uri(),
    ]  # fmt: skip
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120).stdout


class Reader(HTMLParser):
    """What a browser made of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.rows: list[str] = []
        self.title = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self._inside = tag
        if tag == "tr":
            self.rows.append("")

    def handle_data(self, data: str) -> None:
        if self._inside == "title" and not self.title:
            self.title = data
        if self.rows:
            self.rows[-1] += data + " "


@browser
def test_what_a_browser_shows(page: Path) -> None:
    dom = Reader(chromium(page, "--dump-dom"))
    assert dom.title == "4 packages on x86_64-linux, Python 3.13.18, glibc 2.40"
    assert len(dom.rows) == 5
    assert [row.split()[0] for row in dom.rows[1:]] == ["a", "b", "big", "c"]
    assert dom.tags.count("rect") == 2
    sizes = [float(value) for name, value in dom.attributes if name == "width" and value[0].isdigit()]
    assert len(sizes) >= 2


@browser
def test_hostile_text_stays_text(page: Path) -> None:
    """Addresses and paths of the lock appear in reasons; what looks like a tag in them is shown as text."""
    dom = Reader(chromium(page, "--dump-dom"))
    assert not {"script", "img", "link", "iframe", "object"} & set(dom.tags)
    assert "<script>document.title='run'</script>" in dom.rows[1]
    assert not [name for name, _ in dom.attributes if name.startswith("on") or name in ("src", "href")]


@browser
def test_nobody_is_asked_for_anything(page: Path, listener: Listener) -> None:
    """All addresses in the page lead to our server, and none is requested; a page that does proves it."""
    everywhere = f"--host-resolver-rules=MAP *.invalid 127.0.0.1:{listener.port}"
    chromium(page, everywhere, f"--screenshot={page.parent / 'page.png'}", "--window-size=1300,900")
    png = (page.parent / "page.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert len(png) > 10_000
    assert listener.asked == []
    page.write_text(f'<img src="http://127.0.0.1:{listener.port}/x">')
    chromium(page, everywhere, f"--screenshot={page.parent / 'page.png'}")
    assert listener.asked


def test_the_text_of_the_page_refers_to_nothing(page: Path) -> None:
    text = page.read_text()
    assert not re.search(r"<(script|img|link|iframe|object|embed)\b", text)
    assert not re.search(r"\b(src|href|xlink:href)\s*=", re.sub(r"&[a-z#0-9]+;[^<]*", "", text))
    assert "default-src 'none'" in text
    assert "@import" not in text
    assert "url(" not in text
