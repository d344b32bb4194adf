from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path

import pytest

from tests.support.refs import make_elf, record_line, snapshot, store_path
from uvlock2nix.errors import InputError, RefsError
from uvlock2nix.refs.apply import Patch, Rewrite, Stage
from uvlock2nix.refs.audit import audit
from uvlock2nix.refs.elf import ElfFile, bytes_reader
from uvlock2nix.refs.elfusers import users
from uvlock2nix.refs.restore import Recorded, restore
from uvlock2nix.refs.store import StorePath, placeholder
from uvlock2nix.refs.strip import StripReport, strip
from uvlock2nix.refs.stripped import MANIFEST_PLACE, Reference

XML = store_path("libxml2-2.13.8")
NEW_XML = store_path("libxml2-2.14.10", "2")
PYTHON = store_path("python3-3.12.10")
OUT = store_path("deps-1")
PATHS = (XML, PYTHON, OUT)
FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "elf"


def at(path: StorePath, below: str = "") -> bytes:
    return f"/nix/store/{path.base}{below}".encode()


def run(tree: Path, **inputs: str) -> StripReport:
    return strip(
        tree,
        store_paths=PATHS,
        inputs={"out": at(OUT).decode(), **inputs},
        manifest=tree / MANIFEST_PLACE,
    )


def test_every_kind_is_recorded_and_the_audit_is_content(tmp_path: Path) -> None:
    (tmp_path / "t.py").write_bytes(b"x = '" + at(XML, "/share") + b"'\n")
    (tmp_path / "s").write_bytes(b"#!" + at(PYTHON, "/bin/python3") + b"\n# " + PYTHON.hash.encode() + b"\n")
    (tmp_path / "b.bin").write_bytes(b"\0" + at(XML, "/etc") + b"\0")
    (tmp_path / "l").symlink_to(at(XML, "/bin").decode())
    (tmp_path / f"n-{XML.hash}").write_bytes(b"")
    runpath = at(XML, "/lib") + b":$ORIGIN:" + at(OUT, "/lib")
    (tmp_path / "e.so").write_bytes(make_elf(runpath=runpath, interpreter=at(PYTHON, "/lib/ld.so")))
    report = run(tmp_path)
    assert audit(tmp_path, store_paths=PATHS) == ()
    name = f"n-{placeholder('libxml2').decode()}"
    assert report.references == tuple(
        sorted(
            [
                Reference("b.bin", "string", "libxml2", "libxml2-2.13.8"),
                Reference("e.so", "interp", "python3", room=len(at(PYTHON, "/lib/ld.so"))),
                Reference("e.so", "rpath", "libxml2", room=len(runpath)),
                Reference("e.so", "rpath", "out", room=len(runpath)),
                Reference("l", "symlink", "libxml2"),
                Reference(name, "name", "libxml2"),
                Reference("s", "script", "python3"),
                Reference("s", "text", "python3"),
                Reference("t.py", "text", "libxml2", "libxml2-2.13.8"),
            ]
        )
    )
    assert sorted(report.changed) == ["b.bin", "e.so", "l", "s", "t.py"]
    whole = placeholder("python3", whole=True)
    assert (tmp_path / "s").read_bytes().startswith(b"#!/nix/store/" + whole + b"/bin/python3\n")


def test_the_tree_does_not_depend_on_hash_or_version_where_it_is_canonical(tmp_path: Path) -> None:
    trees = []
    for number, xml in enumerate(
        (XML, store_path("libxml2-2.14.1", "9"))
    ):  # the same length: the file's layout is
        tree = tmp_path / str(number)
        tree.mkdir()
        (tree / "e.so").write_bytes(
            make_elf(runpath=at(xml, "/lib") + b":$ORIGIN", interpreter=at(xml, "/ld.so"))
        )
        (tree / "s").write_bytes(b"#!" + at(xml, "/bin/x") + b"\n")
        (tree / "l").symlink_to(at(xml, "/bin").decode())
        strip(tree, store_paths=[xml], inputs={}, manifest=tree / MANIFEST_PLACE)
        trees.append(snapshot(tree))
    assert trees[0] == trees[1]


def test_untouched_files_keep_inode_and_time_and_a_second_strip_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "same").write_bytes(b"nothing")
    (tmp_path / "changed").write_bytes(at(XML))
    os.utime(tmp_path / "same", (1, 1))
    before = (tmp_path / "same").stat()
    run(tmp_path)
    after = (tmp_path / "same").stat()
    assert (before.st_ino, before.st_mtime_ns, before.st_ctime_ns) == (
        after.st_ino,
        after.st_mtime_ns,
        after.st_ctime_ns,
    )
    first = snapshot(tmp_path)
    assert run(tmp_path).changed == ()
    assert snapshot(tmp_path) == first


