"""Read Nix's standard error while it runs: the structured log, or plain lines.

Lines of ``--log-format internal-json`` are ``@nix {…}`` with an ``action``: ``start``, ``stop``, ``result``
(a builder's line, a phase, progress) and ``msg``. A builder can print ``@nix`` lines of its own, which Nix
passes on as ``msg``; but only Nix's own errors have ``raw_msg``. So those are trusted, and the rest only if
the store confirms it (``uvlock2nix.nixrun.build``).
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from uvlock2nix.nar import Hash, parse_hash
from uvlock2nix.nixrun.messages import (
    BuilderFailed,
    Message,
    Mismatch,
    OtherText,
    plain,
    read_error,
    read_messages,
)
from uvlock2nix.regex import regex

TAIL: Final = 200  # builder lines kept for each derivation
_MESSAGES: Final = 2000
_LINE: Final = 4_000
_TRANSFERS: Final = 10_000
_PLAIN: Final = 8_000  # characters of a line, or of a message that anybody may have printed
_WORDS: Final = 32_000
_ACT_COPY: Final = 100
_ACT_TRANSFER: Final = 101
_ACT_BUILD: Final = 105
# Results: 101 a builder's line, 104 a phase, 105 progress, 109 a mismatch (Determinate Nix).
_SHOWN_LINE: Final = regex(r"\s*> ?(.*)")


@dataclass(frozen=True, slots=True)
class Status:
    """The current activity, for people: a derivation, its phase or last line, bytes done and expected."""

    drv: str | None
    text: str
    done: int = 0
    expected: int = 0


class LogReader:
    """Takes Nix's lines one by one; keeps messages and the last lines of each builder."""

    def __init__(self, on_status: Callable[[Status], None] = lambda _: None) -> None:
        self.trusted: list[Message] = []
        # Derivations built by a remote builder, whose errors have no ``raw_msg``.
        self.remote: set[str] = set()
        self._on_status = on_status
        self._doubted: list[str] = []
        self._plain: deque[str] = deque(maxlen=_MESSAGES)
        self._builds: dict[int, str] = {}
        self._transfers: dict[int, tuple[int, int]] = {}
        self._moved = (0, 0)  # the sum of these
        self._tails: dict[str, deque[str]] = {}

    def line(self, line: str) -> None:
        """Take a line of standard error, without its newline."""
        if line.startswith("@nix "):
            try:
                event = json.loads(line[5:])
            except (ValueError, RecursionError):
                event = None
            if isinstance(event, dict):
                self._event(event)
                return
        self._plain.append(line[:_PLAIN])
        self._on_status(Status(None, plain(line).strip()))

    def doubted(self) -> tuple[Message, ...]:
        """Messages outside Nix's structured errors: true only if the store confirms them."""
        found: list[Message] = []
        for text in [*self._doubted, "\n".join(self._plain)]:
            found.extend(read_messages(text))
        return tuple(found)

    def tail(self, drv: str | None, count: int = 25) -> tuple[str, ...]:
        """The builder's last lines: of ``drv`` if it printed any, else of the last derivation that did."""
        lines = self._tails.get(drv or "")
        if lines is None and self._tails:
            lines = self._tails[next(reversed(self._tails))]
        if lines is None:  # plain mode: Nix shows the last lines below its error
            shown = [match[1] for text in self._plain if (match := _SHOWN_LINE.match(plain(text)))]
            lines = deque(shown or self._plain)
        return tuple(plain(line) for line in list(lines)[-count:])

    def _event(self, event: Mapping[str, object]) -> None:
        match event.get("action"):
            case "msg":
                self._message(event)
            case "start":
                self._start(event)
            case "result":
                self._result(event)
            case "stop":
                self._transfer(_id(event), None)
            case _:
                pass  # setPhase of a builder, and additions of later versions

    def _message(self, event: Mapping[str, object]) -> None:
        raw = event.get("raw_msg")
        if isinstance(raw, str):
            if event.get("level") == 0 and len(self.trusted) < _MESSAGES:
                message = read_error(raw)
                self.trusted.append(message)
                self._shown_lines(plain(raw), message)
        elif isinstance(said := event.get("msg"), str):
            if len(self._doubted) < _MESSAGES:
                self._doubted.append(said[:_WORDS])
            self._on_status(Status(None, plain(said).strip()))

    def _shown_lines(self, text: str, message: Message) -> None:
        """Lines that Nix quotes from a builder's log: from some remote builders, these are the only ones."""
        if isinstance(message, BuilderFailed) and message.subject not in self._tails:
            shown = [match[1] for line in text.split("\n") if (match := _SHOWN_LINE.match(line))]
            if shown:
                self._tails[message.subject] = deque(shown, maxlen=TAIL)

    def _start(self, event: Mapping[str, object]) -> None:
        fields = event.get("fields")
        first = fields[0] if isinstance(fields, list) and fields else None
        if event.get("type") == _ACT_BUILD and isinstance(first, str):
            self._builds[_id(event)] = first
            if isinstance(fields, list) and len(fields) > 1 and fields[1]:
                self.remote.add(first)
            self._on_status(Status(first, "building"))
        elif event.get("type") in (_ACT_TRANSFER, _ACT_COPY) and len(self._transfers) < _TRANSFERS:
            self._transfer(_id(event), (0, 0))
            self._on_status(Status(None, plain(str(event.get("text", "")))))

    def _transfer(self, number: int, moved: tuple[int, int] | None) -> None:
        """Note how far a transfer is, ``None``: that it has ended."""
        before = self._transfers.pop(number, (0, 0))
        now = moved or (0, 0)
        self._moved = (self._moved[0] + now[0] - before[0], self._moved[1] + now[1] - before[1])
        if moved is not None:
            self._transfers[number] = moved

    def _result(self, event: Mapping[str, object]) -> None:
        fields = event.get("fields")
        items = fields if isinstance(fields, list) else []
        drv = self._builds.get(_id(event))
        match event.get("type"):
            case 101 if items and isinstance(items[0], str):
                key = drv or ""
                lines = self._tails.pop(key, None) or deque(maxlen=TAIL)
                line = items[0][:_LINE]
                lines.append(line)
                self._tails[key] = lines  # put last: this builder printed last
                self._on_status(Status(drv, plain(line).strip()))
            case 104 if items and isinstance(items[0], str):
                self._on_status(Status(drv, plain(items[0])))
            case 105 if _id(event) in self._transfers and len(items) >= 2:
                done, expected = items[0], items[1]
                if isinstance(done, int) and isinstance(expected, int):
                    self._transfer(_id(event), (done, expected))
                    self._on_status(Status(None, "downloading", *self._moved))
            case 109:
                payload = event.get("payload")
                if isinstance(payload, dict):
                    self._payload(payload)
            case _:
                pass

    def _payload(self, payload: Mapping[str, object]) -> None:
        """Determinate Nix's ``{"storePath", "wanted", "got"}``."""
        subject = payload.get("storePath")
        if isinstance(subject, str):
            self.trusted.append(Mismatch(subject, _json_hash(payload.get("got"))))

    def text(self) -> str:
        """Nix's errors, for a message to the user."""
        texts = [message.text for message in self.trusted if isinstance(message, OtherText)]
        texts += [message.text for message in self.doubted() if isinstance(message, OtherText)]
        return "\n".join(dict.fromkeys(texts)) or "\n".join(plain(line) for line in list(self._plain)[-20:])


def _id(event: Mapping[str, object]) -> int:
    value = event.get("id")
    return value if isinstance(value, int) else -1


def _json_hash(value: object) -> Hash | None:
    """A hash in JSON: a string, or ``{"algorithm", "format", "hash"}``."""
    try:
        if isinstance(value, str):
            return parse_hash(value)
        if isinstance(value, dict):
            return parse_hash(str(value.get("hash")), str(value.get("algorithm")))
    except ValueError:
        return None
    return None
