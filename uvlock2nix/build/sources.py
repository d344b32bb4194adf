"""The source of a build at its fixed path: an unpacked archive or a checked-out commit."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from uvlock2nix.build.requirements import BuildSystem, read_build_system
from uvlock2nix.build.unpack import unpack
from uvlock2nix.build.values import Build, BuildContext
from uvlock2nix.errors import InputError, ToolError
from uvlock2nix.net.hashes import check_file
from uvlock2nix.net.locked import fetch


def prepare(build: Build, context: BuildContext) -> tuple[Path, BuildSystem]:
    """Fetch and unpack the source at its fixed path; return the tree to build and its build system.

    A folder is built in place, as in uv: neighbouring files may be part of it. Patches are applied at the top
    of the source.

    Raises:
        InputError: nothing in it defines how to build it, as for uv.
    """
    place = context.root / "src" / build.name
    source = build.source
    if source.folder is not None:
        tree = source.folder
    elif source.commit is not None:
        tree = _checkout(build, context, place)
    else:
        tree = unpack(archive(build, context), place)
    for patch in build.native.patches:
        _patch(build, context, tree, Path(patch))
    if source.subdirectory:
        inside = (tree / source.subdirectory).resolve()
        if not inside.is_relative_to(tree.resolve()) or not inside.is_dir():
            raise InputError(
                f"{build.name}: its subdirectory {source.subdirectory!r} is not in the source",
                hint="check `subdirectory` under [tool.uv.sources] and run `uv lock` again",
            )
        tree = inside
    if not any((tree / name).is_file() for name in ("pyproject.toml", "setup.py")):
        raise InputError(
            f"{build.what}: neither pyproject.toml nor setup.py is in its source",
            hint="in a git repository, the source of a local package is what git tracks: `git add` its files"
            " and build again (docs/troubleshooting.md#nothing-tracked)",
        )
    return tree, read_build_system(tree)


def _patch(build: Build, context: BuildContext, tree: Path, patch: Path) -> None:
    """Apply a patch with one leading folder in its paths, as from git and in nixpkgs."""
    context.run(
        ["patch", "-p1", "--batch", "--forward", "--no-backup-if-mismatch", f"--input={patch}"],
        what=f"applying {patch.name} to {build.name}",
        env=context.env,
        cwd=tree,
    )


def archive(build: Build, context: BuildContext) -> Path:
    """The archive of a source: the given one, or downloaded; its hash is checked.

    Raises:
        InputError: there is none, or it does not match the lock.
        NetworkError: it cannot be downloaded.
    """
    source = build.source
    if source.path is not None:
        check_file(source.path, source.hash)
        return source.path
    # Only the suffix of the name matters: it gives the archive format. It comes from a URL.
    name = Path(unquote(source.filename)).name
    if source.url is None or not name or "\0" in name:
        raise InputError(f"{build.name}: no source to build", hint="run `uv lock` again")
    # In a folder named after the package, because file names such as `main.zip` are common.
    file = context.root / "files" / build.name / name
    file.parent.mkdir(parents=True, exist_ok=True)
    fetch(source.url, file, expected=source.hash, size=source.size, logins=context.logins, env=context.env)
    return file


def _checkout(build: Build, context: BuildContext, place: Path) -> Path:
    """Check the locked commit out, with its submodules, as uv does."""
    source, what = build.source, f"fetching {build.name} from git"
    tree = place / "checkout"
    tree.mkdir(parents=True)
    commit = source.commit or ""
    env = {**context.env, "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "0" if source.lfs else "1"}

    def git(*arguments: str) -> str:
        return context.run(
            ["git", "-c", "advice.detachedHead=false", *arguments], what=what, env=env, cwd=tree
        )

    git("init", "--quiet")
    git("remote", "add", "--", "origin", source.url or "")
    # With tags and history: setuptools-scm and similar tools read the version from them.
    git("fetch", "--quiet", "--tags", "--force", "origin", "+refs/heads/*:refs/remotes/origin/*")
    try:
        git("checkout", "--quiet", "--detach", commit)
    except ToolError:
        # A commit that no branch or tag contains: some servers send it on request.
        git("fetch", "--quiet", "origin", commit)
        git("checkout", "--quiet", "--detach", commit)
    if (tree / ".gitmodules").exists():
        git("submodule", "--quiet", "update", "--init", "--recursive")
    return tree
