"""``[tool.uvlock2nix.service]`` of pyproject.toml: what the NixOS module of a project runs.

A command is a list: a program of the environment and its arguments, in which ``{host}``, ``{port}``,
``{state}``, ``{runtime}`` and ``{static}`` are replaced. No key is needed: without ``processes`` the main
program of the project runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, get_args

from uvlock2nix.errors import UsageError
from uvlock2nix.nothing import NOTHING

Command = tuple[str, ...]
SecretsAs = Literal["file", "variable"]

FORMATS: Final = ("json", "toml", "yaml", "ini")
KEYS: Final = (
    "description", "processes", "timers", "pre-start", "manage", "static", "host", "port", "environment",
    "settings-file", "secrets", "secrets-as", "writable-memory", "network",
)  # fmt: skip
_WHERE: Final = "[tool.uvlock2nix.service]"


class SettingsFile(NamedTuple):
    """A file for the program's settings: its format, and the environment variable that names it."""

    format: str
    variable: str


class Timer(NamedTuple):
    """A scheduled command; ``calendar`` is systemd's OnCalendar, such as ``daily``."""

    command: Command
    calendar: str


class Service(NamedTuple):
    """The arguments of a NixOS module; see nix/lib/mkServiceModule.nix for their meaning."""

    processes: Mapping[str, Command] = NOTHING
    timers: Mapping[str, Timer] = NOTHING
    pre_start: tuple[Command, ...] = ()
    manage: Command | None = None
    static: Command | None = None
    host: str = "127.0.0.1"
    port: int | None = None
    description: str | None = None
    environment: Mapping[str, str] = NOTHING
    settings_file: SettingsFile | None = None
    secrets: tuple[str, ...] = ()
    secrets_as: SecretsAs = "file"
    writable_memory: bool = False
    network: bool = True

    @property
    def commands(self) -> tuple[Command, ...]:
        """Every command of the table."""
        timers = (timer.command for timer in self.timers.values())
        return (*self.processes.values(), *timers, *self.pre_start, self.manage or (), self.static or ())


def parse_service(table: Mapping[str, object]) -> Service:
    """Read the table as parsed from TOML.

    Raises:
        UsageError: for unknown keys and values of the wrong type, all reported together.
    """
    reader = _Reader(table)
    service = Service(
        processes=reader.processes(),
        timers=reader.timers(),
        pre_start=reader.commands("pre-start"),
        manage=reader.command("manage"),
        static=reader.command("static"),
        host=reader.text("host") or "127.0.0.1",
        port=reader.port(),
        description=reader.text("description"),
        environment=reader.environment(),
        settings_file=reader.settings_file(),
        secrets=reader.secrets(),
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
            else:
                self._unit_name(f"processes.{name}", name)
        return found

    def _unit_name(self, key: str, name: str) -> None:
        """Check a part of a unit's name (systemd.unit(5))."""
        if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
            self._problems.append(f"`{key}`: a name has letters, digits, - and _")

    def timers(self) -> dict[str, Timer]:
        """Scheduled commands by name; processes and timers are separate units."""
        value = self._table.get("timers", {})
        if not isinstance(value, dict):
            self._wrong("timers", "a table of timers")
            return {}
        found: dict[str, Timer] = {}
        processes = self._table.get("processes")
        for name, one in value.items():
            words = _words(one.get("command")) if isinstance(one, dict) and len(one) == 2 else None
            calendar = one.get("calendar") if words else None
            if not words or not isinstance(calendar, str) or not calendar:
                wanted = '{ command = ["program", "argument"], calendar = "daily" }'
                self._problems.append(f"`timers.{name}` must be {wanted}")
                continue
            self._unit_name(f"timers.{name}", name)
            if isinstance(processes, dict) and name in processes:
                self._problems.append(f"`timers.{name}`: a process already has this name")
            found[name] = Timer(words, calendar)
        return found

    def environment(self) -> dict[str, str]:
        """Strings by the name of the variable."""
        value = self._table.get("environment", {})
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            self._wrong("environment", "a table of strings")
            return {}
        self._problems += [
            f"`environment`: {name!r} is not the name of a variable"
            for name in value
            if not (name.isascii() and name.isidentifier())
        ]
        return dict(value)

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

    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets that are required."""
        value = self._table.get("secrets", [])
        names = _words(value) if value != [] else ()
        if names is not None and all(name.isascii() and name.isidentifier() for name in names):
            return names
        self._wrong("secrets", 'a list of names such as ["SECRET_KEY"]')
        return ()

    def secrets_as(self) -> SecretsAs:
        """How the program reads secrets."""
        value = self._table.get("secrets-as", "file")
        for known in get_args(SecretsAs):
            if value == known:
                return known  # type: ignore[no-any-return]
        self._wrong("secrets-as", '"file" or "variable"')
        return "file"

    def finish(self, service: Service) -> None:
        """Report all problems."""
        words = [
            *(word for one in service.commands for word in one),
            *service.environment.values(),
        ]
        for name, value in (("port", service.port), ("static", service.static)):
            if value is None and any(f"{{{name}}}" in word for word in words):
                self._problems.append(f"a command or a variable has {{{name}}}, but `{name}` is not set")
        if self._problems:
            raise UsageError(
                f"{_WHERE} in pyproject.toml: " + "; ".join(self._problems),
                hint="the keys are: " + ", ".join(sorted(KEYS)),
            )


def _words(value: object) -> Command | None:
    if isinstance(value, list) and value and all(isinstance(one, str) and one for one in value):
        return tuple(value)
    return None
