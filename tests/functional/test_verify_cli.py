"""``uvlock2nix verify``: with a Nix that is played, and with the real one."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.packages import make_sdist
from tests.support.stand import require_stand
from tests.support.verify import SCHEMA, answer, on_stand
from uvlock2nix.nar import Hash, fod_path, parse_hash
from uvlock2nix.verify import CAUSES

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "verify.md").read_text()
OTHER = Hash("sha256", bytes(range(32)))
SITE = "lib/python3.13/site-packages"


@dataclass
class Place:
    """A project, a fake Nix that keeps its store's trees below ``trees``, and the command."""

    root: Path
    state: Path
    trees: Path
    env: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "uvlock2nix", *arguments],
            cwd=self.root, env=self.env, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def verify(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return self.run("verify", "--store-root", str(self.trees), *arguments, code=code)

    @property
    def pins(self) -> Path:
        return self.root / "nix" / "python-deps.json"

    def edit_pins(self, **values: str) -> None:
        data = json.loads(self.pins.read_text())
        data["hashes"]["x86_64-linux"].update(values)
        self.pins.write_text(json.dumps(data))

    @property
    def pin(self) -> dict[str, str]:
        pin: dict[str, str] = json.loads(self.pins.read_text())["hashes"]["x86_64-linux"]
        return pin

    @property
    def builds(self) -> int:
        log = self.state / "builds"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def output(self, digest: Hash, files: Mapping[str, str]) -> None:
        """What is at the path that deps has with ``digest``."""
        tree = self.trees / fod_path(f"deps-{self.pin['key']}", digest).lstrip("/")
        rows = []
        for name, text in files.items():
            place = tree / SITE / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
            digest_text = (
                base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            )
            rows.append(f"{name},sha256={digest_text},{len(text)}\n")
        info = tree / SITE / "luck-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "RECORD").write_text("".join(rows) + "luck-1.0.dist-info/RECORD,,\n")


@pytest.fixture(scope="module")
def pinned(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """hello, generated and with its hash in the pins."""
    base = tmp_path_factory.mktemp("verify")
    root, state, programs = base / "project", base / "state", base / "bin"
    shutil.copytree(REPOSITORY / "fixtures" / "hello", root, ignore=shutil.ignore_patterns("nix"))
    for folder in (state, programs):
        folder.mkdir()
    for name in ("nix-store", "nix-instantiate"):
        program = programs / name
        program.write_text(
            f"#!{sys.executable}\nimport runpy, sys\n"
            f"sys.path.insert(0, {str(REPOSITORY)!r})\n"
            "runpy.run_module('tests.support.fake_nix_program', run_name='__main__')\n"
        )
        program.chmod(0o755)
    env = {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HOME": str(base),
        "PYTHONPATH": str(REPOSITORY),
        "NIX_PATH": "nixpkgs=/nowhere",
        "FAKE_NIX_STATE": str(state),
    }
    place = Place(root, state, base / "trees", env)
    place.run("generate", "--python", "3.13", "--system", "x86_64-linux")
    place.run("update-hash")
    return place


@pytest.fixture
def place(tmp_path: Path, pinned: Place) -> Place:
    root, state = tmp_path / "project", tmp_path / "state"
    shutil.copytree(pinned.root, root)
    shutil.copytree(pinned.state, state)
    return Place(root, state, tmp_path / "trees", {**pinned.env, "FAKE_NIX_STATE": str(state)})


LUCK = {
    "luck/__init__.py": "",
    "luck/cores.py": "CORES = 4\n",
    "luck/where.py": "WHERE = '/build/tmp8a/luck'\n",
}
OTHER_LUCK = {
    "luck/__init__.py": "",
    "luck/cores.py": "CORES = 1\n",
    "luck/where.py": "WHERE = '/build/tmpx1/luck'\n",
}


def differing(place: Place) -> None:
    """From now on builds give something else than what is pinned and in the store."""
    place.output(parse_hash(place.pin["hash"]), LUCK)
    place.output(OTHER, OTHER_LUCK)
    place.env["FAKE_NIX_RIGHT"] = OTHER.sri


def test_equal_is_said_with_hash_time_and_conditions(place: Place) -> None:
    before = {path: path.read_bytes() for path in place.root.rglob("*") if path.is_file()}
    count = place.builds
    done = place.verify()
    assert place.builds == count + 1
    lines = done.stdout.splitlines()
    assert lines[1] == f"  first   {place.pin['hash']}  already in the store"
    assert re.fullmatch(rf"  second  {re.escape(place.pin['hash'])}  built in [\d.]+ s, \d cores?", lines[2])
    assert lines[3:] == ["equal"]
    value = answer(place.verify("--json", "--fresh", "--cores-first", "3", "--build-dir", "/b"))
    assert (value["equal"], value["findings"]) == (True, [])
    assert [run["cores"] for run in value["runs"]] == [3, 1]
    assert [run["buildDir"] for run in value["runs"]] == [None, "/b"]
    assert value["runs"][0]["out"] != value["runs"][1]["out"]
    assert place.builds == count + 3
    assert before == {path: path.read_bytes() for path in place.root.rglob("*") if path.is_file()}


def test_what_differs_is_attributed(place: Place) -> None:
    differing(place)
    done = place.verify("--json", code=1)
    value = answer(done)
    assert not value["equal"]
    assert [
        (one["file"].removeprefix(SITE + "/"), one["package"], one["cause"]) for one in value["findings"]
    ] == [
        ("luck-1.0.dist-info/RECORD", "luck", "record"),
        ("luck/cores.py", "luck", "random"),  # with how many cores the first was built is not known
        ("luck/where.py", "luck", "build-path"),
    ]
    assert "3 files of 1 package" in done.stderr
    assert "hint: the first output was already in the store" in done.stderr


def test_the_example_in_the_docs(place: Place, tmp_path: Path) -> None:
    """A build whose output differs each time: the fake Nix is reconfigured between the two builds."""
    differing(place)
    # The first build of --fresh gives the pinned hash: a wrapper changes what is right after one build.
    program = Path(place.env["PATH"].split(":")[0]) / "nix-store"
    wrapper = tmp_path / "bin" / "nix-store"
    wrapper.parent.mkdir()
    wrapper.write_text(
        f"#!/bin/sh\n[ -e {tmp_path}/once ] || FAKE_NIX_RIGHT={place.pin['hash']}\n"
        f'export FAKE_NIX_RIGHT\n[ "$1" != --realise ] || : > {tmp_path}/once\nexec {program} "$@"\n'
    )
    wrapper.chmod(0o755)
    place.env["PATH"] = f"{wrapper.parent}:{place.env['PATH']}"
    ((line, expected),) = re.findall(r"```console\n\$ uvlock2nix verify (.+)\n((?:.*\n)*?)```", PAGE)
    done = place.verify(*line.split(), code=1)
    shown = re.sub(r"sha256-\S+", "sha256-…", re.sub(r"built in [\d.]+ s", "built in … s", done.stdout))
    assert re.sub(r"^deps-\w+", "demo-python-deps-…", shown) == expected
    assert "only by chance" in done.stderr


def test_every_cause_is_in_the_docs() -> None:
    table = PAGE.partition("## Causes")[2]
    assert re.findall(r"`([a-z-]+)`", " ".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))) == list(
        CAUSES
    )
    assert SCHEMA["$defs"]["cause"]["enum"] == list(CAUSES)


