import json
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from uvlock2nix.cli.app import cli
from uvlock2nix.errors import Uvlock2nixError

ROOT = Path(__file__).parents[2]
AUTHENTIK = ROOT / "fixtures" / "authentik"
LINUX = ("--system", "x86_64-linux", "--python", "3.13", "--no-inspect")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, ["classify", *args])


def as_json(*args: str) -> dict[str, Any]:
    result = run(*args, "--json")
    assert result.exit_code == 0, result.output
    value: dict[str, Any] = json.loads(result.stdout)
    return value


def test_json_follows_its_schema_and_the_contract() -> None:
    value = as_json(str(AUTHENTIK), *LINUX)
    schema = json.loads((ROOT / "docs" / "schema" / "classify-1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(value, schema)
    names = [p["name"] for p in value["packages"]]
    assert names == sorted(names)
    assert value["target"] == {"system": "x86_64-linux", "python": "3.13.18"}
    lxml = next(p for p in value["packages"] if p["name"] == "lxml")
    assert lxml["class"] == "sdist-native"
    assert lxml["native"]["build_inputs"] == ["libxml2", "libxslt", "zlib"]
    assert lxml["source"]["kind"] == "registry"
    assert lxml["rejected"]
    members = {p["name"] for p in value["packages"] if p["class"] == "workspace"}
    assert members == {"authentik-like", "authentik-like-client", "authentik-like-tasks"}


LOADED = """
import sys
from uvlock2nix.cli.app import cli
cli.main(sys.argv[1:], standalone_mode=False)
print(sorted({"requests", "urllib3", "ssl", "elftools", "jsonschema"} & set(sys.modules)), file=sys.stderr)
"""


def test_what_fetches_is_not_imported_where_nothing_is_fetched() -> None:
    """Inspection is on, and finds that there is no file that it could fetch."""
    argv = [sys.executable, "-c", LOADED, "classify", "--json", str(AUTHENTIK), *LINUX[:-1]]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.strip().splitlines()[-1] == "[]"
    assert "not inspected" not in done.stdout


def test_the_schema_refuses_what_is_not_in_it() -> None:
    value = as_json(str(AUTHENTIK), *LINUX)
    schema = json.loads((ROOT / "docs" / "schema" / "classify-1.json").read_text())
    value["packages"][0]["extra"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, schema)


def test_the_table_has_a_line_for_each_package_and_totals() -> None:
    result = run(str(AUTHENTIK), *LINUX)
    assert result.exit_code == 0
    assert "29 packages: 21 wheel, 4 sdist-native, 1 vcs, 3 workspace" in result.stdout
    assert "as of 2025-09-27" in result.stdout
    assert "[tool.uvlock2nix.native.akl-flags]" in result.stdout
    assert "\x1b" not in result.stdout


def test_the_table_says_why_the_rest_is_not_from_nixpkgs_where_that_is_wanted() -> None:
    words = "not from nixpkgs: nixpkgs has django_5_2 5.2.6, the lock 5.2.19"
    assert words in run(str(AUTHENTIK), *LINUX, "--from-nixpkgs", "same").stdout
    assert words not in run(str(AUTHENTIK), *LINUX).stdout
    assert "to download: 25 without a size in the lock" in run(str(AUTHENTIK), *LINUX).stdout


def test_explain_says_everything() -> None:
    result = run(str(AUTHENTIK), *LINUX, "--explain", "XMLSec")
    assert result.exit_code == 0
    for needle in (
        "xmlsec 1.3.17: sdist-native",
        "authentik-like → xmlsec",
        "tool.uv.no-binary forbids wheels",
        "libraries to build with: xmlsec, libxml2, libxslt, libtool, openssl",
        "build requirements whose pins are ignored: lxml, setuptools",
        "source: NixOS/nixpkgs",
    ):
        assert needle in result.stdout


def test_explain_as_json_is_the_one_entry() -> None:
    value = as_json(str(AUTHENTIK), *LINUX, "--explain", "XMLSec")
    assert [p["name"] for p in value["packages"]] == ["xmlsec"]
    assert value["packages"][0] in as_json(str(AUTHENTIK), *LINUX)["packages"]


def test_explain_of_a_stranger_names_the_nearest() -> None:
    result = run(str(AUTHENTIK), *LINUX, "--explain", "xmlsek")
    assert isinstance(result.exception, Uvlock2nixError)
    assert result.exception.exit_code == 2
    assert "did you mean `xmlsec`" in result.exception.message


def test_two_systems_are_one_too_many() -> None:
    result = run(str(AUTHENTIK), "--system", "x86_64-linux", "--system", "aarch64-linux")
    assert isinstance(result.exception, Uvlock2nixError)
    assert result.exception.exit_code == 2


def test_the_users_table_is_used_and_its_mistakes_are_named(tmp_path: Path) -> None:
    project = tmp_path / "p"
    shutil.copytree(AUTHENTIK, project)
    pyproject = project / "pyproject.toml"
    text = pyproject.read_text()
    pyproject.write_text(text + '\n[tool.uvlock2nix.native.lxml]\nbuild-inputs = ["libxml2_13"]\n')
    lxml = next(p for p in as_json(str(project), *LINUX)["packages"] if p["name"] == "lxml")
    assert lxml["native"]["build_inputs"] == ["libxml2_13"]
    assert lxml["native"]["native_build_inputs"] == ["pkg-config"]
    pyproject.write_text(text + "\n[tool.uvlock2nix.native.lxml]\nbuildinputs = []\n")
    result = run(str(project), *LINUX)
    assert isinstance(result.exception, Uvlock2nixError)
    assert "did you mean `build-inputs`" in result.exception.message


def with_table(folder: Path, text: str) -> str:
    project = folder / "p"
    shutil.copytree(AUTHENTIK, project)
    pyproject = project / "pyproject.toml"
    pyproject.write_text(pyproject.read_text() + text)
    return str(project)


def test_names_that_the_lock_does_not_have_are_told(tmp_path: Path) -> None:
    table = '\n[tool.uvlock2nix.nixpkgs]\nallow = ["lxlm"]\ndeny = ["Django", "nobody-knows"]\n'
    table += '[tool.uvlock2nix.native.xmlsek]\nbuild-inputs = ["xmlsec"]\n'
    result = run(with_table(tmp_path, table), *LINUX)
    assert result.exit_code == 0
    for needle in (
        "note: [tool.uvlock2nix.nixpkgs]: the lock has no lxlm; did you mean `lxml`?",
        "note: [tool.uvlock2nix.nixpkgs]: the lock has no nobody-knows",
        "note: [tool.uvlock2nix.native]: the lock has no xmlsek; did you mean `xmlsec`?",
    ):
        assert needle in result.stderr
    assert "django" not in result.stderr


def test_allow_and_deny(tmp_path: Path) -> None:
    table = '\n[tool.uvlock2nix]\nfrom-nixpkgs = "same"\n'
    table += '[tool.uvlock2nix.nixpkgs]\nallow = ["lxml"]\ndeny = ["typing_extensions"]\n'
    project = with_table(tmp_path, table)
    found = {p["name"]: p for p in as_json(project, *LINUX)["packages"]}
    assert found["lxml"]["class"] == "sdist-native"
    assert "nixpkgs has lxml 6.0.0, the lock 6" in found["lxml"]["reasons"][-1]
    assert "denied by [tool.uvlock2nix.nixpkgs]" in found["typing-extensions"]["reasons"][-1]
    result = CliRunner().invoke(cli, ["generate", project, "--system", "x86_64-linux", "--python", "3.13"])
    assert "note: lxml: not from nixpkgs: nixpkgs has lxml 6.0.0" in result.stderr
    snapshot = "what nixpkgs has is known from a snapshot that uvlock2nix carries, of 2025-09-27 ("
    assert result.stderr.count(snapshot) == 1
    assert "`uvlock2nix index update` indexes your nixpkgs" in result.stderr


def test_a_level_that_there_is_not(tmp_path: Path) -> None:
    assert run(str(AUTHENTIK), "--from-nixpkgs", "compatable").exit_code == 2
    result = run(with_table(tmp_path, '\n[tool.uvlock2nix]\nfrom-nixpkgs = "compatable"\n'), *LINUX)
    assert isinstance(result.exception, Uvlock2nixError)
    assert "did you mean `compatible`" in result.exception.message


def test_from_nixpkgs_changes_the_classes(tmp_path: Path) -> None:
    same = {p["name"]: p for p in as_json(str(AUTHENTIK), *LINUX, "--from-nixpkgs", "same")["packages"]}
    taken = {name for name, p in same.items() if p["class"] == "nixpkgs"}
    assert taken
    assert all(same[name]["nixpkgs"]["match"] == "same" for name in taken)
    none = as_json(str(AUTHENTIK), *LINUX, "--from-nixpkgs", "none")["packages"]
    assert not any(p["class"] == "nixpkgs" for p in none)


def test_a_page_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    result = run(str(AUTHENTIK), *LINUX, "--html", str(tmp_path / "no" / "page.html"))
    assert isinstance(result.exception, Uvlock2nixError)
    assert result.exception.exit_code == 2
    assert "no such folder" in result.exception.message


def test_an_interrupt_ends_reading_at_once(tmp_path: Path) -> None:
    """Of a wheel of a gigabyte that comes slowly; what is in the background ends too."""
    asked = threading.Event()

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.set()
            first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
            start = int(first) if first else (1 << 30) - int(last)
            end = int(last) if first else (1 << 30) - 1
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end}/{1 << 30}")
            self.send_header("Content-Length", str(end - start + 1))
            self.end_headers()
            # A table of contents that begins far away.
            record = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 40 << 20, 900 << 20, 0)
            data = bytes(end - start + 1 - len(record)) + record
            for at in range(0, len(data), 1 << 17):
                time.sleep(0.1)
                self.wfile.write(data[at : at + (1 << 17)])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        names = [f"p{number}" for number in range(20)]
        text = 'version = 1\nrequires-python = ">=3.11"\n[[package]]\nname = "app"\nversion = "1"\n'
        text += 'source = { virtual = "." }\n'
        text += "dependencies = [" + ", ".join(f'{{ name = "{name}" }}' for name in names) + "]\n"
        for name in names:
            url = f"http://127.0.0.1:{server.server_port}/{name}-1-py3-none-any.whl"
            text += f'[[package]]\nname = "{name}"\nversion = "1"\n'
            text += f'source = {{ registry = "https://index.invalid" }}\nwheels = [{{ url = "{url}" }}]\n'
        (tmp_path / "uv.lock").write_text(text)
        (tmp_path / "pyproject.toml").write_text('[project]\nname = "app"\nversion = "1"\n')
        argv = [sys.executable, "-m", "uvlock2nix", "classify", str(tmp_path), *LINUX, "--wheels"]
        with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            assert asked.wait(30)
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            start = time.monotonic()
            _, said = process.communicate(timeout=30)
            took = time.monotonic() - start
        server.shutdown()
        thread.join()
    assert process.returncode == 130
    assert b"Traceback" not in said
    assert took < 15


