"""The gallery on one machine: everything is built and installed once, and booted twice."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import copy_fixture, uvlock2nix
from tests.services.members import CURL, MEMBERS, Member
from tests.support.machine import SUITE, Machine, timer_text, unit_text, waiting
from tests.support.stand import REPO, Stand, require_stand

NGINX_START = "systemctl start nginx.service"


@dataclass(frozen=True, slots=True)
class Installed:
    """A member on the machine: the project that was generated, and what its module made."""

    member: Member
    project: Path
    units: Path
    about: dict[str, object]

    @property
    def manage(self) -> str:
        """The management command."""
        return f"{self.units}/bin/{self.member.name}-manage"


@dataclass(frozen=True, slots=True)
class Gallery:
    """The machine after two boots."""

    machine: Machine
    installed: dict[str, Installed]

    def found(self, member: Member, name: str) -> str:
        """What a check of a member printed; the test fails where the checks of its boot did not end."""
        folder = self.machine.root / "checks" / member.key
        boot = "again" if name.startswith("again") else "first"
        assert (folder / f"{boot}.passed").exists(), (folder / f"{boot}.errors").read_text()[-4000:]
        return (folder / name).read_text()


@pytest.fixture(scope="session")
def stand() -> Stand:
    return require_stand(SUITE)


@pytest.fixture(scope="session")
def projects(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Member], Path]:
    """The folder of a fixture after `generate` and `update-hash`, once for all its members."""
    folder = tmp_path_factory.mktemp("projects")
    done: dict[str, Path] = {}

    def project(member: Member) -> Path:
        if member.fixture not in done:
            path = copy_fixture(member.fixture, folder)
            commands = (["generate", "--module", "--image", *member.options], ["update-hash"])
            for verb, *options in commands:
                ended = uvlock2nix(stand, verb, str(path), *options)
                assert ended.returncode == 0, ended.stderr
            done[member.fixture] = path
        return done[member.fixture]

    return project


def units_of(stand: Stand, project: Path, member: Member, settings: object) -> str:
    """Evaluate and build what the module makes of ``settings``."""
    strings = {
        "dir": str(project),
        "name": member.name,
        "overlay": str(REPO / "nix" / "overlay.nix"),
        "settings": json.dumps(settings),
        "folder": f"/nix/{member.environment}" if member.environment else "/nix",
    }
    words = [word for name, text in strings.items() for word in ("--argstr", name, text)]
    return stand.nix_build(REPO / "tests" / "services" / "units.nix", *words)


@pytest.fixture(scope="session")
def gallery(
    request: pytest.FixtureRequest,
    stand: Stand,
    projects: Callable[[Member], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Gallery:
    """The members that the tests of this run ask for."""
    machine = Machine.copied(tmp_path_factory.mktemp("gallery") / "machine")
    named = {
        member.key
        for item in request.session.items
        for member in getattr(item, "callspec", item).__dict__.get("params", {}).values()
        if isinstance(member, Member)
    }
    wanted = [member for key, member in MEMBERS.items() if key in named]
    installed = {member.key: install(machine, stand, projects(member), member) for member in wanted}
    web_servers(machine, installed)
    for boot, script in (("first", first_boot), ("again", second_boot)):
        parts = (in_its_own_shell(member, boot, script(installed[member.key])) for member in wanted)
        machine.boot("\n".join([NGINX_START, *parts]), timeout=900)
    return Gallery(machine, installed)


def install(machine: Machine, stand: Stand, project: Path, member: Member) -> Installed:
    """Put the units of a member on the machine, with the users and the files with secrets that they name."""
    files = {name: f"/etc/secrets/{member.key}-{name}" for name in member.secrets}
    settings = {"enable": True, **member.settings, **({"secrets": files} if files else {})}
    units = Path(units_of(stand, project, member, settings))
    about = json.loads(stand.path(units / "units.json").read_text())
    renamed = {
        name.replace(member.name, member.key, 1): service for name, service in about["services"].items()
    }
    machine.install({f"{name}.service": unit_text(service) for name, service in renamed.items()})
    machine.install({f"{name}.timer": timer_text(timer) for name, timer in about["timers"].items()})
    for name in about["users"]:
        machine.add_user(name)
    (machine.root / "etc/secrets").mkdir(mode=0o700, exist_ok=True)
    for name, secret in member.secrets.items():
        file = machine.root / files[name].lstrip("/")
        file.write_text(secret)
        file.chmod(0o400)
    (machine.root / "checks" / member.key).mkdir(parents=True)
    return Installed(member, project, units, about)


def web_servers(machine: Machine, installed: dict[str, Installed]) -> None:
    """What the machine's owner runs in addition: nginx, uWSGI, and a database in PostgreSQL."""
    sites = machine.root / "etc/nginx/sites-enabled"
    (sites / "default").unlink(missing_ok=True)
    if blog := installed.get("blog"):
        (sites / "blog").write_text(
            "server { listen 127.0.0.1:8080;"
            " location / { include uwsgi_params; uwsgi_pass unix:/run/blog-uwsgi/socket; } }\n"
        )
        machine.install({"blog-uwsgi.service": UWSGI.format(**blog.about)})
    if polls := installed.get("bitpoll-like"):
        (sites / "bitpoll").write_text(
            "server { listen 127.0.0.1:8081;"
            f" location /static/ {{ alias {polls.about['static']}/; }}"
            " location / { proxy_pass http://127.0.0.1:8001; proxy_set_header Host 127.0.0.1; } }\n"
        )
        machine.install({"bitpoll-database.service": DATABASE})


