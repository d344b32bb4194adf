"""Whether a lock still matches its pyproject.toml files, as far as can be seen without uv.

``uv lock --check`` is the reference; this finds the common cases early and reports what differs: members,
requires-python, versions, requirements with their sources, extras, dependency groups, settings. docs/check.md
lists what it does not see.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from uvlock2nix.lock.check_groups import group_settings, required_of_group
from uvlock2nix.lock.declared import (
    Sources,
    Wanted,
    declared_keys,
    locked_keys,
    marker_texts,
    read_requirements,
    without_own_extras,
)
from uvlock2nix.lock.local import tree_path
from uvlock2nix.lock.locked_settings import settings_that_differ
from uvlock2nix.lock.marker_functions import MarkerFunctions
from uvlock2nix.lock.markers import MarkerError
from uvlock2nix.lock.model import DirectorySource, EditableSource, Package, VirtualSource
from uvlock2nix.lock.model import Requirement as LockedRequirement
from uvlock2nix.lock.project import Member, Project
from uvlock2nix.lock.pyproject import PyProject, read_pyproject
from uvlock2nix.lock.same import same_specifier, same_version
from uvlock2nix.lock.script import read_script
from uvlock2nix.lock.wire import shorten
from uvlock2nix.names import canonicalize_name
from uvlock2nix.printable import first_of

MAX_MEMBERS = 5_000


def check_lock_matches(project: Project) -> list[str]:
    """Where the lock does not match the project, one sentence each; empty if nothing was found.

    Each sentence names the package and what differs. Only what both sides state is compared: dynamic
    metadata and locks without metadata are left to uv.
    """
    if project.lock.flavour == "pylock":
        return []
    checker = _Checker(project)
    if project.script is not None:
        return checker.check_script(project.script)
    found = [*checker.check_members(), *checker.check_requires_python(), *checker.check_settings()]
    for member in project.members:
        found.extend(checker.check_member(member))
    for member in _other_trees(project):
        found.extend(checker.check_member(member, groups=False))
    found.extend(checker.check_root_groups())
    return found


@dataclass(frozen=True, slots=True)
class _Pair:
    """Requirements of a pyproject.toml and of the lock that should be the same.

    ``flat``: the declared requirements with the project's own extras expanded, as uv writes them if the
    version is dynamic. ``packages``: if set, entries for other packages are ignored, as uv does in
    constraints.
    """

    where: str
    declared: Sequence[Wanted]
    locked: Sequence[LockedRequirement]
    sources: Sources
    flat: Sequence[Wanted] = ()
    packages: Collection[str] | None = None

    def differences(self, requires_python: str) -> Iterator[str]:
        """One sentence with the names that differ, or nothing."""
        texts = [
            *marker_texts((*self.declared, *self.flat), self.sources),
            *(one.marker for one in self.locked),
        ]
        try:
            functions = MarkerFunctions(texts, requires_python)
            declared = declared_keys(self.declared, self.sources, functions)
            locked = locked_keys(self.locked, self.sources.root, functions)
            if declared != locked and self.flat:
                flat = declared_keys(self.flat, self.sources, functions)
                declared = min(declared, flat, key=lambda keys: len(keys ^ locked))
        except MarkerError:
            return
        names = sorted({key[0] for key in declared ^ locked} - self._without_effect())
        if names:
            listed = shorten(first_of(names, 8), 400)
            yield f"{self.where}: differ between pyproject.toml and lock: {listed}"

    def _without_effect(self) -> set[str]:
        if self.packages is None:
            return set()
        return {one.name for one in self.declared}.difference(
            self.packages, (one.name for one in self.locked)
        )


class _Checker:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.lock = project.lock
        self.members = {member.name: Path(member.path) for member in project.members}

    def check_script(self, script: Path) -> list[str]:
        """Compare a script's metadata block with its lock."""
        metadata = read_script(script)
        found = []
        if metadata.requires_python is not None and not same_specifier(
            metadata.requires_python, self.lock.requires_python
        ):
            found.append(f"script: requires-python is {metadata.requires_python}, {self._locked_python()}")
        uv = metadata.tool.get("uv", {})
        declared = list(read_requirements(metadata.dependencies))
        sources = self._sources([(self.project.root, uv)])
        pair = _Pair("script: dependencies", declared, self.lock.manifest.requirements, sources)
        found.extend(pair.differences(self.lock.requires_python))
        return found

    def check_members(self) -> Iterator[str]:
        """Compare the workspace's globs with the members in the lock."""
        root = self.project.pyproject
        if root is None or root.workspace_members is None:
            return
        declared = set(_workspace_names(self.project.root, root))
        locked = {member.name for member in self.project.members}
        for name in sorted(declared - locked):
            yield f"workspace: member {shorten(name, 80)} is not in the lock"
        for name in sorted(locked - declared):
            yield f"workspace: the lock has member {name}, tool.uv.workspace does not"

    def check_requires_python(self) -> Iterator[str]:
        """Compare the combined requires-python of all members."""
        values = [value for member in self.project.members if (value := member.pyproject.requires_python)]
        declared = ",".join(values)
        if declared and not same_specifier(declared, self.lock.requires_python):
            yield f"requires-python: pyproject.toml has {declared}, {self._locked_python()}"

    def check_settings(self) -> Iterator[str]:
        """Compare the resolver settings in ``[tool.uv]`` of the workspace root."""
        root, manifest, settings = self.project.pyproject, self.lock.manifest, self.project.uv
        if root is None:
            return
        sources = self._sources([(self.project.root, root.tool_uv)])
        packages = {package.name for package in self.lock.packages}
        build = settings.build_constraint_dependencies
        for key, texts, locked, known in (
            ("constraint-dependencies", settings.constraint_dependencies, manifest.constraints, packages),
            ("override-dependencies", settings.override_dependencies, manifest.overrides, packages),
            ("build-constraint-dependencies", build, manifest.build_constraints, None),
        ):
            # Entries that are tables have more than a name and a version: they are left to uv.
            if all(isinstance(item, str) for item in root.tool_uv.get(key, ())):
                pair = _Pair(
                    f"tool.uv: {key}", list(read_requirements(texts)), locked, sources, packages=known
                )
                yield from pair.differences(self.lock.requires_python)
        yield from settings_that_differ(
            self.lock, settings, root, [member.pyproject for member in self.project.members]
        )

    def _locked_python(self) -> str:
        return f"the lock has {self.lock.requires_python}"

    def _sources(self, tables: Sequence[tuple[Path, Mapping[str, object]]]) -> Sources:
        """The sources of the folders' ``[tool.uv]``; the first that names a package wins."""
        found: dict[str, tuple[Path, Sequence[Mapping[str, object]]]] = {}
        indexes: dict[str, str] = {}
        for folder, tool in tables:
            declared, listed = tool.get("sources"), tool.get("index")
            for name, value in declared.items() if isinstance(declared, dict) else ():
                entries = value if isinstance(value, list) else [value]
                if all(isinstance(entry, dict) for entry in entries):
                    found.setdefault(canonicalize_name(name), (folder, entries))
            for index in listed if isinstance(listed, list) else ():
                if isinstance(index, dict) and isinstance(index.get("name"), str):
                    indexes.setdefault(index["name"], str(index.get("url")))
        for one in self.project.uv.indexes:
            if one.name is not None:
                indexes.setdefault(one.name, one.url)
        return Sources(self.project.root, tables[0][0], found, self.members, indexes)

    def _sources_of(self, pyproject: PyProject) -> Sources:
        tables: list[tuple[Path, Mapping[str, object]]] = [(pyproject.path.parent, pyproject.tool_uv)]
        if self.project.pyproject is not None and not self._is_nested(pyproject.path.parent):
            tables.append((self.project.root, self.project.pyproject.tool_uv))
        return self._sources(tables)

    def _is_nested(self, folder: Path) -> bool:
        """Whether a project is between a folder and the root: uv then ignores the root's sources."""
        between = [place for place in folder.parents if self.project.root in place.parents]
        found = (place / "pyproject.toml" for place in between)
        return any(path.is_file() and read_pyproject(path).name is not None for path in found)

    def check_member(self, member: Member, *, groups: bool = True) -> Iterator[str]:
        """Compare the pyproject.toml of a local package with its entry."""
        # Sources with markers give one name to several trees.
        trees = [package for package in self.lock.by_name.get(member.name, ()) if package.is_local_tree]
        package = next(
            (tree for tree in trees if tree_path(tree) == member.path), trees[0] if trees else None
        )
        if package is None:
            return
        value, name = member.pyproject, member.name
        if value.name is not None and value.name != name:
            yield f"package {name}: {member.pyproject_path} is named {value.name}"
        if value.version and package.version and not same_version(value.version, package.version):
            yield f"package {name}: version is {shorten(value.version, 40)}, the lock has {package.version}"
        if member.path == PurePosixPath(".") and groups:
            yield from _check_kind(member, package)
        if groups and self.lock.revision >= 5:
            yield from group_settings(f"package {name}", value, package)
        if package.metadata.present:
            yield from self._check_metadata(member, package, groups=groups)

    def _check_metadata(self, member: Member, package: Package, *, groups: bool) -> Iterator[str]:
        value, where = member.pyproject, f"package {member.name}"
        sources = self._sources_of(value)
        if not {"dependencies", "optional-dependencies"} & set(value.dynamic):
            listed = [*read_requirements(value.dependencies)]
            for extra, texts in value.optional_dependencies:
                listed += read_requirements(texts, extra=extra)
            flat = tuple(without_own_extras(member.name, listed))
            pair = _Pair(f"{where}: dependencies", listed, package.metadata.requires_dist, sources, flat)
            yield from pair.differences(self.lock.requires_python)
            extras = {name for name, _ in value.optional_dependencies}
            if self.lock.revision >= 1 and extras != set(package.metadata.provides_extras):
                changed = ", ".join(sorted(extras ^ set(package.metadata.provides_extras)))
                yield f"{where}: optional-dependencies: not in both pyproject.toml and lock: {changed}"
        if groups:
            yield from self._check_groups(where, value, dict(package.metadata.requires_dev), sources)

    def _check_groups(
        self,
        where: str,
        value: PyProject,
        locked: Mapping[str, tuple[LockedRequirement, ...]],
        sources: Sources,
    ) -> Iterator[str]:
        groups = dict(value.groups)
        for name in groups:
            declared = list(required_of_group(value, name))
            # Older revisions leave out empty groups.
            if name in locked or declared:
                pair = _Pair(f"{where}: dependency group {name}", declared, locked.get(name, ()), sources)
                yield from pair.differences(self.lock.requires_python)
        for name in sorted(locked.keys() - groups.keys()):
            yield f"{where}: the lock has the dependency group {name}, pyproject.toml does not"

    def check_root_groups(self) -> Iterator[str]:
        """Compare the groups of a workspace root that is not a project, which are in the manifest."""
        root = self.project.pyproject
        if root is not None and root.name is None:
            yield from self._check_groups(
                "workspace", root, dict(self.lock.manifest.dependency_groups), self._sources_of(root)
            )
            if self.lock.revision >= 5:
                yield from group_settings("workspace", root, self.lock.manifest)


