"""The same module in home-manager and in nix-darwin: what its options turn into, and that the script runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.services.members import BLOG, Member
from tests.support.machine import Machine, waiting
from tests.support.stand import REPO, Stand

pytestmark = [pytest.mark.stand, pytest.mark.network, pytest.mark.slow]

Class = Literal["homeManager", "darwin"]
SECRET = {"SECRET_KEY": "/run/keys/blog"}


@dataclass(frozen=True, slots=True)
class Home:
    """A project, and what its module makes of settings in one of the two."""

    stand: Stand
    project: Path

    def units(
        self, class_: Class, settings: dict[str, object], *, mac: bool = False, more: object = None
    ) -> dict[str, Any]:
        strings = {
            "dir": str(self.project),
            "name": "blog",
            "overlay": str(REPO / "nix" / "overlay.nix"),
            "settings": json.dumps({"enable": True, **settings}),
            "class": class_,
            "more": json.dumps(more or {}),
        }
        words = [word for name, text in strings.items() for word in ("--argstr", name, text)]
        words += ["--arg", "isDarwin", "true"] if mac else []
        out = self.stand.nix_build(REPO / "tests/services/user-units.nix", *words)
        about: dict[str, Any] = json.loads(self.stand.path(f"{out}/units.json").read_text())
        return about


TIMER = 'timers.clean = { command = [ "blog" "count" ]; calendar = "CALENDAR"; };'


def with_timer(project: Path, to: Path, calendar: str) -> Path:
    """A copy of the project whose service has a timer, too."""
    copy = Path(shutil.copytree(project, to / "blog"))
    module = copy / "nix" / "module.nix"
    text = module.read_text().replace(TIMER.replace("CALENDAR", "daily") + " ", "")
    timer = TIMER.replace("CALENDAR", calendar)
    module.write_text(text.replace("processes = {", f"{timer} processes = {{"))
    return copy


@pytest.fixture(scope="module")
def home(stand: Stand, projects: Callable[[Member], Path], tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(stand, with_timer(projects(BLOG), tmp_path_factory.mktemp("home"), "daily"))


def test_home_manager_gets_units_of_the_user(home: Home) -> None:
    about = home.units("homeManager", {"port": 8100, "secrets": SECRET})
    assert set(about["services"]) == {"blog", "blog-worker", "blog-clean"}
    web = about["services"]["blog"]
    assert web["Install"] == {"WantedBy": ["default.target"]}
    assert web["Service"]["ExecStart"].endswith("-blog-run process web")
    assert web["Service"]["ExecStartPre"].endswith("-blog-run pre-start now")
    assert web["Service"]["NoNewPrivileges"] is True
    assert about["services"]["blog-worker"]["Unit"]["After"] == ["blog.service"]
    assert about["timers"]["blog-clean"]["Timer"] == {"OnCalendar": "daily", "Persistent": True}
    assert about["agents"] == {}
    # What the units say is no secret and no environment: the script has both.
    assert "SECRET_KEY" not in json.dumps(about)
    assert [package.partition("-")[2] for package in about["packages"]] == ["blog-manage"]


def test_the_script_serves_with_state_and_secrets(home: Home, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("correct-horse")
    settings = {"secrets": {"SECRET_KEY": str(key)}, "settings": {"BLOG_TITLE": 'it\'s "mine" $HOME'}}
    about = home.units("homeManager", {"port": 8107, **settings})
    script = about["services"]["blog"]["Service"]["ExecStart"].split()[0]
    manage = f"{about['packages'][0]}/bin/blog-manage"
    env = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "states")}
    serve = f"""
        {script} pre-start now
        {manage} post first
        {script} process web & server=$!
        for try in $(seq 100); do curl -fsS http://127.0.0.1:8107/ 2>/dev/null && break; sleep 0.2; done
        kill $server
    """
    page = json.loads(home.stand.run(["bash", "-euc", serve], env=env).stdout.splitlines()[-1])
    assert (page["posts"], page["title"], page["secret"]) == (1, 'it\'s "mine" $HOME', 13)
    assert (tmp_path / "states/blog").stat().st_mode & 0o777 == 0o700


def test_the_units_run_under_the_systemd_of_a_user(home: Home, tmp_path: Path) -> None:
    settings = {"secrets": {"SECRET_KEY": "/home/me/key"}, "port": 8100}
    about = home.units("homeManager", settings)
    machine = Machine.copied(tmp_path / "machine")
    folder = machine.root / "etc/systemd/user"
    units = {f"{name}.service": unit for name, unit in about["services"].items()}
    for name, unit in (units | {f"{name}.timer": unit for name, unit in about["timers"].items()}).items():
        (folder / name).write_text(ini(unit))
        for target in unit.get("Install", {}).get("WantedBy", []):
            wants = folder / f"{target}.wants"
            wants.mkdir(exist_ok=True)
            (wants / name).symlink_to(f"../{name}")
    # The machine has no PAM module of systemd's, which makes the session of a user.
    drop_in = machine.root / "etc/systemd/system/user@.service.d/no-pam.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nPAMName=\nEnvironment=XDG_RUNTIME_DIR=/run/user/%i\n")
    page = waiting("curl -fsS --max-time 20 http://127.0.0.1:8100/ -o page")
    state = "/home/me/.local/state/blog"
    manage = f"{about['packages'][0]}/bin/blog-manage"
    printed = machine.boot(f"""
        cd /tmp
        useradd --create-home --uid 2000 --shell /bin/bash me
        echo -n correct-horse > /home/me/key
        chown me /home/me/key; chmod 400 /home/me/key
        systemctl start user@2000.service
        as() {{ runuser -u me -- env XDG_RUNTIME_DIR=/run/user/2000 HOME=/home/me "$@"; }}
        {page}
        as {manage} post first > /dev/null
        before=$(as systemctl --user show -P MainPID blog)
        kill -9 "$before"
        {waiting('test "$(as systemctl --user show -P MainPID blog)" != "$before"')}
        {page}
        cat page
        as systemctl --user is-active blog blog-worker blog-clean.timer
        stat -c '%U %a' {state}
        journalctl --no-pager | grep -c correct-horse || true
        as systemd-analyze --user verify {" ".join(units)} 2>&1 | grep -c blog || true
    """)
    page_text, *rest = printed.split("\n")
    assert {key: json.loads(page_text)[key] for key in ("posts", "secret", "worker")} == {
        "posts": 1,
        "secret": 13,
        "worker": True,
    }
    assert rest == ["active", "active", "active", "me 700", "0", "0", ""]


def ini(unit: dict[str, dict[str, object]]) -> str:
    """A unit as home-manager writes it: a list is a key several times."""
    lines = []
    for section, keys in unit.items():
        lines.append(f"[{section}]")
        for key, value in keys.items():
            values = value if isinstance(value, list) else [value]
            lines += [f"{key}={str(one).lower() if isinstance(one, bool) else one}" for one in values]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("class_", "keys"), [("homeManager", "config"), ("darwin", "serviceConfig")])
def test_on_a_mac_they_are_agents_of_launchd(home: Home, class_: Class, keys: str) -> None:
    about = home.units(class_, {"secrets": SECRET, "stateDir": "/var/blog"}, mac=True)
    assert about["services"] == {}
    web, worker = about["agents"]["blog"], about["agents"]["blog-worker"]
    assert web[keys]["KeepAlive"] == {"SuccessfulExit": False}
    assert web[keys]["RunAtLoad"] is True
    command = web["command"] if class_ == "darwin" else " ".join(web["config"]["ProgramArguments"])
    assert "pre-start now && exec" in command
    assert "pre-start" not in json.dumps(worker)
    assert about["agents"]["blog-clean"][keys]["StartCalendarInterval"] == [{"Hour": 0, "Minute": 0}]


@pytest.mark.parametrize(
    ("class_", "settings", "message"),
    [
        ("homeManager", {}, "services.blog.secrets.SECRET_KEY is not set"),
        ("darwin", {}, "services.blog.secrets.SECRET_KEY is not set"),
        ("homeManager", {"secrets": SECRET, "user": "me"}, "services.blog.user' does not exist"),
        ("homeManager", {"secrets": SECRET, "stateDir": "relative"}, "services.blog.stateDir"),
        ("darwin", {"secrets": SECRET, "openFirewall": True}, "services.blog.openFirewall' does not exist"),
    ],
)
def test_wrong_settings_are_named(
    home: Home, class_: Class, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(AssertionError, match=message):
        home.units(class_, settings)


def test_a_calendar_that_launchd_lacks_has_to_be_written_out(home: Home, tmp_path: Path) -> None:
    weekly = Home(home.stand, with_timer(home.project, tmp_path, "Mon *-*-* 03:00"))
    message = r"Set launchd.agents.blog-clean.config.StartCalendarInterval"
    with pytest.raises(AssertionError, match=message):
        weekly.units("homeManager", {"secrets": SECRET}, mac=True)
    times = {"StartCalendarInterval": [{"Weekday": 1, "Hour": 3, "Minute": 0}]}
    more = {"launchd": {"agents": {"blog-clean": {"config": times}}}}
    about = weekly.units("homeManager", {"secrets": SECRET}, mac=True, more=more)
    assert about["agents"]["blog-clean"]["config"] == {**about["agents"]["blog-clean"]["config"], **times}
