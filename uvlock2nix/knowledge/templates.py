"""Text with placeholders for store paths: values of environment variables in tables and settings.

Templates are never Nix text: only ``nixlang`` writes Nix, and a name from a lock, a table or an sdist must
not be able to become code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias
from typing import Literal as OneOf

from uvlock2nix.regex import regex

OutputName: TypeAlias = OneOf["out", "dev", "lib", "bin"]

OUTPUTS: Final[tuple[OutputName, ...]] = ("out", "dev", "lib", "bin")

_ATTR: Final = regex(r"[A-Za-z_][A-Za-z0-9_'-]*(\.[A-Za-z0-9_][A-Za-z0-9_'-]*)*\Z")
_ENV: Final = regex(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_HOLE: Final = regex(r"\$(\$?)\{([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Literal:
    """Literal text."""

    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """The store path of an output of a nixpkgs attribute."""

    attr: str
    output: OutputName = "out"


Template: TypeAlias = tuple[Literal | Output, ...]


def is_attribute(text: str) -> bool:
    """Whether ``text`` is a nixpkgs attribute path that can be written without quotes."""
    return _ATTR.match(text) is not None


def is_variable(text: str) -> bool:
    """Whether ``text`` can be the name of an environment variable."""
    return _ENV.match(text) is not None


def parse_template(text: str) -> Template:
    """Read ``${attr}``, ``${attr.dev}`` (an output) and ``$${`` (a literal ``${``) in ``text``.

    >>> parse_template("${hdf5.dev}/include")
    (Output(attr='hdf5', output='dev'), Literal(text='/include'))

    Raises:
        ValueError: a placeholder is not an attribute path.
    """
    parts: list[Literal | Output] = []
    position = 0
    for hole in _HOLE.finditer(text):
        _literal(parts, text[position : hole.start()])
        position = hole.end()
        if hole[1]:
            _literal(parts, "${" + hole[2] + "}")
        else:
            parts.append(_output(hole[2]))
    _literal(parts, text[position:])
    if "\0" in text or "\n" in text:
        raise ValueError("a value must be one line")
    return tuple(parts)


def template_text(template: Template) -> str:
    """The inverse of :func:`parse_template`, for people and JSON."""
    return "".join(
        part.text.replace("${", "$${")
        if isinstance(part, Literal)
        else "${" + part.attr + ("" if part.output == "out" else f".{part.output}") + "}"
        for part in template
    )


def _literal(parts: list[Literal | Output], text: str) -> None:
    if text and parts and isinstance(parts[-1], Literal):
        parts[-1] = Literal(parts[-1].text + text)
    elif text:
        parts.append(Literal(text))


def _output(path: str) -> Output:
    attr, _, last = path.rpartition(".")
    for output in OUTPUTS:
        if attr and last == output:
            path = attr
            break
    else:
        output = "out"
    if not is_attribute(path):
        raise ValueError(f"`${{{path}}}` does not name a nixpkgs attribute")
    return Output(path, output)
