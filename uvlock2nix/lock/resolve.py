"""Lock + selection + target → environment: the packages that uv would install.

With declared conflicts there are two passes: the first collects every extra that becomes active, the second
takes each edge whose marker holds with exactly that set. Without conflicts, the second is enough.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import NamedTuple

from packaging.specifiers import SpecifierSet

from uvlock2nix.errors import LockError, SelectionError
from uvlock2nix.lock.marker_diagrams import FALSE, TRUE, Conditions, extra_item, group_item, project_item
from uvlock2nix.lock.markers import MarkerError
from uvlock2nix.lock.model import ConflictItem, Dependency, Lock, Package, Requirement, VirtualSource
from uvlock2nix.lock.project import Project
from uvlock2nix.lock.selection import Active, Selection, activate, check_group_pythons, conflict_error
from uvlock2nix.lock.wire import shorten
from uvlock2nix.target import Target

_Node = tuple[int, str | None]


class EnvPackage(NamedTuple):
    """A package of the environment.

    ``extras``: the active ones; ``requested_by``: what requires it, as ``name``, ``name[extra]``,
    ``name:group`` or ``the selection``, in the order of the walk.
    """

    package: Package
    extras: tuple[str, ...]
    requested_by: tuple[str, ...]


class Environment(NamedTuple):
    """The packages that uv would install, sorted by name then version; virtual projects are not installed.

    ``roots``: names of the selected projects, virtual ones included, in the lock's order.
    """

    target: Target
    packages: tuple[EnvPackage, ...]
    roots: tuple[str, ...]


def resolve(project: Project, selection: Selection, target: Target) -> Environment:
    """The environment of ``selection`` on ``target``.

    Raises SelectionError (unknown names, a Python that the lock does not allow), ConflictError (names
    both sides), LockError (a marker without meaning, a platform that the lock was not made for).
    """
    lock, where = project.lock, str(project.lock_path)
    # In uv's order, so that a request is refused for the same reason.
    check_python(lock, target, where)
    active = activate(project, selection)
    check_group_pythons(project, active, target.python)
    try:
        check_platform(lock, target, where)
        if lock.flavour == "pylock":
            return _resolve_pylock(project, active, target)
        return _Resolver(lock, active, target).run()
    except MarkerError as error:
        raise LockError(f"{where}: a marker {error}", hint="run `uv lock` again") from None


def check_python(lock: Lock, target: Target, where: str) -> None:
    """Raise SelectionError unless the lock allows the target's Python."""
    from uvlock2nix.lock.python_fit import fitting_python

    requires = lock.requires_python
    if requires and not SpecifierSet(requires).contains(target.python.full, prereleases=True):
        fits = fitting_python([requires], target.python)
        raise SelectionError(
            f"{where}: Python {target.python} does not fit requires-python {requires}",
            hint=f"choose a Python that fits: --python {fits}"
            if fits
            else "no known Python fits; change requires-python and run `uv lock`",
        )


def check_platform(lock: Lock, target: Target, where: str) -> None:
    """Raise LockError unless the lock was made for the platform, MarkerError if that cannot be determined."""
    conditions = Conditions(target.marker_environment())
    supported = lock.supported_markers
    if supported and not any(conditions.evaluate(marker) for marker in supported):
        said = " or ".join(f"`{shorten(marker, 100)}`" for marker in supported[:5])
        raise LockError(
            f"{where}: was made for {said}, not for {target}",
            hint="choose a different --system, or widen tool.uv.environments and lock again",
        )
    forks = lock.resolution_markers
    if forks and not any(conditions.possible(marker) for marker in forks):
        raise LockError(f"{where}: no part of its resolution applies to {target}", hint="run `uv lock` again")


