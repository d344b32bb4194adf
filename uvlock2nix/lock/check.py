"""Whether a lock still belongs to its pyproject.toml files, as far as it can be seen without uv.

``uv lock --check`` is the judge; this finds the everyday cases early and says what differs: members,
requires-python, versions, requirements, extras, dependency groups. Now and then uv is content with a change
that we tell, because it alters nothing that is locked: so this is something to warn of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from uvlock2nix.lock.marker_diagrams import Conditions
from uvlock2nix.lock.markers import MarkerError
from uvlock2nix.lock.model import DirectorySource, EditableSource, Package
from uvlock2nix.lock.model import Requirement as LockedRequirement
from uvlock2nix.lock.project import Member, Project
from uvlock2nix.lock.pyproject import PyProject, read_pyproject
from uvlock2nix.lock.script import read_script
from uvlock2nix.lock.wire import normalize, shorten
from uvlock2nix.target import SYSTEMS, Target, latest_patch

MAX_MEMBERS = 5_000
_SOURCE_KEYS = frozenset(("git", "url", "path", "directory", "editable", "virtual"))

# What a requirement is compared by: name, extras, specifier ("" where a source decides), and where it holds.
_Key = tuple[str, tuple[str, ...], str, tuple[bool, ...]]


def check_lock_matches(project: Project) -> list[str]:
    """What in the lock does not fit the project, one sentence each; empty if nothing was found.

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


