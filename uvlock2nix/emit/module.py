"""``module.nix``: a NixOS module that runs the project as a service."""

from __future__ import annotations

from uvlock2nix.emit.common import MAKER, PACKAGE, header, strings
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
from uvlock2nix.service import Service


def module_file(plan: Plan, service: Service) -> str:
    """The text of ``module.nix``.

    Raises:
        UsageError: the project has no program, and no process is named.
    """
    package = Func("pkgs", call("pkgs.callPackage", Path(0, (PACKAGE,)), AttrSet(())))
    binds: list[Bind | Inherit] = [
        Bind(("name",), string(plan.name)),
        Bind(("package",), package),
        Bind(("processes",), _processes(plan, service)),
    ]
    if service.description:
        binds.append(Bind(("description",), string(service.description)))
    if service.pre_start:
        commands = tuple(Item(strings(one)) for one in service.pre_start)
        binds.append(Bind(("preStart",), List(commands, broken=True)))
    if service.manage:
        binds.append(Bind(("manage",), strings(service.manage)))
    if service.port is not None:
        binds.append(Bind(("address",), value({"host": service.host, "port": service.port})))
    if service.environment:
        binds.append(Bind(("environment",), value(dict(sorted(service.environment.items())))))
    if service.settings_file:
        file = {"format": service.settings_file.format, "variable": service.settings_file.variable}
        binds.append(Bind(("settingsFile",), value(file)))
    if service.secrets_as != "file":
        binds.append(Bind(("secretsAs",), string(service.secrets_as)))
    if service.writable_memory:
        binds.append(Bind(("writableMemory",), True))
    if not service.network:
        binds.append(Bind(("network",), False))
    body = call("import", Path(0, (MAKER,)), AttrSet(tuple(binds)))
    return render_file(body, header(plan, "a NixOS module that runs it as a service"))


def _processes(plan: Plan, service: Service) -> Expr:
    if service.processes:
        return attrs((name, strings(command)) for name, command in service.processes.items())
    if plan.main_program is None:
        raise UsageError(
            f"{plan.name}: the project has no program that a service could run",
            hint='name one under [tool.uvlock2nix.service]: processes = { web = ["program"] }',
        )
    return attrs({"web": strings([plan.main_program])})
