from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.refs import make_elf, record_line, snapshot, store_path
from uvlock2nix.errors import InputError, RefsError, ToolError
from uvlock2nix.refs.elf import ElfFile, bytes_reader
from uvlock2nix.refs.needs import RestoreOptions
from uvlock2nix.refs.patchelf import Grow, run_patchelf
from uvlock2nix.refs.restore import Recorded, RestoreReport, Tools, restore
from uvlock2nix.refs.store import StorePath, placeholder
from uvlock2nix.refs.strip import strip
from uvlock2nix.refs.stripped import MANIFEST_PLACE

XML = store_path("libxml2-2.13.8")
LONGER = store_path("libxml2-2.14.10", "2")
SHORTER = store_path("libxml2-2.9", "3")
PYTHON = store_path("python3-3.12.10")
OUT = store_path("demo-deps-1")
ENV = store_path("demo-env-1")
LONG_ENV = store_path("demo-environment-1")
FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "elf"


def at(path: StorePath, below: str = "") -> bytes:
    return f"/nix/store/{path.base}{below}".encode()


def do_strip(tree: Path) -> None:
    inputs = {"out": at(OUT).decode(), "libxml2": at(XML).decode()}
    strip(tree, store_paths=[XML, PYTHON, OUT], inputs=inputs, manifest=tree / MANIFEST_PLACE)


