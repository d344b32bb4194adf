"""Real Nix of three ages, with and without a daemon: one outcome for each case, and the table in the docs.

``UVLOCK2NIX_WRITE_DOCS=1`` writes the rows that were run into docs/update-hash.md; else they are compared.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

import pytest

from tests.support.stand import STAND, SUITES, Stand, Suite, require_stand
from uvlock2nix.errors import Uvlock2nixError
from uvlock2nix.nar import Hash
from uvlock2nix.nixrun.build import Evaluated, Nix, find_hash
from uvlock2nix.nixrun.runner import Ran, SystemRunner
from uvlock2nix.pins import read_pins

REPOSITORY: Final = Path(__file__).resolve().parents[2]
CASES: Final = REPOSITORY / "tests" / "data" / "nix_messages" / "cases.nix"
DOCS: Final = REPOSITORY / "docs" / "update-hash.md"
BEGIN: Final = "<!-- outcomes: written by tests/functional/test_update_hash_real.py -->"
END: Final = "<!-- end of outcomes -->"

pytestmark = pytest.mark.stand

# Case → what must come of it, on every Nix.
EXPECTED: Final[Mapping[str, str]] = {
    "plain": "hash, 1 build",
    "again": "hash, 1 build",
    "decoy": "hash, 1 build",
    "references": "refused: refers to store paths",
    "self": "refused: refers to store paths",
    "fails": "error, hint names libxml2",
    "elsewhere": "error, names the other derivation",
    "foreign": "error, hint names remote builders",
}


class StandRunner:
    """Runs a suite's programs, by way of its daemon where there is one."""

    def __init__(self, stand: Stand, socket: str | None) -> None:
        self._enter = [str(STAND / "enter"), stand.suite]
        if socket is not None:
            self._enter += ["env", "NIX_REMOTE=daemon", f"NIX_DAEMON_SOCKET_PATH={socket}"]
        self._env = stand.env()

    def run(
        self, argv: Sequence[str], on_line: Callable[[str], None], *, env: Mapping[str, str] | None = None
    ) -> Ran:
        return SystemRunner().run([*self._enter, *argv], on_line, env={**self._env, **(env or {})})


