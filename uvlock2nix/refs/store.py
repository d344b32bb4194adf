"""Store paths, the stable keys of recorded references, and placeholders."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from uvlock2nix.errors import InputError, UsageError
from uvlock2nix.regex import regex

STORE_DIR: Final = "/nix/store"
HASH_LENGTH: Final = 32
ALPHABET: Final = b"0123456789abcdfghijklmnpqrsvwxyz"  # nix32: no e, o, u, t
NAME_CHARACTERS: Final = rb"[0-9A-Za-z+\-._?=]"

_STORE_NAME = regex(r"([0-9a-df-np-sv-z]{32})-([0-9A-Za-z+\-._?=]{1,211})")
_OUTPUT = regex(r"-([a-z][a-z_]*)$")
# Words at the end of a version that are not an output of a derivation.
_PRERELEASE: Final = frozenset({"alpha", "beta", "pre", "rc", "post", "final", "git", "unstable", "stable"})

# The letters that no hash has, in the prefix (u, o) and at the end (e, o), prevent every window of 32
# characters that overlaps a placeholder from being a hash, whatever surrounds it.
_PREFIX: Final = b"uvlock2nixref0"
_DIGEST: Final = HASH_LENGTH - len(_PREFIX) - 1
HASH_ONLY: Final = b"e"
WHOLE_NAME: Final = b"o"
PLACEHOLDER: Final = regex(_PREFIX + rb"[0-9a-df-np-sv-z]{%d}[eo]" % _DIGEST)
PLACEHOLDER_PREFIX: Final = _PREFIX


@dataclass(frozen=True, slots=True, order=True)
class StorePath:
    """A path directly below the store directory: 32 characters of hash and a name (``zlib-1.3.1``)."""

    name: str
    hash: str

    @property
    def base(self) -> str:
        """``<hash>-<name>``."""
        return f"{self.hash}-{self.name}"

    @classmethod
    def parse(cls, text: str, *, store_dir: str = STORE_DIR) -> StorePath:
        """The store path of ``text`` or above it; :class:`InputError` if it is not in the store."""
        found = cls.find(text, store_dir=store_dir)
        if found is None:
            raise InputError(
                f"{text!r} is not a path in the store {store_dir}",
                hint=f"it looks like {store_dir}/<32 characters>-<name>; for another store: --store-dir",
                data={"path": text},
            )
        return found

    @classmethod
    def find(cls, text: str, *, store_dir: str = STORE_DIR) -> StorePath | None:
        """Like :meth:`parse`, but None if ``text`` is not in the store."""
        prefix = store_dir.rstrip("/") + "/"
        if not text.startswith(prefix):
            return None
        match = _STORE_NAME.fullmatch(text[len(prefix) :].split("/", 1)[0])
        return cls(hash=match[1], name=match[2]) if match else None


def split_store_name(name: str) -> tuple[str, str, str]:
    """(name, version, output) of a store name: ``libxml2-2.13.8-dev`` → ``("libxml2", "2.13.8", "dev")``.

    The version begins at the first dash that is not followed by a letter (the rule of
    ``builtins.parseDrvName``); a last word of letters is the output, which nixpkgs puts after the version.
    Missing parts are "".
    """
    match = re.search(r"-(?![A-Za-z])", name)
    if match is None or match.start() == 0:
        return name, "", ""
    pname, version = name[: match.start()], name[match.end() :]
    output = _OUTPUT.search(version)
    if output is None or output[1] in _PRERELEASE:
        return pname, version, ""
    return pname, version[: output.start()], output[1]


def store_key(name: str) -> str:
    """The key of a store path without a known attribute: its name without the version, and its output."""
    pname, _, output = split_store_name(name)
    return f"{pname}.{output}" if output else pname


def placeholder(key: str, *, whole: bool = False) -> bytes:
    """The 32 bytes in place of the store hash recorded under ``key``; no hash can look like them.

    ``whole``: it replaces ``<hash>-<name>``, so the version is removed.
    """
    value = int.from_bytes(hashlib.sha256(b"uvlock2nix placeholder 1\0" + key.encode()).digest(), "big")
    digits = bytes(ALPHABET[value >> 5 * i & 31] for i in range(_DIGEST))
    return _PREFIX + digits + (WHOLE_NAME if whole else HASH_ONLY)


class Keys:
    """Assigns keys to hashes; a key never stands for two hashes.

    ``inputs``: ATTR → store path. Paths without an attribute get their name without hash and version as key;
    if that is taken, with the version; and if that is taken too, with a number, in the order of requests,
    which is the order of the tree and so independent of hashes.
    """

    def __init__(self, paths: Iterable[StorePath], inputs: Mapping[str, str], *, store_dir: str) -> None:
        self.names: dict[str, str] = {path.hash: path.name for path in paths}
        self._key: dict[str, str] = {}
        self._taken: dict[str, str] = {}
        for attr, path in sorted(inputs.items(), key=lambda item: (item[0] != "out", len(item[0]), item[0])):
            check_key(attr)
            found = StorePath.parse(path, store_dir=store_dir)
            self.names[found.hash] = found.name
            if found.hash not in self._key:
                self._key[found.hash] = attr
                self._taken[attr] = found.hash

    def key(self, store_hash: str, name: str) -> str:
        """The key of ``store_hash``; ``name`` is the text after it, if the closure does not have its name."""
        if store_hash not in self._key:
            name = self.names.setdefault(store_hash, name) or "unknown"
            choices = [
                store_key(name),
                name,
                *(f"{store_key(name)}#{n}" for n in range(2, len(self._taken) + 3)),
            ]
            key = next(choice for choice in choices if choice not in self._taken)
            self._key[store_hash] = key
            self._taken[key] = store_hash
        return self._key[store_hash]


def check_key(attr: str) -> None:
    """:class:`UsageError` unless ``attr`` can be a key: printable, not empty, no space and no ``=``."""
    if not re.fullmatch(r"[^\s=\x00-\x1f\x7f\ud800-\udfff]{1,300}", attr):
        raise UsageError(
            f"{attr!r} cannot be the name of an input",
            hint="write --input ATTR=PATH, for example libxml2.dev=/nix/store/…",
        )


def find_input(key: str, inputs: Mapping[str, StorePath], others: Iterable[StorePath]) -> StorePath | None:
    """The path for ``key`` at restore: the input of that name, else the only path with such a store name.

    ``others`` are store paths without attribute (the build's environment). Two different candidates
    by name give None.
    """
    if key in inputs:
        return inputs[key]
    for group in (inputs.values(), others):
        matching = {path for path in group if store_key(path.name) == key or path.name == key}
        if len(matching) == 1:
            return matching.pop()
        if matching:
            return None
    return None
