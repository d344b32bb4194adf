"""The exact index of a nixpkgs, evaluated by Nix; a package that does not evaluate is only left out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from uvlock2nix.endings import ended
from uvlock2nix.errors import NetworkError, ToolError
from uvlock2nix.knowledge.tables import DATA
from uvlock2nix.nixpkgs_index.channel import Found, parse_evaluated
from uvlock2nix.regex import regex

EXPRESSION: Final = DATA / "python-versions.nix"
PART: Final = 800
_ABOUT: Final = ("version", "default")
_DATE: Final = regex(r"(?:^|[^0-9])(20\d\d)(\d\d)(\d\d)(?:[^0-9]|\Z)")
_REVISION: Final = regex(r"[.-]([0-9a-f]{7,40})\Z")


class Ran(Protocol):
    """How a program ended."""

    @property
    def code(self) -> int:
        """Its exit code."""

    @property
    def stdout(self) -> str:
        """Its standard output."""


class Runner(Protocol):
    """The port to Nix: runs a program to its end, each line of its standard error going to ``on_line``."""

    def run(self, argv: Sequence[str], on_line: Callable[[str], None], /) -> Ran:
        """Run a program to its end."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """``version`` is nixpkgs' own (``lib.version``); ``failed`` are attributes that do not evaluate.

    ``python`` is the minor version of its ``python3`` (``3.13``), None if unknown.
    """

    found: tuple[Found, ...]
    version: str
    failed: tuple[str, ...]
    python: str | None = None

    @property
    def date(self) -> str | None:
        """The date of this nixpkgs (ISO), if its version has it."""
        match = _DATE.search(self.version)
        return f"{match[1]}-{match[2]}-{match[3]}" if match else None

    @property
    def revision(self) -> str | None:
        """The git revision in nixpkgs' version; None if it has none."""
        match = _REVISION.search(self.version)
        return match[1] if match else None


def evaluate(
    runner: Runner,
    args: Sequence[tuple[str, str]],
    python: str,
    system: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
    options: Sequence[str] = (),
) -> Evaluated:
    """The packages of ``python3XX.pkgs`` of the nixpkgs in ``args``.

    ``python`` is ``"3.13"``. It is evaluated in parts; a part that fails is halved until the failing package
    is isolated. ``progress`` gets (done, all); ``options`` are passed to Nix.

    Raises:
        ToolError: Nix is missing, or this nixpkgs has no such Python set.
        NetworkError: this nixpkgs fetches something that is not reachable.
    """
    ask = _Asker(runner, args, "python" + python.replace(".", ""), system, options)
    listed = ask("")
    if not isinstance(listed, dict) or not isinstance(listed.get("names"), list) or not listed["names"]:
        raise ToolError(
            f"this nixpkgs has no packages for Python {python}", hint="pass a different version with --python"
        )
    names = [name for name in listed["names"] if isinstance(name, str)]
    found: list[Found] = []
    failed: list[str] = []
    queue = [names[start : start + PART] for start in range(0, len(names), PART)]
    done = 0
    while queue:
        part = queue.pop()
        try:
            rows = ask(json.dumps(part))
        except ToolError:
            if len(part) > 1:
                middle = len(part) // 2
                queue += [part[:middle], part[middle:]]
                continue
            failed += part
            rows = {}
        done += len(part)
        progress(done, len(names))
        for name, value in rows.items() if isinstance(rows, dict) else ():
            row = parse_evaluated(name, value)
            if row is not None:
                found.append(row)
    version, default = (value if isinstance(value := listed.get(key), str) else "" for key in _ABOUT)
    return Evaluated(tuple(found), version, tuple(sorted(failed)), default or None)


class _Asker:
    def __init__(
        self,
        runner: Runner,
        args: Sequence[tuple[str, str]],
        python: str,
        system: str,
        options: Sequence[str],
    ) -> None:
        self._runner = runner
        self._argv = ["nix-instantiate", "--eval", "--strict", "--json", "--read-write-mode", str(EXPRESSION)]
        for name, value in (*args, ("python", python), ("system", system)):
            self._argv += ["--argstr", name, value]
        self._argv += options

    def __call__(self, names: str) -> object:
        lines: list[str] = []
        argv = [*self._argv, "--argstr", "names", names] if names else self._argv
        ran = self._runner.run(argv, lines.append)
        if ran.code != 0:
            said = [line.strip() for line in lines if "error:" in line] or lines[-1:]
            words = " ".join(said)[:500]
            raise _error(f"nix-instantiate {ended(ran.code)}: {words}", "\n".join(lines))
        try:
            return json.loads(ran.stdout)
        except ValueError as error:
            raise ToolError(f"nix-instantiate printed no JSON: {ran.stdout[:100]!r}") from error


def _error(message: str, said: str) -> ToolError | NetworkError:
    """The error for Nix's output."""
    if re.search(r"unable to download|[Cc]ould ?n[o']t (?:resolve|connect)", said):
        return NetworkError(
            message,
            hint="this nixpkgs fetches something during evaluation: check the network, then try again",
        )
    hint = "check that this nixpkgs evaluates; --channel creates an index without Nix"
    if re.search(r"experimental (?:Nix )?feature '[^']+' is disabled", said):
        hint = "this nixpkgs needs that feature: enable it in nix.conf (experimental-features)"
    return ToolError(message, hint=hint)
