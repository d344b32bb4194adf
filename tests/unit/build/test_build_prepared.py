"""Local packages are built with requirements that are there; what is missing is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.packages import make_wheel
from tests.support.stand import REPO
from uvlock2nix.build.environment import vendor_crates
from uvlock2nix.build.machine import base_environment
from uvlock2nix.build.prepared import Prepared
from uvlock2nix.build.programs import Runner
from uvlock2nix.build.schedule import build_all
from uvlock2nix.build.values import Build, BuildContext, NativeBuild, Source
from uvlock2nix.errors import ToolError
from uvlock2nix.sync.normalise import normalise

UV = str(REPO / ".venv" / "bin" / "uv")
# A backend that runs the program of a requirement, and asks for what the test wants it to.
BACKEND = """
import os, pathlib, subprocess, zipfile
def get_requires_for_build_wheel(settings=None):
    return (settings or {}).get("ask", "").split()
def build_wheel(out, settings=None, metadata=None):
    said = subprocess.run(["helper"], check=True, capture_output=True, text=True).stdout.strip()
    name = "local-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(out, name), "w") as wheel:
        wheel.writestr("said", said + "|" + os.environ.get("X", "") + "|" + repr(settings))
    return name
"""
PROJECT = '[build-system]\nrequires = ["helper>=1"]\nbuild-backend = "own"\nbackend-path = ["tools"]\n'


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    """The build requirements of `local`: helper 1.0, with a program and a script."""
    wheel = make_wheel(
        tmp_path / "wheels",
        "helper",
        {
            "helper.py": "def main():\n    print('helped')\n",
            "helper-1.0.data/scripts/script": "#!python\nprint('script')\n",
        },
        entry_points="[console_scripts]\nhelper = helper:main\n",
    )
    tree = tmp_path / "trees" / "local"
    install = [UV, "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(tree), str(wheel)]
    subprocess.run([*install, "--python", sys.executable], check=True)
    normalise(tree, tree, scripts_to="_scripts")
    return tree.parent


def build(tmp_path: Path, trees: Path, native: NativeBuild | None = None, backend: str = BACKEND) -> str:
    """Build `local`; return what its backend saw."""
    source = tmp_path / "source"
    (source / "tools").mkdir(parents=True)
    (source / "tools" / "own.py").write_text(backend)
    (source / "pyproject.toml").write_text(PROJECT)
    env = tmp_path / "env"
    env.mkdir()
    (env / "runs-2.0.dist-info").mkdir()
    context = BuildContext(
        run=Runner(quiet=True),
        uv=UV,
        python=Path(sys.executable),
        root=tmp_path / "work",
        env=base_environment(tmp_path / "home", {"PATH": "/usr/bin:/bin"}),
        exclude_newer=None,
        keeps_rpath=True,
    )
    context.root.mkdir()
    made = build_all(
        [Build("local", None, Source(folder=source), native or NativeBuild())],
        context,
        Prepared(trees, env),
        1,
    )
    unzip = [
        sys.executable,
        "-c",
        "import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).read('said').decode())",
    ]
    return subprocess.run(
        [*unzip, str(made["local"])], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_programs_and_settings_reach_the_backend(tmp_path: Path, trees: Path) -> None:
    native = NativeBuild(env={"X": "set"}, flags=("a=1", "config-setting:b=2"))
    assert build(tmp_path, trees, native) == "helped|set|{'a': '1', 'b': '2'}"
    script = tmp_path / "work" / "env" / "local" / "bin" / "script"
    assert not script.exists()  # the environment of a build does not stay


def test_only_what_compilers_may_read_is_copied(tmp_path: Path, trees: Path) -> None:
    """A path in the store would otherwise get into what is compiled."""
    tree = trees / "local"
    for name in ("pure/module.py", "pure/LICENSE", "headers/api.h", "headers/module.py"):
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text("")
    look = "import helper, os; folder = os.path.dirname(helper.__file__); "
    look += "print(*sorted(one.name for one in os.scandir(folder) if one.is_symlink()))"
    backend = BACKEND.replace('["helper"]', f'[sys.executable, "-c", {look!r}]').replace(
        "import os,", "import sys, os,"
    )
    linked = build(tmp_path, trees, backend=backend).partition("|")[0].split()
    assert linked == ["helper-1.0.dist-info", "helper.py", "pure"]


def test_what_only_the_environment_has_is_seen(tmp_path: Path, trees: Path) -> None:
    assert build(tmp_path, trees, NativeBuild(flags=("ask=runs>=2",))).startswith("helped|")


@pytest.mark.parametrize(
    ("asked", "said"), [("absent", "requires absent"), ("helper>=2", r"helper>=2, .*they have helper 1\.0")]
)
def test_what_is_missing_is_named_with_the_way_out(
    tmp_path: Path, trees: Path, asked: str, said: str
) -> None:
    with pytest.raises(ToolError, match=said) as missing:
        build(tmp_path, trees, NativeBuild(flags=(f"ask={asked}",)))
    assert f'build-requires = ["{asked}"] under [tool.uvlock2nix.native.local]' in missing.value.hint


@pytest.mark.parametrize("word", ["cargo-vendor-dir", "@vendor@"])
def test_cargo_takes_crates_from_a_folder(tmp_path: Path, word: str) -> None:
    crates = tmp_path / "crates"
    (crates / ".cargo").mkdir(parents=True)
    (crates / ".cargo" / "config.toml").write_text(f'[source.vendored-sources]\ndirectory = "{word}"\n')
    vendor_crates(crates, tmp_path / "home")
    assert (tmp_path / "home" / "config.toml").read_text().endswith(f'directory = "{crates}"\n')
