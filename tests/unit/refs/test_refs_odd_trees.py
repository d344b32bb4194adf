"""Trees that are not what one expects: odd names, odd places for references, odd containers."""

from __future__ import annotations

import gzip
import io
import json
import marshal
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.support.refs import make_elf, record_line, snapshot, store_path
from uvlock2nix.errors import RefsError
from uvlock2nix.refs.audit import audit
from uvlock2nix.refs.restore import Recorded, restore
from uvlock2nix.refs.store import StorePath, placeholder
from uvlock2nix.refs.strip import StripReport, strip
from uvlock2nix.refs.stripped import MANIFEST_PLACE, parse_manifest

XML = store_path("libxml2-2.13.8")
NEW = store_path("libxml2-2.14.0", "2")
OUT = store_path("deps-1")
INPUTS = {"out": f"/nix/store/{OUT.base}", "libxml2": f"/nix/store/{XML.base}"}


def at(path: StorePath, below: str = "", store: str = "/nix/store") -> bytes:
    return f"{store}/{path.base}{below}".encode()


def there_and_back(tree: Path, manifest: Path | None = None) -> StripReport:
    """Strip, look that nothing is left, restore, look that it is as before; a second time does nothing."""
    manifest = manifest or tree / MANIFEST_PLACE
    before = snapshot(tree)
    report = strip(tree, store_paths=[XML, OUT], inputs=INPUTS, manifest=manifest)
    assert audit(tree, store_paths=[XML, OUT]) == ()
    restore(tree, Recorded(INPUTS, manifest))
    assert {name: value for name, value in snapshot(tree).items() if "nix-support" not in name} == before
    assert not restore(tree, Recorded(INPUTS, manifest)).changed
    return report


def test_names_that_are_no_text(tmp_path: Path) -> None:
    tree = os.fsencode(tmp_path)
    for name, content in {
        b"a\xff.py": at(XML),
        b"two\nlines": at(XML),
        b"e\xfe.so": make_elf(runpath=at(XML, "/lib")),
        b"\x1b[31m" + XML.hash.encode() + b"\xff\n": b"",
        b" ": at(XML),
        b'"quoted", \xe2\x80\xa8 with a line separator': at(XML),
    }.items():
        (tmp_path / os.fsdecode(name)).write_bytes(content)
    os.symlink(at(XML) + b"/\xff\n", tree + b"/l\xff")  # noqa: PTH211
    report = there_and_back(tmp_path)
    assert (len(report.changed), sum(one.kind == "name" for one in report.references)) == (6, 1)


def test_a_name_is_not_cut_where_a_record_line_does_not_end(tmp_path: Path) -> None:
    info = tmp_path / "a-1.dist-info"
    info.mkdir()
    names = ["form\ffeed.txt", "next\x85line.txt", "line\u2028separator.txt", "plain.txt"]
    for name in names:
        (tmp_path / name).write_bytes(at(XML))
    (info / "RECORD").write_bytes("".join(record_line(name, at(XML)) for name in names).encode())
    strip(tmp_path, store_paths=[XML], inputs=INPUTS, manifest=tmp_path / MANIFEST_PLACE)
    right = "".join(record_line(name, (tmp_path / name).read_bytes()) for name in names)
    assert (info / "RECORD").read_bytes() == right.encode()


def test_every_place_around_the_border_of_a_block(tmp_path: Path) -> None:
    block = 1 << 18
    for shift in (-60, -44, -33, -32, -31, -12, -11, -1, 0, 1):
        (tmp_path / f"b{shift}").write_bytes(b"\0" * (block + shift) + at(XML, "/lib") + b"\0" * block)
        (tmp_path / f"t{shift}").write_bytes(b"." * (2 * block + shift) + at(XML) + b"-" * 50)
    report = there_and_back(tmp_path)
    assert len(report.changed) == sum(one.count for one in report.references) == 20
    (tmp_path / "b-1").unlink()
    strip(tmp_path, store_paths=[XML, OUT], inputs=INPUTS, manifest=tmp_path / MANIFEST_PLACE)
    for path in tmp_path.glob("[bt]*"):
        assert path.read_bytes().count(placeholder("libxml2")) == 1


