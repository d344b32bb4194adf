"""The parts of a lock that record what it was made from: manifest, options, metadata of local packages."""

from __future__ import annotations

from typing import Final

from uvlock2nix.lock.model import Manifest, Options, PackageMetadata, Requirement
from uvlock2nix.lock.uv_settings import read_default_groups
from uvlock2nix.lock.wire import Problems, Table, is_specifier, shorten

GROUP_PYTHONS: Final = "group-requires-python"
_MANIFEST_KEYS = frozenset(
    [
        "members",
        "requirements",
        "constraints",
        "overrides",
        "excludes",
        "build-constraints",
        "default-groups",
        "dependency-groups",
        "dependency-metadata",
        GROUP_PYTHONS,
    ]
)
_OPTION_KEYS = frozenset(
    [
        "resolution-mode",
        "prerelease-mode",
        "prerelease-package",
        "fork-strategy",
        "exclude-newer",
        "exclude-newer-span",
        "exclude-newer-package",
        "minimum-libc-version",
    ]
)
_METADATA_KEYS = frozenset(("requires-dist", "provides-extras", "requires-dev", "dependency-groups"))
_REQUIREMENT_KEYS = frozenset(("name", "extras", "specifier", "marker"))
_NO_METADATA = PackageMetadata()


def read_requirements(table: Table, key: str, where: str, problems: Problems) -> tuple[Requirement, ...]:
    """An array of requirement tables. An override of a package's dependencies yields those inside it."""
    found: list[Requirement] = []
    for entry in problems.tables(table, key, where):
        if "package" in entry and "dependencies" in entry:
            package = entry["package"]
            owner = package.get("name") if isinstance(package, dict) else package
            of = problems.name(owner, f"{where}: {key}", "package")
            inside = read_requirements(entry, "dependencies", f"{where}: {key}", problems)
            found.extend(requirement._replace(of=of) for requirement in inside)
        else:
            found.append(_read_requirement(entry, f"{where}: {key}", problems))
    return tuple(found)


def _read_requirement(entry: Table, where: str, problems: Problems) -> Requirement:
    name = problems.name(entry.get("name"), where, "name")
    place = f"{where}: {name}"
    source = {key: entry[key] for key in entry.keys() - _REQUIREMENT_KEYS}
    for key, value in source.items():
        if not isinstance(value, str | bool | int | list | dict):
            problems.add(place, shorten(key, 40), "has an unexpected type")
    specifier, marker = entry.get("specifier", ""), entry.get("marker", "")
    for key, value in (("specifier", specifier), ("marker", marker)):
        if not isinstance(value, str):
            problems.add(place, key, f"is not a string but {shorten(repr(value), 40)}")
            specifier = marker = ""
    return Requirement(
        name=name,
        extras=problems.names(entry, "extras", place) if "extras" in entry else (),
        specifier="" if specifier == "*" else specifier,
        marker=marker,
        source=tuple(
            sorted((key, value if isinstance(value, str) else repr(value)) for key, value in source.items())
        ),
    )


def _read_requirement_groups(
    table: Table, key: str, where: str, problems: Problems
) -> tuple[tuple[str, tuple[Requirement, ...]], ...]:
    groups = problems.table(table, key, where)
    return tuple(
        (problems.name(group, where, key), read_requirements(groups, group, f"{where}: {key}", problems))
        for group in groups
    )


def read_metadata(entry: Table, where: str, problems: Problems) -> PackageMetadata:
    """``[package.metadata]``, which only local packages have."""
    if "metadata" not in entry:
        return _NO_METADATA
    table = problems.table(entry, "metadata", where)
    problems.check_keys(table, _METADATA_KEYS, "metadata")
    where = f"{where}: metadata"
    key = "requires-dev" if "requires-dev" in table else "dependency-groups"
    return PackageMetadata(
        present=True,
        requires_dist=read_requirements(table, "requires-dist", where, problems),
        provides_extras=problems.names(table, "provides-extras", where),
        requires_dev=_read_requirement_groups(table, key, where, problems),
    )


def read_manifest(table: Table, problems: Problems) -> Manifest:
    """``[manifest]``; everything in it is optional."""
    where = "manifest"
    problems.check_keys(table, _MANIFEST_KEYS, where)
    metadata = tuple(
        (problems.name(entry.get("name"), f"{where}: dependency-metadata", "name"), _version_of(entry))
        for entry in problems.tables(table, "dependency-metadata", where)
    )
    return Manifest(
        members=problems.names(table, "members", where),
        requirements=read_requirements(table, "requirements", where, problems),
        constraints=read_requirements(table, "constraints", where, problems),
        overrides=read_requirements(table, "overrides", where, problems),
        excludes=tuple(
            str(item.get("name", "")) if isinstance(item, dict) else str(item)
            for item in problems.items(table, "excludes", where)
        ),
        build_constraints=read_requirements(table, "build-constraints", where, problems),
        dependency_groups=_read_requirement_groups(table, "dependency-groups", where, problems),
        dependency_metadata=metadata,
        default_groups=read_default_groups(table, problems),
        group_pythons=read_group_pythons(table, where, problems),
    )


def read_group_pythons(table: Table, where: str, problems: Problems) -> tuple[tuple[str, str], ...]:
    """What dependency groups ask of the Python, as version specifiers; from revision 5 on."""
    pythons = problems.table(table, GROUP_PYTHONS, where)
    found = []
    for group in pythons:
        text = problems.text(pythons, group, f"{where}: {GROUP_PYTHONS}") or ""
        if not is_specifier(text):
            problems.add(f"{where}: {GROUP_PYTHONS}", shorten(group, 40), "is not a version specifier")
        else:
            found.append((problems.name(group, where, GROUP_PYTHONS), text))
    return tuple(found)


def _version_of(entry: Table) -> str | None:
    version = entry.get("version")
    return version if isinstance(version, str) else None


def read_options(table: Table, problems: Problems) -> Options:
    """``[options]``. uv writes a dummy time next to a span; only the span counts."""
    problems.check_keys(table, _OPTION_KEYS, "options")
    newer = table.get("exclude-newer")
    span = problems.text(table, "exclude-newer-span", "options")
    per_package = problems.table(table, "exclude-newer-package", "options")
    return Options(
        resolution_mode=problems.text(table, "resolution-mode", "options"),
        prerelease_mode=problems.text(table, "prerelease-mode", "options"),
        fork_strategy=problems.text(table, "fork-strategy", "options"),
        exclude_newer=None if span is not None or newer is None else _time(newer, "exclude-newer", problems),
        exclude_newer_span=span,
        exclude_newer_package=tuple(
            (
                problems.name(name, "options", "exclude-newer-package"),
                None
                if value is False
                else _time(value, f"exclude-newer-package.{shorten(name, 40)}", problems),
            )
            for name, value in per_package.items()
        ),
    )


def _time(value: object, key: str, problems: Problems) -> str | None:
    """A time as text; a table (a span with its dummy time) gives the span."""
    if isinstance(value, dict):
        value = value.get("span", value.get("timestamp"))
    if isinstance(value, str):
        return value[:64]
    isoformat = getattr(value, "isoformat", None)
    if isoformat is not None:
        return str(isoformat()).replace("+00:00", "Z")
    problems.add("options", key, f"is not a time: {shorten(repr(value), 40)}")
    return None
