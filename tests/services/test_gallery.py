"""Each member of the gallery as a service that a real systemd runs."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.services.conftest import Gallery
from tests.services.members import MEMBERS, SHOP, Member
from tests.support.stand import REPO

pytestmark = [pytest.mark.stand, pytest.mark.network, pytest.mark.slow]
# What each service of the shop is made with.
SHOP_NEEDS = {"shop-catalogue": "starlette", "shop-orders": "flask", "shop-accounts": "aiohttp"}
of_each = pytest.mark.parametrize("member", MEMBERS.values(), ids=MEMBERS)


@of_each
def test_starts_and_answers(gallery: Gallery, member: Member) -> None:
    assert member.shows in gallery.found(member, "page")
    assert gallery.found(member, "state").rstrip("\n") == member.state
    assert gallery.found(member, "active").split() == ["active"] * len(member.units)


@of_each
def test_does_what_it_is_for(gallery: Gallery, member: Member) -> None:
    answers = {
        command: gallery.found(member, f"asked-{number}").rstrip("\n")
        for number, command in enumerate(member.asked)
    }
    assert answers == dict(member.asked), gallery.found(member, "first.errors")


@of_each
def test_is_started_again_and_keeps_its_state(gallery: Gallery, member: Member) -> None:
    assert gallery.found(member, "state-after-kill").rstrip("\n") == member.state
    assert gallery.found(member, "again-state").rstrip("\n") == member.state


@of_each
def test_its_secret_stays_secret(gallery: Gallery, member: Member) -> None:
    assert member.secrets, "no member is without a secret"
    assert gallery.found(member, "in-journal").split() == ["0"]
    assert gallery.found(member, "in-environments").split() == ["0"]
    one = gallery.installed[member.key]
    written = "".join(path.read_text() for path in (one.project / "nix").rglob("*.nix"))
    written += gallery.machine.stand.path(one.units / "units.json").read_text()
    assert not [secret for secret in member.secrets.values() if secret in written]


@of_each
def test_is_confined_and_well_formed(gallery: Gallery, member: Member) -> None:
    text = gallery.found(member, "exposure")
    levels = re.findall(r"Overall exposure level for (\S+?)\.service: ([0-9.]+)", text)
    assert [unit for unit, _ in levels] == list(member.units)
    assert all(float(level) < 2.5 for _, level in levels), text
    assert gallery.found(member, "verify") == ""


@of_each
def test_its_owner_writes_little(member: Member) -> None:
    """No override, and no more lines than ten: what `[tool.uvlock2nix]` says."""
    lines = (REPO / "fixtures" / member.fixture / "pyproject.toml").read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("[tool.uvlock2nix"))
    own = [line for line in lines[start:] if line and not line.startswith(("[", "#"))]
    tool = tomllib.loads("\n".join(lines))["tool"]["uvlock2nix"]
    assert len(own) <= 10, own
    assert "native" not in tool


@pytest.mark.parametrize("shop", SHOP, ids=SHOP_NEEDS)
def test_services_of_one_workspace_share_no_more_than_they_must(gallery: Gallery, shop: Member) -> None:
    """One lock, one `generate`: each service has the shared library, and not what its siblings need."""
    one = gallery.installed[shop.key]
    closure = gallery.machine.stand.run(["nix-store", "--query", "--requisites", str(one.units)]).stdout
    (venv,) = {path for path in closure.split() if path.endswith("-venv")}
    (site,) = gallery.machine.stand.path(venv).glob("lib/python3.13/site-packages")
    found = {path.name for path in site.iterdir()} & {"flask", "aiohttp", "starlette", "shop_common"}
    assert found == {SHOP_NEEDS[shop.key], "shop_common"}
    assert not [other for other in SHOP_NEEDS if other != shop.key and f"-{other}-" in closure]