def test_control_characters_are_shown_and_not_sent(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["a"]\n'
    )
    (tmp_path / "uv.lock").write_text(
        'version = 1\nrequires-python = ">=3.11"\n'
        '[[package]]\nname = "app"\nversion = "1"\nsource = { virtual = "." }\n'
        'dependencies = [{ name = "a" }]\n'
        '[[package]]\nname = "a"\nversion = "1"\n'
        'source = { git = "https://git.invalid/\\u001b[2J#' + "a" * 40 + '" }\n'
    )
    result = run(str(tmp_path), *LINUX)
    assert "\x1b" not in result.output


def test_html_is_one_page_without_scripts_and_escapes_names(tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    result = run(str(AUTHENTIK), *LINUX, "--html", str(page))
    assert result.exit_code == 0
    assert result.stdout == ""
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert "http-equiv" in text
    assert "xmlsec" in text
    assert "The lock has no sizes" in text


def test_html_with_sizes_has_a_map(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["a"]\n'
    )
    (tmp_path / "uv.lock").write_text(
        'version = 1\nrequires-python = ">=3.11"\n'
        '[[package]]\nname = "app"\nversion = "1"\nsource = { virtual = "." }\n'
        'dependencies = [{ name = "a" }]\n'
        '[[package]]\nname = "a"\nversion = "1"\nsource = { registry = "https://index.invalid/<b>&" }\n'
        'wheels = [{ url = "https://files.invalid/a-1-py3-none-any.whl", size = 1000 }]\n'
    )
    page = tmp_path / "out.html"
    assert run(str(tmp_path), *LINUX, "--html", str(page)).exit_code == 0
    text = page.read_text()
    assert "<svg" in text
    assert "a 1: 1.0 kB, wheel" in text
    assert "<b>" not in text


def test_what_the_project_declares_for_itself_is_used(tmp_path: Path) -> None:
    project = tmp_path / "p"
    shutil.copytree(AUTHENTIK, project)
    pyproject = project / "pyproject.toml"
    declared = '[external]\nhost-requires = ["pkg:generic/libxml2", "pkg:generic/odd"]\n'
    pyproject.write_text(pyproject.read_text() + "\n" + declared)
    result = run(str(project), *LINUX, "--json")
    found = {p["name"]: p for p in json.loads(result.stdout)["packages"]}
    assert found["authentik-like"]["class"] == "workspace"
    assert found["authentik-like"]["native"]["build_inputs"] == ["libxml2"]
    assert "no attribute is known for pkg:generic/odd" in result.stderr
    assert "in older nixpkgs, libpq is" in run(str(project), *LINUX, "--explain", "psycopg-c").stdout
