"""Programs of both a local package and a dependency: venv has the project's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from uvlock2nix.dist.entry_points import entry_points
from uvlock2nix.dist.installed import Installed
from uvlock2nix.lock import Project


def own_programs(project: Project, local: Set[str], distributions: Sequence[Installed]) -> tuple[str, ...]:
    """A line for each such program. ``local``: the names of the project's packages in this environment.

    Only reported, not recorded in deps, whose content does not depend on the project's program names.
    """
    mine = {
        name: member.name
        for member in project.members
        if member.name in local and not member.is_virtual
        for name, _ in (*member.scripts, *member.gui_scripts)
    }
    owners: dict[str, set[str]] = {}
    for one in distributions:
        for name in _programs(one):
            if name in mine:
                owners.setdefault(name, {mine[name]}).add(one.name)
    return tuple(
        f"uvlock2nix: bin/{name}: shipped by {', '.join(sorted(owners[name]))}; kept: {mine[name]}"
        for name in sorted(owners)
    )


def _programs(one: Installed) -> Iterable[str]:
    in_bin = "../../../bin/"
    scripts = (entry.path.removeprefix(in_bin) for entry in one.entries if entry.path.startswith(in_bin))
    return {*entry_points(one), *scripts}