def test_ends_that_symbols_share_with_the_search_path_stay(tmp_path: Path) -> None:
    content = make_elf(runpath=at(XML, "/lib"), symbols=[b"lib", b"b"], merge=True)
    (tmp_path / "e.so").write_bytes(content)
    run(tmp_path)
    stripped = (tmp_path / "e.so").read_bytes()
    elf = ElfFile(bytes_reader(stripped), len(stripped))
    assert elf.facts.runpaths[0].text == b"/nix/store/" + placeholder("libxml2", whole=True) + b"/lib"
    names = {elf.string(index) for index in users(elf)}
    assert names == {b"", b"lib", b"b"}


def test_where_too_much_is_shared_only_the_hash_is_replaced(tmp_path: Path) -> None:
    content = make_elf(runpath=at(XML, "/lib"), symbols=[b"libxml2-2.13.8/lib"], merge=True)
    (tmp_path / "e.so").write_bytes(content)
    report = run(tmp_path)
    assert [(one.kind, one.name) for one in report.references] == [("string", "libxml2-2.13.8")]
    stripped = (tmp_path / "e.so").read_bytes()
    assert stripped == content.replace(XML.hash.encode(), placeholder("libxml2"))


def test_a_broken_elf_file_is_reported_left_alone_and_found_by_the_audit(tmp_path: Path) -> None:
    content = make_elf(runpath=at(XML, "/lib"))[:-40]
    (tmp_path / "e.so").write_bytes(content)
    report = run(tmp_path)
    assert [file for file, _ in report.corrupt] == ["e.so"]
    assert (tmp_path / "e.so").read_bytes() == content
    assert [finding.file for finding in audit(tmp_path, store_paths=PATHS)] == ["e.so"]
    assert report.left == audit(tmp_path, store_paths=PATHS)


def test_records_are_right_for_what_is_on_disk(tmp_path: Path) -> None:
    site = tmp_path / "lib" / "site"
    info = site / "a-1.dist-info"
    info.mkdir(parents=True)
    text, other = at(XML), b"other"
    (site / "a, b.txt").write_bytes(text)
    (site / "c.txt").write_bytes(text)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tool").write_bytes(b"#!" + at(PYTHON, "/bin/python") + b"\n")
    lines = [
        record_line('"a, b.txt"', text),
        "c.txt,,\r\n",
        record_line("missing.txt", other),
        "../../bin/tool,sha512=x,1\n",
        "a-1.dist-info/RECORD,,\n",
    ]
    (info / "RECORD").write_bytes("".join(lines).encode())
    run(tmp_path)
    new = (info / "RECORD").read_bytes().decode().splitlines(keepends=True)
    assert new[0] == record_line('"a, b.txt"', (site / "a, b.txt").read_bytes())
    assert new[1:3] == lines[1:3]
    tool = (tmp_path / "bin" / "tool").read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha512(tool).digest()).rstrip(b"=").decode()
    assert new[3] == f"../../bin/tool,sha512={digest},{len(tool)}\n"
    assert new[4:] == lines[4:]


def test_hard_links_stay_together_and_links_from_outside_keep_the_old_content(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    outside = tmp_path / "cache"
    outside.write_bytes(at(XML))
    for name in ("a", "b"):
        os.link(outside, tree / name)
    run(tree)
    assert (tree / "a").stat().st_ino == (tree / "b").stat().st_ino
    assert placeholder("libxml2") in (tree / "b").read_bytes()
    assert outside.read_bytes() == at(XML)


def test_read_only_files_and_folders_are_changed_and_stay_read_only(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(at(XML))
    (tmp_path / "d" / "f").chmod(0o444)
    (tmp_path / "d").chmod(0o555)
    tmp_path.chmod(0o555)
    try:
        run_outside = strip(tmp_path, store_paths=PATHS, inputs={}, manifest=tmp_path.parent / "m.json")
        assert run_outside.changed == ("d/f",)
        assert [(tmp_path / name).stat().st_mode & 0o777 for name in (".", "d", "d/f")] == [
            0o555,
            0o555,
            0o444,
        ]
    finally:
        tmp_path.chmod(0o755)
        (tmp_path / "d").chmod(0o755)


def test_no_symlink_leads_out_of_the_tree(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f").write_bytes(at(XML))
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "d").symlink_to(outside)
    (tree / "f").symlink_to(outside / "f")
    assert run(tree).changed == ()
    assert (outside / "f").read_bytes() == at(XML)


def test_a_failure_while_swapping_puts_everything_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(at(XML))
    (tmp_path / f"x-{XML.hash}").touch()
    (tmp_path / f"x-{placeholder('libxml2').decode()}").touch()  # the name that is wanted is taken
    before = snapshot(tmp_path)
    with pytest.raises(RefsError, match="already exists"):
        run(tmp_path)
    assert snapshot(tmp_path) == before


def test_trouble_with_the_file_system_is_told_and_undone(tmp_path: Path) -> None:
    with (
        pytest.raises(RefsError, match="No such file or directory; nothing was changed"),
        Stage(tmp_path / "none"),
    ):
        pass
    (tmp_path / "a").write_bytes(b"old")
    with Stage(tmp_path) as stage:
        with pytest.raises(RefsError, match=r"missing: No such file or directory"):
            stage.add(Patch("missing", ()))
        stage.add(Rewrite("a", b"new"))
        with pytest.raises(RefsError, match="nothing was changed"):
            stage.commit((("gone", "there"),))
        assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_a_killed_run_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".uvlock2nix-refs-x").mkdir()
    (tmp_path / ".uvlock2nix-refs-x" / "0.new").write_bytes(b"new")
    (tmp_path / "a").write_bytes(at(XML))
    report = run(tmp_path)
    assert [one.file for one in report.references] == ["a"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "nix-support"]


def test_paths_of_another_machine_are_taken_out_and_marked(tmp_path: Path) -> None:
    foreign = store_path("rustc-1.90.0")
    (tmp_path / "x.so").write_bytes(b"\0" + at(foreign, "/lib/rustlib") + b"\0")
    (tmp_path / "y").write_bytes(
        foreign.hash.encode()
    )  # without the store path before it, this cannot be known
    report = run(tmp_path)
    assert report.references == (Reference("x.so", "string", "rustc", "rustc-1.90.0", foreign=True),)
    assert audit(tmp_path, store_paths=PATHS) == ()


def test_what_another_step_wrote_into_the_manifest_stays(tmp_path: Path) -> None:
    place = tmp_path / MANIFEST_PLACE
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps({"schema": 1, "packages": [{"name": "a", "cc": at(XML).decode()}]}))
    (tmp_path / "f").write_bytes(at(XML))
    run(tmp_path)
    value = json.loads(place.read_text())
    cc = "/nix/store/" + placeholder("libxml2").decode() + "-libxml2-2.13.8"
    assert value["packages"] == [{"name": "a", "cc": cc}]
    assert [one["file"] for one in value["references"]] == ["f"]
    assert audit(tmp_path, store_paths=PATHS) == ()


