"""The selection, and which roots, extras and groups it activates, by uv's rules.

The names are uv's flags. There is one difference: without a group flag, no default groups are included (uv's
``--no-default-groups``), because the result is a package; ``default_groups=True`` adds them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from packaging.specifiers import SpecifierSet

from uvlock2nix.errors import ConflictError, LockError, ProjectError, SelectionError
from uvlock2nix.lock.model import ConflictItem, Lock, Package
from uvlock2nix.lock.project import Member, Project
from uvlock2nix.lock.wire import shorten
from uvlock2nix.names import canonicalize_name
from uvlock2nix.target import PythonVersion


class Selection(NamedTuple):
    """uv's ``--package``, ``--all-packages``, ``--extra``, ``--group`` and so on.

    ``no_groups`` overrides every way to include a group, ``no_extras`` likewise. ``only_groups`` leaves
    out the projects themselves. ``dev``, ``no_dev`` and ``only_dev`` are like ``groups``, ``no_groups`` and
    ``only_groups`` of ``("dev",)``, but ``dev`` need not exist.
    """

    packages: tuple[str, ...] = ()
    all_packages: bool = False
    extras: tuple[str, ...] = ()
    no_extras: tuple[str, ...] = ()
    all_extras: bool = False
    groups: tuple[str, ...] = ()
    no_groups: tuple[str, ...] = ()
    only_groups: tuple[str, ...] = ()
    all_groups: bool = False
    default_groups: bool = False
    dev: bool = False
    no_dev: bool = False
    only_dev: bool = False


EXCLUSIVE = (
    ("packages", "all_packages"),
    ("extras", "all_extras"),
    ("extras", "only_groups"),
    ("all_extras", "only_groups"),
    ("groups", "only_groups"),
    ("all_groups", "only_groups"),
    ("dev", "only_groups"),
    ("groups", "only_dev"),
    ("all_groups", "only_dev"),
    ("no_dev", "only_dev"),
    ("dev", "no_dev"),
)
"""The pairs of fields of a :class:`Selection` that cannot be used together, as uv's options do."""


class Active(NamedTuple):
    """A selection with the project's defaults applied.

    ``roots``: the projects whose dependencies are included (only their groups if not ``prod``). ``single``:
    the selected project if there is exactly one; its defaults do not include the workspace root's groups.
    ``group_root``: the workspace root, if only its groups are included.
    """

    roots: tuple[Package, ...]
    whole_workspace: bool
    single: Member | None
    group_root: Package | None
    prod: bool
    all_extras: bool
    extras: frozenset[str]
    no_extras: frozenset[str]
    all_groups: bool
    groups: frozenset[str]
    asked_groups: frozenset[str]
    asked_all_groups: bool
    no_groups: frozenset[str]

    def has_extra(self, extra: str) -> bool:
        """Whether an extra is selected."""
        return extra not in self.no_extras and (self.all_extras or extra in self.extras)

    def has_group(self, group: str) -> bool:
        """Whether a group is selected by an option of its own or by ``--all-groups``."""
        return group not in self.no_groups and (self.all_groups or group in self.groups)

    def takes_group(self, package: str | None, group: str) -> bool:
        """Whether ``group`` of ``package`` is included (None: of a workspace root that is not a project).

        A selected member also gets the root's group of that name, if it has no such group itself and the
        group was requested explicitly.
        """
        if not self.has_group(group):
            return False
        if self.single is None or package == self.single.name:
            return True
        asked = group not in self.no_groups and (self.asked_all_groups or group in self.asked_groups)
        return asked and group not in self.single.groups


def activate(project: Project, selection: Selection) -> Active:
    """Compute roots, extras and groups. Raises SelectionError, ConflictError or ProjectError."""
    lock = project.lock
    _check_flags(selection)
    single, roots = _roots(project, selection)
    owner = single if single is not None else project.current_member
    defaults = _default_groups(project, owner) if selection.default_groups else ()
    dev = ("dev",) if selection.dev or selection.only_dev else ()
    asked = frozenset(map(canonicalize_name, (*selection.groups, *selection.only_groups, *dev)))
    only = bool(selection.only_groups) or selection.only_dev
    default_all = defaults is None and not only
    listed = () if only or defaults is None else defaults
    active = Active(
        roots=roots,
        whole_workspace=selection.all_packages or (project.current is None and not selection.packages),
        single=single,
        group_root=None,
        prod=not only,
        all_extras=selection.all_extras,
        extras=frozenset(map(canonicalize_name, selection.extras)),
        no_extras=frozenset(map(canonicalize_name, selection.no_extras)),
        all_groups=selection.all_groups or default_all,
        groups=asked | frozenset(listed),
        asked_groups=asked,
        asked_all_groups=selection.all_groups,
        no_groups=frozenset(map(canonicalize_name, selection.no_groups))
        | ({"dev"} if selection.no_dev else set()),
    )
    active = _with_group_root(active, project)
    _check_declared_conflicts(lock, active)
    _check_names(project, selection, active)
    return active


