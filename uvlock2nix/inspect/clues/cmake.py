"""Clues in CMake: what the lists that are actually read look for, on Linux, with default options.

The lists are followed from the first one through ``add_subdirectory`` and ``include``; a branch whose
condition is known to be false is not read, and an undecided condition makes its clues optional.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from uvlock2nix.inspect.clues.cmake_lists import Call, calls, split
from uvlock2nix.inspect.clues.text import Clue, make_clue
from uvlock2nix.knowledge.libraries import library_attribute, provided_by_build
from uvlock2nix.regex import regex

_MAX_COMMANDS: Final = 30_000
_MAX_DEPTH: Final = 12
_MAX_NESTED: Final = 100
_MAX_FOUND: Final = 5_000
_OWN_TARGET: Final = regex(r"\badd_library\s*\(\s*(\w[\w-]{0,60})", re.IGNORECASE)
_TRUE: Final = frozenset({"on", "yes", "true", "y", "1"})
_FALSE: Final = frozenset({"off", "no", "false", "n", "0", "ignore", "notfound", ""})
_KNOWN: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("WIN32", "MSVC", "APPLE", "MINGW", "CYGWIN", "ANDROID", "IOS", "EMSCRIPTEN", "MSYS", "BORLAND",
         "WINCE", "WINDOWS", "WINDOWS_STORE", "XCODE", "MSVC_IDE", "CMAKE_CROSSCOMPILING", "MACOSX", "BSD"),
        "OFF",
    ),
    "UNIX": "ON", "LINUX": "ON", "SKBUILD": "ON", "CMAKE_COMPILER_IS_GNUCXX": "ON",
    "CMAKE_SYSTEM_NAME": "Linux", "CMAKE_HOST_SYSTEM_NAME": "Linux", "CMAKE_SYSTEM_PROCESSOR": "x86_64",
    "CMAKE_CXX_COMPILER_ID": "GNU", "CMAKE_C_COMPILER_ID": "GNU", "SKBUILD_STATE": "wheel",
}  # fmt: skip
_SWITCH: Final = regex(
    r"(?:^|_)(?:USE|WITH|ENABLE|BUILD|FORCE|SYSTEM|INTERNAL|BUNDLED|EXTERNAL|VENDORED|DISABLE|SKIP|NO)(?:_|\Z)"
)
_DEFINE: Final = regex(r"-D([A-Za-z_]\w{1,60})(?::[A-Z]+)?=([\w.-]{1,40})")


def cmake_clues(
    texts: Mapping[str, str], start: str, given: Mapping[str, str], foreign: Sequence[str] = ()
) -> list[Clue]:
    """Clues of the lists reached from ``start``; ``given`` are values that the build backend sets.

    ``foreign`` are directories (with a slash) of other projects, whose lists are not read.
    """
    walk = _Walk(texts, dict(given), tuple(foreign))
    walk.read(start, 0)
    return walk.result()


def given_values(scripts: Sequence[str], table: Mapping[str, object]) -> dict[str, str]:
    """The values passed to CMake: ``-DNAME=VALUE`` in build scripts, ``cmake.args`` and ``cmake.define``."""
    args = table.get("args")
    texts = [*scripts, *(str(arg) for arg in (args if isinstance(args, list) else ()))]
    found = {key: value for text in texts for key, value in _DEFINE.findall(text)}
    defines = table.get("define")
    if isinstance(defines, dict):
        switch = {True: "ON", False: "OFF"}
        for key, value in defines.items():
            found[str(key)] = switch[value] if isinstance(value, bool) else str(value)[:60]
    return found


@dataclass(slots=True)
class _Walk:
    texts: Mapping[str, str]
    values: dict[str, str]
    foreign: tuple[str, ...]
    left: int = _MAX_COMMANDS
    seen: set[str] = field(default_factory=set)
    found: list[tuple[Clue, str]] = field(default_factory=list)
    unsure: set[str] = field(default_factory=set)
    linked: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    fetched: list[Clue] = field(default_factory=list)
    bases: dict[str, list[str]] = field(default_factory=dict)
    modules: dict[str, Clue | None] = field(default_factory=dict)

    def result(self) -> list[Clue]:
        """A package that is always linked is not optional; fetched copies are reported as well."""
        sure = [
            replace(clue, optional=False) if clue.optional and key and key in self.linked else clue
            for clue, key in self.found
        ]
        return [*sure, *(clue for clue in self.fetched if clue.attr is not None)]

    # --- files ------------------------------------------------------------------------------------------

    def read(self, name: str, depth: int, perhaps: bool = False) -> None:
        """Follow one file."""
        text = self.texts.get(name)
        if (
            text is None
            or name in self.seen
            or depth > _MAX_DEPTH
            or name.startswith(self.foreign or ("\0",))
        ):
            return
        self.seen.add(name)
        self.own.update(_OWN_TARGET.findall(text))
        branches: list[bool | None] = []
        taken: list[bool | None] = []
        inside = 0
        for call in calls(text):
            self.left -= 1
            if self.left < 0 or len(branches) > _MAX_NESTED or len(self.found) > _MAX_FOUND:
                return
            command = call.name
            if command == "if":
                branches.append(False if False in branches else self.truth(call.words))
                taken.append(branches[-1])
            elif command in ("elseif", "else") and branches:
                branches[-1] = self.other(call, taken, dead=False in branches[:-1])
            elif command == "endif" and branches:
                branches.pop()
                taken.pop()
            elif False in branches:
                continue
            elif command in ("function", "macro"):
                inside += 1
            elif command in ("endfunction", "endmacro"):
                inside -= 1
            elif command == "return" and not inside and None not in branches:
                return
            else:
                self.command(name, call, depth, perhaps or None in branches)

    def other(self, call: Call, taken: list[bool | None], *, dead: bool) -> bool | None:
        """The truth of an ``elseif`` or ``else`` branch; updates ``taken``."""
        before = taken[-1]
        value = True if call.name == "else" else self.truth(call.words)
        if dead or before is True:
            return False
        result = value if before is False or value is False else None
        taken[-1] = True if value is True and before is False else None if None in (before, value) else before
        return result

    def follow(self, folder: str, call: Call, depth: int, perhaps: bool) -> None:
        """Follow an ``add_subdirectory`` or ``include``."""
        target = self.path(folder, call.words[0])
        if call.name == "add_subdirectory":
            if target is not None and not _is_library(self.texts.get(f"{target}/CMakeLists.txt", "")):
                self.read(f"{target}/CMakeLists.txt".lstrip("/"), depth + 1, perhaps)
            return
        wanted = call.words[0].rpartition("/")[2].removesuffix(".cmake") + ".cmake"
        for name in (*([target] if target is not None else ()), *self.by_base().get(wanted, ())):
            self.read(name, depth + 1, perhaps)

    def path(self, folder: str, word: str) -> str | None:
        """The path of ``word`` in the source; None if it is unknown or leads out."""
        word = re.sub(r"^\$\{(?:CMAKE_CURRENT_SOURCE_DIR|CMAKE_CURRENT_LIST_DIR)\}/?", "", word)
        top = re.sub(r"^\$\{(?:CMAKE_SOURCE_DIR|PROJECT_SOURCE_DIR|\w+_SOURCE_DIR)\}/?", "", word)
        if "$" in top:
            return None
        path = posixpath.normpath(posixpath.join("" if top != word else folder, top))
        return None if path.startswith("..") else path.lstrip("./") if path.startswith("./") else path

    # --- commands ---------------------------------------------------------------------------------------

    def command(self, file: str, call: Call, depth: int, perhaps: bool) -> None:
        """Handle one command of a list."""
        folder = file.rpartition("/")[0]
        match call:
            case Call(name="option" | "cmake_dependent_option", words=[variable, *rest]):
                self.set(variable, rest[1] if len(rest) > 1 else "OFF", perhaps, default=True)
            case Call(name="set", words=[variable, value, *rest]):
                if not rest or rest[0] in ("CACHE", "PARENT_SCOPE"):
                    self.set(variable, value, perhaps, default="CACHE" in rest)
                else:
                    self.unsure.add(variable)
            case Call(name="add_subdirectory" | "include", words=[_, *_]):
                self.follow(folder, call, depth, perhaps)
            case Call(name="find_package" | "find_dependency", words=[package, *rest]):
                self.package(
                    file, call, package, "REQUIRED" not in rest and call.name == "find_package", perhaps
                )
            case Call(name="pkg_check_modules" | "pkg_search_module", words=[prefix, *rest]):
                for clue in _modules(file, call.line, rest, perhaps):
                    self.found.append((clue, "" if perhaps else prefix.lower()))
            case Call(name="find_library", words=[variable, *rest]):
                for clue in _libraries(file, call.line, rest, "REQUIRED" not in rest or perhaps):
                    self.found.append((clue, "" if perhaps else variable.lower()))
            case Call(
                name="fetchcontent_declare" | "externalproject_add" | "cpmaddpackage", words=[name, *rest]
            ):
                name = rest[0] if name == "NAME" and rest else name
                attr = _any_attribute(name) or _any_attribute(name.lower())
                self.fetched.append(Clue("cmake", name, attr, file, call.line, optional=True, fetched=True))
            case Call(name="target_link_libraries", words=[_, *rest]) if not perhaps:
                self.link(file, call.line, rest)
            case _ if not perhaps:
                self.linked |= {word.partition("::")[0].lower() for word in call.words if "::" in word}
            case _:
                pass

    def set(self, name: str, value: str, perhaps: bool, *, default: bool) -> None:
        """Set a variable; its value is unknown if ``perhaps``."""
        if name in self.values and (default or self.values[name] == value):
            return
        if perhaps or "$" in value:
            self.unsure.add(name)
        else:
            self.values[name] = value

    def package(self, file: str, call: Call, package: str, optional: bool, perhaps: bool) -> None:
        """Add the clue of a ``find_package``."""
        if package.lower() in provided_by_build("cmake") or not re.match(r"[\w.+-]+\Z", package):
            return
        key = "" if perhaps else package.lower()
        clue = make_clue("cmake", package, file, call.line, optional=optional or perhaps)
        if clue.attr is None and package not in self.modules:
            self.modules[package] = next(self.module(package), None)
        inner = self.modules.get(package)
        self.found.append((clue if inner is None else replace(inner, optional=clue.optional), key))

    def module(self, package: str) -> Iterator[Clue]:
        """What the project's own ``FindX.cmake`` looks for: the first known library in it."""
        for name in self.by_base().get(f"Find{package}.cmake", ())[:3]:
            for call in calls(self.texts[name]):
                if call.name in ("pkg_check_modules", "pkg_search_module"):
                    yield from _modules(name, call.line, call.words[1:], False)
                elif call.name == "find_library":
                    yield from _libraries(name, call.line, call.words[1:], False)

    def link(self, file: str, line: int, words: Sequence[str]) -> None:
        """Add the libraries of a ``target_link_libraries``."""
        for word in words:
            imported = re.match(r"([\w.+-]+)::", word)
            variable = re.match(r"\$\{(\w+?)(?:_LIBRAR(?:Y|IES)|_LIBS?)?\}\Z", word)
            if imported is not None:
                self.linked.add(imported[1].lower().removeprefix("pkgconfig"))
            elif variable is not None:
                self.linked |= {variable[1].lower(), word[2:-1].lower()}
            elif word.islower() and library_attribute("linker", word) and word not in self.own:
                self.found.append((make_clue("linker", word, file, line), ""))

    def by_base(self) -> Mapping[str, Sequence[str]]:
        """The base names of the files, computed once."""
        if not self.bases:
            for name in sorted(self.texts):
                self.bases.setdefault(name.rpartition("/")[2], []).append(name)
        return self.bases

    # --- conditions -------------------------------------------------------------------------------------

    def truth(self, words: Sequence[str], depth: int = 0) -> bool | None:
        """Whether a condition holds; ``None`` if that cannot be determined."""
        if depth > 20 or len(words) > 60:
            return None
        for operator, absorbing in (("OR", True), ("AND", False)):
            parts = split(words, operator)
            if len(parts) > 1:
                values = [self.truth(part, depth + 1) for part in parts]
                return absorbing if absorbing in values else None if None in values else not absorbing
        if words[:1] == ["NOT"] or words[:1] == ("NOT",):
            value = self.truth(words[1:], depth + 1)
            return None if value is None else not value
        if len(words) > 1 and words[0] == "(" and words[-1] == ")":
            return self.truth(words[1:-1], depth + 1)
        if len(words) == 3:
            return self.compare(*words)
        if len(words) == 2 and words[0] == "DEFINED":
            return False if words[1].startswith("ENV{") else True if words[1] in self.values else None
        return self.flag(words[0]) if len(words) == 1 else None

    def compare(self, left: str, operator: str, right: str) -> bool | None:
        """The truth of a comparison; None if unknown."""
        one = self.value(left)
        if one is None:
            return None
        if operator == "STREQUAL":
            return one == right if "$" not in right else None
        if operator == "MATCHES" and re.match(r"[\w|^$().*-]{1,60}\Z", right):
            return any(part.strip("^$().*").lower() in one.lower() for part in right.split("|"))
        return None

    def value(self, word: str) -> str | None:
        """The value of a variable; None if unknown."""
        name = word[2:-1] if word.startswith("${") and word.endswith("}") else word
        if name in self.unsure:
            return None
        return self.values.get(name, _KNOWN.get(name))

    def flag(self, word: str) -> bool | None:
        """The truth of a word as a condition; None if unknown."""
        if word.lower() in _TRUE | _FALSE:
            return word.lower() in _TRUE
        value = self.value(word)
        if value is None and word not in self.unsure and _SWITCH.search(word):
            return False  # an unset variable
        if value is None or "$" in value:
            return None
        return value.lower() not in _FALSE and not value.upper().endswith("-NOTFOUND")


