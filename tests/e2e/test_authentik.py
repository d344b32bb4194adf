"""fixtures/authentik: what made a large Django application hard to package, built and run in real Nix."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.conftest import Built, instantiate, realise, uvlock2nix
from tests.support import git_server
from tests.support.stand import STAND
from uvlock2nix.lock import Selection, load_project, resolve
from uvlock2nix.target import Target

pytestmark = [pytest.mark.stand, pytest.mark.network, pytest.mark.slow]

IMPORT_ALL = r"""
import importlib, importlib.machinery, json, pathlib, sys
import psycopg  # psycopg_c wants it first
site = pathlib.Path(sys.argv[1])
suffixes = sorted(importlib.machinery.EXTENSION_SUFFIXES, key=len, reverse=True)
done, failed = [], {}
for path in sorted(site.rglob("*.so")):
    suffix = next((s for s in suffixes if path.name.endswith(s)), None)
    inside = path.relative_to(site)
    if suffix is None or inside.parts[0].endswith(".libs"):
        continue
    name = ".".join([*inside.parts[:-1], path.name[: -len(suffix)]])
    try:
        importlib.import_module(name)
        done.append(name)
    except BaseException as error:
        failed[name] = repr(error)
print(json.dumps({"done": done, "failed": failed}))
"""

DISTRIBUTIONS = r"""
import importlib.metadata as m, json
print(json.dumps({d.metadata["Name"]: [d.version, all(f.locate().exists() for f in d.files or [])]
                  for d in m.distributions()}))
