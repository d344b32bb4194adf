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
from uvlock2nix.lock.quick import MARK, cut_files, parse_text

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
    cut = cut_files(text)
    assert cut is not None
    reduced, files = cut
    assert len(reduced) < len(text) / 5
    lock = parse_text(text.encode(), "uv.lock")
    assert sum(map(len, files.values())) == sum(len(p.wheels) + (p.sdist is not None) for p in lock.packages)


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


def test_a_difference_would_be_seen() -> None:
    """The comparison fails when it must: the files are part of what is compared."""
    text = HEAD + entry("a", more=WHEELS)
    assert answer(text.encode(), quick=True) != answer(
        text.replace("size = 5", "size = 6").encode(), quick=False
    )
