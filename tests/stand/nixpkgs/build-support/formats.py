"""Write settings that are JSON in a format: formats.py FORMAT FILE."""

import json
import sys
from pathlib import Path


def toml(table: dict[str, object], path: tuple[str, ...] = ()) -> str:
    """A table and those below it; JSON's strings are TOML's."""
    plain = {key: one for key, one in table.items() if not isinstance(one, dict)}
    text = "".join(f"{json.dumps(key)} = {json.dumps(one)}\n" for key, one in plain.items())
    for key, one in table.items():
        if isinstance(one, dict):
            inner = (*path, json.dumps(key))
            text += f"\n[{'.'.join(inner)}]\n{toml(one, inner)}"
    return text


def ini(table: dict[str, dict[str, object]]) -> str:
    """Sections of keys; nixpkgs writes true and false, and leaves null out."""
    lines = []
    for section, keys in table.items():
        lines.append(f"[{section}]")
        for key, one in keys.items():
            text = str(one).lower() if isinstance(one, bool) else one
            lines += [] if one is None else [f"{key}={text}"]
    return "\n".join([*lines, ""])


def main() -> None:
    """JSON is YAML, too."""
    form, path = sys.argv[1:]
    value = json.loads(Path(path).read_text())
    match form:
        case "toml":
            print(toml(value), end="")
        case "ini":
            print(ini(value), end="")
        case _:
            print(json.dumps(value, indent=2))


if __name__ == "__main__":
    main()
