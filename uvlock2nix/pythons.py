"""Which Python an environment is computed for when nobody said."""

from __future__ import annotations

import re
from typing import Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from uvlock2nix.errors import UsageError
from uvlock2nix.lock import Project

# The minors in the order in which we offer them: nixpkgs' own default first (most of its Python
# packages are built and cached for it), then the newer, then the older ones.
PREFERRED: Final = ("3.13", "3.14", "3.12", "3.11", "3.10", "3.9", "3.15")
_REQUEST: Final = re.compile(r"(?:cpython@?|python)?(\d+\.\d+(?:\.\d+)?t?)\Z")


def choose_python(asked: str | None, project: Project) -> tuple[str, str]:
    """The Python version to compute for, and a note that says why where it was not asked for.

    Order: what was asked, ``.python-version``, the first of our minors that ``requires-python`` admits.

    Raises:
        UsageError: the lock's ``requires-python`` admits no Python that we know.
    """
    if asked:
        return asked, ""
    pinned = project.python_version_file
    if pinned and (match := _REQUEST.match(pinned.strip())):
        return match[1], f"Python {match[1]}, from .python-version"
    requires = project.lock.requires_python
    try:
        specifiers = SpecifierSet(requires or "")
    except InvalidSpecifier as error:
        raise UsageError(f"uv.lock: requires-python: {error}", hint="say which one: --python 3.13") from None
    for minor in PREFERRED:
        # Any patch release will do: `.99` for upper bounds, `.0` for lower ones.
        if any(specifiers.contains(f"{minor}.{patch}") for patch in (99, *range(20, -1, -1))):
            return minor, f"Python {minor}: the first of {', '.join(PREFERRED)} that `{requires}` admits"
    raise UsageError(
        f"uv.lock: requires-python `{requires}` admits none of Python {', '.join(PREFERRED)}",
        hint="say which one: --python VERSION",
    )
