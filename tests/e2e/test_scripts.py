"""Scripts with requirements of their own (PEP 723), and a pylock.toml: generate, update-hash, build, run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import instantiate, realise, uvlock2nix
from tests.support.stand import Stand

pytestmark = [pytest.mark.stand, pytest.mark.network]

UV = str(Path(sys.executable).parent / "uv")
DEPENDENCIES = '["humanize==4.12.3", "docopt==0.6.2"]'
BLOCK = f'# /// script\n# requires-python = ">=3.11"\n# dependencies = {DEPENDENCIES}\n{{}}# ///\n'
SETTINGS = '# [tool.uvlock2nix]\n# python = "3.13"\n# include = ["data.json"]\n'
TOOL = (
    BLOCK.format(SETTINGS)
    + """\
import json, multiprocessing, pathlib, sys
import humanize, docopt
import helper

if __name__ == "__main__":
    data = json.loads((pathlib.Path(__file__).parent / "data.json").read_text())
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(helper.shown(data["number"]), *sys.argv[1:], *pool.map(abs, [-1]))
"""
)
HELPER = "import humanize\n\ndef shown(number):\n    return humanize.intword(number)\n"
OTHER = BLOCK.format("") + "import humanize\nprint(humanize.__version__)\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scripts with their locks, a module, data, and a file that does not belong to them."""
    folder = tmp_path_factory.mktemp("scripts")
    files = {"tool.py": TOOL, "other": OTHER, "helper.py": HELPER, "data.json": '{"number": 1000000}'}
    for name, text in {**files, "secret.txt": "hunter2"}.items():
        (folder / name).write_text(text)
    for name in ("tool.py", "other"):
        subprocess.run([UV, "lock", "--quiet", "--script", name], cwd=folder, check=True)
    return folder


def build(stand: Stand, folder: Path, argument: str, nix: str, *options: str) -> str:
    """The venv of a project that goes the whole way."""
    project = folder / argument
    for command in ("generate", "update-hash"):
        done = uvlock2nix(stand, command, project, *options)
        assert done.returncode == 0, done.stderr
    # What was given to generate need not be given again.
    done = uvlock2nix(stand, "check", project)
    assert done.returncode == 0, done.stderr
    return realise(stand, instantiate(stand, folder, f"{nix}package.nix"))


def out_of(stand: Stand, folder: Path, nix: str) -> str:
    drv = instantiate(stand, folder, f"{nix}package.nix")
    outputs = stand.run(["nix-store", "--query", "--outputs", drv]).stdout.split()
    return next(path for path in outputs if not path.endswith("-venv"))


def test_a_script_runs_as_with_uv_run(stand: Stand, folder: Path) -> None:
    wanted = subprocess.run(
        [UV, "run", "--quiet", "--script", "tool.py", "a b"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    venv = build(stand, folder, "tool.py", "tool/")
    package = out_of(stand, folder, "tool/")
    assert sorted(path.name for path in stand.path(f"{package}/bin").iterdir()) == ["tool"]
    done = stand.run([f"{package}/bin/tool", "a b"], cwd=Path("/"))
    assert done.stdout == wanted == "1.0 million a b 1\n"
    inside = stand.path(f"{venv}/libexec/tool")
    assert sorted(path.name for path in inside.iterdir()) == ["data.json", "helper.py", "tool.py"]


def test_a_second_script_in_the_folder(stand: Stand, folder: Path) -> None:
    venv = build(stand, folder, "other", "other-script/", "--python", "3.13")
    assert stand.run([f"{venv}/bin/other"], cwd=Path("/")).stdout == "4.12.3\n"


def test_a_folder_with_a_pylock_alone(stand: Stand, tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    (origin / "src" / "app").mkdir(parents=True)
    (origin / "src" / "app" / "__init__.py").write_text(
        "import docopt, humanize\n\ndef main():\n    print(humanize.intword(1000000))\n"
    )
    (origin / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
        'dependencies = ["humanize==4.12.3", "docopt==0.6.2"]\n[project.scripts]\napp = "app:main"\n'
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    )
    subprocess.run([UV, "lock", "--quiet"], cwd=origin, check=True)
    flags = ["--quiet", "--no-editable", "--no-header", "--format", "pylock.toml", "-o", "pylock.toml"]
    subprocess.run([UV, "export", *flags], cwd=origin, check=True, capture_output=True)
    (origin / "uv.lock").unlink()
    for command in ("generate", "update-hash"):
        done = uvlock2nix(stand, command, origin, *(["--python", "3.13"] if command == "generate" else []))
        assert done.returncode == 0, done.stderr
    venv = realise(stand, instantiate(stand, origin, "package.nix"))
    assert stand.run([f"{venv}/bin/app"], cwd=Path("/")).stdout == "1.0 million\n"
    pins = json.loads((origin / "nix" / "python-deps.json").read_text())
    assert set(pins["hashes"]) == {"x86_64-linux"}
