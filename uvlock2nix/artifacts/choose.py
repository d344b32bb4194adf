"""Which file (or tree) of a locked package is used on a target, and why the others are not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Final, Literal, NamedTuple, assert_never

from uvlock2nix.artifacts.reasons import rejection
from uvlock2nix.artifacts.tags import tags_for
from uvlock2nix.artifacts.wheelname import TagSets, parse_wheel_name
from uvlock2nix.errors import NoArtifactError
from uvlock2nix.lock.files import file_name_of
from uvlock2nix.lock.model import (
    DirectorySource,
    EditableSource,
    GitSource,
    LockedFile,
    Package,
    PathSource,
    RegistrySource,
    UrlSource,
    VirtualSource,
)
from uvlock2nix.lock.project import Project
from uvlock2nix.lock.uv_settings import UvSettings
from uvlock2nix.target import Target

SHOWN_REJECTIONS = 20
MOST_RANKS: Final = 100_000


class Artifact(NamedTuple):
    """The file, git commit or directory of a package that is used.

    ``url`` for remote files and git, ``path`` for what is on disk, relative to the lock (or absolute);
    ``hash`` is ``algorithm:hex``; ``size`` in bytes. For git, ``url`` is the repository and ``filename``
    the commit; for a directory, ``filename`` is the path.
    """

    kind: Literal["wheel", "sdist", "git", "directory"]
    filename: str
    url: str | None = None
    path: str | None = None
    hash: str | None = None
    size: int | None = None


class Rejected(NamedTuple):
    """A locked file that is not used, and why."""

    filename: str
    reason: str


@dataclass(frozen=True, slots=True)
class Choice:
    """``artifact`` is None for a virtual package, which is never installed, and if nothing fits.

    The reasons against the other files are computed on request: most runs choose among thousands of files and
    show no reasons.
    """

    artifact: Artifact | None
    reasons: Callable[[], tuple[Rejected, ...]] = field(default=tuple, compare=False, repr=False)

    @property
    def rejected(self) -> tuple[Rejected, ...]:
        """The files that are not used, each with its reason."""
        return self.reasons()


class BuildPolicy(NamedTuple):
    """uv's ``no-binary`` and ``no-build``. ``"all"``, or the names of packages.

    "all" of one setting spares the packages that the other names. Neither applies to the workspace's
    ``members``: uv builds them in any case. Both apply to other path dependencies.
    """

    no_binary: Literal["all"] | frozenset[str] = frozenset()
    no_build: Literal["all"] | frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()

    @classmethod
    def from_settings(cls, settings: UvSettings, members: Iterable[str] = ()) -> BuildPolicy:
        """The policy of ``[tool.uv]``; an explicit ``no-binary = false`` also switches the list off."""
        return cls(
            _policy(settings.no_binary, settings.no_binary_package),
            _policy(settings.no_build, settings.no_build_package),
            frozenset(members),
        )

    @classmethod
    def of_project(cls, project: Project) -> BuildPolicy:
        """uv's policy for a project: its settings, and its workspace's members."""
        return cls.from_settings(project.uv, (member.name for member in project.members))

    def forbids_wheel(self, name: str) -> bool:
        """Whether the settings forbid a wheel of this package."""
        return _applies(self.no_binary, self.no_build, name)

    def forbids_build(self, name: str) -> bool:
        """Whether the settings forbid building this package."""
        return name not in self.members and _applies(self.no_build, self.no_binary, name)


def _policy(flag: bool | None, packages: tuple[str, ...]) -> Literal["all"] | frozenset[str]:
    if flag is None:
        return frozenset(packages)
    return "all" if flag else frozenset()


def _applies(own: Literal["all"] | frozenset[str], other: Literal["all"] | frozenset[str], name: str) -> bool:
    if isinstance(own, frozenset):
        return name in own
    return not isinstance(other, frozenset) or name not in other


def choose(package: Package, target: Target, policy: BuildPolicy) -> Choice:
    """The artifact of ``package`` on ``target``: the best wheel, else its source.

    Raises NoArtifactError, which lists the lock's files and why each is rejected.
    """
    reasons = partial(rejections, package, target, policy)
    wheel = None if policy.forbids_wheel(package.name) else _best_wheel(package, target)
    if wheel is not None:
        return Choice(_wheel_artifact(package, wheel), reasons)
    if isinstance(package.source, VirtualSource):
        return Choice(None, reasons)
    source = _source_artifact(package)
    if source is not None and not policy.forbids_build(package.name):
        return Choice(source, reasons)
    raise _nothing_fits(package, target, reasons())


def _best_wheel(package: Package, target: Target) -> LockedFile | None:
    best: tuple[tuple[int, int], tuple[int, str] | tuple[()]] | None = None
    chosen: LockedFile | None = None
    ranks = _ranks(target) if package.wheels else {}
    for file in package.wheels:
        name = parse_wheel_name(file.filename)
        rank = ranks[name.tags] if name is not None else None
        if name is None or rank is None:
            continue
        # Of equals, the first wins; a build tag beats none, and the greater number wins.
        if best is None or rank < best[0] or (rank == best[0] and name.build > best[1]):
            best, chosen = (rank, name.build), file
    return chosen


class _Ranks(dict[TagSets, tuple[int, int] | None]):
    """The ranks of wheels by their tags, cached because thousands of wheels share a few sets."""

    def __init__(self, target: Target) -> None:
        self.tags = tags_for(target)

    def __missing__(self, tags: TagSets) -> tuple[int, int] | None:
        if len(self) >= MOST_RANKS:
            self.clear()
        found = self[tags] = self.tags.rank(tags.pythons, tags.abis, tags.platforms)
        return found


@lru_cache(maxsize=16)
def _ranks(target: Target) -> _Ranks:
    return _Ranks(target)


def rejections(package: Package, target: Target, policy: BuildPolicy) -> tuple[Rejected, ...]:
    """Why :func:`choose` does not use the other files of ``package``."""
    forbidden = policy.forbids_wheel(package.name)
    chosen = None if forbidden else _best_wheel(package, target)
    found: list[Rejected] = []
    fitting: list[Rejected] = []
    for file in package.wheels:
        name = parse_wheel_name(file.filename)
        if forbidden:
            found.append(Rejected(file.filename, "tool.uv.no-binary forbids wheels"))
        elif name is None:
            found.append(Rejected(file.filename, "not a valid wheel name"))
        elif _ranks(target)[name.tags] is None:
            found.append(Rejected(file.filename, rejection(name.tags, tags_for(target), target)))
        elif chosen is not None and file is not chosen:
            reason = f"is compatible too, but {chosen.filename} is preferred"
            fitting.append(Rejected(file.filename, reason))
    source = _source_artifact(package)
    if chosen is not None and source is not None and package.sdist is not None:
        fitting.append(Rejected(source.filename, "a wheel fits"))
    if chosen is None and source is not None and policy.forbids_build(package.name):
        fitting.append(Rejected(source.filename, "tool.uv.no-build forbids building it"))
    return (*found, *fitting)


def _wheel_artifact(package: Package, file: LockedFile) -> Artifact:
    url, path = file.url, file.path
    match package.source:
        case PathSource(path=place):
            url, path = None, place
        case UrlSource(url=place):
            url, path = place, None
        case RegistrySource(path=str(folder)) if path is not None:
            path = f"{folder}/{path}"
        case GitSource(url=repository, path=inner):
            url, path = repository, inner
        case _:
            pass
    return Artifact("wheel", file.filename, url, path, file.hash, file.size)


def _source_artifact(package: Package) -> Artifact | None:
    """The source of the package; None if the lock has none."""
    source, sdist = package.source, package.sdist
    digest = sdist.hash if sdist is not None else None
    size = sdist.size if sdist is not None else None
    match source:
        case RegistrySource():
            if sdist is None or not sdist.filename:
                return None
            path = sdist.path
            if path is not None and source.path is not None:
                path = f"{source.path}/{path}"
            return Artifact("sdist", sdist.filename, sdist.url, path, digest, size)
        case GitSource():
            if source.path is not None and source.path.endswith(".whl"):
                return None
            return Artifact("git", source.commit, source.url, source.path, digest, size)
        case UrlSource():
            filename = file_name_of(source.url)
            return (
                None
                if filename.endswith(".whl")
                else Artifact("sdist", filename, source.url, None, digest, size)
            )
        case PathSource():
            filename = source.path.rpartition("/")[2]
            return (
                None
                if filename.endswith(".whl")
                else Artifact("sdist", filename, None, source.path, digest, size)
            )
        case DirectorySource() | EditableSource() | VirtualSource():
            return Artifact("directory", source.path, None, source.path)
        case _:
            assert_never(source)


def _nothing_fits(package: Package, target: Target, rejected: Sequence[Rejected]) -> NoArtifactError:
    from uvlock2nix.artifacts.remedy import remedy

    shown = [f"  {item.filename}: {item.reason}" for item in rejected[:SHOWN_REJECTIONS]]
    if len(rejected) > SHOWN_REJECTIONS:
        shown.append(f"  … and {len(rejected) - SHOWN_REJECTIONS} more")
    if not rejected:
        shown.append("  the lock has neither a wheel nor an sdist for it")
    reasons = " ".join(item.reason for item in rejected)
    if "tool.uv.no-b" in reasons:
        hint = "change no-binary or no-build in [tool.uv]"
    else:
        hint = remedy((file.filename for file in package.wheels), target)
    return NoArtifactError(
        "\n".join((f"package {package}: nothing in the lock fits {target}", *shown)),
        hint=hint,
        data={"package": package.name, "rejected": tuple((item.filename, item.reason) for item in rejected)},
    )
