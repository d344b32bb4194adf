"""Check that env and package contain what the lock requires."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from uvlock2nix.dist.installed import Installed, same_version
from uvlock2nix.errors import InputError
from uvlock2nix.names import canonicalize_name

_REPORT = "this is a bug in uvlock2nix: please report it with the uv.lock"


def check_packages(manifest: Mapping[str, object], there: Iterable[Installed], where: str) -> None:
    """Compare the distributions of an environment with the packages of deps.

    Raises:
        InputError: one is missing or has a different version.
    """
    versions = {one.name: one.version for one in there}
    packages = manifest.get("packages")
    wrong = []
    for one in packages if isinstance(packages, list) else ():
        name, version = str(one["name"]), one["version"]
        if name not in versions:
            wrong.append(f"{name} is missing")
        elif version is not None and not same_version(versions[name], str(version)):
            wrong.append(f"{name} is {versions[name]}, the lock says {version}")
    if wrong:
        raise InputError(f"{where} does not match the lock: {'; '.join(wrong)}", hint=_REPORT)


def check_local(manifest: Mapping[str, object], names: Collection[str]) -> None:
    """Compare the local packages that package builds with those that deps was made for.

    Raises:
        InputError: one is missing or unexpected.
    """
    wanted = manifest.get("buildRequires")
    if not isinstance(wanted, dict):
        return
    missing, more = sorted(set(wanted) - set(names)), sorted(set(names) - set(wanted))
    if missing or more:
        wrong = [f"{name} is not built" for name in missing]
        wrong += [f"{name} is not in the environment" for name in more]
        raise InputError(
            f"package does not match the project's own packages: {'; '.join(wrong)}",
            hint="run `uvlock2nix generate` and `uvlock2nix update-hash`; an edited package.nix must list "
            "them all in uvPackageMembers",
        )


def check_built(names: Sequence[str], there: Iterable[Installed]) -> None:
    """Compare the distributions that were built with the local packages.

    Raises:
        InputError: a package's backend built one with a different name.
    """
    found = {one.name for one in there}
    missing = [name for name in names if canonicalize_name(name) not in found]
    if missing:
        others = sorted(found - set(names))
        raise InputError(
            f"the build of {', '.join(missing)} made {', '.join(others) or 'nothing'} instead",
            hint="the name in pyproject.toml and the one that the backend writes must be the same",
        )
