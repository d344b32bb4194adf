"""``image.nix``: a container image of the project."""

from __future__ import annotations

from uvlock2nix.emit.common import IMAGE_MAKER, PACKAGE, header, strings
from uvlock2nix.emit.module import commands, processes_of, static_files, timers_of
from uvlock2nix.nixlang import AttrSet, Bind, Inherit, Path, call, render_file, string, value
from uvlock2nix.plan import Plan
from uvlock2nix.service import Service


def image_file(plan: Plan, service: Service) -> str:
    """The text of ``image.nix``.

    Raises:
        UsageError: the project has no program for the image to start.
    """
    binds: list[Bind | Inherit] = [
        # Image names are lower case.
        Bind(("name",), string(plan.name.lower())),
        Bind(("package",), Path(0, (PACKAGE,))),
        Bind(("tag",), string((plan.version.known or "latest").replace("+", "-"))),
        Bind(("processes",), processes_of(plan, service)),
    ]
    if service.timers:
        binds.append(Bind(("timers",), timers_of(service)))
    if service.pre_start:
        binds.append(Bind(("preStart",), commands(service.pre_start)))
    if service.manage:
        binds.append(Bind(("manage",), strings(service.manage)))
    if service.static:
        binds.append(Bind(("static",), static_files(service, service.static)))
    if service.port is not None:
        binds.append(Bind(("port",), value(service.port)))
    if service.environment:
        binds.append(Bind(("environment",), value(dict(sorted(service.environment.items())))))
    body = call("import", Path(0, (IMAGE_MAKER,)), AttrSet(tuple(binds)))
    return render_file(body, header(plan, "its container image"))
