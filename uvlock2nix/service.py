"""``[tool.uvlock2nix.service]`` of pyproject.toml: what the NixOS module of a project runs.

A command is a list: a program of the environment and its arguments, in which ``{host}``, ``{port}`` and
``{state}`` are replaced by the module's options. No key is needed: without ``processes`` the main program of
the project is the only process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from uvlock2nix.errors import UsageError

Command = tuple[str, ...]
SecretsAs = Literal["file", "variable"]

FORMATS: Final = ("json", "toml", "yaml", "ini")
KEYS: Final = (
    "description", "processes", "pre-start", "manage", "host", "port", "environment", "settings-file",
    "secrets-as", "writable-memory", "network",
)  # fmt: skip
_WHERE: Final = "[tool.uvlock2nix.service]"


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A file for the program's settings: its format, and the environment variable that names it."""

    format: str
    variable: str


@dataclass(frozen=True, slots=True)
class Service:
    """What a NixOS module needs to know; see nix/lib/mkServiceModule.nix for each argument's meaning."""

    processes: Mapping[str, Command] = field(default_factory=dict)
    pre_start: tuple[Command, ...] = ()
    manage: Command | None = None
    host: str = "127.0.0.1"
    port: int | None = None
    description: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    settings_file: SettingsFile | None = None
    secrets_as: SecretsAs = "file"
    writable_memory: bool = False
    network: bool = True


def parse_service(table: Mapping[str, object]) -> Service:
    """Read the table as TOML gives it.

    Raises:
        UsageError: for unknown keys and values of the wrong type, all of them together.
    """
    reader = _Reader(table)
    service = Service(
        processes=reader.processes(),
        pre_start=reader.commands("pre-start"),
        manage=reader.command("manage"),
        host=reader.text("host") or "127.0.0.1",
        port=reader.port(),
        description=reader.text("description"),
        environment=reader.environment(),
        settings_file=reader.settings_file(),
        secrets_as=reader.secrets_as(),
        writable_memory=reader.flag("writable-memory", default=False),
        network=reader.flag("network", default=True),
    )
    reader.finish(service)
    return service


class _Reader:
    """Typed access to the table; collects every problem."""

    def __init__(self, table: Mapping[str, object]) -> None:
        from uvlock2nix.spelling import did_you_mean

        self._table = table
        self._problems = [f"unknown key `{key}`{did_you_mean(key, KEYS)}" for key in table if key not in KEYS]

    def _wrong(self, key: str, wanted: str) -> None:
        self._problems.append(f"`{key}` must be {wanted}, not {self._table[key]!r}")

    def text(self, key: str) -> str | None:
        """A string that is not empty."""
        value = self._table.get(key)
        if value is None or (isinstance(value, str) and value):
            return value
        self._wrong(key, "a string")
        return None

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._table.get(key, default)
        if isinstance(value, bool):
            return value
        self._wrong(key, "true or false")
        return default

    def port(self) -> int | None:
        """A TCP port."""
        value = self._table.get("port")
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536):
            return value
        self._wrong("port", "a port number")
        return None

    def command(self, key: str) -> Command | None:
        """A list of words."""
        value = self._table.get(key)
        if value is None:
            return None
        if words := _words(value):
            return words
        self._wrong(key, 'a command such as ["program", "argument"]')
        return None

    def commands(self, key: str) -> tuple[Command, ...]:
        """A list of commands."""
        value = self._table.get(key, [])
        commands = [_words(one) for one in value] if isinstance(value, list) else [None]
        if all(commands):
            return tuple(one for one in commands if one)
        self._wrong(key, 'a list of commands such as [["program", "argument"]]')
        return ()

    def processes(self) -> dict[str, Command]:
        """Commands by the name of the process."""
        value = self._table.get("processes", {})
        if not isinstance(value, dict):
            self._wrong("processes", "a table of commands")
            return {}
        found = {name: words for name, one in value.items() if (words := _words(one))}
        for name in value:
            if name not in found:
                self._problems.append(f'`processes.{name}` must be a command such as ["program", "argument"]')
            elif not name.replace("-", "").replace("_", "").isalnum():
                self._problems.append(f"`processes.{name}`: a process has a name of letters, digits, - and _")
        return found

    def environment(self) -> dict[str, str]:
        """Strings by the name of the variable."""
        value = self._table.get("environment", {})
        if isinstance(value, dict) and all(isinstance(one, str) for one in value.values()):
            return dict(value)
        self._wrong("environment", "a table of strings")
        return {}

    def settings_file(self) -> SettingsFile | None:
        """A table with format and variable."""
        value = self._table.get("settings-file")
        if value is None:
            return None
        if isinstance(value, dict) and value.keys() == {"format", "variable"}:
            format_, variable = value["format"], value["variable"]
            if format_ in FORMATS and isinstance(variable, str) and variable.isidentifier():
                return SettingsFile(str(format_), variable)
        self._wrong("settings-file", '{ format = "json", variable = "NAME" } (' + ", ".join(FORMATS) + ")")
        return None

    def secrets_as(self) -> SecretsAs:
        """How the program takes secrets."""
        value = self._table.get("secrets-as", "file")
        for known in get_args(SecretsAs):
            if value == known:
                return known  # type: ignore[no-any-return]
        self._wrong("secrets-as", '"file" or "variable"')
        return "file"

    def finish(self, service: Service) -> None:
        """Report every problem."""
        commands = (*service.processes.values(), *service.pre_start, service.manage or ())
        if service.port is None and any("{port}" in word for one in commands for word in one):
            self._problems.append("a command has {port}, but `port` is not set")
        if self._problems:
            raise UsageError(
                f"{_WHERE} in pyproject.toml: " + "; ".join(self._problems),
                hint="the keys are: " + ", ".join(sorted(KEYS)),
            )


def _words(value: object) -> Command | None:
    if isinstance(value, list) and value and all(isinstance(one, str) and one for one in value):
        return tuple(value)
    return None
