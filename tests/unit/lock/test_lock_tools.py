"""The programs that compare and measure: what they make must be what they say."""

from __future__ import annotations

import importlib.util
import io
import random
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.locks import LINUX, LOCKS, REPOSITORY, load_script, read, write_project
from uvlock2nix.lock import Selection, resolve

WHEELS = load_script("compare_wheels")
STUBS = load_script("stub_index")
FUZZ = load_script("fuzz_lock")
DAGGER = LOCKS / "eblume__blumeops__dagger"


def load_benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lock_speed", REPOSITORY / "benchmarks" / "lock_speed.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["lock_speed"] = module
    spec.loader.exec_module(module)
    return module


SPEED = load_benchmark()


def test_the_rewritten_lock_is_the_same_lock_elsewhere() -> None:
    before = (DAGGER / "uv.lock").read_text()
    after = WHEELS.rewrite_lock(before, "http://127.0.0.1:1", "run1")
    old, new = read(before), read(after)
    assert len(old.packages) == len(new.packages)
    for left, right in zip(old.packages, new.packages, strict=True):
        assert [file.filename for file in left.wheels] == [file.filename for file in right.wheels]
        assert all(file.hash is None and file.size is None for file in right.wheels)
        for file in right.wheels:
            assert file.url == f"http://127.0.0.1:1/run1/{right.name}/{right.version}/{file.filename}"


def test_hashes_of_direct_urls_stay() -> None:
    text = (LOCKS / "paperless-ngx__paperless-ngx" / "uv.lock").read_text()
    url = "https://h.example/x-1.0-py3-none-any.whl"
    text += f'\n[[package]]\nname = "x"\nversion = "1.0"\nsource = {{ url = "{url}" }}\n'
    line = f'wheels = [{{ url = "{url}", hash = "sha256:12" }}]\n'
    assert line in WHEELS.rewrite_lock(text + line, "http://127.0.0.1:1", "run1")


def test_stand_ins_are_valid() -> None:
    with zipfile.ZipFile(io.BytesIO(STUBS.make_wheel("a_b", "1.0"))) as archive:
        record = archive.read("a_b-1.0.dist-info/RECORD").decode()
        assert set(archive.namelist()) == {line.split(",")[0] for line in record.splitlines()}


@pytest.mark.parametrize("change", ["halve", "double"])
def test_other_sizes_of_a_lock_can_be_read(tmp_path: Path, change: str) -> None:
    text = (LOCKS / "mitmproxy__mitmproxy" / "uv.lock").read_text()
    made = getattr(SPEED, change)(text, "mitmproxy")
    count, before = len(read(made).packages), len(read(text).packages)
    assert count == (before // 2 if change == "halve" else 2 * before - 1)
    pyproject = '[project]\nname = "mitmproxy"\nversion = "1"\n'
    environments = [
        resolve(write_project(tmp_path, lock, pyproject), Selection(), LINUX).packages
        for lock in (text, made)
    ]
    if change == "double":
        assert len(environments[1]) == 2 * len(environments[0]) - 1
    else:
        assert 1 < len(environments[1]) <= len(environments[0])


def test_damage_is_made_from_its_seed() -> None:
    data = (DAGGER / "uv.lock").read_bytes()
    first, second = (FUZZ.damage(data, random.Random(7)) for _ in range(2))  # noqa: S311 - no secret
    assert first == second != data
