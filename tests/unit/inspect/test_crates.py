"""Where the crates of a local package come from."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from uvlock2nix.errors import ProjectError
from uvlock2nix.inspect.crates import cargo_lock

CARGO = '[package]\nname = "app"\nversion = "1.0.0"\n'
NEEDS = CARGO + '[dependencies]\nword = "1"\n'
SETUP = "from setuptools_rust import RustExtension\nRustExtension('app.x', path='crate/inner/Cargo.toml')\n"
REPLACED = '[source.registry]\nreplace-with = "{}"\n[source.vendored]\ndirectory = "vendor"\n'


def lock_of(root: Path, files: dict[str, str], package: str = ".") -> str | None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    found = cargo_lock(root, PurePosixPath(package), "app")
    return None if found is None else str(found)


def test_beside_the_crate_or_above_it(tmp_path: Path) -> None:
    assert lock_of(tmp_path, {"a/Cargo.toml": NEEDS, "Cargo.lock": ""}, "a") == "Cargo.lock"
    assert lock_of(tmp_path, {"a/Cargo.lock": ""}, "a") == "a/Cargo.lock"


def test_where_setup_py_says(tmp_path: Path) -> None:
    files = {"setup.py": SETUP, "crate/inner/Cargo.toml": NEEDS, "crate/Cargo.lock": ""}
    assert lock_of(tmp_path, files) == "crate/Cargo.lock"


def test_crates_that_the_source_has_are_not_fetched(tmp_path: Path) -> None:
    files = {"lib/Cargo.toml": NEEDS, "lib/Cargo.lock": "", ".cargo/config.toml": REPLACED.format("vendored")}
    assert lock_of(tmp_path, files, "lib") == "lib/Cargo.lock"  # the folder is not there
    assert lock_of(tmp_path, {"vendor/word/Cargo.toml": CARGO}, "lib") is None
    assert lock_of(tmp_path, {".cargo/config.toml": REPLACED.format("other")}, "lib") == "lib/Cargo.lock"
    assert lock_of(tmp_path, {".cargo/config.toml": "source = 3"}, "lib") == "lib/Cargo.lock"


def test_without_a_lock(tmp_path: Path) -> None:
    assert lock_of(tmp_path, {"Cargo.toml": CARGO}) is None
    with pytest.raises(ProjectError, match=r"needs crates \(word\), but has no Cargo.lock"):
        lock_of(tmp_path, {"Cargo.toml": NEEDS})
