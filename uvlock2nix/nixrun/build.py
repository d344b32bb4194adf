"""Evaluate a fixed-output derivation, build it once, and find its correct hash."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from uvlock2nix.endings import ended, hint_for
from uvlock2nix.errors import ToolError
from uvlock2nix.nar import FAKE_HASH, Hash, parse_hash
from uvlock2nix.nixrun.hints import build_error, evaluation_error
from uvlock2nix.nixrun.messages import (
    ElseWhere,
    Failed,
    Found,
    HasReferences,
    Hidden,
    Verdict,
    Wanted,
    judge,
    plain,
)
from uvlock2nix.nixrun.nixpkgs import FLAKE_FEATURES
from uvlock2nix.nixrun.runner import Runner
from uvlock2nix.nixrun.stream import LogReader, Status
from uvlock2nix.nixrun.version import NixVersion, nix_version


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A fixed-output derivation as evaluated with some hash.

    ``key`` is the digest in its name, ``""`` if there is none; ``uv``, ``python`` and ``nixpkgs`` are
    versions; ``revision`` is nixpkgs' commit, if nixpkgs itself knows it.
    """

    drv: str
    out: str
    name: str
    system: str
    recursive: bool
    algo: str
    key: str = ""
    uv: str = ""
    python: str = ""
    nixpkgs: str = ""
    revision: str = ""

    def wanted(self) -> Wanted:
        """The derivation that a hash mismatch must be about."""
        return Wanted(self.drv, self.name, self.out, self.recursive, self.algo)


@dataclass(frozen=True, slots=True)
class Built:
    """The correct hash of a derivation; ``builds`` is the number of builds that Nix ran for it."""

    hash: Hash
    evaluated: Evaluated
    builds: int


class Nix:
    """Nix on this machine, through a runner. ``on_status`` gets the progress."""

    def __init__(
        self,
        runner: Runner,
        *,
        on_status: Callable[[Status], None] = lambda _: None,
        options: Sequence[str] = (),
    ) -> None:
        self._runner = runner
        self._on_status = on_status
        self._options = tuple(options)
        self.version: NixVersion = nix_version(runner)

    def evaluate(self, file: Path, args: Mapping[str, str]) -> Mapping[str, object]:
        """The value of the expression in ``file``, called with ``args`` (strings), from JSON.

        Its derivations are written to the store. ToolError with Nix's own message on failure.
        """
        argv = ["nix-instantiate", "--eval", "--strict", "--json", "--read-write-mode", str(file)]
        argv += FLAKE_FEATURES
        for name, text in sorted(args.items()):
            if text:
                argv += ["--argstr", name, text]
        lines: list[str] = []

        def on_line(line: str) -> None:
            lines.append(plain(line))
            del lines[:-400]
            self._on_status(Status(None, plain(line).strip()))

        ran = self._runner.run([*argv, *self._options], on_line)
        _refuse_killed("nix-instantiate", ran.code)
        if ran.code != 0:
            raise evaluation_error(lines)
        value = _json_object(ran.stdout)
        if value is None:
            raise ToolError(f"nix-instantiate printed no JSON object: {ran.stdout[:200]!r}")
        return value

    def derivation(self, file: Path, args: Mapping[str, str]) -> Evaluated:
        """Evaluate an expression that returns the facts of a fixed-output derivation."""
        value = self.evaluate(file, args)

        def text(key: str) -> str:
            found = value.get(key, "")
            return found if isinstance(found, str) else ""

        return Evaluated(
            drv=text("drv"),
            out=text("out"),
            name=text("name"),
            system=text("system"),
            recursive=text("mode") in ("recursive", "nar"),
            algo=text("algo") or "sha256",
            key=text("key"),
            uv=text("uv"),
            python=text("python"),
            nixpkgs=text("nixpkgs"),
            revision=text("revision"),
        )

    def realise(self, drv: str) -> tuple[bool, LogReader]:
        """Build ``drv`` and its dependencies; return whether nix-store succeeded, and its log."""
        reader = LogReader(self._on_status)
        argv = ["nix-store", "--realise", drv]
        argv += ["--log-format", "internal-json"] if self.version.structured_log else ["--no-build-output"]
        ran = self._runner.run([*argv, *self._options], reader.line)
        _refuse_killed("nix-store", ran.code)
        return ran.code == 0, reader

    def log(self, drv: str) -> tuple[str, ...]:
        """The lines of the last build of ``drv``; empty if this machine has not recorded them."""
        ran = self._runner.run(["nix-store", "--read-log", drv], lambda _: None)
        return tuple(plain(line) for line in ran.stdout.splitlines()) if ran.code == 0 else ()

    def is_valid(self, path: str) -> bool:
        """Whether ``path`` is valid in the store."""
        return self._runner.run(["nix-store", "--check-validity", path], lambda _: None).code == 0

    def discard_invalid(self, path: str) -> bool:
        """Remove what a build with a wrong hash left at ``path``; return whether there was anything.

        Nix leaves the whole tree there, as an invalid path, until it is garbage-collected. Nix itself deletes
        it, so that a concurrent build of the same path is not disturbed. A valid path is kept.
        """
        place = Path(path)
        # If the store is not visible here (a remote daemon's), only Nix knows whether the path exists.
        if (place.parent.is_dir() and not place.exists()) or self.is_valid(path):
            return False
        return self._runner.run(["nix-store", "--delete", path], lambda _: None).code == 0

    def nar_hash(self, path: str) -> Hash | None:
        """The NAR hash that the store has recorded for ``path``."""
        ran = self._runner.run(["nix-store", "--query", "--hash", path], lambda _: None)
        try:
            return parse_hash(ran.stdout) if ran.code == 0 else None
        except ValueError:
            return None


