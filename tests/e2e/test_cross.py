"""An environment for aarch64, made on x86_64: wheels are installed, and nothing of them is run."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import uvlock2nix
from tests.support.stand import REPO, Stand
from uvlock2nix.nar import FAKE_HASH
from uvlock2nix.target import this_system

pytestmark = [
    pytest.mark.stand,
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.skipif(this_system() != "x86_64-linux", reason="builds on x86_64 for aarch64"),
]

FILES = {
    "pyproject.toml": """
[project]
name = "crossed"
version = "1.0"
requires-python = ">=3.12"
dependencies = ["markupsafe"]
[project.scripts]
crossed = "crossed:main"
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
""",
    "crossed.py": "import markupsafe\ndef main():\n    print(markupsafe.escape('<'))\n",
    "backend.py": """
import zipfile

TAG = "py3-none-any"
METADATA = "Metadata-Version: 2.1\\nName: crossed\\nVersion: 1.0\\nRequires-Dist: markupsafe\\n"

def build_wheel(folder, settings=None, metadata=None):
    name = f"crossed-1.0-{TAG}.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr("crossed.py", open("crossed.py").read())
        info = "crossed-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", METADATA)
        wheel.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: {TAG}\\n")
        wheel.writestr(f"{info}/entry_points.txt", "[console_scripts]\\ncrossed = crossed:main\\n")
        files = [f"{info}/{file}" for file in ("METADATA", "WHEEL", "entry_points.txt", "RECORD")]
        wheel.writestr(f"{info}/RECORD", "".join(f"{file},,\\n" for file in ("crossed.py", *files)))
    return name
