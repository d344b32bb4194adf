"""Packages of nixpkgs in an environment: linked, launched, and never there twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from uvlock2nix.cli.inside import run_plain
from uvlock2nix.dist.installed import installed
from uvlock2nix.errors import InputError
from uvlock2nix.layout import MANIFEST
from uvlock2nix.venv.environment import finish_environment
from uvlock2nix.venv.layer import layer
from uvlock2nix.venv.making import Making
from uvlock2nix.venv.symlinks import Clashes, Owner, link_packages, link_programs

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
PYTHON = Path(sys.executable).resolve()
SITE = f"lib/python{VERSION}/site-packages"


def package(root: Path, name: str, files: dict[str, str], points: str = "", info: str | None = None) -> Path:
    """A package installed below ``root``; ``info`` is the name in its dist-info where that differs."""
    dist_info = f"{info or name}-1.0.dist-info"
    everything = {f"{dist_info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", **files}
    if points:
        everything[f"{dist_info}/entry_points.txt"] = f"[console_scripts]\n{points}\n"
    for path, content in everything.items():
        target = root / SITE / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
    (root / SITE / dist_info / "RECORD").write_text("".join(f"{path},,\n" for path in everything))
    return root


@pytest.fixture
def env(tmp_path: Path) -> Path:
    """A tree as sync leaves it, with one package of the lock."""
    root = package(tmp_path / "env", "locked", {"locked.py": "x = 'lock'\n", "ns/a.py": "a = 1\n"})
    (root / MANIFEST).parent.mkdir(parents=True)
    (root / MANIFEST).write_text(json.dumps({"python": VERSION, "collisions": []}))
    return root


def run(program: Path, *arguments: str) -> str:
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout.strip()


def test_linked_packages_are_imported_and_launched(env: Path, tmp_path: Path) -> None:
    files = {"taken/__init__.py": "def f(): print('taken')\n", "flat.py": "y = 2\n", "ns/b.py": "b = 2\n"}
    store = package(tmp_path / "store-taken", "taken", files, "taken = taken:f")
    finish_environment(env, Making(PYTHON), build_to=None, packages=(store,))
    assert not list(store.rglob("__pycache__")), "a store path stays as it is"
    site = env / SITE
    assert (site / "taken").readlink() == store / SITE / "taken"
    assert (site / "taken-1.0.dist-info").readlink() == store / SITE / "taken-1.0.dist-info"
    assert run(env / "bin" / "taken") == "taken"
    code = "import importlib.metadata as m, flat, locked, ns.a, ns.b; print(m.version('taken'), locked.x)"
    assert run(env / "bin" / "python", "-I", "-c", code) == "1.0 lock"


def test_a_folder_of_two_packages_is_opened_up(env: Path, tmp_path: Path) -> None:
    """Two of nixpkgs share a namespace: the first one's link becomes a folder with links, neither changes."""
    one = package(tmp_path / "one", "one", {"shared/one.py": "v = 1\n"})
    two = package(tmp_path / "two", "two", {"shared/two.py": "v = 2\n", "shared/__pycache__/old.pyc": ""})
    link_packages((one, two), env, VERSION)
    assert sorted(path.name for path in (env / SITE / "shared").iterdir()) == ["one.py", "two.py"]
    assert [path.name for path in (one / SITE / "shared").iterdir()] == ["one.py"]


def test_twice_with_the_lock_is_refused(env: Path, tmp_path: Path) -> None:
    store = package(tmp_path / "store", "locked", {"locked.py": "x = 'nixpkgs'\n"})
    with pytest.raises(
        InputError, match="locked is in the environment twice: from the lock and from"
    ) as error:
        link_packages((store,), env, VERSION)
    assert "uvlock2nix generate" in (error.value.hint or "")
    assert "deny" in (error.value.hint or "")
    assert not (env / SITE / "locked.py").is_symlink()


def test_twice_in_nixpkgs_is_refused_however_it_is_spelt(env: Path, tmp_path: Path) -> None:
    one = package(tmp_path / "one", "some-name", {"n.py": ""}, info="some_name")
    two = package(tmp_path / "two", "Some.Name", {"n.py": ""}, info="Some.Name")
    with pytest.raises(
        InputError, match=r"some-name is in the environment twice: from .*/one and from .*/two"
    ):
        link_packages((one, two), env, VERSION)