def test_what_is_no_reference_is_not_touched(tmp_path: Path) -> None:
    upper = XML.hash.upper()
    assert upper != XML.hash
    (tmp_path / "upper").write_text(f"/nix/store/{upper}-libxml2-2.13.8 {upper}")
    (tmp_path / "mixed").write_text(
        XML.hash[:-1] + XML.hash[-1].swapcase() if XML.hash[-1].isalpha() else upper
    )
    (tmp_path / "short").write_text(f"/nix/store/{XML.hash[:31]}-x {XML.hash[1:]}")
    (tmp_path / "spread").write_text("\n".join([XML.hash[:16], XML.hash[16:]]))
    (tmp_path / "wide").write_bytes(XML.hash.encode("utf-16"))
    before = snapshot(tmp_path)
    report = strip(tmp_path, store_paths=[XML], inputs=INPUTS, manifest=tmp_path / MANIFEST_PLACE)
    assert not report.changed
    assert {name: row for name, row in snapshot(tmp_path).items() if "nix-support" not in name} == before


def test_the_hash_alone_and_inside_of_longer_words(tmp_path: Path) -> None:
    hash_ = XML.hash.encode()
    (tmp_path / "t").write_bytes(hash_ + b" x" + hash_ + b"x 00" + hash_ + hash_ + b"\n" + OUT.hash.encode())
    report = there_and_back(tmp_path)
    assert sum(one.count for one in report.references) == 5
    assert {one.key for one in report.references} == {"libxml2", "out"}


def test_compiled_python_keeps_its_length_and_loads(tmp_path: Path) -> None:
    code = compile(f"x = {at(XML, '/share').decode()!r}", at(OUT, "/m.py").decode(), "exec")
    (tmp_path / "m.pyc").write_bytes(b"\0" * 16 + marshal.dumps(code))
    there_and_back(tmp_path)
    strip(tmp_path, store_paths=[XML, OUT], inputs=INPUTS, manifest=tmp_path / MANIFEST_PLACE)
    loaded = marshal.loads((tmp_path / "m.pyc").read_bytes()[16:])  # noqa: S302
    assert placeholder("libxml2").decode() in "".join(str(one) for one in loaded.co_consts)
    assert placeholder("out").decode() in loaded.co_filename


def test_what_is_compressed_is_hidden_from_nix_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(at(XML) * 20, mtime=0))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", at(XML) * 20)
    (tmp_path / "x.zip").write_bytes(packed.getvalue())
    assert not there_and_back(tmp_path).changed


def test_another_store_directory_there_and_back(tmp_path: Path) -> None:
    store = "/data/nix/store"
    (tmp_path / "t").write_bytes(at(XML, "/x", store) + b" " + at(OUT, "", store))
    (tmp_path / "e.so").write_bytes(make_elf(runpath=at(XML, "/lib", store) + b":$ORIGIN"))
    (tmp_path / "foreign").write_bytes(at(store_path("other-1"), "", store))
    (tmp_path / "not").write_bytes(at(store_path("other-1")))
    inputs = {name: path.replace("/nix/store", store) for name, path in INPUTS.items()}
    manifest = tmp_path / MANIFEST_PLACE
    before = snapshot(tmp_path)
    strip(tmp_path, store_paths=[XML, OUT], inputs=inputs, manifest=manifest, store_dir=store)
    assert audit(tmp_path, store_paths=[XML, OUT], store_dir=store) == ()
    assert (tmp_path / "e.so").read_bytes().count(placeholder("libxml2", whole=True)) == 1
    restore(tmp_path, Recorded(inputs, manifest, store_dir=store))
    after = {name: row for name, row in snapshot(tmp_path).items() if "nix-support" not in name}
    assert {name for name in before if before[name] != after[name]} == {"foreign"}  # it exists nowhere
    inputs["libxml2"] = at(NEW, "", store).decode()
    strip(
        tmp_path,
        store_paths=[XML, OUT],
        inputs=INPUTS | {"libxml2": at(XML, "", store).decode(), "out": inputs["out"]},
        manifest=manifest,
        store_dir=store,
    )
    restore(tmp_path, Recorded(inputs, manifest, store_dir=store))
    assert (tmp_path / "t").read_bytes() == at(NEW, "/x", store) + b" " + at(OUT, "", store)


