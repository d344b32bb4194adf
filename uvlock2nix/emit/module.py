"""``module.nix``: a NixOS module that runs the project as a service."""

from __future__ import annotations

from collections.abc import Iterable

from uvlock2nix.emit.common import MAKER, PACKAGE, STATIC, header, strings
from uvlock2nix.errors import UsageError
from uvlock2nix.nixlang import (
    AttrSet,
    Bind,
    Expr,
    Func,
    Inherit,
    Item,
    List,
    Path,
    attrs,
    call,
    render_file,
    string,
    value,
)
from uvlock2nix.plan import Plan
from uvlock2nix.service import Command, Service


def module_file(plan: Plan, service: Service) -> str:
    """The text of ``module.nix``.

    Raises:
        UsageError: the project has no program, and no process is configured.
    """
    package = Func("pkgs", call("pkgs.callPackage", Path(0, (PACKAGE,)), AttrSet(())))
    binds: list[Bind | Inherit] = [
        Bind(("name",), string(plan.name)),
        Bind(("package",), package),
        Bind(("processes",), processes_of(plan, service)),
    ]
    if service.timers:
        binds.append(Bind(("timers",), timers_of(service)))
    if service.description:
        binds.append(Bind(("description",), string(service.description)))
    if service.pre_start:
        binds.append(Bind(("preStart",), commands(service.pre_start)))
    if service.static:
        binds.append(Bind(("static",), static_files(service, service.static)))
    if service.manage:
        binds.append(Bind(("manage",), strings(service.manage)))
    if service.port is not None:
        binds.append(Bind(("address",), value({"host": service.host, "port": service.port})))
    if service.environment:
        binds.append(Bind(("environment",), value(dict(sorted(service.environment.items())))))
    if service.settings_file:
        file = {"format": service.settings_file.format, "variable": service.settings_file.variable}
        binds.append(Bind(("settingsFile",), value(file)))
    if service.secrets:
        binds.append(Bind(("secrets",), strings(service.secrets)))
    if service.secrets_as != "file":
        binds.append(Bind(("secretsAs",), string(service.secrets_as)))
    if service.writable_memory:
        binds.append(Bind(("writableMemory",), True))
    if not service.network:
        binds.append(Bind(("network",), False))
    body = call("import", Path(0, (MAKER,)), AttrSet(tuple(binds)))
    return render_file(body, header(plan, "a NixOS module that runs it as a service"))


def commands(listed: Iterable[Command]) -> Expr:
    """A list of commands."""
    return List(tuple(Item(strings(one)) for one in listed), broken=True)


def static_files(service: Service, command: Command) -> Expr:
    """The function that collects the static files of a venv; see nix/lib/mkStaticFiles.nix."""
    binds = [Bind(("command",), strings(command))]
    if service.environment:
        binds.append(Bind(("environment",), value(dict(sorted(service.environment.items())))))
    return call("import", Path(0, (STATIC,)), AttrSet(tuple(binds)))


def timers_of(service: Service) -> Expr:
    """Timer name → its command and its times."""
    return attrs(
        (
            name,
            AttrSet(
                (Bind(("command",), strings(timer.command)), Bind(("calendar",), string(timer.calendar)))
            ),
        )
        for name, timer in service.timers.items()
    )


def processes_of(plan: Plan, service: Service) -> Expr:
    """Process name → its command; the main program if no process is configured.

    Raises:
        UsageError: nor is there a program.
    """
    if service.processes:
        return attrs((name, strings(command)) for name, command in service.processes.items())
    if plan.main_program is None:
        raise UsageError(
            f"{plan.name}: the project has no program for a service to run",
            hint='name one under [tool.uvlock2nix.service]: processes = { web = ["program"] }',
        )
    return attrs({"web": strings([plan.main_program])})
