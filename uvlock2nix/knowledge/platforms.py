"""What holds on some systems only: libraries for Linux alone, inputs that macOS needs besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from packaging.utils import canonicalize_name

from uvlock2nix.knowledge.native import NativeInputs, Output, is_attribute, parse_template
from uvlock2nix.knowledge.tables import load_table

_LISTS = ("build_inputs", "native_build_inputs", "dlopen", "wheel_runtime_libs")


@dataclass(frozen=True, slots=True)
class Fitted:
    """Inputs as they are on one system, and the attributes that are not there, so left out."""

    inputs: NativeInputs
    left_out: tuple[str, ...] = ()


def on_darwin(name: str, inputs: NativeInputs) -> Fitted:
    """``inputs`` of a package as they are on macOS.

    What the user writes is taken as it stands. What wheels for Linux need from outside says nothing about
    those for macOS, whose libraries lie in them.
    """
    gone = [
        attr
        for field in _LISTS
        if field != "wheel_runtime_libs" and not _users(inputs, field)
        for attr in getattr(inputs, field)
        if is_linux_only(attr)
    ]
    kept: dict[str, Any] = {
        field: tuple(attr for attr in getattr(inputs, field) if attr not in gone)
        for field in _LISTS
        if not _users(inputs, field)
    }
    if "wheel_runtime_libs" in kept:
        kept["wheel_runtime_libs"] = ()
    env = inputs.env
    if not _users(inputs, "env"):
        env = tuple(
            (variable, template)
            for variable, template in env
            if not any(isinstance(part, Output) and is_linux_only(part.attr) for part in template)
        )
    fitted = replace(inputs, env=env, **kept)
    return Fitted(_with_more(canonicalize_name(name), fitted), tuple(dict.fromkeys(gone)))


def is_linux_only(attr: str) -> bool:
    """Whether nixpkgs has the attribute for Linux alone."""
    names, sets = _linux_only()
    return attr in names or attr.partition(".")[0] in sets or attr.removesuffix(".dev") in names


def _users(inputs: NativeInputs, field: str) -> bool:
    """Whether the user said what the field holds."""
    return inputs.provenance == "user" and field in inputs.given


def _with_more(name: str, inputs: NativeInputs) -> NativeInputs:
    """With what the table says for macOS; only where something is compiled, and the user says nothing."""
    more = _table("darwin").get(name)
    if not isinstance(more, dict) or not inputs.compiles:
        return inputs
    changed: dict[str, Any] = {}
    for field in ("build_inputs", "native_build_inputs"):
        added = [attr for attr in more.get(field, ()) if isinstance(attr, str) and is_attribute(attr)]
        if added and field not in inputs.given:
            changed[field] = tuple(dict.fromkeys((*getattr(inputs, field), *added)))
    env = inputs.env
    if "env" not in inputs.given:
        there = {variable for variable, _ in env}
        new = ((k, parse_template(v)) for k, v in more.get("env", {}).items() if k not in there)
        env = (*env, *new)
    return replace(inputs, env=env, **changed)


@lru_cache(maxsize=1)
def _tables() -> Mapping[str, object]:
    return load_table("platforms.json")


def _table(key: str) -> Mapping[str, object]:
    value = _tables().get(key)
    return value if isinstance(value, dict) else {}


@lru_cache(maxsize=1)
def _linux_only() -> tuple[frozenset[str], frozenset[str]]:
    raw = _tables()
    names, sets = raw.get("linux_only"), raw.get("linux_only_sets")
    return (
        frozenset(map(str, names)) if isinstance(names, list) else frozenset(),
        frozenset(map(str, sets)) if isinstance(sets, list) else frozenset(),
    )
