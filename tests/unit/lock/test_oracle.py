"""Our environments against uv's recorded answers, for the real locks that the project carries."""

from __future__ import annotations

import json

import pytest

from tests.support.locks import LOCKS, load_script

SCRIPT = load_script("compare_oracle")
compare_project, target_of = SCRIPT.compare_project, SCRIPT.target_of
ORACLE = json.loads((LOCKS / "oracle.json").read_text())
TARGETS = {name: target_of(environment) for name, environment in ORACLE["envs"].items()}


@pytest.mark.parametrize("name", sorted(ORACLE["projects"]))
def test_every_answer_is_uv_s(name: str) -> None:
    results = list(compare_project(LOCKS, name, ORACLE["projects"][name], TARGETS))
    assert results
    assert [result for result in results if result is not None] == []


def test_refusals_are_among_them() -> None:
    variants = [
        variant for project in ORACLE["projects"].values() for variant in project["variants"].values()
    ]
    assert any(variant["error"] for variant in variants)
    assert sum(len(variant["envs"]) for variant in variants) > 900


@pytest.mark.parametrize("change", ["missing", "extra", "version"])
def test_a_difference_is_seen(change: str) -> None:
    """The comparison fails when it must."""
    recorded = json.loads(json.dumps(ORACLE["projects"]["mitmproxy__mitmproxy"]))
    recorded["variants"] = {"runtime": recorded["variants"]["runtime"]}
    used = recorded["sets"][next(iter(recorded["variants"]["runtime"]["envs"].values()))]
    if change == "missing":
        recorded["packages"].append(["nowhere", "1.0", "registry", "https://index.example"])
        used.append(len(recorded["packages"]) - 1)
    elif change == "extra":
        used.pop()
    else:
        recorded["packages"][used[0]][1] = "0.0.1"
    results = list(compare_project(LOCKS, "mitmproxy__mitmproxy", recorded, TARGETS))
    assert any(result is not None for result in results)


def test_a_refusal_that_is_missing_is_seen() -> None:
    recorded = json.loads(json.dumps(ORACLE["projects"]["mitmproxy__mitmproxy"]))
    variant = {**recorded["variants"]["runtime"], "error": "Extras `a` and `b` are incompatible"}
    recorded["variants"] = {"runtime": variant}
    (result,) = compare_project(LOCKS, "mitmproxy__mitmproxy", recorded, TARGETS)
    assert result is not None
    assert result.text == "not refused"
