"""Every table has a schema and keeps it, and every row of it can be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import jsonschema
import pytest

from uvlock2nix.errors import InputError
from uvlock2nix.knowledge import attributes, baselines, libraries, names, native_table, platforms, rules
from uvlock2nix.knowledge.build_requires import build_requirements, requirements_of
from uvlock2nix.knowledge.libraries import NAMESPACES
from uvlock2nix.knowledge.tables import (
    DATA,
    Row,
    Rows,
    attribute_of,
    attributes_of,
    load_table,
    number_of,
    numbers_of,
    text_of,
    texts_of,
)

SCHEMAS = Path(__file__).resolve().parents[3] / "docs" / "schema" / "tables"
TABLES = sorted(path.stem for path in DATA.glob("*.json"))


def test_every_table_has_a_schema_and_every_schema_a_table() -> None:
    assert sorted(path.stem for path in SCHEMAS.glob("*.json")) == TABLES


@pytest.mark.parametrize("name", TABLES)
def test_a_table_keeps_its_schema(name: str) -> None:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads((DATA / f"{name}.json").read_text()))


@pytest.mark.parametrize("name", TABLES)
def test_a_schema_refuses_a_key_that_nobody_reads(name: str) -> None:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    table = {**json.loads((DATA / f"{name}.json").read_text()), "more": {}}
    with pytest.raises(jsonschema.ValidationError, match="more"):
        jsonschema.Draft202012Validator(schema).validate(table)


def test_every_row_of_every_table_can_be_read() -> None:
    read: list[Mapping[str, object]] = [
        native_table.native_table().entries,
        attributes.judged_attributes(),
        platforms.darwin_rows(),
        names.sonames(),
        names.python_attributes(),
        libraries.companions(),
        libraries.generic_names(),
        rules.implied(),
        baselines.latest_patch(),  # type: ignore[list-item]
        *(libraries.library_names(kind) for kind in NAMESPACES),
    ]
    for rows in read:
        assert len(list(rows.items())) == len(rows) > 0
    for attr in load_table("attr-renames.json")["renames"]:  # type: ignore[attr-defined]
        assert names.former_name(attr)
    for part in ("missing", "relax"):
        for name in load_table("build-requires.json")[part]:  # type: ignore[attr-defined]
            assert any(build_requirements(name))
    assert rules.shared_libraries()
    assert rules.alternatives()
    assert rules.allocators()
    assert rules.programs_only()
    assert libraries.toolchain_names()
    assert libraries.tls_crates()
    assert libraries.vendoring_features()
    assert libraries.provided_by_build("cmake")
    assert libraries.provided_by_build("meson")
    assert names.is_libc("libm.so.6")
    assert not names.is_libc("libmagic.so.1")
    assert names.is_driver("libnvidia-ml.so.1")
    assert not names.is_driver("libcudart.so.12")


@pytest.mark.parametrize(
    ("read", "raw"),
    [
        (attribute_of, "a b"),
        (attribute_of, 7),
        (attributes_of, "zlib"),
        (attributes_of, ["zlib", "${x}"]),
        (text_of, "two\nlines"),
        (text_of, ["text"]),
        (texts_of, "text"),
        (texts_of, [1]),
        (requirements_of, ["not a requirement"]),
        (number_of, "1"),
        (number_of, True),
        (number_of, -1),
    ],
)
def test_rows_of_the_wrong_shape_are_refused_with_their_place(
    read: Callable[[str, object], object], raw: object
) -> None:
    with pytest.raises(InputError, match="table: row") as caught:
        read("table: row", raw)
    assert caught.value.hint


def test_numbers_are_as_many_as_they_must_be() -> None:
    assert numbers_of("x", [1, 2], 2) == (1, 2)
    for raw in ([1], [1, 2, 3], "12", [1, "2"]):
        with pytest.raises(InputError, match="x"):
            numbers_of("x", raw, 2)


def test_a_row_is_checked_when_it_is_looked_up() -> None:
    rows = Rows("t.json", {"good": "zlib", "bad": "a b"}, attribute_of)
    assert rows["good"] == "zlib"
    assert rows.get("absent") is None
    assert "bad" in rows
    with pytest.raises(InputError, match=r"knowledge/data/t\.json: bad: 'a b'"):
        rows["bad"]
    with pytest.raises(InputError, match="not an object"):
        Rows("t.json", ["zlib"], attribute_of)


def test_a_key_of_a_row_that_is_absent_has_its_default() -> None:
    row = Row("x", {})
    assert (row.text("a", "d"), row.texts("b"), row.environment("c")) == ("d", (), ())
    row.done()
