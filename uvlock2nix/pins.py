"""The pins: the JSON side file with the hash per system and what each hash was made from.

``{"schema": 1, "lock": "<sha256 of uv.lock>", "generate": ["--extra=…"], "build": {…}, "hashes": {"<system>":
{"hash": "sha256-…", "key": "<digest in the name>", "uv": "…", "python": "…", "nixpkgs": {"version": "…",
"revision": "…"}, "collisions": {…}}}}``, keys sorted. ``generate`` has the options that generate was called
with, ``build`` the locked build requirements (:mod:`uvlock2nix.build_pins`), and ``excludeNewer`` if one is
needed; ``wheels`` has what was read from wheels (:mod:`uvlock2nix.wheel_pins`), ``collisions`` the paths that
several of them ship (:mod:`uvlock2nix.collision_pins`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from uvlock2nix import fetches
from uvlock2nix.build_pins import MEMBERS, BuildPins, from_json, to_json
from uvlock2nix.collision_pins import Collision, FoundCollisions, kept_from_json, kept_to_json
from uvlock2nix.collision_pins import from_json as collisions_from_json
from uvlock2nix.collision_pins import to_json as collisions_to_json
from uvlock2nix.errors import InputError
from uvlock2nix.fetches import Fetches
from uvlock2nix.nar import parse_hash
from uvlock2nix.reading import read_regular
from uvlock2nix.regex import regex
from uvlock2nix.wheel_pins import ReadWheels
from uvlock2nix.wheel_pins import from_json as wheels_from_json
from uvlock2nix.wheel_pins import to_json as wheels_to_json

SCHEMA: Final = 1
_SYSTEM: Final = regex(r"[a-z0-9_]{1,32}-[a-z0-9_]{1,32}\Z")
_KEY: Final = regex(r"[0-9A-Za-z+._-]{1,100}\Z")
_LOCK: Final = regex(r"[0-9a-f]{64}\Z")
_KNOWN: Final = "schema lock generate build version versions hashes packages wheels collisions logins"
_REWRITE: Final = "run `uvlock2nix generate --force` to write the file again, then `uvlock2nix update-hash`"


class NixpkgsUsed(NamedTuple):
    """The nixpkgs that a hash was made with: its ``lib.version``, and the commit, ``""`` if unknown."""

    version: str
    revision: str = ""

    def __str__(self) -> str:
        known = self.revision and self.revision[:7] not in self.version
        return f"nixpkgs {self.version}" + (f" ({self.revision[:12]})" if known else "")


class Pin(NamedTuple):
    """The hash of a system's deps.

    ``hash`` is SRI; ``key`` the digest in deps' name; ``uv`` and ``python`` the versions that made it, ``""``
    if unknown; ``nixpkgs`` what it was evaluated with, None without Nix; ``collisions`` those found in that
    content. ``extra`` has members that this version does not know, as JSON text.
    """

    system: str
    hash: str
    key: str
    uv: str = ""
    python: str = ""
    collisions: tuple[Collision, ...] = ()
    nixpkgs: NixpkgsUsed | None = None
    extra: tuple[tuple[str, str], ...] = ()

    def is_for(self, key: str) -> bool:
        """Whether the hash is that of ``key``, the digest of what the lock gives, whatever the toolchain."""
        return self.key.startswith(key)


class Pins(NamedTuple):
    """The whole side file; ``hashes`` is sorted by system.

    ``lock`` is the SHA-256 of uv.lock in hexadecimal; ``build`` are the locked build requirements; ``wheels``
    is what was read from wheels; ``version`` is the project's version if it comes from git, and ``versions``
    those of local packages with a different one; ``packages`` are the files of mode `files`,
    ``found_collisions`` the paths that several of their wheels ship; ``logins`` are hosts that may need
    credentials, with their variables; ``exclude_newer`` is the time that holds back requirements that could
    not be locked, None if there are none. ``generate`` are the options that generate was called with, None if
    an old version wrote the pins. Members that this version does not know are kept and written back: a
    colleague may use a newer uvlock2nix.
    """

    lock: str
    exclude_newer: str | None = None
    hashes: tuple[Pin, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    build_extra: tuple[tuple[str, str], ...] = ()
    build: BuildPins = BuildPins()
    wheels: ReadWheels = ()
    version: str | None = None
    versions: tuple[tuple[str, str], ...] = ()
    generate: tuple[str, ...] | None = None
    packages: Fetches = ()
    found_collisions: FoundCollisions = ()
    logins: tuple[tuple[str, str], ...] = ()

    def pin(self, system: str) -> Pin | None:
        """The pin of ``system``, None if there is none."""
        return next((pin for pin in self.hashes if pin.system == system), None)

    def has(self, system: str, key: str) -> bool:
        """Whether ``system`` has a hash, of ``key``."""
        pin = self.pin(system)
        return pin is not None and pin.is_for(key)

    def with_pin(self, pin: Pin) -> Pins:
        """These pins with ``pin`` in place of its system's old one, whose unknown members are kept."""
        before = self.pin(pin.system)
        if before is not None and not pin.extra:
            pin = pin._replace(extra=before.extra)
        others = [other for other in self.hashes if other.system != pin.system]
        return self._replace(hashes=tuple(sorted([*others, pin], key=lambda one: one.system)))