@pytest.mark.parametrize("magic", [b"!<arch>\n", b"!<thin>\n"])
def test_an_archive_without_zeros_is_no_text(tmp_path: Path, magic: bytes) -> None:
    longer = {"libxml2": at(store_path("libxml2-2.14.10", "3")).decode()}
    (tmp_path / "a.a").write_bytes(magic + at(XML, "/x.o"))
    manifest = tmp_path / MANIFEST_PLACE
    strip(tmp_path, store_paths=[XML], inputs=INPUTS, manifest=manifest)
    with pytest.raises(RefsError, match="compiled in"):
        restore(tmp_path, Recorded(longer, manifest))
    restore(tmp_path, Recorded(INPUTS, manifest))
    assert (tmp_path / "a.a").read_bytes() == magic + at(XML, "/x.o")


def test_the_members_of_a_real_archive(tmp_path: Path) -> None:
    if shutil.which("ar") is None:
        pytest.skip("no ar")
    for number, bits, order, machine in ((1, 64, "<", 62), (2, 32, ">", 8)):
        content = make_elf(bits=bits, order=order, machine=machine, rodata=b"\0" + at(XML, "/share") + b"\0")
        (tmp_path / f"m{number}.o").write_bytes(content)
    subprocess.run(["ar", "rcD", "all.a", "m1.o", "m2.o"], cwd=tmp_path, check=True)
    before = [(tmp_path / name).read_bytes() for name in ("m1.o", "m2.o", "all.a")]
    for name in ("m1.o", "m2.o"):
        (tmp_path / name).unlink()
    manifest = tmp_path / MANIFEST_PLACE
    strip(tmp_path, store_paths=[XML], inputs=INPUTS, manifest=manifest)
    subprocess.run(["ar", "x", "all.a"], cwd=tmp_path, check=True)
    for name, old in zip(("m1.o", "m2.o"), before, strict=False):
        assert (tmp_path / name).read_bytes() == old.replace(XML.hash.encode(), placeholder("libxml2"))
    restore(tmp_path, Recorded(INPUTS, manifest))
    assert (tmp_path / "all.a").read_bytes() == before[2]


def test_a_manifest_beside_the_tree_is_there_exactly_when_the_tree_is_stripped(tmp_path: Path) -> None:
    tree, manifest = tmp_path / "tree", tmp_path / "m.json"
    tree.mkdir()
    (tree / "t").write_bytes(at(XML))
    there_and_back(tree, manifest)
    old = manifest.read_bytes()
    (tree / XML.hash).touch()
    (tree / placeholder("libxml2").decode()).touch()  # nothing can be renamed to this
    before = snapshot(tree)
    with pytest.raises(RefsError, match="already exists"):
        strip(tree, store_paths=[XML], inputs=INPUTS, manifest=manifest)
    assert manifest.read_bytes() == old
    manifest.unlink()
    with pytest.raises(RefsError, match="already exists"):
        strip(tree, store_paths=[XML], inputs=INPUTS, manifest=manifest)
    assert not manifest.exists()
    with pytest.raises(RefsError, match="cannot be written"):
        strip(tree, store_paths=[XML], inputs=INPUTS, manifest=tmp_path / ("m" * 250))
    assert snapshot(tree) == before
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]


@pytest.mark.parametrize("field", ["file", "key", "name"])
def test_half_a_character_is_no_name(field: str) -> None:
    item = {"file": "a", "kind": "text", "key": "k", "name": "n", field: "x\ud800"}
    with pytest.raises(RefsError, match=f"references\\[0\\]\\.{field} is not a string"):
        parse_manifest(json.dumps({"schema": 1, "references": [item]}).encode(), where="m")
    item[field] = "x\udcff"  # what a byte that is not UTF-8 is written as
    if field == "file":
        (one,) = parse_manifest(
            json.dumps({"schema": 1, "references": [item]}).encode(), where="m"
        ).references
        assert os.fsencode(one.file) == b"x\xff"
