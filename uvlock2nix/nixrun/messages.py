"""Parse Nix's messages about a fixed-output derivation, with pure functions.

Nix 1.11 to 2.35, Lix and Determinate Nix word a hash mismatch in half a dozen ways (transcripts:
``tests/data/nix_messages``). ``read_messages`` parses text into closed variants; ``judge`` decides what they
mean for a derivation. A line from a builder is not a message: Nix marks those with a prefix, a ``>`` or an
indent, and the structured log keeps them apart (``uvlock2nix.nixrun.stream``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, assert_never

from uvlock2nix.nar import Hash, fod_path, parse_hash
from uvlock2nix.regex import regex

_ESCAPE: Final = regex(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_QUOTED: Final = r"['\u2018](?P<subject>/[^'\u2019\s]+)['\u2019]"
_MISMATCH: Final = regex(rf"hash mismatch in fixed-output derivation {_QUOTED}:?[ \t]*$", re.MULTILINE)
# A field of the block below: indented by one or more spaces, and Lix adds fields of its own.
_FIELD: Final = regex(r"[ \t]+(?P<name>[A-Za-z][A-Za-z ]*):[ \t]*(?P<value>\S.*?)?[ \t]*$")
_MISMATCH_2_0: Final = regex(
    rf"fixed-output derivation produced path {_QUOTED} with (?P<algo>\w+) hash ['\u2018](?P<got>\w+)['\u2019]"
    r" instead of the expected hash ['\u2018](?P<want>\w+)['\u2019]"
)
_MISMATCH_1: Final = regex(
    rf"output path {_QUOTED} has (?:r:)?(?P<algo>\w+) hash ['\u2018](?P<got>\w+)['\u2019]"
    r" when ['\u2018](?P<want>\w+)['\u2019] was expected"
)
_REFERENCES: Final = (
    regex(rf"illegal path references in fixed-output derivation {_QUOTED}"),
    regex(
        rf"fixed-output derivations must not reference store paths: {_QUOTED}"
        r" references \d+ distinct paths(?:, e\.g\. '(?P<example>[^']+)')?"
    ),
    regex(
        rf"the fixed-output derivation {_QUOTED} must not reference store paths"
        r" but \d+ such references were found:(?:\s+(?P<example>/\S+))?"
    ),
    regex(r"fixed output derivation '(?P<subject>[^']+)' is not allowed to refer to other store paths"),
)
_INVALID: Final = regex(rf"path {_QUOTED} is not valid")
_BUILDER: Final = (
    regex(rf"builder for {_QUOTED} failed (?P<how>with [^;\n]+|due to signal [^;\n]+|to produce [^;\n]+)"),
    regex(rf"Cannot build {_QUOTED}\.\s+Reason: builder (?P<how>failed [^.\n]+)"),
)
_START: Final = regex(r"(?:error|warning|note):[ \t]*")
# Nix's prefix for a build on another machine, before that machine's own message.
_REMOTE: Final = regex(r"build of '[^']+' on '[^']+' failed: ")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A fixed-output derivation has a different hash than specified.

    ``subject`` is the path in the message: the ``.drv``; before Nix 2.4 an output path. ``got`` is None if
    Nix does not report it (2.32.0, 2.32.1, if the real path already exists).
    """

    subject: str
    got: Hash | None
    specified: Hash | None = None


@dataclass(frozen=True, slots=True)
class References:
    """A fixed-output derivation refers to store paths; ``subject`` is its ``.drv``, or its bare name."""

    subject: str
    example: str | None = None


@dataclass(frozen=True, slots=True)
class InvalidPath:
    """A path that should exist does not: the message of Nix 2.4 to 2.15 for references in the output."""

    subject: str


@dataclass(frozen=True, slots=True)
class BuilderFailed:
    """A builder failed; ``how`` is Nix's wording (``with exit code 1``)."""

    subject: str
    how: str


@dataclass(frozen=True, slots=True)
class OtherText:
    """Any other error, in Nix's words."""

    text: str


Message = Mismatch | References | InvalidPath | BuilderFailed | OtherText


@dataclass(frozen=True, slots=True)
class Wanted:
    """The derivation whose hash is wanted, the only one whose hash is accepted.

    ``out`` is its output path with the given hash; ``name`` is the derivation's.
    """

    drv: str
    name: str
    out: str
    recursive: bool = True
    algo: str = "sha256"

    def path(self, digest: Hash) -> str:
        """The output path that the derivation has with ``digest``."""
        return fod_path(self.name, digest, recursive=self.recursive, store=self.drv.rsplit("/", 1)[0])

    def is_meant(self, message: Mismatch) -> bool:
        """Whether a mismatch is about this derivation: by its .drv or, before Nix 2.4, by an output path."""
        if message.subject.endswith(".drv"):
            return message.subject == self.drv
        if message.subject == self.out:
            return True
        return (
            message.got is not None
            and message.got.algo == self.algo
            and self.path(message.got) == message.subject
        )


@dataclass(frozen=True, slots=True)
class Found:
    """The hash; ``doubtful`` if Nix printed more than one for our derivation (all are included)."""

    hashes: tuple[Hash, ...]

    @property
    def doubtful(self) -> bool:
        """Whether messages have different hashes for the same derivation."""
        return len(self.hashes) > 1


@dataclass(frozen=True, slots=True)
class HasReferences:
    """Our output refers to store paths; the hash is useless, known or not."""

    example: str | None
    hash: Hash | None


