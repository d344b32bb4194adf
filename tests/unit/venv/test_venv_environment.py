from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.packages import record_faults
from uvlock2nix.dist.interpreter import write_interpreter
from uvlock2nix.dist.scripts import Script
from uvlock2nix.dist.shebangs import Programs, Unrun, give_interpreters
from uvlock2nix.errors import InputError, ToolError
from uvlock2nix.layout import BUILD_REQUIRES, MANIFEST, SCRIPTS, SUPPORT
from uvlock2nix.venv.bytecode import compile_bytecode
from uvlock2nix.venv.copying import copy_file, copy_writable
from uvlock2nix.venv.environment import copy_tree, finish_environment
from uvlock2nix.venv.layer import layer
from uvlock2nix.venv.making import Making
from uvlock2nix.venv.unrun import unrun_notes

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
PYTHON = Path(sys.executable).resolve()
SITE = f"lib/python{VERSION}/site-packages"
TAG = f"cpython-{VERSION.replace('.', '')}"


def dist(
    root: Path, name: str, files: dict[str, str], points: str = "", scripts: tuple[str, ...] = ()
) -> None:
    """Put a distribution into a tree as sync leaves it: no launchers, scripts in their keeping place."""
    site = root / SITE
    info = f"{name}-1.0.dist-info"
    everything = {f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", **files}
    if points:
        everything[f"{info}/entry_points.txt"] = f"[console_scripts]\n{points}\n"
    for script in scripts:
        everything[f"../../../{SCRIPTS}/{script}"] = f"#!python\nimport {name}\nprint({name}.__name__)\n"
    for path, content in everything.items():
        target = Path(os.path.normpath(site / path))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
    lines = [f"{path},sha256=x,1\n" for path in everything]
    (site / info / "RECORD").write_text("".join([*lines, f"{info}/RECORD,,\n"]))
    fix_record(root, name)


def fix_record(root: Path, name: str) -> None:
    from uvlock2nix.dist.installed import installed, rewrite

    for one in installed(root / SITE):
        if one.name == name:
            rewrite(one, root / SITE, {})


def manifest(root: Path, *collisions: dict[str, object]) -> None:
    path = root / MANIFEST
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"python": VERSION, "collisions": list(collisions)}))


@pytest.fixture
def env(tmp_path: Path) -> Path:
    root = tmp_path / "env"
    manifest(root)
    dist(
        root,
        "aaa",
        {"aaa/__init__.py": "def f(): print('aaa')\n", "ns/from_a.py": "x = 1\n"},
        "run-a = aaa:f",
    )
    dist(root, "bbb", {"bbb.py": "y = 1\n"}, scripts=("script-b",))
    return root


def finish(root: Path, build_to: Path | None = None) -> None:
    finish_environment(root, Making(PYTHON), build_to=build_to)


def said(program: Path) -> str:
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout


def without_bytecode(faults: list[str]) -> list[str]:
    return [fault for fault in faults if "__pycache__" not in fault]