class _Checker:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.lock = project.lock
        self.places = [Conditions(environment) for environment in _environments(self.lock.requires_python)]

    def check_script(self, script: Path) -> list[str]:
        metadata = read_script(script)
        found = []
        if metadata.requires_python is not None and not _same_specifier(
            metadata.requires_python, self.lock.requires_python
        ):
            found.append(f"script: requires-python is {metadata.requires_python}, {self._locked_python()}")
        sources = _source_names([metadata.tool.get("uv", {})])
        declared = self._declared(metadata.dependencies, sources)
        locked = self._locked(self.lock.manifest.requirements, sources)
        found.extend(_differences("script: dependencies", declared, locked))
        return found

    def check_members(self) -> Iterator[str]:
        """The workspace's globs against the members in the lock."""
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
        values = [value for member in self.project.members if (value := member.pyproject.requires_python)]
        declared = ",".join(values)
        if declared and not _same_specifier(declared, self.lock.requires_python):
            yield f"requires-python: pyproject.toml has {declared}, {self._locked_python()}"

    def check_settings(self) -> Iterator[str]:
        """What ``[tool.uv]`` of the workspace root told the resolver."""
        root, manifest, settings = self.project.pyproject, self.lock.manifest, self.project.uv
        if root is None:
            return
        sources = _source_names([root.tool_uv])
        for key, texts, requirements in (
            ("constraint-dependencies", settings.constraint_dependencies, manifest.constraints),
            ("override-dependencies", settings.override_dependencies, manifest.overrides),
            (
                "build-constraint-dependencies",
                settings.build_constraint_dependencies,
                manifest.build_constraints,
            ),
        ):
            # Tables among them say more than a name and a version: those are left to uv.
            if all(isinstance(item, str) for item in root.tool_uv.get(key, ())):
                declared, locked = self._declared(texts, sources), self._locked(requirements, sources)
                yield from _differences(f"tool.uv: {key}", declared, locked)
        if self._places_of(settings.environments) != self._places_of(self.lock.supported_markers):
            yield "tool.uv: environments: differ between pyproject.toml and lock"
        wanted, required = settings.required_environments, self.lock.required_markers
        if required and self._places_of(wanted) != self._places_of(required):
            yield "tool.uv: required-environments: differ between pyproject.toml and lock"

    def _places_of(self, markers: Iterable[str]) -> set[tuple[bool, ...]]:
        """Where each marker holds, among the places that we ask about."""
        try:
            return {tuple(place.compile(marker) != 0 for place in self.places) for marker in markers}
        except MarkerError:
            return set()

    def _locked_python(self) -> str:
        return f"the lock has {self.lock.requires_python}"

    def check_member(self, member: Member, *, groups: bool = True) -> Iterator[str]:
        package = next((p for p in self.lock.by_name.get(member.name, ()) if p.is_local_tree), None)
        if package is None:
            return
        value, name = member.pyproject, member.name
        if value.name is not None and value.name != name:
            yield f"package {name}: {member.pyproject_path} is named {value.name}"
        if value.version and package.version and not _same_version(value.version, package.version):
            yield f"package {name}: version is {shorten(value.version, 40)}, the lock has {package.version}"
        if package.metadata.present:
            yield from self._check_metadata(member, package, groups=groups)

    def _check_metadata(self, member: Member, package: Package, *, groups: bool) -> Iterator[str]:
        value, where = member.pyproject, f"package {member.name}"
        sources = _source_names(
            [value.tool_uv, self.project.pyproject.tool_uv if self.project.pyproject else {}]
        )
        if not {"dependencies", "optional-dependencies"} & set(value.dynamic):
            texts = [*value.dependencies, *_with_extra(value.optional_dependencies)]
            declared = self._declared(texts, sources)
            locked = self._locked(package.metadata.requires_dist, sources)
            yield from _differences(f"{where}: dependencies", declared, locked)
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
        sources: frozenset[str],
    ) -> Iterator[str]:
        groups = dict(value.groups)
        for name in groups:
            declared = self._declared(expand_group(groups, name), sources)
            # Older revisions leave out empty groups.
            if name in locked or declared:
                found = self._locked(locked.get(name, ()), sources)
                yield from _differences(f"{where}: dependency group {name}", declared, found)
        for name in sorted(locked.keys() - groups.keys()):
            yield f"{where}: the lock has the dependency group {name}, pyproject.toml does not"

    def check_root_groups(self) -> Iterator[str]:
        """The groups of a workspace root that is no project stand in the manifest."""
        root = self.project.pyproject
        if root is not None and root.name is None:
            sources = _source_names([root.tool_uv])
            yield from self._check_groups(
                "workspace", root, dict(self.lock.manifest.dependency_groups), sources
            )

    def _declared(self, texts: Iterable[str], sources: frozenset[str]) -> Counter[_Key]:
        found: set[_Key] = set()
        for text in texts:
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                continue
            name = normalize(requirement.name)
            marker = str(requirement.marker) if requirement.marker is not None else ""
            plain = name in sources or requirement.url is not None
            found.add(self._key(name, requirement.extras, str(requirement.specifier), marker, plain))
        return Counter(found)

    def _locked(self, requirements: Iterable[LockedRequirement], sources: frozenset[str]) -> Counter[_Key]:
        return Counter(
            {
                self._key(
                    item.name,
                    item.extras,
                    item.specifier,
                    item.marker,
                    item.name in sources or any(key in _SOURCE_KEYS for key, _ in item.source),
                )
                for item in requirements
            }
        )

    def _key(self, name: str, extras: Iterable[str], specifier: str, marker: str, plain: bool) -> _Key:
        """``plain``: a source decides (or splits the requirement by marker), so compare the name only."""
        if plain:
            return name, (), "", ()
        try:
            holds = tuple(place.compile(marker) != 0 for place in self.places)
        except MarkerError:
            holds = ()
        try:
            canonical = str(SpecifierSet(specifier))
        except ValueError:
            canonical = specifier
        extra = _extra_of(marker)
        return name, (*sorted(map(normalize, extras)), f"extra {extra}"), canonical, holds


def _other_trees(project: Project) -> Iterator[Member]:
    """Source trees beside the workspace, as far as they say in pyproject.toml what they need."""
    members = {member.name for member in project.members}
    for package in project.lock.packages:
        source = package.source
        if package.name not in members and isinstance(source, DirectorySource | EditableSource):
            path = PurePosixPath(source.path)
            pyproject = project.root / path / "pyproject.toml"
            if pyproject.is_file() and (value := read_pyproject(pyproject)).name is not None:
                yield Member(package.name, path, value, is_virtual=False)