def _is_library(text: str) -> bool:
    """Whether a directory of the sdist is the source of a known library, which is then bundled."""
    project = re.search(r"^\s*project\s*\(\s*\"?([\w.+-]{2,60})", text, re.IGNORECASE | re.MULTILINE)
    if project is None:
        return False
    return any(map(_any_attribute, (project[1], project[1].lower(), f"lib{project[1].lower()}")))


def _any_attribute(name: str) -> str | None:
    return (
        library_attribute("cmake", name)
        or library_attribute("linker", name)
        or library_attribute("pkg-config", name)
    )


def _modules(file: str, line: int, words: Sequence[str], perhaps: bool) -> Iterator[Clue]:
    for word in words:
        name = re.split(r"[<>=]", word, maxsplit=1)[0]
        if library_attribute("pkg-config", name):
            yield make_clue("pkg-config", name, file, line, optional="REQUIRED" not in words or perhaps)


def _libraries(file: str, line: int, words: Sequence[str], optional: bool) -> Iterator[Clue]:
    for word in words:
        if word in ("PATHS", "HINTS", "PATH_SUFFIXES", "DOC"):
            return
        name = word if library_attribute("linker", word) else word.removeprefix("lib")
        if not word.isupper() and library_attribute("linker", name):
            yield make_clue("linker", name, file, line, optional=optional)
            return
