"""What a generated python-deps.nix was made for: read back by structure, without Nix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from uvlock2nix.nixfile.lexer import Kind, Token, tokens
from uvlock2nix.regex import regex

_SYSTEM: Final = regex(r"[a-z0-9_]+-[a-z0-9_]+\Z")
_PYTHON: Final = regex(r"python3(?P<minor>\d+)(?P<free>FreeThreading)?\Z")


@dataclass(frozen=True, slots=True)
class Recorded:
    """``keys`` is system → key in the file's order; ``flags`` the selection as uv's flags; ``python`` the
    minor version (``3.13``, ``3.13t``); ``libc`` and ``macos`` are ``""`` if no system has them; ``excluded``
    are the packages taken from nixpkgs (mode `sync`).
    """

    keys: Mapping[str, str]
    flags: tuple[str, ...]
    python: str
    libc: str
    macos: str
    excluded: tuple[str, ...]


def read_generated(text: str, where: str) -> Recorded:
    """Read ``text``; missing values are empty. InputError if it is not Nix."""
    stream = list(tokens(text, where))
    names = {token.text for token in stream if token.kind is Kind.IDENT}
    python = next((match for name in sorted(names) if (match := _PYTHON.match(name))), None)
    minor = f"3.{python['minor']}{'t' if python['free'] else ''}" if python else ""
    by_files = "importUvLock" in names
    flags = _strings(stream, "selection" if by_files else "uvSyncFlags")
    libc = _strings(stream, "libc" if by_files else "uvSyncLibc")
    macos = _strings(stream, "macos" if by_files else "uvSyncMacos")
    return Recorded(
        keys=_keys(stream),
        flags=flags,
        python=minor,
        libc=libc[0] if libc else "",
        macos=macos[0] if macos else "",
        excluded=_strings(stream, "uvSyncExclude"),
    )


def _after(stream: Sequence[Token], name: str) -> Sequence[Token]:
    """The tokens after ``name =``, up to the first ``;`` or ``}``."""
    for index, token in enumerate(stream[:-1]):
        if token.kind is Kind.IDENT and token.text == name and stream[index + 1].text == "=":
            end = index + 2
            while end < len(stream) and stream[end].text != ";":
                end += 1
            return stream[index + 2 : end]
    return ()


def _strings(stream: Sequence[Token], name: str) -> tuple[str, ...]:
    return tuple(token.text[1:-1] for token in _after(stream, name) if token.kind is Kind.STRING)


def _keys(stream: Sequence[Token]) -> Mapping[str, str]:
    """The bindings of ``keys = { system = "…"; … }``."""
    start = _after(stream, "keys")
    if not start:
        return {}
    index = stream.index(start[0]) + 1
    found: dict[str, str] = {}
    while index + 3 < len(stream) and stream[index].text != "}":
        name, equals, value = stream[index : index + 3]
        system = name.text.strip('"')
        if equals.text == "=" and value.kind is Kind.STRING and _SYSTEM.match(system):
            found[system] = value.text[1:-1]
        index += 4
    return found
