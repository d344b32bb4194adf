"""``image.nix``: a container image of the project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from uvlock2nix.emit.common import PACKAGE, header, interpolated
from uvlock2nix.errors import UsageError
from uvlock2nix.nixlang import (
    Apply,
    AttrSet,
    Bind,
    Formal,
    Func,
    Item,
    List,
    Path,
    Text,
    Var,
    call,
    render_file,
    select,
    string,
)
from uvlock2nix.plan import Plan
from uvlock2nix.service import Service

# A user of its own; no image that people trust runs as root.
USER: Final = "1000:1000"


def image_file(plan: Plan, service: Service) -> str:
    """The text of ``image.nix``.

    Raises:
        UsageError: the project has no program that the image could start.
    """
    command = service.processes.get("web") or next(iter(service.processes.values()), None)
    if command is None:
        if plan.main_program is None:
            raise UsageError(
                f"{plan.name}: the project has no program that an image could start",
                hint='name one under [tool.uvlock2nix.service]: processes = { web = ["program"] }',
            )
        command = (plan.main_program,)
    # A container is reached from outside: it listens on all of its own addresses.
    values = {"{host}": "0.0.0.0", "{port}": str(service.port or ""), "{state}": "/tmp"}  # noqa: S104, S108
    filled = [_filled(word, values) for word in command]
    program = interpolated(select("package.venv"), f"/bin/{filled[0]}")
    start = List((Item(program), *(Item(string(word)) for word in filled[1:])))
    variables = [
        interpolated("SSL_CERT_FILE=", Var("cacert"), "/etc/ssl/certs/ca-bundle.crt"),
        interpolated("TZDIR=", Var("tzdata"), "/share/zoneinfo"),
        string("HOME=/tmp"),
        *(string(f"{name}={_filled(text, values)}") for name, text in sorted(service.environment.items())),
    ]
    config = [
        Bind(("Entrypoint",), start),
        Bind(("User",), string(USER)),
        Bind(("WorkingDir",), string("/tmp")),  # noqa: S108
        Bind(("Env",), List(tuple(Item(one) for one in variables), broken=True)),
    ]
    if service.port is not None:
        ports = AttrSet((Bind((f"{service.port}/tcp",), AttrSet(())),))
        config.append(Bind(("ExposedPorts",), ports))
    body = Apply(
        select("dockerTools.buildLayeredImage"),
        (
            AttrSet(
                (
                    Bind(("name",), string(plan.name.lower())),
                    Bind(("tag",), string(plan.version.known or "latest")),
                    Bind(("contents",), List(tuple(Item(Var(one)) for one in ("cacert", "tzdata")))),
                    Bind(
                        ("extraCommands",),
                        Text(("mkdir -p tmp\nchmod 1777 tmp",)),
                        blank_before=True,
                    ),
                    Bind(("config",), AttrSet(tuple(config)), blank_before=True),
                )
            ),
        ),
    )
    formals = (
        Formal("cacert"),
        Formal("callPackage"),
        Formal("dockerTools"),
        Formal("tzdata"),
        Formal("package", call("callPackage", Path(0, (PACKAGE,)), AttrSet(()))),
    )
    return render_file(Func(formals, body), header(plan, "a container image of it"))


def _filled(word: str, values: Mapping[str, str]) -> str:
    for name, text in values.items():
        word = word.replace(name, text)
    return word