def test_the_interpreter_is_not_linked_in(env: Path, tmp_path: Path) -> None:
    """nixpkgs lists it among the modules, and its site-packages is not empty."""
    python = tmp_path / "python3"
    (python / "bin").mkdir(parents=True)
    (python / "bin" / "python3").write_text(f'#!/bin/sh\nexec {PYTHON} "$@"\n')
    (python / "bin" / "python3").chmod(0o755)
    (python / "bin" / "pydoc3").write_text("")
    (python / SITE).mkdir(parents=True)
    (python / SITE / "sitecustomize.py").write_text("raise SystemExit('linked')\n")
    store = package(tmp_path / "store", "taken", {"taken.py": ""})
    finish_environment(env, Making(python / "bin" / "python3"), build_to=None, packages=(python, store))
    assert (env / SITE / "taken.py").is_symlink()
    assert not (env / SITE / "sitecustomize.py").exists()
    assert not (env / "bin" / "pydoc3").exists()


def test_scripts_that_no_entry_point_names(env: Path, tmp_path: Path) -> None:
    """They are linked as they are; a launcher of that name, a wrapped one and an interpreter are not."""
    store = package(tmp_path / "store", "taken", {"taken.py": "def f(): print('ours')\n"}, "tool = taken:f")
    (store / "bin").mkdir()
    for name in ("tool", "script.py", ".tool-wrapped", "python3.0"):
        (store / "bin" / name).write_text("#!/bin/sh\necho theirs\n")
        (store / "bin" / name).chmod(0o755)
    finish_environment(env, Making(PYTHON), build_to=None, packages=(store,))
    assert run(env / "bin" / "tool") == "ours"
    assert run(env / "bin" / "script.py") == "theirs"
    assert {path.name for path in (env / "bin").iterdir()} == {
        "python", "python3", f"python{VERSION}", "script.py", "tool",
    }  # fmt: skip


