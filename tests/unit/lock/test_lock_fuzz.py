"""No input ends in a traceback, and what is refused is refused with a place and a hint."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.locks import DIGEST, HEAD, INDEX, LINUX, LOCKS, MAC, edges, entry, read
from uvlock2nix.artifacts import BuildPolicy, choose
from uvlock2nix.errors import LockError, NoArtifactError, Uvlock2nixError
from uvlock2nix.lock import Lock, Member, Project, Selection, UvSettings, parse_lock, parse_pylock, resolve
from uvlock2nix.lock.pyproject import parse_pyproject
from uvlock2nix.lock.script import script_block
from uvlock2nix.lock.wire import Problems

FOLDER = LOCKS / "eblume__blumeops__dagger"
REAL = tomli.loads((FOLDER / "uv.lock").read_text())
RICH = tomli.loads(
    HEAD
    + """conflicts = [[{ package = "root", extra = "x" }, { package = "root", group = "dev" }]]
resolution-markers = ["sys_platform == 'linux'", "sys_platform != 'linux'"]
[options]
exclude-newer = "2026-01-01T00:00:00Z"
exclude-newer-package = { a = false }
[manifest]
requirements = [{ name = "a", marker = "os_name == 'posix'" }]
dependency-groups = { dev = [{ name = "b", extras = ["x"] }] }
"""
    + entry(
        "root",
        None,
        source='{ editable = "." }',
        deps=("a", f'name = "b", version = "1.0", source = {INDEX}, marker = "extra == \'extra-4-root-x\'"'),
        more=edges("optional-dependencies", x=("a",))
        + "\n"
        + edges("dev-dependencies", dev=("b",))
        + "\n[package.metadata]\nprovides-extras = ['x']\nrequires-dist = [{ name = 'a' }]",
    )
    + entry("a", more=f'sdist = {{ url = "https://x.example/a-1.0.tar.gz", hash = "{DIGEST}", size = 1 }}')
    + entry("b", more='wheels = [{ url = "https://x.example/b-1.0-py3-none-any.whl" }]')
    + entry("b", "2.0", source=f'{{ git = "https://git.example/b?rev=main#{"a" * 40}" }}')
)

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=True),
    st.text(max_size=12),
    st.sampled_from(
        ["", "-", "../../x", "a\x00b", "os_name == 'a'", "x" * 5000, "(" * 200, "1.0", "https://x/y", "🐍"]
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place inside nested tables and arrays."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def changed(table: dict[str, Any], path: tuple[Any, ...], new: object, how: str) -> dict[str, Any]:
    result = copy.deepcopy(table)
    inner: Any = result
    for key in path[:-1]:
        inner = inner[key]
    if how == "replace":
        inner[path[-1]] = new
    elif how == "delete":
        del inner[path[-1]]
    elif isinstance(inner, dict):
        inner[str(new)[:20]] = inner[path[-1]]
    else:
        inner.append(inner[path[-1]])
    return result


def project_of(lock: Lock) -> Project:
    root = PurePosixPath("/nowhere")
    pyproject = parse_pyproject({}, Path(root), Problems("pyproject.toml"))
    members = (Member(lock.root.name, PurePosixPath("."), pyproject, False),) if lock.root is not None else ()
    return Project(
        root=Path(root),
        lock=lock,
        lock_path=Path(root / "uv.lock"),
        lock_sha256="",
        pyproject=pyproject,
        members=members,
        current=lock.root.name if lock.root is not None else None,
        uv=UvSettings(),
        tool={},
        warnings=(),
        files=(),
    )


def use(lock: Lock) -> None:
    """Everything that a lock is used for; only our own errors may come out."""
    project = project_of(lock)
    for target in (LINUX, MAC):
        with suppress(Uvlock2nixError):
            environment = resolve(project, Selection(all_groups=True), target)
            for item in environment.packages:
                with suppress(NoArtifactError):
                    choose(item.package, target, BuildPolicy())


RICH_PLACES = list(places(RICH))


@given(st.sampled_from(RICH_PLACES), ODD, st.sampled_from(["replace", "delete", "add"]))
@settings(max_examples=300, deadline=None)
def test_one_wrong_value_anywhere(path: tuple[Any, ...], new: object, how: str) -> None:
    table = changed(RICH, path, new, how)
    try:
        lock = parse_lock(table, "uv.lock")
    except LockError as error:
        message, hint = error.message, error.hint
    else:
        use(lock)
        return
    # A place: the file, and below it a package or a top key.
    assert re.match(r"uv\.lock: ?(package|lock|manifest|options|version|revision|\n)", message), message
    assert hint
    assert "\x00" not in message
    assert len(message) < 6000


@given(st.lists(st.tuples(st.integers(0, 10**6), ODD), min_size=2, max_size=4))
@settings(max_examples=40, deadline=None)
def test_several_wrong_values_in_a_real_lock(changes: list[tuple[int, object]]) -> None:
    table = REAL
    for number, new in changes:
        found = list(places(table))
        if not found:
            return
        table = changed(table, found[number % len(found)], new, "replace")
    with suppress(LockError):
        use(parse_lock(table, "uv.lock"))


@given(st.binary(max_size=200))
def test_any_bytes_after_a_head(data: bytes) -> None:
    text = HEAD.encode() + data
    with suppress(UnicodeDecodeError, ValueError):
        table = tomli.loads(text.decode())
        with suppress(LockError):
            use(parse_lock(table, "uv.lock"))


@given(st.recursive(ODD, lambda inner: st.dictionaries(st.text(max_size=6), inner, max_size=4), max_leaves=8))
@settings(deadline=None)
def test_any_table_is_a_lock_or_an_error(value: object) -> None:
    table = value if isinstance(value, dict) else {"package": value}
    heads: list[dict[str, object]] = [{}, {"version": 1}, {"version": 1, "requires-python": ">=3.11"}]
    for head in heads:
        with suppress(LockError):
            use(parse_lock({**table, **head}, "uv.lock"))
    with suppress(LockError):
        use(parse_pylock({**table, "packages": [table], "lock-version": "1.0"}, "pylock.toml"))


PYPROJECT = tomli.loads((LOCKS / "ankitects__anki" / "pyproject.toml").read_text())


@given(st.sampled_from(list(places(PYPROJECT))), ODD)
def test_one_wrong_value_in_a_pyproject(path: tuple[Any, ...], new: object) -> None:
    problems = Problems("pyproject.toml")
    parse_pyproject(changed(PYPROJECT, path, new, "replace"), Path("pyproject.toml"), problems)
    assert all(message for message in problems.messages)


@given(st.text(alphabet="#/ script\n\r=ab", max_size=80))
def test_any_text_is_a_script_or_not(text: str) -> None:
    block = script_block(text)
    assert block is None or isinstance(block, str)


def graph(rng: random.Random, size: int) -> str:
    """A random graph with extras, several versions and markers."""
    text = HEAD + entry("root", source='{ virtual = "." }', deps=tuple(f"n{n}" for n in range(min(size, 4))))
    for number in range(size):
        others = rng.sample(range(size), min(size, rng.randint(0, 4)))
        deps = tuple(
            f'name = "n{other}", extra = ["x"], marker = "{rng.choice(MARKERS)}"'
            if rng.random() < 0.5
            else f"n{other}"
            for other in others
        )
        more = edges("optional-dependencies", x=tuple(f"n{other}" for other in others[:2]))
        text += entry(f"n{number}", deps=deps, more=more)
    return text


MARKERS = [
    "sys_platform == 'linux'",
    "sys_platform == 'darwin'",
    "python_version >= '3.12'",
    "extra == 'extra-2-n1-x'",
]


@given(st.integers(0, 2**32), st.integers(1, 25))
@settings(deadline=None)
def test_environments_are_closed_and_sorted(seed: int, size: int) -> None:
    """Whatever is in has a reason, and each unconditional edge of what is in leads to what is in."""
    lock = read(graph(random.Random(seed), size))  # noqa: S311 - no secret
    environment = resolve(project_of(lock), Selection(), LINUX)
    there = {item.package.index for item in environment.packages}
    names = [item.package.name for item in environment.packages]
    assert names == sorted(names)
    for item in environment.packages:
        assert item.requested_by
        for edge in item.package.dependencies:
            if not edge.marker:
                assert edge.package in there
        for extra in item.extras:
            for edge in item.package.optional_dependencies[extra]:
                assert edge.package in there


def test_a_deep_chain_needs_no_stack() -> None:
    size = 5000
    text = HEAD + entry("root", source='{ virtual = "." }', deps=("n0",))
    text += "".join(entry(f"n{n}", deps=(f"n{n + 1}",)) for n in range(size)) + entry(f"n{size}")
    assert len(resolve(project_of(read(text)), Selection(), LINUX).packages) == size + 1


@pytest.mark.parametrize("count", [3000])
def test_a_long_marker_is_linear(count: int) -> None:
    marker = " or ".join(f"python_full_version == '3.9.{n}'" for n in range(count))
    text = (
        HEAD
        + entry("root", source='{ virtual = "." }', deps=(f'name = "a", marker = "{marker}"',))
        + entry("a")
    )
    assert resolve(project_of(read(text)), Selection(), LINUX).packages == ()
