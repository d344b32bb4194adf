"""A machine with a real systemd: a Debian folder booted by systemd-nspawn, with a stand's store bound in.

trixie: its systemd still boots where the host has the old cgroup hierarchy, as containers often do.
`python -m tests.support.machine` makes the folder once; each test boots a copy of it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.stand.provision.mirror import choose
from tests.support.stand import Stand, place, require_stand

SUITE: Final = "trixie"
PACKAGES: Final = (
    *("systemd", "systemd-sysv", "dbus", "libstdc++6", "curl"),
    *("nginx-light", "postgresql", "uwsgi-core", "uwsgi-plugin-python3"),
)
# Debian starts them; here a test starts what it needs.
DISABLED: Final = ("nginx.service", "postgresql.service")
MASKED: Final = ("apt-daily.timer", "apt-daily-upgrade.timer")
# A copy is made for each test: what no test needs is left out. PostgreSQL works without its compiler.
TRIMMED: Final = (
    *(
        "var/cache/apt/archives/*.deb",
        "var/lib/apt/lists/*",
        "usr/share/doc",
        "usr/share/locale",
        "usr/share/man",
    ),
    *(
        "usr/lib/*/libLLVM*",
        "usr/lib/*/libz3*",
        "usr/lib/postgresql/*/lib/llvmjit*",
        "usr/lib/postgresql/*/lib/bitcode",
    ),
)
CHECKS: Final = """\
[Unit]
Description=the checks of a test
After=multi-user.target