def _check_kind(member: Member, package: Package) -> Iterator[str]:
    """Compare whether the root itself is installed (``tool.uv.package``, a build system)."""
    value, wanted = member.pyproject, member.pyproject.tool_uv.get("package")
    installed = wanted if isinstance(wanted, bool) else value.build_system.declared
    if installed == isinstance(package.source, VirtualSource):
        kind = "a package to build" if installed else "no package (no build system, or `package = false`)"
        yield f"package {member.name}: pyproject.toml makes it {kind}, the lock does not"


def _other_trees(project: Project) -> Iterator[Member]:
    """Source trees outside the workspace that declare their requirements in pyproject.toml."""
    members = {member.name for member in project.members}
    for package in project.lock.packages:
        source = package.source
        if package.name not in members and isinstance(source, DirectorySource | EditableSource):
            path = PurePosixPath(source.path)
            pyproject = project.root / path / "pyproject.toml"
            if pyproject.is_file() and (value := read_pyproject(pyproject)).name is not None:
                yield Member(package.name, path, value, is_virtual=False)


def _workspace_names(root: Path, pyproject: PyProject) -> Iterator[str]:
    """Names of the projects that the workspace's globs match; folders without pyproject.toml are ignored."""
    if pyproject.name is not None:
        yield pyproject.name
    excluded = {path for pattern in pyproject.workspace_exclude for path in _glob(root, pattern)}
    seen = set[Path]()
    for pattern in pyproject.workspace_members or ():
        for path in _glob(root, pattern):
            if path in seen or path in excluded or path == root or len(seen) >= MAX_MEMBERS:
                continue
            seen.add(path)
            if (path / "pyproject.toml").is_file():
                member = read_pyproject(path / "pyproject.toml")
                if member.name is not None and member.tool_uv.get("managed") is not False:
                    yield member.name


def _glob(root: Path, pattern: str) -> list[Path]:
    # `**` above the project would walk the whole machine.
    if "**" in pattern and ".." in pattern:
        return []
    try:
        return [path for path in root.glob(pattern.rstrip("/")) if path.is_dir()]
    except (ValueError, NotImplementedError, OSError, IndexError):
        return []
