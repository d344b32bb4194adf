"""The nixpkgs index of a project: which one is used, and creating it with Nix or from a channel."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from uvlock2nix.cache import cache_dir
from uvlock2nix.errors import InputError, NetworkError, ToolError, UsageError
from uvlock2nix.knowledge.baselines import default_python
from uvlock2nix.lock import load_project
from uvlock2nix.net.urls import shown_url
from uvlock2nix.nixpkgs_index import stored as indexes
from uvlock2nix.nixpkgs_index.model import NixpkgsIndex
from uvlock2nix.nixrun.nixpkgs import FLAKE_FEATURES, find_nixpkgs
from uvlock2nix.pythons import choose_python
from uvlock2nix.reading import open_regular
from uvlock2nix.target import this_system

if TYPE_CHECKING:
    from uvlock2nix.app.reporter import Reporter
    from uvlock2nix.nixpkgs_index.channel import Found

CHANNELS: Final = "https://channels.nixos.org"
_STEPS: Final = 1000


@dataclass(frozen=True, slots=True)
class IndexInUse:
    """The index that a project is compared with; ``file`` is None for the index shipped with uvlock2nix.

    ``exact`` is false if the project pins a different nixpkgs than the index was made from.
    """

    index: NixpkgsIndex
    file: Path | None
    exact: bool


class IndexOptions(NamedTuple):
    """The source of an index: a nixpkgs evaluated with Nix, or a channel's list of packages."""

    nixpkgs: str | None = None
    channel: str | None = None
    pythons: tuple[str, ...] = ()
    system: str | None = None


class IndexMade(NamedTuple):
    """Where the index was written, and how many packages its set for each Python has."""

    path: Path
    counts: Mapping[str, int]


def index_in_use(project: Path) -> IndexInUse:
    """The index for ``project``; InputError if there is no such folder."""
    _there(project)
    key = project_key(project)
    stored = indexes.find(cache_dir(), key)
    index = indexes.in_use(cache_dir(), key)
    exact = stored is not None and (key is None or stored.key == key)
    return IndexInUse(index, stored.path if stored is not None else None, exact)


def update_index(project: Path, options: IndexOptions, reporter: Reporter) -> IndexMade:
    """Create the exact index.

    Raises:
        UsageError: the options cannot be used together, or name no such file or channel.
        ToolError: Nix is missing or fails.
        NetworkError: the channel cannot be fetched.
    """
    import shutil

    if options.nixpkgs and options.channel:
        raise UsageError("--nixpkgs and --channel cannot be used together", hint="use only one of them")
    _there(project)
    if options.channel:
        return _from_channel(options.channel, reporter)
    if shutil.which("nix-instantiate") is None:
        raise ToolError(
            "nix-instantiate is not installed, or not in PATH",
            hint="install Nix (https://nixos.org/download), or create the index of a channel without it: "
            "`uvlock2nix index update --channel nixos-unstable`",
        )
    return _from_nix(project, options, reporter)


def _there(project: Path) -> None:
    if not project.exists():
        raise InputError(f"{project}: no such file or folder", hint="pass the folder of a project")


def project_key(project: Path) -> str | None:
    """The key of the nixpkgs that PROJECT pins, ``None`` if there is no pin that we can read."""
    try:
        source = find_nixpkgs(None, project if project.is_dir() else project.parent, {}, optional=True)
    except InputError:
        return None
    return indexes.key_of(source.args) if source.args else None


def nixpkgs_python(project: Path) -> tuple[str, str] | None:
    """The minor version of ``python3`` in the nixpkgs that ``project`` uses, and its origin; None if unknown.

    It is known for a nixpkgs with an index, and for a release that flake.lock follows.
    """
    key = project_key(project)
    stored = indexes.find(cache_dir(), key)
    if stored is not None and (key is None or stored.key == key):
        python = indexes.load(stored.path).default_python
        if python is not None:
            return python, "python3 of the nixpkgs that the index was made of"
    try:
        release = find_nixpkgs(None, project, {}, optional=True).release
    except InputError:
        return None
    minor = default_python(release)
    return (f"3.{minor}", f"python3 of nixpkgs {release}, which flake.lock follows") if minor else None


