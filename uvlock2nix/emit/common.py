"""What the generated files share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import quote

from uvlock2nix import __version__
from uvlock2nix.emit.attributes import picked
from uvlock2nix.nixlang import AttrSet, Binary, Bind, Expr, Item, List, Path, Str, call, select, string
from uvlock2nix.plan import Input, Plan

PINS: Final = "python-deps.json"
DEPS: Final = "python-deps.nix"
ENV: Final = "python-env.nix"
PACKAGE: Final = "package.nix"
MODULE: Final = "module.nix"
IMAGE: Final = "image.nix"
# The functions that these files call, copied next to them.
MAKER: Final = "service-module.nix"
# It imports this file, which has the same name next to it.
USER_MAKER: Final = "service-user.nix"
IMAGE_MAKER: Final = "service-image.nix"
STATIC: Final = "static-files.nix"

# The host system, where a file has no variable for it.
SYSTEM: Final = select("stdenv.hostPlatform.system")

# The first line of every file that we write, by which we recognise our own files.
MARK: Final = "Written by uvlock2nix"


def header(plan: Plan, what: str) -> tuple[str, ...]:
    """The comment at the top of a generated file: what wrote it, from which lock, and what it is."""
    return (
        f"{MARK} {__version__} from {plan.lock_name}; `{command('generate', plan)}` writes it again.",
        f"{plan.name}: {what}",
    )


def command(verb: str, plan: Plan) -> str:
    """The command to run for a project, in its folder."""
    return f"uvlock2nix {verb} {plan.argument}".rstrip()


def is_conditional(inputs: Iterable[Input], plan: Plan) -> bool:
    """Whether an input is needed on only some of the systems."""
    return any(set(one.systems) != {system.system for system in plan.systems} for one in inputs)


def only_on(systems: Iterable[str], system: Expr) -> Expr:
    """The condition that ``system`` (an expression) is one of ``systems``."""
    return call("lib.elem", system, strings(systems))


def on_systems(groups: Mapping[tuple[str, ...], AttrSet], everywhere: tuple[str, ...], system: Expr) -> Expr:
    """The set of what holds ``everywhere``, with what holds on other systems under a condition.

    ``system`` is the file's expression for the host system.
    """
    result: Expr = groups.get(everywhere, AttrSet(()))
    for systems, some in groups.items():
        if systems != everywhere:
            part = call("lib.optionalAttrs", only_on(systems, system), some)
            result = part if result == AttrSet(()) else Binary("//", result, part)
    return result


def input_list(inputs: Sequence[Input], plan: Plan, system: Expr) -> Expr:
    """A list of inputs, each with the packages that need it; those of some systems only are conditional.

    ``system`` is the file's expression for the host system.
    """
    everywhere = tuple(one.system for one in plan.systems)
    common = [one for one in inputs if set(one.systems) == set(everywhere)]
    groups: dict[tuple[str, ...], list[Input]] = {}
    for one in inputs:
        if one not in common:
            groups.setdefault(one.systems, []).append(one)
    result: Expr = _items(common, plan)
    for systems, some in groups.items():
        result = _plus(result, call("lib.optionals", only_on(systems, system), _items(some, plan)))
    return result


def _items(inputs: Sequence[Input], plan: Plan) -> Expr:
    items = (Item(picked(plan, one.attr, one.packages), ", ".join(one.packages)) for one in inputs)
    return List(tuple(items), broken=True)


def _plus(left: Expr, right: Expr) -> Expr:
    if isinstance(left, List) and not left.items:
        return right
    return Binary("++", left, right)


def no_bytecode(plan: Plan) -> tuple[Bind, ...]:
    """The setting that switches bytecode off in env and package; empty if bytecode is wanted."""
    return () if plan.bytecode else (Bind(("dontCompileBytecode",), True),)


def strings(values: Iterable[str]) -> Expr:
    """A Nix list of strings."""
    return List(tuple(Item(string(value)) for value in values))


def word(path: PurePosixPath | str) -> str:
    """A path as one word of a space-separated list for a builder; spaces are percent-encoded."""
    return "".join(quote(char) if char.isspace() or char == "%" else char for char in str(path))


def project_path(plan: Plan, path: PurePosixPath | str = ".") -> Path:
    """A path of the project (default: its folder), relative to the folder of the generated files."""
    up = len(plan.folder.parts)
    return Path(up, tuple(part for part in PurePosixPath(path).parts if part != "."))


def interpolated(*parts: str | Expr) -> Str:
    """A Nix string of literal texts and interpolated expressions."""
    return Str(tuple(parts))
