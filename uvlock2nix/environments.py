"""Named environments (``[tool.uvlock2nix.environments.NAME]``): selections from one lock, with their own
files.

An environment inherits the keys of the table itself, one by one. Keys about the project as a whole, such as
its service, are not inherited; and an environment with a ``package`` of its own does not inherit what the
project selects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from uvlock2nix.errors import UsageError
from uvlock2nix.regex import regex
from uvlock2nix.spelling import did_you_mean

KEY: Final = "environments"
WHERE: Final = f"[tool.uvlock2nix.{KEY}]"
# The environment in which the project's own tests run, if `check` is set.
CHECK: Final = "check"
_NAME: Final = regex(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
# The names of flake outputs for the project itself.
_TAKEN: Final = frozenset({"default", "venv", "wheel", "sdist", "sbom", "image", "package"})

_SELECTING: Final = (
    "package", "all-packages", "extra", "no-extra", "all-extras", "group", "no-group", "only-group",
    "all-groups", "default-groups", "no-default-groups", "dev", "no-dev", "only-dev",
)  # fmt: skip
# Keys about the project as a whole.
_OWN: Final = (KEY, "service", "check", "check-group")
# Keys that depend on the selected packages.
_OF_PACKAGE: Final = (*_SELECTING, "main-program", "expose", "version")


def environments_of(tool: Mapping[str, object]) -> tuple[str, ...]:
    """The environments of a project in the order of the table; ``""`` is the unnamed one.

    Raises:
        UsageError: the table is invalid.
    """
    table = _tables(tool)
    default = table.get("default", True)
    names = [name for name in table if name != "default"]
    if "check" in tool and CHECK not in names:
        names.append(CHECK)
    problems = [
        f"`{name}`: a name has lower-case letters, digits and -" for name in names if not _NAME.match(name)
    ]
    problems += [
        f"`{name}` is the name of an output of the project itself" for name in names if name in _TAKEN
    ]
    problems += [
        f"`{name}` must be a table" for name in names if name in table and not isinstance(table[name], dict)
    ]
    if not isinstance(default, bool):
        problems.append("`default` must be true or false: whether there is an unnamed environment")
    elif not default and not names:
        problems.append("`default = false` leaves no environment")
    if problems:
        raise UsageError(f"{WHERE} in pyproject.toml: " + "; ".join(problems))
    return (*(("",) if default else ()), *names)


def tool_of(tool: Mapping[str, object], environment: str) -> Mapping[str, object]:
    """``[tool.uvlock2nix]`` for ``environment``.

    Raises:
        UsageError: no such environment.
    """
    known = environments_of(tool)
    if not environment:
        return {key: value for key, value in tool.items() if key not in (KEY, "check", "check-group")}
    if environment not in known:
        names = [name for name in known if name]
        listed = ", ".join(names) if names else "none"
        raise UsageError(
            f"no environment `{environment}`{did_you_mean(environment, names)}",
            hint=f"the environments of {WHERE} are: {listed}",
        )
    own = _tables(tool).get(environment, _check_table(tool))
    assert isinstance(own, dict)  # noqa: S101 - checked in environments_of
    if KEY in own:
        raise UsageError(
            f"{WHERE} in pyproject.toml: `{environment}.{KEY}`: an environment cannot have environments"
        )
    left = set(_OWN)
    if "package" in own:
        left |= set(_OF_PACKAGE)
    elif set(own) & set(_SELECTING[:2]):
        left |= set(_SELECTING[:2])
    return {**{key: value for key, value in tool.items() if key not in left}, **own}


def is_service(tool: Mapping[str, object], environment: str) -> bool:
    """Whether modules and images are made of ``environment``: not for tests and documentation."""
    own = _tables(tool).get(environment, {})
    return not environment or (isinstance(own, dict) and bool({"package", "service"} & own.keys()))


def _tables(tool: Mapping[str, object]) -> Mapping[str, object]:
    table = tool.get(KEY, {})
    if not isinstance(table, dict):
        raise UsageError(
            f"{WHERE} in pyproject.toml must be a table of tables", hint=f"for example [{WHERE[1:-1]}.docs]"
        )
    return table


def _check_table(tool: Mapping[str, object]) -> dict[str, object]:
    """The environment of the project's tests: with its group, else as in ``uv run``."""
    group = tool.get("check-group")
    selecting: dict[str, object] = {"default-groups": True} if group is None else {"group": group}
    return {**selecting, "check": tool.get("check")}
