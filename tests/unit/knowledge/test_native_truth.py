"""The table of native inputs is what was proven by building (scripts/native_truth.py)."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.locks import load_script
from uvlock2nix.knowledge.native_table import lookup
from uvlock2nix.knowledge.templates import template_text

native_truth = load_script("native_truth")
SUBJECTS = native_truth.SUBJECTS
FILE = Path(__file__).resolve().parents[3] / "scripts" / "native_truth.json"
ROWS: dict[str, dict[str, Any]] = json.loads(FILE.read_text())["results"]
PROVEN = {name: row for name, row in ROWS.items() if row["verdict"] in ("proven", "proven at run")}


@pytest.mark.parametrize("name", ROWS)
def test_what_was_tried_is_what_the_table_says_today(name: str) -> None:
    """A changed entry needs a new run: scripts/native_truth.py --again NAME."""
    found = lookup(name, ROWS[name]["version"])
    assert found is not None
    said = {
        "build_inputs": list(found.build.build_inputs),
        "native_build_inputs": list(found.build.native_build_inputs),
        "env": {variable: template_text(template) for variable, template in found.build.env},
        "cflags": list(found.build.cflags),
        "build_requires": list(found.build.build_requires),
    }
    assert {key: value for key, value in said.items() if value} == ROWS[name]["table"]


def test_at_least_forty_packages_are_proven() -> None:
    assert len(PROVEN) >= 40


@pytest.mark.parametrize("name", PROVEN)
def test_a_proven_package_has_a_reason_for_each_input(name: str) -> None:
    row = PROVEN[name]
    inputs = {*row["table"].get("build_inputs", ()), *row["table"].get("native_build_inputs", ())}
    assert inputs
    assert row["needed"].keys() == inputs
    stages = {reason.partition(":")[0] for reason in row["needed"].values()}
    assert stages <= {"compile", "import", "load"}
    assert ("load" in stages) == (row["verdict"] == "proven at run")


@pytest.mark.parametrize("name", PROVEN)
def test_a_proven_package_links_the_libraries_that_its_row_names(name: str) -> None:
    """Not its own copy: its files name the libraries (NEEDED), or the row says why they need not."""
    subject = next(one for one in SUBJECTS if one.name == name)
    assert native_truth.unlinked_of(subject, ROWS[name]) == []


def test_a_copy_of_its_own_is_noticed() -> None:
    subject = native_truth.Subject("coincurve", "21.0.0", "coincurve")
    row = {"table": {"build_inputs": ["secp256k1"]}, "links": {}}
    assert native_truth.unlinked_of(subject, row) == ["secp256k1"]


@pytest.mark.parametrize("name", ROWS.keys() - PROVEN.keys())
def test_what_is_not_proven_says_why(name: str) -> None:
    assert ROWS[name].get("why")
