"""Clues in Meson: the dependencies of the files that are actually read, with default options."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from uvlock2nix.inspect.clues.text import Clue, Lines, make_clue, without_comments
from uvlock2nix.knowledge.libraries import Namespace, library_attribute, provided_by_build
from uvlock2nix.regex import regex

_CALL: Final = regex(
    r"\b(dependency|find_library|find_program|subdir)\s*\(\s*(?:'([^'\n]{1,100})'|\w*?(blas|lapack)\w*(?=\s*[,)]))"
)
_BRANCH: Final = regex(r"^[ \t]*(if|elif|else|endif)\b([^\n]*)", re.MULTILINE)
_OPTION: Final = regex(r"\boption\(\s*'([\w-]{1,60})'([^)]{0,600})\)")
_VALUE: Final = regex(r"\bvalue\s*:\s*(?:'([\w-]{0,40})'|(\w{1,20}))")
_TYPE: Final = regex(r"\btype\s*:\s*'(\w{1,20})'")
_REQUIRED: Final = regex(r"\brequired\s*:\s*(\w[^,)\n]{0,80}\)?)")
_GET: Final = regex(r"get_option\('([\w-]{1,60})'\)")
_DEFINE: Final = regex(r"-D([\w-]{1,60})=([\w-]{1,40})")
_ASSIGNED: Final = regex(r"^[ \t]*(\w{1,60})[ \t]*=[ \t]*([^\n=][^\n]{0,200})$", re.MULTILINE)
_MAX_DEPTH: Final = 10
_MAX_CALLS: Final = 5_000
_MAX_STEPS: Final = 100_000


def meson_clues(texts: Mapping[str, str], start: str, given: str) -> list[Clue]:
    """Clues of the files reached from ``start``; ``given`` is text with ``-Dname=value`` of the backend."""
    options: dict[str, str] = {}
    folder = posixpath.dirname(start)
    for base in ("meson.options", "meson_options.txt"):
        options |= _options(texts.get(posixpath.join(folder, base), ""))
    options |= dict(_DEFINE.findall(given))
    walk = _Walk(texts, options)
    walk.file(start, 0, perhaps=False)
    return walk.found


@dataclass(slots=True)
class _Walk:
    texts: Mapping[str, str]
    options: Mapping[str, str]
    found: list[Clue] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    left: int = _MAX_CALLS
    steps: int = _MAX_STEPS

    def file(self, name: str, depth: int, *, perhaps: bool) -> None:
        """Read a file and those it includes with ``subdir``."""
        text = self.texts.get(name)
        if text is None or name in self.seen or depth > _MAX_DEPTH:
            return
        self.seen.add(name)
        text = without_comments(text)
        lines = Lines(text)
        values = _values(text)
        state: list[bool | None] = []
        taken: list[bool | None] = []
        events = sorted([*_CALL.finditer(text), *_BRANCH.finditer(text)], key=lambda match: match.start())
        for event in events:
            self.left -= 1
            if self.left < 0:
                return
            if event[1] in ("if", "elif", "else", "endif"):
                self.branch(event[1], event[2], state, taken, values)
            elif False in state:
                continue
            elif event[1] == "subdir" and event[2]:
                inner = posixpath.normpath(posixpath.join(posixpath.dirname(name), event[2], "meson.build"))
                self.file(inner, depth + 1, perhaps=perhaps or None in state)
            else:
                rest = text[event.end() : event.end() + 400].partition(")\n")[0]
                self.found.extend(
                    self.clue(event, rest, name, lines.at(event.start()), perhaps or None in state, values)
                )

    def clue(
        self, event: re.Match[str], rest: str, file: str, line: int, perhaps: bool, values: Mapping[str, str]
    ) -> Iterator[Clue]:
        """The clue of a call, unless the dependency is switched off or provided."""
        kind: Namespace = {"dependency": "pkg-config", "find_library": "linker"}.get(event[1], "programs")  # type: ignore[assignment]
        name = event[2] or event[3]
        known = library_attribute(kind, name)
        if name.lower() in provided_by_build("meson") or (kind == "programs" and known is None):
            return
        required = _REQUIRED.search(rest)
        wanted = True if required is None else self.truth(required[1], values)
        if wanted is False and required is not None and "get_option" in required[1]:
            return
        namespace: Namespace = "cmake" if known is None and library_attribute("cmake", name) else kind
        yield make_clue(namespace, name, file, line, optional=perhaps or wanted is not True)

    def branch(
        self,
        word: str,
        condition: str,
        state: list[bool | None],
        taken: list[bool | None],
        values: Mapping[str, str],
    ) -> None:
        """Update the state of the enclosing conditions at an ``if``, ``elif``, ``else`` or ``endif``."""
        if word == "if":
            state.append(False if False in state else self.truth(condition, values))
            taken.append(state[-1])
        elif state and word == "endif":
            state.pop()
            taken.pop()
        elif state:
            before = taken[-1]
            value = True if word == "else" else self.truth(condition, values)
            dead = False in state[:-1] or before is True
            state[-1] = False if dead else value if before is False or value is False else None
            if before is not True:
                taken[-1] = value if before is False else None

    def truth(self, condition: str, values: Mapping[str, str], depth: int = 0) -> bool | None:
        """Whether a condition holds; None if unknown."""
        self.steps -= 1
        if self.steps < 0:
            return None
        condition = condition.strip()
        for operator, absorbing in ((" or ", True), (" and ", False)):
            parts = condition.split(operator)
            if 1 < len(parts) < 20:
                found = [self.truth(part, values, depth) for part in parts]
                return absorbing if absorbing in found else None if None in found else not absorbing
        if condition.startswith("not "):
            inner = self.truth(condition[4:], values, depth)
            return None if inner is None else not inner
        system = re.search(r"(?:system\(\)|host_system|\bos\w*)\s*(==|!=|in|not in)\s*(.{1,80})", condition)
        if system is not None and "'" in system[2]:
            return ("'linux'" in system[2]) is (system[1] in ("==", "in"))
        if condition in ("true", "false"):
            return condition == "true"
        option = _GET.search(condition)
        if option is not None:
            return self.option(option[1], condition[option.end() :])
        if depth < 5 and re.match(r"\w+\Z", condition) and condition in values:
            return self.truth(values[condition], values, depth + 1)
        return None

    def option(self, name: str, rest: str) -> bool | None:
        """The truth of an option followed by ``rest``; None if unknown."""
        value = self.options.get(name)
        if value is None:
            return None
        compared = re.match(r"\s*(==|!=)\s*'([^']{0,40})'", rest)
        if compared is not None:
            return (value == compared[2]) is (compared[1] == "==")
        if rest.startswith(".disabled()"):
            return value == "disabled"
        if rest.startswith(".auto()"):
            return value == "auto"
        return {"true": True, "enabled": True, "false": False, "disabled": False}.get(value)


def _values(text: str) -> dict[str, str]:
    """The values of names that are assigned once (or always the same)."""
    found: dict[str, str] = {}
    several: set[str] = set()
    for name, value in _ASSIGNED.findall(text):
        if found.setdefault(name, value) != value:
            several.add(name)
    return {name: value for name, value in found.items() if name not in several}


def _options(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _OPTION.finditer(text):
        value, type_ = _VALUE.search(match[2]), _TYPE.search(match[2])
        kind = type_[1] if type_ is not None else ""
        default = {"boolean": "true", "feature": "auto"}.get(kind)
        chosen = (value[1] if value[1] is not None else value[2]) if value is not None else default
        if chosen is not None:
            found[match[1]] = chosen
    return found
