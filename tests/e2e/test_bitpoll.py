"""fixtures/bitpoll with ``--from-nixpkgs compatible``: a part from nixpkgs, the rest from the lock."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Built, copy_fixture, go, uvlock2nix
from tests.support.stand import REPO, STAND, Stand, StandCommandError
from uvlock2nix.lock import Selection, load_project, resolve
from uvlock2nix.target import Target

pytestmark = [pytest.mark.stand, pytest.mark.network, pytest.mark.slow]

# What the stand's Python set has of it: the same version, or a newer one that can stand for the locked one.
TAKEN = {
    "asgiref": "3.13.0",
    "django": "5.2.19",
    "python-dateutil": "2.9.0.post0",
    "six": "1.17.0",
    "sqlparse": "0.6.1",
}

# A nixpkgs like the stand's, but for its python313, which CHANGE makes of `python` (python313 as it was).
OTHER_NIXPKGS = """\
{ overlays ? [ ], ... }@args:
let change = final: prev: { python313 = let python = prev.python313; in CHANGE; }; in
import STAND (args // { overlays = [ change ] ++ overlays; })
"""
NEWER = 'python.override { packageOverrides = _: old: { django = old.django // { version = "5.2.99"; }; }; }'
GONE = 'python // { pkgs = removeAttrs python.pkgs [ "sqlparse" ]; }'
MORE = (
    "python.override { packageOverrides = _: old: { django = old.django"
    " // { requiredPythonModulesDirect = old.django.requiredPythonModulesDirect ++ [ old.idna ]; }; }; }"
)
CLASH = """\
python.override { packageOverrides = _: old: { django = old.django // {
  requiredPythonModulesDirect = old.django.requiredPythonModulesDirect ++ [
    (prev.runCommand "clash-1" { } ''
      mkdir -p $out/bin $out/lib/python3.13/site-packages/idna
      echo "echo from nixpkgs" > $out/bin/normalizer
      chmod +x $out/bin/normalizer
      echo "x = 1" > $out/lib/python3.13/site-packages/idna/core.py
      cp $out/bin/normalizer $out/lib/python3.13/site-packages/charset_normalizer.py
    '')
  ];
}; }; }"""

DISTRIBUTIONS = """\
import importlib.metadata as m, json
print(json.dumps([[d.metadata["Name"], d.version, all(f.locate().exists() for f in d.files or [])]
                  for d in m.distributions()]))
