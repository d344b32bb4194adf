"""Marked secrets in every place where uv accepts one, through a whole build by real Nix: none is in what is
printed, in a generated file, in a derivation, in an output or in a build's log."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import instantiate, realise, uvlock2nix
from tests.support.http_server import serving
from tests.support.packages import Index, _Handler, make_wheel
from tests.support.stand import Stand
from tests.support.syncing import UV

pytestmark = [pytest.mark.stand]

MARK = "S3CRET"
PYPROJECT = """\
[project]
name = "app"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["inurl", "invariable", "inkeyring", "innetrc", "direct"]

[project.scripts]
app = "inurl:main"

[tool.uv.sources]
{sources}
direct = {{ url = "http://{direct}/files/direct-1.0-py3-none-any.whl?sig={mark}-query" }}

[tool.uvlock2nix]
python = "3.13"
{settings}
"""
SOURCES = """\
inurl = { index = "of-url" }
invariable = { index = "of-variable" }
inkeyring = { index = "of-keyring" }
"""
# In [tool.uv], or in a uv.toml next to pyproject.toml.
SETTINGS = """\
{table}
keyring-provider = "subprocess"

[[{prefix}index]]
name = "of-url"
url = "http://user-{mark}-url:{mark}-url@{url}/simple"
explicit = true

[[{prefix}index]]
name = "of-variable"
url = "http://{variable}/simple"
explicit = true

[[{prefix}index]]
name = "of-keyring"
url = "http://user-{mark}-keyring@{keyring}/simple"
explicit = true

