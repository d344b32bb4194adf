"""An ordinary wheel is installed as uv installs it; every other one is left to uv."""

from __future__ import annotations

import hashlib
import shutil
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.packages import make_wheel, record_faults
from tests.unit.venv.test_venv_environment import PYTHON, SITE, VERSION
from uvlock2nix.build.programs import Runner
from uvlock2nix.errors import InputError
from uvlock2nix.venv.single import Place, install_wheel, settle
from uvlock2nix.venv.unpack import unpack_wheel
from uvlock2nix.venv.wheel import Settling, install_ordinary

UV = Path(sys.executable).with_name("uv")
PLAIN = {
    "one/__init__.py": "x = 1\n",
    "one/data/ü.txt": "text\n",
    "one/__pycache__/old.cpython-313.pyc": "bytecode of somebody else",
    "one/empty": "",
    "single.py": "y = 2\n",
    "one-1.0.dist-info/INSTALLER": "somebody\n",
    "one-1.0.dist-info/licenses/LICENSE": "free\n",
}
POINTS = "[console_scripts]\none = one:main\none-two = one.cli : main [extra]\n[gui_scripts]\nshow=one:show\n"


def tree(root: Path) -> dict[str, tuple[int, str]]:
    """Every file: its mode and what is in it; every folder."""
    return {
        str(path.relative_to(root)): (
            path.stat().st_mode,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in sorted(root.rglob("*"))
    }


def by_uv(wheel: Path, out: Path, work: Path) -> None:
    work.mkdir(parents=True)
    place = Place(Runner(quiet=True), str(UV), PYTHON, VERSION, work, {"PATH": "/usr/bin:/bin"})
    install_wheel(wheel, wheel.name, out, place, {})
    settle(out, python=PYTHON, libraries=[], ignore=[], dlopen={}, interpreter=None, cores=1)


def settling(notes: list[str]) -> Settling:
    return Settling(PYTHON, VERSION, [], [], [], 1, "", notes.append)


def rewritten(wheel: Path, change: Callable[[zipfile.ZipInfo], object], **more: str) -> Path:
    """The same wheel, its entries changed, and with ``more`` files."""
    new = wheel.parent / "new" / wheel.name
    new.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(new, "w") as zipped:
        for item in old.infolist():
            content = old.read(item)
            change(item)
            zipped.writestr(item, content)
        for name, text in more.items():
            zipped.writestr(name.replace("__", "/"), text)
    return new


def executable(item: zipfile.ZipInfo) -> None:
    item.compress_type = zipfile.ZIP_DEFLATED
    if item.filename == "one/data/ü.txt":
        item.external_attr = 0o100700 << 16


def test_it_is_what_uv_installs(tmp_path: Path) -> None:
    wheel = rewritten(make_wheel(tmp_path / "w", "one", PLAIN, entry_points=POINTS), executable)
    out = tmp_path / "out"  # bytecode names its place
    by_uv(wheel, out, tmp_path / "work")
    theirs = tree(out)
    shutil.rmtree(out)
    notes: list[str] = []
    assert install_ordinary(wheel, wheel.name, out, {}, settling(notes)) == ()
    ours = tree(out)
    assert ours == theirs
    assert notes == []
    assert f"{SITE}/one/__pycache__/__init__.{PYTHON_TAG}.pyc" in ours
    assert f"{SITE}/one/__pycache__/old.cpython-313.pyc" not in ours
    record = (out / SITE / "one-1.0.dist-info" / "RECORD").read_text()
    assert "../../../bin/one-two,,\n" in record
    assert "INSTALLER" not in record
    launchers = [fault for fault in record_faults(out / SITE) if "../bin/" not in fault]
    assert [fault for fault in launchers if "__pycache__" not in fault] == []


PYTHON_TAG = f"cpython-{VERSION.replace('.', '')}"


def test_its_stored_name_says_nothing(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "w", "one", PLAIN)
    stored = tmp_path / "hash-one.whl"
    shutil.copyfile(wheel, stored)
    found = unpack_wheel(stored, wheel.name, tmp_path / "site")
    assert found is not None
    assert (found.name, found.version, found.binary, found.scripts, found.modules) == (
        "one", "1.0", False, False, True,
    )  # fmt: skip


def test_what_has_to_be_done_is_said(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"one/a.so": b"\x7fELF\x02", "one/run": "#!/bin/bash\n"}
    wheel = make_wheel(tmp_path / "w", "one", files)

    def runs(item: zipfile.ZipInfo) -> None:
        item.external_attr = (0o100755 if item.filename == "one/run" else 0o100644) << 16

    found = unpack_wheel(rewritten(wheel, runs), wheel.name, tmp_path / "site")
    assert found is not None
    assert (found.binary, found.scripts, found.modules) == (True, True, False)


@pytest.mark.parametrize(
    ("files", "points"),
    [
        ({"one-1.0.data/scripts/run": "#!python\n"}, ""),
        ({"one-1.0.data/data/share/x": ""}, ""),
        ({"two-1.0.dist-info/METADATA": ""}, ""),
        ({"One/__init__.py": "", "one/__init__.py": ""}, ""),
        ({"one": "", "one/__init__.py": ""}, ""),
        ({"../out.py": ""}, ""),
        ({"/out.py": ""}, ""),
        ({"one//two.py": ""}, ""),
        ({"one\\two.py": ""}, ""),
        ({"one/t\nwo.py": ""}, ""),
        ({"_virtualenv.py": ""}, ""),
        ({}, "[console_scripts]\npython = one:main\n"),
        ({}, "[console_scripts]\n../run = one:main\n"),
        ({}, "[console_scripts]\nrun\n"),
        ({}, "[console_scripts]\nrun = one\n"),
        ({}, "[console_scripts]\nrun =\n  one:main\n"),
        ({}, "[console_scripts]\nrun = one:main\x0bmore = one:main\n"),
        ({"a/" * 40 + "deep.py": ""}, ""),
        ({"a/" * 20_000 + "deep.py": ""}, ""),
        ({"one/" + "a" * 300 + ".py": ""}, ""),
        ({"/".join(["b" * 150] * 4): ""}, ""),
        ({}, "[console_scripts]\n" + "# a long text\n" * 400_000),
    ],
)
def test_others_are_left_to_uv(tmp_path: Path, files: dict[str, str], points: str) -> None:
    wheel = make_wheel(tmp_path / "w", "one", {"mod.py": "", **files}, entry_points=points)
    assert unpack_wheel(wheel, wheel.name, tmp_path / "site") is None
    assert not (tmp_path / "site").exists()


def linked(item: zipfile.ZipInfo) -> None:
    if item.filename == "mod.py":
        item.external_attr = 0o120777 << 16


def packed(item: zipfile.ZipInfo) -> None:
    item.compress_type = zipfile.ZIP_LZMA


def renamed(item: zipfile.ZipInfo) -> None:
    """With the field of Info-ZIP for a name in Unicode, which only some readers take."""
    if item.filename == "mod.py":
        name = b"other.py"
        crc = zlib.crc32(item.filename.encode())
        item.extra = struct.pack("<HHBL", 0x7075, 5 + len(name), 1, crc) + name


@pytest.mark.parametrize("change", [linked, packed, renamed])
def test_odd_entries_are_left_to_uv(tmp_path: Path, change: Callable[[zipfile.ZipInfo], None]) -> None:
    wheel = rewritten(make_wheel(tmp_path / "w", "one", {"mod.py": "x = 1\n"}), change)
    assert unpack_wheel(wheel, wheel.name, tmp_path / "site") is None


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_odd_archives_are_left_to_uv(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "w", "one", {"mod.py": "x = 1\n"})
    whole = wheel.read_bytes()
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.comment = b"said"
    commented = wheel.read_bytes()
    wheel.write_bytes(whole)
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("mod.py", "twice")
    twice = wheel.read_bytes()
    lying = bytearray(whole)
    lying[lying.index(b"PK\x01\x02") + 24] ^= 1
    hidden = b"PK\x03\x04" + b"\0" * 30
    for number, content in enumerate((commented, twice, hidden + whole, bytes(lying), whole + b"more")):
        odd = tmp_path / f"{number}.whl"
        odd.write_bytes(content)
        try:
            assert unpack_wheel(odd, wheel.name, tmp_path / "site") is None
        except InputError as error:
            assert number == 4, error  # noqa: PT017 - zipfile may refuse it
    assert unpack_wheel(wheel, "one-2.0-py3-none-any.whl", tmp_path / "site") is None
    assert unpack_wheel(wheel, "two-1.0-py3-none-any.whl", tmp_path / "site") is None


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "w", "one", {"mod.py": "x = 'a text to damage'\n"})
    wheel.write_bytes(wheel.read_bytes().replace(b"a text to damage", b"a text 2 damage "))
    with pytest.raises(InputError, match="CRC"):
        unpack_wheel(wheel, wheel.name, tmp_path / "site")


