"""Bytecode does not depend on the number of cores or on other files; it can be left out."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from tests.support.emit import plan_of, texts
from tests.support.locks import HEAD, entry
from uvlock2nix.errors import ToolError
from uvlock2nix.venv.bytecode import BATCH, compile_bytecode

PYTHON = Path(sys.executable).resolve()
# Names that several modules use, each in its own constants and attributes.
MODULE = """
import os, sys
class {name}:
    shared_attribute = ("shared constant", "{name}", ("nested", 1.5))
    def shared_method(self, shared_argument=None):
        return os.path.join("shared constant", self.shared_attribute[0], shared_argument or "{name}")
"""


def site(root: Path, packages: tuple[str, ...], modules: int = 3) -> Path:
    for package in packages:
        (root / package / "inner").mkdir(parents=True)
        for number in range(modules):
            name = f"{package}_{number}"
            (root / package / f"m{number}.py").write_text(MODULE.format(name=name))
            (root / package / "inner" / f"m{number}.py").write_text(MODULE.format(name=f"{name}_inner"))
        (root / f"{package}_alone.py").write_text(MODULE.format(name=f"{package}_alone"))
    return root


def digests(root: Path) -> dict[str, str]:
    """Path → digest; `co_filename` is in bytecode, so trees to compare have been at one place."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*.pyc"))
    }


def compiled(place: Path, packages: tuple[str, ...], cores: int, modules: int = 3) -> dict[str, str]:
    root = site(place / "site", packages, modules)
    compile_bytecode(root, PYTHON, cores)
    found = digests(root)
    root.rename(place / f"done-{len(list(place.iterdir()))}")
    return found


def test_the_same_with_any_number_of_cores(tmp_path: Path) -> None:
    first = compiled(tmp_path, ("a", "b", "c"), 1, modules=BATCH // 2 + 5)
    assert len(first) == 3 * (2 * (BATCH // 2 + 5) + 1)
    for cores in (2, 3, 8):
        assert compiled(tmp_path, ("a", "b", "c"), cores, modules=BATCH // 2 + 5) == first


def test_what_else_is_installed_does_not_show(tmp_path: Path) -> None:
    alone = compiled(tmp_path, ("b",), 2)
    among = compiled(tmp_path, ("a", "b", "c"), 2)
    assert alone.items() <= among.items()


def test_package_compiles_its_own_one_by_one(tmp_path: Path) -> None:
    whole = compiled(tmp_path, ("a", "b"), 2)
    root = site(tmp_path / "site", ("a", "b"))
    for path in sorted(root.iterdir()):
        compile_bytecode(path, PYTHON, 2)
    assert digests(root).keys() == whole.keys()


def test_a_python_that_ends_early_is_named(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("x = 1\n")
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho broken >&2\nexit 7\n")
    python.chmod(0o755)
    with pytest.raises(ToolError, match=r"python: compiling modules ended with exit code 7: broken"):
        compile_bytecode(tmp_path, python, 1)


def test_a_batch_that_ends_early_is_named(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("x = 1\n")
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho '0 -11'\n")
    python.chmod(0o755)
    with pytest.raises(ToolError, match=r"compiling .*/one\.py and others ended with exit code -11"):
        compile_bytecode(tmp_path, python, 1)


def test_without_cores_there_is_none(tmp_path: Path) -> None:
    assert compiled(tmp_path, ("a",), 0) == {}


def test_what_does_not_compile_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("x = 1\n")
    deep = "(" * 3000 + ")" * 3000
    for name, text in {
        "syntax": "def (",
        "deep": deep,
        "null": "a\0b",
        "coded": "# coding: nothing\n",
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "bytes.py").write_bytes(b"x = '\xff'\n")
    compile_bytecode(tmp_path, PYTHON, 2)
    assert [path.partition(".")[0] for path in digests(tmp_path)] == ["__pycache__/good"]


@pytest.mark.parametrize(("said", "count"), [("", 0), ("[tool.uvlock2nix]\nno-bytecode = true\n", 1)])
def test_it_can_be_switched_off(tmp_path: Path, said: str, count: int) -> None:
    (tmp_path / "uv.lock").write_text(HEAD + entry("app", source='{ editable = "." }'))
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "app"\nversion = "1.0"\n{said}')
    found = texts(plan_of(tmp_path))
    for name in ("python-env.nix", "package.nix"):
        assert found[name].count("dontCompileBytecode = true;") == count