def _refuse_killed(program: str, code: int) -> None:
    """Raise if Nix itself was killed: its output until then is incomplete."""
    if code < 0:
        raise ToolError(f"{program} {ended(code)}; nothing was changed", hint=hint_for(code))


def find_hash(nix: Nix, evaluate: Callable[[Hash], Evaluated], before: Evaluated | None = None) -> Built:
    """Find the correct hash of the derivation that ``evaluate`` returns for a given hash.

    ``before`` is ``evaluate(FAKE_HASH)``, if the caller already has it.

    This takes one build. The hash is verified by the path that the store then has or, if a remote builder
    keeps the output, by a second build. ToolError (NetworkError) with the builder's last lines if it fails.
    """
    before = before or evaluate(FAKE_HASH)
    wanted = before.wanted()
    worked, reader = nix.realise(before.drv)
    verdict = _verdict(nix, reader, wanted, worked=worked)
    match verdict:
        case Found():
            built = _proved(nix, evaluate, before, verdict)
            nix.discard_invalid(before.out)
            return built
        case Hidden():
            return Built(_in_store(nix, wanted), before, 1)
        case HasReferences():
            raise _references_error(nix, wanted, verdict)
        case ElseWhere():
            got = verdict.mismatch.got
            raise ToolError(
                f"a different fixed-output derivation, which {wanted.name} needs, has a wrong hash:\n"
                f"  {verdict.mismatch.subject}\n"
                f"  its output has {got.sri if got else 'a hash that Nix does not report'}",
                hint="correct that hash first; update-hash changes only the requested hash",
            )
        case Failed():
            raise build_error(reader, verdict, before.drv, before.system)
        case _:
            assert_never(verdict)


def _verdict(nix: Nix, reader: LogReader, wanted: Wanted, *, worked: bool) -> Verdict:
    verdict = judge(reader.trusted, wanted)
    if isinstance(verdict, Failed | ElseWhere):
        # What Nix reports outside its structured errors can explain a failure but not give a hash: a builder
        # could print an old one, whose path the store still has. Only Nix reports that a build is a remote
        # one (https://nix.dev/manual/nix/stable/advanced-topics/distributed-builds).
        doubted = judge(reader.doubted(), wanted)
        explains = isinstance(doubted, HasReferences | Hidden | ElseWhere)
        says = not reader.trusted or wanted.drv in reader.remote
        if explains or (isinstance(doubted, Found) and says):
            verdict = doubted
        elif isinstance(doubted, Failed) and isinstance(verdict, Failed) and verdict.builder is None:
            verdict = Failed(doubted.builder, (*verdict.texts, *doubted.texts))
    if worked and not isinstance(verdict, HasReferences):
        # Nix 2.4 to 2.15 report success for an output with references, but have no valid path afterwards.
        if not nix.is_valid(wanted.out):
            return HasReferences(None, None)
        raise ToolError(
            f"Nix built {wanted.out} with an impossible hash: it is not a fixed-output derivation"
        )
    return verdict


def _proved(nix: Nix, evaluate: Callable[[Hash], Evaluated], before: Evaluated, found: Found) -> Built:
    wanted = before.wanted()
    present = [one for one in found.hashes if nix.is_valid(wanted.path(one))]
    if len(present) == 1:
        return Built(present[0], before, 1)
    if len(found.hashes) > 1:
        raise ToolError(
            f"Nix reported {len(found.hashes)} hashes for {before.name}: "
            + ", ".join(one.sri for one in found.hashes),
            hint="the builder prints lines that look like Nix's own; none of them was accepted",
        )
    digest = found.hashes[0]
    after = evaluate(digest)
    worked, reader = nix.realise(after.drv)
    if worked and nix.is_valid(after.out):
        return Built(digest, after, 2)
    again = _verdict(nix, reader, after.wanted(), worked=worked)
    if isinstance(again, Found):
        raise ToolError(
            f"two builds of {before.name} differ: first {digest.sri}, then {again.hashes[0].sri}",
            hint="it is not reproducible, so no hash can be correct for long; nothing was changed",
        )
    if isinstance(again, HasReferences):
        raise _references_error(nix, after.wanted(), again)
    raise build_error(
        reader, again if isinstance(again, Failed) else Failed(None, ()), after.drv, after.system
    )


def _in_store(nix: Nix, wanted: Wanted) -> Hash:
    """The hash of the existing path: Nix 2.32.0 and .1 do not report it if the real path exists."""
    store = Path(wanted.drv).parent
    found: list[Hash] = []
    for path in sorted(store.glob(f"*-{wanted.name}")):
        digest = nix.nar_hash(str(path))
        if digest is not None and wanted.path(digest) == str(path) and nix.is_valid(str(path)):
            found.append(digest)
    if len(found) == 1:
        return found[0]
    raise ToolError(
        f"Nix {nix.version.text} does not report the hash of {wanted.name}: a path with that"
        " hash already exists" + (f", and {len(found)} in the store could be it" if found else ""),
        hint=f"remove them with `nix-store --delete /nix/store/*-{wanted.name}`, or use a"
        " different version of Nix",
    )


def _references_error(nix: Nix, wanted: Wanted, verdict: HasReferences) -> ToolError:
    example = f", for example to {verdict.example}" if verdict.example else ""
    known = f"\n  (its hash would be {verdict.hash.sri})" if verdict.hash else ""
    return ToolError(
        f"the output of {wanted.name} refers to store paths{example};"
        f" a fixed-output derivation must not{known}",
        hint="strip them inside the build (stripReferencesHook, or `uvlock2nix refs strip $out`); "
        "`uvlock2nix refs audit` on the output shows the file and package of each",
    )


def _json_object(text: str) -> Mapping[str, object] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