[Service]
Type=oneshot
TimeoutStartSec=800
ExecStart=/bin/bash -e /checks/run
ExecStopPost=/bin/systemctl poweroff --no-block
StandardOutput=file:/checks/output
StandardError=file:/checks/errors
"""


def template() -> Path:
    """The folder that is copied for each test; its name says what is in it."""
    digest = hashlib.sha256(" ".join([*PACKAGES, *DISABLED, *MASKED, *TRIMMED]).encode()).hexdigest()[:16]
    return place() / f"machine-{SUITE}-{digest}"


def prepare() -> None:
    """Make the folder if it is not there."""
    place().mkdir(parents=True, exist_ok=True)
    with (place() / "machine.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if template().exists():
            return
        temporary = template().with_suffix(".tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        words = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE]
        with (place() / "setup-machine.log").open("wb") as log:
            subprocess.run([*words, str(temporary), choose(SUITE)], check=True, stdout=log, stderr=log)
        for path in (path for pattern in TRIMMED for path in temporary.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        for unit in DISABLED:
            (temporary / "etc/systemd/system/multi-user.target.wants" / unit).unlink()
        for unit in MASKED:
            (temporary / "etc/systemd/system" / unit).symlink_to("/dev/null")
        temporary.rename(template())


@dataclass(frozen=True, slots=True)
class Machine:
    """A copy of the folder, and the stand whose store it sees at /nix."""

    root: Path
    stand: Stand

    @classmethod
    def copied(cls, root: Path) -> Machine:
        """A new machine in ``root``; skips the test where there is none, and fails it under CI=true."""
        stand = require_stand(SUITE)
        missing = "" if template().exists() else "no folder with systemd: run python -m tests.support.machine"
        if shutil.which("systemd-nspawn") is None:
            missing = "systemd-nspawn is not installed (Debian: systemd-container)"
        if missing and os.environ.get("CI", "").lower() in ("1", "true", "yes"):
            pytest.fail(missing, pytrace=False)
        if missing:
            pytest.skip(missing)
        subprocess.run(["cp", "-a", "--reflink=auto", str(template()), str(root)], check=True)
        return cls(root, stand)

    def install(self, units: Mapping[str, str]) -> None:
        """Put units in place, as NixOS does, and let multi-user.target want those that say so."""
        system = self.root / "etc/systemd/system"
        for name, text in units.items():
            (system / name).write_text(text)
            for target in re.findall(r"^WantedBy=(\S+)$", text, re.MULTILINE):
                wants = system / f"{target}.wants"
                wants.mkdir(exist_ok=True)
                (wants / name).unlink(missing_ok=True)
                (wants / name).symlink_to(f"../{name}")

    def add_user(self, name: str) -> None:
        """A system user with a group of the same name, as NixOS makes it."""
        users, groups = self.root / "etc/passwd", self.root / "etc/group"
        number = 800 + len(users.read_text().splitlines())
        with users.open("a") as file:
            file.write(f"{name}:x:{number}:{number}::/var/empty:/usr/sbin/nologin\n")
        with groups.open("a") as file:
            file.write(f"{name}:x:{number}:\n")

    def boot(self, script: str, *, timeout: float = 180) -> str:
        """Boot, run a bash script (with -e) when the machine is up, power off; what the script printed.

        Raises:
            AssertionError: the script failed; the message carries its errors and the journal's end.
        """
        checks = self.root / "checks"
        checks.mkdir(exist_ok=True)
        (checks / "run").write_text(f"{script}\ntouch /checks/passed\n")
        for name in ("passed", "output", "errors"):
            (checks / name).unlink(missing_ok=True)
        self.install({"checks.service": f"{CHECKS}\n[Install]\nWantedBy=multi-user.target\n"})
        words = ["systemd-nspawn", "-q", "-D", str(self.root), "--boot", "--register=no", "--keep-unit"]
        words += ["--private-network", f"--bind-ro={self.stand.root}/nix:/nix", "--console=read-only"]
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
        )
        parts = {name: self._read(checks / name) for name in ("output", "errors")}
        assert (checks / "passed").exists(), (
            f"the checks failed\n{parts['errors'][-4000:]}\n{parts['output'][-4000:]}\n{done.stdout[-2000:]}"
        )
        return parts["output"]

    @staticmethod
    def _read(path: Path) -> str:
        return path.read_text(errors="replace") if path.exists() else ""


def unit_text(service: Mapping[str, object]) -> str:
    """A unit file from the value of ``systemd.services.NAME``, written as NixOS writes it."""
    lines = ["[Unit]", f"Description={service['description']}"]
    for key, name in (("after", "After"), ("wants", "Wants")):
        lines += [f"{name}={other}" for other in _strings(service[key])]
    lines += ["", "[Service]"]
    environment = service["environment"]
    assert isinstance(environment, dict)
    for name, text in environment.items():
        quoted = f"{name}={text}".replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'Environment="{quoted}"')
    settings = service["serviceConfig"]
    assert isinstance(settings, dict)
    for name, value in settings.items():
        values = value if isinstance(value, list) else [value]
        lines += [f"{name}={_word(one)}" for one in values]
    lines += ["", "[Install]", *(f"WantedBy={target}" for target in _strings(service["wantedBy"])), ""]
    return "\n".join(lines)


def timer_text(timer: Mapping[str, object]) -> str:
    """A unit file from the value of ``systemd.timers.NAME``."""
    settings = timer["timerConfig"]
    assert isinstance(settings, dict)
    lines = ["[Unit]", f"Description={timer['description']}", "", "[Timer]"]
    lines += [f"{name}={_word(value)}" for name, value in settings.items()]
    lines += ["", "[Install]", *(f"WantedBy={target}" for target in _strings(timer["wantedBy"])), ""]
    return "\n".join(lines)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _strings(value: object) -> Sequence[str]:
    assert isinstance(value, list)
    return [str(one) for one in value]


def waiting(command: str, *, seconds: int = 30) -> str:
    """Shell: repeat a command until it succeeds, for some seconds."""
    loop = f"for i in $(seq {seconds * 5}); do if {command}; then break; fi; sleep 0.2; done"
    return f"{loop}\n{command} || {{ echo {shlex.quote('gave up: ' + command)} >&2; exit 1; }}"


if __name__ == "__main__":
    prepare()