def _pythons_of(project: Path) -> tuple[str, ...]:
    if not (project / "uv.lock").is_file():
        return ("3.13",)
    version, _ = choose_python(None, load_project(project))
    return (".".join(version.split(".")[:2]),)


def _from_nix(project: Path, options: IndexOptions, reporter: Reporter) -> IndexMade:
    import datetime as dt

    from uvlock2nix.nixpkgs_index.channel import make_index
    from uvlock2nix.nixpkgs_index.evaluate import evaluate
    from uvlock2nix.nixrun.runner import SystemRunner

    source = find_nixpkgs(options.nixpkgs, project)
    system = options.system or this_system()
    sets: dict[str, tuple[Found, ...]] = {}
    version, revision, date, default = "", None, None, None
    for python in options.pythons or _pythons_of(project):
        with reporter.steps(f"Python {python}", _STEPS) as step:
            result = evaluate(SystemRunner(), source.args, python, system, _Steps(step), FLAKE_FEATURES)
        sets[python.replace(".", "")] = result.found
        version, revision, date, default = result.version, result.revision, result.date, result.python
        if result.failed:
            shown = ", ".join(result.failed[:8]) + (" …" if len(result.failed) > 8 else "")
            reporter.note(f"{len(result.failed)} packages do not evaluate: {shown}")
    revision = dict(source.args).get("nixpkgsRev") or revision
    raw = make_index(
        sets,
        source=source.origin,
        nixpkgs=f"nixpkgs {version or 'of unknown version'}",
        date=date or dt.datetime.now(dt.UTC).date().isoformat(),
        revision=revision,
        system=system,
        python=default,
    )
    pinned = options.nixpkgs is None and bool(source.args)
    path = indexes.store(cache_dir(), indexes.key_of(source.args), raw, default=not pinned)
    return IndexMade(path, {key: len(found) for key, found in sets.items()})


class _Steps:
    """Turns (done, all) into steps of ``_STEPS``."""

    def __init__(self, update: Callable[[int], None]) -> None:
        self._update = update
        self._shown = 0

    def __call__(self, done: int, total: int) -> None:
        now = done * _STEPS // max(total, 1)
        self._update(now - self._shown)
        self._shown = now


def _from_channel(channel: str, reporter: Reporter) -> IndexMade:
    import datetime as dt

    from uvlock2nix.nixpkgs_index.brotli import unpack
    from uvlock2nix.nixpkgs_index.channel import make_index, read_channel

    path, revision = Path(channel), None
    if not path.is_file():
        if "://" not in channel and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", channel):
            raise UsageError(
                f"--channel {channel}: neither a file nor the name of a channel",
                hint="pass a channel such as nixos-unstable, or a packages.json or packages.json.br file",
            )
        url = channel if "://" in channel else f"{CHANNELS}/{channel}/packages.json.br"
        path, revision = _download(url, reporter)
    # `unpack` passes plain JSON through.
    sets = read_channel(unpack(_read(path)))
    date = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).date().isoformat()
    key = revision or indexes.key_of((("channel", channel), ("date", date)))
    shown = shown_url(channel)
    raw = make_index(
        sets, source=f"channel {shown}", nixpkgs=f"nixpkgs of {shown}", date=date, revision=revision,
        system="x86_64-linux",
    )  # fmt: skip
    path = indexes.store(cache_dir(), key, raw, default=True)
    return IndexMade(path, {python: len(found) for python, found in sets.items()})


def _download(url: str, reporter: Reporter) -> tuple[Path, str | None]:
    """The downloaded file, and its commit if the channel publishes that next to it."""
    from uvlock2nix.net.fetch import HttpFetcher

    with HttpFetcher(cache_dir()) as fetcher, reporter.steps("channel", _STEPS, fetcher.stop) as step:
        steps = _Steps(step)
        fetcher.progress = lambda done, total: steps(done, total or done * 2)
        place = fetcher.resume(url)
        try:
            revision = fetcher.text(f"{url.rpartition('/')[0]}/git-revision", 100).strip()
        except NetworkError:
            return place, None
    return place, revision if re.fullmatch(r"[0-9a-f]{40}", revision) else None


def _read(path: Path) -> Iterator[bytes]:
    try:
        with open_regular(path) as file:
            while chunk := file.read(1 << 20):
                yield chunk
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
