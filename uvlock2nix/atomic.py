"""Write files completely or not at all.

The new bytes go into a temporary file in the same folder, are flushed to disk, and get the name by
``rename``. If the file system supports files without a name (``O_TMPFILE``), a killed process leaves nothing
behind; otherwise, and between naming and renaming, a temporary file may be left, which the next write of the
same file removes.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from uvlock2nix.errors import InputError
from uvlock2nix.signals import uninterrupted
from uvlock2nix.writing import write_all

_MARK: Final = ".uvlock2nix-tmp-"
_NO_TMPFILE: Final = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL, errno.EACCES})
_HINTS: Final = {
    errno.ENOSPC: "the disk is full; nothing was changed",
    errno.EDQUOT: "the disk quota is used up; nothing was changed",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "writing there is not permitted; check the owner and mode of the folder",
    errno.EPERM: "writing there is not permitted; check the owner and mode of the folder",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EISDIR: "a folder with that name exists",
}


def hint_of(error: OSError) -> str:
    """What to do about a place that cannot be written."""
    return _HINTS.get(error.errno or 0, "check that it exists, and its permissions")


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write ``data`` to ``path`` (text is UTF-8); the folder must exist.

    The mode of an existing file is kept; a symlink is followed, so that its target is replaced. InputError if
    it cannot be written; the old file is then intact.
    """
    replace_many({path: data})


def replace_many(changes: Mapping[Path, bytes | str]) -> None:
    """Write several files: all of them, or none.

    Every file is first written and flushed to disk under a temporary name, so that a full disk or a read-only
    folder shows before anything changes; then all are renamed in the given order, and if one fails, the
    others are restored. A kill between two renames cannot be undone: put the file that the others depend on
    (the pins) last.
    """
    staged: list[_Staged] = []
    done: list[_Staged] = []
    try:
        for path, data in changes.items():
            staged.append(_stage(path, data.encode() if isinstance(data, str) else data))
        with uninterrupted():
            for item in staged:
                _commit(item)
                done.append(item)
        for folder in {item.target.parent for item in staged}:
            _sync_folder(folder)
    except BaseException as error:
        for item in reversed(done):
            _put_back(item)
        if isinstance(error, OSError):
            where = error.filename2 or error.filename or ", ".join(str(path) for path in changes)
            raise InputError(
                f"cannot write {os.fsdecode(where)}: {error.strerror}", hint=hint_of(error)
            ) from error
        raise
    finally:
        for item in staged:
            item.close()


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A new file that takes the name ``path`` when the block ends without an error; else it is removed.

    For caches: it is not flushed to disk, and only its owner may read it. Raises OSError.
    """
    fd, temporary = _open_temporary(path)
    staged = _Staged(path, None, fd, temporary)
    try:
        with os.fdopen(fd, "wb", closefd=False) as file:
            yield file
        _commit(staged)
    finally:
        staged.close()


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Lock ``folder`` against other runs of uvlock2nix while a file in it is changed.

    An advisory lock on the folder itself: nothing is created, and it ends with the process.
    """
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    except OSError as error:
        raise InputError(f"cannot open {folder}: {error.strerror}") from error
    try:
        with suppress(OSError):  # some network file systems have no locks; the rename is atomic even so
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@dataclass(slots=True)
class _Staged:
    """New content on disk that does not have its name yet."""

    target: Path
    old: bytes | None  # what to restore; None: there was no file
    fd: int
    temporary: Path | None  # None: the file has no name yet

    def close(self) -> None:
        """Release the file; remove it if it never got its name."""
        if self.temporary is not None:
            with suppress(OSError):
                self.temporary.unlink()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def _stage(path: Path, data: bytes) -> _Staged:
    target = Path(os.path.realpath(path))
    old, facts = _present(target)
    mode = 0o666 & ~_umask() if facts is None else stat.S_IMODE(facts.st_mode)
    _sweep(target)
    fd, temporary = _open_temporary(target)
    staged = _Staged(target, old, fd, temporary)
    try:
        if facts is not None and (facts.st_uid, facts.st_gid) != (os.geteuid(), os.getegid()):
            with suppress(OSError):  # when root edits a user's project, the file stays the user's
                os.fchown(fd, facts.st_uid, facts.st_gid)
        os.fchmod(fd, mode)
        write_all(fd, data)
        os.fsync(fd)
    except OSError as error:
        staged.close()
        error.filename = os.fspath(target)
        raise
    except BaseException:
        staged.close()
        raise
    return staged


def _present(target: Path) -> tuple[bytes | None, os.stat_result | None]:
    """The current bytes, with owner and mode; None if there is no file."""
    try:
        fd = os.open(target, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None, None
    facts = os.fstat(fd)
    if not stat.S_ISREG(facts.st_mode):
        os.close(fd)
        code = errno.EISDIR if stat.S_ISDIR(facts.st_mode) else errno.EINVAL
        raise OSError(code, "it is not a regular file", os.fspath(target))
    with os.fdopen(fd, "rb") as file:
        return file.read(), facts


def _umask() -> int:
    # It can be read only by setting it; the command line has a single thread here.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _open_temporary(target: Path) -> tuple[int, Path | None]:
    flags = os.O_RDWR | os.O_CLOEXEC
    nameless = getattr(os, "O_TMPFILE", None)
    if nameless is not None and Path("/proc/self/fd").is_dir():
        try:
            return os.open(target.parent, flags | nameless, 0o600), None
        except OSError as error:
            if error.errno not in _NO_TMPFILE:
                raise
    while True:
        name = _temporary_name(target)
        fd = os.open(name, flags | os.O_CREAT | os.O_EXCL, 0o600)
        _hold(fd)
        if os.fstat(fd).st_nlink:
            return fd, name
        os.close(fd)  # a cleaning run removed it just before the lock: try again


def _temporary_name(target: Path) -> Path:
    import secrets

    return target.with_name(f".{target.name}{_MARK}{secrets.token_hex(6)}")


def _hold(fd: int) -> None:
    with suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_EX)


def _commit(staged: _Staged) -> None:
    if staged.temporary is None:
        _hold(staged.fd)
        name = _temporary_name(staged.target)
        # A directory descriptor makes Python call linkat, which is needed to follow the link in /proc.
        folder = os.open(staged.target.parent, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
        try:
            os.link(f"/proc/self/fd/{staged.fd}", name.name, src_dir_fd=folder, dst_dir_fd=folder)
        finally:
            os.close(folder)
        staged.temporary = name
    staged.temporary.rename(staged.target)
    staged.temporary = None


def _put_back(staged: _Staged) -> None:
    with suppress(OSError):
        if staged.old is None:
            staged.target.unlink()
            return
        before = _stage(staged.target, staged.old)
        try:
            _commit(before)
        finally:
            before.close()


def _sweep(target: Path) -> None:
    """Remove temporary files that killed runs left for this file: those without a lock."""
    prefix = f".{target.name}{_MARK}"
    with suppress(OSError), os.scandir(target.parent) as entries:
        names = [entry.path for entry in entries if entry.name.startswith(prefix)]
        for name in names:
            with suppress(OSError):
                fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(name)  # noqa: PTH108 - a name from scandir
                finally:
                    os.close(fd)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # some file systems cannot; the rename has happened
        fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