"""


def python(built: Built, script: str, *arguments: str) -> str:
    done = built.stand.run([f"{built.venv}/bin/python", "-I", "-c", script, *arguments], cwd=Path("/"))
    return done.stdout


def expected(built: Built) -> dict[str, str | None]:
    """The packages that uv would install: name → version, from the lock."""
    project = load_project(built.project)
    version = built.site.parent.name.removeprefix("python")
    target = Target.parse("x86_64-linux", version)
    environment = resolve(project, Selection(), target)
    return {one.package.name: one.package.version for one in environment.packages}


def test_every_extension_module_imports(authentik: Built) -> None:
    # In env the folders are real; package shows them as links.
    minor = authentik.site.parent.name
    result = json.loads(python(authentik, IMPORT_ALL, f"{authentik.env}/lib/{minor}/site-packages"))
    print(f"{len(result['done'])} extension modules import, {len(result['failed'])} do not")
    assert result["failed"] == {}
    there = {name.split(".")[0] for name in result["done"]}
    assert {"lxml", "xmlsec", "psycopg_c", "gssapi", "cryptography", "yaml", "uvloop"} <= there
    assert len(result["done"]) >= 43


def test_metadata_knows_every_package(authentik: Built) -> None:
    found = {
        re.sub(r"[-_.]+", "-", name).lower(): value
        for name, value in json.loads(python(authentik, DISTRIBUTIONS)).items()
    }
    wanted = expected(authentik)
    assert set(found) == set(wanted)
    for name, version in wanted.items():
        assert version is None or found[name][0] == version
        assert found[name][1], f"{name}: a file of its RECORD is not there"


def test_dev_group_and_extra_are_not_in(authentik: Built) -> None:
    assert not {"pytest", "ruff", "sentry-sdk"} & set(expected(authentik))
    assert not list(authentik.site.glob("pytest*"))
    assert not list(authentik.site.glob("sentry*"))


def test_all_console_scripts_start(authentik: Built) -> None:
    points = json.loads(
        python(
            authentik,
            "import importlib.metadata as m, json; print(json.dumps(sorted({e.name for e in "
            "m.entry_points(group='console_scripts')})))",
        )
    )
    assert {"ak", "ak-client", "akl-flags", "django-admin", "gunicorn", "uvicorn"} <= set(points)
    there = {path.name for path in (authentik.host(authentik.venv) / "bin").iterdir()}
    assert set(points) <= there
    for name in points:
        done = authentik.stand.run([f"{authentik.venv}/bin/{name}", "--help"], check=False, cwd=Path("/"))
        assert "Traceback" not in done.stderr, f"{name}: {done.stderr}"
        assert done.returncode in {0, 1, 2}, f"{name}: {done.returncode} {done.stderr}"


def test_native_parts_work(authentik: Built) -> None:
    done = authentik.stand.run([f"{authentik.package}/bin/ak", "check-native"], cwd=Path("/"))
    report = json.loads(done.stdout)
    assert all(part["ok"] for part in report.values()), report
    assert report["psycopg"]["implementation"] == "c"
    assert len(report["gssapi"]["raw_modules"]) >= 25
    assert report["lxml"]["libxml2_loaded"] == report["xmlsec"]["libxml2_loaded"]


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_migrates_and_answers(authentik: Built, tmp_path: Path, server: str) -> None:
    ak = f"{authentik.package}/bin/ak"
    env = {"AUTHENTIK_LIKE_DATABASE": str(tmp_path / "db.sqlite3")}
    authentik.stand.run([ak, "migrate"], env=env, cwd=Path("/"))
    port = _free_port()
    process = subprocess.Popen(
        [
            STAND / "enter",
            "forky",
            ak,
            "serve",
            "--server",
            server,
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ],
        env=authentik.stand.env(env),
        cwd="/",
    )
    try:
        assert _get(f"http://127.0.0.1:{port}/", process)[0] == 200
        status, body = _get(f"http://127.0.0.1:{port}/saml/", process)
        assert status == 200
        assert "SignatureValue" in body
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _get(url: str, process: subprocess.Popen[bytes]) -> tuple[int, str]:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except (ConnectionError, urllib.error.URLError):
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.2)


def test_extension_carries_store_paths_and_deps_does_not(authentik: Built) -> None:
    extension = next((authentik.host(authentik.env)).glob("lib/python3.*/site-packages/lxml/etree.*.so"))
    shown = subprocess.run(["readelf", "-d", extension], capture_output=True, text=True, check=True).stdout
    assert re.search(r"RUNPATH.*/nix/store/[^:]*-libxml2-[^:/]*/lib", shown)
    stripped = next((authentik.host(authentik.deps)).glob("lib/python3.*/site-packages/lxml/etree.*.so"))
    hashes = set(re.findall(rb"/nix/store/([0-9a-df-np-sv-z]{32})-", stripped.read_bytes()))
    assert hashes == set()


def test_deps_has_no_reference(authentik: Built, tmp_path: Path) -> None:
    stand = authentik.stand
    assert stand.nix_version() >= (2, 16), "this Nix would let references pass"
    assert stand.run(["nix-store", "--query", "--references", authentik.deps]).stdout == ""
    closure = tmp_path / "closure"
    inputs = stand.run(
        ["nix-store", "--query", "--requisites", "--include-outputs", authentik.deps_drv]
    ).stdout
    closure.write_text(f"{inputs}\n{authentik.deps}\n")
    done = uvlock2nix(stand, "refs", "audit", authentik.host(authentik.deps), "--closure", closure)
    assert done.returncode == 0, done.stdout + done.stderr


def test_audit_would_find_one(authentik: Built, tmp_path: Path) -> None:
    """The scan of the test above fails when it must: on env, which has them all."""
    closure = tmp_path / "closure"
    done = authentik.stand.run(["nix-store", "--query", "--requisites", authentik.env])
    closure.write_text(done.stdout)
    found = uvlock2nix(
        authentik.stand, "refs", "audit", "--json", authentik.host(authentik.env), "--closure", closure
    )
    assert found.returncode == 1
    assert "store references are left" in found.stderr
    assert '"lxml"' in found.stdout


def test_deps_is_the_same_when_built_again(authentik: Built) -> None:
    """On one core instead of two; Nix compares the hash."""
    with git_server.serve(wait=600):
        done = authentik.stand.run(
            ["nix-store", "--realise", "--check", "--option", "cores", "1", authentik.deps_drv],
            check=False,
            timeout=2400,
        )
    assert done.returncode == 0, done.stderr[-4000:]


def test_a_source_edit_builds_package_only(authentik: Built, tmp_path: Path) -> None:
    project = tmp_path / "edited"
    shutil.copytree(authentik.project, project)
    before = {
        name: instantiate(authentik.stand, project, name) for name in ("python-deps.nix", "python-env.nix")
    }
    view = project / "authentik_like" / "core" / "views.py"
    view.write_text(view.read_text() + "\nEDITED = True\n")
    after = {name: instantiate(authentik.stand, project, name) for name in before}
    assert after == before
    start = time.monotonic()
    venv = realise(authentik.stand, instantiate(authentik.stand, project, "package.nix"))
    took = time.monotonic() - start
    print(f"package alone after an edit of a source file: {took:.1f} s")
    assert venv != authentik.venv
    (edited,) = authentik.host(venv).glob("lib/python3.*/site-packages/authentik_like/core/views.py")
    assert "EDITED" in edited.read_text()


def test_a_changed_lock_is_loud(authentik: Built, tmp_path: Path) -> None:
    project = tmp_path / "stale"
    shutil.copytree(authentik.project, project)
    lock = project / "uv.lock"
    lock.write_text(lock.read_text().replace('name = "idna"', 'name = "idna" ', 1))
    done = authentik.stand.run(
        [
            "nix-instantiate",
            "-E",
            _expression(),
            "--argstr",
            "dir",
            str(project),
            "--argstr",
            "file",
            "/nix/package.nix",
        ],
        check=False,
    )
    assert done.returncode != 0
    assert "uvlock2nix update-hash" in done.stderr


def _expression() -> str:
    from tests.e2e.conftest import EXPRESSION

    return EXPRESSION


def test_generated_lists_name_their_packages(authentik: Built) -> None:
    text = (authentik.project / "nix" / "python-deps.nix").read_text()
    for line in ("krb5 # gssapi", "libpq # psycopg-c", "libxml2 # lxml, xmlsec", "libtool # xmlsec"):
        assert line in text
    assert (authentik.project / "nix" / "python-deps.nix").read_text().count("libxslt # lxml, xmlsec") == 1
