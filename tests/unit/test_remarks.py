"""The notes of generate are short: one line for many packages of one kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.support.command import project_at, uvlock2nix
from tests.support.emit import plan_of
from tests.support.stand import REPO
from uvlock2nix.app.remarks import age, listed, on_doubts, on_opened, on_typelibs
from uvlock2nix.cli.reporter import TerminalReporter
from uvlock2nix.knowledge.native import BuildInputs, NativeInputs, Origin, RunInputs


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (list("abcdefghij"), "a, b, c, d, e, f, g, h and 2 more"),
    ],
)
def test_names_in_a_sentence(names: list[str], text: str) -> None:
    assert listed(names) == text


def test_many_packages_of_one_kind_are_one_line(tmp_path: Path) -> None:
    plan = plan_of(project_at(tmp_path), python="3.13.2")
    first, *rest = plan.systems[0].classes
    needs = NativeInputs(build=BuildInputs(build_inputs=("zlib",)))
    many = [first._replace(known="inspected", native=needs)]
    many += [
        first._replace(
            known="unknown",
            package=first.package._replace(package=replace(first.package.package, name=f"x{number}")),
        )
        for number in range(12)
    ]
    notes = on_doubts(plan._replace(systems=(plan.systems[0]._replace(classes=(*many, *rest)),)))
    assert len(notes) == 2
    assert f"{first.name} (zlib)" in notes[0]
    assert "x0, x1, x2, x3, x4, x5, x6, x7 and 4 more" in notes[1]
    assert "[tool.uvlock2nix.native.x0]" in notes[1]


@pytest.mark.parametrize(
    ("pyproject", "why"),
    [
        ('[tool.poetry]\nname = "a"\n[tool.poetry.dependencies]\nidna = "*"\n', "has no [project] table"),
        ("[dependency-groups]\ndev = []\n", "has no [project] table"),
        (
            '[project]\nname = "a"\nversion = "1"\nrequires-python = ">=3.13"\n',
            "the selection has no packages",
        ),
    ],
)
def test_an_empty_environment_is_reported(tmp_path: Path, pyproject: str, why: str) -> None:
    (tmp_path / "pyproject.toml").write_text(pyproject)
    own = '\n[[package]]\nname = "a"\nversion = "1"\nsource = { virtual = "." }\n'
    lock = 'version = 1\nrequires-python = ">=3.13"\n'
    (tmp_path / "uv.lock").write_text(lock + (own if "[project]" in pyproject else ""))
    done = uvlock2nix("generate", str(tmp_path))
    assert done.error is None
    assert "note: the environment is empty: " in done.stderr
    assert why in done.stderr


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-11-27", "0 days ago"),
        ("2026-11-26", "1 day ago"),
        ("2026-09-29", "59 days ago"),
        ("2025-09-27", "14 months ago"),
        # A clock that is wrong is no reason to say nonsense.
        ("2027-01-01", "0 days ago"),
    ],
)
def test_an_age_is_said_as_people_say_it(day: str, said: str) -> None:
    assert age(day, date(2026, 11, 27)) == said


def test_what_several_environments_say_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    with TerminalReporter() as reporter:
        for text in ("a", "b", "a"):
            reporter.note(text)
    assert capsys.readouterr().err == "note: a\nnote: b\n"


def test_what_is_added_for_gobject_keeps_what_the_code_asks_for() -> None:
    """The user's entry replaces ours, so the example names both."""
    plan = plan_of(REPO / "fixtures" / "hello")
    assert on_typelibs(plan) == ()
    own = plan.members[0].name
    plan = plan._replace(dlopen=((own, ("gst_all_1.gstreamer",)), ("pygobject", ("glib",))))
    (note,) = on_typelibs(plan)
    assert "the typelibs of gst_all_1.gstreamer and glib;" in note
    assert f'dlopen = ["gst_all_1.gstreamer", "gtk4"] under [tool.uvlock2nix.native.{own}]' in note
    (note,) = on_typelibs(plan._replace(members=()))
    assert 'dlopen = ["glib", "gtk4"] under [tool.uvlock2nix.native.pygobject]' in note


def test_what_the_code_opens_is_reported_unless_its_owner_says_it() -> None:
    plan = plan_of(REPO / "fixtures" / "hello")
    assert on_opened(plan) == ()
    name = plan.members[0].name
    for given, count in ((frozenset[str](), 1), (frozenset({"dlopen"}), 0)):
        native = NativeInputs(run=RunInputs(dlopen=("file",)), origin=Origin(given=given), kind="dlopen")
        (system,) = plan.systems
        classes = tuple(one._replace(native=native) if one.name == name else one for one in system.classes)
        notes = on_opened(plan._replace(systems=(system._replace(classes=classes),)))
        assert len(notes) == count
        assert all(f"opens by name: {name} (file); dlopen under" in note for note in notes)
