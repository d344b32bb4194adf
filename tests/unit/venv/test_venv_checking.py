"""env and package hold what the lock says, or their builds fail and name what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from uvlock2nix.dist.installed import Installed
from uvlock2nix.errors import InputError
from uvlock2nix.venv.checking import check_built, check_local, check_packages

MANIFEST = {
    "packages": [{"name": "a", "version": "1.0"}, {"name": "b", "version": None}],
    "buildRequires": {"app": [], "lib": []},
}


def there(**versions: str) -> list[Installed]:
    return [Installed(name, version, Path("/x"), ()) for name, version in versions.items()]


def test_env_holds_what_deps_was_made_to_hold() -> None:
    check_packages(MANIFEST, there(a="1.0.0", b="3", more="1"), "env")
    check_packages({}, there(), "env")
    with pytest.raises(
        InputError, match=r"env does not match the lock: a is 2\.0, the lock says 1\.0; b is missing"
    ):
        check_packages(MANIFEST, there(a="2.0"), "env")


def test_package_builds_every_local_package() -> None:
    check_local(MANIFEST, ["lib", "app"])
    check_local({}, ["any"])
    with pytest.raises(InputError, match="lib is not built; other is not in the environment") as wrong:
        check_local(MANIFEST, ["app", "other"])
    assert "uvPackageMembers" in wrong.value.hint


def test_a_build_makes_the_package_that_it_is_for() -> None:
    check_built(["my-app"], there(**{"my-app": "1"}))
    with pytest.raises(InputError, match="the build of app made other instead"):
        check_built(["app", "lib"], there(lib="1", other="1"))
