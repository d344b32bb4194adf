"""Read what locked sources declare about their build: archives and commits."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from uvlock2nix.app.build_subjects import Subject
from uvlock2nix.app.local_facts import local_facts
from uvlock2nix.artifacts import Artifact
from uvlock2nix.build.machine import base_environment
from uvlock2nix.build.programs import Runner
from uvlock2nix.build.sources import prepare
from uvlock2nix.build.values import Build, BuildContext, Source
from uvlock2nix.errors import InputError
from uvlock2nix.inspect.archive import Archive, read_archive
from uvlock2nix.inspect.build_system import BuildFacts, read_build_facts, wanted
from uvlock2nix.lock import GitSource, UrlSource
from uvlock2nix.net.fetch import Fetcher
from uvlock2nix.temporary import temporary_folder


def read_facts(subject: Subject, fetcher: Fetcher) -> tuple[BuildFacts, str | None]:
    """The build facts of a locked package's source, and when it was uploaded or committed.

    Raises:
        NetworkError: it cannot be downloaded.
        ToolError: git is missing or fails.
        InputError: it does not match the lock, or cannot be read.
    """
    source, artifact = subject.one.package.package.source, subject.one.choice.artifact
    if artifact is None:
        raise InputError(f"{subject.what}: no source to build", hint="run `uv lock` again")
    if isinstance(source, GitSource):
        return _commit_facts(source, subject)
    place = archive_of(artifact, subject.project.root, fetcher)
    inside = source.subdirectory if isinstance(source, UrlSource) else None
    return facts_of_archive(place, subject.what, inside), subject.uploaded


def _commit_facts(source: GitSource, subject: Subject) -> tuple[BuildFacts, str | None]:
    """Read the facts of a commit from a temporary checkout."""
    with temporary_folder() as root:
        run = Runner(quiet=True)
        env = base_environment(root, os.environ)
        wanted_ = Source(url=source.url, commit=source.commit, subdirectory=source.subdirectory)
        context = BuildContext(run, "uv", Path(), root, env, None)
        tree, _ = prepare(Build(subject.name, subject.version, wanted_), context)
        what = f"reading {subject.name} from git"
        time = run(["git", "log", "-1", "--format=%cI"], what=what, env=env, cwd=tree).strip()
        return local_facts(tree, subject.what), time


def archive_of(artifact: Artifact, root: Path, fetcher: Fetcher) -> Path:
    """The path of an sdist's archive, downloaded if it is not a local file."""
    if artifact.path is not None:
        return root / artifact.path
    return fetcher.file(artifact.url or "", artifact.hash, artifact.filename)


def facts_of_archive(place: Path, what: str, inside: str | None = None) -> BuildFacts:
    """The build facts of an sdist, or of the folder ``inside`` it."""
    prefix = f"{PurePosixPath(inside)}/" if inside else ""
    found: Archive = read_archive(
        place, lambda name: name.startswith(prefix) and wanted(name.removeprefix(prefix))
    )
    texts = {name.removeprefix(prefix): text for name, text in found.texts.items()}
    return read_build_facts(texts, what)
