"""``uvlock2nix verify`` in real Nix: one sdist for each cause, and each cause is recognised."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.packages import make_sdist
from tests.support.stand import require_stand
from tests.support.verify import answer, on_stand

BACKEND = r'''
import base64, hashlib, io, os, subprocess, sys, tempfile, time, uuid, zipfile

NAME = "@NAME@"
CORES = int(os.environ["NIX_BUILD_CORES"])

def shared_object(*flags):
    """Compiled where no other build is: in a folder with a random name."""
    folder = tempfile.mkdtemp()
    source, out = os.path.join(folder, "x.c"), os.path.join(folder, "x.so")
    with open(source, "w") as file:
        file.write('const char *where(void) { return PLACE; }\nint number(void) { return NUMBER; }\n')
    command = ["cc", "-shared", "-fPIC", "-s", '-DPLACE="x"', "-DNUMBER=1", *flags, source, "-o", out]
    subprocess.run(command, check=True)
    with open(out, "rb") as file:
        return file.read()

def shuffled():
    command = [sys.executable, "-c", "print(' '.join({'a%d' % n for n in range(40)}))"]
    env = {**os.environ, "PYTHONHASHSEED": "random"}
    return subprocess.run(command, env=env, check=True, capture_output=True).stdout

def zipped():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr(zipfile.ZipInfo("x", time.gmtime()[:6]), "the same")
    return out.getvalue()

def wheel_file(generator="own (1.0)"):
    return "Wheel-Version: 1.0\nGenerator: %s\nRoot-Is-Purelib: true\nTag: py3-none-any\n" % generator

def files(info):
    return @FILES@

def build_wheel(out, settings=None, metadata=None):
    info = NAME + "-1.0.dist-info"
    content = {
        NAME + "/__init__.py": "",
        info + "/METADATA": "Metadata-Version: 2.1\nName: %s\nVersion: 1.0\n" % NAME,
        info + "/WHEEL": wheel_file(),
        **files(info),
    }
    rows = []
    with zipfile.ZipFile(os.path.join(out, NAME + "-1.0-py3-none-any.whl"), "w") as file:
        for name, data in content.items():
            mode = 0o755 if name.endswith(".sh") and CORES > 1 else 0o644
            data = data.encode() if isinstance(data, str) else data
            item = zipfile.ZipInfo(name)
            item.external_attr = (0o100000 | mode) << 16
            file.writestr(item, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.append("%s,sha256=%s,%d\n" % (name, digest, len(data)))
        file.writestr(info + "/RECORD", "".join(rows) + info + "/RECORD,,\n")
    return NAME + "-1.0-py3-none-any.whl"
'''  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A package: its setup.py beyond the usual, the file that differs, and the cause ("" for none)."""

    files: str
    file: str = ""
    cause: str = ""


CASES = {
    "stamped": Case('{"stamped/when.py": "BUILT = %r\\n" % time.time()}', "stamped/when.py", "timestamp"),
    "zipped": Case('{"zipped/x.zip": zipped()}', "zipped/x.zip", "timestamp"),
    "placed": Case('{"placed/x.so": shared_object("-DPLACE=__FILE__")}', "placed/x.so", "build-path"),
    # A build that does not hear what sync says to the linker: no build-id.
    "named": Case(
        'os.environ.pop("NIX_LDFLAGS") and '
        '{"named/x.so": shared_object("-Wl,--build-id=0x" + uuid.uuid4().hex)}',
        "named/x.so",
        "build-id",
    ),
    "coded": Case('{"coded/x.so": shared_object("-DNUMBER=%d" % (CORES + 7000))}', "coded/x.so", "code"),
    "shuffled": Case('{"shuffled/x.txt": shuffled()}', "shuffled/x.txt", "order"),
    "tooled": Case(
        '{info + "/WHEEL": wheel_file("own (1.%d)" % time.time_ns())}',
        "tooled-1.0.dist-info/WHEEL",
        "generator",
    ),
    "drawn": Case('{"drawn/x.py": "ID = %r\\n" % str(uuid.uuid4())}', "drawn/x.py", "random"),
    "counted": Case('{"counted/x.py": "JOBS = %d\\n" % CORES}', "counted/x.py", "cores"),
    "moded": Case('{"moded/x.sh": "true\\n"}', "moded/x.sh", "mode"),
    "partly": Case('{"partly/x.py": ""} if CORES > 1 else {}', "partly/x.py", "missing"),
    "wholly": Case('{"wholly/x.py": ""} if CORES == 1 else {}', "wholly/x.py", "extra"),
    # What sync and strip see to: the place of the output, the build's own folder, a build-id, debug sections.
    "homed": Case('{"homed/x.py": "OUT = %r\\n" % os.environ["out"]}'),
    "cured": Case('{"cured/x.so": shared_object("-g", "-Wl,--build-id=sha1", "-ffile-prefix-map=/=/")}'),
}
PACKAGE = """
[[package]]
name = "{name}"
version = "1.0"
source = {{ path = "{name}-1.0.tar.gz" }}
sdist = {{ hash = "sha256:{digest}" }}
"""
APP = """
[[package]]
name = "app"
version = "1.0"
source = {{ virtual = "." }}
dependencies = [{names}]
[package.metadata]
requires-dist = [{paths}]
"""


def make_project(root: Path) -> Path:
    """A project of one package for each case; it needs no network."""
    lock = ['version = 1\nrevision = 3\nrequires-python = ">=3.11"\n']
    for name, case in CASES.items():
        backend = BACKEND.replace("@NAME@", name).replace("@FILES@", case.files)
        toml = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
        sdist = make_sdist(root, name, {"pyproject.toml": toml, "own.py": backend})
        lock.append(PACKAGE.format(name=name, digest=hashlib.sha256(sdist.read_bytes()).hexdigest()))
    names = ", ".join(f'{{ name = "{name}" }}' for name in CASES)
    paths = ", ".join(f'{{ name = "{name}", path = "{name}-1.0.tar.gz" }}' for name in CASES)
    lock.append(APP.format(names=names, paths=paths))
    (root / "uv.lock").write_text("\n".join(lock))
    sources = "".join(f'{name} = {{ path = "{name}-1.0.tar.gz" }}\n' for name in CASES)
    (root / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
        f"dependencies = {list(CASES)}\n[tool.uv]\npackage = false\n[tool.uv.sources]\n{sources}"
    )
    return root


@pytest.mark.stand
@pytest.mark.slow
def test_each_cause_by_its_name(tmp_path: Path) -> None:
    stand = require_stand("forky")
    minor = stand.evaluate("(import <nixpkgs> { }).python3.pythonVersion")
    project = make_project(tmp_path / "project")
    on_stand(stand, "generate", project, "--python", str(minor))
    on_stand(stand, "update-hash", project)
    common = ("verify", project, "--json", "--store-root", stand.root, "--fresh", "--cores-first", "3")
    value = answer(on_stand(stand, *common, "--build-dir", "/elsewhere", code=1))
    site = f"lib/python{minor}/site-packages/"
    found = {one["file"].removeprefix(site): (one["package"], one["cause"]) for one in value["findings"]}
    wanted = {case.file: (name, case.cause) for name, case in CASES.items() if case.file}
    # Where the mode alone differs, RECORD says the same.
    records = {name for name, case in CASES.items() if case.file and case.cause != "mode"}
    wanted |= {f"{name}-1.0.dist-info/RECORD": (name, "record") for name in records}
    assert found == wanted
