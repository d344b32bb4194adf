"""``[tool.uv]`` (or uv.toml) → the settings that matter after locking.

https://docs.astral.sh/uv/reference/settings/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from uvlock2nix.lock.wire import Problems, Table, shorten


class Index(NamedTuple):
    """``[[tool.uv.index]]``. The URL may contain credentials: never write it into a derivation."""

    name: str | None
    url: str
    default: bool = False
    explicit: bool = False
    format: str | None = None


class ExtraBuildDependency(NamedTuple):
    """A build requirement added by the user; ``match_runtime``: use the locked version of that name."""

    requirement: str
    match_runtime: bool = False


ConfigSettings = tuple[tuple[str, tuple[str, ...]], ...]
"""PEP 517 config settings: key → its values."""


class UvSettings(NamedTuple):
    """uv's settings of the workspace root. Package names are normalised.

    ``no_binary`` and ``no_build`` are None if not set, which differs from false: see
    BuildPolicy. ``default_groups`` is None (uv then takes ``dev``), ``"all"`` or names.
    """

    no_binary: bool | None = None
    no_binary_package: tuple[str, ...] = ()
    no_build: bool | None = None
    no_build_package: tuple[str, ...] = ()
    default_groups: tuple[str, ...] | Literal["all"] | None = None
    build_constraint_dependencies: tuple[str, ...] = ()
    constraint_dependencies: tuple[str, ...] = ()
    override_dependencies: tuple[str, ...] = ()
    no_build_isolation: bool = False
    no_build_isolation_package: tuple[str, ...] = ()
    extra_build_dependencies: tuple[tuple[str, tuple[ExtraBuildDependency, ...]], ...] = ()
    extra_build_variables: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    config_settings: ConfigSettings = ()
    config_settings_package: tuple[tuple[str, ConfigSettings], ...] = ()
    exclude_newer: str | None = None
    exclude_newer_package: tuple[tuple[str, str | None], ...] = ()
    indexes: tuple[Index, ...] = ()
    index_url: str | None = None
    extra_index_url: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    index_strategy: str | None = None
    allow_insecure_host: tuple[str, ...] = ()
    http_proxy: str | None = None
    https_proxy: str | None = None
    no_proxy: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    required_environments: tuple[str, ...] = ()
    resolution: str | None = None
    prerelease: str | None = None
    fork_strategy: str | None = None
    managed: bool = True


def read_settings(table: Table, problems: Problems) -> UvSettings:
    """The settings in a ``[tool.uv]`` table or a uv.toml; keys that are not needed are left to uv."""
    where = "tool.uv"
    return UvSettings(
        no_binary=problems.boolean(table, "no-binary", where),
        no_binary_package=problems.names(table, "no-binary-package", where),
        no_build=problems.boolean(table, "no-build", where),
        no_build_package=problems.names(table, "no-build-package", where),
        default_groups=read_default_groups(table, problems),
        build_constraint_dependencies=_requirements(table, "build-constraint-dependencies", problems),
        constraint_dependencies=_requirements(table, "constraint-dependencies", problems),
        override_dependencies=_requirements(table, "override-dependencies", problems),
        no_build_isolation=problems.boolean(table, "no-build-isolation", where) or False,
        no_build_isolation_package=problems.names(table, "no-build-isolation-package", where),
        extra_build_dependencies=_extra_build_dependencies(table, problems),
        extra_build_variables=tuple(
            (problems.name(name, where, "extra-build-variables"), _variables(variables, name, problems))
            for name, variables in problems.table(table, "extra-build-variables", where).items()
        ),
        config_settings=_config_settings(table, "config-settings", problems),
        config_settings_package=tuple(
            (
                problems.name(name, where, "config-settings-package"),
                _config_settings({name: value}, name, problems),
            )
            for name, value in problems.table(table, "config-settings-package", where).items()
        ),
        exclude_newer=_time(table.get("exclude-newer")),
        exclude_newer_package=tuple(
            (problems.name(name, where, "exclude-newer-package"), None if value is False else _time(value))
            for name, value in problems.table(table, "exclude-newer-package", where).items()
        ),
        indexes=tuple(
            index for entry in problems.tables(table, "index", where) if (index := _index(entry, problems))
        ),
        index_url=problems.text(table, "index-url", where),
        extra_index_url=problems.texts(table, "extra-index-url", where),
        find_links=problems.texts(table, "find-links", where),
        no_index=problems.boolean(table, "no-index", where) or False,
        index_strategy=problems.text(table, "index-strategy", where),
        allow_insecure_host=problems.texts(table, "allow-insecure-host", where),
        http_proxy=problems.text(table, "http-proxy", where),
        https_proxy=problems.text(table, "https-proxy", where),
        no_proxy=problems.texts(table, "no-proxy", where),
        environments=_text_or_list(table, "environments", problems),
        required_environments=_text_or_list(table, "required-environments", problems),
        resolution=problems.text(table, "resolution", where),
        prerelease=problems.text(table, "prerelease", where),
        fork_strategy=problems.text(table, "fork-strategy", where),
        managed=problems.boolean(table, "managed", where) is not False,
    )


def read_default_groups(table: Table, problems: Problems) -> tuple[str, ...] | Literal["all"] | None:
    """``default-groups``: a list of names, or ``"all"``; None if it is not set."""
    value = table.get("default-groups")
    if value is None:
        return None
    if value == "all":
        return "all"
    if isinstance(value, str):
        problems.add("tool.uv", "default-groups", f'is neither a list nor "all": {shorten(repr(value), 40)}')
        return None
    return problems.names(table, "default-groups", "tool.uv")


def _requirements(table: Table, key: str, problems: Problems) -> tuple[str, ...]:
    """Requirement strings; uv also takes tables for overrides, which only matter while locking."""
    return tuple(item for item in problems.items(table, key, "tool.uv") if isinstance(item, str))


def _text_or_list(table: Table, key: str, problems: Problems) -> tuple[str, ...]:
    if isinstance(table.get(key), str):
        text = problems.text(table, key, "tool.uv")
        return (text,) if text else ()
    return problems.texts(table, key, "tool.uv")


def _extra_build_dependencies(
    table: Table, problems: Problems
) -> tuple[tuple[str, tuple[ExtraBuildDependency, ...]], ...]:
    where, key = "tool.uv", "extra-build-dependencies"
    packages = problems.table(table, key, where)
    found = []
    for package in packages:
        listed = []
        for item in problems.items(packages, package, f"{where}: {key}"):
            if isinstance(item, str):
                listed.append(ExtraBuildDependency(item))
            elif isinstance(item, dict) and isinstance(item.get("requirement"), str):
                listed.append(ExtraBuildDependency(item["requirement"], item.get("match-runtime") is True))
            else:
                problems.add(
                    where, f"{key}.{shorten(package, 40)}", "contains something that is not a requirement"
                )
        found.append((problems.name(package, where, key), tuple(listed)))
    return tuple(found)


def _variables(value: object, name: str, problems: Problems) -> tuple[tuple[str, str], ...]:
    if isinstance(value, Mapping) and all(isinstance(text, str) for text in value.values()):
        return tuple(sorted((str(key), str(text)) for key, text in value.items()))
    problems.add("tool.uv", f"extra-build-variables.{shorten(name, 40)}", "is not a table of strings")
    return ()


def _config_settings(table: Table, key: str, problems: Problems) -> ConfigSettings:
    found = []
    for name, value in problems.table(table, key, "tool.uv: config-settings").items():
        values = value if isinstance(value, list) else [value]
        texts = tuple(str(item).lower() if isinstance(item, bool) else str(item) for item in values)
        if any(isinstance(item, dict | list) for item in values):
            problems.add("tool.uv", f"config-settings.{shorten(name, 40)}", "is neither a string nor a list")
        found.append((name, texts))
    return tuple(found)


def _index(entry: Table, problems: Problems) -> Index | None:
    where = "tool.uv: index"
    url = problems.text(entry, "url", where, required=True)
    if url is None:
        return None
    return Index(
        name=problems.text(entry, "name", where),
        url=url,
        default=problems.boolean(entry, "default", where) or False,
        explicit=problems.boolean(entry, "explicit", where) or False,
        format=problems.text(entry, "format", where),
    )


def _time(value: object) -> str | None:
    if isinstance(value, str):
        return value[:64]
    isoformat = getattr(value, "isoformat", None)
    return None if isoformat is None else str(isoformat()).replace("+00:00", "Z")
