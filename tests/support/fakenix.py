"""A Nix in memory: evaluates one fixed-output derivation, builds it, and talks like a given version."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from uvlock2nix.errors import ToolError
from uvlock2nix.nar import FAKE_HASH, Hash, fod_path, parse_hash
from uvlock2nix.nixrun.runner import Ran

NAME = "app-python-deps-k1"
OTHER_DRV = "/nix/store/11111111111111111111111111111111-source.drv"


def drv_of(digest: Hash) -> str:
    """The .drv that the expression has with a hash: any function of it will do."""
    return f"/nix/store/{digest.nix32[:32]}-{NAME}.drv"


def msg(raw: str) -> str:
    """An error as Nix's structured log writes it."""
    event = {"action": "msg", "level": 0, "msg": f"error: {raw}", "raw_msg": raw, "line": None}
    return "@nix " + json.dumps(event)


def said(text: str, level: int = 0) -> str:
    """What a builder smuggles into the structured log: no ``raw_msg``."""
    return "@nix " + json.dumps({"action": "msg", "level": level, "msg": text})


def build_lines(drv: str, lines: Sequence[str]) -> list[str]:
    """The events of a builder that prints lines."""
    start = {"action": "start", "id": 7, "type": 105, "text": f"building '{drv}'", "fields": [drv, "", 1, 1]}
    events: list[dict[str, object]] = [start]
    events += [{"action": "result", "id": 7, "type": 101, "fields": [line]} for line in lines]
    events.append({"action": "stop", "id": 7})
    return ["@nix " + json.dumps(event) for event in events]


def mismatch(drv: str, specified: Hash, got: Hash | None) -> str:
    """Nix 2.4 and later, without its ``error:``."""
    text = f"hash mismatch in fixed-output derivation '{drv}':\n  specified: {specified.sri}"
    return text + (f"\n     got:    {got.sri}" if got else "")


@dataclass
class FakeNix:
    """Plays nix-instantiate and nix-store; ``right`` is the hash of what a build makes.

    ``build`` replaces the whole behaviour of a build: it gets the hash that was put in, and gives the exit
    code and the lines. ``remote``: a mismatched output does not come back to our store.
    """

    right: Hash
    version: str = "nix-store (Nix) 2.34.8"
    remote: bool = False
    build: Callable[[Hash], tuple[int, list[str]]] | None = None
    valid: set[str] = field(default_factory=set)
    hashes: dict[str, Hash] = field(default_factory=dict)
    calls: list[list[str]] = field(default_factory=list)
    builds: int = 0
    deleted: list[str] = field(default_factory=list)

    def run(
        self, argv: Sequence[str], on_line: Callable[[str], None], *, env: Mapping[str, str] | None = None
    ) -> Ran:
        self.calls.append(list(argv))
        program, *arguments = argv
        if program == "nix-instantiate":
            return self._evaluate(arguments)
        if arguments[0] == "--version":
            return Ran(0, self.version + "\n")
        if arguments[0] == "--check-validity":
            return Ran(0 if arguments[1] in self.valid else 1, "")
        if arguments[0] == "--query":
            found = self.hashes.get(arguments[-1])
            return Ran(0, f"sha256:{found.nix32}\n") if found else Ran(1, "")
        if arguments[0] == "--delete":
            self.deleted.append(arguments[1])
            return Ran(0, "")
        if arguments[0] == "--read-log":
            return Ran(1, "")
        if arguments[0] == "--realise":
            return self._realise(arguments[1], on_line)
        raise AssertionError(argv)

    def _evaluate(self, arguments: Sequence[str]) -> Ran:
        given = dict(pairwise(arguments))
        digest = parse_hash(given["outputHash"])
        self._put = digest
        value = {
            "drv": drv_of(digest),
            "out": fod_path(NAME, digest),
            "name": NAME,
            "system": "x86_64-linux",
            "mode": "recursive",
            "algo": "sha256",
            "key": "k1",
            "uv": "0.13.8",
            "python": "3.13.15",
        }
        return Ran(0, json.dumps(value))

    def _realise(self, drv: str, on_line: Callable[[str], None]) -> Ran:
        put = self._put
        assert drv == drv_of(put)
        out = fod_path(NAME, put)
        if out in self.valid:
            return Ran(0, out + "\n")
        self.builds += 1
        if self.build is not None:
            code, lines = self.build(put)
        else:
            code, lines = self._ordinary(drv, put)
        for line in lines:
            on_line(line)
        return Ran(code, out + "\n" if code == 0 else "")

    def _ordinary(self, drv: str, put: Hash) -> tuple[int, list[str]]:
        if put == self.right:
            self.valid.add(fod_path(NAME, put))
            return 0, build_lines(drv, ["ok"])
        if not self.remote:
            self.valid.add(fod_path(NAME, self.right))
        return 102, [*build_lines(drv, ["ok"]), msg(mismatch(drv, put, self.right))]


class NoNix:
    """A machine without Nix."""

    def run(
        self, argv: Sequence[str], on_line: Callable[[str], None], *, env: Mapping[str, str] | None = None
    ) -> Ran:
        raise ToolError(f"{argv[0]} is not installed, or not in PATH", hint="install Nix")


FAKE_DRV = drv_of(FAKE_HASH)
