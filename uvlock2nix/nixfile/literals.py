"""Find the literal hash in a Nix file that a derivation's ``outputHash`` comes from.

It is found by structure: a binding (``name = "…";``) or a default of an argument (``name ? "…"``) whose value
is a string literal equal to the derivation's current hash. A placeholder counts too: an empty string, or
``lib.fakeHash`` and the like, under a name for a hash.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from uvlock2nix.errors import InputError
from uvlock2nix.nar import DIGEST_SIZES, Hash, parse_hash
from uvlock2nix.nixfile.lexer import Kind, Token, tokens
from uvlock2nix.regex import regex

Form = Literal["sri", "nix32", "hex", "base64"]
_NAME: Final = regex(r"(?:hash|sha(?:1|256|512)|md5)\Z", re.IGNORECASE)
_FAKE: Final = regex(r"(?:\w+\.)*(?:fakeHash|fakeSha256|fakeSha512)\Z")
_OPEN: Final = {"{": "}", "${": "}", "(": ")", "[": "]"}


@dataclass(frozen=True, slots=True)
class HashLiteral:
    """The place of a hash in a file, or of a placeholder for one.

    ``name`` is the last part of the attribute's path; ``start`` and ``end`` bound what is replaced: the
    inside of the quotes, or the whole expression of a placeholder without quotes (``quoted`` false).
    """

    name: str
    text: str
    line: int
    start: int
    end: int
    quoted: bool = True

    @property
    def placeholder(self) -> bool:
        """Whether it is a placeholder for an unknown hash (``lib.fakeHash``, an empty string)."""
        return not self.quoted or self.text == ""


def find_literals(text: str, where: str = "the file") -> tuple[HashLiteral, ...]:
    """Every binding or default in ``text`` whose value could be a hash, in order. Raises InputError."""
    stream = list(tokens(text, where))
    closing = _closing(stream, text, where)
    found: list[HashLiteral] = []
    for index, token in enumerate(stream):
        if token.kind is not Kind.SYMBOL or token.text not in ("=", "?"):
            continue
        name = stream[index - 1] if index else None
        if name is None or name.kind not in (Kind.IDENT, Kind.STRING):
            continue
        ends = (";",) if token.text == "=" else (",", "}")
        value = _value(stream, index + 1, closing, ends)
        literal = _literal(name.text.strip('"'), value, text)
        if literal is not None:
            found.append(literal)
    return tuple(found)


def _closing(stream: Sequence[Token], text: str, where: str) -> dict[int, int]:
    """Index of each opening bracket → index of its closing bracket."""
    pairs: dict[int, int] = {}
    stack: list[int] = []
    for index, token in enumerate(stream):
        if token.kind is not Kind.SYMBOL:
            continue
        if token.text in _OPEN:
            stack.append(index)
        elif token.text in ("}", ")", "]"):
            if not stack or _OPEN[stream[stack[-1]].text] != token.text:
                line = text.count("\n", 0, token.start) + 1
                raise InputError(
                    f"{where}:{line}: a {token.text} is unmatched",
                    hint="check it with `nix-instantiate --parse`",
                )
            pairs[stack.pop()] = index
    return pairs


def _value(
    stream: Sequence[Token], index: int, closing: dict[int, int], ends: tuple[str, ...]
) -> tuple[Token, ...]:
    """The tokens of a value that is short enough for a literal: at most eight."""
    value: list[Token] = []
    while index < len(stream) and len(value) <= 8:
        token = stream[index]
        if token.kind is Kind.SYMBOL and token.text in ends:
            return tuple(value)
        if index in closing:
            return ()
        value.append(token)
        index += 1
    return ()


def _literal(name: str, value: tuple[Token, ...], text: str) -> HashLiteral | None:
    if not value:
        return None
    line = text.count("\n", 0, value[0].start) + 1
    first = value[0]
    if len(value) == 1 and first.kind is Kind.STRING:
        width = 1 if first.text.startswith('"') else 2
        inside = first.text[width:-width]
        if not (_NAME.search(name) if inside == "" else _could_be_hash(inside)):
            return None
        return HashLiteral(name, inside, line, first.start + width, first.end - width)
    source = "".join(token.text for token in value)
    if _FAKE.match(source) and _NAME.search(name):
        return HashLiteral(name, source, line, first.start, value[-1].end, quoted=False)
    return None


def _could_be_hash(text: str) -> bool:
    return any(_read(text, algo) is not None for algo in DIGEST_SIZES)


def _read(text: str, algo: str) -> Hash | None:
    try:
        return parse_hash(text, algo)
    except ValueError:
        return None


def choose(
    literals: Sequence[HashLiteral], current: Hash, where: str, line: int | None = None
) -> HashLiteral:
    """The literal that ``current``, the derivation's evaluated hash, comes from.

    ``line`` is where Nix reports ``outputHash``, if that is in this file: it decides between equal literals.
    InputError, with the places, unless there is exactly one.
    """
    fake = not any(current.digest)
    fitting = [
        one
        for one in literals
        if (fake and one.placeholder) or (not one.placeholder and _read(one.text, current.algo) == current)
    ]
    if len(fitting) > 1 and line is not None:
        there = [one for one in fitting if one.line == line]
        fitting = there or fitting
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        others = ", ".join(f"{one.name} on line {one.line}" for one in literals[:5])
        raise InputError(
            f"{where} has no literal of the derivation's hash {current.sri}"
            + (f" (its hashes: {others})" if others else ""),
            hint='the hash must be in this file as `hash = "sha256-…";`, not computed or read from'
            " another file; --attr selects a different derivation",
        )
    places = ", ".join(f"{one.name} on line {one.line}" for one in fitting)
    raise InputError(
        f"{where} has the hash {current.sri} {len(fitting)} times: {places}",
        hint="correct the others first, or give each place a different placeholder hash",
    )


def replaced(text: str, literal: HashLiteral, digest: Hash) -> str:
    """``text`` with ``digest`` in place of ``literal``, in the same format; nothing else changes."""
    spelt = digest.sri
    if not literal.placeholder:
        match _form(literal.text, digest.algo):
            case "hex":
                spelt = digest.hex
            case "nix32":
                spelt = digest.nix32
            case "base64":
                spelt = digest.sri.partition("-")[2]
            case _:
                pass
        if literal.text.startswith(f"{digest.algo}:"):
            spelt = f"{digest.algo}:{spelt.removeprefix(f'{digest.algo}-')}"
    elif literal.name.lower() in DIGEST_SIZES and literal.name.lower() != digest.algo:
        raise InputError(f"`{literal.name}` cannot have a {digest.algo} hash", hint="write `hash` instead")
    new = spelt if literal.quoted else f'"{spelt}"'
    return text[: literal.start] + new + text[literal.end :]


def _form(text: str, algo: str) -> Form:
    if text.startswith(f"{algo}-"):
        return "sri"
    body = text.partition(":")[2] or text
    size = DIGEST_SIZES[algo]
    if len(body) == size * 2:
        return "hex"
    return "nix32" if len(body) == (size * 8 - 1) // 5 + 1 else "base64"
