"""A project on disk: its lock, its pyproject.toml files, and uv's settings for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

from uvlock2nix.errors import LockError, ProjectError
from uvlock2nix.lock.model import DirectorySource, EditableSource, Lock, Package, VirtualSource
from uvlock2nix.lock.places import argument_of, folder_of, is_pylock, is_pylock_folder
from uvlock2nix.lock.pyproject import Pairs, PyProject, read_pyproject
from uvlock2nix.lock.quick import parse_text
from uvlock2nix.lock.uv_files import find_python_version, find_settings, settings_of
from uvlock2nix.lock.uv_settings import UvSettings
from uvlock2nix.lock.wire import load_bytes, load_toml, shorten
from uvlock2nix.regex import regex

MAX_LOCK_BYTES = 64 << 20
_PLAIN_NAME = regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")


class Member(NamedTuple):
    """A local package: a project of the workspace (including the root, if it is one), or a path dependency.

    ``path`` is relative to the workspace root, ``.`` for the root. ``is_virtual``: it is never installed.
    ``groups`` and ``extras`` are the declared names.
    """

    name: str
    path: PurePosixPath
    pyproject: PyProject
    is_virtual: bool

    @property
    def pyproject_path(self) -> PurePosixPath:
        """Its pyproject.toml, relative to the project's root."""
        return self.path / "pyproject.toml"

    @property
    def build_requires(self) -> tuple[str, ...]:
        """The ``requires`` of ``[build-system]``."""
        return self.pyproject.build_system.requires

    @property
    def backend_path(self) -> tuple[str, ...]:
        """The ``backend-path`` of ``[build-system]``: folders of a backend in the tree itself."""
        return self.pyproject.build_system.backend_path

    @property
    def scripts(self) -> Pairs:
        """``[project.scripts]``: name and reference."""
        return self.pyproject.scripts

    @property
    def gui_scripts(self) -> Pairs:
        """``[project.gui-scripts]``: name and reference."""
        return self.pyproject.gui_scripts

    @property
    def entry_points(self) -> tuple[tuple[str, Pairs], ...]:
        """``[project.entry-points]`` by group."""
        return self.pyproject.entry_points

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of its dependency groups."""
        return tuple(name for name, _ in self.pyproject.groups)

    @property
    def extras(self) -> tuple[str, ...]:
        """The names of its extras."""
        return tuple(name for name, _ in self.pyproject.optional_dependencies)

    @property
    def default_groups(self) -> tuple[str, ...] | Literal["all"] | None:
        """``tool.uv.default-groups``; None if it is not set."""
        return self.pyproject.default_groups


class Project(NamedTuple):
    """The project at a path. ``root`` is the folder of the lock (for a workspace, its root).

    ``pyproject`` is the root's (None for a script or a pylock.toml without one). ``current`` names the
    project that the path points at, None for a workspace root without ``[project]``. ``tool`` is the raw
    ``[tool.uvlock2nix]``. ``files``: what uv reads for ``uv sync --frozen``, relative to ``root``.
    ``python_version_file`` is the first request in ``.python-version``. ``environment`` is the name of the
    requested environment, ``""`` for the unnamed one.
    """

    root: Path
    lock: Lock
    lock_path: Path
    lock_sha256: str
    pyproject: PyProject | None
    members: tuple[Member, ...]
    current: str | None
    uv: UvSettings
    tool: Mapping[str, Any]
    warnings: tuple[str, ...]
    files: tuple[PurePosixPath, ...]
    python_version_file: str | None = None
    script: Path | None = None
    environment: str = ""

    @property
    def folder(self) -> PurePosixPath:
        """The folder of the generated files, relative to ``root``."""
        return folder_of(self.argument, self.environment)

    @property
    def current_member(self) -> Member | None:
        """The member that commands use by default."""
        return next((member for member in self.members if member.name == self.current), None)

    @property
    def argument(self) -> str:
        """The command argument for this project, in its folder; ``""`` if the folder is enough."""
        return argument_of(self.lock_path)

    @property
    def root_groups(self) -> tuple[str, ...]:
        """The dependency groups that the root's pyproject.toml declares."""
        return tuple(name for name, _ in self.pyproject.groups) if self.pyproject else ()

    @property
    def root_default_groups(self) -> tuple[str, ...] | Literal["all"] | None:
        """``tool.uv.default-groups`` of the root; None if it is not set."""
        return self.pyproject.default_groups if self.pyproject else None


