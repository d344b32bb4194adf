"""The quick way to read a lock gives what TOML gives, for every text."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.locks import DIGEST, HEAD, LOCKS, entry, load_script
from uvlock2nix.errors import LockError
from uvlock2nix.lock import Lock, parse_lock
from uvlock2nix.lock.marks import MARK
from uvlock2nix.lock.quick import cut, parse_text

FUZZ = load_script("fuzz_lock")
WHOLE = [
    LOCKS / name / "uv.lock" for name in ("eblume__blumeops__dagger", "fastapi__full-stack-fastapi-template")
]
URL = "https://files.example/a-1.0-py3-none-any.whl"
FILE = f'{{ url = "{URL}", hash = "{DIGEST}", size = 5, upload-time = "t" }}'
WHEELS = f"wheels = [\n    {FILE},\n]"
SDIST = f'sdist = {{ url = "https://files.example/a-1.0.tar.gz", hash = "{DIGEST}" }}'


def answer(data: bytes, *, quick: bool) -> Lock | str:
    """The lock, or the message of the error."""
    try:
        if quick:
            return parse_text(data, "uv.lock")
        try:
            table = tomli.loads(data.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            # Both ways have this from the same function.
            return parse_text(data, "uv.lock")
        return parse_lock(table, "uv.lock")
    except LockError as error:
        return error.message


def same(data: bytes) -> bool:
    return answer(data, quick=True) == answer(data, quick=False)


@pytest.mark.parametrize("path", sorted(LOCKS.glob("*/uv.lock")), ids=lambda path: str(path.parent.name))
def test_real_locks(path: Path) -> None:
    data = path.read_bytes()
    lock = answer(data, quick=True)
    assert isinstance(lock, Lock)
    assert lock == answer(data, quick=False)


def test_nearly_everything_is_cut_out_of_a_real_lock() -> None:
    text = WHOLE[0].read_text()
    marks = cut(text)
    assert marks is not None
    assert len(marks.text) < len(text) / 10
    assert len(marks.packages) > text.count("[[package]]") / 2
    lock = parse_text(text.encode(), "uv.lock")
    files = [*marks.files.values(), *(one.get("wheels", ()) for one in marks.packages)]
    files += [one.get("sdist", ()) for one in marks.packages]
    assert sum(map(len, files)) == sum(len(p.wheels) + (p.sdist is not None) for p in lock.packages)


@given(st.integers(0, 2**32), st.sampled_from(WHOLE))
@settings(max_examples=60, deadline=None)
def test_damaged_locks(seed: int, path: Path) -> None:
    assert same(FUZZ.damage(path.read_bytes(), random.Random(seed)))  # noqa: S311 - no secret


@pytest.mark.parametrize(
    "text",
    [
        HEAD + entry("a", more=f"{SDIST}\n{WHEELS}"),
        # Where such a line is not a list of wheels, or not one of a package.
        HEAD + f'x = """\n{WHEELS}\n"""\n' + entry("a", more=WHEELS),
        HEAD + f"x = '''\n{SDIST}\n'''\n" + entry("a"),
        HEAD + f"{WHEELS}\n" + entry("a"),
        HEAD + f"[options.exclude-newer-package]\n{WHEELS}\n" + entry("a"),
        HEAD + f"[manifest.dependency-groups]\n{WHEELS}\n" + entry("a"),
        HEAD + entry("a", more=f"[package.optional-dependencies]\n{WHEELS}"),
        HEAD + entry("a", more=f"[package.metadata]\n{WHEELS}"),
        HEAD + entry("a", more=f"{WHEELS}\n{WHEELS}"),
        HEAD + entry("a", more=f"dependencies = [\n{WHEELS}\n]"),
        HEAD + entry("a", more=f"x = {{\n{WHEELS}\n}}"),
        HEAD + entry("a", more=f"# {MARK}\n{WHEELS}"),
        HEAD + entry("a", more=f'wheels = "{MARK}0"\n{SDIST}'),
        HEAD + entry("a", more=f'wheels = "{MARK}0"'),
        # Written otherwise than uv does.
        HEAD + entry("a", more=WHEELS.replace("size = 5", "size = 05")),
        HEAD + entry("a", more=WHEELS.replace("size = 5", "size = 99999999999999999999")),
        HEAD + entry("a", more=WHEELS.replace('"t"', '""')),
        HEAD + entry("a", more=WHEELS.replace('"t"', '"' + "t" * 100 + '"')),
        HEAD + entry("a", more=WHEELS.replace("a-1.0", "b-2.0")),
        HEAD + entry("a", more=WHEELS.replace("a-1.0-py3-none-any.whl", "a-1.0.tar.gz")),
        HEAD + entry("a", more=WHEELS.replace("https", "ftp")),
        HEAD + entry("a", more=WHEELS.replace("\n", "\r\n")),
        HEAD + entry("a", more=SDIST.replace("}", ", zstd = 1 }")),
    ],
)
def test_places_that_could_mislead(text: str) -> None:
    assert same(text.encode())


def package(name: str, *lines: str) -> str:
    """A package exactly as uv writes it."""
    head = f'[[package]]\nname = "{name}"\nversion = "1.0"\nsource = {{ registry = "https://i.example" }}\n'
    return "\n" + head + "".join(f"{line}\n" for line in lines)


def dependencies(*edges: str) -> str:
    return "dependencies = [\n" + "".join(f"    {{ {one} }},\n" for one in edges) + "]"


LAST = package("z")


@pytest.mark.parametrize(
    "text",
    [
        package("a", dependencies('name = "b"', 'name = "z", marker = "python_full_version < \'3.12\'"'))
        + package("b", dependencies('name = "z"'), SDIST, WHEELS.replace("a-1.0", "b-1.0")),
        package("a", "resolution-markers = [\n    \"sys_platform == 'linux'\",\n]", SDIST, WHEELS),
        package(
            "a", dependencies('name = "z", version = "1.0", source = { registry = "https://i.example" }')
        ),
        package("a", dependencies('name = "z", extra = ["x"], marker = "os_name == \'nt\'"')),
        # Something is wrong in it.
        package("a", dependencies('name = "nobody"')),
        package("a", dependencies('name = "z", version = "2.0"')),
        package("a", dependencies('name = "z", marker = "x == 1"')),
        package("a", dependencies('name = ""')),
        package("a", dependencies('name = "z", name = "z"')),
        package("a", WHEELS.replace("a-1.0", "b-2.0")),
        package("a") + package("a"),
        package("not a name"),
        package("a").replace("1.0", "one"),
        # Not all of it, or more than that.
        package("a", "", "[package.optional-dependencies]", 'x = [\n    { name = "z" },\n]'),
        package("a", "", "[package.metadata]", 'requires-dist = [{ name = "z" }]'),
        package("a", 'unknown = "key"'),
        package("a", SDIST, SDIST),
        package("a", WHEELS, SDIST),
        package("a", "version = 1"),
        package("a", "# a comment"),
        package("a", "[options]", 'resolution-mode = "lowest"'),
        package("a").replace("\n", "\r\n"),
        f"x = [\n{package('a')}\n]\n",
        f"x = {{\n{package('a')}\n}}\n",
        # Marks that are not ours.
        package("a") + f'\n[[package]]\n"{MARK}" = 0\n',
        package("a") + '\n[[package]]\n"\\u0040uvlock2nix read" = 0\n',
        package("a") + '\n[[package]]\n"\\u0040uvlock2nix read" = true\n',
        package("a") + '\n[[package]]\n"\\u0040uvlock2nix read" = 99\n',
        package("a", "x = 1", WHEELS) + package("b", 'wheels = "\\u0040uvlock2nix read 0"'),
    ],
)
def test_packages_as_uv_writes_them_and_nearly_so(text: str) -> None:
    assert same((HEAD + text + LAST).encode())
    assert same((HEAD + LAST + text).encode())


def test_what_is_not_utf_8() -> None:
    text = (HEAD + package("a", 'x = "?"') + LAST).encode()
    assert same(text)
    assert same(text.replace(b"?", b"\xff"))
    assert isinstance(answer(text.replace(b"?", b"\xff"), quick=True), str)


def test_a_difference_would_be_seen() -> None:
    """The comparison fails when it must: the files are part of what is compared."""
    text = HEAD + entry("a", more=WHEELS)
    assert answer(text.encode(), quick=True) != answer(
        text.replace("size = 5", "size = 6").encode(), quick=False
    )
