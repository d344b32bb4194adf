"""Files that git does not track, which flakes do not see and the source of package leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from uvlock2nix.plan import Plan
from uvlock2nix.printable import first_of

_SHOWN = 3


def to_track(root: Path, written: Iterable[Path], plans: Sequence[Plan]) -> list[str]:
    """The `git add` for what was written, or for a whole untracked project; empty if not needed."""
    declared = {str(member.pyproject_path) for plan in plans for member in plan.members}
    names = _others(root, [*(str(path.relative_to(root)) for path in written), *sorted(declared)])
    if declared.intersection(names):
        return ["git add -N ."]
    folders = dict.fromkeys(name.partition("/")[0] for name in names)
    return [f"git add -N {' '.join(folders)}"] if folders else []


def left_out(root: Path, plans: Sequence[Plan]) -> list[str]:
    """A note on files of local packages that git neither tracks nor ignores and that uv would install."""
    folders = dict.fromkeys(str(member.path) for plan in plans for member in plan.members)
    if not folders or not (root / ".git").exists():
        return []  # in a subfolder of a repository, package takes all files
    wanted = [path for plan in plans for path in (*plan.source.include, *plan.source.exclude)]
    ours = [PurePosixPath("nix"), PurePosixPath("flake.nix"), PurePosixPath("flake.lock"), *wanted]
    found = [
        name
        for name in _others(root, list(folders), "--exclude-standard")
        if not any(PurePosixPath(name).is_relative_to(path) for path in ours)
        # What `uv sync` leaves behind of a build with setuptools.
        and ".egg-info/" not in name
    ]
    if not found:
        return []
    ways = "`git add -N` those that belong to it, list the others in `exclude` under [tool.uvlock2nix]"
    return [f"git does not track these, so package leaves them out: {first_of(found, _SHOWN)}; {ways}"]


def _others(root: Path, names: Sequence[str], *flags: str) -> tuple[str, ...]:
    """The files at or below ``names`` that git does not track. Empty outside a repository."""
    here = root.resolve()
    if not any((folder / ".git").exists() for folder in (here, *here.parents)):
        return ()
    from uvlock2nix.app.git import git  # not needed outside a repository

    arguments = ["--literal-pathspecs", "ls-files", "--others", *flags, "-z", "--", *names]
    text = (git(root, *arguments) or b"").decode("utf-8", "backslashreplace")
    return tuple(name for name in text.split("\0") if name)
