"""A second store of a stand, as a remote builder behind Debian's sshd on 127.0.0.1."""

from __future__ import annotations

import base64
import contextlib
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.stand import STAND, Stand

# A store of its own has build users of its own: those of the folder belong to its first store.
OWN_STORE = """\
extra-experimental-features = auto-allocate-uids
auto-allocate-uids = true
start-id = 1000000000
"""


@dataclass(frozen=True, slots=True)
class Store:
    """An empty store, which programs of a stand see as /nix."""

    stand: Stand
    folder: Path

    @classmethod
    def new(cls, stand: Stand, folder: Path) -> Store:
        """Make the folders of one."""
        for name in ("store", "var/nix"):
            (folder / name).mkdir(parents=True)
        return cls(stand, folder)

    def env(self, nix_config: str = "") -> dict[str, str]:
        """For `Stand.run`: Nix with this store."""
        return {"UVLOCK2NIX_STAND_NIX": str(self.folder), "NIX_CONFIG": f"{OWN_STORE}\n{nix_config}"}

    def has(self, store_path: str) -> bool:
        """Whether it holds a path."""
        return (self.folder / "store" / Path(store_path).name).exists()

    def remove(self) -> None:
        """Nix makes its folders read-only; they are large, too."""
        subprocess.run(["chmod", "-R", "u+w", str(self.folder)], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Builder:
    """An sshd that runs Nix on a second store, and what a client has to set."""

    store: Store
    port: int
    key: Path
    host_key: str
    log: Path

    def nix_config(self) -> str:
        """Settings with which everything is built there, and nothing here."""
        machine = f"ssh://root@127.0.0.1 x86_64-linux {self.key} 2 1 - - {self.host_key}"
        return f"builders = {machine}\nmax-jobs = 0\nbuilders-use-substitutes = false"

    def env(self) -> dict[str, str]:
        """For a client in the same stand."""
        ssh = self.store.stand.nix_build("(import <nixpkgs> { }).openssh")
        return {
            "NIX_CONFIG": self.nix_config(),
            "NIX_SSHOPTS": f"-p {self.port}",
            "UVLOCK2NIX_STAND_PATH": f"{ssh}/bin",
        }


@contextlib.contextmanager
def serving(store: Store, folder: Path) -> Iterator[Builder]:
    """Debian's sshd, as long as the context lasts; skips the test where it is not installed (CI: fails)."""
    sshd = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if sshd is None:
        reason = "sshd is not installed (Debian: openssh-server)"
        if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    for name in ("host", "client"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
        subprocess.run(words, check=True)
    program = folder / "program"
    variables = {**store.env(), "UVLOCK2NIX_STAND": str(store.stand.root.parent)}
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    # What the client asks for (`nix-store --serve --write`) is run in the stand.
    run = f'exec {STAND / "enter"} {store.stand.suite} bash -c "$SSH_ORIGINAL_COMMAND"\n'
    program.write_text(f"#!/bin/bash\ncd /\n{exports}{run}")
    program.chmod(0o755)
    (folder / "authorized").write_text(f'command="{program}" {(folder / "client.pub").read_text()}')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "sshd.conf").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\n"
        f"AuthorizedKeysFile {folder}/authorized\n"
        f"PidFile {folder}/pid\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    log = folder / "sshd.log"
    process = subprocess.Popen([sshd, "-D", "-f", str(folder / "sshd.conf"), "-E", str(log)])
    try:
        wait_for(port, process)
        host_key = base64.b64encode((folder / "host.pub").read_bytes().strip()).decode()
        yield Builder(store, port, folder / "client", host_key, log)
    finally:
        process.terminate()
        process.wait(30)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until something listens."""
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            assert process.poll() is None, "sshd ended"
            assert time.monotonic() < deadline, "sshd does not listen"
            time.sleep(0.1)
        else:
            return
