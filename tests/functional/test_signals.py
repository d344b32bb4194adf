"""Signals: every command ends as Ctrl-C does, with exit code 130, no traceback, and trees and files as
they were."""

from __future__ import annotations

import ast
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.stand import REPO

COMMAND = [sys.executable, "-m", "uvlock2nix"]
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
HASH = "0123456789abcdfghijklmnpqrsvwxyz"
INPUT = f"/nix/store/{HASH}-libfoo-1.0"


def make_tree(tree: Path) -> None:
    for number in range(400):
        folder = tree / f"d{number % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"f{number}").write_text(f"prefix {INPUT}/lib {number}\n" * 20)


def contents(tree: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(tree)): path.read_bytes() for path in sorted(tree.rglob("*")) if path.is_file()
    }


def strip(tree: Path, closure: Path) -> subprocess.Popen[str]:
    words = ["refs", "strip", str(tree), "--closure", str(closure), "--input", f"libfoo={INPUT}"]
    return subprocess.Popen(
        [*COMMAND, *words],
        cwd=REPO,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_every_signal,  # noqa: PLW1509 - no other thread runs here
    )


def hear_every_signal() -> None:
    """As in a terminal: what runs the tests may ignore some, as nohup does."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize("number", [*SIGNALS, signal.SIGKILL])
def test_a_tree_is_stripped_or_as_it_was(number: signal.Signals, tmp_path: Path) -> None:
    closure = tmp_path / "closure"
    closure.write_text(INPUT + "\n")
    make_tree(tmp_path / "whole")
    before = contents(tmp_path / "whole")
    start = time.monotonic()
    done = strip(tmp_path / "whole", closure)
    assert done.communicate(timeout=60)[1] == ""
    assert done.returncode == 0
    took = time.monotonic() - start
    after = contents(tmp_path / "whole")
    assert after != before
    stopped = 0
    for part in range(4):
        tree = tmp_path / f"tree-{part}"
        make_tree(tree)
        running = strip(tree, closure)
        time.sleep(took * (part + 2) / 6)
        running.send_signal(number)
        _, errors = running.communicate(timeout=60)
        assert "Traceback" not in errors
        if number != signal.SIGKILL:
            # By the signal itself before Python runs our code.
            assert running.returncode in (0, 130, -number), errors
        stopped += running.returncode != 0
        # The next run recognises what it finds, and the end is the same.
        again = strip(tree, closure)
        _, errors = again.communicate(timeout=60)
        assert again.returncode == 0, errors
        assert contents(tree) == after
    assert stopped, "no run was stopped: the tree is too small"


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("module", ["uvlock2nix.cli", "uvlock2nix.cli.app", "uvlock2nix.cli.man"])
def test_a_signal_while_modules_load_is_no_traceback(module: str, number: signal.Signals) -> None:
    """The signal comes in the middle of an import: the first of all, the command line's, a command's."""
    usual = "default_int_handler" if number == signal.SIGINT else "SIG_DFL"
    code = (
        "import importlib.abc, os, signal, sys\n"
        f"signal.signal({int(number)}, signal.{usual})\n"
        "class Finder(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name == {module!r}:\n"
        f"            os.kill(os.getpid(), {int(number)})\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from uvlock2nix.__main__ import main\n"
        "main()\n"
    )
    words = [sys.executable, "-c", code, "man"]
    done = subprocess.run(words, cwd=REPO, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_when_all_is_done_is_no_traceback(number: signal.Signals) -> None:
    """While Python ends: it would say "Exception ignored in" and show where."""
    code = (
        "import atexit, os, sys\n"
        "from uvlock2nix.__main__ import main\n"
        f"atexit.register(os.kill, os.getpid(), {int(number)})\n"
        "main()\n"
    )
    words = [sys.executable, "-c", code, "--version"]
    done = subprocess.run(
        words, cwd=REPO, capture_output=True, text=True, check=False, preexec_fn=hear_every_signal
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_signals_are_heard_before_anything_is_loaded() -> None:
    """Up to that line only what the interpreter has loaded by itself may be imported."""
    code = "import sys; print(*sys.modules, *sys.builtin_module_names)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    statements = ast.parse((REPO / "uvlock2nix" / "__main__.py").read_text()).body
    taken = next(n for n, one in enumerate(statements) if ast.unparse(one) == "leave_at_once()")
    names = {alias.name for one in statements[:taken] if isinstance(one, ast.Import) for alias in one.names}
    assert not any(isinstance(one, ast.ImportFrom) for one in statements[:taken])
    assert names == {"_signal", "gc", "os", "sys"}
    assert names <= set(loaded.split())


def test_an_ignored_hangup_stays_ignored() -> None:
    """As under nohup: a command that goes on when the terminal is closed."""
    code = (
        "import signal\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from uvlock2nix.cli.interrupt import ending_on_signals\n"
        "with ending_on_signals():\n"
        "    import os; os.kill(os.getpid(), signal.SIGHUP); print('still here')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "still here\n")


def test_an_interrupt_that_python_ignores_is_sent_again() -> None:
    """As in callbacks of the import system, where a KeyboardInterrupt is printed, and the program goes on."""
    code = (
        "import signal, sys, time\n"
        "from uvlock2nix.cli.interrupt import ending_on_signals\n"
        "class Last:\n"
        "    def __del__(self):\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "        print('goes on')\n"
        "try:\n"
        "    with ending_on_signals():\n"
        "        Last()\n"
        "        time.sleep(30)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


def test_signals_wait_for_steps_that_belong_together(tmp_path: Path) -> None:
    """A signal at any change of the disk: the tree is stripped as a whole or not at all, no file is lost."""
    closure = tmp_path / "closure"
    closure.write_text(INPUT + "\n")
    code = (
        "import os, signal, sys\n"
        "seen = 0\n"
        "def count(event, arguments):\n"
        "    global seen\n"
        "    if event in ('os.rename', 'os.link', 'os.mkdir', 'os.remove', 'os.chmod'):\n"
        "        seen += 1\n"
        "        if seen == STEP: os.kill(os.getpid(), signal.SIGNUMBER)\n"
        "sys.addaudithook(count)\n"
        "from uvlock2nix.__main__ import main\n"
        "main()\n"
    )
    ends = []
    for step in range(1, 60):
        tree = tmp_path / f"tree-{step}"
        tree.mkdir()
        for name in "abc":
            (tree / name).write_text(f"{name} {INPUT}/lib\n")
        before = contents(tree)
        words = ["refs", "strip", str(tree), "--closure", str(closure), "--input", f"libfoo={INPUT}"]
        number = SIGNALS[step % 3].name
        run = code.replace("STEP", str(step)).replace("SIGNUMBER", number)
        done = subprocess.run(
            [sys.executable, "-c", run, *words], cwd=REPO, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr
        now = contents(tree)
        assert set(before) <= set(now), f"{number} at step {step}"
        stripped = {INPUT.encode() in now[name] for name in before}
        assert len(stripped) == 1, f"{number} at step {step}"
        assert not list(tree.glob(".uvlock2nix*"))
        ends.append((done.returncode, stripped.pop()))
        if done.returncode == 0:
            break  # it has fewer steps than this
    assert ends[0] == (130, True)
    assert ends[-1] == (0, False)
    assert (130, False) in ends


def test_only_the_program_takes_over_signals() -> None:
    """Who imports the command line keeps the handlers."""
    code = (
        "import signal\n"
        "import uvlock2nix.cli.app\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
        "assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPO, check=True, preexec_fn=hear_every_signal)