def broken_deflate(data: bytearray) -> None:
    """Break the packed bytes of the first file, whose local header has 30 bytes."""
    begin = 30 + int.from_bytes(data[26:28], "little") + int.from_bytes(data[28:30], "little")
    for at in range(begin + 2, begin + 20):
        data[at] ^= 0xFF


def longer_than_it_is(data: bytearray) -> None:
    """The same wrong size in both places."""
    for signature, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(signature) + place
        data[at : at + 4] = (5000).to_bytes(4, "little")


def no_utf8(data: bytearray) -> None:
    data[:] = data.replace("ü".encode(), b"\xff\xfe")


def of_the_future(data: bytearray) -> None:
    data[data.index(b"PK\x01\x02") + 6] = 99


@pytest.mark.parametrize("damage", [broken_deflate, longer_than_it_is, no_utf8, of_the_future])
def test_a_damaged_archive_is_an_error(tmp_path: Path, damage: Callable[[bytearray], None]) -> None:
    wheel = make_wheel(tmp_path / "w", "one", {"mod.py": "x = 1\n" * 99, "ü.py": ""})
    packed = rewritten(wheel, lambda item: setattr(item, "compress_type", zipfile.ZIP_DEFLATED))
    data = bytearray(packed.read_bytes())
    damage(data)
    packed.write_bytes(data)
    with pytest.raises(InputError, match=wheel.name):
        unpack_wheel(packed, wheel.name, tmp_path / "site")


@pytest.mark.parametrize("more", [" two\n", "Name: two\n"])
def test_metadata_that_readers_understand_differently_is_left_to_uv(tmp_path: Path, more: str) -> None:
    wheel = make_wheel(tmp_path / "w", "one", {"mod.py": ""})
    assert unpack_wheel(wheel, wheel.name, tmp_path / "plain") is not None
    info = "one-1.0.dist-info"
    text = f"Metadata-Version: 2.1\nName: one\n{more}Version: 1.0\n"
    odd = tmp_path / "odd.whl"
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(odd, "w") as zipped:
        for item in old.infolist():
            zipped.writestr(item, text if item.filename == f"{info}/METADATA" else old.read(item))
    assert unpack_wheel(odd, wheel.name, tmp_path / "site") is None
