"""Which Python an environment is computed for: uv's requests, and the default."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from uvlock2nix.errors import UsageError
from uvlock2nix.lock import Project
from uvlock2nix.regex import regex
from uvlock2nix.target import PREFERRED

# https://docs.astral.sh/uv/concepts/python-versions/#requesting-a-version
_REQUEST: Final = regex(
    r"(?P<name>[a-z]+)?[@-]?(?P<version>\d+(?:\.\d+){0,2})?(?P<short>[td]{0,2})(?P<long>(?:\+[a-z]+)*)"
    r"(?P<rest>-[a-z0-9_.-]+)?\Z",
    re.IGNORECASE,
)
_RANGE: Final = regex(r"(?:cpython|cp|python)?@?(?P<range>[<>=!~].*)\Z", re.IGNORECASE)
_CPYTHON: Final = frozenset({"", "cpython", "cp", "python"})
_OTHERS: Final = {
    "pypy": "PyPy", "pp": "PyPy", "graalpy": "GraalPy", "gp": "GraalPy", "pyodide": "Pyodide",
}  # fmt: skip
_ANY: Final = frozenset({"any", "default"})


def choose_python(
    asked: str | None,
    project: Project,
    before: str | None = None,
    nixpkgs: Callable[[Path], tuple[str, str] | None] = lambda _: None,
) -> tuple[str, str]:
    """The Python version to compute for, and a note with the reason if it was not requested.

    Order: the request, ``.python-version``, the version ``before``, the default of the project's nixpkgs
    (``nixpkgs`` returns it for the project's folder, with its origin), the first of our minor versions;
    ``requires-python`` must allow the last two.

    Raises:
        UsageError: the request is not a CPython release, or ``requires-python`` allows no known release.
    """
    requires = project.lock.requires_python or ""
    if asked:
        return _requested(asked, requires, "--python") or asked, ""
    ignored = ""
    if pinned := (project.python_version_file or "").strip():
        if found := _requested(pinned, requires, ".python-version"):
            return found, f"Python {found}, from .python-version"
        ignored = f"; .python-version names no version: {pinned[:60]}"
    if before:
        return before, ""
    return _default(requires, ignored, nixpkgs(project.root))


def _default(requires: str, ignored: str, nixpkgs: tuple[str, str] | None = None) -> tuple[str, str]:
    try:
        specifiers = SpecifierSet(requires)
    except InvalidSpecifier as error:
        raise UsageError(f"uv.lock: requires-python: {error}", hint="pass a version: --python 3.13") from None
    first = f"the first of {', '.join(PREFERRED)} that `{requires}` allows"
    for minor, why in (*((nixpkgs,) if nixpkgs else ()), *((minor, first) for minor in PREFERRED)):
        # Any patch release is enough: `.99` for upper bounds, `.0` for lower ones.
        if any(specifiers.contains(f"{minor}.{patch}") for patch in (99, *range(20, -1, -1))):
            found = _near(minor, requires)
            return found, f"Python {found}: {why}{ignored}"
    raise UsageError(
        f"uv.lock: requires-python `{requires}` allows none of Python {', '.join(PREFERRED)}",
        hint="widen requires-python in pyproject.toml and run `uv lock`",
    )


def _requested(text: str, requires: str, where: str) -> str | None:
    """A request in uv's spellings as one of ours; None if it has no version.

    Raises:
        UsageError: it is not a CPython release.
    """
    from uvlock2nix.lock.python_fit import fitting_python

    if (within := _RANGE.match(text)) is not None:
        return _in_range(within["range"], requires, where)
    match = _REQUEST.match(text)
    if match is None:
        return None
    name, version = (match["name"] or "").lower(), match["version"]
    if name in _ANY and version is None:
        return _default(requires, "")[0]
    if name not in _CPYTHON and name not in _OTHERS:
        return None
    spelled = _version(version, requires) if version else fitting_python([requires]) or PREFERRED[0]
    variants = {one.lower() for one in match["long"].split("+") if one} | set(match["short"].lower())
    free = "t" if variants & {"t", "freethreaded"} else ""
    if name in _OTHERS:
        raise UsageError(
            f"{where} asks for {_OTHERS[name]} ({text}); only CPython is supported",
            hint=f"use CPython: --python {_near(spelled, requires)}",
        )
    if variants & {"d", "debug"}:
        raise UsageError(
            f"{where} asks for a debug build ({text}), which nixpkgs does not have",
            hint=f"use the default build: --python {_near(spelled, requires)}{free}",
        )
    if match["rest"]:
        raise UsageError(
            f"{where} names a system together with the Python ({text})",
            hint=f"pass them separately: --python {_near(spelled, requires)}{free}, and --system"
            " for the system",
        )
    return f"{spelled}{free}"


def _version(text: str, requires: str) -> str:
    """``3.12`` of ``3.12`` or ``312``; for ``3``, a version that ``requires`` allows."""
    from uvlock2nix.lock.python_fit import fitting_python

    if text == "3":
        return fitting_python([requires]) or PREFERRED[0]
    return text if "." in text else f"{text[0]}.{text[1:]}"


def _near(spelled: str, requires: str) -> str:
    """``spelled`` if ``requires`` allows it, else a version that it allows."""
    from uvlock2nix.lock.python_fit import fitting_python

    wanted = f"=={spelled}" if spelled.count(".") == 2 else f"=={spelled}.*"
    return fitting_python([wanted, requires]) or fitting_python([requires]) or PREFERRED[0]


def _in_range(text: str, requires: str, where: str) -> str:
    from uvlock2nix.lock.python_fit import fitting_python

    found = fitting_python([text, requires])
    if found is None:
        both = f"`{text}` and requires-python `{requires}`" if requires else f"`{text}`"
        fits = fitting_python([requires]) or PREFERRED[0]
        raise UsageError(f"{where}: no known Python fits {both}", hint=f"pass a version: --python {fits}")
    return found
