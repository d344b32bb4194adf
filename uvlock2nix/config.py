"""``[tool.uvlock2nix]`` of pyproject.toml: every option of the command line, set once.

Keys are named after the flags. A flag overrides the table. A misspelt key is an error that names the nearest
valid key, because silently ignoring an option is worse.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeVar

from packaging.version import InvalidVersion, Version

from uvlock2nix.environments import KEY, WHERE
from uvlock2nix.errors import UsageError
from uvlock2nix.nothing import NOTHING
from uvlock2nix.regex import regex

T = TypeVar("T")

BOOLS: Final = (
    "all-packages", "all-extras", "all-groups", "default-groups", "no-default-groups", "dev", "no-dev",
    "only-dev", "no-bytecode",
)  # fmt: skip
LISTS: Final = (
    "package", "extra", "no-extra", "group", "no-group", "only-group", "system",
    "expose", "include", "exclude",
)  # fmt: skip
STRINGS: Final = (
    "python", "libc", "macos", "from-nixpkgs", "main-program", "exclude-newer", "version", "mode",
    "link-mode",
)  # fmt: skip
FREE: Final = (
    "native",
    "nixpkgs",
    "service",
    "collisions",
    "ignore-missing-libraries",
    "check",
    "check-group",
)
KEYS: Final = (*BOOLS, *LISTS, *STRINGS, *FREE, KEY)

# https://www.rfc-editor.org/rfc/rfc3339, in UTC.
RFC3339: Final = regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z\Z")


class Config(NamedTuple):
    """The values of ``[tool.uvlock2nix]``, checked for type; absent keys are ``False``, ``()`` or ``None``.

    ``native`` (native inputs per package), ``nixpkgs`` (allow and deny) and ``service`` (what a NixOS module
    runs) are passed on as read: their own parsers check them.
    """

    bools: frozenset[str] = frozenset()
    lists: Mapping[str, tuple[str, ...]] = NOTHING
    strings: Mapping[str, str] = NOTHING
    native: Mapping[str, object] = NOTHING
    nixpkgs: Mapping[str, object] = NOTHING
    service: Mapping[str, object] = NOTHING
    collisions: Mapping[str, str] = NOTHING
    ignore_missing_libraries: tuple[str, ...] = ()
    check: tuple[str, ...] = ()

    def flag(self, name: str) -> bool:
        """Whether an option without a value is set."""
        return name in self.bools

    def strings_of(self, name: str) -> tuple[str, ...]:
        """The values of a repeatable option."""
        return self.lists.get(name, ())

    def string(self, name: str) -> str | None:
        """The value of an option; None if it is not set."""
        return self.strings.get(name)


def parse_config(table: Mapping[str, object], environment: str = "") -> Config:
    """Check ``[tool.uvlock2nix]`` as read from TOML, for ``environment``.

    Raises:
        UsageError: for an unknown key (with the nearest known one) or a value of the wrong type; all
            problems are reported together.
    """
    from uvlock2nix.spelling import did_you_mean

    problems = [f"unknown key `{key}`{did_you_mean(key, KEYS)}" for key in table if key not in KEYS]
    bools = frozenset(k for k in BOOLS if _typed(table, k, bool, "true or false", problems, default=False))
    lists = {k: _strings(table, k, problems) for k in LISTS if k in table}
    strings = {k: _typed(table, k, str, "a string", problems, default="") for k in STRINGS if k in table}
    if (held := strings.get("exclude-newer")) is not None and not RFC3339.match(held):
        problems.append(f"`exclude-newer` must be a time such as 2026-11-20T00:00:00Z, not {held!r}")
    if (version := strings.get("version")) is not None and not _is_version(version):
        problems.append(f"`version` must be a version such as 1.2.3, not {version!r}")
    if {"default-groups", "no-default-groups"} <= bools:
        problems.append("`default-groups` and `no-default-groups` cannot be used together")
    config = Config(
        bools=bools,
        lists=lists,
        strings=strings,
        native=_table(table, "native", problems),
        nixpkgs=_table(table, "nixpkgs", problems),
        service=_table(table, "service", problems),
        collisions=_string_table(table, "collisions", problems),
        ignore_missing_libraries=_strings(table, "ignore-missing-libraries", problems),
        check=_command(table, "check", problems),
    )
    if problems:
        where = f"{WHERE[:-1]}.{environment}]" if environment else "[tool.uvlock2nix]"
        raise UsageError(
            f"{where} in pyproject.toml: " + "; ".join(problems),
            hint="the keys are: " + ", ".join(sorted(KEYS)),
        )
    return config


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _typed(
    table: Mapping[str, object], key: str, kind: type[T], wanted: str, problems: list[str], *, default: T
) -> T:
    value = table.get(key, default)
    if not isinstance(value, kind):
        problems.append(f"`{key}` must be {wanted}, not {value!r}")
        return default
    return value


def _strings(table: Mapping[str, object], key: str, problems: list[str]) -> tuple[str, ...]:
    value = table.get(key, [])
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        problems.append(f"`{key}` must be a list of strings, not {value!r}")
        return ()
    return tuple(value)


def _command(table: Mapping[str, object], key: str, problems: list[str]) -> tuple[str, ...]:
    """A command: its words, or a shell-like line of them."""
    value = table.get(key)
    if isinstance(value, str):
        try:
            value = shlex.split(value)
        except ValueError:
            value = []
    if value is None or (
        isinstance(value, list) and value and all(isinstance(one, str) and one for one in value)
    ):
        return tuple(value or ())
    problems.append(f'`{key}` must be a command such as "pytest -q" or ["pytest", "-q"], not {table[key]!r}')
    return ()


def _table(table: Mapping[str, object], key: str, problems: list[str]) -> Mapping[str, object]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        problems.append(f"`{key}` must be a table, not {value!r}")
        return {}
    return value


def _string_table(table: Mapping[str, object], key: str, problems: list[str]) -> Mapping[str, str]:
    value = _table(table, key, problems)
    wrong = [k for k, v in value.items() if not isinstance(v, str)]
    problems.extend(f"`{key}.{name}` must be a string" for name in wrong)
    return {k: v for k, v in value.items() if isinstance(v, str)}
