"""fixtures/blog as a service that a real systemd runs: two units, migrations, a secret, state that stays."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import copy_fixture, uvlock2nix
from tests.support.machine import SUITE, Machine, unit_text, waiting
from tests.support.stand import REPO, Stand, require_stand

pytestmark = [pytest.mark.stand, pytest.mark.network, pytest.mark.slow]

SECRET = "correct-horse-battery-staple"
UP = waiting("curl -fsS http://127.0.0.1:8000/ -o /checks/page")
WORKER_BEATS = waiting("""curl -fsS http://127.0.0.1:8000/ | grep -q '"worker":true'""")
STARTED_AGAIN = waiting('now=$(systemctl show -P MainPID blog); test "$now" -gt 0 -a "$now" != "$before"')
SETTINGS = {
    "enable": True,
    "settings": {"BLOG_TITLE": '100 % "true" $HOME \\'},
    "secrets": {"SECRET_KEY": "/etc/blog-secret"},
}


@dataclass(frozen=True, slots=True)
class Service:
    """A machine on which the units of the fixture are installed, and where its commands are."""

    machine: Machine
    manage: str


@pytest.fixture(scope="module")
def stand() -> Stand:
    return require_stand(SUITE)


@pytest.fixture(scope="module")
def service(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Service:
    folder = tmp_path_factory.mktemp("services")
    machine = Machine.copied(folder / "machine")
    project = copy_fixture("blog", folder)
    for words in (["generate", "--module"], ["update-hash"]):
        done = uvlock2nix(stand, words[0], str(project), *words[1:])
        assert done.returncode == 0, done.stderr
    units = Path(units_of(stand, project, SETTINGS))
    services = json.loads(stand.path(units / "units.json").read_text())
    machine.install({f"{name}.service": unit_text(service) for name, service in services.items()})
    secret = machine.root / "etc/blog-secret"
    secret.write_text(SECRET)
    secret.chmod(0o400)
    return Service(machine, f"{units}/bin/blog-manage")


def units_of(stand: Stand, project: Path, settings: dict[str, object]) -> str:
    strings = {
        "dir": str(project),
        "name": "blog",
        "overlay": str(REPO / "nix" / "overlay.nix"),
        "settings": json.dumps(settings),
    }
    words = [word for name, text in strings.items() for word in ("--argstr", name, text)]
    return stand.nix_build(REPO / "tests" / "services" / "units.nix", *words)


def test_serves_restarts_and_keeps_its_state(service: Service) -> None:
    output = service.machine.boot(
        f"""
        {UP}
        {service.manage} post 'a first post'
        {WORKER_BEATS}
        curl -fsS http://127.0.0.1:8000/
        before=$(systemctl show -P MainPID blog)
        kill -9 "$before"
        {STARTED_AGAIN}
        {UP}
        {service.manage} count
        journalctl --no-pager | grep -c {SECRET} || true
        cat /proc/[0-9]*/environ | grep -a -c {SECRET} || true
        systemctl is-active blog blog-worker
        """
    )
    page, count, in_journal, in_environments, *active = output.strip().splitlines()
    assert json.loads(page) == {
        "posts": 1,
        "secret": len(SECRET),
        "title": SETTINGS["settings"]["BLOG_TITLE"],  # type: ignore[index]
        "worker": True,
    }
    assert (count, in_journal, in_environments) == ("1", "0", "0")
    assert active == ["active", "active"]
    # A reboot: the state is still there.
    again = service.machine.boot(f"{UP}\n{service.manage} count\ncat /checks/page")
    assert again.splitlines()[0] == "1"
    assert json.loads(again.splitlines()[1])["posts"] == 1


def test_is_confined_and_well_formed(service: Service) -> None:
    output = service.machine.boot(
        f"""
        {UP}
        for unit in blog blog-worker; do
          systemd-analyze --no-pager security $unit.service | tail -n 1
          systemd-analyze verify $unit.service
        done
        """
    )
    levels = re.findall(r"Overall exposure level for (\S+): ([0-9.]+)", output)
    assert [unit for unit, _ in levels] == ["blog.service", "blog-worker.service"]
    assert all(float(level) < 2.5 for _, level in levels), output
    assert len(output.strip().splitlines()) == 2, output


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"enable": True, "port": 70000}, "services.blog.port"),
        ({"enable": True, "secrets": {"SECRET_KEY": "relative"}}, "services.blog.secrets"),
        ({"enable": True, "prot": 1}, "services.blog.prot"),
    ],
)
def test_wrong_settings_are_named(
    stand: Stand, service: Service, settings: dict[str, object], message: str, tmp_path: Path
) -> None:
    project = copy_fixture("blog", tmp_path)
    assert uvlock2nix(stand, "generate", str(project), "--module").returncode == 0
    with pytest.raises(AssertionError, match=re.escape(message)):
        units_of(stand, project, settings)