def lock_digest(data: bytes) -> str:
    """The value of ``lock``: uv.lock's SHA-256, as from ``builtins.hashFile "sha256"``."""
    return hashlib.sha256(data).hexdigest()


def read_pins(path: Path) -> Pins:
    """Read the side file at ``path``; InputError, with all problems, if it is missing or damaged."""
    try:
        data = read_regular(path)
    except FileNotFoundError:
        raise InputError(
            f"{path} does not exist", hint="run `uvlock2nix generate`, which creates it"
        ) from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    return parse_pins(data, str(path))


def parse_pins(data: bytes, where: str = "pins") -> Pins:
    """Read pins from their bytes; ``where`` names them in errors (InputError)."""
    raw = _load(data, where)
    schema = raw.get("schema")
    if isinstance(schema, bool) or not isinstance(schema, int):
        raise InputError(f'{where}: "schema" must be the number {SCHEMA}', hint=_REWRITE)
    if schema > SCHEMA:
        raise InputError(
            f"{where} has schema {schema}; this uvlock2nix supports {SCHEMA}",
            hint="it was written by a newer uvlock2nix: use that version, or discard the file's content: "
            "`uvlock2nix generate --force`",
        )
    problems = [] if schema == SCHEMA else [f'"schema": {schema} was never written by any version']
    pins = _pins(raw, problems)
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise InputError(f"{where} is damaged:\n{lines}", hint=_REWRITE)
    return pins


def render(pins: Pins) -> str:
    """The side file's text: keys sorted, indented by two spaces, one trailing newline."""
    value = {
        **_known(pins.extra),
        "schema": SCHEMA,
        "lock": pins.lock,
        **({} if pins.version is None else {"version": pins.version}),
        **({"versions": dict(pins.versions)} if pins.versions else {}),
        **({} if pins.generate is None else {"generate": list(pins.generate)}),
        "build": {
            **_known(pins.build_extra),
            **({} if pins.exclude_newer is None else {"excludeNewer": pins.exclude_newer}),
            **to_json(pins.build),
        },
        **({"wheels": wheels_to_json(pins.wheels)} if pins.wheels else {}),
        **({"packages": fetches.to_json(pins.packages)} if pins.packages else {}),
        **({"logins": dict(pins.logins)} if pins.logins else {}),
        **({"collisions": collisions_to_json(pins.found_collisions)} if pins.found_collisions else {}),
        "hashes": {
            pin.system: {
                **_known(pin.extra),
                "hash": pin.hash,
                "key": pin.key,
                **({"uv": pin.uv} if pin.uv else {}),
                **({"python": pin.python} if pin.python else {}),
                **({} if pin.nixpkgs is None else {"nixpkgs": _used(pin.nixpkgs)}),
                **({"collisions": kept_to_json(pin.collisions)} if pin.collisions else {}),
            }
            for pin in pins.hashes
        },
    }
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _used(nixpkgs: NixpkgsUsed) -> dict[str, object]:
    known = {"revision": nixpkgs.revision} if nixpkgs.revision else {}
    return {"version": nixpkgs.version, **known}


