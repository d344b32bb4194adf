"""The reference page of JSON: what the commands print, the pins and the manifest, from their schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from scripts.site.markdown import cell

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "schema"
HEAD: Final = """\
# JSON

Every object names its schema under `"schema"`. A schema does not change once it is published: members may be added, a
change of a member's meaning gets a new number.
"""


def rows(
    schema: Mapping[str, Any], root: Mapping[str, Any], before: str = ""
) -> Iterator[tuple[str, str, str]]:
    """(member, type, description) of an object and of the objects in it, as paths."""
    schema = resolved(schema, root)
    for one in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from rows(one, root, before)
    for name, value in schema.get("properties", {}).items():
        inner = resolved(value, root)
        path = f"{before}{name}"
        yield path, kind(inner, root), str(value.get("description") or inner.get("description", ""))
        for sign, below in (
            ("", inner),
            ("[]", inner.get("items")),
            (".*", inner.get("additionalProperties")),
        ):
            if isinstance(below, dict) and path.count(".") + path.count("[") < 4:
                yield from rows(below, root, f"{path}{sign}.")


def resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a ``$ref`` within the same file refers to."""
    while "$ref" in schema:
        where: Any = root
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            where = where[part]
        schema = where
    return schema


def kind(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    """The type of a member in a few words."""
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " or ".join(json.dumps(value) for value in schema["enum"])
    if "items" in schema:
        return f"list of {kind(resolved(schema['items'], root), root)}"
    held = schema.get("type", "")
    if not held:
        alternatives = schema.get("anyOf") or schema.get("oneOf") or ()
        return " or ".join(kind(resolved(one, root), root) for one in alternatives) or "object"
    return " or ".join(held) if isinstance(held, list) else str(held)


def page() -> str:
    """A section for each schema that programs read."""
    parts = [HEAD]
    for path in sorted(FOLDER.glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        parts.append(f"\n## {path.stem}\n\n{schema.get('title', '')}. [The schema](../schema/{path.name}).\n")
        if schema.get("description"):
            parts.append(f"{schema['description']}\n")
        parts.append("| member | type | meaning |\n| --- | --- | --- |")
        parts += [
            f"| `{name}` | {cell(type_)} | {cell(text)} |"
            for name, type_, text in dict.fromkeys(rows(schema, schema))
        ]
    return "\n".join(parts) + "\n"