# As services.uwsgi of NixOS runs it: its own Python, and the packages by PYTHONPATH.
UWSGI = """\
[Unit]
Description=the blog in uWSGI

[Service]
DynamicUser=true
User=blog-uwsgi
Group=www-data
StateDirectory=blog-uwsgi
RuntimeDirectory=blog-uwsgi
Environment=PYTHONPATH={pythonPath} BLOG_STATE=/var/lib/blog-uwsgi SECRET_KEY_FILE=%d/key BLOG_TITLE=uwsgi
SetCredential=key:uwsgi
ExecStartPre={program} migrate
ExecStart=/usr/bin/uwsgi --plugin python3 --master --module blog.web:app \\
  --socket /run/blog-uwsgi/socket --chmod-socket=660

[Install]
WantedBy=multi-user.target
"""

# What services.postgresql.ensureUsers and ensureDatabases of NixOS do.
DATABASE = """\
[Unit]
Description=the database of bitpoll-like
Requires=postgresql.service postgresql@17-main.service
After=postgresql.service postgresql@17-main.service
Before=bitpoll-like.service

[Service]
Type=oneshot
User=postgres
ExecStart=-/usr/bin/createuser bitpoll-like
ExecStart=-/usr/bin/createdb -O bitpoll-like bitpoll-like

[Install]
WantedBy=multi-user.target
"""


def first_boot(one: Installed) -> str:
    """The shell text of all that a member is asked on the first boot; each answer is a file."""
    member, main = one.member, one.member.units[0]
    up = waiting(f"{CURL} {member.page} -o page")
    restarted = waiting(f'now=$(systemctl show -P MainPID {main}); test "$now" -gt 0 -a "$now" != "$before"')
    asked = "\n".join(
        f"( {command.replace('{manage}', one.manage)} ) > asked-{number} 2>> first.errors || true"
        for number, command in enumerate(member.asked)
    )
    secrets = " ".join(f"-e {shlex.quote(secret)}" for secret in member.secrets.values())
    return f"""
        {up}
        {member.write.replace("{manage}", one.manage)}
        {read(one)} > state
        {asked}
        before=$(systemctl show -P MainPID {main})
        kill -9 "$before"
        {restarted}
        {up}
        {read(one)} > state-after-kill
        systemctl is-active {" ".join(member.units)} > active || true
        journalctl --no-pager > /checks/journal; grep -c {secrets} /checks/journal > in-journal || true
        cat /proc/[0-9]*/environ 2>/dev/null | grep -a -c {secrets} > in-environments || true
        for unit in {" ".join(member.units)}; do
          systemd-analyze --no-pager security $unit.service | tail -n 1 >> exposure
          systemd-analyze verify $unit.service >> verify 2>&1
        done
        """


def second_boot(one: Installed) -> str:
    """After a reboot the state is kept."""
    return f"""
        {waiting(f"{CURL} {one.member.page} -o page-again")}
        {read(one)} > again-state
        """


def read(one: Installed) -> str:
    return f"( {one.member.read.replace('{manage}', one.manage)} )"


def in_its_own_shell(member: Member, boot: str, script: str) -> str:
    """A member's checks by themselves: what one of them does wrong says nothing about the others."""
    folder = f"/checks/{member.key}"
    body = f"cd {folder}; rm -f {boot}.passed; exec 2>> {boot}.errors; {script}\ntouch {boot}.passed"
    return f"bash -e -c {shlex.quote(body)} || true"
