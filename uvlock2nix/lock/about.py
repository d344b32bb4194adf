"""The descriptive fields of ``[project]``: https://packaging.python.org/specifications/pyproject-toml/."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from uvlock2nix.regex import regex

# Labels are compared without punctuation, in lower case:
# https://packaging.python.org/specifications/well-known-project-urls/
_PUNCTUATION: Final = regex(r"[^a-z0-9]")
_HOMES: Final = ("homepage", "source", "repository", "sourcecode", "github")


class About(NamedTuple):
    """``license`` is an SPDX expression, or the old table's text. Values of the wrong type are dropped.

    ``files`` are the readme and those with the license, as given: names, or patterns in ``license-files``.
    """

    description: str | None = None
    homepage: str | None = None
    license: str | None = None
    classifiers: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def read_about(project: Mapping[str, Any]) -> About:
    """The values of a raw ``[project]``; none of them decides what is installed, so nothing is refused."""
    urls = project.get("urls")
    labels: dict[str, str] = {}
    for label, url in urls.items() if isinstance(urls, Mapping) else ():
        if isinstance(url, str) and url.startswith(("http://", "https://")):
            labels.setdefault(_PUNCTUATION.sub("", str(label).lower()), url)
    license_ = project.get("license")
    if isinstance(license_, Mapping):
        license_ = license_.get("text")
    classifiers = project.get("classifiers")
    return About(
        description=_line(project.get("description")),
        homepage=next((labels[name] for name in _HOMES if name in labels), None),
        license=_line(license_),
        classifiers=tuple(one for one in classifiers if isinstance(one, str))
        if isinstance(classifiers, list)
        else (),
        files=tuple(_files(project)),
    )


def _files(project: Mapping[str, Any]) -> Iterator[str]:
    for key in ("readme", "license"):
        value = project.get(key)
        if isinstance(value, Mapping) and "file" in value:
            yield str(value["file"])
        elif key == "readme" and isinstance(value, str):
            yield value
    patterns = project.get("license-files", [])
    # A table, as in the draft of PEP 639, may have any pattern.
    yield from map(str, patterns) if isinstance(patterns, list) else ("**",)


def _line(value: object) -> str | None:
    """A one-line text without control characters; None for anything else."""
    if not isinstance(value, str) or not value.strip():
        return None
    return " ".join("".join(char if char.isprintable() else " " for char in value).split())