def test_an_environment_runs(env: Path) -> None:
    finish(env)
    assert said(env / "bin" / "run-a") == "aaa\n"
    assert said(env / "bin" / "script-b") == "bbb\n"
    assert not (env / SCRIPTS).exists()
    assert without_bytecode(record_faults(env / SITE)) == []
    code = "import sys, aaa; print(sys.prefix, sys.base_prefix != sys.prefix)"
    out = subprocess.run([env / "bin" / "python3", "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == f"{env} True\n"
    files = (
        "import importlib.metadata as m\n"
        "print(all(f.locate().exists() for d in ('aaa', 'bbb') for f in m.files(d)))"
    )
    out = subprocess.run([env / "bin" / "python", "-c", files], capture_output=True, text=True, check=True)
    assert out.stdout == "True\n"
    assert (env / SITE / "aaa" / "__pycache__" / f"__init__.{TAG}.pyc").exists()


def test_the_winner_of_a_program_is_that_of_deps(tmp_path: Path) -> None:
    for winner in ("aaa", "bbb"):
        root = tmp_path / winner
        manifest(root, {"path": "../../../bin/tool", "packages": ["aaa", "bbb"], "kept": winner})
        for name in ("aaa", "bbb"):
            dist(root, name, {f"{name}.py": f"def f(): print('{name}')\n"}, "tool = " + name + ":f")
        finish(root)
        assert said(root / "bin" / "tool") == f"{winner}\n"
        assert without_bytecode(record_faults(root / SITE)) == []


def test_a_script_named_as_the_interpreter(env: Path) -> None:
    dist(env, "bad", {"bad.py": ""}, points="python3 = bad:f", scripts=("python",))
    finish(env)
    assert (env / "bin" / "python").readlink() == PYTHON
    assert (env / "bin" / "python3").readlink() == Path("python")
    assert without_bytecode(record_faults(env / SITE)) == []


def test_build_requirements_are_taken_out(env: Path, tmp_path: Path) -> None:
    for member in ("app", "lib"):
        (env / BUILD_REQUIRES / member).mkdir(parents=True)
        (env / BUILD_REQUIRES / member / "hatchling.py").write_text("")
    finish(env, tmp_path / "build")
    assert sorted(path.name for path in (tmp_path / "build").iterdir()) == ["app", "lib"]
    assert not (env / BUILD_REQUIRES).exists()


def test_build_requirements_that_nobody_wants_go(env: Path, tmp_path: Path) -> None:
    (env / BUILD_REQUIRES / "app").mkdir(parents=True)
    finish(env)
    assert not (env / BUILD_REQUIRES).exists()


def package(env: Path, tree: Path, out: Path, *scripts: str) -> None:
    kept = tuple(Script(name, "mine", python=True) for name in scripts)
    layer(env, tree, out, VERSION, Making(PYTHON), scripts=kept)


def test_members_over_an_environment(env: Path, tmp_path: Path) -> None:
    dist(env, "ccc", {"ccc.py": "z = 1\n", "share/both.txt": "env", "only_env/x.py": ""})
    finish(env)
    tree, out = tmp_path / "tree", tmp_path / "out"
    dist(
        tree,
        "mine",
        {
            "mine.py": "import aaa, bbb\ndef f(): print('mine', aaa.__name__)\n",
            "ns/from_mine.py": "import ns.from_a\n",
            "share/both.txt": "mine",
            "ccc.py": "z = 2\n",
        },
        points="run-mine = mine:f",
        scripts=("mine-script",),
    )
    package(env, tree, out, "mine-script")
    site = out / SITE
    assert said(out / "bin" / "run-mine") == "mine aaa\n"
    assert said(out / "bin" / "run-a") == "aaa\n"
    assert said(out / "bin" / "mine-script") == "mine\n"
    assert said(out / "bin" / "script-b") == "bbb\n"
    assert str(env).encode() not in (out / "bin" / "script-b").read_bytes()
    # Only env's: one link. In both: a folder, in which the project's files win.
    assert (site / "only_env").readlink() == env / SITE / "only_env"
    assert (site / "ns" / "from_a.py").is_symlink()
    assert not (site / "ns" / "from_mine.py").is_symlink()
    assert (site / "share" / "both.txt").read_text() == "mine"
    code = "import ns.from_mine, ccc; print(ccc.z)"
    ran = subprocess.run([out / "bin" / "python", "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "2\n"
    # Bytecode of what is linked is linked, of what is not never.
    compiled = site / "__pycache__"
    assert (compiled / f"bbb.{TAG}.pyc").readlink() == env / SITE / "__pycache__" / f"bbb.{TAG}.pyc"
    assert not (compiled / f"ccc.{TAG}.pyc").is_symlink()
    assert (site / "ns" / "__pycache__" / f"from_mine.{TAG}.pyc").exists()
    own = [fault for fault in record_faults(site) if fault.startswith("mine-1.0")]
    assert own == []


def test_a_program_of_the_project_wins(env: Path, tmp_path: Path) -> None:
    finish(env)
    tree, out = tmp_path / "tree", tmp_path / "out"
    # Both before and after env's in the order of names.
    dist(tree, "a0", {"a0.py": "def f(): print('a0')\n"}, points="run-a = a0:f")
    package(env, tree, out)
    assert said(out / "bin" / "run-a") == "a0\n"


def test_env_is_not_written_to(env: Path, tmp_path: Path) -> None:
    finish(env)
    before = {path: path.lstat().st_mtime_ns for path in env.rglob("*")}
    tree, out = tmp_path / "tree", tmp_path / "out"
    dist(tree, "mine", {"mine.py": "", "ns/more.py": "", "aaa/more.py": ""})
    package(env, tree, out)
    assert {path: path.lstat().st_mtime_ns for path in env.rglob("*")} == before
    assert not (out / SUPPORT).exists()


def test_scripts_that_name_another_interpreter_are_linked(env: Path, tmp_path: Path) -> None:
    finish(env)
    contents = {
        "shell": b"#!/bin/sh\necho " + os.fsencode(env) + b"/bin/python\n",
        "elf": b"\x7fELF" + os.fsencode(env / "bin" / "python"),
        "mentions": b"#!/usr/bin/perl\n# " + os.fsencode(env / "bin" / "python") + b"\n",
        "empty": b"",
    }
    for name, content in contents.items():
        (env / "bin" / name).write_bytes(content)
    long = (
        b"#!/bin/sh\n'''exec' \""
        + os.fsencode(env / "bin" / "python")
        + b'" "$0" "$@"\n\' \'\'\'\nprint(1)\n'
    )
    (env / "bin" / "long").write_bytes(long)
    tree, out = tmp_path / "tree", tmp_path / "out"
    dist(tree, "mine", {"mine.py": ""})
    package(env, tree, out)
    assert {name for name in contents if (out / "bin" / name).is_symlink()} == set(contents) - {"shell"}
    assert (out / "bin" / "long").read_bytes() == long.replace(os.fsencode(env), os.fsencode(out))


def test_an_interpreter(tmp_path: Path) -> None:
    python = write_interpreter(tmp_path, Path("/nix/store/x-python/bin/python3.13"), "3.13")
    assert python == tmp_path / "bin" / "python"
    assert python.readlink() == Path("/nix/store/x-python/bin/python3.13")
    assert (tmp_path / "bin" / "python3.13").readlink() == Path("python")
    text = (tmp_path / "pyvenv.cfg").read_text()
    assert "home = /nix/store/x-python/bin\n" in text
    assert "include-system-site-packages = false\n" in text
    write_interpreter(tmp_path, Path("/other/bin/python"), "3.13")
    assert python.readlink() == Path("/other/bin/python")


def test_bytecode(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("x = 1\n")
    (tmp_path / "bad.py").write_text("this is (not Python\n")
    compile_bytecode(tmp_path, PYTHON, 1)
    compiled = tmp_path / "__pycache__" / f"good.{TAG}.pyc"
    # PEP 552: a hash, not compared with the source.
    assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 0b01
    assert not (tmp_path / "__pycache__" / f"bad.{TAG}.pyc").exists()
    with pytest.raises(ToolError, match="cannot be run"):
        compile_bytecode(tmp_path, Path("/not/there/python"), 1)


def test_a_copy_of_what_is_read_only(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "a" / "b").mkdir(parents=True)
    (source / "a" / "f").write_text("1")
    (source / "a" / "run").write_text("2")
    (source / "a" / "run").chmod(0o555)
    (source / "a" / "link").symlink_to("f")
    (source / "a" / "dangling").symlink_to("/not/there")
    (source / "linked").symlink_to("a")
    (source / "a" / "f").chmod(0o444)
    (source / "a").chmod(0o555)
    target = tmp_path / "target"
    try:
        copy_writable(source, target)
        copy_writable(source, target)
    finally:
        (source / "a").chmod(0o755)
    assert (target / "linked").readlink() == Path("a")
    assert (target / "a" / "link").readlink() == Path("f")
    assert (target / "a" / "dangling").readlink() == Path("/not/there")
    modes = {name: (target / "a" / name).stat().st_mode & 0o777 for name in ("f", "run", "b")}
    assert (modes["f"], modes["run"]) == (0o644, 0o755)
    assert modes["b"] & 0o700 == 0o700


def test_nothing_is_written_through_links(tmp_path: Path) -> None:
    source, target, victim = tmp_path / "source", tmp_path / "target", tmp_path / "victim"
    (source / "folder").mkdir(parents=True)
    (source / "folder" / "f").write_text("new")
    (source / "file").write_text("new")
    (source / "was-folder").write_text("new")
    target.mkdir()
    victim.mkdir()
    (victim / "file").write_text("old")
    (target / "folder").symlink_to(victim)
    (target / "file").symlink_to(victim / "file")
    (target / "was-folder").mkdir()
    copy_writable(source, target)
    assert (victim / "file").read_text() == "old"
    assert [path.name for path in victim.iterdir()] == ["file"]
    assert (target / "folder" / "f").read_text() == "new"
    assert (target / "was-folder").read_text() == "new"
    copy_file(source / "file", target / "other")
    assert (target / "other").read_text() == "new"


@pytest.mark.parametrize("content", [None, "", "[]", "{", "\xff"])
def test_what_is_no_deps(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / MANIFEST).parent.mkdir(parents=True)
        (tmp_path / MANIFEST).write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match="not the deps"):
        copy_tree(tmp_path, tmp_path / "out")


def test_a_script_that_nothing_runs_is_reported_with_the_line_that_mends_it(tmp_path: Path) -> None:
    dist(tmp_path, "one", {"one/run": "#!/usr/bin/env node\n"})
    (tmp_path / SITE / "one" / "run").chmod(0o755)
    unrun = give_interpreters(tmp_path, (tmp_path / SITE,), Programs(PYTHON, ""))
    (text,) = unrun_notes(unrun, tmp_path, tmp_path / SITE, "dlopen")
    assert text.startswith(f"{SITE}/one/run: node, which runs it, is not among the inputs")
    assert 'Set dlopen = ["nodejs"] under [tool.uvlock2nix.native.one], where nodejs is the' in text
    assert list(unrun_notes((), tmp_path, tmp_path / SITE, "dlopen")) == []


@pytest.mark.parametrize("program", ["ba\0sh", "\x1b[2J", "$(id)", "a" * 200, "\udcff"])
def test_what_is_no_program_is_not_a_line_to_set(tmp_path: Path, program: str) -> None:
    dist(tmp_path, "one", {"one/run": "#!/usr/bin/x\n"})
    (text,) = unrun_notes([Unrun("run", program)], tmp_path, tmp_path / SITE, "dlopen")
    assert text.isprintable()
    assert text.endswith("is no program: the script stays as it is")
