"""``entry_points.txt`` of an installed distribution.

https://packaging.python.org/en/latest/specifications/entry-points/
"""

from __future__ import annotations

from uvlock2nix.dist.installed import Installed
from uvlock2nix.errors import InputError


def entry_points(one: Installed) -> dict[str, str]:
    """``console_scripts`` and ``gui_scripts`` of a distribution: name → ``module:attribute [extras]``.

    Read line by line, as ``importlib.metadata`` does: an invalid line must not hide the others.
    """
    try:
        text = (one.dist_info / "entry_points.txt").read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise InputError(
            f"{one.name}: entry_points.txt: {error}", hint="report it to the package's maintainers"
        ) from None
    found: dict[str, str] = {}
    section = ""
    for line in map(str.strip, text.splitlines()):
        name, equals, reference = line.partition("=")
        if line.startswith("["):
            section = line.strip("[] ")
        elif equals and not line.startswith(("#", ";")) and section in {"console_scripts", "gui_scripts"}:
            found[name.strip()] = reference.strip()
    return found
