from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvlock2nix.dist.launchers import is_interpreter, launcher, shebang, write_launchers
from uvlock2nix.dist.scripts import place_script
from uvlock2nix.errors import InputError

PYTHON = Path("/env/bin/python")


def test_a_launcher() -> None:
    text = launcher("pkg.cli : app.main [extra,other]", PYTHON, what="x")
    assert text.startswith("#!/env/bin/python\n")
    assert "from pkg.cli import app\n" in text
    assert "sys.exit(app.main())" in text


HOSTILE = ["", "module", ":f", "m:", "m:f()", "m:f; import os", "a b:c", "m:f\nimport os", "m:f\0", "m..n:f"]
HOSTILE += ["m:f.", "1m:f", "m-n:f", "m:f[", "m:f[x]y", "m:f #", "os:system('x')", 'm:"""', "../m:f"]


@pytest.mark.parametrize("reference", HOSTILE)
def test_hostile_references(reference: str) -> None:
    with pytest.raises(InputError, match="entry point"):
        launcher(reference, PYTHON, what="x")


@given(st.text(max_size=30), st.text(max_size=30))
def test_what_a_launcher_holds_is_only_names(module: str, attribute: str) -> None:
    try:
        text = launcher(f"{module}:{attribute}", PYTHON, what="x")
    except InputError:
        return
    lines = text.splitlines()
    assert len(lines) == len(launcher("m:f", PYTHON, what="x").splitlines())
    (imported,) = (line for line in lines if line.startswith("from "))
    assert all(part.isidentifier() for part in imported.split()[1].split("."))


def test_names_of_other_alphabets() -> None:
    assert "from größe import main" in launcher("größe:main", PYTHON, what="x")


def test_long_paths_and_spaces_go_through_the_shell(tmp_path: Path) -> None:
    for folder in (tmp_path / ("long" * 40), tmp_path / "with space"):
        folder.mkdir()
        python = folder / "python"
        python.symlink_to(sys.executable)
        assert shebang(python).startswith("#!/bin/sh\n")
        script = tmp_path / "script"
        script.write_text(shebang(python) + "import sys\nprint(sys.argv[1:])\n")
        script.chmod(0o755)
        done = subprocess.run([script, "a b", "'c"], capture_output=True, text=True, check=True)
        assert done.stdout == "['a b', \"'c\"]\n"
        subprocess.run([sys.executable, "-m", "py_compile", script], check=True)


def test_a_launcher_runs(tmp_path: Path) -> None:
    (tmp_path / "mod.py").write_text("class A:\n    @staticmethod\n    def f():\n        return 3\n")
    (name,) = write_launchers(tmp_path, Path(sys.executable), {"tool": "mod:A.f"}, package="x")
    assert subprocess.run([tmp_path / name], env={"PYTHONPATH": str(tmp_path)}).returncode == 3


def test_the_interpreter_is_nobodys_launcher(tmp_path: Path) -> None:
    names = ("python", "python3", "python3.12", "python3.14t", "pythonic", "ipython")
    points = dict.fromkeys(names, "m:f")
    (tmp_path / "python").symlink_to("/usr/bin/python3")
    assert write_launchers(tmp_path, PYTHON, points, package="x") == ["ipython", "pythonic"]
    assert (tmp_path / "python").is_symlink()
    assert is_interpreter("python3.13")
    assert not is_interpreter("python-config")


@pytest.mark.parametrize("name", ["../x", "/abs", "a/b", "", ".", "..", "a\0b", "a\nb"])
def test_names_that_leave_bin(tmp_path: Path, name: str) -> None:
    (tmp_path / "bin").mkdir()
    with pytest.raises(InputError, match="is not a file name"):
        write_launchers(tmp_path / "bin", PYTHON, {name: "m:f"}, package="x")
    assert list(tmp_path.rglob("*")) == [tmp_path / "bin"]


def test_a_launcher_is_not_written_through_a_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / "tool").symlink_to(victim)
    write_launchers(tmp_path, PYTHON, {"tool": "m:f"}, package="x")
    assert victim.read_text() == "untouched"


@pytest.mark.parametrize(
    ("content", "after"),
    [
        (b"#!python\nx\ny", b"#!/env/bin/python\nx\ny"),
        (b"#!python", b"#!/env/bin/python\n"),
        (b"#!/bin/sh\nx", b"#!/bin/sh\nx"),
        (b"#!pythonw\nx", b"#!pythonw\nx"),
        (b"\x7fELF\n#!python\n", b"\x7fELF\n#!python\n"),
        (b"", b""),
    ],
)
def test_scripts(tmp_path: Path, content: bytes, after: bytes) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content)
    source.chmod(0o444)
    assert place_script(source, target, PYTHON)
    assert target.read_bytes() == after
    assert target.stat().st_mode & 0o777 == 0o755
    assert not place_script(source, tmp_path / "python3", PYTHON)
    assert not (tmp_path / "python3").exists()


@pytest.mark.parametrize("path", [None, "", "/usr/bin:/bin", "again"])
def test_a_program_finds_its_neighbours_first(tmp_path: Path, path: str | None) -> None:
    """As with `uv run`, which puts the environment's programs first; a spawned process does not again."""
    folder = tmp_path / "it's bin"
    folder.mkdir()
    (tmp_path / "neighbours.py").write_text("import os\nPATH = os.environ['PATH']\ndef main(): print(PATH)\n")
    (folder / "python").symlink_to(sys.executable)
    write_launchers(folder, folder / "python", {"tool": "neighbours:main"}, package="x")
    before = f"{folder}:/bin" if path == "again" else path
    env = {"PYTHONPATH": str(tmp_path), **({} if before is None else {"PATH": before})}
    done = subprocess.run([folder / "tool"], env=env, capture_output=True, text=True, check=True)
    rest = {None: os.defpath, "again": "/bin"}.get(path, path)
    assert done.stdout == f"{folder}:{rest}\n"
