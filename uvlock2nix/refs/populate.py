"""Create a tree from another, for an env that is not changed in place."""

from __future__ import annotations

import os
import posixpath
import shutil
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from uvlock2nix.cloning import copy_content
from uvlock2nix.errors import RefsError
from uvlock2nix.refs.linking import Links
from uvlock2nix.refs.parallel import threads
from uvlock2nix.refs.scan import Entry, read_link

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

# Next to site-packages, a link to that of the other tree. With it, the links of files are so short that
# most file systems keep them in the inode (59 bytes in ext4); a store path in each would take a block.
SHORT: Final = ".deps"
# Files of this size are copied by threads.
_LARGE: Final = 1 << 20


@contextmanager
def populate(
    source: Path, tree: Path, entries: Sequence[Entry], *, links: Links, changed: Collection[str]
) -> Iterator[None]:
    """Fill ``tree`` with ``entries`` of ``source``, except ``changed``, which the caller then writes.

    Files and folders of ``links`` become symlinks into ``source``; other files are copied, folders created,
    symlinks kept. ``tree`` must be empty or absent; everything created is removed if the block fails. If both
    are the same tree, nothing is done.
    """
    if source == tree:
        yield
        return
    existed = tree.is_dir()
    if os.path.lexists(tree) and (not existed or any(tree.iterdir())):
        raise RefsError(f"{tree} exists and is not an empty directory", hint="--from creates a new tree")
    if tree.is_relative_to(source):
        raise RefsError(f"{tree} is inside {source}")
    try:
        tree.mkdir(parents=True, exist_ok=True)
        with threads() as pool:
            maker = _Maker(source, tree, links, pool)
            for entry in entries:
                if entry.path not in changed:
                    maker.make(entry)
            for copy in maker.copies:
                copy.result()
        yield
        for folder, mode in reversed(maker.folders):
            os.chmod(folder, mode)  # noqa: PTH101
    except BaseException as error:
        for child in tree.iterdir() if tree.is_dir() else ():
            shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()
        if not existed and tree.is_dir():
            tree.rmdir()
        if isinstance(error, OSError):
            raise RefsError(f"{error.filename or tree}: {error.strerror}") from error
        raise


class _Maker:
    """Creates the entries of a tree, in the order in which they are walked."""

    def __init__(self, source: Path, tree: Path, links: Links, pool: Executor) -> None:
        self._source = str(source)
        self._tree = str(tree)
        self._links = links.paths
        self._sites = tuple(site for site in links.sites if "/" in site)
        self._short: set[str] = set()
        self._behind: set[str] = set()  # folders that are links, and those inside of them
        self._pool = pool
        self.copies: list[Future[None]] = []
        self.folders: list[tuple[str, int]] = []

    def make(self, entry: Entry) -> None:
        """Create an entry."""
        path = entry.path
        is_folder = stat.S_ISDIR(entry.mode)
        if posixpath.dirname(path) in self._behind:
            if is_folder:
                self._behind.add(path)
            return
        # Strings, because there are thousands of files.
        before, after = f"{self._source}/{path}", f"{self._tree}/{path}"
        mode = stat.S_IMODE(entry.mode) | stat.S_IWUSR
        if path in self._links:
            os.symlink(self._target(path), after)  # noqa: PTH211
            if is_folder:
                self._behind.add(path)
        elif is_folder:
            os.mkdir(after)  # noqa: PTH102
            self.folders.append((after, mode))
        elif entry.is_link:
            os.symlink(read_link(Path(before)), os.fsencode(after))  # noqa: PTH211 - unchanged bytes
        elif entry.size < _LARGE:
            copy_content(before, after, mode)
        else:
            self.copies.append(self._pool.submit(copy_content, before, after, mode))

    def _target(self, path: str) -> str:
        for site in self._sites:
            if path.startswith(f"{site}/"):
                above = posixpath.dirname(site)
                if site not in self._short:
                    self._short.add(site)
                    Path(self._tree, above, SHORT).symlink_to(f"{self._source}/{site}")
                up = "../" * path.removeprefix(f"{above}/").count("/")
                return f"{up}{SHORT}/{path.removeprefix(f'{site}/')}"
        return f"{self._source}/{path}"