class _Resolver:
    def __init__(self, lock: Lock, active: Active, target: Target) -> None:
        self.lock = lock
        self.active = active
        self.target = target
        self.conditions = Conditions(target.marker_environment())
        self.items: set[str] = set()
        self.extras: dict[tuple[str, str], None] = {}
        self.queue: list[_Node] = []
        self.seen: set[_Node] = set()
        self.reach: dict[_Node, int] = {}
        self.installed: set[int] = set()
        self.sources: dict[int, dict[str, None]] = {}

    def run(self) -> Environment:
        """Resolve the environment. Raises ConflictError or LockError."""
        has_conflicts = bool(self.lock.conflicts)
        if has_conflicts:
            self._activate_selected()
        self._start_roots()
        self._start_manifest()
        if has_conflicts:
            self._collect_extras()
            self._check_conflicts()
        self._walk()
        return self._environment()

    # What the selection activates before the walk.

    def _activate_selected(self) -> None:
        active = self.active
        for root in active.roots:
            if active.prod:
                self.items.add(project_item(root.name))
                for extra in root.optional_dependencies:
                    if active.has_extra(extra):
                        self._activate_extra(root.name, extra)
        for root in self._group_owners():
            for group in root.dependency_groups:
                if active.takes_group(root.name, group):
                    self.items.add(group_item(root.name, group))

    def _group_owners(self) -> tuple[Package, ...]:
        group_root = self.active.group_root
        return (*self.active.roots, group_root) if group_root is not None else self.active.roots

    def _activate_extra(self, package: str, extra: str) -> None:
        self.extras[package, extra] = None
        self.items.add(extra_item(package, extra))

    def _fresh_extras(self, edge: Dependency) -> list[tuple[str, str]]:
        if not edge.extras:
            return []
        name = self.lock.packages[edge.package].name
        return [(name, extra) for extra in edge.extras if (name, extra) not in self.extras]

    # The start of the walk.

    def _start_roots(self) -> None:
        active = self.active
        for root in self._group_owners():
            prod = active.prod and root is not active.group_root
            if prod:
                self._install(root, "the selection")
                self._enqueue(root.index, None, TRUE)
                for extra in root.optional_dependencies:
                    if active.has_extra(extra):
                        self._enqueue(root.index, extra, TRUE)
            for group, edges in root.dependency_groups.items():
                if active.takes_group(root.name, group):
                    for edge in edges:
                        self._start_group_edge(edge, f"{root.name}:{group}")

    def _start_group_edge(self, edge: Dependency, source: str) -> None:
        fresh = self._fresh_extras(edge)
        condition = self.conditions.compile(edge.marker)
        more = [extra_item(*item) for item in fresh]
        if not self.conditions.holds(condition, self.items, more):
            return
        for item in fresh:
            self._activate_extra(*item)
        self._install(self.lock.packages[edge.package], source)
        self._enqueue(edge.package, None, condition)
        for extra in edge.extras:
            self._enqueue(edge.package, extra, condition)

    def _start_manifest(self) -> None:
        manifest = self.lock.manifest
        for requirement in manifest.requirements:
            self._start_requirement(requirement, "the selection", prod=self.active.prod)
        for group, requirements in manifest.dependency_groups:
            if self.active.takes_group(None, group):
                for requirement in requirements:
                    self._start_requirement(requirement, f":{group}", prod=True)

    def _start_requirement(self, requirement: Requirement, source: str, *, prod: bool) -> None:
        if not self.conditions.evaluate(requirement.marker):
            return
        package = self._find(requirement)
        extras = tuple(extra for extra in requirement.extras if extra in package.optional_dependencies)
        if source != "the selection":
            for extra in extras:
                self._activate_extra(package.name, extra)
        if prod:
            self._install(package, source)
        self._enqueue(package.index, None, TRUE)
        for extra in extras:
            self._enqueue(package.index, extra, TRUE)

    def _find(self, requirement: Requirement) -> Package:
        """The package of that name in the target's part of the resolution."""
        found = [
            package
            for package in self.lock.by_name.get(requirement.name, ())
            if not package.resolution_markers
            or any(self.conditions.evaluate(marker) for marker in package.resolution_markers)
        ]
        if len(found) == 1:
            return found[0]
        what = "no packages" if not found else f"{len(found)} packages"
        raise LockError(
            f"manifest: requirements: {what} of the lock match {requirement.name} on {self.target}",
            hint="run `uv lock` again",
        )

    def _enqueue(self, package: int, extra: str | None, condition: int) -> None:
        node = (package, extra)
        self.reach[node] = self.conditions.either(self.reach.get(node, FALSE), condition)
        if node not in self.seen:
            self.seen.add(node)
            self.queue.append(node)

    # The passes.

    def _edges(self, node: _Node) -> tuple[Dependency, ...]:
        package = self.lock.packages[node[0]]
        if node[1] is None:
            return package.dependencies
        return package.optional_dependencies.get(node[1], ())

    def _collect_extras(self) -> None:
        """First pass.

        An edge counts only under the conditions under which its package is reached, because uv leaves those
        out of the edge's own marker.
        """
        conditions, reach = self.conditions, self.reach
        queue = deque(self.queue)
        while queue:
            node = queue.popleft()
            parent = reach[node]
            for edge in self._edges(node):
                condition = conditions.both(conditions.compile(edge.marker), parent)
                fresh = self._fresh_extras(edge)
                if not conditions.holds(condition, self.items, [extra_item(*item) for item in fresh]):
                    continue
                for item in fresh:
                    self._activate_extra(*item)
                for child in self._children(edge):
                    before = reach.get(child, FALSE)
                    after = conditions.either(before, condition)
                    if after != before:
                        reach[child] = after
                        queue.append(child)

    @staticmethod
    def _children(edge: Dependency) -> Iterator[_Node]:
        yield edge.package, None
        for extra in edge.extras:
            yield edge.package, extra

    def _check_conflicts(self) -> None:
        for conflict in self.lock.conflicts:
            members = {(item.package, item.extra) for item in conflict if item.extra is not None}
            found = sorted(item for item in self.extras if item in members)
            for first, second in combinations(found, 2):
                raise conflict_error((ConflictItem(*first), ConflictItem(*second)), conflict)

    def _walk(self) -> None:
        """Second pass: the set of active items is fixed."""
        holds: dict[str, bool] = {"": True}
        packages, seen, queue = self.lock.packages, self.seen, deque(self.queue)
        while queue:
            node = queue.popleft()
            name, extra = packages[node[0]].name, node[1]
            source = name if extra is None else f"{name}[{extra}]"
            for edge in self._edges(node):
                known = holds.get(edge.marker)
                if known is None:
                    known = holds[edge.marker] = self.conditions.evaluate(edge.marker, self.items)
                if not known:
                    continue
                self._install(packages[edge.package], source)
                for child in self._children(edge):
                    if child not in seen:
                        seen.add(child)
                        queue.append(child)

    def _install(self, package: Package, source: str) -> None:
        self.installed.add(package.index)
        self.sources.setdefault(package.index, {})[source] = None

    def _environment(self) -> Environment:
        extras: dict[int, list[str]] = {}
        for number, extra in self.seen:
            if extra is not None:
                extras.setdefault(number, []).append(extra)
        found = [
            EnvPackage(package, tuple(sorted(extras.get(number, ()))), tuple(self.sources[number]))
            for number in self.installed
            if not isinstance((package := self.lock.packages[number]).source, VirtualSource)
        ]
        found.sort(key=_sort_key)
        return Environment(self.target, tuple(found), tuple(root.name for root in self.active.roots))


def _sort_key(entry: EnvPackage) -> tuple[str, str, int]:
    return entry.package.name, entry.package.version or "", entry.package.index


def _resolve_pylock(project: Project, active: Active, target: Target) -> Environment:
    """PEP 751: every package whose marker holds, with the selected extras and groups as collections."""
    lock = project.lock
    conditions = Conditions(
        target.marker_environment(),
        extras=[extra for extra in lock.extras if active.has_extra(extra)],
        groups=[group for group in lock.groups if active.has_group(group)],
    )
    found = [
        EnvPackage(package, (), ("the selection",))
        for package in lock.packages
        if conditions.evaluate(package.marker)
    ]
    found.sort(key=_sort_key)
    for first, second in pairwise(found):
        if first.package.name == second.package.name:
            raise LockError(
                f"{project.lock_path}: package {first.package.name}: two entries fit {target}",
                hint="the markers of the entries overlap: lock again with the tool that wrote the file",
            )
    return Environment(target, tuple(found), ())
