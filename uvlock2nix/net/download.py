"""Fetch a large file without a hash that changes at its URL, such as a channel's.

What an interrupted run has fetched is not fetched again if the server reports that its file is still the
same: https://www.rfc-editor.org/rfc/rfc9110#name-if-range.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from uvlock2nix.errors import InputError, NetworkError
from uvlock2nix.net.client import Client, Progress, length_of, range_of, refuse
from uvlock2nix.net.urls import shown_url
from uvlock2nix.reading import read_regular

if TYPE_CHECKING:
    import requests

AGAIN: Final = "check the network and run the command again: the download resumes"
ANEW: Final = "run the command again: the download starts over"
NO_SPACE: Final = "is the disk full? XDG_CACHE_HOME selects a different folder"


@dataclass(frozen=True, slots=True)
class _State:
    """The server's data on the (partial) file: its ETag or date, and its size."""

    tag: str
    total: int | None


def download(client: Client, url: str, folder: Path, progress: Progress | None = None) -> Path:
    """Download the file at ``url`` as it is sent, into ``folder``.

    Raises:
        NetworkError: the server cannot be reached, refuses, stops, or sends something that does not match.
        InputError: not an HTTP URL, or ``folder`` cannot be written.
    """
    name = hashlib.sha256(url.encode()).hexdigest()[:32]
    work = _Download(client, url, folder / name, folder / f"{name}.part", folder / f"{name}.json", progress)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with work.part.open("a+b") as file, _alone(file, url):
            return work.run(file)
    except OSError as error:
        raise InputError(f"cannot write to the cache {folder}: {error.strerror}", hint=NO_SPACE) from error


@contextmanager
def _alone(file: IO[bytes], url: str) -> Iterator[None]:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(
            f"{shown_url(url)} is being fetched by another run", hint="wait for it to end"
        ) from None
    yield


@dataclass(frozen=True, slots=True)
class _Download:
    client: Client
    url: str
    done: Path
    part: Path
    state: Path
    progress: Progress | None

    def run(self, file: IO[bytes]) -> Path:
        """Download into ``file``; return its final path. Raises NetworkError."""
        state = self._recall()
        have = os.fstat(file.fileno()).st_size
        headers: dict[str, str] = {}
        if state.tag and self.done.is_file():
            headers["If-None-Match" if state.tag.startswith(('"', "W/")) else "If-Modified-Since"] = state.tag
        # A weak tag does not promise equal bytes.
        elif state.tag and have and not state.tag.startswith("W/"):
            headers |= {"Range": f"bytes={have}-", "If-Range": state.tag}
        with self.client.answer(self.url, headers, AGAIN) as response:
            if response.status_code == 304 and self.done.is_file():
                self.part.unlink(missing_ok=True)
                return self.done
            have, total = self._begin(response, file, have, state)
            self._write(response, file, have, total)
        size = os.fstat(file.fileno()).st_size
        if total is not None and size != total:
            hint = AGAIN if size < total else ANEW
            if size > total:
                self._forget(file)
            raise NetworkError(f"{shown_url(self.url)}: {size} of {total} bytes were received", hint=hint)
        file.flush()
        self.part.replace(self.done)
        return self.done

    def _begin(
        self, response: requests.Response, file: IO[bytes], have: int, state: _State
    ) -> tuple[int, int | None]:
        """(bytes already there, bytes in all), with the file positioned for the rest."""
        if response.status_code == 206:
            where = range_of(response)
            if where is not None and where[0] == have and where[2] == (state.total or where[2]):
                return have, where[2]
            self._forget(file)
            raise NetworkError(
                f"{shown_url(self.url)}: the server sent a different range than requested", hint=ANEW
            )
        if response.status_code == 416:
            self._forget(file)
        refuse(response, 200, ANEW)
        file.truncate(0)
        total = length_of(response)
        tag = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        self.state.write_text(json.dumps({"tag": tag, "total": total}), encoding="utf-8")
        return 0, total

    def _write(self, response: requests.Response, file: IO[bytes], have: int, total: int | None) -> None:
        limits = self.client.limits
        for chunk in self.client.body(response, limits.file - have, limits.resumed_chunk):
            file.write(chunk)
            file.flush()
            have += len(chunk)
            if self.progress is not None:
                self.progress(have, total)

    def _forget(self, file: IO[bytes]) -> None:
        file.truncate(0)
        self.state.unlink(missing_ok=True)

    def _recall(self) -> _State:
        try:
            raw = json.loads(read_regular(self.state, 10_000))
            tag, total = raw["tag"], raw["total"]
        except (OSError, ValueError, KeyError, TypeError):
            return _State("", None)
        good = isinstance(tag, str) and tag.isascii() and tag.isprintable()
        return _State(tag if good else "", total if isinstance(total, int) else None)