def test_the_first_program_of_a_name_stays_and_the_other_is_named(tmp_path: Path) -> None:
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    for name in ("one", "two"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin" / "tool").write_text(name)
    clashes, programs = Clashes(), dict[str, Owner]()
    packages = (tmp_path / "one", tmp_path / "two", tmp_path / "nothing")
    link_programs(packages, bin_dir, VERSION, programs, clashes)
    assert (bin_dir / "tool").read_text() == "one"
    assert [str(one) for one in clashes.found] == [
        "bin/tool: in one (from nixpkgs) and in two (from nixpkgs); kept: one"
    ]


def clash_of_programs(tmp_path: Path, lock: str, taken: str) -> tuple[Path, Path]:
    """Both have the launchers ``tool`` and ``same``; nixpkgs' package also has a script ``run``."""
    root = package(
        tmp_path / "env", lock, {f"{lock}.py": "def f(): print('lock')\n"}, f"tool = {lock}:f\nrun = {lock}:f"
    )
    (root / MANIFEST).parent.mkdir(parents=True)
    (root / MANIFEST).write_text(json.dumps({"python": VERSION, "collisions": []}))
    store = package(
        tmp_path / "store", taken, {f"{taken}.py": "def f(): print('nixpkgs')\n"}, f"tool = {taken}:f"
    )
    (store / "bin").mkdir()
    for name in ("tool", "run"):
        (store / "bin" / name).write_text("#!/bin/sh\necho nixpkgs\n")
        (store / "bin" / name).chmod(0o755)
    return root, store


# In both orders of the alphabet: what is kept depends on where it comes from, not on luck.
@pytest.mark.parametrize(("lock", "taken"), [("aa", "zz"), ("zz", "aa")])
def test_a_program_of_the_lock_and_of_nixpkgs(tmp_path: Path, lock: str, taken: str) -> None:
    root, store = clash_of_programs(tmp_path, lock, taken)
    clashes = finish_environment(root, Making(PYTHON), build_to=None, packages=(store,))
    assert [str(one) for one in clashes] == [
        f"bin/tool: in {lock} (from the lock) and in {taken} (from nixpkgs); kept: {lock}",
        f"bin/run: in {lock} (from the lock) and in {taken} (from nixpkgs); kept: {lock}",
    ]
    assert (run(root / "bin" / "tool"), run(root / "bin" / "run")) == ("lock", "lock")
    tree, out = tmp_path / "tree", tmp_path / "out"
    (tree / SITE).mkdir(parents=True)
    layer(root, tree, out, VERSION, Making(PYTHON), scripts=())
    assert (run(out / "bin" / "tool"), run(out / "bin" / "run")) == ("lock", "lock")


@pytest.mark.parametrize("key", ["bin/tool", "bin"])
@pytest.mark.parametrize(("lock", "taken"), [("aa", "z-z"), ("zz", "a.a")])
def test_the_user_may_say_whose_program_it_is(tmp_path: Path, lock: str, taken: str, key: str) -> None:
    root, store = clash_of_programs(tmp_path, lock, taken.replace("-", "_").replace(".", "_"))
    clashes = finish_environment(
        root, Making(PYTHON), build_to=None, packages=(store,), keep={key: taken.upper()}
    )
    assert clashes[0].kept.origin == "nixpkgs"
    assert run(root / "bin" / "tool") == "nixpkgs"
    assert run(root / "bin" / "run") == ("nixpkgs" if key == "bin" else "lock")
    assert "../../../bin/tool" not in (root / SITE / f"{lock}-1.0.dist-info" / "RECORD").read_text()
    tree, out = tmp_path / "tree", tmp_path / "out"
    (tree / SITE).mkdir(parents=True)
    layer(root, tree, out, VERSION, Making(PYTHON), scripts=())
    assert run(out / "bin" / "tool") == "nixpkgs"


def test_files_of_the_lock_and_of_nixpkgs(env: Path, tmp_path: Path) -> None:
    package(env, "other", {"same.py": "s = 1\n", "ns/deep/x.py": "x = 'lock'\n", "pkg.py": "p = 'lock'\n"})
    store = package(
        tmp_path / "store",
        "taken",
        {
            "locked.py": "x = 'nixpkgs'\n",
            "same.py": "s = 1\n",
            "ns/deep/x.py": "x = 'nixpkgs'\n",
            "pkg/__init__.py": "p = 'nixpkgs'\n",
            "ns/deep/y.py": "",
        },
    )
    clashes = finish_environment(
        env, Making(PYTHON), build_to=None, packages=(store,), keep={"ns/deep": "taken"}
    )
    assert sorted(str(one) for one in clashes) == [
        "locked.py: in locked (from the lock) and in taken (from nixpkgs); kept: locked",
        "module pkg: in taken (from nixpkgs) and in other (from the lock); kept: taken",
        "ns/deep/x.py: in taken (from nixpkgs) and in other (from the lock); kept: taken",
    ]
    code = "import locked, ns.deep.x, ns.deep.y, ns.a, same, pkg; print(locked.x, ns.deep.x.x, pkg.p)"
    assert run(env / "bin" / "python", "-I", "-c", code) == "lock nixpkgs nixpkgs"


def test_one_entry_point_of_two_packages_is_no_clash(env: Path, tmp_path: Path) -> None:
    """A metapackage and the package that it stands for name the same launcher."""
    one = package(tmp_path / "one", "one", {"one.py": "def f(): print('one')\n"}, "tool = one:f")
    two = package(tmp_path / "two", "two", {}, "tool = one:f")
    assert finish_environment(env, Making(PYTHON), build_to=None, packages=(one, two)) == ()
    assert run(env / "bin" / "tool") == "one"


def test_clashes_are_told_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, store = clash_of_programs(tmp_path, "aa", "zz")
    arguments = ["venv", "finish", str(root), "--interpreter", str(PYTHON), "--package", str(store)]
    run_plain([*arguments, "--keep", "bin/run=zz"])
    said = capsys.readouterr().err
    assert "bin/tool: in aa (from the lock) and in zz (from nixpkgs); kept: aa" in said
    assert "bin/run: in zz (from nixpkgs) and in aa (from the lock); kept: zz" in said
    assert "[tool.uvlock2nix.collisions]" in said


def test_what_is_no_python_package_adds_nothing(env: Path, tmp_path: Path) -> None:
    (tmp_path / "library" / "lib").mkdir(parents=True)
    before = sorted(env.rglob("*"))
    link_packages((tmp_path / "library",), env, VERSION)
    assert sorted(env.rglob("*")) == before
    assert [one.name for one in installed(env / SITE)] == ["locked"]