def _load(data: bytes, where: str) -> Mapping[str, object]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{where} is not UTF-8 (byte {error.start})", hint=_REWRITE) from None
    if re.search(r"^(<{7}|={7}|>{7})( |$)", text, re.MULTILINE):
        raise InputError(
            f"{where} contains the markers of an unfinished merge",
            hint="finish the merge of uv.lock, take either side here, then run `uvlock2nix update-hash`",
        )
    try:
        raw = json.loads(text, object_pairs_hook=_no_twice, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise InputError(f"{where}:{error.lineno}: not JSON: {error.msg}", hint=_REWRITE) from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InputError(f"{where}: {reason}", hint=_REWRITE) from None
    if not isinstance(raw, dict):
        raise InputError(f"{where} is not a JSON object", hint=_REWRITE)
    return raw


def _no_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    seen: dict[str, object] = {}
    for key, value in pairs:
        if key in seen:
            raise ValueError(f'"{key}" occurs twice')
        seen[key] = value
    return seen


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _pins(raw: Mapping[str, object], problems: list[str]) -> Pins:
    lock = _text(raw, "lock", "", problems)
    if lock and not _LOCK.match(lock):
        problems.append('"lock" is not a SHA-256 in hexadecimal')
    build = _object(raw.get("build", {}), "build", problems)
    exclude_newer = _text(build, "excludeNewer", "build.", problems) if "excludeNewer" in build else None
    if exclude_newer and not is_time(exclude_newer):
        problems.append(f'"build.excludeNewer" is not an RFC 3339 time: {exclude_newer!r}')
    if "hashes" not in raw:
        problems.append('"hashes" is missing')
    hashes = _object(raw.get("hashes", {}), "hashes", problems)
    versions = _object(raw.get("versions", {}), "versions", problems)
    return Pins(
        lock=lock,
        exclude_newer=exclude_newer,
        hashes=tuple(_pin(system, hashes[system], problems) for system in sorted(hashes)),
        packages=fetches.from_json(raw.get("packages", {}), "packages", problems),
        extra=_unknown(raw, {*_KNOWN.split()}),
        build_extra=_unknown(build, {"excludeNewer", *MEMBERS}),
        build=from_json(build, "build", problems),
        wheels=wheels_from_json(raw.get("wheels", {}), problems),
        logins=fetches.logins_from_json(raw.get("logins", {}), "logins", problems),
        found_collisions=collisions_from_json(raw.get("collisions", {}), problems),
        version=_text(raw, "version", "", problems) if "version" in raw else None,
        versions=tuple((name, _text(versions, name, "versions.", problems)) for name in sorted(versions)),
        generate=_words(raw, "generate", problems),
    )


def _words(raw: Mapping[str, object], key: str, problems: list[str]) -> tuple[str, ...] | None:
    value = raw.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) and one[:2] == "--" for one in value):
        problems.append(f'"{key}" must be a list of options')
        return None
    return tuple(value)


def _pin(system: str, value: object, problems: list[str]) -> Pin:
    where = f"hashes.{system}."
    entry = _object(value, where[:-1], problems)
    if not _SYSTEM.match(system):
        problems.append(f'"hashes" names {system!r}, which is not a system such as x86_64-linux')
    digest = _text(entry, "hash", where, problems)
    try:
        if digest and parse_hash(digest, "sha256").sri != digest:
            problems.append(f'"{where}hash" is not in SRI form (sha256-…)')
    except ValueError:
        problems.append(f'"{where}hash" is not a SHA-256 in SRI form (sha256-…): {digest!r}')
    key = _text(entry, "key", where, problems)
    if key and not _KEY.match(key):
        problems.append(f'"{where}key" is not a digest: {key!r}')
    return Pin(
        system=system,
        hash=digest,
        key=key,
        uv=_text(entry, "uv", where, problems) if "uv" in entry else "",
        python=_text(entry, "python", where, problems) if "python" in entry else "",
        collisions=kept_from_json(entry.get("collisions", {}), f"{where}collisions", problems),
        nixpkgs=_nixpkgs(entry["nixpkgs"], f"{where}nixpkgs", problems) if "nixpkgs" in entry else None,
        extra=_unknown(entry, {"hash", "key", "uv", "python", "nixpkgs", "collisions"}),
    )


def _nixpkgs(value: object, where: str, problems: list[str]) -> NixpkgsUsed:
    entry = _object(value, where, problems)
    revision = _text(entry, "revision", f"{where}.", problems) if "revision" in entry else ""
    return NixpkgsUsed(_text(entry, "version", f"{where}.", problems), revision)


def is_time(text: str) -> bool:
    """Whether ``text`` is an RFC 3339 time with its zone."""
    from datetime import datetime

    if not re.match(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)\Z", text, re.ASCII):
        return False
    try:
        datetime.fromisoformat(re.sub(r"\.\d+", "", text).upper())
    except ValueError:
        return False
    return True


def _text(raw: Mapping[str, object], key: str, where: str, problems: list[str]) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value:
        what = "is missing" if key not in raw else "must be a non-empty string"
        problems.append(f'"{where}{key}" {what}')
        return ""
    return value


def _object(value: object, where: str, problems: list[str]) -> Mapping[str, object]:
    if isinstance(value, dict):
        return value
    problems.append(f'"{where}" must be an object')
    return {}


def _unknown(raw: Mapping[str, object], known: set[str]) -> tuple[tuple[str, str], ...]:
    return tuple((key, json.dumps(raw[key], sort_keys=True)) for key in sorted(raw) if key not in known)


def _known(extra: tuple[tuple[str, str], ...]) -> dict[str, object]:
    return {key: json.loads(text) for key, text in extra}