@contextmanager
def daemon(stand: Stand) -> Iterator[str]:
    """A nix-daemon of the suite; gives its socket."""
    folder = Path(tempfile.mkdtemp(prefix="nixd", dir="/tmp"))
    socket = folder / "s"
    command = [str(STAND / "enter"), stand.suite, "env", f"NIX_DAEMON_SOCKET_PATH={socket}", "nix-daemon"]
    with subprocess.Popen(
        command, env=stand.env(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            deadline = time.monotonic() + 30
            while not socket.exists():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield str(socket)
        finally:
            process.terminate()
            process.wait(timeout=30)
            shutil.rmtree(folder)


@contextmanager
def nix_of(suite: str, *, with_daemon: bool) -> Iterator[Nix]:
    stand = require_stand(cast(Suite, suite))
    if with_daemon:
        with daemon(stand) as socket:
            yield Nix(StandRunner(stand, socket))
    else:
        yield Nix(StandRunner(stand, None))


def outcome(nix: Nix, case: str) -> str:
    salt = secrets.token_hex(8)

    def evaluate(digest: Hash) -> Evaluated:
        return nix.derivation(CASES, {"case": case, "salt": salt, "outputHash": digest.sri})

    try:
        if case == "again":
            find_hash(nix, evaluate)
        built = find_hash(nix, evaluate)
    except Uvlock2nixError as error:
        if "refers to store paths" in error.message:
            return "refused: refers to store paths"
        if "a different fixed-output derivation" in error.message and f"elsewhere-{salt}" in error.message:
            return "error, names the other derivation"
        if "libxml2" in error.hint and "> compiling" in error.message:
            return "error, hint names libxml2"
        if "remote builder" in error.hint:
            return "error, hint names remote builders"
        return f"error: {error.message}"
    after = evaluate(built.hash)
    assert nix.is_valid(after.out)
    return f"hash, {built.builds} build{'s' if built.builds > 1 else ''}"


@pytest.mark.parametrize("with_daemon", [False, True], ids=["local", "daemon"])
@pytest.mark.parametrize("suite", SUITES)
def test_every_case_has_its_outcome(suite: str, with_daemon: bool) -> None:
    with nix_of(suite, with_daemon=with_daemon) as nix:
        found = {case: outcome(nix, case) for case in EXPECTED}
        row = f"| {nix.version.name} {nix.version.text} | {'yes' if with_daemon else 'no'} | "
        row += " | ".join(found.values()) + " |"
    assert found == EXPECTED
    documented(row)


def documented(row: str) -> None:
    """Compare a row with the one in the docs, or write it."""
    text = DOCS.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN + "\n")
    table, _, after = rest.partition(END)
    lines = table.splitlines()
    if os.environ.get("UVLOCK2NIX_WRITE_DOCS") != "1":
        assert row in lines, f"the table in {DOCS} does not have this row:\n{row}"
        return
    head = ["| Nix | daemon | " + " | ".join(EXPECTED) + " |", "|---" * (len(EXPECTED) + 2) + "|"]
    key = row.split("|")[1:3]
    rows = [line for line in lines[2:] if line.split("|")[1:3] != key]
    written = "\n".join([*head, *sorted([*rows, row])])
    DOCS.write_text(f"{before}{BEGIN}\n{written}\n{END}{after}", encoding="utf-8")


@pytest.mark.parametrize("suite", SUITES)
def test_ctrl_c_ends_the_builders(suite: str) -> None:
    """SIGINT to us ends nix-store, which ends its builder; nothing of the build stays."""
    stand = require_stand(cast(Suite, suite))
    salt = secrets.token_hex(8)
    script = (
        "import sys; from pathlib import Path; from uvlock2nix.nixrun.build import Nix;"
        "from uvlock2nix.nixrun.runner import SystemRunner\n"
        "nix = Nix(SystemRunner()); nix.realise(sys.argv[1])"
    )
    expression = f"""derivation {{ name = "slow-{salt}"; system = builtins.currentSystem; builder = "/bin/sh";
      args = [ "-c" "echo {salt} > $out; /bin/sleep 300" ]; }}"""
    drv = stand.run(["nix-instantiate", "-E", expression]).stdout.split()[0]
    with subprocess.Popen(
        [sys.executable, "-c", script, drv], env=stand.env({"PYTHONPATH": str(REPOSITORY)}), cwd=REPOSITORY,
        stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 60
        while not sleeping(salt):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(2)
        process.wait(timeout=30)
    deadline = time.monotonic() + 10
    while sleeping(salt) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not sleeping(salt)


def sleeping(salt: str) -> list[str]:
    """The builder's processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"echo {salt} > ".encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("fixture", ["hello", "wheels-only"])
def test_what_is_computed_without_nix_is_what_nix_gives(fixture: str, tmp_path: Path) -> None:
    # --no-nix needs a Python of the target's minor on this machine: take the suite that has ours.
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    suites: dict[str, Suite] = {"3.11": "bookworm", "3.13": "forky", "3.14": "forky"}
    if minor not in suites:
        pytest.skip(f"no suite of the stand has Python {minor}, which runs the tests")
    stand = require_stand(suites[minor])
    uv = Path(sys.executable).parent / "uv"
    env = {"UV": str(uv), "PYTHONPATH": str(REPOSITORY)}
    hashes: list[str] = []
    for number, arguments in enumerate(
        (["--no-nix"], ["--nixpkgs", str(REPOSITORY / "tests/stand/nixpkgs")])
    ):
        root = tmp_path / str(number)
        shutil.copytree(REPOSITORY / "fixtures" / fixture, root, ignore=shutil.ignore_patterns("nix"))
        for command in (["generate", "--python", minor, "--force"], ["update-hash", *arguments, "--quiet"]):
            done = subprocess.run(
                [sys.executable, "-m", "uvlock2nix", *command, str(root)],
                env=stand.env(env),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
        pin = read_pins(root / "nix" / "python-deps.json").pin("x86_64-linux")
        assert pin is not None
        hashes.append(pin.hash)
    assert hashes[0] == hashes[1]
