"""strip-references-hook and restore-references-hook inside real Nix, in both attribute modes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.stand import Stand, StandCommandError, Suite, require_stand

pytestmark = [pytest.mark.stand, pytest.mark.slow]
FILE = Path(__file__).resolve().parent / "refs-hooks.nix"


@pytest.fixture
def stand() -> Stand:
    return require_stand("forky")


def build(stand: Stand, attribute: str, **arguments: object) -> str:
    words: list[str] = []
    for name, value in arguments.items():
        if isinstance(value, bool):
            words += ["--arg", name, str(value).lower()]
        else:
            words += ["--argstr", name, str(value)]
    return stand.nix_build(FILE, "-A", attribute, *words)


def right_hash(stand: Stand, **arguments: object) -> str:
    with pytest.raises(StandCommandError) as caught:
        build(stand, "deps", hash="sha256-" + "A" * 43 + "=", **arguments)
    text = caught.value.done.stderr
    found = re.search(r"got:\s+(sha256-\S+)", text)
    assert found, text[-3000:]
    return found[1]


@pytest.mark.parametrize(
    ("suite", "structured", "inputs", "twice"),
    [
        ("forky", True, "attrs", True),
        ("forky", False, "list", False),
        ("forky", False, "json", True),
        ("trixie", True, "attrs", False),
        ("bookworm", False, "list", True),
        ("bookworm", True, "attrs", False),
    ],
)
def test_a_compiled_module_is_legal_in_deps_and_runs_in_env(
    suite: Suite, structured: bool, inputs: str, twice: bool
) -> None:
    stand = require_stand(suite)
    arguments: dict[str, object] = {"structured": structured, "inputs": inputs, "twice": twice}
    found = right_hash(stand, **arguments)
    deps = build(stand, "deps", hash=found, **arguments)
    assert stand.run(["nix-store", "-q", "--references", deps]).stdout == ""
    env = build(stand, "env", hash=found, **arguments)
    library = stand.evaluate(f"toString (import {FILE} {{}}).env.referenceInputs.libxml2")
    assert stand.path(f"{env}/share/said").read_text().split() == [
        f"{library}/etc/xml/catalog",
        f"{library}/share",
        env,
    ]
    references = stand.run(["nix-store", "-q", "--references", env]).stdout.split()
    assert library in references
    assert not any("deps" in path for path in references)
    (module,) = stand.path(env).glob("lib/python*/site-packages/probe.so")
    shown = stand.run(["readelf", "-d", f"{env}/{module.relative_to(stand.path(env))}"]).stdout
    assert f"{library}/lib" in shown


def test_the_hash_is_the_same_in_every_way_of_saying_it(stand: Stand) -> None:
    assert right_hash(stand, structured=True) == right_hash(stand, structured=False, inputs="json")


def test_links_into_deps_work_too(stand: Stand) -> None:
    found = right_hash(stand)
    env = build(stand, "env", hash=found, link=True)
    assert f"{env}" in stand.path(f"{env}/share/said").read_text()
    (site,) = stand.path(env).glob("lib/python*/site-packages")
    assert (site / "same.txt").is_symlink()
    references = stand.run(["nix-store", "-q", "--references", env]).stdout
    assert "demo-deps-1" in references


@pytest.mark.parametrize("how", [{"strip": False}, {"guard": True}])
def test_without_the_hook_nix_refuses_the_references(stand: Stand, how: dict[str, bool]) -> None:
    found = right_hash(stand, **how)
    with pytest.raises(StandCommandError) as caught:
        build(stand, "deps", hash=found, **how)
    assert "must not reference store paths" in caught.value.done.stderr
    assert "stripReferencesPhase" not in caught.value.done.stderr


def test_the_guard_of_restore(stand: Stand) -> None:
    build(stand, "env", guard=True)


def test_what_cannot_be_stripped_fails_the_build_with_its_file(stand: Stand) -> None:
    with pytest.raises(StandCommandError) as caught:
        build(stand, "deps", hash="sha256-" + "A" * 43 + "=", broken=True, salt="-broken")
    text = caught.value.done.stderr
    assert "broken.so: offset" in text
    assert "store references are left" in text