def expand_group(groups: Mapping[str, tuple[str, ...]], name: str) -> Iterator[str]:
    """The requirements of a dependency group, with its ``include-group`` entries (each once)."""
    seen, queue = set[str](), [name]
    while queue:
        group = queue.pop()
        if group in seen:
            continue
        seen.add(group)
        for entry in groups.get(group, ()):
            if entry.startswith("include-group:"):
                queue.append(entry.removeprefix("include-group:"))
            else:
                yield entry


def _extra_of(marker: str) -> str:
    """The value that ``extra`` is compared with, in normal form; ``""`` if it is not."""
    _, _, rest = marker.partition("extra == ")
    quote = rest[:1]
    return normalize(rest[1:].partition(quote)[0]) if quote in {"'", '"'} else ""


def _with_extra(extras: Iterable[tuple[str, tuple[str, ...]]]) -> Iterator[str]:
    for extra, texts in extras:
        for text in texts:
            base, semicolon, marker = text.partition(";")
            condition = f"({marker}) and extra == '{extra}'" if semicolon else f"extra == '{extra}'"
            yield f"{base} ; {condition}"


def _differences(where: str, declared: Counter[_Key], locked: Counter[_Key]) -> Iterator[str]:
    added, removed = declared - locked, locked - declared
    if added or removed:
        names = sorted({key[0] for key in (*added, *removed)})
        listed = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        yield f"{where}: differ between pyproject.toml and lock: {listed}"


def _source_names(tables: Iterable[object]) -> frozenset[str]:
    """Names for which ``tool.uv.sources`` decides where they come from."""
    found = set[str]()
    for table in tables:
        sources = table.get("sources") if isinstance(table, Mapping) else None
        if isinstance(sources, Mapping):
            found.update(normalize(str(name)) for name in sources)
    return frozenset(found)


def _workspace_names(root: Path, pyproject: PyProject) -> Iterator[str]:
    """Names of the projects that the workspace's globs find; what has no pyproject.toml is left to uv."""
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


def _same_version(left: str, right: str) -> bool:
    try:
        return Version(left) == Version(right)
    except ValueError:
        return left == right


def _same_specifier(left: str, right: str) -> bool:
    """Whether both admit the same Pythons, asked at every version that either mentions and beside it."""
    try:
        first, second = SpecifierSet(left), SpecifierSet(right)
        probes = set[str]()
        for specifier in (*first, *second):
            release = (*Version(specifier.version.removesuffix(".*")).release, 0, 0)[:3]
            major, minor, patch = release
            for m in (max(minor - 1, 0), minor, minor + 1):
                probes.update(f"{major}.{m}.{p}" for p in (0, max(patch - 1, 0), patch, patch + 1, 99))
        return all(first.contains(probe) == second.contains(probe) for probe in probes)
    except ValueError:
        return left == right


def _environments(requires_python: str) -> Iterator[Mapping[str, str]]:
    """Enough environments to tell everyday markers apart: our systems and Windows on every Python."""
    try:
        admitted = SpecifierSet(requires_python)
    except ValueError:
        admitted = SpecifierSet()
    for minor, patch in latest_patch().items():
        for release in (f"3.{minor}.0", f"3.{minor}.{patch}"):
            if admitted.contains(release):
                for system in SYSTEMS:
                    yield Target.parse(system, release).marker_environment()
                linux = Target.parse(SYSTEMS[0], release).marker_environment()
                for machine in ("AMD64", "ARM64"):
                    yield {
                        **linux,
                        "os_name": "nt",
                        "platform_machine": machine,
                        "platform_system": "Windows",
                        "sys_platform": "win32",
                    }
                yield {**linux, "implementation_name": "pypy", "platform_python_implementation": "PyPy"}
