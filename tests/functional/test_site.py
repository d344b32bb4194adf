"""The documentation site: built strictly, made from the code, nothing from outside, fits a phone."""

import ast
import functools
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scripts import picture
from scripts.site import advice, commands, house, keys, library, messages, schemas
from scripts.site.markdown import slug
from uvlock2nix.cli.app import COMMANDS
from uvlock2nix.config import KEYS

REPO = Path(__file__).resolve().parents[2]
CHROMIUM = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
browser = pytest.mark.skipif(
    CHROMIUM is None and not IN_CI, reason="chromium is not installed: apt-get install chromium"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly: a broken link or anchor, or a page that is in no menu, is an error."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=REPO,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Loaded(HTMLParser):
    """The addresses that a page loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        if tag in ("script", "img", "iframe", "source", "video", "object", "embed"):
            self.found += [str(held[name]) for name in ("src", "data") if held.get(name)]
        elif tag == "link" and str(held.get("rel")) in (
            "stylesheet",
            "icon",
            "preload",
            "preconnect",
            "manifest",
        ):
            self.found.append(str(held.get("href")))


def test_no_page_loads_anything_from_outside(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        reader = Loaded()
        reader.feed(page.read_text(encoding="utf-8"))
        assert reader.found, page
        assert [address for address in reader.found if re.match(r"(https?:)?//", address)] == [], page


def test_search_finds_pages_commands_and_errors(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    text = " ".join(entry["title"] + " " + entry["text"] for entry in index["docs"])
    for words in (
        "Private indexes",
        "update-hash",
        "wheel-runtime-libs",
        "mkServiceModule",
        "nothing in the lock fits",
    ):
        assert words.lower() in text.lower(), words


def test_every_command_is_in_the_reference() -> None:
    page = commands.page()
    assert [name for name in COMMANDS if f"\n## {name}\n" not in page] == []
    assert "| `--all-systems` |" in page


def test_every_key_is_in_the_reference() -> None:
    assert keys.missing() == ()
    page = keys.page()
    assert [key for key in KEYS if f"| `{key}` |" not in page] == []


def test_every_function_and_hook_of_the_library_is_described() -> None:
    page = library.page()
    for path in library.functions():
        assert f"### {path.stem}\n" in page
        assert len(library.doc(path)) > 100
    assert len(library.hooks()) >= 8
    for path in library.hooks():
        assert len(library.hook(path)) > 40, path


def test_every_schema_is_in_the_reference() -> None:
    page = schemas.page()
    for path in (REPO / "docs" / "schema").glob("*.json"):
        assert f"## {path.stem}\n" in page
        schema = json.loads(path.read_text())
        assert len(list(schemas.rows(schema, schema))) >= 3, path
        for name in schema.get("properties", ()):
            assert f"| `{name}` |" in page


def test_errors_of_real_commands_have_an_anchor() -> None:
    """What a program prints is found by its fixed words."""
    page = messages.page()
    known = [one for one in messages.messages() if len(one.message) > 30]
    assert len(known) > 200
    anchors = re.findall(r'<a id="([^"]+)">', page)
    assert len(anchors) == len(set(anchors))
    assert page.count("`error: ") == len(messages.messages())
    parts = (messages.messages(), messages.causes(), messages.problems(), messages.thrown())
    assert len(anchors) == sum(map(len, parts))
    assert len(messages.causes()) > 15
    assert "is not a version specifier: …" in messages.problems()
    assert any("is not the lock that … was made for" in text for text in messages.thrown())
    done = subprocess.run(
        [sys.executable, "-m", "uvlock2nix", "generate", "/nowhere"],
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stderr.splitlines()[0].removeprefix("error: ")
    assert any(
        re.fullmatch(re.escape(one.message).replace("…", ".*"), said)
        for one in messages.messages()
        if one.message != "…"
    ), said


def test_troubleshooting_quotes_what_is_printed_and_errors_link_to_it() -> None:
    """Quotations are compared with the code: a message that was changed is changed there too."""
    linked = set(re.findall(r"\.\./troubleshooting\.md#([a-z-]+)", messages.page()))
    quoted = {one.anchor for one in advice.quotations()}
    assert len(quoted) >= 14
    assert quoted - linked == set()
    assert advice.advice("two builds of … differ: first …, then …") == "two-builds-differ"
    assert advice.advice("…: … is …") is None


def test_pages_that_messages_name_exist(site: Path) -> None:
    named = {
        match
        for path in (REPO / "uvlock2nix").rglob("*.py")
        for match in re.findall(r"docs/([a-z-]+)\.md(?:#([a-z-]+))?", path.read_text(encoding="utf-8"))
    }
    assert len(named) >= 5
    for page, anchor in named:
        text = (site / page / "index.html").read_text(encoding="utf-8")
        assert not anchor or f'id="{anchor}"' in text, (page, anchor)


def test_the_drawing_has_every_part_and_arrows_go_down() -> None:
    edges = house.parts()
    tall = house.heights(edges)
    assert all(tall[one] > tall[two] for one, others in edges.items() for two in others)
    picture = house.drawing()
    assert all(f">{name}</text>" in picture for name in edges)
    with pytest.raises(ValueError, match="a → b → a"):
        house.heights({"a": frozenset({"b"}), "b": frozenset({"a"})})


def test_the_members_of_pins_and_manifest_are_described() -> None:
    page = (REPO / "docs" / "pins.md").read_text(encoding="utf-8")
    pins, _, manifest = page.partition("## manifest.json")
    (known,) = re.findall(r'_KNOWN: Final = "([^"]+)"', (REPO / "uvlock2nix" / "pins.py").read_text())
    assert set(known.split()) == members(pins)
    tree = ast.parse((REPO / "uvlock2nix" / "sync" / "manifest.py").read_text())
    (written,) = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) == "data"
        and isinstance(node.value, ast.Dict)
    )
    keys_written = {ast.literal_eval(key) for key in written.keys if key is not None}
    assert keys_written | {"references"} == members(manifest)


def members(text: str) -> set[str]:
    """What the first column of a page's table names."""
    rows = re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_the_picture_of_the_readme_is_what_the_command_draws() -> None:
    assert picture.PICTURE.read_text(encoding="utf-8") == picture.drawing(), "run scripts/picture.py"
    assert "docs/classify.svg" in (REPO / "README.md").read_text(encoding="utf-8")


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder without a word."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base class calls it so
        """Nothing."""

    def do_POST(self) -> None:  # the base class looks for this name
        """What a page found out."""
        REPORTS.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(204)
        self.end_headers()


REPORTS: queue.Queue[str] = queue.Queue()


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


# No name is resolved: the browser sees this machine alone.
RULES = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
PROBE = """<!doctype html><title>probe</title><body><script>
const wide = [];
const pages = PAGES;
(async () => {
  for (const page of pages) {
    const frame = document.createElement("iframe");
    frame.style = "width:WIDTHpx;height:900px;border:0";
    document.body.append(frame);
    await new Promise(done => { frame.onload = done; frame.src = page; });
    const root = frame.contentDocument.documentElement;
    if (root.scrollWidth > WIDTH) wide.push(page + " " + root.scrollWidth);
    frame.remove();
  }
  await fetch("/", { method: "POST", body: JSON.stringify(wide) });
})();
</script>
"""


@browser
@pytest.mark.parametrize("width", [400, 1400])
def test_no_page_is_wider_than_the_screen(site: Path, served: str, width: int, tmp_path: Path) -> None:
    pages = [f"/{page.parent.relative_to(site)}/" for page in sorted(site.rglob("index.html"))]
    text = PROBE.replace("PAGES", json.dumps(pages)).replace("WIDTH", str(width))
    assert probed(site, served, f"probe-{width}", text, tmp_path, max(width, 500) + 50) == []


SEARCH = """<!doctype html><title>probe</title><body><script>
const frame = document.createElement("iframe");
frame.onload = async () => {
  const page = frame.contentDocument;
  const field = page.getElementById("printed");
  const found = [];
  for (const text of TEXTS) {
    field.value = text;
    field.dispatchEvent(new Event("input"));
    const link = page.querySelector(".find-error output a");
    const there = link && page.getElementById(link.hash.slice(1));
    found.push(there ? link.hash : page.querySelector("output").textContent);
  }
  await fetch("/", { method: "POST", body: JSON.stringify(found) });
};
frame.src = "/reference/messages/";
document.body.append(frame);
</script>
"""


@browser
def test_a_pasted_error_is_found(site: Path, served: str, tmp_path: Path) -> None:
    (stale,) = (text for text in messages.thrown() if "was made for. Run" in text)
    pasted = [
        "error: package torch 2.9.1: nothing in the lock fits x86_64-linux\n  torch-2.9.1.whl: for macOS",
        f"   error: {stale.replace('…', 'polls')}",
        "something of a different program",
    ]
    assert probed(site, served, "search", SEARCH.replace("TEXTS", json.dumps(pasted)), tmp_path, 900) == [
        "#package-nothing-in-the-lock-fits",
        f"#{slug(stale)}",
        "No error of this version has these words.",
    ]


def probed(site: Path, served: str, name: str, page: str, profile: Path, width: int) -> object:
    """What a page of ours finds out about those of the site, in a browser."""
    (site / f"{name}.html").write_text(page)
    assert CHROMIUM is not None
    # In real time: with a budget of virtual time, a frame's worker can wait for ever.
    running = subprocess.Popen(
        [
            CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", RULES,
            f"--user-data-dir={profile}", f"--window-size={width},1000", f"{served}/{name}.html",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        return json.loads(REPORTS.get(timeout=240))
    finally:
        running.terminate()
        running.wait(timeout=30)
