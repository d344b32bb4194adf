"""Two trees: each cause found and attributed; no difference, no finding; every difference, a finding."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from uvlock2nix.errors import InputError
from uvlock2nix.nar import nar_hash
from uvlock2nix.verify import CAUSES, Condition, Finding, compare

SITE = "lib/python3.13/site-packages"


def write(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return root


def record(name: str, files: Mapping[str, bytes]) -> bytes:
    rows = []
    for path, content in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(content)}")
    return "\n".join([*rows, f"{name}-1.0.dist-info/RECORD,,", ""]).encode()


def package(root: Path, name: str, files: Mapping[str, bytes]) -> None:
    """Install a package: its files below site-packages, metadata, a RECORD that is right."""
    info = f"{name}-1.0.dist-info"
    everything = {f"{info}/METADATA": f"Name: {name}\n".encode(), **files}
    write(root / SITE, {**everything, f"{info}/RECORD": record(name, everything)})


def pair(tmp_path: Path, path: str, first: bytes, second: bytes) -> tuple[Path, Path]:
    """Two trees with the packages ``alpha`` and ``Beta_Pkg``; the second has ``path``, which differs."""
    trees = tmp_path / "first", tmp_path / "second"
    for tree, content in zip(trees, (first, second), strict=True):
        package(tree, "alpha", {"alpha/__init__.py": b"", "alpha/data.txt": b"the same\n"})
        package(tree, "Beta_Pkg", {"beta/__init__.py": b"", path: content})
    return trees


def the_one(findings: tuple[Finding, ...], path: str) -> Finding:
    """The finding of ``path``; the only other is the RECORD, which follows from it."""
    (found,) = (one for one in findings if one.file == f"{SITE}/{path}")
    (other,) = (one for one in findings if one.file != f"{SITE}/{path}")
    assert (other.file, other.cause) == (f"{SITE}/Beta_Pkg-1.0.dist-info/RECORD", "record")
    assert found.package == other.package == "beta-pkg"
    return found


def zipped(**members: tuple[bytes, int]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, (content, year) in members.items():
            file.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), content)
    return out.getvalue()


def archive(*members: tuple[str, int, bytes]) -> bytes:
    parts = [b"!<arch>\n"]
    for name, time, content in members:
        parts.append(f"{name + '/':<16}{time:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode())
        parts.append(content + b"\n" * (len(content) % 2))
    return b"".join(parts)


def pyc(time: int, code: bytes = b"\xe3code") -> bytes:
    return b"\xcb\x0d\x0d\x0a" + bytes(4) + time.to_bytes(4, "little") + bytes(4) + code


# fmt: off
CASES: list[tuple[str, bytes, bytes, str, str]] = [
    ("beta/p.py", b"H = '/build/tmp1x/beta'\n", b"H = '/build/k2/beta'\n", "build-path", "/build/tmp1x"),
    ("beta/p.txt", b"gcc -I/a/b/include x\n", b"gcc -I/c/d/include x\n", "build-path", "-I/a/b"),
    ("beta/p.bin", b"\0\1/tmp/one/beta.c\0", b"\0\1/tmp/other/beta.c\0", "build-path", "/tmp/one/beta.c"),
    (
        "beta/s.txt",
        b"/nix/store/1pzl7ydkvqbxl9p8z9m123p214rgbvav-zlib/lib\n",
        b"/nix/store/3nghh4hkj8yjxv6r27fzwdb4x1zvwbqh-zlib/lib\n",
        "store-path",
        "1pzl7",
    ),
    ("beta/t.py", b"T = '2026-11-20T13:55:54'\n", b"T = '2026-11-20T14:02:11'\n", "timestamp", "13:55:54"),
    ("beta/t2.py", b"built = 1763646954\n", b"built = 1763650000.25\n", "timestamp", "1763646954"),
    ("beta/t3.c", b'D "Nov 20 2026" "13:55:54"', b'D "Nov  2 2027" "03:05:04"', "timestamp", "Nov 20"),
    ("beta/t4.c", b"Fri Nov 20 13:55:54 2026", b"Sat Nov 21 01:00:00 2026", "timestamp", "Fri Nov"),
    ("beta/t5.txt", b"Fri, 20 Nov 2026 13:55:54\n", b"Sat, 21 Nov 2026 10:00:00\n", "timestamp", "20 Nov"),
    ("beta/t6.txt", b"v20261120\n", b"v20261121\n", "timestamp", "v2026"),
    (
        "Beta_Pkg-1.0.dist-info/WHEEL",
        b"Wheel-Version: 1.0\nGenerator: setuptools (84.2.1)\n",
        b"Wheel-Version: 1.0\nGenerator: setuptools (85.0.0)\n",
        "generator",
        "setuptools (84.2.1)",
    ),
    (
        "Beta_Pkg-1.0.dist-info/WHEEL",
        b"Generator: bdist_wheel (0.40.0)\n",
        b"Generator: hatchling 1.24\n",
        "generator",
        "bdist_wheel",
    ),
    # A newer backend writes newer metadata.
    (
        "Beta_Pkg-1.0.dist-info/WHEEL",
        b"Metadata-Version: 2.2\nName: beta\n",
        b"Metadata-Version: 2.4\nName: beta\n",
        "generator",
        "2.2",
    ),
    ("beta/g.c", b"// Generated by Cython 3.0.1", b"// Generated by Cython 3.1.0", "generator", "3.0.1"),
    ("beta/r.py", b"PID = 4711\n", b"PID = 815\n", "random", "4711"),
    (
        "beta/u.py",
        b"ID = '6f1c2a52-9f0e-4c8e-8ab2-0c1d2e3f4a5b'\n",
        b"ID = '11111111-9f0e-4c8e-8ab2-0c1d2e3f4a5c'\n",
        "random",
        "6f1c2a52",
    ),
    ("beta/n.txt", b"see tmpab12cd_x/y\n", b"see tmpzz99kk_q/y\n", "random", "tmpab12cd_x"),
    ("beta/o.txt", b"a\nb\nc\n", b"c\na\nb\n", "order", "a"),
    ("beta/o2.json", b'{\n "a": 1,\n "b": 2\n}\n', b'{\n "b": 2,\n "a": 1\n}\n', "order", '"a"'),
    ("beta/o3.py", b"X = {'a',\n 'b', 'c'}\n", b"X = {'c', 'a',\n 'b'}\n", "order", "{'a'"),
    ("beta/o4.txt", b"-\n+\n", b"+\n-\n", "order", "-"),
    ("beta/spaces.txt", b"one\ntwo\n", b"one  \ntwo\n\n", "content", "one"),
    ("beta/o.json", b'{"a": 1, "b": 2}\n', b'{"b": 2, "a": 1}\n', "order", '"a"'),
    ("beta/c.txt", b"apples\n", b"pears\n", "content", "apples"),
    ("beta/url.txt", b"https://a.example/x/y\n", b"https://b.example/x/y\n", "content", "https://a"),
    ("beta/b.bin", b"\0\1\2", b"\0\1\3", "content", "02"),
    ("beta/longer.txt", b"one\n", b"one\ntwo\n", "content", ""),
    ("beta/empty.bin", b"", b"\0", "content", ""),
    ("beta/m.pyc", pyc(1), pyc(2), "bytecode", "01 00 00 00"),
    ("beta/m2.pyc", pyc(1, b"\xe3/tmp/one/m.py"), pyc(1, b"\xe3/tmp/two/m.py"), "bytecode", "/tmp/one/m.py"),
    ("beta/x.gz", gzip.compress(b"a", mtime=7), gzip.compress(b"a", mtime=9), "timestamp", "7"),
    ("beta/x.zip", zipped(a=(b"a", 1990)), zipped(a=(b"a", 1991)), "timestamp", "1990-01-01"),
    ("beta/y.zip", zipped(a=(b"", 1990), b=(b"", 1990)), zipped(b=(b"", 1990), a=(b"", 1990)), "order", "a"),
    ("beta/z.zip", zipped(a=(b"a", 1990)), zipped(a=(b"b", 1990)), "content", "CRC"),
    ("beta/l.a", archive(("x.o", 5, b"\0abc")), archive(("x.o", 6, b"\0abc")), "timestamp", "5"),
    ("beta/k.a", archive(("x.o", 5, b"\0"), ("y.o", 5, b"")), archive(("y.o", 5, b""), ("x.o", 5, b"\0")),
     "order", "x.o/ y.o/"),
    ("beta/j.a", archive(("x.o", 5, b"\0/tmp/one/x.c\0")), archive(("x.o", 5, b"\0/tmp/two/x.c\0")),
     "build-path", "/tmp/one/x.c"),
]
# fmt: on


@pytest.mark.parametrize(
    ("path", "first", "second", "cause", "shown"), CASES, ids=lambda value: str(value)[:24]
)
def test_each_cause(tmp_path: Path, path: str, first: bytes, second: bytes, cause: str, shown: str) -> None:
    found = the_one(compare(*pair(tmp_path, path, first, second)), path)
    assert found.cause == cause
    assert any(shown in one.first for one in found.evidence)
    # And the other way round it is the same cause.
    assert the_one(compare(tmp_path / "second", tmp_path / "first"), path).cause == cause


def test_the_known_conditions_come_first(tmp_path: Path) -> None:
    conditions = (Condition("cores", "4", "1"), Condition("output-path", "/s/one-deps", "/s/two-deps"))
    trees = pair(tmp_path, "beta/c.py", b"J = '-j4' # 14\n", b"J = '-j1' # 14\n")
    assert the_one(compare(*trees, conditions), "beta/c.py").cause == "cores"
    assert the_one(compare(*trees), "beta/c.py").cause == "content"
    other = pair(tmp_path / "2", "beta/o.py", b"O = '/s/one-deps/lib'\n", b"O = '/s/two-deps/lib'\n")
    assert the_one(compare(*other, conditions), "beta/o.py").cause == "output-path"
    assert the_one(compare(*other), "beta/o.py").cause == "build-path"


def test_two_causes_on_one_line_are_the_more_telling_one(tmp_path: Path) -> None:
    trees = pair(tmp_path, "beta/c.py", b"/a/b/c at 13:55:54, 7\n", b"/d/e/f at 14:55:54, 8\n")
    assert the_one(compare(*trees), "beta/c.py").cause == "build-path"


def test_kinds_modes_links_and_lonely_files(tmp_path: Path) -> None:
    first, second = pair(tmp_path, "beta/x.txt", b"", b"")
    for tree in (first, second):
        (tree / SITE / "beta" / "link").symlink_to("one" if tree == first else "two")
        (tree / SITE / "beta" / "temp").symlink_to("/tmp/a/x" if tree == first else "/tmp/b/x")
    (first / SITE / "beta" / "x.txt").chmod(0o755)
    write(first / SITE / "beta", {"kind": b"", "gone.txt": b"", "__pycache__/a.pyc": b""})
    write(second / SITE / "beta", {"kind/inside": b"", "new.txt": b""})
    (second / SITE / "beta" / "nothing" / "below").mkdir(parents=True)
    write(second, {"stray.txt": b""})
    found = {one.file.removeprefix(SITE + "/"): (one.package, one.cause) for one in compare(first, second)}
    assert found == {
        "beta/__pycache__/a.pyc": ("beta-pkg", "bytecode"),
        "beta/gone.txt": ("beta-pkg", "missing"),
        "beta/kind": ("beta-pkg", "type"),
        "beta/kind/inside": ("beta-pkg", "extra"),
        "beta/link": ("beta-pkg", "symlink"),
        "beta/new.txt": ("beta-pkg", "extra"),
        "beta/nothing/below": ("beta-pkg", "extra"),
        "beta/temp": ("beta-pkg", "build-path"),
        "beta/x.txt": ("beta-pkg", "mode"),
        "stray.txt": ("", "extra"),
    }


def test_a_record_that_differs_alone_is_no_consequence(tmp_path: Path) -> None:
    first, second = pair(tmp_path, "beta/x.txt", b"x\n", b"x\n")
    place = f"{SITE}/Beta_Pkg-1.0.dist-info/RECORD"
    text = (first / place).read_text()
    (second / place).write_text(text.replace("sha256=", "sha256=A", 1))
    (found,) = compare(first, second)
    assert (found.file, found.cause, found.package) == (place, "content", "beta-pkg")
    assert found.evidence[0].where.startswith("row of Beta_Pkg-1.0.dist-info/METADATA")
    (second / place).write_text("".join(reversed(text.splitlines(keepends=True))))
    (found,) = compare(first, second)
    assert found.cause == "order"
    (second / place).write_bytes(b"\xff\0")
    (found,) = compare(first, second)
    assert found.cause == "content"


@pytest.mark.parametrize("row", ["/etc/passwd", "//x/y", "../../../../../out", "/", "..", "."])
def test_a_record_that_names_what_is_elsewhere(tmp_path: Path, row: str) -> None:
    first, second = pair(tmp_path, "beta/x.txt", b"x\n", b"x\n")
    place = f"{SITE}/Beta_Pkg-1.0.dist-info/RECORD"
    (second / place).write_text((first / place).read_text() + f"{row},,\n")
    (found,) = compare(first, second)
    assert (found.file, found.cause, found.package) == (place, "content", "beta-pkg")


def test_a_folder_that_two_packages_share_tells_nobody(tmp_path: Path) -> None:
    for name in ("first", "second"):
        package(tmp_path / name, "alpha", {"shared/alpha/a.py": b""})
        package(tmp_path / name, "beta", {"shared/beta/b.py": b""})
    write(tmp_path / "second" / SITE, {"shared/x": b"", "shared/alpha/x": b"", "shared/beta/x/y": b""})
    found = {
        one.file.removeprefix(SITE + "/"): one.package
        for one in compare(tmp_path / "first", tmp_path / "second")
    }
    assert found == {"shared/x": "", "shared/alpha/x": "alpha", "shared/beta/x/y": "beta"}


def test_names_that_are_no_text_can_be_printed(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    name = b"\xff\x1b[31mx\n"
    Path(os.fsdecode(os.fsencode(tmp_path / "second") + b"/" + name)).write_bytes(b"")
    (found,) = compare(tmp_path / "first", tmp_path / "second")
    assert found.file == "\\xff\\x1b[31mx\\n"
    found.file.encode("utf-8")


def test_what_cannot_be_compared_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    with pytest.raises(InputError, match="not a directory"):
        compare(tmp_path / "tree", tmp_path / "nothing")
    os.mkfifo(tmp_path / "tree" / "pipe")
    with pytest.raises(InputError, match="neither"):
        compare(tmp_path / "tree", tmp_path / "tree")


# -- properties --

NAMES = st.sampled_from(["a", "b", "c.py", "d.so", "e.pyc", "f.zip", "g.a", "h.txt"])
CONTENTS = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "ignore")),
    st.sampled_from(
        [b"\x7fELF\2\1\1" + bytes(60), b"!<arch>\n" + b"x" * 70, b"PK\3\4" + bytes(40), b"\x1f\x8b\x08"]
    ),
)
TREES = st.dictionaries(
    st.tuples(st.sampled_from(["one", "two", "three_x"]), NAMES),
    st.tuples(st.sampled_from(["file", "file", "file", "program", "link", "folder"]), CONTENTS),
    max_size=8,
)


def plant(root: Path, tree: Mapping[tuple[str, str], tuple[str, bytes]]) -> Path:
    root.mkdir()
    for name in ("one", "two", "three_x"):
        package(root, name, {f"{name}/__init__.py": b""})
    for (name, leaf), (kind, content) in tree.items():
        place = root / SITE / name / leaf
        if kind == "folder":
            place.mkdir()
        elif kind == "link":
            place.symlink_to(content.hex() or "x")
        else:
            place.write_bytes(content)
            place.chmod(0o755 if kind == "program" else 0o644)
    return root


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    count = iter(range(10**6))

    def new() -> Path:
        if (tmp_path / "now").exists():
            shutil.rmtree(tmp_path / "now")
        (tmp_path / "now").mkdir()
        return tmp_path / "now" / str(next(count))

    return new


RELAXED = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@RELAXED
@given(one=TREES, other=TREES)
def test_findings_are_exactly_what_makes_the_nars_differ(
    fresh: Callable[[], Path], one: Mapping[tuple[str, str], tuple[str, bytes]],
    other: Mapping[tuple[str, str], tuple[str, bytes]],
) -> None:  # fmt: skip
    base = fresh()
    base.mkdir()
    first, second = plant(base / "first", one), plant(base / "second", other)
    findings = compare(first, second)
    assert (not findings) == (nar_hash(first) == nar_hash(second))
    changed = {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}
    changed -= {key for key in changed if same(one.get(key), other.get(key))}
    assert {one.file for one in findings} == {f"{SITE}/{name}/{leaf}" for name, leaf in changed}
    for found in findings:
        assert found.package == found.file.removeprefix(SITE + "/").split("/")[0].replace("_", "-")
        assert found.cause in CAUSES
        assert found.evidence
    shutil.copytree(first, base / "third", symlinks=True)
    assert compare(first, base / "third") == ()


def same(one: tuple[str, bytes] | None, other: tuple[str, bytes] | None) -> bool:
    """Whether two nodes are the same to Nix though their recipes differ."""
    if one is None or other is None or one[0] != other[0]:
        return False
    return one[0] == "folder" or (one[0] == "link" and (one[1].hex() or "x") == (other[1].hex() or "x"))


@RELAXED
@given(
    first=st.binary(max_size=300),
    cut=st.integers(0, 300),
    more=st.binary(min_size=1, max_size=9),
    head=st.sampled_from([b"", b"\x7fELF\2\1\1\0", b"!<arch>\n", b"PK\3\4", b"\x1f\x8b", b"a,b,c\n"]),
)
def test_no_content_is_too_odd(
    fresh: Callable[[], Path], first: bytes, cut: int, more: bytes, head: bytes
) -> None:  # fmt: skip
    base = fresh()
    first = head + first
    second = first[:cut] + more + first[cut:]
    name = "Beta_Pkg-1.0.dist-info/RECORD" if head == b"a,b,c\n" else "beta/x"
    write(base / "a" / SITE, {name: first})
    write(base / "b" / SITE, {name: second})
    (found,) = compare(base / "a", base / "b")
    assert found.evidence
    for item in found.evidence:
        (item.where + item.first + item.second).encode("utf-8")
        assert (item.where + item.first + item.second).isprintable()
