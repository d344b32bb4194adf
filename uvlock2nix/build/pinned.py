"""Locked build requirements in builds: their files, fetched once with their hash checked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from uvlock2nix.build_pins import BuildPins, LockedBuild, PinnedFile
from uvlock2nix.errors import InputError
from uvlock2nix.names import canonicalize_name
from uvlock2nix.nar import parse_hash
from uvlock2nix.net.client import Logins
from uvlock2nix.net.hashes import check_file
from uvlock2nix.net.locked import fetch


@dataclass(slots=True)
class Pinned:
    """The locked build requirements of a system.

    ``project`` is the folder of files with a path, ``folder`` that of downloads; ``given`` are files that
    already exist, by key. ``env`` has the variables for fetching (None: our own).
    """

    pins: BuildPins
    system: str
    project: Path
    folder: Path
    logins: Logins = field(default_factory=dict)
    env: Mapping[str, str] | None = None
    given: Mapping[str, Path] = field(default_factory=dict)
    _done: dict[str, Future[Path]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, name: str) -> LockedBuild | None:
        """The build requirements of the package ``name``; None if they are not locked."""
        return self.pins.builds(self.system).get(name)

    def of_sdist(self, file: PinnedFile) -> LockedBuild:
        """The build requirements of a build requirement that is an sdist.

        Raises:
            InputError: the pins do not have them.
        """
        found = self.pins.nested(self.system).get(file.key)
        if found is None:
            raise InputError(
                f"pins: no build of {file.key} is recorded for {self.system}",
                hint="run `uvlock2nix generate --upgrade-build-requirements`",
            )
        return found

    def files(self, keys: Iterable[str]) -> tuple[PinnedFile, ...]:
        """The files with these keys."""
        known = self.pins.by_key
        return tuple(known[key] for key in keys)

    def path(self, file: PinnedFile) -> Path:
        """The file on disk; threads that ask for the same file wait for the first.

        Raises:
            NetworkError: it cannot be downloaded.
            InputError: it does not match the lock.
        """
        return self.once(f"file {file.key}", lambda: self._get(file))

    def once(self, what: str, make: Callable[[], Path]) -> Path:
        """The result of ``make``, called by the first thread that asks."""
        with self._lock:
            future = self._done.get(what)
            mine = future is None
            if future is None:
                future = self._done[what] = Future()
        if mine:
            try:
                future.set_result(make())
            except BaseException as error:
                future.set_exception(error)
        return future.result()

    def _get(self, file: PinnedFile) -> Path:
        digest = parse_hash(file.hash, "sha256")
        expected = f"sha256:{digest.hex}"
        if file.key in self.given or file.path is not None:
            place = self.given.get(file.key) or self.project / str(file.path)
            check_file(place, expected)
            return place
        # A file must keep its name, which others may share.
        place = self.folder / digest.hex[:12] / file.filename
        place.parent.mkdir(parents=True, exist_ok=True)
        fetch(file.url or "", place, expected=expected, size=file.size, logins=self.logins, env=self.env)
        return place


def unmet(
    asked: Iterable[str], there: Mapping[str, str], marker_environment: Mapping[str, str]
) -> tuple[str, ...]:
    """The requirements in ``asked`` that the distributions ``there`` (name → version) do not meet."""
    found: dict[str, None] = {}
    for text in asked:
        try:
            requirement = Requirement(text)
            if requirement.marker is not None and not requirement.marker.evaluate(dict(marker_environment)):
                continue
            version = there.get(canonicalize_name(requirement.name))
            if version and requirement.specifier.contains(Version(version), prereleases=True):
                continue
        except (InvalidRequirement, InvalidVersion):
            pass  # the installation reports what is wrong with it
        found[text] = None
    return tuple(found)
