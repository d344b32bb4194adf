"""``uvlock2nix refs`` as a program: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.support.refs import make_elf, snapshot, store_path
from uvlock2nix.refs.store import StorePath
from uvlock2nix.refs.stripped import MANIFEST_PLACE

REPO = Path(__file__).resolve().parents[2]
XML = store_path("libxml2-2.13.8")
NEW = store_path("libxml2-2.14.10", "2")
OUT = store_path("demo-1")


def run(*arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "uvlock2nix", "refs", *map(str, arguments)],
        cwd=REPO,
        env={**clean, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def at(path: StorePath) -> str:
    return f"/nix/store/{path.base}"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "t.txt").write_text(f"{at(XML)}/share and {at(OUT)}\n")
    (tree / "bare").write_text(XML.hash)
    return tree


@pytest.fixture
def closure(tmp_path: Path) -> Path:
    file = tmp_path / "closure"
    file.write_text(f"{at(XML)}\n{at(OUT)}\n")
    return file


def valid(text: str) -> dict[str, object]:
    value = json.loads(text)
    schema = json.loads((REPO / "docs" / "schema" / "refs-1.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(value)
    assert isinstance(value, dict)
    return value


def test_strip_audit_restore(tree: Path, closure: Path) -> None:
    before = snapshot(tree)
    done = run(
        "strip", tree, "--closure", closure, "--input", f"libxml2={at(XML)}", "--input", f"out={at(OUT)}"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "stripped 3 references to 2 inputs in 2 of 2 files\n"
    done = run("audit", tree, "--closure", closure)
    assert (done.returncode, done.stdout, done.stderr) == (0, "no store reference is left\n", "")
    done = run("restore", tree, "--closure", closure, "--inputs", f"libxml2={at(XML)} out={at(OUT)}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("restored 2 files;")
    assert {name: value for name, value in snapshot(tree).items() if "nix-support" not in name} == before


def test_strip_can_prove_in_the_same_pass_that_nothing_is_left(tree: Path, closure: Path) -> None:
    (tree / "broken.so").write_bytes(b"\x7fELF" + closure.read_bytes())
    done = run("strip", tree, "--closure", closure, "--audit")
    assert done.returncode == 1
    assert "store references are left" in done.stderr
    assert "broken.so" in done.stderr
    (tree / "broken.so").unlink()
    assert run("strip", tree, "--closure", closure, "--audit").returncode == 0


def test_the_audit_fails_with_file_offset_and_reference(tree: Path, closure: Path) -> None:
    done = run("audit", tree, "--closure", closure)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "error: 3 store references are left in" in done.stderr
    assert f"  t.txt: offset 11: {XML.base}\n" in done.stderr
    assert f"  bare: offset 0: {XML.base}\n" in done.stderr
    assert "hint: " in done.stderr


def test_names_do_not_steer_the_terminal(tree: Path, closure: Path) -> None:
    name = os.fsdecode(b"a\x1b[31m\nerror: \xff")
    (tree / name).write_text(at(XML))
    (tree / f"{name}.so").write_bytes(b"\x7fELF" + at(XML).encode())
    shown = "a\\x1b[31m\\nerror: \\xff"
    done = run("audit", tree, "--closure", closure)
    assert f"  {shown}: offset 11: {XML.base}\n" in done.stderr
    done = run("strip", tree, "--closure", closure)
    assert f"warning: {shown}.so is a broken ELF file" in done.stderr
    assert "\x1b" not in done.stderr
    (tree / f"{name}.so").unlink()
    (tree / name).unlink()
    done = run("restore", tree, "--closure", closure)
    assert done.returncode == 3
    assert "a\\x1b[31m" in done.stderr
    assert "\x1b" not in done.stderr


def test_json_of_all_three_fits_the_schema(tree: Path, closure: Path) -> None:
    (tree / "broken.so").write_bytes(b"\x7fELF" + at(XML).encode())
    done = run("audit", tree, "--closure", closure, "--json")
    assert done.returncode == 1
    assert len(valid(done.stdout)["findings"]) == 4  # type: ignore[arg-type]
    done = run("strip", tree, "--closure", closure, "--json")
    assert done.returncode == 0
    assert "broken.so is a broken ELF file" in done.stderr
    assert valid(done.stdout)["corrupt"]
    (tree / "broken.so").unlink()
    (tree / "e.so").write_bytes(make_elf(needed=[b"libcuda.so.1"]))
    done = run("restore", tree, "--closure", closure, "--json")
    assert done.returncode == 0, done.stderr
    assert valid(done.stdout)["ignored"] == [{"file": "e.so", "library": "libcuda.so.1"}]
    valid((tree / MANIFEST_PLACE).read_text())


def test_a_build_needs_no_options(tree: Path, tmp_path: Path) -> None:
    (tmp_path / ".attrs.json").write_text(json.dumps({"buildInputs": [at(XML)]}))
    env = {"out": at(OUT), "NIX_BUILD_TOP": str(tmp_path), "PATH": os.environ["PATH"]}
    assert run("strip", tree, env=env).stdout == "stripped 3 references to 2 inputs in 2 of 2 files\n"
    assert run("audit", tree, env=env).returncode == 0
    env["buildInputs"] = at(NEW)
    (tmp_path / ".attrs.json").unlink()
    assert run("restore", tree, env=env).returncode == 0
    assert (tree / "t.txt").read_text() == f"{at(NEW)}/share and {at(OUT)}\n"


def test_inputs_as_json(tree: Path, closure: Path) -> None:
    done = run("strip", tree, "--closure", closure, "--inputs", json.dumps({"xml.out": at(XML)}), "--json")
    keys = {reference["key"] for reference in json.loads(done.stdout)["references"]}
    assert keys == {"xml.out", "demo"}


def test_restore_from_another_tree(tree: Path, closure: Path, tmp_path: Path) -> None:
    run("strip", tree, "--closure", closure)
    (tree / "same").touch()
    env = tmp_path / "env"
    done = run("restore", env, "--from", tree, "--link", "--closure", closure)
    assert done.returncode == 0, done.stderr
    assert (env / "same").is_symlink()
    assert (env / "t.txt").read_text() == f"{at(XML)}/share and {at(OUT)}\n"


def test_the_interpreter_of_the_build_is_the_default(tree: Path, tmp_path: Path) -> None:
    support = tmp_path / "bintools" / "nix-support"
    support.mkdir(parents=True)
    (support / "dynamic-linker").write_text("/no/such/ld.so\n")
    done = run("restore", tree, "--no-manifest", env={"NIX_BINTOOLS": str(tmp_path / "bintools")})
    assert done.returncode == 3
    assert "the interpreter /no/such/ld.so is not an ELF file" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["audit", "no-such-dir"], 3, "no-such-dir is not a directory"),
        (["audit", "."], 3, "is not a path in the store"),
        (["strip", ".", "--closure", "/no/such"], 3, "cannot be read"),
        (["strip", ".", "--input", "zlib"], 2, "'zlib' is not ATTR=PATH"),
        (["strip", ".", "--inputs", "{"], 2, "looks like JSON"),
        (["strip", ".", "--inputs", '{"a": 1}'], 2, "not an object that maps attributes to paths"),
        (["strip", ".", "--input", "zlib=/usr"], 3, "is not a path in the store"),
        (["restore", "."], 3, "the manifest cannot be read"),
        (["restore", ".", "--no-manifest", "--manifest", "x"], 2, "cannot be used together"),
        (["restore", ".", "--link", "--no-manifest"], 2, "--link needs --from"),
        (["restore", ".", "--no-manifest", "--dlopen", "x"], 2, "is not PACKAGE=DIR"),
        (["restore"], 2, "Missing argument"),
        (["polish"], 2, "No such command"),
    ],
)
def test_mistakes_get_their_code_and_a_sentence(
    tmp_path: Path, arguments: list[str], code: int, says: str
) -> None:
    (tmp_path / "bad").write_text("not a store path\n")
    words = [str(tmp_path) if word == "." else word for word in arguments]
    if arguments == ["audit", "."]:
        words += ["--closure", str(tmp_path / "bad")]
    done = run(*words)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_help_says_what_each_does() -> None:
    assert "Restore the references that strip took out" in run("restore", "--help").stdout
    for name in ("strip", "audit", "restore"):
        assert name in run("--help").stdout


def test_judges_from_outside_agree(tree: Path, closure: Path) -> None:
    """``readelf`` and ``patchelf`` see what we say, after strip and after restore."""
    if shutil.which("readelf") is None or shutil.which("patchelf") is None:
        pytest.skip("no readelf or patchelf")
    sample = REPO / "fixtures" / "elf" / "markupsafe-musllinux_1_2_x86_64.so"
    file = tree / "m.so"
    shutil.copy(sample, file)
    subprocess.run(["patchelf", "--set-rpath", f"$ORIGIN/x:{at(XML)}/lib:$ORIGIN/y", file], check=True)
    before = file.read_bytes()

    def shown() -> str:
        return subprocess.run(
            ["patchelf", "--print-rpath", file], capture_output=True, text=True, check=True
        ).stdout

    run("strip", tree, "--closure", closure)
    assert "libxml2-2.13.8" not in shown()
    assert shown().startswith("$ORIGIN/x:/nix/store/uvlock2nixref0")
    new = ["--input", f"libxml2={at(NEW)}", "--input", f"out={at(OUT)}", "--ignore", "*"]
    stripped = tree.parent / "stripped"
    shutil.copytree(tree, stripped, symlinks=True)
    assert run("restore", tree, "--closure", closure, "--ignore", "*").returncode == 0
    assert file.read_bytes() == before
    done = run("restore", stripped, *new)
    assert done.returncode == 0, done.stderr
    file = stripped / "m.so"
    assert shown() == f"$ORIGIN/x:{at(NEW)}/lib:$ORIGIN/y\n"
    text = subprocess.run(["readelf", "-dW", file], capture_output=True, text=True, check=True).stdout
    assert f"[$ORIGIN/x:{at(NEW)}/lib:$ORIGIN/y]" in text
