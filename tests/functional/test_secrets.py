"""A marked secret in every place where uv accepts one is in nothing that we print, write or keep."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.support.http_server import serving

REPO = Path(__file__).resolve().parents[2]
MARK = "S3CRET"
TARGET = ("--system", "x86_64-linux", "--python", "3.13")
GOOD = b"a wheel, or nearly"


def login(place: str) -> str:
    return f"user-{MARK}-{place}:password-{MARK}-{place}@"


def query(place: str) -> str:
    return f"?sig={MARK}-{place}"


class Answers(BaseHTTPRequestHandler):
    """What a private index may answer; the path says which."""

    def do_GET(self) -> None:
        place = self.path.partition("?")[0].rpartition("/")[2]
        if place.startswith("moved"):
            self.send_response(302)
            self.send_header("Location", f"/refused{query('moved')}")
            self.end_headers()
        elif place.startswith("cut"):
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(GOOD)
        elif place.startswith("other"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(GOOD)))
            self.end_headers()
            self.wfile.write(GOOD)
        else:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(Answers) as httpd:
        yield f"127.0.0.1:{httpd.server_port}"


SDISTS = ("refused", "moved", "cut", "other")


def pyproject(host: str, *, settings: bool = True) -> str:
    names = ", ".join(f'"{name}"' for name in (*SDISTS, "direct", "fromgit"))
    text = f"""[project]
name = "app"
version = "1.0"
requires-python = ">=3.13"
dependencies = [{names}]

[tool.uv.sources]
direct = {{ url = "http://{login("direct")}{host}/direct-1.0.tar.gz{query("direct")}" }}
fromgit = {{ git = "http://{login("git")}{host}/fromgit.git" }}

[tool.uv]
package = false
"""
    return text + (uv_settings(host, "tool.uv.", "pyproject") if settings else "")


def uv_settings(host: str, prefix: str, place: str) -> str:
    return f"""
[[{prefix}index]]
name = "private"
url = "http://{login(place)}{host}/simple{query(place)}"

[[{prefix}index]]
name = "second"
url = "http://token-{MARK}-{place}@{host}/second"
explicit = true
"""


def lock(host: str) -> str:
    """As uv writes it, with the login in each file's URL too, as some indexes serve them."""
    digest = hashlib.sha256(b"x").hexdigest()
    places = [*SDISTS, "direct", "fromgit"]
    text = 'version = 1\nrevision = 3\nrequires-python = ">=3.13"\n\n[[package]]\nname = "app"\n'
    text += 'version = "1.0"\nsource = { virtual = "." }\ndependencies = [\n'
    text += "".join(f'    {{ name = "{name}" }},\n' for name in places) + "]\n\n[package.metadata]\n"
    direct = f"http://{login('direct')}{host}/direct-1.0.tar.gz{query('direct')}"
    git = f"http://{login('git')}{host}/fromgit.git"
    listed = [*(f'{{ name = "{name}" }}' for name in SDISTS), f'{{ name = "direct", url = "{direct}" }}']
    listed.append(f'{{ name = "fromgit", git = "{git}" }}')
    text += "requires-dist = [\n" + "".join(f"    {one},\n" for one in listed) + "]\n"
    for name in SDISTS:
        url = f"http://{login('lock')}{host}/{name}-1.0.tar.gz{query('lock')}"
        text += f'\n[[package]]\nname = "{name}"\nversion = "1.0"\n'
        text += f'source = {{ registry = "http://{host}/simple" }}\n'
        text += f'sdist = {{ url = "{url}", hash = "sha256:{digest}" }}\n'
    text += f'\n[[package]]\nname = "direct"\nversion = "1.0"\nsource = {{ url = "{direct}" }}\n'
    text += f'sdist = {{ hash = "sha256:{digest}" }}\n'
    text += f'\n[[package]]\nname = "fromgit"\nversion = "1.0"\nsource = {{ git = "{git}#{"a" * 40}" }}\n'
    return text


