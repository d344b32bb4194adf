"""The programs in ``bin/`` of package: those of the selected projects, and of packages in ``expose``."""

from __future__ import annotations

from collections.abc import Sequence

from uvlock2nix.config import Config
from uvlock2nix.errors import UsageError
from uvlock2nix.lock import Member, Project, Selection
from uvlock2nix.lock.selection import activate
from uvlock2nix.names import canonicalize_name


def exposed_of(
    project: Project,
    selection: Selection,
    members: Sequence[Member],
    wanted: Sequence[str],
    environments: Sequence[frozenset[str]],
) -> tuple[str, ...]:
    """The names of the packages, normalised: the selected ``members``, then those ``wanted``.

    ``environments`` are the names of the packages on each system.

    Raises:
        UsageError: a name of ``wanted`` is not in every environment.
    """
    from uvlock2nix.spelling import nearest

    active = activate(project, selection)
    roots = {package.name for package in active.roots} if active.prod else set()
    found = dict.fromkeys(member.name for member in members if member.name in roots)
    for text in wanted:
        name = canonicalize_name(text)
        if not all(name in names for names in environments):
            known = sorted(frozenset.intersection(*environments)) if environments else []
            near = nearest(name, known)
            raise UsageError(
                f"[tool.uvlock2nix] expose: no package `{text}` in the environment",
                hint=f"did you mean `{near}`?" if near else "list packages whose programs users should get",
            )
        found[name] = None
    return tuple(found)


def declared_programs(project: Project, members: Sequence[Member], exposed: Sequence[str]) -> tuple[str, ...]:
    """The programs that the selected projects declare, console and windowed, by name."""
    from uvlock2nix.scripts import program_of

    if project.script is not None:
        return (program_of(project.script.name),)
    shown = [member for member in members if member.name in exposed]
    return tuple(sorted({name for one in shown for name, _ in (*one.scripts, *one.gui_scripts)}))


def managed_by(config: Config) -> tuple[str, ...]:
    """The management command of the service; empty if the project has none."""
    if not config.service:
        return ()
    from uvlock2nix.service import parse_service

    return parse_service(config.service).manage or ()


def declared_twice(members: Sequence[Member]) -> tuple[str, ...]:
    """Notes on programs that several local packages declare, of which an environment has only one."""
    owners: dict[str, list[str]] = {}
    for member in members:
        for name, _ in (*member.scripts, *member.gui_scripts):
            owners.setdefault(name, []).append(member.name)
    return tuple(
        f"{' and '.join(sorted(names))} each declare the program `{program}`; that of {max(names)} is kept: "
        "give each package an environment of its own (docs/environments.md)"
        for program, names in sorted(owners.items())
        if len(names) > 1
    )


def main_program(
    project: Project, members: Sequence[Member], exposed: Sequence[str], name: str
) -> str | None:
    """The program that `nix run` starts: the script with the project's name, else its only one.

    Only programs in ``bin/`` count, so those of packages in ``exposed``.
    """
    from uvlock2nix.scripts import program_of

    if project.script is not None:
        return program_of(project.script.name)
    shown = [member for member in members if member.name in exposed]
    own = [script for member in shown if member.name == name for script, _ in member.scripts]
    every = [script for member in shown for script, _ in member.scripts]
    for scripts in (own, every):
        if name in scripts:
            return name
        if len(scripts) == 1:
            return scripts[0]
    return own[0] if own else None


def without_programs(members: Sequence[Member], exposed: Sequence[str]) -> str:
    """A note if package would have no program although there are some; ``""`` otherwise."""
    if any(member.scripts or member.gui_scripts for member in members if member.name in exposed):
        return ""
    if any(one not in {member.name for member in members} for one in exposed):
        return ""  # a dependency's programs, which the lock does not record
    others = [member.name for member in members if member.scripts or member.gui_scripts]
    listed = ", ".join(f'"{name}"' for name in others) if others else '"NAME"'
    return (
        "the selected project declares no program, so `package` has none in bin/ (`package.venv` has "
        f"them all); to give users programs of a dependency: expose = [{listed}] under [tool.uvlock2nix]"
    )