""",
}
# A Python that this machine cannot run, with nixpkgs' interface of one that is cross compiled.
CROSS = """
{ project, hash }:
let
  here = import <nixpkgs> { overlays = [ (import REPO/nix/overlay.nix) ]; };
  foreign = here.runCommand "python3-aarch64" { } ''
    mkdir -p $out/bin
    printf '\\177ELF\\002\\001\\001' > $out/bin/python3.13
    chmod +x $out/bin/python3.13
  '';
  python313 = foreign // {
    interpreter = "${foreign}/bin/python3.13";
    pythonOnBuildForHost = here.python313;
    inherit (here.python313) sitePackages version pythonVersion;
  };
  stdenv = here.stdenv // {
    hostPlatform = here.stdenv.hostPlatform // { system = "aarch64-linux"; };
  };
  callPackage = here.lib.callPackageWith (here // { inherit python313 stdenv callPackage; });
  files = /. + project + "/nix";
  python-deps = callPackage (files + "/python-deps.nix") { outputHash = hash; };
  package = callPackage (files + "/package.nix") { inherit python-deps; };
in
{
  inherit python-deps;
  python = foreign;
  inherit (package) venv;
  inherit package;
}
"""


def nix_build(stand: Stand, project: Path, attr: str, digest: str) -> subprocess.CompletedProcess[str]:
    """Build an attribute of CROSS for the project; ``digest`` is the hash of deps."""
    expression = project / "cross.nix"
    expression.write_text(CROSS.replace("REPO", str(REPO)))
    arguments = ["--argstr", "project", str(project), "--argstr", "hash", digest]
    return stand.run(
        ["nix-build", "--no-out-link", str(expression), "-A", attr, *arguments], check=False, timeout=900
    )


def test_wheels_for_aarch64_are_put_together_on_x86_64(stand: Stand, tmp_path: Path) -> None:
    lock = (REPO / "fixtures" / "wheels-only" / "uv.lock").read_text()
    start = lock.index('[[package]]\nname = "markupsafe"')
    entry = lock[start : lock.index("[[package]]", start + 1)]
    own = '[[package]]\nname = "crossed"\nversion = "1.0"\nsource = { editable = "." }\n'
    own += 'dependencies = [{ name = "markupsafe" }]\n[package.metadata]\n'
    own += 'requires-dist = [{ name = "markupsafe" }]\n\n'
    files = {**FILES, "uv.lock": f'version = 1\nrevision = 3\nrequires-python = ">=3.12"\n\n{own}{entry}'}
    for name, text in files.items():
        (tmp_path / name).write_text(text.lstrip())
    done = uvlock2nix(stand, "generate", tmp_path, "--python", "3.13", "--system", "aarch64-linux")
    assert done.returncode == 0, done.stderr
    failed = nix_build(stand, tmp_path, "python-deps", FAKE_HASH.sri)
    hashes = re.findall(r"got: +(sha256-\S+)", failed.stderr)
    assert len(hashes) == 1, failed.stderr

    def build(attr: str) -> Path:
        done = nix_build(stand, tmp_path, attr, hashes[0])
        assert done.returncode == 0, done.stderr
        return stand.path(done.stdout.split()[-1])

    python, venv, package = build("python"), build("venv"), build("package")
    program = venv / "bin" / "crossed"
    store = f"/nix/store/{python.name}/bin/python3.13"
    assert (venv / "bin" / "python3.13").readlink() == Path("python")
    assert (package / "bin" / "crossed").readlink() == Path(f"/nix/store/{venv.name}/bin/crossed")
    assert f"/nix/store/{venv.name}/bin/python".encode() in program.read_bytes()
    assert store.encode() in (venv / "bin" / "python").read_bytes()
    site = venv / "lib" / "python3.13" / "site-packages"
    (speedups,) = stand.path((site / "markupsafe").readlink()).glob("_speedups.*.so")
    assert "aarch64-linux-gnu" in speedups.name
    assert speedups.read_bytes()[18:20] == b"\xb7\0"  # the machine of its ELF header
    assert list((site / "__pycache__").glob("crossed.cpython-313.pyc"))
    manifest = json.loads((build("python-deps") / "nix-support/uvlock2nix/manifest.json").read_text())
    assert manifest["system"] == "aarch64-linux"


def test_what_is_compiled_for_this_machine_is_refused(stand: Stand, tmp_path: Path) -> None:
    """A local package with compiled code cannot be made for a different machine."""
    files = {name: text.replace('"markupsafe"', "") for name, text in FILES.items()}
    files["backend.py"] = files["backend.py"].replace("py3-none-any", "cp313-cp313-linux_x86_64")
    files["backend.py"] = files["backend.py"].replace("Requires-Dist: markupsafe\\n", "")
    own = '[[package]]\nname = "crossed"\nversion = "1.0"\nsource = { editable = "." }\n'
    files["uv.lock"] = f'version = 1\nrevision = 3\nrequires-python = ">=3.12"\n\n{own}'
    for name, text in files.items():
        (tmp_path / name).write_text(text.lstrip())
    done = uvlock2nix(stand, "generate", tmp_path, "--python", "3.13", "--system", "aarch64-linux")
    assert done.returncode == 0, done.stderr
    (empty,) = re.findall(
        r"got: +(sha256-\S+)", nix_build(stand, tmp_path, "python-deps", FAKE_HASH.sri).stderr
    )
    failed = nix_build(stand, tmp_path, "venv", empty)
    assert failed.returncode != 0
    assert "crossed-1.0-cp313-cp313-linux_x86_64.whl was compiled on x86_64-linux" in failed.stderr


def test_mode_files_refuses(stand: Stand, tmp_path: Path) -> None:
    """Where one system builds for the other; what to do instead is said."""
    pins = {"schema": 1, "lock": "", "packages": {"aarch64-linux": {}, this_system(): {}}}
    (tmp_path / "pins.json").write_text(json.dumps(pins))
    code = f"""
      host: let
        here = import <nixpkgs> {{ overlays = [ (import {REPO}/nix/overlay.nix) ]; }};
        stdenv = here.stdenv // {{ hostPlatform = here.stdenv.hostPlatform // {{ system = host; }}; }};
        importUvLock = here.callPackage {REPO}/nix/lib/importUvLock.nix {{ inherit stdenv; }};
        python = here.python313;
      in (importUvLock {{ pins = {tmp_path}/pins.json; root = {tmp_path}; inherit python; }}).packages
    """
    assert stand.evaluate(f'({code}) "{this_system()}"') == {}
    done = stand.run(
        ["nix-instantiate", "--eval", "--strict", "-E", f'({code}) "aarch64-linux"'], check=False
    )
    assert done.returncode != 0
    assert "mode `files` cannot build for aarch64-linux on x86_64-linux" in done.stderr
    assert "uvlock2nix generate --mode sync" in done.stderr