def load_project(path: Path) -> Project:
    """Read the project at ``path``.

    ``path``: a folder with pyproject.toml and uv.lock (or a workspace member below one), or with a
    pylock.toml alone; a uv.lock; a script with a ``.lock`` next to it (or that lock); a pylock.toml.
    Raises ProjectError or LockError; each names the file and the place in it.
    """
    path = path.absolute()
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise ProjectError(
            f"{shorten(path)}: {error.strerror}", hint="pass a folder that contains a uv.lock"
        ) from None
    if is_folder and is_pylock_folder(path):
        return _load_pylock(path / "pylock.toml")
    if is_folder:
        return _load_folder(path)
    if path.name in {"uv.lock", "pyproject.toml"}:
        return _load_folder(path.parent)
    if is_pylock(path):
        return _load_pylock(path)
    if path.suffix == ".lock":
        return _load_script(path.with_suffix(""), path)
    if path.is_file():
        return _load_script(path, path.with_name(f"{path.name}.lock"))
    raise ProjectError(
        f"{shorten(path)}: no such file or folder", hint="pass a folder that contains a uv.lock"
    )


def _load_folder(folder: Path) -> Project:
    root = find_root(folder)
    pyproject = read_pyproject(root / "pyproject.toml")
    lock_path = root / "uv.lock"
    lock, digest = _load_lock(lock_path, "uv")
    members = _members(root, lock, pyproject)
    settings, settings_files, warnings = find_settings(root, pyproject)
    if not settings.managed:
        raise ProjectError(
            f"{root}: tool.uv.managed is false: uv does not sync this project",
            hint="remove `managed = false` from [tool.uv]",
        )
    pin, pin_files = find_python_version(folder, root)
    current = next((member.name for member in members if root / member.path == folder), None)
    if folder == root:
        current = pyproject.name
        if current is not None and all(member.name != current for member in members):
            raise ProjectError(
                f"{lock_path}: has no entry for the project {current}",
                hint="run `uv lock` to bring it up to date",
            )
    elif current is None:
        raise ProjectError(
            f"{folder}: is not a member of the workspace in {root}",
            hint="add it to tool.uv.workspace and lock again, or lock it on its own",
        )
    files = [PurePosixPath("uv.lock"), PurePosixPath("pyproject.toml"), *settings_files, *pin_files]
    files.extend(member.pyproject_path for member in members)
    return Project(
        root=root,
        lock=lock,
        lock_path=lock_path,
        lock_sha256=digest,
        pyproject=pyproject,
        members=members,
        current=current,
        uv=settings,
        tool=pyproject.tool_uvlock2nix,
        warnings=(*lock.warnings, *warnings),
        files=tuple(sorted(set(files))),
        python_version_file=pin,
    )


def find_root(folder: Path) -> Path:
    """The folder with the lock: this one, or the workspace root above it.

    Raises:
        ProjectError: there is none, or ``folder`` has no project.
    """
    for candidate in (folder, *folder.parents):
        if (candidate / "uv.lock").is_file():
            if candidate == folder or not (folder / "pyproject.toml").is_file():
                return candidate if candidate == folder else folder
            above = read_pyproject(candidate / "pyproject.toml")
            if above.workspace_members is not None:
                return candidate
            break
    if not (folder / "pyproject.toml").is_file():
        raise ProjectError(f"{folder}: has no pyproject.toml", hint="pass the folder of a uv project")
    if not (folder / "uv.lock").is_file():
        raise ProjectError(f"{folder}: has no uv.lock", hint="run `uv lock` there first")
    return folder


