"""The lock, exactly as uv understands it: read it, and resolve it for a selection and a target.

- ``parse``, ``version``, ``quick``, ``marks``, ``wire``, ``files``, ``sources``, ``uv_manifest``: uv.lock to
  values
- ``pylock``: pylock.toml to values
- ``model``: these values
- ``project``, ``places``, ``pyproject``, ``about``, ``script``, ``local``: a project on disk, which lock a
  path means, its local packages
- ``uv_settings``, ``uv_keys``, ``uv_files``, ``extra_build``, ``logins``: uv's settings, where they are
  written, which indexes need credentials
- ``selection``, ``resolve``: what is selected, and the packages that uv would install
- ``markers``, ``marker_diagrams``: PEP 508 markers, for one environment and with extras left open
- ``marker_functions``: markers of all environments, with equal values for equal conditions
- ``check``, ``declared``, ``same``, ``locked_settings``: whether a lock still matches its project
"""

from uvlock2nix.lock.about import About
from uvlock2nix.lock.local import local_packages, refuse_unseen, tree_path
from uvlock2nix.lock.model import (
    ConflictItem,
    Dependency,
    DirectorySource,
    EditableSource,
    GitSource,
    Lock,
    LockedFile,
    Manifest,
    Options,
    Package,
    PackageMetadata,
    PathSource,
    RegistrySource,
    Requirement,
    Source,
    UrlSource,
    VirtualSource,
)
from uvlock2nix.lock.parse import parse_lock
from uvlock2nix.lock.project import Member, Project, load_project
from uvlock2nix.lock.pylock import parse_pylock
from uvlock2nix.lock.pyproject import BuildSystem, PyProject
from uvlock2nix.lock.resolve import Environment, EnvPackage, resolve
from uvlock2nix.lock.selection import Selection
from uvlock2nix.lock.uv_settings import ExtraBuildDependency, Index, UvSettings


def check_lock_matches(project: Project) -> list[str]:
    """Where the lock does not match the project: see ``uvlock2nix.lock.check``."""
    # Imported on use: packaging's requirement parser takes longer to import than a small lock to read.
    from uvlock2nix.lock.check import check_lock_matches as check

    return check(project)


__all__ = [
    "About",
    "BuildSystem",
    "ConflictItem",
    "Dependency",
    "DirectorySource",
    "EditableSource",
    "EnvPackage",
    "Environment",
    "ExtraBuildDependency",
    "GitSource",
    "Index",
    "Lock",
    "LockedFile",
    "Manifest",
    "Member",
    "Options",
    "Package",
    "PackageMetadata",
    "PathSource",
    "Project",
    "PyProject",
    "RegistrySource",
    "Requirement",
    "Selection",
    "Source",
    "UrlSource",
    "UvSettings",
    "VirtualSource",
    "check_lock_matches",
    "load_project",
    "local_packages",
    "parse_lock",
    "parse_pylock",
    "refuse_unseen",
    "resolve",
    "tree_path",
]
