"""The key in the name of deps changes when its content would, and only then."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.emit import plan_of
from tests.support.stand import REPO
from uvlock2nix.config import parse_config
from uvlock2nix.digest import hold_back, parse_time
from uvlock2nix.errors import UsageError
from uvlock2nix.lock import LockedFile, Package, RegistrySource, Selection

HASH = "0123456789abcdef" * 4
NAMES = ("alpha", "beta", "gamma")


def registry(
    name: str, number: int, *, host: str = "files.example", hash_: str = HASH, when: str = "2026-01-01"
) -> str:
    return f"""
[[package]]
name = "{name}"
version = "1.{number}"
source = {{ registry = "https://index.example/simple" }}
wheels = [
    {{ url = "https://{host}/{name}-1.{number}-py3-none-any.whl", hash = "sha256:{hash_}", size = 9, \
upload-time = "{when}T00:00:00Z" }},
]
"""


def made(name: str = "made", when: str = "2026-02-01") -> str:
    return f"""
[[package]]
name = "{name}"
version = "1.0"
source = {{ registry = "https://index.example/simple" }}
sdist = {{ url = "https://files.example/{name}-1.0.tar.gz", hash = "sha256:{HASH}", size = 9, \
upload-time = "{when}T00:00:00Z" }}
"""


def lock(*packages: str, names: tuple[str, ...] = (*NAMES, "made"), extra: str = "") -> str:
    listed = "".join(f'    {{ name = "{name}" }},\n' for name in names)
    head = 'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n'
    root = '[[package]]\nname = "app"\nversion = "1.0"\nsource = { virtual = "." }\n'
    root += f"dependencies = [\n{listed}]\n{extra}"
    return "\n".join([head, root, *packages])


PACKAGES = (*(registry(name, number) for number, name in enumerate(NAMES)), made())


def key(
    folder: Path,
    text: str | None = None,
    *,
    tool: str = "",
    python: str = "3.13",
    system: str = "x86_64-linux",
    selection: Selection | None = None,
    exclude_newer: str | None = None,
) -> str:
    """The key of a small project; ``tool`` are more tables of its pyproject.toml."""
    folder.mkdir(exist_ok=True)
    (folder / "uv.lock").write_text(text if text is not None else lock(*PACKAGES))
    (folder / "pyproject.toml").write_text(f'[project]\nname = "app"\nversion = "1.0"\n{tool}')
    plan = plan_of(folder, systems=(system,), python=python, selection=selection, exclude_newer=exclude_newer)
    assert re.fullmatch("[0-9a-f]{32}", plan.systems[0].key)
    return plan.systems[0].key


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.permutations(PACKAGES),
    st.permutations((*NAMES, "made")),
    st.integers(0, 3),
    st.sampled_from(["a", "b"]),
)
def test_what_does_not_matter_does_not_change_it(
    tmp_path: Path, packages: list[str], names: list[str], revision: int, host: str
) -> None:
    """Order in the lock, its revision, mirrors, comments, folders, metadata of the project."""
    text = lock(*(p.replace("files.example", f"{host}.example") for p in packages), names=tuple(names))
    text = f"# {random.random()}\n" + text.replace("revision = 3", f"revision = {revision}")  # noqa: S311
    tool = (
        f'description = "{host}"\n[tool.other]\nx = {revision}\n[tool.uvlock2nix]\nmain-program = "{host}"\n'
    )
    assert key(tmp_path / host, text, tool=tool) == key(tmp_path / "plain")


BUILD = "[tool.uv]\nbuild-constraint-dependencies = ['setuptools<80']\n"
CHANGES = {
    "hash": {"text": lock(registry("alpha", 0, hash_="f" * 64), *PACKAGES[1:])},
    "version": {"text": lock(registry("alpha", 7), *PACKAGES[1:])},
    "a package less": {"text": lock(*PACKAGES[1:], names=("beta", "gamma", "made"))},
    "python": {"python": "3.12"},
    "system": {"system": "aarch64-linux"},
    "cflags": {"tool": '[tool.uvlock2nix.native.made]\ncflags = ["-DX"]\n'},
    "env": {"tool": '[tool.uvlock2nix.native.made]\nenv = { A = "1" }\n'},
    "inputs": {"tool": '[tool.uvlock2nix.native.made]\nbuild-inputs = ["zlib"]\n'},
    "build requirements": {"tool": '[tool.uvlock2nix.native.made]\nbuild-requires = ["cython"]\n'},
    "relax": {"tool": '[tool.uvlock2nix.native.made]\nrelax = ["cython"]\n'},
    "build constraints": {"tool": BUILD},
    "extra build dependencies": {"tool": '[tool.uv.extra-build-dependencies]\nmade = ["cython"]\n'},
    "extra build variables": {"tool": '[tool.uv.extra-build-variables]\nmade = { A = "1" }\n'},
    "config settings": {"tool": '[tool.uv]\nconfig-settings = { a = "b" }\n'},
    "time": {"exclude_newer": "2026-03-01T00:00:00Z"},
    "time by upload": {"text": lock(*PACKAGES[:-1], made(when="2026-04-01"))},
    "collisions": {"tool": '[tool.uvlock2nix.collisions]\n"a/b.py" = "alpha"\n'},
}


@pytest.mark.parametrize("what", sorted(CHANGES))
def test_what_matters_changes_it(tmp_path: Path, what: str) -> None:
    changed = CHANGES[what]
    assert key(tmp_path, **changed) != key(tmp_path)  # type: ignore[arg-type]
    assert key(tmp_path, **changed) == key(tmp_path, **changed)  # type: ignore[arg-type]


def test_every_change_has_a_key_of_its_own(tmp_path: Path) -> None:
    keys = [key(tmp_path, **changed) for changed in CHANGES.values()]  # type: ignore[arg-type]
    assert len(set(keys)) == len(CHANGES)


@pytest.mark.parametrize(
    "what", ["build constraints", "time", "config settings", "cflags", "extra build variables"]
)
def test_settings_of_builds_do_not_matter_where_nothing_is_built(tmp_path: Path, what: str) -> None:
    text = lock(*PACKAGES[:-1], names=NAMES)
    given_ = {name: one for name, one in CHANGES[what].items() if name != "text"}
    assert key(tmp_path, text, **given_) == key(tmp_path, text)  # type: ignore[arg-type]


def test_the_selection_matters_by_what_it_selects(tmp_path: Path) -> None:
    extra = (
        "[package.optional-dependencies]\nmore = [{ name = 'alpha' }]\nsame = [{ name = 'beta' }]\n"
        "[package.metadata]\nprovides-extras = ['more', 'same']\n"
    )
    tool = "[project.optional-dependencies]\nmore = ['alpha']\nsame = ['beta']\n"
    text = lock(*PACKAGES, names=("beta", "gamma", "made"), extra=extra)
    base = key(tmp_path, text, tool=tool)
    assert key(tmp_path, text, tool=tool, selection=Selection(extras=("more",))) != base
    # An extra that brings nothing new: the content is the same, so is the key.
    assert key(tmp_path, text, tool=tool, selection=Selection(extras=("same",))) == base


def test_the_keys_of_two_systems_are_those_of_each_alone() -> None:
    both = plan_of(REPO / "fixtures" / "authentik", systems=("x86_64-linux", "aarch64-darwin"))
    for one in both.systems:
        alone = plan_of(REPO / "fixtures" / "authentik", systems=(one.system,))
        # The time that holds builds back is one for all systems.
        if alone.exclude_newer == both.exclude_newer:
            assert alone.systems[0].key == one.key


def file(when: str | None) -> LockedFile:
    return LockedFile("a-1-py3-none-any.whl", "https://files.example/a", None, f"sha256:{HASH}", 1, when)


def package(*times: str | None) -> Package:
    source = RegistrySource("https://index.example/simple")
    return Package(index=0, name="a", version="1", source=source, sdist=None, wheels=tuple(map(file, times)))


@pytest.mark.parametrize(
    ("times", "held"),
    [
        ((), None),
        ((None,), None),
        (("rubbish ${x}", "9999999"), None),
        (("2026-01-01T00:00:00Z", "zzz"), "2026-01-01T00:00:00Z"),
        (("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z"), "2026-01-01T00:00:00.5Z"),
        (("2026-01-01T09:00:00+09:00", "2025-12-31T23:00:00Z"), "2026-01-01T00:00:00Z"),
        (("2026-01-02 03:04:05+00:00",), "2026-01-02T03:04:05Z"),
        (("2026-01-02",), "2026-01-02T00:00:00Z"),
    ],
)
def test_the_time_that_holds_builds_back(times: tuple[str | None, ...], held: str | None) -> None:
    assert hold_back([package(*times)]) == held


@given(st.text(max_size=30))
def test_no_text_is_too_strange_for_a_time(text: str) -> None:
    parse_time(text)
    hold_back([package(text)])


def test_exclude_newer_can_be_written_once(tmp_path: Path) -> None:
    config = parse_config({"exclude-newer": "2026-03-01T00:00:00Z"})
    assert config.string("exclude-newer") == "2026-03-01T00:00:00Z"
    for wrong in ("yesterday", "2026-03-01", 3, "2026-03-01T00:00:00Z\n--evil"):
        with pytest.raises(UsageError, match="exclude-newer"):
            parse_config({"exclude-newer": wrong})