def _check_flags(selection: Selection) -> None:
    """Refuse the combinations of flags that uv refuses."""
    for first, second in EXCLUSIVE:
        if getattr(selection, first) and getattr(selection, second):
            flags = [
                f"--{name.replace('_', '-').removesuffix('s' if name[:3] != 'all' else '')}"
                for name in (first, second)
            ]
            raise SelectionError(f"{flags[0]} and {flags[1]} cannot be used together", hint="use one of them")


def _roots(project: Project, selection: Selection) -> tuple[Member | None, tuple[Package, ...]]:
    lock = project.lock
    if lock.flavour != "uv":
        if selection.packages or selection.all_packages:
            raise SelectionError(
                f"{project.lock_path}: has no projects to select with --package", hint="leave --package out"
            )
        return None, ()
    members = {member.name: member for member in project.members}
    if selection.all_packages:
        return None, tuple(_package_of(project, name) for name in members)
    chosen = tuple(dict.fromkeys(map(canonicalize_name, selection.packages)))
    for name in chosen:
        if name not in members:
            raise SelectionError(
                f"{project.lock_path}: no project {shorten(name, 60)} in this workspace",
                hint=_suggest(name, members, "projects"),
            )
    if len(chosen) > 1:
        return None, tuple(_package_of(project, name) for name in chosen)
    if not chosen and project.current is None:
        return None, tuple(_package_of(project, name) for name in members)
    name = chosen[0] if chosen else str(project.current)
    return members[name], (_package_of(project, name),)


def _package_of(project: Project, name: str) -> Package:
    found = project.lock.by_name.get(name, ())
    if len(found) == 1:
        return found[0]
    what = "has no entry" if not found else f"has {len(found)} entries"
    raise LockError(
        f"{project.lock_path}: project {name} {what} in the lock",
        hint="run `uv lock` to bring the lock up to date",
    )


def _default_groups(project: Project, owner: Member | None) -> tuple[str, ...] | None:
    """The default groups of the project (None: all), by default uv's ``dev``."""
    if project.lock.flavour == "pylock":
        return project.lock.default_groups
    if project.lock.flavour == "script":
        return ()
    declared = owner.default_groups if owner is not None else project.root_default_groups
    if declared == "all":
        return None
    if declared is None:
        return ("dev",)
    groups = owner.groups if owner is not None else project.root_groups
    for group in declared:
        if group not in groups:
            raise ProjectError(
                f"{project.root}: tool.uv.default-groups: no dependency group {shorten(group, 60)}",
                hint="define it under [dependency-groups] or remove it from default-groups",
            )
    return declared


def _with_group_root(active: Active, project: Project) -> Active:
    root = project.lock.root
    if active.single is None or root is None or root.name == active.single.name:
        return active
    member = next((member for member in project.members if member.name == root.name), None)
    if member is None or not any(active.takes_group(root.name, group) for group in member.groups):
        return active
    return active._replace(group_root=root)


def _reachable_projects(lock: Lock, active: Active) -> frozenset[str]:
    """Names of the projects that the selection can reach, ignoring markers."""
    if active.whole_workspace:
        # uv uses the members' names here, which the lock of a single project does not have.
        return frozenset(lock.manifest.members)
    members = frozenset(lock.manifest.members)
    required = {root.name for root in active.roots}
    queue: list[tuple[int, str | None]] = []
    for root in active.roots:
        if active.prod:
            queue.append((root.index, None))
            queue.extend(
                (root.index, extra) for extra in root.optional_dependencies if active.has_extra(extra)
            )
    for root in (*active.roots, *((active.group_root,) if active.group_root else ())):
        for group, edges in root.dependency_groups.items():
            if active.takes_group(root.name, group):
                for edge in edges:
                    queue.extend(((edge.package, None), *((edge.package, extra) for extra in edge.extras)))
    seen = set(queue)
    while queue:
        number, extra = queue.pop()
        package = lock.packages[number]
        if package.name in members:
            required.add(package.name)
        edges = package.dependencies if extra is None else package.optional_dependencies.get(extra, ())
        for edge in edges:
            for key in ((edge.package, None), *((edge.package, name) for name in edge.extras)):
                if key not in seen:
                    seen.add(key)
                    queue.append(key)
    return frozenset(required)


