"""A script's inline metadata.

https://packaging.python.org/en/latest/specifications/inline-script-metadata/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uvlock2nix.errors import ProjectError
from uvlock2nix.lock.wire import Problems, parse_toml
from uvlock2nix.reading import open_regular

MAX_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class ScriptMetadata:
    """The ``script`` block: its requirements and its raw ``[tool]`` tables."""

    requires_python: str | None
    dependencies: tuple[str, ...]
    tool: Mapping[str, Any] = field(hash=False)


def read_script(path: Path) -> ScriptMetadata:
    """The metadata of a script. Raises ProjectError if there is none or it is invalid."""
    try:
        with open_regular(path) as file:
            text = file.read(MAX_BYTES).decode()
    except OSError as error:
        raise ProjectError(f"{path}: {error.strerror or error}", hint="is this the right file?") from None
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path}: not UTF-8: byte {error.start}", hint="save it as UTF-8") from None
    content = script_block(text)
    if content is None and script_block(text.removeprefix("\ufeff")) is not None:
        raise ProjectError(
            f"{path}: begins with a byte order mark, so uv does not see its `# /// script` block",
            hint="save it as UTF-8 without a byte order mark, and run `uv lock --script` again",
        )
    if content is None:
        raise ProjectError(f"{path}: has no `# /// script` block", hint="see PEP 723")
    table = parse_toml(content.encode(), f"{path}: script block", error=ProjectError)
    problems = Problems(str(path))
    value = ScriptMetadata(
        requires_python=problems.text(table, "requires-python", "script"),
        dependencies=problems.texts(table, "dependencies", "script"),
        tool=problems.table(table, "tool", "script"),
    )
    problems.raise_if_any(ProjectError, "see PEP 723")
    return value


def script_block(text: str) -> str | None:
    """The TOML of the first ``script`` block, None if there is none."""
    lines: list[str] | None = None
    for line in text.splitlines():
        if lines is None:
            if line.rstrip() == "# /// script":
                lines = []
        elif line.rstrip() == "# ///":
            return "\n".join(lines)
        elif line == "#" or line.startswith("# "):
            lines.append(line[2:])
        else:
            lines = None
    return None