"""
LOADED = """\
import json, re, ldap, psycopg2
maps = open("/proc/self/maps").read()
print(json.dumps(sorted(set(re.findall(r"/nix/store/[^/]+/lib/[^/\\s]+", maps)))))
"""


def index_update(stand: Stand, *arguments: str | Path) -> None:
    """``uvlock2nix index update`` with the stand's Nix."""
    done = subprocess.run(
        [sys.executable, "-m", "uvlock2nix", "index", "update", *map(str, arguments)],
        env=stand.env({"NIX_PATH": f"nixpkgs={STAND / 'nixpkgs'}"}),
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The index that is made here is this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def bitpoll(stand: Stand, own_cache: None, tmp_path_factory: pytest.TempPathFactory) -> Built:
    present = stand.evaluate("builtins.attrNames (import <nixpkgs> { }).python313.pkgs")
    assert isinstance(present, list)
    assert set(TAKEN) <= set(present), "the stand's Python set is an older one: run tests/stand/setup forky"
    project = copy_fixture("bitpoll", tmp_path_factory.mktemp("bitpoll"))
    index_update(stand, project)
    return go(stand, project)


@pytest.fixture
def built_site(bitpoll: Built) -> Path:
    (site,) = bitpoll.host(bitpoll.env).glob("lib/python3.13/site-packages")
    return site


def python(built: Built, script: str) -> str:
    return built.stand.run([f"{built.venv}/bin/python", "-I", "-c", script], cwd=Path("/")).stdout


def locked(built: Built) -> dict[str, str | None]:
    environment = resolve(load_project(built.project), Selection(), Target.parse("x86_64-linux", "3.13"))
    return {one.package.name: one.package.version for one in environment.packages}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_a_part_comes_from_nixpkgs(built_site: Path) -> None:
    """Links into nixpkgs' own store paths, metadata and code; all else is the environment's own."""
    linked: dict[str, str] = {}
    for info in built_site.glob("*.dist-info"):
        name = normal(info.name.partition("-")[0])
        if info.is_symlink():
            source = str(info.readlink())
            found = re.match(rf"/nix/store/[0-9a-z]{{32}}-python3\.13-{re.escape(name)}-([^/]+)/lib/", source)
            assert found, source
            linked[name] = found[1]
    assert linked == TAKEN
    for module in ("asgiref", "dateutil", "django", "six.py", "sqlparse"):
        assert "-python3.13-" in str((built_site / module).readlink())
    others = [
        path.name for path in built_site.iterdir() if path.is_symlink() and "dist-info" not in path.name
    ]
    assert sorted(others) == ["asgiref", "dateutil", "django", "six.py", "sqlparse"]


def test_deps_has_only_the_rest(bitpoll: Built) -> None:
    found = {
        normal(path.name.partition("-")[0])
        for path in bitpoll.host(bitpoll.deps).glob("lib/python3.13/site-packages/*.dist-info")
    }
    assert found == set(locked(bitpoll)) - set(TAKEN) - {"bitpoll-like"}


def test_no_package_is_there_twice(bitpoll: Built) -> None:
    found = json.loads(python(bitpoll, DISTRIBUTIONS))
    names = [normal(name) for name, _, _ in found]
    assert sorted(names) == sorted(set(names))
    versions = {normal(name): version for name, version, _ in found}
    assert versions == {**locked(bitpoll), **TAKEN}
    assert all(complete for name, _, complete in found if normal(name) not in TAKEN)


def test_compiled_packages_work(bitpoll: Built) -> None:
    done = bitpoll.stand.run([f"{bitpoll.package}/bin/bitpoll", "check-native"], cwd=Path("/"))
    report = json.loads(done.stdout)
    assert report["ldap"]["sasl"] == 1
    assert report["ldap"]["tls"] == 1
    assert report["libpq"] >= 150000
    loaded = " ".join(json.loads(python(bitpoll, LOADED)))
    for library in (
        r"openldap-[^/]*/lib/libldap\.",
        r"cyrus_sasl-[^/]*/lib/libsasl2\.",
        r"libpq-[^/]*/lib/libpq\.",
    ):
        assert re.search(library, loaded), loaded


def test_programs_of_nixpkgs_packages_see_the_whole(bitpoll: Built) -> None:
    program = f"{bitpoll.venv}/bin/django-admin"
    assert bitpoll.stand.run([program, "--version"], cwd=Path("/")).stdout.strip() == TAKEN["django"]
    shown = bitpoll.stand.run(
        [program, "showmigrations", "--settings", "bitpoll_like.settings"],
        env={"BITPOLL_LIKE_DATABASE": ":memory:"},
        cwd=Path("/"),
    )
    assert "0001_initial" in shown.stdout


def test_migrates_and_answers(bitpoll: Built, tmp_path: Path) -> None:
    program = f"{bitpoll.package}/bin/bitpoll"
    env = {"BITPOLL_LIKE_DATABASE": str(tmp_path / "db.sqlite3"), "HOME": str(tmp_path)}
    bitpoll.stand.run([program, "migrate"], env=env, cwd=Path("/"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [STAND / "enter", "forky", program, "serve", "--port", str(port)],
        env=bitpoll.stand.env(env),
        cwd="/",
    )
    try:
        assert "When do we meet? (2026-11-20)" in get(f"http://127.0.0.1:{port}/", process)
        assert "DTSTART:20261120T140000Z" in get(f"http://127.0.0.1:{port}/polls.ics", process)
        assert '<poll year="2026">When do we meet?' in get(f"http://127.0.0.1:{port}/polls.xml", process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def get(url: str, process: subprocess.Popen[bytes]) -> str:
    """The body of a page that exists (200)."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                assert answer.status == 200
                return str(answer.read().decode())
        except urllib.error.HTTPError:
            raise
        except (ConnectionError, urllib.error.URLError):
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.2)


@pytest.mark.parametrize(
    ("package", "reasons"),
    [
        ("six", ["six 1.17.0: nixpkgs", "nixpkgs has this version"]),
        ("django", ["django 5.2.17: nixpkgs", "nixpkgs has 5.2.19, which can replace 5.2.17"]),
        (
            "pyasn1-modules",
            [
                "pyasn1-modules 0.4.2: wheel",
                "not from nixpkgs: it needs pyasn1, which is taken from the lock: ",
                "lock: nixpkgs has pyasn1 0.6.1, the lock 0.6.5",
            ],
        ),
    ],
)
def test_explain_gives_the_reason(bitpoll: Built, package: str, reasons: list[str]) -> None:
    done = uvlock2nix(bitpoll.stand, "classify", bitpoll.project, "--explain", package)
    assert done.returncode == 0, done.stderr
    for reason in reasons:
        assert reason in done.stdout


# --- when nixpkgs moves on ------------------------------------------------------------------------------


def other_nixpkgs(folder: Path, change: str) -> Path:
    text = OTHER_NIXPKGS.replace("STAND", str(STAND / "nixpkgs")).replace("CHANGE", change)
    folder.mkdir()
    (folder / "default.nix").write_text(text)
    return folder


def instantiate_env(built: Built, nixpkgs: Path, project: Path) -> str:
    overlays = f"overlays = [ (import {REPO / 'nix' / 'overlay.nix'}) ];"
    expression = f"(import {nixpkgs} {{ {overlays} }}).callPackage {project}/nix/python-env.nix {{ }}"
    return built.stand.run(["nix-instantiate", "-E", expression]).stdout.split()[-1].partition("!")[0]


def test_the_stand_wrapped_changes_nothing(bitpoll: Built, tmp_path: Path) -> None:
    """What the next tests see comes from the changes that they make."""
    same = other_nixpkgs(tmp_path / "same", "python")
    drv = instantiate_env(bitpoll, same, bitpoll.project)
    outputs = bitpoll.stand.run(["nix-store", "--query", "--outputs", drv]).stdout.split()
    assert bitpoll.env in outputs


def test_another_version_is_noticed_and_the_way_out_works(bitpoll: Built, tmp_path: Path) -> None:
    newer = other_nixpkgs(tmp_path / "newer", NEWER)
    with pytest.raises(StandCommandError, match=r"django 5\.2\.99, this was generated for 5\.2\.19") as e:
        instantiate_env(bitpoll, newer, bitpoll.project)
    assert "Run: uvlock2nix index update, then uvlock2nix generate" in str(e.value)
    project = Path(shutil.copytree(bitpoll.project, tmp_path / "bitpoll"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        index_update(bitpoll.stand, project, "--nixpkgs", newer)
        done = uvlock2nix(bitpoll.stand, "generate", project)
    assert done.returncode == 0, done.stderr
    assert 'django = "5.2.99";' in (project / "nix" / "python-env.nix").read_text()
    assert instantiate_env(bitpoll, newer, project).endswith("-bitpoll-like-python-env.drv")


def test_a_package_that_is_gone_is_noticed(bitpoll: Built, tmp_path: Path) -> None:
    gone = other_nixpkgs(tmp_path / "gone", GONE)
    with pytest.raises(StandCommandError, match=r"nixpkgs has no python313\.pkgs\.sqlparse") as error:
        instantiate_env(bitpoll, gone, bitpoll.project)
    assert "uvlock2nix generate" in str(error.value)


def test_a_package_that_comes_along_twice_is_refused(bitpoll: Built, tmp_path: Path) -> None:
    """nixpkgs' django begins to propagate what the lock provides: no environment with both."""
    more = other_nixpkgs(tmp_path / "more", MORE)
    drv = instantiate_env(bitpoll, more, bitpoll.project)
    with pytest.raises(StandCommandError, match="idna is in the environment twice: from the lock") as e:
        bitpoll.stand.run(["nix-store", "--realise", drv])
    assert "uvlock2nix generate" in str(e.value)


def test_what_nixpkgs_and_the_lock_both_have_is_named(bitpoll: Built, tmp_path: Path) -> None:
    """A package of nixpkgs that is not a distribution, with a program, a file and a module of the lock's."""
    clash = other_nixpkgs(tmp_path / "clash", CLASH)
    overlays = f"overlays = [ (import {REPO / 'nix' / 'overlay.nix'}) ];"
    env = f"(import {clash} {{ {overlays} }}).callPackage {bitpoll.project}/nix/python-env.nix {{ }}"
    keep = f'({env}).overrideAttrs (_: {{ uvEnvKeep = [ "bin=clash-1" ]; }})'
    for expression, program, kept in ((env, "lock", "idna"), (keep, "nixpkgs", "idna")):
        drv = bitpoll.stand.run(["nix-instantiate", "-E", expression]).stdout.split()[-1].partition("!")[0]
        built = bitpoll.stand.run(["nix-store", "--realise", drv], timeout=1200)
        log = bitpoll.stand.run(["nix-store", "--read-log", drv]).stdout
        winner = "charset-normalizer (from the lock)" if program == "lock" else "clash-1 (from nixpkgs)"
        assert f"uvlock2nix: bin/normalizer: in {winner} and in " in log
        assert f"uvlock2nix: idna/core.py: in {kept} (from the lock) and in clash-1 (from nixpkgs)" in log
        assert "module charset_normalizer: in charset-normalizer (from the lock) and in clash-1" in log
        assert "hint: choose the package that wins under [tool.uvlock2nix.collisions]" in log
        (out,) = (path for path in built.stdout.split() if path.endswith("-env"))
        is_link = (bitpoll.host(out) / "bin" / "normalizer").is_symlink()
        assert is_link == (program == "nixpkgs")
