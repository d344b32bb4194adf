"""What a hostile wheel ships never acts on other builds; a tree of either mode is compared with its lock."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import uvlock2nix
from tests.support.packages import make_wheel
from tests.support.stand import REPO, STAND, Stand
from tests.support.syncing import UV
from uvlock2nix.nar import Hash

pytestmark = [pytest.mark.stand, pytest.mark.network]

PYPROJECT = """\
[project]
name = "app"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["hooked"]
[tool.uv]
package = false
[tool.uv.sources]
hooked = {{ path = "hooked-1.0-py3-none-any.whl" }}
[tool.uvlock2nix]
mode = "{mode}"
python = "3.13"
expose = ["hooked"]
"""
HOOK = "export HOOKED=1; echo A HOOK OF A WHEEL HAS RUN\n"


@dataclass(frozen=True, slots=True)
class Project:
    """A generated project whose only dependency ships what Nix would run."""

    stand: Stand
    root: Path
    mode: str

    def build(self, expression: str) -> str:
        pkgs = f"(import <nixpkgs> {{ overlays = [ (import {REPO}/nix/overlay.nix) ]; }})"
        files = ("python-deps", "python-env", "package")
        names = "".join(f"{one} = pkgs.callPackage {self.root}/nix/{one}.nix {{ }}; " for one in files)
        return self.stand.nix_build(f"let pkgs = {pkgs}; {names} in {expression}")


@pytest.fixture(scope="module", params=["sync", "files"])
def project(
    request: pytest.FixtureRequest, stand: Stand, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    root = tmp_path_factory.mktemp(f"trust-{request.param}") / "app"
    make_wheel(
        root,
        "hooked",
        {
            "hooked.py": "def main():\n    print('harmless')\n",
            "hooked-1.0.data/data/nix-support/setup-hook": HOOK,
            "hooked-1.0.data/data/nix-support/setup-hooks": HOOK,
            "hooked-1.0.data/data/nix-support/propagated-build-inputs": "/nix/store/nothing",
            "hooked-1.0.data/data/nix-support/propagated-native-build-inputs": "/nix/store/nothing",
        },
        entry_points="[console_scripts]\nhooked = hooked:main\n",
    )
    (root / "pyproject.toml").write_text(PYPROJECT.format(mode=request.param))
    subprocess.run([UV, "lock", "--quiet", "--no-python-downloads"], cwd=root, check=True)
    for command in ("generate", "update-hash"):
        done = uvlock2nix(stand, command, root)
        assert done.returncode == 0, done.stderr
    return Project(stand, root, request.param)


def test_nothing_of_a_wheel_runs_in_builds_that_use_it(project: Project) -> None:
    more = "python-deps" if project.mode == "sync" else "python-deps.packages.hooked"
    out = project.build(
        f"""pkgs.runCommand "uses-it" {{
          nativeBuildInputs = [ python-env package package.venv {more} ];
          buildInputs = [ python-env package package.venv {more} ];
        }} ''
          test -z "''${{HOOKED-}}"
          hooked > $out
        ''"""
    )
    assert project.stand.path(out).read_text() == "harmless\n"


def compared(project: Project, tree: Path) -> tuple[int, dict[str, object]]:
    argv = [sys.executable, "-m", "uvlock2nix", "verify", str(project.root), "--json", "--tree"]
    done = subprocess.run([*argv, str(tree)], cwd=REPO, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_what_was_built_is_compared_with_the_lock(project: Project, tmp_path: Path) -> None:
    # In mode `files` env is links into the stand's store, which this machine does not have.
    tree = project.build("python-env" if project.mode == "sync" else "python-deps.packages.hooked")
    code, found = compared(project, project.stand.path(tree))
    assert (code, found["problems"], found["pinned"]) == (0, [], False)
    proof = "lock" if project.mode == "sync" else "fetch"
    assert [(one["name"], one["proof"]) for one in found["packages"]] == [("hooked", proof)]  # type: ignore[attr-defined]
    if project.mode == "files":
        return
    deps = project.stand.path(project.build("python-deps"))
    code, found = compared(project, deps)
    assert (code, found["problems"], found["pinned"]) == (0, [], True)
    # RECORD and all: right by itself, and no longer what the pins name.
    copy = tmp_path / "copy"
    shutil.copytree(deps, copy, symlinks=True)
    copy.chmod(0o755)
    (copy / "lib").chmod(0o755)
    (copy / "lib" / "planted.pyc").write_text("")
    code, found = compared(project, copy)
    assert code == 1
    assert not found["pinned"]


def test_a_file_of_the_project_that_is_not_the_locked_one(project: Project, tmp_path: Path) -> None:
    """It never comes in: the locked one is in the store, or Nix refuses as `uv sync` does."""
    root = tmp_path / "app"
    shutil.copytree(project.root, root)
    make_wheel(root, "hooked", {"hooked.py": "def main():\n    print('another')\n"})
    changed = Project(project.stand, root, project.mode)
    deps = "python-deps" if project.mode == "sync" else "python-deps.packages.hooked"
    assert changed.build(deps) == project.build(deps)
    make_wheel(root, "hooked", {"hooked.py": f"def main():\n    print({secrets.token_hex(8)!r})\n"})
    (root / "uv.lock").unlink()  # uv would keep it: it does not look at a file that it knows
    subprocess.run([UV, "lock", "--quiet", "--no-python-downloads"], cwd=root, check=True)
    done = uvlock2nix(project.stand, "generate", root)
    assert done.returncode == 0, done.stderr
    make_wheel(root, "hooked", {"hooked.py": ""})
    if project.mode == "sync":
        done = uvlock2nix(project.stand, "update-hash", root)
        assert done.returncode == 4
        assert "hash mismatch" in done.stderr.lower()
    else:
        with pytest.raises(AssertionError, match=r"hash|mismatch"):
            changed.build(deps)


HOSTILE = r"""
derivation {
  name = "hostile-SALT";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  args = [ "-c" ''
    PATH=/bin:/usr/bin
    head -c 30000000 /dev/zero | tr '\0' x; echo
    head -c 1000000 /dev/urandom
    for i in $(seq 200); do
      printf '\033[2J\033]0;title\007red\r\010\n'
      echo "error: hash mismatch in fixed-output derivation '/nix/store/x-hostile-SALT.drv':"
      echo '  specified: sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='
      echo '     got:    sha256-BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA='
      echo "@nix {\"action\":\"msg\",\"level\":0,\"raw_msg\":\"hash mismatch got: sha256-BBBB\"}"
    done
    END
  '' ];
  outputHashMode = "flat";
  outputHashAlgo = "sha256";
  outputHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
}
"""


@pytest.mark.parametrize("works", [True, False])
def test_what_a_hostile_builder_prints(stand: Stand, tmp_path: Path, works: bool) -> None:
    """A line of 30 MB, bytes that are no text, escape sequences, decoy hashes: bounded and not believed."""
    salt = secrets.token_hex(8)
    file = tmp_path / "hostile.nix"
    file.write_text(
        HOSTILE.replace("SALT", salt).replace("END", f"echo {salt} > $out" if works else "exit 3")
    )
    before = file.read_text()
    done = uvlock2nix(stand, "update-hash", file)
    right = Hash("sha256", hashlib.sha256(f"{salt}\n".encode()).digest()).sri
    assert done.returncode == (0 if works else 4), done.stderr[-2000:]
    wrong = f'outputHash = "sha256-{"A" * 43}="'
    assert file.read_text() == (before.replace(wrong, f'outputHash = "{right}"') if works else before)
    assert "\x1b" not in done.stdout + done.stderr
    assert len(done.stderr) < 100_000
    assert "Traceback" not in done.stderr


def test_two_runs_in_one_project_and_generate_with_them(project: Project, tmp_path: Path) -> None:
    """All end well, or say that something changed; the files are whole, and then all is up to date."""
    root = tmp_path / "app"
    shutil.copytree(project.root, root, ignore=shutil.ignore_patterns("nix"))
    done = uvlock2nix(project.stand, "generate", root)
    assert done.returncode == 0, done.stderr
    argv = [sys.executable, "-m", "uvlock2nix"]
    places = {"NIX_PATH": f"nixpkgs={STAND / 'nixpkgs'}", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    env = project.stand.env(places)
    running = [
        subprocess.Popen([*argv, command, str(root)], cwd=REPO, env=env, stderr=subprocess.PIPE, text=True)
        for command in ("update-hash", "update-hash", "generate")
    ]
    for one in running:
        _, errors = one.communicate(timeout=900)
        assert one.returncode in (0, 3), errors
        assert "Traceback" not in errors
    done = uvlock2nix(project.stand, "update-hash", root)
    assert done.returncode == 0, done.stderr
    done = uvlock2nix(project.stand, "check", root)
    assert (done.returncode, done.stdout) == (0, "up to date\n"), done.stderr
    assert not list(root.rglob(".*uvlock2nix*"))
