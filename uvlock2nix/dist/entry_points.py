"""``entry_points.txt`` of an installed distribution.

https://packaging.python.org/en/latest/specifications/entry-points/
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from uvlock2nix.errors import InputError

if TYPE_CHECKING:
    from uvlock2nix.dist.installed import Installed


def entry_points(one: Installed) -> dict[str, str]:
    """``console_scripts`` and ``gui_scripts`` of a distribution: name → ``module:attribute [extras]``.

    Raises:
        InputError: its ``entry_points.txt`` is no text.
    """
    try:
        text = (one.dist_info / "entry_points.txt").read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise InputError(
            f"{one.name}: entry_points.txt: {error}", hint="report it to the package's maintainers"
        ) from None
    return points_of(text)


def points_of(text: str) -> dict[str, str]:
    """The same, of the text of ``entry_points.txt``.

    Read line by line, as ``importlib.metadata`` does: a line that says nothing must not take the others away.
    """
    found: dict[str, str] = {}
    section = ""
    for line in map(str.strip, text.splitlines()):
        name, equals, reference = line.partition("=")
        if line.startswith("["):
            section = line.strip("[] ")
        elif equals and not line.startswith(("#", ";")) and section in {"console_scripts", "gui_scripts"}:
            found[name.strip()] = reference.strip()
    return found


def launcher_lines(names: Iterable[str]) -> list[tuple[str, str, str]]:
    """Lines of a RECORD for launchers, which each environment makes: without a hash, which would be of one.

    https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
    """
    return [(f"../../../bin/{name}", "", "") for name in names]
