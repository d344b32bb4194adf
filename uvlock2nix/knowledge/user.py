"""``[tool.uvlock2nix.native.<name>]``: the user's entry for a package, which beats every table.

::

    [tool.uvlock2nix.native.foo]
    build-inputs = ["libfoo"]
    native-build-inputs = ["pkg-config"]
    env = { FOO_DIR = "${libfoo.dev}" }
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from uvlock2nix.errors import UsageError
from uvlock2nix.knowledge.build_requires import is_requirement
from uvlock2nix.knowledge.native import BuildInputs, NativeInputs, Origin, RunInputs
from uvlock2nix.knowledge.templates import Template, is_attribute, is_variable, parse_template
from uvlock2nix.names import canonicalize_name

ATTRIBUTES: Final = ("build-inputs", "native-build-inputs", "dlopen", "wheel-runtime-libs")
REQUIREMENTS: Final = ("build-requires", "relax")
# ``patches`` are files of the project, which the plan handles.
KEYS: Final = (*ATTRIBUTES, "env", "cflags", "flags", *REQUIREMENTS, "patches")


def parse_user_native(table: Mapping[str, object]) -> Mapping[str, NativeInputs]:
    """Read ``[tool.uvlock2nix.native]``: canonical package name → the user's entry.

    A key that is set, even to ``[]``, replaces the field of any other source.

    Raises:
        UsageError: with every wrong entry, key and value at once, and the most similar valid key.
    """
    problems: list[str] = []
    result: dict[str, NativeInputs] = {}
    for name, entry in table.items():
        where = f"[tool.uvlock2nix.native.{name}]"
        if not isinstance(entry, Mapping):
            problems.append(f"{where} must be a table, not {entry!r}")
            continue
        result[canonicalize_name(name)] = _entry(where, entry, problems)
    if problems:
        raise UsageError(
            "pyproject.toml: " + "; ".join(problems),
            hint="the keys are " + ", ".join(KEYS) + '; a library is a nixpkgs attribute such as "libxml2"',
        )
    return result


def _entry(where: str, entry: Mapping[str, object], problems: list[str]) -> NativeInputs:
    from uvlock2nix.spelling import did_you_mean

    for key in entry:
        if key not in KEYS:
            guess = did_you_mean(str(key).replace("_", "-"), KEYS)
            problems.append(f"{where} unknown key `{key}`{guess}")
    lists = {key: _strings(where, key, entry, problems) for key in KEYS if key != "env"}
    for key in ATTRIBUTES:
        wrong = [attr for attr in lists[key] if not is_attribute(attr)]
        problems.extend(f"{where} `{key}`: `{attr}` is not a nixpkgs attribute path" for attr in wrong)
    for key in REQUIREMENTS:
        problems.extend(
            f"{where} `{key}`: `{text}` is not a Python requirement"
            for text in lists[key]
            if not is_requirement(text)
        )
    problems.extend(
        f"{where} `flags`: `{flag}` must be `config-setting:KEY=VALUE`"
        for flag in lists["flags"]
        if not flag.startswith("config-setting:")
    )
    libraries = bool(lists["build-inputs"] or lists["native-build-inputs"])
    return NativeInputs(
        build=BuildInputs(
            build_inputs=lists["build-inputs"],
            native_build_inputs=lists["native-build-inputs"],
            env=_env(where, entry.get("env", {}), problems),
            cflags=lists["cflags"],
            flags=lists["flags"],
            build_requires=lists["build-requires"],
            relax=lists["relax"],
        ),
        run=RunInputs(dlopen=lists["dlopen"], wheel_runtime_libs=lists["wheel-runtime-libs"]),
        origin=Origin(
            provenance="user",
            sources=(f"pyproject.toml {where}",),
            given=frozenset(str(key).replace("-", "_") for key in entry if key in KEYS),
        ),
        kind="link" if libraries else "unknown",
    )


def _strings(where: str, key: str, entry: Mapping[str, object], problems: list[str]) -> tuple[str, ...]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        problems.append(f"{where} `{key}` must be a list of strings, not {value!r}")
        return ()
    if any("\0" in item or "\n" in item for item in value):
        problems.append(f"{where} `{key}`: each entry must be one line")
        return ()
    return tuple(dict.fromkeys(value))


def _env(where: str, value: object, problems: list[str]) -> tuple[tuple[str, Template], ...]:
    if not isinstance(value, Mapping):
        problems.append(f"{where} `env` must be a table of strings, not {value!r}")
        return ()
    result: list[tuple[str, Template]] = []
    for name, text in sorted(value.items()):
        if not isinstance(text, str) or not is_variable(name):
            problems.append(f"{where} `env`: `{name}` must be a variable name with a string")
            continue
        try:
            result.append((name, parse_template(text)))
        except ValueError as error:
            problems.append(f"{where} `env.{name}`: {error}")
    return tuple(result)