[[{prefix}index]]
name = "of-netrc"
url = "http://{netrc}/simple"
default = true
"""
# uv starts it with `get URL USER`, https://docs.astral.sh/uv/concepts/authentication/http/
KEYRING = """\
#!/bin/sh
# A stand-in for the program of the keyring package: it knows one login.
test "$1 $3" = "get user-{mark}-keyring" || exit 1
echo "$2" >> {asked}
echo {mark}-keyring
"""


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[dict[str, Index]]:
    """An index for each way to log in, each with its own login; none for the direct URL, which is signed."""
    names = {"url": "inurl", "variable": "invariable", "keyring": "inkeyring"}
    names |= {"netrc": "innetrc", "direct": "direct"}
    with_login = {
        place: (f"user-{MARK}-{place}", f"{MARK}-{place}") if place != "direct" else None for place in names
    }
    indexes = {
        place: Index(tmp_path / "files" / place, login=with_login[place], host=f"127.0.0.{number}")
        for number, place in enumerate(names, 2)
    }
    for place, index in indexes.items():
        # What was fetched once, in whatever run, is in the store.
        text = f"def main():\n    print('{uuid.uuid4()}')\n"
        make_wheel(index.folder, names[place], {f"{names[place]}.py": text})
    kinds = {place: type("Handler", (_Handler,), {"index": index}) for place, index in indexes.items()}
    with (
        serving(kinds["url"], indexes["url"].host) as one,
        serving(kinds["variable"], indexes["variable"].host) as two,
        serving(kinds["netrc"], indexes["netrc"].host) as three,
        serving(kinds["direct"], indexes["direct"].host) as four,
        serving(kinds["keyring"], indexes["keyring"].host) as five,
    ):
        for index, server in zip(indexes.values(), (one, two, five, three, four), strict=True):
            index.port = server.server_port
        yield indexes


def environment(tmp_path: Path, servers: dict[str, Index]) -> dict[str, str]:
    """The variables of somebody who logs in in each way, behind a proxy that is not asked for these hosts."""
    netrc = tmp_path / "netrc"
    user, password = servers["netrc"].login or ("", "")
    netrc.write_text(f"machine {servers['netrc'].host} login {user} password {password}\n")
    netrc.chmod(0o600)
    keyring = tmp_path / "stand-in" / "keyring"
    keyring.parent.mkdir()
    keyring.write_text(KEYRING.format(mark=MARK, asked=tmp_path / "asked"))
    keyring.chmod(0o755)
    proxy = f"http://user-{MARK}-proxy:{MARK}-proxy@127.0.0.1:9"
    spared = ",".join(index.host for index in servers.values())
    user, password = servers["variable"].login or ("", "")
    return {
        "NETRC": str(netrc),
        "UV_INDEX_OF_VARIABLE_USERNAME": user,
        "UV_INDEX_OF_VARIABLE_PASSWORD": password,
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), proxy),
        "no_proxy": spared,
        "NO_PROXY": spared,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }


def write_project(project: Path, servers: dict[str, Index], settings: str) -> None:
    """A project with its settings in ``settings``."""
    project.mkdir()
    hosts = {place: index.root.removeprefix("http://") for place, index in servers.items()}
    own = settings == "uv.toml"
    table, prefix = ("", "") if own else ("[tool.uv]\npackage = false", "tool.uv.")
    text = SETTINGS.format(mark=MARK, table=table, prefix=prefix, **hosts)
    sources = SOURCES
    if own:
        # Sources cannot name an index of uv.toml: each index is asked for every package.
        (project / "uv.toml").write_text(text.replace("explicit = true\n", ""))
        text, sources = "[tool.uv]\npackage = false\n", ""
    (project / "pyproject.toml").write_text(
        PYPROJECT.format(mark=MARK, settings=text, sources=sources, **hosts)
    )


@pytest.mark.parametrize("settings", ["pyproject.toml", "uv.toml"])
def test_no_secret_is_left_anywhere(
    stand: Stand, tmp_path: Path, servers: dict[str, Index], settings: str
) -> None:
    project = tmp_path / "app"
    write_project(project, servers, settings)
    env = environment(tmp_path, servers)
    searched = {"PATH": f"{tmp_path / 'stand-in'}:{os.environ['PATH']}"}
    argv = [UV, "lock", "--quiet", "--no-cache", "--no-python-downloads"]
    done = subprocess.run(argv, cwd=project, env=os.environ | env | searched, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "asked").exists()
    # A build has no keyring: docs/private-indexes.md has this instead.
    user, password = servers["keyring"].login or ("", "")
    env |= {"UV_INDEX_OF_KEYRING_USERNAME": user, "UV_INDEX_OF_KEYRING_PASSWORD": password}
    env["PATH"] = f"{tmp_path / 'stand-in'}:{stand.env()['PATH']}"
    prefix = ("env", *(f"{name}={value}" for name, value in env.items()))
    # The build user reads the netrc file where the sandbox shows it.
    show = ("env", f"NIX_CONFIG=extra-sandbox-paths = {env['NETRC']}")
    Path(env["NETRC"]).chmod(0o644)
    for command in ("generate", "update-hash", "check", "classify"):
        done = uvlock2nix(stand, command, project, prefix=(*prefix, *show))
        assert done.returncode == 0, done.stderr
        assert MARK not in done.stdout + done.stderr, command
    assert all(any(index.logins) for place, index in servers.items() if place != "direct")
    for path in [*(project / "nix").iterdir(), *(tmp_path / "cache" / "uvlock2nix").rglob("*")]:
        if path.is_file():
            assert MARK.encode() not in path.read_bytes(), path
    drv = instantiate(stand, project, "python-env.nix")
    out = realise(stand, drv)
    paths = stand.run(["nix-store", "--query", "--requisites", "--include-outputs", drv]).stdout.split()
    own = [path for path in paths if "app-python" in path or path.endswith(".drv") or path == out]
    assert len([path for path in own if path.endswith(".drv")]) > 10
    # In the source there is what the user wrote; grep ends with 1 where it finds nothing.
    found = stand.run(["grep", "-rlF", MARK, *own], check=False)
    assert (found.returncode, found.stdout) == (1, "")
    for one in (path for path in own if path.endswith(".drv") and "app-python" in path):
        log = stand.run(["nix-store", "--read-log", one], check=False)
        assert MARK not in log.stdout + log.stderr
