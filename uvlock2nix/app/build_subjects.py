"""What is built from source on each target, and the requirements given to uv to build it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from uvlock2nix.build_pins import LockedBuild
from uvlock2nix.classify.packages import ClassifiedPackage
from uvlock2nix.config import Config
from uvlock2nix.digest import file_facts, hold_back, rest_digest
from uvlock2nix.key import build_settings, is_built, members_of
from uvlock2nix.lock import Member, Project
from uvlock2nix.names import canonicalize_name, required_name
from uvlock2nix.target import Target

if TYPE_CHECKING:
    from uvlock2nix.inspect.build_system import BuildFacts
    from uvlock2nix.lock.extra_build import Extra

# Raised whenever build requirements are read or resolved in a different way, which makes old pins outdated.
EDITION: Final = 1
_INDEXES: Final = ("index", "index-url", "extra-index-url", "find-links", "no-index", "index-strategy")


class Around(NamedTuple):
    """The environment that a package is built for.

    ``versions`` are those of all packages, ``built`` those of packages built from source, ``local`` the names
    of local packages. ``needs`` maps each package to its dependencies in the lock. ``newest`` is when the
    newest file was uploaded.
    """

    built: Mapping[str, str]
    versions: Mapping[str, str | None]
    local: frozenset[str]
    needs: Mapping[str, tuple[ClassifiedPackage, ...]]
    newest: str | None


class Subject(NamedTuple):
    """A package that is built on a target. ``member`` is set for a local package."""

    project: Project
    config: Config
    target: Target
    one: ClassifiedPackage
    member: Member | None
    around: Around

    @property
    def name(self) -> str:
        """The package's name in normal form."""
        return self.one.name

    @property
    def version(self) -> str:
        """Its locked version; ``""`` for a local package with a dynamic version."""
        return self.one.package.package.version or ""

    @property
    def what(self) -> str:
        """Its name in messages."""
        return f"{self.name} {self.version}".rstrip()

    @property
    def uploaded(self) -> str | None:
        """When its sdist was uploaded; without such a time, when the newest file of the lock was."""
        sdist = self.one.package.package.sdist
        return (sdist.upload_time if sdist is not None else None) or self.around.newest

    @property
    def extra(self) -> Extra:
        """What ``[tool.uv]`` adds: extra-build-dependencies, and the environment without build isolation."""
        from uvlock2nix.lock.extra_build import extra

        return extra(self.project, self.name, self.around.versions)

    def made_from(self, local_facts: BuildFacts | None) -> str:
        """The digest of everything that decides what is resolved, except for what the indexes offer.

        Nothing of any other package goes in, so that no other package can change it.
        """
        uv, target, native = self.project.uv, self.target, self.one.native.build
        return rest_digest(
            {
                "edition": EDITION,
                "file": file_facts(self.one.package.package, self.one.choice),
                "python": target.python.minor_and_variant,
                "platform": [target.system, str(target.libc) if target.is_linux else list(target.macos)],
                "added": [list(native.build_requires), list(native.relax), list(self.extra.build_requires)],
                "constraints": sorted(uv.build_constraint_dependencies),
                "indexes": {key: build_settings(uv).get(key) for key in _INDEXES},
                "times": [uv.exclude_newer, uv.exclude_newer_package, self.config.string("exclude-newer")],
                "local": None if local_facts is None else _facts_json(local_facts),
                **self._sources(local_facts),
            }
        )

    def _sources(self, facts: BuildFacts | None) -> dict[str, object]:
        """``[tool.uv.sources]`` for the build requirements of a local package, if there are any."""
        if self.member is None or facts is None:
            return {}
        root = self.project.pyproject
        tables = [self.member.pyproject.tool_uv, *([root.tool_uv] if root is not None else [])]
        names = {required_name(text) for text in (*facts.requires, *facts.dynamic)}
        found = [
            [canonicalize_name(name), json.dumps(entry, sort_keys=True, default=str)]
            for sources in (table.get("sources") for table in tables)
            for name, entry in (sources.items() if isinstance(sources, dict) else ())
            if canonicalize_name(name) in names
        ]
        return {"sources": found} if found else {}

    def requires(self, facts: BuildFacts) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The requirements for uv, and the packages of this environment that the build gets instead."""
        from packaging.requirements import Requirement

        from uvlock2nix.app.build_sources import from_sources
        from uvlock2nix.build.requirements import effective_requires

        native, environment = self.one.native.build, self.target.marker_environment()
        others = {name: version for name, version in self.around.built.items() if name != self.name}
        of_uv = self.extra
        declared = effective_requires(
            self._as_the_user_says(text for text in facts.requires if required_name(text) not in of_uv.relax),
            relax=native.relax,
            added=native.build_requires,
            locked=others,
            marker_environment=environment,
            what=self.what,
        )
        more = effective_requires(
            (
                *self._as_the_user_says(
                    text for text in facts.dynamic if required_name(text) not in of_uv.relax
                ),
                *of_uv.build_requires,
            ),
            relax=native.relax,
            locked=others,
            marker_environment=environment,
            what=self.what,
        )
        wanted_: dict[str, None] = {}
        built: dict[str, None] = {}
        for text in (*declared, *more):
            name = required_name(text)
            if self.member is not None and name in self.around.local:
                continue  # package builds it first and passes it on
            if others.get(name) and str(Requirement(text).specifier) == f"=={others[name]}":
                self._take(name, built, wanted_)
            elif self.member is not None:
                wanted_[from_sources(text, self.member, self.project, environment)] = None
            else:
                wanted_[text] = None
        return tuple(wanted_), tuple(sorted(built))

    def _as_the_user_says(self, requires: Iterable[str]) -> list[str]:
        """The requirements of a locked package, without those that the user replaces and without relaxed
        pins.

        The table's own entries only add, or relax where something is built here: see
        :func:`effective_requires`. A local package declares all this in its own pyproject.toml.
        """
        native, origin = self.one.native.build, self.one.native.origin
        if self.member is not None or origin.provenance != "user":
            return list(requires)
        given = native.build_requires if "build_requires" in origin.given else ()
        replaced = {required_name(text) for text in given}
        relaxed = {canonicalize_name(name) for name in native.relax} if "relax" in origin.given else set()
        kept = (text for text in requires if required_name(text) not in replaced)
        return [_without_version(text) if required_name(text) in relaxed else text for text in kept]

    def _take(self, name: str, built: dict[str, None], wanted_: dict[str, None]) -> None:
        """Take a package that is built here too: the build gets its wheel and its dependencies as locked."""
        if name in built:
            return
        built[name] = None
        for one in self.around.needs.get(name, ()):
            if one.name in self.around.built:
                self._take(one.name, built, wanted_)
            elif one.package.package.version:
                wanted_[f"{one.name}=={one.package.package.version}"] = None

    def fits(self, locked: LockedBuild | None, local_facts: BuildFacts | None) -> bool:
        """Whether the locked build still fits."""
        if locked is None or locked.made_from != self.made_from(local_facts):
            return False
        if not set(locked.built) <= self.around.built.keys():
            return False
        # A requirement that is now met by a package built from source makes it outdated.
        return not any(
            _meets(text, self.around.built) for text in locked.requires if required_name(text) != self.name
        )


def subjects(
    project: Project, config: Config, classified: Sequence[tuple[Target, Sequence[ClassifiedPackage]]]
) -> Iterator[Subject]:
    """Every package that is built, for every target."""
    for target, classes in classified:
        members = {member.name: member for member in members_of(project, classes)}
        here = [one for one in classes if not one.from_nixpkgs]
        around = _around(here)
        for one in here:
            if is_built(one) or one.name in members:
                yield Subject(project, config, target, one, members.get(one.name), around)


def _around(classes: Sequence[ClassifiedPackage]) -> Around:
    needs: dict[str, list[ClassifiedPackage]] = {one.name: [] for one in classes}
    for one in classes:
        for dependent in one.package.requested_by:
            needs.get(dependent.partition("[")[0], []).append(one)
    return Around(
        built={one.name: one.package.package.version or "" for one in classes if is_built(one)},
        versions={one.name: one.package.package.version for one in classes},
        local=frozenset(one.name for one in classes if one.package.package.is_local_tree),
        needs={name: tuple(ones) for name, ones in needs.items()},
        newest=hold_back(one.package.package for one in classes),
    )


def _facts_json(facts: BuildFacts) -> list[object]:
    known = [facts.requires, facts.backend, facts.backend_path, facts.dynamic, facts.programs, facts.unsure]
    return [*known, *([facts.digest] if facts.digest else [])]


def _without_version(text: str) -> str:
    from packaging.requirements import Requirement

    requirement = Requirement(text)
    requirement.specifier = SpecifierSet()
    return str(requirement)


def _meets(text: str, built: Mapping[str, str]) -> bool:
    version = built.get(required_name(text))
    if not version:
        return False
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
        return requirement.url is None and requirement.specifier.contains(Version(version), prereleases=True)
    except (InvalidRequirement, InvalidVersion):
        return False