@dataclass
class Place:
    """A project whose every address holds a secret, and all that was printed by the runs on it."""

    root: Path
    project: Path
    env: dict[str, str]
    printed: list[str]

    def run(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        argv = [sys.executable, "-m", "uvlock2nix", *arguments]
        done = subprocess.run(argv, cwd=self.root, env=self.env, capture_output=True, text=True, timeout=120)
        assert done.returncode in codes, done.stderr
        assert "Traceback" not in done.stderr
        self.printed += [done.stdout, done.stderr]
        assert MARK not in done.stdout + done.stderr, arguments
        return done.stdout + done.stderr

    def kept(self) -> Iterator[tuple[str, bytes]]:
        """Every file that we wrote, with its name, unpacked where it is packed."""
        own = {"pyproject.toml", "uv.lock", "uv.toml", "netrc", ".netrc", "requirements.txt"}
        for path in sorted(self.root.rglob("*")):
            if path.is_file() and path.name not in own:
                data = path.read_bytes()
                yield (
                    str(path.relative_to(self.root)),
                    gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data,
                )


@pytest.fixture
def place(tmp_path: Path, server: str) -> Place:
    project = tmp_path / "app"
    project.mkdir()
    (project / "pyproject.toml").write_text(pyproject(server))
    (project / "uv.lock").write_text(lock(server))
    netrc = f"machine 127.0.0.1 login user-{MARK}-netrc password {MARK}-netrc\n"
    for name in ("netrc", ".netrc"):
        (tmp_path / name).write_text(netrc)
        (tmp_path / name).chmod(0o600)
    env = {
        **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
        "HOME": str(tmp_path),
        "NETRC": str(tmp_path / "netrc"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PYTHONPATH": str(REPO),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
        "UV_INDEX_PRIVATE_USERNAME": f"user-{MARK}-variable",
        "UV_INDEX_PRIVATE_PASSWORD": f"{MARK}-variable",
        "UV_DEFAULT_INDEX": f"http://{login('default')}{server}/simple{query('default')}",
        "UV_INDEX": f"third=http://{login('index')}{server}/simple",
    }
    return Place(tmp_path, project, env, [])


def look(place: Place) -> None:
    """What shows the most, and what was kept."""
    project = str(place.project)
    assert "refused" in place.run("classify", project, *TARGET, "--json")
    place.run("generate", project, *TARGET)
    nothing_is_kept(place)


def nothing_is_kept(place: Place) -> None:
    for path, data in place.kept():
        assert MARK not in path
        assert MARK.encode() not in data, path


def look_at_everything(place: Place) -> None:
    project = str(place.project)
    text = place.run("classify", project, *TARGET)
    assert "refused" in text
    place.run("classify", project, *TARGET, "--wheels")
    place.run("classify", project, *TARGET, "--from-nixpkgs", "compatible")
    place.run("classify", project, *TARGET, "--json")
    place.run("classify", project, *TARGET, "--html", str(place.root / "page.html"))
    for name in ("refused", "direct", "fromgit"):
        assert name in place.run("classify", project, *TARGET, "--explain", name)
    text = place.run("generate", project, *TARGET)
    assert "contains credentials or a signature" in text
    assert "UV_INDEX_<NAME>_USERNAME" in text
    place.run("generate", project, *TARGET, "--check")
    place.run("generate", project, *TARGET, "--python", "3.14", "--diff", codes=(0, 1))
    place.run("generate", project, *TARGET, "--json", codes=(0, 2))
    place.run("check", project, codes=(0, 1, 3))
    place.run("check", project, "--json", codes=(0, 1, 3))
    place.run("sbom", project, codes=(0, 3))
    assert "refused" in place.run("sbom", project, "--python", "3.13")
    place.run("verify", project, codes=(1, 2, 3, 4))
    place.run("update-hash", project, "--json", "--no-nix", codes=(2, 3, 4, 5))
    place.run("update-hash", project, "--no-nix", codes=(2, 3, 4))
    nothing_is_kept(place)


def test_no_secret_is_printed_written_or_kept(place: Place) -> None:
    look_at_everything(place)
    assert any("HTTP 401" in text for text in place.printed)
    assert any("closed too early" in text for text in place.printed)
    assert any("wrong hash" in text for text in place.printed)


def test_settings_in_uv_toml(place: Place, server: str) -> None:
    (place.project / "pyproject.toml").write_text(pyproject(server, settings=False))
    (place.project / "uv.toml").write_text(uv_settings(server, "", "uvtoml"))
    look(place)


def test_a_proxy_with_a_login_that_does_not_answer(place: Place) -> None:
    proxy = f"http://{login('proxy')}127.0.0.1:9"
    place.env |= {
        "http_proxy": proxy,
        "https_proxy": proxy,
        "HTTP_PROXY": proxy,
        "no_proxy": "",
        "NO_PROXY": "",
    }
    text = place.run("classify", str(place.project), *TARGET)
    assert "the proxy cannot be reached" in text
    look(place)


def test_a_server_that_does_not_answer(place: Place) -> None:
    for name in ("pyproject.toml", "uv.lock"):
        file = place.project / name
        file.write_text(file.read_text().replace("@127.0.0.1", "@no-such-host.invalid"))
    look(place)


@pytest.mark.parametrize("damage", [lambda text: text.replace("http://", "ftp://"), lambda text: text[:-300]])
def test_damaged_files(place: Place, damage: object) -> None:
    assert callable(damage)
    file = place.project / "uv.lock"
    file.write_text(damage(file.read_text()))
    place.run("classify", str(place.project), *TARGET, codes=(3,))
    place.run("generate", str(place.project), *TARGET, codes=(3,))
    file = place.project / "pyproject.toml"
    file.write_text(file.read_text().replace("url = ", "url = 7, other = "))
    place.run("generate", str(place.project), *TARGET, codes=(2, 3))


@pytest.mark.parametrize("path", ["refused", "cut", "moved", "other"])
def test_a_channel_behind_a_login(place: Place, server: str, path: str) -> None:
    url = f"http://{login('channel')}{server}/{path}{query('channel')}"
    place.run("index", "update", "--channel", url, codes=(3, 4, 5))
    nothing_is_kept(place)


@pytest.mark.parametrize("settings", ["pyproject", "uv.toml"])
def test_mode_files(place: Place, server: str, settings: str) -> None:
    """Its pins name every URL, and Nix reads them: without login, and without a query that signs."""
    if settings == "uv.toml":
        (place.project / "pyproject.toml").write_text(pyproject(server, settings=False))
        (place.project / "uv.toml").write_text(uv_settings(server, "", "uvtoml"))
    project = str(place.project)
    place.run("generate", project, *TARGET, "--mode", "files", codes=(0, 3, 4, 5))
    place.run("check", project, codes=(0, 1, 3))
    place.run("update-hash", project, codes=(0, 1, 3, 4, 5))
    nothing_is_kept(place)


ODD_NETRC = f"""\
# machine 127.0.0.1 login {MARK}-comment password {MARK}-comment
macdef init
    cd {MARK}-macro

machine 127.0.0.1
    login "user-{MARK}-odd"
    account {MARK}-account
    password "{MARK}-odd word"
default login {MARK}-default password {MARK}-default
"""


@pytest.mark.parametrize(
    "netrc",
    [
        ODD_NETRC,
        f"machine 127.0.0.1 login {MARK} password",
        f"login {MARK}\n",
        f"machine {MARK} {MARK} {MARK}",
        f"machine 127.0.0.1 login {MARK} password {MARK}\0{MARK}\x1b[2J\n",
        f'machine 127.0.0.1 login "{MARK}',
    ],
)
def test_a_netrc_file_with_odd_syntax(place: Place, netrc: str) -> None:
    (place.root / "netrc").write_text(netrc)
    look(place)


def test_settings_of_the_user_and_variables(place: Place, server: str) -> None:
    """uv.toml of the user, and variables that uv reads."""
    config = place.root / ".config" / "uv"
    config.mkdir(parents=True)
    (config / "uv.toml").write_text(uv_settings(server, "", "user"))
    url = f"http://{login('extra')}{server}/simple{query('extra')}"
    place.env |= {
        "UV_EXTRA_INDEX_URL": url,
        "UV_INDEX_URL": url,
        "UV_FIND_LINKS": url,
        "UV_KEYRING_PROVIDER": "subprocess",
        "ALL_PROXY": f"http://{login('all')}127.0.0.1:9",
        "SSL_CERT_FILE": str(place.root / f"no-{server}.pem"),
        "GIT_ASKPASS": f"/bin/echo {MARK}",
    }
    look(place)


def test_requirements_with_logins(place: Place, server: str) -> None:
    """Of builds, in every form: URLs, git, options in a file of requirements."""
    direct = f"https://{login('direct')}{server}/x-1.0.tar.gz{query('direct')}"
    git = f"git+https://{MARK}-token@{server}/x.git@main"
    (place.project / "requirements.txt").write_text(
        f"--index-url http://{login('file')}{server}/simple\n-r https://{login('more')}{server}/more.txt\n"
        f"x @ {direct}\n"
    )
    file = place.project / "pyproject.toml"
    file.write_text(
        file.read_text().replace(
            "package = false",
            f'build-constraint-dependencies = ["x @ {direct}"]\n'
            f'extra-build-dependencies = {{ refused = ["x @ {git}", "y @ {direct}"] }}\n'
            f'extra-build-variables = {{ refused = {{ TOKEN = "plain" }} }}\n'
            f'find-links = ["http://{login("links")}{server}/links{query("links")}"]\n'
            f'http-proxy = "http://{login("setting")}127.0.0.1:9"\n',
        )
        + f'\n[build-system]\nrequires = ["setuptools", "x @ {direct}", "y @ {git}"]\n'
        'build-backend = "setuptools.build_meta"\n'
    )
    project = str(place.project)
    for words in (["classify", project, *TARGET], ["generate", project, *TARGET], ["check", project]):
        place.run(*words, codes=(0, 1, 2, 3, 4, 5))
    nothing_is_kept(place)