def _check_declared_conflicts(lock: Lock, active: Active) -> None:
    """Refuse a request that names two items of a declared conflict."""
    if not lock.conflicts:
        return
    projects = _reachable_projects(lock, active)
    for conflict in lock.conflicts:
        found = [item for item in conflict if item.package in projects and _is_asked(item, active)]
        if len(found) > 1:
            raise conflict_error(found, conflict)


def _is_asked(item: ConflictItem, active: Active) -> bool:
    if item.extra is not None:
        return active.has_extra(item.extra)
    if item.group is not None:
        return active.has_group(item.group)
    return active.prod


def conflict_error(found: Iterable[ConflictItem], conflict: Iterable[ConflictItem]) -> ConflictError:
    """The error for items that are active together although declared to conflict."""
    names = tuple(str(item) for item in found)
    declared = ", ".join(str(item) for item in conflict)
    return ConflictError(
        f"{', '.join(names[:-1])} and {names[-1]} cannot be selected together:"
        f" declared conflicts are {{{declared}}}",
        hint="select one of them (--extra, --group, --package)",
        data={"conflicting": names},
    )


def _check_names(project: Project, selection: Selection, active: Active) -> None:
    """Check that every named extra and group exists in the selected projects."""
    lock = project.lock
    extras, groups = set(lock.extras), set(lock.groups)
    for package in active.roots:
        extras.update(package.metadata.provides_extras, package.optional_dependencies)
        groups.update(package.dependency_groups, (group for group, _ in package.metadata.requires_dev))
    names = {package.name for package in active.roots}
    if active.single is not None and lock.root is not None:
        names.add(lock.root.name)
    for member in project.members:
        if member.name in names:
            groups.update(member.groups)
            if any(package.name == member.name for package in active.roots):
                extras.update(member.extras)
    groups.update(project.root_groups if lock.root is None else ())
    groups.update(group for group, _ in lock.manifest.dependency_groups)
    for what, asked, known in (
        ("extra", (*selection.extras, *selection.no_extras), extras),
        ("dependency group", (*selection.groups, *selection.no_groups, *selection.only_groups), groups),
    ):
        for name in map(canonicalize_name, asked):
            if name not in known:
                raise SelectionError(
                    f"{project.lock_path}: no {what} {shorten(name, 60)}",
                    hint=_suggest(name, known, f"{what}s"),
                )


def check_group_pythons(project: Project, active: Active, python: PythonVersion) -> None:
    """Raise SelectionError if a selected group's own ``requires-python`` excludes ``python``."""
    from uvlock2nix.lock.python_fit import fitting_python

    own = project.lock.requires_python or ""
    root = [project.pyproject] if project.pyproject is not None else []
    for pyproject in (*root, *(member.pyproject for member in project.members)):
        for group in filter(active.has_group, dict((*pyproject.groups, *pyproject.group_pythons))):
            requires = ",".join(pyproject.pythons_of(group))
            if not SpecifierSet(requires).contains(python.full, prereleases=True):
                fits = fitting_python([own, requires], python)
                choose = f"choose a Python that fits, --python {fits}, or " if fits else ""
                raise SelectionError(
                    f"{pyproject.path}: dependency group {group} requires Python {requires},"
                    f" not {python.full}",
                    hint=f"{choose}leave the group out: --no-group {group}",
                )


def _suggest(name: str, known: Iterable[str], what: str) -> str:
    from uvlock2nix.spelling import nearest

    names = sorted(known)
    if not names:
        return f"there are no {what}"
    near = nearest(name, names)
    listed = ", ".join(names[:15]) + (" …" if len(names) > 15 else "")
    return (f"did you mean {near}? " if near else "") + f"{what}: {listed}"
