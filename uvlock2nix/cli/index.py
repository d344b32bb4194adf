"""``uvlock2nix index``: which nixpkgs the classification compares with, and making that exact."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import click

from uvlock2nix.cli.options import this_system
from uvlock2nix.errors import InputError, NetworkError, ToolError, UsageError
from uvlock2nix.net.fetch import HttpFetcher, cache_dir
from uvlock2nix.nixpkgs_index import stored as indexes
from uvlock2nix.nixpkgs_index.brotli import unpack
from uvlock2nix.nixpkgs_index.channel import Found, make_index, read_channel
from uvlock2nix.nixpkgs_index.evaluate import evaluate
from uvlock2nix.nixrun.nixpkgs import find_nixpkgs
from uvlock2nix.nixrun.runner import SystemRunner

CHANNELS: Final = "https://channels.nixos.org"


@click.group("index")
def command() -> None:
    """The nixpkgs index: which Python packages a nixpkgs has, in which version."""


def project_argument() -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The optional argument PROJECT."""
    return click.argument("project", type=click.Path(path_type=Path), default=".", required=False)


@command.command("show")
@project_argument()
def show(project: Path) -> None:
    """Say which index is in use for PROJECT."""
    _there(project)
    key = project_key(project)
    stored = indexes.find(cache_dir(), key)
    index = indexes.in_use(cache_dir(), key)
    click.echo(index.describe())
    click.echo(f"file: {stored.path if stored is not None else 'carried with uvlock2nix'}")
    for python, rows in sorted(index.sets.items()):
        click.echo(f"Python {python}: {len(rows)} packages")
    for caveat in index.caveats:
        click.echo(f"limit: {caveat}")
    if stored is None:
        click.echo("`uvlock2nix index update` makes the exact one of the project's nixpkgs")
    elif key is not None and stored.key != key:
        click.echo("the project pins another nixpkgs: `uvlock2nix index update` makes its index")


@command.command("update")
@project_argument()
@click.option("--nixpkgs", metavar="PATH|FLAKEREF", help="The nixpkgs; default: flake.lock, else <nixpkgs>.")
@click.option("--channel", metavar="NAME|URL|FILE", help="A channel's packages.json.br instead, without Nix.")
@click.option("--python", "pythons", multiple=True, metavar="3.13", help="Which Python sets (repeatable).")
@click.option("--system", metavar="SYSTEM", help="The system to evaluate for; default: this machine's.")
def update(
    project: Path, nixpkgs: str | None, channel: str | None, pythons: tuple[str, ...], system: str | None
) -> None:
    """Make the exact index: of the project's nixpkgs through Nix, or of a channel over HTTP."""
    if nixpkgs and channel:
        raise UsageError("--nixpkgs and --channel exclude each other", hint="one index, one source")
    _there(project)
    if channel:
        _from_channel(channel)
    elif shutil.which("nix-instantiate") is None:
        raise ToolError(
            "nix-instantiate is not installed, or not in PATH",
            hint="install Nix (https://nixos.org/download), or make the index of a channel without it: "
            "`uvlock2nix index update --channel nixos-unstable`",
        )
    else:
        _from_nix(project, nixpkgs, pythons or _pythons_of(project), system or this_system())


def _there(project: Path) -> None:
    if not project.exists():
        raise InputError(f"{project}: there is no such file or folder", hint="name a project's folder")


def project_key(project: Path) -> str | None:
    """The key of the nixpkgs that PROJECT pins, ``None`` where it pins none that we can read."""
    try:
        source = find_nixpkgs(None, project if project.is_dir() else project.parent, {}, optional=True)
    except InputError:
        return None
    return indexes.key_of(source.args) if source.args else None


def _pythons_of(project: Path) -> tuple[str, ...]:
    from uvlock2nix.lock import load_project
    from uvlock2nix.pythons import choose_python

    if not (project / "uv.lock").is_file():
        return ("3.13",)
    version, _ = choose_python(None, load_project(project))
    return (".".join(version.split(".")[:2]),)


def _from_nix(project: Path, given: str | None, pythons: tuple[str, ...], system: str) -> None:
    source = find_nixpkgs(given, project)
    sets: dict[str, tuple[Found, ...]] = {}
    version, revision, date = "", None, None
    for python in pythons:
        with click.progressbar(
            length=1000, label=f"Python {python}", file=sys.stderr, hidden=not sys.stderr.isatty()
        ) as bar:
            step = _Steps(bar.update)
            result = evaluate(SystemRunner(), source.args, python, system, step)
        sets[python.replace(".", "")] = result.found
        version, revision, date = result.version, result.revision, result.date
        if result.failed:
            shown = ", ".join(result.failed[:8]) + (" …" if len(result.failed) > 8 else "")
            click.echo(f"note: {len(result.failed)} packages do not evaluate: {shown}", err=True)
    revision = dict(source.args).get("nixpkgsRev") or revision
    raw = make_index(
        sets,
        source=source.origin,
        nixpkgs=f"nixpkgs {version or 'of unknown version'}",
        date=date or dt.datetime.now(dt.UTC).date().isoformat(),
        revision=revision,
        system=system,
    )
    pinned = given is None and bool(source.args)
    path = indexes.store(cache_dir(), indexes.key_of(source.args), raw, default=not pinned)
    _done(path, {key: len(found) for key, found in sets.items()})


class _Steps:
    """Turns (done, all) into the steps of a bar of 1000."""

    def __init__(self, update: Callable[[int], None]) -> None:
        self._update = update
        self._shown = 0

    def __call__(self, done: int, total: int) -> None:
        now = done * 1000 // max(total, 1)
        self._update(now - self._shown)
        self._shown = now


def _from_channel(channel: str) -> None:
    path, revision = Path(channel), None
    if not path.is_file():
        if "://" not in channel and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", channel):
            raise UsageError(
                f"--channel {channel}: there is no such file, and it is no name of a channel",
                hint="a name is nixos-unstable, for one; a file is a packages.json or packages.json.br",
            )
        url = channel if "://" in channel else f"{CHANNELS}/{channel}/packages.json.br"
        path, revision = _download(url)
    # What is no brotli but JSON passes through.
    sets = read_channel(unpack(_read(path)))
    date = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).date().isoformat()
    key = revision or indexes.key_of((("channel", channel), ("date", date)))
    raw = make_index(
        sets, source=f"channel {channel}", nixpkgs=f"nixpkgs of {channel}", date=date, revision=revision,
        system="x86_64-linux",
    )  # fmt: skip
    _done(indexes.store(cache_dir(), key, raw, default=True), {k: len(v) for k, v in sets.items()})


def _download(url: str) -> tuple[Path, str | None]:
    """The file, and the commit that it is of where the channel says so beside it."""
    with (
        click.progressbar(
            length=1000, label="channel", file=sys.stderr, hidden=not sys.stderr.isatty()
        ) as bar,
        HttpFetcher(cache_dir()) as fetcher,
    ):
        steps = _Steps(bar.update)
        fetcher.progress = lambda done, total: steps(done, total or done * 2)
        place = fetcher.resume(url)
        try:
            revision = fetcher.text(f"{url.rpartition('/')[0]}/git-revision", 100).strip()
        except NetworkError:
            return place, None
    return place, revision if re.fullmatch(r"[0-9a-f]{40}", revision) else None


def _read(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                yield chunk
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _done(path: Path, counts: dict[str, int]) -> None:
    for key, count in sorted(counts.items()):
        click.echo(f"Python {key[0]}.{key[1:]}: {count} packages")
    click.echo(f"written: {path}")
