"""What build backends need from outside Python: programs, and versions that come from git.

From ``data/backends.json``.
"""

from __future__ import annotations

from collections.abc import Iterable

from uvlock2nix.knowledge.tables import Rows, attributes_of, load_table, texts_of
from uvlock2nix.names import required_name

_FILE = "backends.json"
# Run by a build script itself.
GIT_DESCRIBE = "git describe"


def backend_programs(backend: str, requires: Iterable[str]) -> tuple[str, ...]:
    """The nixpkgs attributes of the programs that a build with this backend and these requirements runs.

    Raises:
        InputError: the table is damaged.
    """
    raw = load_table(_FILE)
    backends = Rows(_FILE, raw.get("backends"), attributes_of)
    requirements = Rows(_FILE, raw.get("requirements"), attributes_of)
    found = list(backends.get(backend.partition(":")[0].partition(".")[0], ()))
    for text in requires:
        found += requirements.get(required_name(text), ())
    return tuple(sorted(set(found)))


def lists_files_by_git(requires: Iterable[str]) -> bool:
    """Whether a build with these requirements lists the source's files with git."""
    listed = texts_of(_FILE, load_table(_FILE).get("git-files"))
    return any(required_name(text) in listed for text in requires)


def needs_tag(tool: str) -> bool:
    """Whether a tool of :func:`version_tools` can take a version only from a git tag."""
    return tool == GIT_DESCRIBE or tool in texts_of(_FILE, load_table(_FILE).get("git-tags"))


def version_tools() -> Rows[tuple[str, ...]]:
    """Tools that ask git for a version → the variables that override it.

    ``<NAME>`` in a variable is the project's name in capitals, with ``_`` for anything but letters and
    digits. A tool without variables takes the version from PKG-INFO, as in an sdist; versioneer has a file of
    its own, and some need a tag (:func:`needs_tag`).
    """
    return Rows(_FILE, load_table(_FILE).get("versions"), texts_of)