def test_pins_that_are_wrong_both_times(place: Place) -> None:
    right = place.pin["hash"]
    place.edit_pins(hash=OTHER.sri)
    place.env["FAKE_NIX_RIGHT"] = right
    done = place.verify(code=1)
    assert "equal, but different from the pins" in done.stdout
    assert f"give {right}; the pins have {OTHER.sri}" in done.stderr
    assert "update-hash" in done.stderr


def test_pins_of_something_else_are_not_verified(place: Place) -> None:
    count = place.builds
    lock = place.root / "uv.lock"
    text = lock.read_text()
    lock.write_text(text + "\n")
    assert "a different uv.lock" in place.verify(code=1).stderr
    lock.write_text(text)
    assert "no hash for aarch64-linux" in place.verify("--system", "aarch64-linux", code=1).stderr
    place.edit_pins(key="0" * 32)
    failed = place.verify(code=1)
    assert "was made for 00000000" in failed.stderr
    assert "--nixpkgs" in failed.stderr
    assert place.builds == count


@pytest.mark.parametrize(("line", "code"), [("error: dns error", 5), ("cannot find -lxml2", 4)])
def test_a_build_that_fails(place: Place, line: str, code: int) -> None:
    place.env["FAKE_NIX_FAIL"] = line
    failed = place.verify(code=code)
    assert f"> {line}" in failed.stderr
    place.edit_pins(hash=OTHER.sri)  # now the first of them has to be built, and fails
    count = place.builds
    place.verify(code=code)
    assert place.builds == count + 1


def test_what_a_user_can_do_wrong(place: Place) -> None:
    assert "has no pyproject.toml" in place.run("verify", str(place.state), code=3).stderr
    place.run("verify", "--cores-first", "-1", code=2)
    place.run("verify", "--system", "vax", code=2)
    place.env["FAKE_NIX_RIGHT"] = OTHER.sri
    failed = place.verify(code=4)  # the trees are nowhere
    assert "--store-root" in failed.stderr
    place.env["PATH"] = "/nonexistent"
    assert "not installed" in place.verify(code=4).stderr


# -- real Nix --

