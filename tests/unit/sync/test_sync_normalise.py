from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.packages import record_faults
from uvlock2nix.dist.entry_points import entry_points
from uvlock2nix.dist.installed import Installed, installed
from uvlock2nix.dist.scripts import Script, neutral_shebang
from uvlock2nix.layout import SCRIPTS
from uvlock2nix.sync.normalise import normalise


class Tree:
    """An environment as an installer leaves it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.site = root / "lib" / "python3.12" / "site-packages"
        self.site.mkdir(parents=True)
        (root / "bin").mkdir()
        (root / "bin" / "python").symlink_to("/usr/bin/python3")
        (root / "pyvenv.cfg").write_text("uv = 0.13.8\n")

    def add(self, name: str, files: dict[str, str | bytes], entry_points: str = "") -> Path:
        """Install a distribution; ``files`` are paths relative to site-packages."""
        info = f"{name}-1.0.dist-info"
        everything = {f"{info}/INSTALLER": "uv", f"{info}/REQUESTED": "", f"{info}/METADATA": "m", **files}
        if entry_points:
            everything[f"{info}/entry_points.txt"] = entry_points
        for path, content in everything.items():
            target = Path(os.path.normpath(self.site / path))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else content.encode())
        lines = [f"{path},sha256=as-installed,1\n" for path in everything]
        (self.site / info / "RECORD").write_text("".join([*lines, f"{info}/RECORD,,\n"]))
        return self.site / info

    def script(self, name: str, content: str | bytes) -> dict[str, str | bytes]:
        return {f"../../../bin/{name}": content}

    def normalise(self) -> tuple[Script, ...]:
        scripts = normalise(self.root, self.site)
        assert record_faults(self.site) == []
        return scripts


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "env")


def test_what_the_installer_left_goes(tree: Tree) -> None:
    tree.add("a", {"a/__init__.py": "", "a/__pycache__/x.cpython-312.pyc": b"1", "a/only.pyc": b"2"})
    tree.add(
        "b", {"b.py": "", "__pycache__/b.cpython-312.pyc": b"1", "_virtualenv.py": "", "_virtualenv.pth": ""}
    )
    for name in (".lock", ".gitignore", "CACHEDIR.TAG"):
        (tree.root / name).write_text("")
    (tree.root / "lib64").symlink_to("lib")
    assert tree.normalise() == ()
    assert sorted(path.name for path in tree.root.iterdir()) == ["lib"]
    left = {str(path.relative_to(tree.site)) for path in tree.site.rglob("*") if path.is_file()}
    infos = {f"{name}-1.0.dist-info/{file}" for name in "ab" for file in ("METADATA", "RECORD")}
    # Sourceless modules are the package's own; what venv makes is not, unless the package ships it.
    assert left == infos | {"a/__init__.py", "a/only.pyc", "b.py", "_virtualenv.py", "_virtualenv.pth"}


def test_what_went_through_lib64(tree: Tree) -> None:
    (tree.root / "lib64").symlink_to("lib")
    info = tree.add("a", {"../../../lib64/a/b.so": "1"})
    tree.normalise()
    assert not (tree.root / "lib64").exists()
    assert (tree.root / "lib" / "a" / "b.so").exists()
    assert "../../../lib/a/b.so,sha256=" in (info / "RECORD").read_text()


def test_environment_files_of_venv_go(tree: Tree) -> None:
    (tree.site / "_virtualenv.py").write_text("")
    (tree.site / "_virtualenv.pth").write_text("")
    tree.normalise()
    assert list(tree.site.iterdir()) == []


def test_launchers_go_and_scripts_stay(tree: Tree) -> None:
    python = tree.root / "bin" / "python"
    tree.add(
        "a",
        {
            "a.py": "",
            **tree.script("run-a", f"#!{python}\nlauncher\n"),
            **tree.script("short", f"#!{python}\nprint(1)\n"),
            **tree.script("long", f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\nprint(1)\n"),
            **tree.script("elf", b"\x7fELF\0\0"),
            **tree.script("shell", "#!/bin/sh\necho 1\n"),
            **tree.script("anyone", "#!/usr/bin/env python3\nprint(2)\n"),
            **tree.script("empty", ""),
        },
        entry_points="[console_scripts]\nrun-a = a:main\n",
    )
    scripts = tree.normalise()
    assert not (tree.root / "bin").exists()
    kept = {path.name: path.read_bytes() for path in (tree.root / SCRIPTS).iterdir()}
    assert kept == {
        "short": b"#!python\nprint(1)\n",
        "long": b"#!python\nprint(1)\n",
        "elf": b"\x7fELF\0\0",
        "shell": b"#!/bin/sh\necho 1\n",
        "anyone": b"#!python\nprint(2)\n",
        "empty": b"",
    }
    assert {one.name for one in scripts if one.python} == {"short", "long", "anyone"}
    assert {one.package for one in scripts} == {"a"}


def test_a_script_of_two_packages_is_in_both_records(tree: Tree) -> None:
    python = tree.root / "bin" / "python"
    for name in "ab":
        tree.add(name, tree.script("tool", f"#!{python}\nprint('{name}')\n"))
    (script,) = tree.normalise()
    assert script.python
    for one in installed(tree.site):
        assert any(entry.path.endswith("scripts/tool") for entry in one.entries)


def test_a_tree_without_an_environment(tmp_path: Path) -> None:
    """What ``--target`` makes: everything in one folder."""
    info = tmp_path / "a-1.0.dist-info"
    info.mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tool").write_bytes(b"\x7fELF")
    (info / "RECORD").write_text("bin/tool,,\na-1.0.dist-info/RECORD,,\n")
    (script,) = normalise(tmp_path, tmp_path, scripts_to="_scripts")
    assert script.name == "tool"
    assert (tmp_path / "_scripts" / "tool").read_bytes() == b"\x7fELF"
    assert "_scripts/tool,sha256=" in (info / "RECORD").read_text()


@pytest.mark.parametrize(
    "path",
    ["../../../../victim", "../../../bin/../../victim", "/{root}/victim", "../../../bin/../../../victim"],
)
def test_nothing_outside_is_moved_or_read(tree: Tree, path: str) -> None:
    victim = tree.root.parent / "victim"
    victim.write_text("untouched")
    info = tree.add("bad", {"bad.py": ""})
    with (info / "RECORD").open("a") as record:
        record.write(path.format(root=tree.root.parent) + ",sha256=x,1\n")
    tree.normalise()
    assert victim.read_text() == "untouched"
    assert "victim" not in (info / "RECORD").read_text()
    assert not list(tree.root.rglob("victim"))


def test_modes_are_plain(tree: Tree) -> None:
    tree.add("a", {"a.py": "", "b.so": "", "c.py": ""})
    for name, mode in (("a.py", 0o600), ("b.so", 0o775), ("c.py", 0o666)):
        (tree.site / name).chmod(mode)
    tree.normalise()
    modes = {name: stat.S_IMODE((tree.site / name).stat().st_mode) for name in ("a.py", "b.so", "c.py")}
    assert modes == {"a.py": 0o644, "b.so": 0o755, "c.py": 0o644}


def test_again_changes_nothing(tree: Tree) -> None:
    tree.add("a", {"a.py": "", **tree.script("x", f"#!{tree.root}/bin/python\n1\n")})
    tree.normalise()
    before = {path: path.read_bytes() for path in tree.root.rglob("*") if path.is_file()}
    tree.normalise()
    assert {path: path.read_bytes() for path in tree.root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("content", "after"),
    [
        (b"#!{bin}/python -E\nx", b"#!python\nx"),
        (b"#!/elsewhere/bin/python\nx", None),
        (b"#!/bin/sh\nexec {bin}\nx", b"#!python\n"),
        (b"#!/usr/bin/python3.9\nx", b"#!python\nx"),
        (b"#! /usr/bin/env python\nx\ny\n", b"#!python\nx\ny\n"),
        (b"#!/usr/bin/env pythonic\nx", None),
        (b"#!/usr/bin/env -S python -O\nx", None),
        (b"#!" + b"x" * 10_000, None),
        (b"no\n#!{bin}/python\n", None),
    ],
)
def test_interpreter_lines(tmp_path: Path, content: bytes, after: bytes | None) -> None:
    content = content.replace(b"{bin}", os.fsencode(tmp_path / "bin"))
    script = tmp_path / "script"
    script.write_bytes(content)
    assert neutral_shebang(script, tmp_path) == (after is not None)
    assert script.read_bytes() == (content if after is None else after)


def points(tmp_path: Path, text: str) -> dict[str, str]:
    (tmp_path / "entry_points.txt").write_text(text)
    return entry_points(Installed("x", "1", tmp_path, ()))


def test_entry_points(tmp_path: Path) -> None:
    text = """
        # a comment
        [console_scripts]
        one = a.b:c
        Two=d:e [extra]
        ; another = x:y
        a line that says nothing
        [gui_scripts]
        three = f : g.h
        [DEFAULT]
        four = must:not_be
        [other.group]
        five = neither:this
        """
    assert points(tmp_path, text) == {"one": "a.b:c", "Two": "d:e [extra]", "three": "f : g.h"}


@given(st.text())
def test_any_text_has_entry_points_or_none(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("points", numbered=True)
    (folder / "entry_points.txt").write_bytes(text.encode("utf-8", "replace"))
    assert isinstance(entry_points(Installed("x", "1", folder, ())), dict)


def test_what_acts_on_other_builds_goes(tree: Tree) -> None:
    tree.add("a", {"a.py": "", "../../../nix-support/setup-hook": "x", "../../../Nix-Support/y": "x"})
    tree.add("b", {"b.py": "", "../../../share/nix-support/z": "x"})
    said: list[str] = []
    normalise(tree.root, tree.site, say=said.append)
    assert record_faults(tree.site) == []
    assert [line.partition(" is left out")[0] for line in said] == [
        "uvlock2nix: a: Nix-Support/y",
        "uvlock2nix: a: nix-support/setup-hook",
    ]
    assert not (tree.root / "nix-support").exists()
    assert not (tree.root / "Nix-Support").exists()
    assert (tree.root / "share/nix-support/z").is_file()
