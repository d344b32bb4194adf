"""What is in the way of a different version than the locked one, on locks of uv's (tests/data/ranges)."""

from pathlib import Path

import pytest

from uvlock2nix.classify.closure import FromNixpkgs
from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.classify.packages import ClassifiedPackage, ClassifyPolicy, classify
from uvlock2nix.classify.version_bounds import CONSTRAINT, OVERRIDE, Ranges, ranges_of
from uvlock2nix.lock import Selection, load_project, resolve
from uvlock2nix.nixpkgs_index.model import SCHEMA, parse_index
from uvlock2nix.target import Target

DATA = Path(__file__).parents[2] / "data" / "ranges"
LINUX = Target.parse(system="x86_64-linux", python="3.13")
PUBLISHED = {("jinja2", "markupsafe"): ">=2.0", ("werkzeug", "markupsafe"): ">=2.1.1"}


def ranges(name: str, selection: Selection | None = None) -> Ranges:
    project = load_project(DATA / name)
    environment = resolve(project, selection or Selection(), LINUX)
    return ranges_of(project, environment, LINUX, PUBLISHED)


def classified(
    name: str,
    policy: FromNixpkgs = "compatible",
    selection: Selection | None = None,
    target: Target = LINUX,
    **versions: str,
) -> dict[str, ClassifiedPackage]:
    project = load_project(DATA / name)
    environment = resolve(project, selection or Selection(), target)
    index = parse_index({"schema": SCHEMA, "date": "2026-11-01", "sets": {"313": versions}}, "x")
    knowledge = Knowledge(own_index=index, specifiers=PUBLISHED)
    found = classify(project, environment, target, knowledge, ClassifyPolicy(from_nixpkgs=policy))
    return {one.name: one for one in found}


def test_constraints_are_bounds_and_their_markers_count() -> None:
    found = ranges("constraints", Selection(extras=("cli",), groups=("dev",)))
    assert found.bounds["click"] == ((CONSTRAINT, "<8.2"),)
    assert found.bounds["markupsafe"] == ((CONSTRAINT, "<3.1"),)
    assert found.bounds["iniconfig"] == ()
    assert found.asked["iniconfig"] == {"constraints": ">=2"}
    assert found.asked["click"] == {"constraints": ">=8,<9"}
    assert ranges("constraints").asked["click"] == {"constraints": ">=8"}


@pytest.mark.parametrize(("version", "taken"), [("8.1.9", True), ("8.2.0", False)])
def test_a_version_outside_of_a_constraint_is_not_taken(version: str, taken: bool) -> None:
    click = classified("constraints", click=version)["click"]
    assert click.from_nixpkgs is taken
    if taken:
        assert click.reasons == (
            "nixpkgs has 8.1.9, which can replace 8.1.8 (index of 2026-11-01)",
            "without nixpkgs: click-8.1.8-py3-none-any.whl fits the target",
        )
    if not taken:
        assert click.passed_over == ""
        assert click.reasons[-1] == (
            "not from nixpkgs: nixpkgs has click 8.2.0, and constraint-dependencies of [tool.uv] ask for "
            "click<8.2"
        )


def test_a_constraint_holds_also_where_everybody_who_asks_comes_from_nixpkgs() -> None:
    found = classified("constraints", jinja2="3.1.6", markupsafe="3.1.0")
    assert not found["markupsafe"].from_nixpkgs
    assert not found["jinja2"].from_nixpkgs
    assert (
        found["jinja2"]
        .reasons[-1]
        .startswith("not from nixpkgs: it needs markupsafe, which is taken from the lock")
    )
    assert classified("constraints", jinja2="3.1.6", markupsafe="3.0.9")["jinja2"].from_nixpkgs


def test_overrides_replace_what_dependents_ask() -> None:
    found = ranges("overrides")
    assert found.asked["click"] == {"overrides": ">=7"}
    assert found.bounds["click"] == ((OVERRIDE, ">=7"),)
    # A dependency of one package: only the requirement of that package is replaced.
    assert found.asked["markupsafe"] == {"jinja2": ">=2.0", "werkzeug": "==2.1.5"}
    assert found.bounds["markupsafe"] == ()


def test_an_override_is_what_counts_in_the_decision() -> None:
    # pyproject.toml says click<8.2; uv took 8.5.1, as the override says.
    assert classified("overrides", click="8.9.0")["click"].from_nixpkgs
    markupsafe = classified("overrides", markupsafe="2.1.6")["markupsafe"]
    assert markupsafe.reasons[-1].endswith(
        "nixpkgs has markupsafe 2.1.6, and werkzeug needs markupsafe==2.1.5"
    )


def test_members_requirements_count_by_marker_and_extra() -> None:
    found = ranges("workspace")
    # Not six<1.17, which is for a different system; not click<9, which is for a different extra.
    assert found.asked["six"] == {"ws": "", "m": "<2"}
    assert found.asked["click"] == {"m": "<8.2"}
    assert classified("workspace", six="1.18.0")["six"].from_nixpkgs
    assert not classified("workspace", click="8.2.0")["click"].from_nixpkgs
    assert found.asked["ws"] == {}


def test_a_scripts_own_requirements_count() -> None:
    found = ranges("script/s.py")
    assert found.asked["click"] == {"the selection": "<8.2"}
    click = classified("script/s.py", click="8.2.0")["click"]
    assert click.reasons[-1].endswith("nixpkgs has click 8.2.0, and the selection needs click<8.2")
    assert classified("script/s.py", click="8.1.9")["click"].from_nixpkgs
    assert "markupsafe<3.1" in classified("script/s.py", markupsafe="3.1")["markupsafe"].reasons[-1]


@pytest.mark.parametrize(
    ("policy", "version", "words"),
    [
        ("none", "8.1.8", "nixpkgs has this version; the level `none` takes nothing"),
        ("native", "8.1.8", "this version; the level `native` takes only what would be compiled with native"),
        ("native", "8.1.9", "click 8.1.9, newer than the lock's 8.1.8: only the level `compatible` accepts"),
        ("same", "8.1.9", "click 8.1.9, newer than the lock's 8.1.8: only the level `compatible` accepts"),
        ("same", "8.2", "constraint-dependencies of [tool.uv] ask for click<8.2"),
        ("native", "8.1.0", "nixpkgs has click 8.1.0, the lock 8.1.8"),
        ("compatible", "8.1.0", "nixpkgs has click 8.1.0, the lock 8.1.8"),
        ("compatible", "9.0", "nixpkgs has click 9.0, the lock 8.1.8"),
    ],
)
def test_what_nixpkgs_has_is_said_of_every_package(policy: FromNixpkgs, version: str, words: str) -> None:
    found = classified("constraints", policy, click=version)
    assert words in found["click"].passed_over
    assert found["click"].passed_over.endswith("(index of 2026-11-01)")
    assert found["jinja2"].passed_over == "not from nixpkgs: nixpkgs has no jinja2 (index of 2026-11-01)"
    assert not found["click"].from_nixpkgs


def test_a_set_of_another_python_is_named() -> None:
    newer = Target.parse(system="x86_64-linux", python="3.14")
    found = classified("constraints", target=newer, click="8.1.8")["click"]
    assert found.from_nixpkgs
    assert "its set for Python 3.13" in found.reasons[0]