class Grower:
    """Stands for patchelf with files of ``make_elf``: makes them again, and remembers what was asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[bytes | None, bool, bytes | None]] = []

    def __call__(self, file: Path, runpath: bytes | None, force: bool, interpreter: bytes | None) -> None:
        self.calls.append((runpath, force, interpreter))
        content = file.read_bytes()
        elf = ElfFile(bytes_reader(content), len(content))
        facts = elf.facts
        old = {one.tags[0]: one.text for one in facts.runpaths}
        if runpath is not None:
            old["RPATH" if force else "RUNPATH"] = runpath
        present = facts.interpreter.text if facts.interpreter else None
        file.write_bytes(
            make_elf(
                bits=facts.target[0],
                order=facts.target[1],
                machine=facts.target[2],
                kind=facts.kind,
                needed=facts.needed,
                soname=facts.soname,
                runpath=old.get("RUNPATH"),
                rpath=old.get("RPATH"),
                interpreter=interpreter or present,
            )
        )


def do_restore(
    tree: Path,
    xml: StorePath = XML,
    out: StorePath = OUT,
    *,
    grow: Grow | None = None,
    search: Sequence[str] = (),
    ignore: Sequence[str] = (),
    interpreter: str | None = None,
    dlopen: dict[str, tuple[str, ...]] | None = None,
    leave: Sequence[str] = (),
    source: Path | None = None,
    link: bool = False,
) -> RestoreReport:
    return restore(
        tree,
        Recorded(
            {"out": at(out).decode(), "libxml2": at(xml).decode()},
            (source or tree) / MANIFEST_PLACE,
            others=[PYTHON],
            leave=leave,
        ),
        RestoreOptions(search, ignore, interpreter, dlopen or {}),
        source=source,
        link=link,
        tools=Tools(grow=grow or Grower()),
    )


def runpath_of(file: Path) -> bytes:
    content = file.read_bytes()
    return ElfFile(bytes_reader(content), len(content)).facts.runpaths[0].text


@pytest.mark.parametrize("new", [LONGER, SHORTER], ids=["longer", "shorter"])
def test_another_version_in_texts_scripts_and_symlinks(tmp_path: Path, new: StorePath) -> None:
    (tmp_path / "t").write_bytes(b"a " + at(XML, "/x") + b" b " + XML.hash.encode() + b" " + at(XML))
    (tmp_path / "s").write_bytes(b"#!" + at(XML, "/bin/x") + b"\nexec " + at(XML, "/bin/y"))
    (tmp_path / "l").symlink_to(at(XML, "/lib/libxml2.so").decode())
    do_strip(tmp_path)
    do_restore(tmp_path, new)
    assert (tmp_path / "t").read_bytes() == b"a " + at(new, "/x") + b" b " + new.hash.encode() + b" " + at(
        new
    )
    assert (tmp_path / "s").read_bytes() == b"#!" + at(new, "/bin/x") + b"\nexec " + at(new, "/bin/y")
    assert os.readlink(tmp_path / "l") == at(new, "/lib/libxml2.so").decode()  # noqa: PTH115


def test_the_own_output_gets_envs_name(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"#!" + at(OUT, "/bin/python") + b"\n")
    do_strip(tmp_path)
    do_restore(tmp_path, out=LONG_ENV)
    assert (tmp_path / "s").read_bytes() == b"#!" + at(LONG_ENV, "/bin/python") + b"\n"


def test_a_shorter_compiled_in_path_is_filled_up_with_slashes(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"\0" + at(XML, "/etc/xml") + b"\0" + XML.hash.encode() + b"\0")
    do_strip(tmp_path)
    do_restore(tmp_path, SHORTER)
    filled = at(SHORTER) + b"///" + b"/etc/xml"
    assert len(filled) == len(at(XML, "/etc/xml"))
    assert (tmp_path / "b").read_bytes() == b"\0" + filled + b"\0" + SHORTER.hash.encode() + b"\0"


def test_a_longer_compiled_in_path_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"\0" + at(XML, "/etc/xml") + b"\0")
    (tmp_path / "t").write_bytes(at(XML))
    do_strip(tmp_path)
    before = snapshot(tmp_path)
    with pytest.raises(
        RefsError, match=r"b: at offset 12: <hash>-libxml2-2\.13\.8 is compiled in.* 1 bytes longer"
    ):
        do_restore(tmp_path, LONGER)
    assert snapshot(tmp_path) == before


def test_a_name_that_is_no_path_cannot_be_filled_up(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"\0" + XML.base.encode() + b"\0")
    do_strip(tmp_path)
    with pytest.raises(RefsError, match="not as a store path"):
        do_restore(tmp_path, SHORTER)


@pytest.mark.parametrize("tag", ["runpath", "rpath"])
def test_search_paths_keep_order_and_origin_and_grow_only_where_they_must(tmp_path: Path, tag: str) -> None:
    text = b"$ORIGIN/a:" + at(XML, "/lib") + b":$ORIGIN/../x.libs:" + at(PYTHON, "/lib")
    (tmp_path / "e.so").write_bytes(make_elf(**{tag: text}))  # type: ignore[arg-type]
    (tmp_path / "same.so").write_bytes(make_elf(runpath=b"$ORIGIN"))
    do_strip(tmp_path)
    shutil.copytree(tmp_path, tmp_path / "copy")
    grower = Grower()
    report = do_restore(tmp_path, SHORTER, grow=grower)
    assert (report.changed, grower.calls) == (("e.so",), [])
    assert runpath_of(tmp_path / "e.so") == text.replace(XML.base.encode(), SHORTER.base.encode())
    report = do_restore(tmp_path / "copy", LONGER, grow=grower)
    expected = text.replace(XML.base.encode(), LONGER.base.encode())
    assert report.grown == ("e.so",)
    assert grower.calls == [(expected, tag == "rpath", None)]
    assert runpath_of(tmp_path / "copy" / "e.so") == expected


def test_real_files_grow_with_patchelf_and_readelf_agrees(tmp_path: Path) -> None:
    if shutil.which("patchelf") is None or shutil.which("readelf") is None:
        pytest.skip("no patchelf or readelf")
    text = "$ORIGIN/../x.libs:" + at(XML, "/lib").decode()
    for name in (
        "musllinux_1_2_x86_64",
        "manylinux2014_aarch64",
        "manylinux2014_armv7l",
        "musllinux_1_2_i686",
    ):
        file = tmp_path / f"{name}.so"
        shutil.copy(FIXTURES / f"markupsafe-{name}.so", file)
        subprocess.run(["patchelf", "--set-rpath", text, file], check=True)
        file.chmod(0o444)
    do_strip(tmp_path)
    report = do_restore(tmp_path, LONGER, grow=run_patchelf, ignore=["*"])
    assert len(report.grown) == 4
    for file in tmp_path.glob("*.so"):
        shown = subprocess.run(["readelf", "-dW", file], capture_output=True, text=True, check=True).stdout
        assert f"runpath: [{text.replace(XML.base, LONGER.base)}]" in shown
        assert file.stat().st_mode & 0o777 == 0o444


def test_the_linkers_own_lib_folder_is_dropped_when_it_is_not_there(tmp_path: Path) -> None:
    text = at(OUT, "/lib") + b":" + at(XML, "/lib")
    (tmp_path / "e.so").write_bytes(make_elf(runpath=text))
    do_strip(tmp_path)
    report = do_restore(tmp_path)
    assert runpath_of(tmp_path / "e.so") == at(XML, "/lib")
    assert report.dropped == (("e.so", at(OUT, "/lib").decode()),)


def test_a_missing_input_is_an_error_with_key_and_file(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(at(store_path("zlib-1.3.1")))
    strip(tmp_path, store_paths=[store_path("zlib-1.3.1")], inputs={}, manifest=tmp_path / MANIFEST_PLACE)
    before = snapshot(tmp_path)
    with pytest.raises(RefsError, match=r"no input matches these references:\n  zlib \(for t\)") as caught:
        do_restore(tmp_path)
    assert "--input ATTR=PATH" in caught.value.hint
    assert snapshot(tmp_path) == before
    assert do_restore(tmp_path, leave=["zlib"]).left == ("zlib",)
    assert snapshot(tmp_path) == before


def test_what_no_closure_had_is_left_and_said(tmp_path: Path) -> None:
    foreign = store_path("rustc-1.90.0")
    (tmp_path / "t").write_bytes(b"\0" + at(foreign))
    (tmp_path / "e.so").write_bytes(make_elf(runpath=at(foreign, "/lib") + b":$ORIGIN"))
    do_strip(tmp_path)
    report = do_restore(tmp_path)
    assert report.left == ("rustc",)
    assert runpath_of(tmp_path / "e.so") == b"$ORIGIN"
    assert len(report.dropped) == 1


def test_a_file_that_changed_since_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(at(XML) + at(XML))
    do_strip(tmp_path)
    content = (tmp_path / "t").read_bytes()
    (tmp_path / "t").write_bytes(content[: len(content) // 2])
    with pytest.raises(RefsError, match="records 2 references to libxml2, the file has 1"):
        do_restore(tmp_path)
    (tmp_path / "t").unlink()
    with pytest.raises(RefsError, match="cannot be read"):
        do_restore(tmp_path)


def test_strip_after_restore_forgets_what_was_put_back(tmp_path: Path) -> None:
    (tmp_path / "e.so").write_bytes(make_elf(runpath=at(XML, "/lib")))
    (tmp_path / "t").write_bytes(at(XML))
    (tmp_path / "gone").write_bytes(at(XML))
    do_strip(tmp_path)
    do_restore(tmp_path, LONGER)
    (tmp_path / "gone").unlink()
    inputs = {"libxml2": at(LONGER).decode()}
    strip(tmp_path, store_paths=[], inputs=inputs, manifest=tmp_path / MANIFEST_PLACE)
    references = json.loads((tmp_path / MANIFEST_PLACE).read_text())["references"]
    assert [(one["file"], one["count"]) for one in references] == [("e.so", 1), ("t", 1)]
    do_restore(tmp_path, SHORTER)
    assert runpath_of(tmp_path / "e.so") == at(SHORTER, "/lib")


def test_records_follow(tmp_path: Path) -> None:
    info = tmp_path / "a-1.dist-info"
    info.mkdir()
    (tmp_path / "t").write_bytes(at(XML))
    (info / "RECORD").write_text(record_line("t", at(XML)))
    do_strip(tmp_path)
    do_restore(tmp_path, LONGER)
    assert (info / "RECORD").read_text() == record_line("t", at(LONGER))


# -- auto-patchelf's job --


def wheels(tree: Path) -> None:
    """Wheels: with a bundled library, in need of a sibling's, in need of the system's."""
    for name, content in {
        "np/core.so": make_elf(needed=[b"libblas-1.so", b"libc.so.6"], runpath=b"$ORIGIN/../np.libs"),
        "np.libs/libblas-1.so": make_elf(needed=[b"libgfortran-2.so"], soname=b"libblas-1.so"),
        "np.libs/libgfortran-2.so": make_elf(needed=[b"libm.so.6"]),
        "torch/lib/libtorch.so": make_elf(needed=[b"libcudart.so.12", b"libcuda.so.1"], runpath=b"$ORIGIN"),
        "nvidia/cuda_runtime/lib/libcudart.so.12": make_elf(needed=[b"libc.so.6"]),
        "ext/mod.so": make_elf(needed=[b"libstdc++.so.6"], rpath=b"$ORIGIN/x"),
        "other/x86.so": make_elf(bits=32, machine=3, needed=[b"libnone.so.9"]),
        "broken.so": b"\x7fELFbroken, and longer than the smallest header that there can be",
    }.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(content)
    (tree / MANIFEST_PLACE).parent.mkdir(parents=True)
    (tree / MANIFEST_PLACE).write_text('{"schema": 1}')


def system(folder: Path) -> Path:
    """A folder with libc, its loader, and libstdc++."""
    folder.mkdir()
    for name in ("libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"):
        (folder / name).write_bytes(make_elf(soname=name.encode()))
    (folder / "cc").mkdir()
    (folder / "cc" / "libstdc++.so.6").write_bytes(make_elf())
    (folder / "wrong").mkdir()
    (folder / "wrong" / "libstdc++.so.6").write_bytes(make_elf(machine=183))
    return folder


def test_libraries_of_siblings_by_origin_and_of_the_system_by_folder(tmp_path: Path) -> None:
    root = system(tmp_path / "sys")
    tree = tmp_path / "tree"
    tree.mkdir()
    wheels(tree)
    before = snapshot(tree)
    report = do_restore(
        tree,
        search=[str(root / "wrong"), str(root / "cc")],
        ignore=["libcuda.so.*"],
        interpreter=str(root / "ld-linux-x86-64.so.2"),
    )
    assert dict(report.added) == {
        "ext/mod.so": (str(root / "cc"),),
        "np.libs/libblas-1.so": ("$ORIGIN",),
        "torch/lib/libtorch.so": ("$ORIGIN/../../nvidia/cuda_runtime/lib",),
    }
    assert runpath_of(tree / "torch/lib/libtorch.so") == b"$ORIGIN:$ORIGIN/../../nvidia/cuda_runtime/lib"
    assert runpath_of(tree / "ext/mod.so") == b"$ORIGIN/x:" + str(root / "cc").encode()
    assert report.ignored == (("torch/lib/libtorch.so", "libcuda.so.1"),)
    assert [file for file, _ in report.skipped] == ["broken.so", "other/x86.so"]
    after = snapshot(tree)
    assert {name for name in after if after[name] != before[name]} == set(report.grown)


def test_every_library_that_is_not_found_is_named_with_its_file(tmp_path: Path) -> None:
    root = system(tmp_path / "sys")
    tree = tmp_path / "tree"
    tree.mkdir()
    wheels(tree)
    before = snapshot(tree)
    with pytest.raises(RefsError) as caught:
        do_restore(tree, interpreter=str(root / "ld-linux-x86-64.so.2"))
    assert "ext/mod.so: the library libstdc++.so.6 is not found" in caught.value.message
    assert "torch/lib/libtorch.so: the library libcuda.so.1 is not found" in caught.value.message
    hint = caught.value.hint
    assert hint is not None
    # No RECORD names these files.
    assert '[tool.uvlock2nix.native.PACKAGE] wheel-runtime-libs = ["ATTRIBUTE"]' in hint
    assert "ignore-missing-libraries" in hint
    assert snapshot(tree) == before


def test_the_hint_names_the_package_and_the_attribute(tmp_path: Path) -> None:
    root = system(tmp_path / "sys")
    tree = tmp_path / "tree"
    tree.mkdir()
    wheels(tree)
    (tree / "ext/gui.so").write_bytes(make_elf(needed=[b"libX11.so.6", b"libnobody.so.1"]))
    info = tree / "Some_Gui-1.0.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("ext/gui.so,,\n")
    with pytest.raises(RefsError) as caught:
        do_restore(tree, search=[str(root / "cc")], interpreter=str(root / "ld-linux-x86-64.so.2"))
    hint = caught.value.hint
    assert hint is not None
    assert '[tool.uvlock2nix.native.some-gui] wheel-runtime-libs = ["libx11"]' in hint
    assert "the nixpkgs attribute that has" in hint
    assert "libnobody.so.1" in hint


def test_libc_counts_only_when_the_interpreters_folder_has_it(tmp_path: Path) -> None:
    root = system(tmp_path / "sys")
    (root / "libm.so.6").unlink()
    tree = tmp_path / "tree"
    tree.mkdir()
    wheels(tree)
    with pytest.raises(RefsError, match=r"libgfortran-2.so: the library libm.so.6 is not found"):
        do_restore(tree, interpreter=str(root / "ld-linux-x86-64.so.2"))
    with pytest.raises(InputError, match="is not an ELF file"):
        do_restore(tree, interpreter=str(root / "missing"))


def test_executables_get_the_interpreter_and_stripped_ones_their_own(tmp_path: Path) -> None:
    root = system(tmp_path / "sys")
    loader = root / "ld-linux-x86-64.so.2"
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "ruff").write_bytes(make_elf(interpreter=b"/lib64/ld-linux-x86-64.so.2", needed=[b"libc.so.6"]))
    (tree / "room").write_bytes(make_elf(interpreter=b"/lib" + b"/" * 300 + b"ld.so"))
    (tree / "own").write_bytes(make_elf(interpreter=at(XML, "/lib/ld.so")))
    do_strip(tree)
    grower = Grower()
    report = do_restore(tree, SHORTER, grow=grower, interpreter=str(loader))
    assert report.grown == ("ruff",)
    assert grower.calls == [(None, False, os.fsencode(loader))]
    for name, expected in (
        ("ruff", os.fsencode(loader)),
        ("room", os.fsencode(loader)),
        ("own", at(SHORTER, "/lib/ld.so")),
    ):
        content = (tree / name).read_bytes()
        interpreter = ElfFile(bytes_reader(content), len(content)).facts.interpreter
        assert interpreter is not None
        assert interpreter.text == expected


def test_without_libraries_only_what_was_stripped_comes_back(tmp_path: Path) -> None:
    content = make_elf(runpath=at(XML, "/lib"), needed=[b"libnone.so"], interpreter=b"/lib64/ld.so")
    (tmp_path / "e.so").write_bytes(content)
    do_strip(tmp_path)
    inputs = {"libxml2": at(XML).decode()}
    restore(tmp_path, Recorded(inputs, tmp_path / MANIFEST_PLACE), RestoreOptions(libraries=False))
    assert (tmp_path / "e.so").read_bytes() == content


def test_what_a_package_opens_by_name_gets_its_folder(tmp_path: Path) -> None:
    info = tmp_path / "snd-1.dist-info"
    info.mkdir()
    (tmp_path / "_snd.so").write_bytes(make_elf(runpath=b"$ORIGIN"))
    (tmp_path / "other.so").write_bytes(make_elf(runpath=b"$ORIGIN"))
    (info / "RECORD").write_text("_snd.so,,\n")
    do_strip(tmp_path)
    report = do_restore(tmp_path, dlopen={"SND": ("/a/lib", "/b/lib")})
    assert report.added == (("_snd.so", ("/a/lib", "/b/lib")),)
    assert runpath_of(tmp_path / "_snd.so") == b"$ORIGIN:/a/lib:/b/lib"


def test_a_patchelf_that_fails_or_lies_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "e.so").write_bytes(make_elf(runpath=at(XML, "/lib")))
    do_strip(tmp_path)
    before = snapshot(tmp_path)

    def fails(file: Path, runpath: bytes | None, force: bool, interpreter: bytes | None) -> None:
        file.write_bytes(b"half")
        raise ToolError("patchelf failed")

    def lies(file: Path, runpath: bytes | None, force: bool, interpreter: bytes | None) -> None:
        file.write_bytes(make_elf(runpath=b"/elsewhere"))

    with pytest.raises(ToolError):
        do_restore(tmp_path, LONGER, grow=fails)
    assert snapshot(tmp_path) == before
    with pytest.raises(RefsError, match="differs from the plan"):
        do_restore(tmp_path, LONGER, grow=lies)
    assert snapshot(tmp_path) == before


def test_patchelf_that_is_missing_or_refuses_is_a_tool_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="patchelf cannot be run"):
        run_patchelf(tmp_path / "x", b"/a", False, None)
    (tmp_path / "patchelf").write_text("#!/bin/sh\necho no good >&2\nexit 3\n")
    (tmp_path / "patchelf").chmod(0o755)
    with pytest.raises(ToolError, match=r"patchelf failed with exit code 3: no good"):
        run_patchelf(tmp_path / "x", b"/a", True, b"/b")


# -- a tree made from a different tree --


@pytest.mark.parametrize("link", [False, True])
def test_a_tree_made_from_deps_is_the_tree_restored_in_place(tmp_path: Path, link: bool) -> None:
    deps = tmp_path / "deps"
    (deps / "d").mkdir(parents=True)
    (deps / "d" / "same").write_bytes(b"same")
    (deps / "large").write_bytes(b"large" * 300_000)
    (deps / "t").write_bytes(at(XML))
    (deps / "l").symlink_to("d/same")
    (deps / "x.sh").write_bytes(b"#!/bin/sh\n")
    (deps / "x.sh").chmod(0o755)
    do_strip(deps)
    for folder in (deps / "d", deps):
        folder.chmod(0o555)
    before = snapshot(deps)
    env = tmp_path / "env"
    do_restore(env, LONGER, source=deps, link=link)
    assert snapshot(deps) == before
    assert (env / "t").read_bytes() == at(LONGER)
    assert not (env / "t").is_symlink()
    assert (env / "d" / "same").is_symlink() == link
    assert (env / "d" / "same").read_bytes() == b"same"
    assert (env / "large").read_bytes() == (deps / "large").read_bytes()
    assert os.readlink(env / "l") == "d/same"  # noqa: PTH115
    assert os.access(env / "x.sh", os.X_OK)
    with pytest.raises(RefsError, match="exists and is not an empty directory"):
        do_restore(env, source=deps)
    for folder in (deps, deps / "d"):
        folder.chmod(0o755)


def test_a_failure_leaves_no_half_tree(tmp_path: Path) -> None:
    deps = tmp_path / "deps"
    deps.mkdir()
    (deps / "e.so").write_bytes(make_elf(runpath=at(XML, "/lib")))
    do_strip(deps)

    def fails(file: Path, runpath: bytes | None, force: bool, interpreter: bytes | None) -> None:
        raise ToolError("patchelf failed")

    with pytest.raises(ToolError):
        do_restore(tmp_path / "env", LONGER, source=deps, grow=fails)
    assert not (tmp_path / "env").exists()


# -- a hostile manifest --


@pytest.mark.parametrize("file", ["/etc/passwd", "../x", "a/../../x", "", "a//b", "d/f"])
def test_no_manifest_leads_out_of_the_tree(tmp_path: Path, file: str) -> None:
    tree = tmp_path / "tree"
    (tree / MANIFEST_PLACE).parent.mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f").write_bytes(b"x")
    (tree / "d").symlink_to(outside)
    reference = {"file": file, "kind": "text", "key": "libxml2", "count": 1}
    (tree / MANIFEST_PLACE).write_text(json.dumps({"schema": 1, "references": [reference]}))
    with pytest.raises(RefsError, match=r"is not a path inside the tree|a folder of it is a symlink"):
        do_restore(tree)


def test_no_rename_leads_out_of_the_tree(tmp_path: Path) -> None:
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    (tree / MANIFEST_PLACE).parent.mkdir(parents=True)
    outside.mkdir()
    name = "x-" + placeholder("libxml2").decode()
    (outside / name).touch()
    (tree / "d").symlink_to(outside)
    reference = {"file": f"d/{name}", "kind": "name", "key": "libxml2", "count": 1}
    (tree / MANIFEST_PLACE).write_text(json.dumps({"schema": 1, "references": [reference]}))
    with pytest.raises(RefsError, match="a folder of it is a symlink"):
        do_restore(tree)
    assert (outside / name).exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "magic"}, "kind is 'magic'"),
        ({"count": -1}, "count is not a number"),
        ({"count": True}, "count is not a number"),
        ({"room": 1 << 50}, "room is not a number"),
        ({"key": ""}, "key"),
        ({"name": 3}, "name is not a string"),
        ({"foreign": "yes"}, "foreign is neither"),
    ],
)
def test_every_field_is_checked(tmp_path: Path, change: dict[str, object], says: str) -> None:
    place = tmp_path / MANIFEST_PLACE
    place.parent.mkdir(parents=True)
    reference = {"file": "t", "kind": "text", "key": "libxml2", "count": 1, **change}
    place.write_text(json.dumps({"schema": 1, "references": [reference]}))
    with pytest.raises(RefsError, match=says):
        do_restore(tmp_path)


def test_a_room_that_lies_overwrites_nothing(tmp_path: Path) -> None:
    content = make_elf(runpath=at(XML, "/lib"), needed=[b"libc.so.6"], symbols=[b"f"])
    (tmp_path / "e.so").write_bytes(content)
    do_strip(tmp_path)
    place = tmp_path / MANIFEST_PLACE
    value = json.loads(place.read_text())
    for room in (70, 100, 5000):
        value["references"][0]["room"] = room
        place.write_text(json.dumps(value))
        before = (tmp_path / "e.so").read_bytes()
        with pytest.raises(RefsError):  # Grower makes no symbols, so a growth is noticed too
            do_restore(tmp_path, store_path("libxml2-2.13.8.post1234567890", "7"))
        assert (tmp_path / "e.so").read_bytes() == before


def test_no_manifest_at_all_says_how_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the manifest cannot be read") as caught:
        do_restore(tmp_path)
    assert "--no-manifest" in caught.value.hint


def test_an_elf_file_that_broke_since_is_an_error_that_names_it(tmp_path: Path) -> None:
    content = make_elf(runpath=at(XML, "/lib"), versions=[(b"libc.so.6", (b"GLIBC_2.2",))])
    (tmp_path / "e.so").write_bytes(content)
    do_strip(tmp_path)
    stripped = (tmp_path / "e.so").read_bytes()
    elf = ElfFile(bytes_reader(stripped), len(stripped))
    table = elf.offset_of(elf.values[0x6FFFFFFE])
    (tmp_path / "e.so").write_bytes(stripped[: table + 8] + b"\xff\xff\xff\x7f" + stripped[table + 12 :])
    before = snapshot(tmp_path)
    with pytest.raises(RefsError, match=r"e\.so: not a valid ELF file"):
        do_restore(tmp_path)
    assert snapshot(tmp_path) == before
