"""What applies to some systems only: Linux-only libraries, and additional inputs for macOS."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from uvlock2nix.knowledge.native import BuildInputs, NativeInputs
from uvlock2nix.knowledge.tables import Row, Rows, load_table, texts_of
from uvlock2nix.knowledge.templates import Output, Template, is_attribute
from uvlock2nix.names import canonicalize_name

_FILE: Final = "platforms.json"


class Fitted(NamedTuple):
    """Inputs for a system, and the attributes that are left out because it does not have them."""

    inputs: NativeInputs
    left_out: tuple[str, ...] = ()


def on_darwin(name: str, inputs: NativeInputs) -> Fitted:
    """``inputs`` of a package for macOS.

    The user's own entries are kept as they are. What Linux wheels need from outside does not apply to macOS
    wheels, which contain their libraries.
    """
    gone: dict[str, None] = {}

    def kept(field: str, attrs: tuple[str, ...]) -> tuple[str, ...]:
        if _users(inputs, field):
            return attrs
        gone.update(dict.fromkeys(filter(is_linux_only, attrs)))
        return tuple(attr for attr in attrs if not is_linux_only(attr))

    build, run = inputs.build, inputs.run
    build = build._replace(
        build_inputs=kept("build_inputs", build.build_inputs),
        native_build_inputs=kept("native_build_inputs", build.native_build_inputs),
        env=build.env if _users(inputs, "env") else tuple(entry for entry in build.env if _is_there(entry)),
    )
    run = run._replace(
        dlopen=kept("dlopen", run.dlopen),
        wheel_runtime_libs=run.wheel_runtime_libs if _users(inputs, "wheel_runtime_libs") else (),
    )
    fitted = inputs._replace(build=build, run=run)
    if fitted.compiles:
        fitted = fitted._replace(build=_with_more(canonicalize_name(name), build, inputs.origin.given))
    return Fitted(fitted, tuple(gone))


def is_linux_only(attr: str) -> bool:
    """Whether nixpkgs has the attribute for Linux only."""
    return (
        attr in _names("linux_only")
        or attr.partition(".")[0] in _names("linux_only_sets")
        or attr.removesuffix(".dev") in _names("linux_only")
    )


def _is_there(entry: tuple[str, Template]) -> bool:
    return not any(isinstance(part, Output) and is_linux_only(part.attr) for part in entry[1])


def _users(inputs: NativeInputs, field: str) -> bool:
    """Whether the user set the field."""
    return inputs.origin.provenance == "user" and field in inputs.origin.given


def _with_more(name: str, build: BuildInputs, given: frozenset[str]) -> BuildInputs:
    """Add the table's entries for macOS, for fields that are not set."""
    more = darwin_rows().get(name)
    if more is None:
        return build
    there = {variable for variable, _ in build.env}
    env = tuple(entry for entry in more.env if entry[0] not in there)
    tools = more.native_build_inputs
    return build._replace(
        build_inputs=_joined(build.build_inputs, () if "build_inputs" in given else more.build_inputs),
        native_build_inputs=_joined(
            build.native_build_inputs, () if "native_build_inputs" in given else tools
        ),
        env=build.env if "env" in given else (*build.env, *env),
    )


def _joined(attrs: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*attrs, *more))) if more else attrs


@lru_cache(maxsize=1)
def darwin_rows() -> Rows[BuildInputs]:
    """What builds need on macOS in addition, by canonical name."""
    return Rows(_FILE, load_table(_FILE).get("darwin"), _darwin_row)


def _darwin_row(where: str, raw: object) -> BuildInputs:
    row = Row(where, raw)
    more = BuildInputs(
        build_inputs=row.attributes("build_inputs"),
        native_build_inputs=row.attributes("native_build_inputs"),
        env=row.environment("env"),
    )
    row.done()
    return more


@lru_cache(maxsize=2)
def _names(key: str) -> frozenset[str]:
    where = f"knowledge/data/{_FILE}: {key}"
    return frozenset(texts_of(where, load_table(_FILE).get(key), is_attribute, "a nixpkgs attribute"))