@dataclass(frozen=True, slots=True)
class Hidden:
    """There is a mismatch in our derivation, but Nix does not report the actual hash."""


@dataclass(frozen=True, slots=True)
class ElseWhere:
    """A different derivation's hash is wrong: ours was not reached."""

    mismatch: Mismatch


@dataclass(frozen=True, slots=True)
class Failed:
    """Something else failed: ``builder`` if a builder did (ours, or one that ours needs)."""

    builder: BuilderFailed | None
    texts: tuple[str, ...]


Verdict = Found | HasReferences | Hidden | ElseWhere | Failed


def plain(text: str) -> str:
    """``text`` without colours, title sequences, carriage returns and other control characters."""
    if text.isprintable():
        return text
    text = _ESCAPE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in text if char in "\n\t" or (char.isprintable()))


def read_messages(text: str) -> tuple[Message, ...]:
    """Parse Nix's standard error as plain text.

    Only text at the start of a line counts, with or without ``error:``: lines that Nix shows from a
    builder's log are indented or prefixed.
    """
    lines = plain(text).split("\n")
    found: list[Message] = []
    index = 0
    while index < len(lines):
        line = lines[index]
        index += 1
        if not line or line[0] in " \t":
            continue
        block = [line]
        while index < len(lines) and lines[index][:1] in (" ", "\t"):
            block.append(lines[index])
            index += 1
        message = _message(block)
        if message is not None:
            found.append(message)
    return tuple(found)


def read_error(text: str) -> Message:
    """Parse an error of Nix's structured log: the whole text is one message, including colours."""
    lines = plain(text).split("\n")
    return _message(["error: " + lines[0], *lines[1:]]) or OtherText(plain(text).strip())


def judge(messages: Iterable[Message], wanted: Wanted) -> Verdict:
    """What the messages of a build mean for ``wanted``."""
    evidence = _Evidence(wanted)
    for message in messages:
        evidence.add(message)
    return evidence.verdict()


class _Evidence:
    """What has been seen so far, and the verdict on it."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.hashes: list[Hash] = []
        self.hidden = False
        self.references: References | InvalidPath | None = None
        self.elsewhere: Mismatch | None = None
        self.builder: BuilderFailed | None = None
        self.texts: list[str] = []

    def add(self, message: Message) -> None:
        """Take a message into account."""
        wanted = self.wanted
        match message:
            case Mismatch():
                self._mismatch(message)
            case References():
                if message.subject in (wanted.drv, wanted.name):
                    self.references = self.references or message
            case InvalidPath():
                if message.subject in (wanted.out, *(wanted.path(one) for one in self.hashes)):
                    self.references = self.references or message
                else:
                    self.texts.append(f"path '{message.subject}' is not valid")
            case BuilderFailed():
                if self.builder is None or message.subject == wanted.drv:
                    self.builder = message
            case OtherText():
                self.texts.append(message.text)
            case _:
                assert_never(message)

    def _mismatch(self, message: Mismatch) -> None:
        if not self.wanted.is_meant(message):
            self.elsewhere = self.elsewhere or message
        elif message.got is None:
            self.hidden = True
        elif message.got.algo == self.wanted.algo and message.got not in self.hashes:
            self.hashes.append(message.got)

    def verdict(self) -> Verdict:
        """The verdict on all messages so far."""
        if self.references is not None:
            example = self.references.example if isinstance(self.references, References) else None
            return HasReferences(example, self.hashes[0] if self.hashes else None)
        if self.hashes:
            return Found(tuple(self.hashes))
        if self.hidden:
            return Hidden()
        if self.builder is None and self.elsewhere is not None:
            return ElseWhere(self.elsewhere)
        return Failed(self.builder, tuple(self.texts))


def _message(block: list[str]) -> Message | None:
    """The message in an unindented line and the indented lines below it."""
    start = _START.match(block[0])
    head = block[0][start.end() :] if start else block[0]
    if start and (remote := _REMOTE.match(head)):
        head = head[remote.end() :].removeprefix("error: ")
    whole = "\n".join([head, *block[1:]])
    if match := _MISMATCH.match(head):
        return _mismatch(match["subject"], block[1:])
    for pattern in (_MISMATCH_2_0, _MISMATCH_1):
        if match := pattern.match(whole):
            return Mismatch(
                match["subject"], _hash(match["got"], match["algo"]), _hash(match["want"], match["algo"])
            )
    for pattern in _REFERENCES:
        if match := pattern.match(whole):
            return References(match["subject"], match.groupdict().get("example"))
    if match := _INVALID.match(head):
        return InvalidPath(match["subject"])
    for pattern in _BUILDER:
        if match := pattern.match(whole):
            return BuilderFailed(match["subject"], match["how"].strip().removeprefix("failed "))
    return OtherText(whole.strip()) if start and block[0].startswith("error:") else None


def _mismatch(subject: str, below: list[str]) -> Mismatch:
    fields: dict[str, str] = {}
    for line in below:
        match = _FIELD.match(line)
        if match is None:
            break
        fields.setdefault(match["name"].strip().lower(), match["value"] or "")
    specified = fields.get("specified", fields.get("wanted", ""))
    return Mismatch(subject, _hash(fields.get("got", "")), _hash(specified))


def _hash(text: str, algo: str | None = None) -> Hash | None:
    try:
        return parse_hash(text, algo)
    except ValueError:
        return None