BACKEND = r'''
import base64, hashlib, os, time, uuid, zipfile

def build_wheel(out, settings=None, metadata=None):
    info = "luck-1.0.dist-info"
    files = {
        "luck/__init__.py": "",
        "luck/cores.py": "CORES = %s\n" % os.environ["NIX_BUILD_CORES"],
        "luck/when.py": "BUILT = %d\n" % time.time(),
        "luck/where.py": "WHERE = %r\n" % os.getcwd(),
        "luck/who.py": "ID = '%s'\n" % uuid.uuid4(),
        info + "/METADATA": "Metadata-Version: 2.1\nName: luck\nVersion: 1.0\n",
        info + "/WHEEL": "Wheel-Version: 1.0\nGenerator: b (1)\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    with zipfile.ZipFile(os.path.join(out, "luck-1.0-py3-none-any.whl"), "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows.append("%s,sha256=%s,%d\n" % (name, digest, len(text)))
        file.writestr(info + "/RECORD", "".join(rows) + info + "/RECORD,,\n")
    return "luck-1.0-py3-none-any.whl"
'''  # fmt: skip
LOCK = """version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "luck"
version = "1.0"
source = {{ path = "luck-1.0.tar.gz" }}
sdist = {{ hash = "sha256:{digest}" }}

[[package]]
name = "luck-app"
version = "1.0"
source = {{ virtual = "." }}
dependencies = [{{ name = "luck" }}]

[package.metadata]
requires-dist = [{{ name = "luck", path = "luck-1.0.tar.gz" }}]
"""


def luck_project(root: Path) -> Path:
    """A project whose only package is a different one each time it is built; it needs no network."""
    sdist = make_sdist(
        root, "luck",
        {
            "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n',
            "own.py": BACKEND,
        },
    )  # fmt: skip
    (root / "uv.lock").write_text(LOCK.format(digest=hashlib.sha256(sdist.read_bytes()).hexdigest()))
    (root / "pyproject.toml").write_text(
        '[project]\nname = "luck-app"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
        'dependencies = ["luck"]\n[tool.uv]\npackage = false\n'
        '[tool.uv.sources]\nluck = { path = "luck-1.0.tar.gz" }\n'
    )
    return root


@pytest.mark.stand
@pytest.mark.slow
@pytest.mark.parametrize("suite", ["forky", "trixie"])
def test_a_build_that_depends_on_luck(suite: str, tmp_path: Path) -> None:
    stand = require_stand("forky" if suite == "forky" else "trixie")
    minor = stand.evaluate("(import <nixpkgs> { }).python3.pythonVersion")
    project = luck_project(tmp_path / "luck")
    on_stand(stand, "generate", project, "--python", str(minor))
    on_stand(stand, "update-hash", project)
    common = ("verify", project, "--json", "--store-root", stand.root)
    value = answer(on_stand(stand, *common, code=1))
    assert value["runs"][0]["seconds"] is None
    assert value["runs"][0]["hash"] == value["pinned"] != value["runs"][1]["hash"]
    found = {one["file"].rpartition("/")[2]: one["cause"] for one in value["findings"]}
    assert found == {"cores.py": "random", "when.py": "timestamp", "who.py": "random", "RECORD": "record"}
    value = answer(
        on_stand(stand, *common, "--fresh", "--cores-first", "3", "--build-dir", "/elsewhere", code=1)
    )
    found = {one["file"].rpartition("/")[2]: one["cause"] for one in value["findings"]}
    assert found == {
        "cores.py": "cores",
        "when.py": "timestamp",
        "where.py": "build-path",
        "who.py": "random",
        "RECORD": "record",
    }
    assert {one["package"] for one in value["findings"]} == {"luck"}
    (where,) = (one["evidence"][0] for one in value["findings"] if one["file"].endswith("where.py"))
    assert "/elsewhere/" in where["second"]
    assert "/elsewhere/" not in where["first"]


@pytest.mark.stand
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("suite", ["forky", "bookworm"])
def test_hello_is_the_same_twice(suite: str, tmp_path: Path) -> None:
    stand = require_stand("forky" if suite == "forky" else "bookworm")
    minor = stand.evaluate("(import <nixpkgs> { }).python3.pythonVersion")
    project = tmp_path / "hello"
    shutil.copytree(REPOSITORY / "fixtures" / "hello", project, ignore=shutil.ignore_patterns("nix"))
    on_stand(stand, "generate", project, "--python", str(minor))
    on_stand(stand, "update-hash", project)
    done = on_stand(stand, "verify", project, "--store-root", stand.root, "--build-dir", "/elsewhere")
    assert done.stdout.endswith("\nequal\n")
    # A hash that is not what is built: Nix says so, and both builds agree with each other.
    pins = project / "nix" / "python-deps.json"
    data = json.loads(pins.read_text())
    right = data["hashes"]["x86_64-linux"]["hash"]
    data["hashes"]["x86_64-linux"]["hash"] = OTHER.sri
    pins.write_text(json.dumps(data))
    done = on_stand(stand, "verify", project, "--store-root", stand.root, code=1)
    assert f"give {right}; the pins have {OTHER.sri}" in done.stderr
