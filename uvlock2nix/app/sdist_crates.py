"""Mode `files`: the Cargo.lock of each Rust sdist, written next to the generated files.

An ordinary derivation has no network access: nixpkgs' importCargoLock fetches each crate by its hash in
Cargo.lock, which Nix must see during evaluation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from uvlock2nix.app.build_facts import archive_of
from uvlock2nix.app.build_requirements import Classified
from uvlock2nix.app.fetching import fetching
from uvlock2nix.app.reporter import Reporter
from uvlock2nix.artifacts import Artifact
from uvlock2nix.build.unpack import unpack
from uvlock2nix.classify.packages import ClassifiedPackage
from uvlock2nix.errors import ProjectError, Uvlock2nixError
from uvlock2nix.inspect.crates import cargo_lock
from uvlock2nix.key import is_built
from uvlock2nix.local_builds import CARGO
from uvlock2nix.lock import Project, UrlSource
from uvlock2nix.reading import read_regular
from uvlock2nix.temporary import temporary_folder

FOLDER: Final = "crates"
_HINT: Final = 'build it in mode `sync` (mode = "sync" under [tool.uvlock2nix]), or take it from nixpkgs'


@dataclass(frozen=True, slots=True)
class CrateLock:
    """The Cargo.lock of a package: where to write it, relative to the project's root, and its text."""

    path: PurePosixPath
    text: str


def sdist_crates(
    every: Classified, project: Project, folder: PurePosixPath, reporter: Reporter
) -> Mapping[str, CrateLock]:
    """Package → its Cargo.lock, for packages that are built with cargo and need crates.

    A Cargo.lock that was written before for the same file is kept; else the sdist is read.

    Raises:
        ProjectError: an sdist has no Cargo.lock, so its crates are unknown.
        NetworkError: an sdist cannot be downloaded.
    """
    root, found = project.root, dict[str, CrateLock]()
    missing: dict[str, tuple[ClassifiedPackage, Artifact, PurePosixPath]] = {}
    for one in _with_cargo(every):
        artifact = one.choice.artifact
        if artifact is None or artifact.kind == "git":
            raise ProjectError(
                f"{one.name}: comes from git and is built with cargo; mode `files` cannot fetch its crates",
                hint=_HINT,
            )
        digest = hashlib.sha256(f"{artifact.hash or artifact.path or artifact.url}".encode()).hexdigest()[:8]
        path = folder / FOLDER / f"{one.name}-{one.version}-{digest}.lock"
        if (root / path).is_file():
            found[one.name] = CrateLock(path, read_regular(root / path).decode("utf-8", "replace"))
        elif one.name not in missing:
            missing[one.name] = one, artifact, path
    if missing:
        with fetching(reporter, "reading Cargo.lock", len(missing), project) as (fetcher, tick):
            for name, (one, artifact, path) in missing.items():
                if text := _text(one, archive_of(artifact, root, fetcher)):
                    found[name] = CrateLock(path, text)
                tick()
    return found


def _with_cargo(every: Classified) -> Iterator[ClassifiedPackage]:
    for _, classes in every:
        for one in classes:
            if is_built(one) and CARGO in one.native.build.native_build_inputs:
                yield one


def _text(one: ClassifiedPackage, archive: Path) -> str:
    """The text of the Cargo.lock in an sdist; ``""`` if it needs no other crate."""
    source = one.package.package.source
    inside = PurePosixPath(source.subdirectory or ".") if isinstance(source, UrlSource) else PurePosixPath()
    with temporary_folder() as place:
        tree = unpack(archive, place / "sdist")
        try:
            found = cargo_lock(tree, inside, one.name)
        except Uvlock2nixError as error:
            raise ProjectError(error.message, hint=_HINT) from None
        return read_regular(tree / found).decode("utf-8", "replace") if found is not None else ""