@pytest.mark.parametrize(
    ("content", "says"), [(b"[", "not JSON"), (b"[]", "not a JSON object"), (b'{"schema": 2}', "schema 2")]
)
def test_a_manifest_that_is_none_is_refused_and_nothing_changes(
    tmp_path: Path, content: bytes, says: str
) -> None:
    place = tmp_path / MANIFEST_PLACE
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    (tmp_path / "f").write_bytes(at(XML))
    before = snapshot(tmp_path)
    with pytest.raises(RefsError, match=says):
        run(tmp_path)
    assert snapshot(tmp_path) == before


def test_an_input_outside_the_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a path in the store"):
        run(tmp_path, zlib="/usr/lib")


def test_names_of_folders_and_files_are_changed_from_the_inside_out(tmp_path: Path) -> None:
    folder = tmp_path / f"d-{XML.hash}" / f"e-{PYTHON.hash}"
    folder.mkdir(parents=True)
    (folder / f"f-{XML.base}").write_bytes(at(XML))
    before = snapshot(tmp_path)
    run(tmp_path)
    assert audit(tmp_path, store_paths=PATHS) == ()
    inputs = {"libxml2": at(XML).decode(), "python3": at(PYTHON).decode()}
    restore(tmp_path, Recorded(inputs, tmp_path / MANIFEST_PLACE))
    assert {name: value for name, value in snapshot(tmp_path).items() if "nix-support" not in name} == before


def test_mach_o_and_archives_keep_their_length(tmp_path: Path) -> None:
    mach_o = (
        (FIXTURES / "markupsafe-macosx_11_0_arm64.so").read_bytes()
        + b"\0"
        + at(XML, "/lib/libxml2.dylib")
        + b"\0"
    )
    archive = (
        b"!<arch>\n" + b"x.o/            0           0     0     644     4         `\n\0\0\0\0" + at(XML)
    )
    (tmp_path / "m.so").write_bytes(mach_o)
    (tmp_path / "a.a").write_bytes(archive)
    run(tmp_path)
    for name, content in (("m.so", mach_o), ("a.a", archive)):
        assert (tmp_path / name).read_bytes() == content.replace(XML.hash.encode(), placeholder("libxml2"))


def test_the_audit_names_file_offset_reference_and_package(tmp_path: Path) -> None:
    info = tmp_path / "lib" / "a_b-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "RECORD").write_text("x.bin,,\n")
    (tmp_path / "lib" / "x.bin").write_bytes(b"\0" * 300_000 + at(XML))
    (tmp_path / "l").symlink_to("x" + XML.hash)
    (tmp_path / f"ab{XML.hash}").touch()
    found = [
        (one.file, one.offset, one.reference, one.kind, one.package)
        for one in audit(tmp_path, store_paths=PATHS)
    ]
    assert found == [
        (f"ab{XML.hash}", 2, XML.base, "name", ""),
        ("l", 1, XML.base, "symlink", ""),
        ("lib/x.bin", 300_011, XML.base, "content", "a_b"),
    ]


def test_not_even_the_manifest_is_exempt_from_the_audit(tmp_path: Path) -> None:
    place = tmp_path / MANIFEST_PLACE
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps({"schema": 1, "x": XML.hash}))
    assert [finding.file for finding in audit(tmp_path, store_paths=PATHS)] == [str(MANIFEST_PLACE)]
