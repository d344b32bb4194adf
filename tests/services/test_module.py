"""What a NixOS module says of settings that cannot be right, and what its options turn into."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.services.conftest import units_of
from tests.services.members import BLOG, Member
from tests.support.stand import Stand

pytestmark = [pytest.mark.stand, pytest.mark.network, pytest.mark.slow]


@pytest.fixture(scope="module")
def blog(projects: Callable[[Member], Path]) -> Path:
    return projects(BLOG)


SECRET = {"SECRET_KEY": "/run/keys/blog"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"port": 70000}, "services.blog.port"),
        ({"secrets": {"SECRET_KEY": "relative"}}, "services.blog.secrets.SECRET_KEY"),
        ({"secrets": {**SECRET, "KEY": "/nix/store/x"}}, "absolute path outside the store"),
        ({"secrets": {}}, "services.blog.secrets.SECRET_KEY is not set. Set it to the path of a file"),
        ({"environmentFile": "relative"}, "services.blog.environmentFile"),
        ({"stateDir": "../etc"}, "services.blog.stateDir"),
        ({"prot": 1}, "services.blog.prot"),
    ],
)
def test_wrong_settings_are_named(
    stand: Stand, blog: Path, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(AssertionError, match=re.escape(message)):
        units_of(stand, blog, BLOG, {"enable": True, "secrets": SECRET, **settings})


def test_options_turn_into_units(stand: Stand, blog: Path) -> None:
    about = units(
        stand,
        blog,
        {
            "enable": True,
            "host": "::1",
            "port": 443,
            "openFirewall": True,
            "user": "blog",
            "group": "www",
            "stateDir": "sites/blog",
            "environmentFile": "/run/keys/blog.env",
            "extraArgs": ["--workers", "50%"],
            "secrets": SECRET,
        },
    )
    service = about["services"]["blog"]["serviceConfig"]
    assert service["ExecStart"].endswith(
        '/bin/gunicorn" "--bind" "[::1]:443" "blog.web:app" "--workers" "50%%"'
    )
    assert service["CapabilityBoundingSet"] == "CAP_NET_BIND_SERVICE"
    assert (service["User"], service["Group"]) == ("blog", "www")
    assert "DynamicUser" not in service
    assert service["EnvironmentFile"] == ["/run/keys/blog.env"]
    assert service["StateDirectory"] == service["RuntimeDirectory"] == "sites/blog"
    assert about["services"]["blog"]["environment"] == {
        "BLOG_STATE": "/var/lib/sites/blog",
        "SECRET_KEY_FILE": "%d/SECRET_KEY",
    }
    assert about["ports"] == [443]
    assert about["users"] == ["blog"]


def units(stand: Stand, project: Path, settings: dict[str, object]) -> dict[str, Any]:
    path = units_of(stand, project, BLOG, settings)
    about: dict[str, Any] = json.loads(stand.path(f"{path}/units.json").read_text())
    return about