def _load_lock(path: Path, flavour: Literal["uv", "script"]) -> tuple[Lock, str]:
    data = load_bytes(path, limit=MAX_LOCK_BYTES, error=LockError)
    return parse_text(data, path.name, flavour), hashlib.sha256(data).hexdigest()


def _members(root: Path, lock: Lock, pyproject: PyProject) -> tuple[Member, ...]:
    if lock.manifest.members:
        packages = [(name, _local_package(lock, name)) for name in lock.manifest.members]
    else:
        packages = [(lock.root.name, lock.root)] if lock.root is not None else []
    found = []
    for name, package in packages:
        where = _member_path(package, name)
        value = pyproject if where == PurePosixPath(".") else read_pyproject(root / where / "pyproject.toml")
        found.append(Member(name, where, value, isinstance(package.source, VirtualSource)))
    return tuple(found)


def _local_package(lock: Lock, name: str) -> Package:
    found = [package for package in lock.by_name.get(name, ()) if package.is_local_tree]
    if len(found) != 1:
        raise ProjectError(
            f"uv.lock: manifest: members: {name} has {len(found)} local entries in the lock instead of one",
            hint="run `uv lock` to write the lock again",
        )
    return found[0]


def _member_path(package: Package, name: str) -> PurePosixPath:
    source = package.source
    if isinstance(source, DirectorySource | EditableSource | VirtualSource):
        path = PurePosixPath(source.path)
        if not path.is_absolute():
            return path
    raise ProjectError(
        f"uv.lock: package {name}: source: a member of the workspace must have a relative path",
        hint="run `uv lock` to write the lock again",
    )


def _load_script(script: Path, lock_path: Path) -> Project:
    from uvlock2nix.lock.script import read_script

    if not script.is_file() or not lock_path.is_file():
        missing = lock_path if script.is_file() else script
        raise ProjectError(
            f"{missing}: no such file", hint=f"run `uv lock --script {script.name}` to lock a script"
        )
    if not _PLAIN_NAME.fullmatch(script.name):
        raise ProjectError(
            f"{script}: its name has characters that are not allowed in the name of a program or store path",
            hint="rename it: letters, digits, `.`, `_`, `+` and `-`",
        )
    lock, digest = _load_lock(lock_path, "script")
    metadata = read_script(script)
    uv = metadata.tool.get("uv", {})
    tool = metadata.tool.get("uvlock2nix", {})
    for key, value in (("uv", uv), ("uvlock2nix", tool)):
        if not isinstance(value, dict):
            raise ProjectError(f"{script}: tool.{key}: is not a table", hint="see PEP 723")
    return Project(
        root=script.parent,
        lock=lock,
        lock_path=lock_path,
        lock_sha256=digest,
        pyproject=None,
        members=(),
        current=None,
        uv=settings_of(uv, str(script)),
        tool=tool,
        warnings=lock.warnings,
        files=tuple(sorted((PurePosixPath(script.name), PurePosixPath(lock_path.name)))),
        script=script,
    )


def _load_pylock(path: Path) -> Project:
    from uvlock2nix.lock.pylock import parse_pylock

    table, data = load_toml(path, limit=MAX_LOCK_BYTES, error=LockError)
    lock = parse_pylock(table, path.name)
    root = path.parent
    pyproject = read_pyproject(root / "pyproject.toml") if (root / "pyproject.toml").is_file() else None
    files = [PurePosixPath(path.name)]
    settings, tool = UvSettings(), dict[str, Any]()
    warnings: list[str] = []
    if pyproject is not None:
        settings, more, warnings = find_settings(root, pyproject)
        tool = dict(pyproject.tool_uvlock2nix)
        files.extend((PurePosixPath("pyproject.toml"), *more))
    pin, pin_files = find_python_version(root, root)
    return Project(
        root=root,
        lock=lock,
        lock_path=path,
        lock_sha256=hashlib.sha256(data).hexdigest(),
        pyproject=pyproject,
        members=(),
        current=None,
        uv=settings,
        tool=tool,
        warnings=(*lock.warnings, *warnings),
        files=tuple(sorted({*files, *pin_files})),
        python_version_file=pin,
    )
