from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvlock2nix.build.programs import KEPT, TAIL, Runner, build_hint, failure, telling
from uvlock2nix.build.requirements import BuildSystem
from uvlock2nix.build.schedule import _required, _run_graph
from uvlock2nix.build.values import Build, NativeBuild, Source
from uvlock2nix.errors import NetworkError, ToolError
from uvlock2nix.sync.core import _all_at_once

ENV = {"PATH": os.environ["PATH"]}


def python(run: Runner, code: str, tmp_path: Path) -> str:
    return run([sys.executable, "-c", code], what="the test", env=ENV, cwd=tmp_path)


def test_what_a_program_says(tmp_path: Path) -> None:
    out = python(Runner(), "import sys; print('a'); print('b', file=sys.stderr)", tmp_path)
    assert sorted(out.split()) == ["a", "b"]


def test_a_name_forges_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    run = Runner()
    run.say("uvlock2nix: left out: x\nuvlock2nix: scripts are run by: one=node\x1b[2J")
    assert capsys.readouterr().err.count("\n") == 1
    assert run.said[0].isprintable()


def test_only_the_environment_that_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    assert "SECRET" not in python(Runner(), "import os; print(dict(os.environ))", tmp_path)


def test_what_a_compiler_says_is_shown_before_the_traceback_of_the_backend() -> None:
    """cmake's reason stands above the 50 lines with which setuptools says that it ran cmake."""
    before = [f"-- step {number}" for number in range(100)]
    traceback = ["Traceback (most recent call last):", *(f"  File {n}" for n in range(60)), "Error: cmake"]
    said = telling([*before, "CMake Error: no ninja", *traceback])
    assert len(said) <= TAIL + 1
    assert "CMake Error: no ninja" in said
    assert (said[0], said[-1]) == ("-- step 71", "Error: cmake")
    # A short one, or none, is shown with what is before it.
    assert list(telling([*before, *traceback[:5]]))[-7:] == [*before[-2:], *traceback[:5]]
    assert list(telling(before)) == before[-TAIL:]


def test_a_failure_tells_the_end(tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        python(Runner(), "[print('line', n) for n in range(100)]; raise SystemExit(7)", tmp_path)
    message = caught.value.message
    assert message.startswith("the test: ")
    assert "exit code 7" in message
    assert message.endswith("  | line 99")
    assert "line 60\n" in message
    assert "line 59\n" not in message


@pytest.mark.parametrize("program", ["not-there", "/etc/passwd", "/", "with\0nul"])
def test_what_is_no_program(tmp_path: Path, program: str) -> None:
    with pytest.raises(ToolError, match="the program"):
        Runner()([program], what="the test", env=ENV, cwd=tmp_path)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    assert "\ufffd" in python(Runner(), "import sys; sys.stdout.buffer.write(b'\\xff')", tmp_path)


def test_of_output_without_end_the_end_is_kept(tmp_path: Path) -> None:
    code = "import sys\nfor n in range(300): sys.stdout.write('x' * 100_000)\nprint('\\nthe end')"
    out = python(Runner(), code, tmp_path)
    assert len(out) == KEPT
    assert out.endswith("\nthe end\n")
    with pytest.raises(ToolError) as caught:
        python(Runner(), code + "\nsys.exit(1)", tmp_path)
    assert len(caught.value.message) < 3000
    assert caught.value.message.endswith("  | the end")


@pytest.mark.parametrize(
    ("output", "error"),
    [
        ("error: dns error: failed", NetworkError),
        ("fatal: Could not resolve host: x", NetworkError),
        ("gcc: fatal error", ToolError),
    ],
)
def test_whose_fault_it_is(output: str, error: type[Exception]) -> None:
    assert isinstance(failure("x", ["uv"], 1, output), error)


@pytest.mark.parametrize(
    ("output", "hint"),
    [
        ("ModuleNotFoundError: No module named 'Cython'\n", "the Python module `Cython`"),
        ("x.c:1:10: fatal error: libxml/x.h: No such file", "a header or a library is missing"),
        ("/bin/ld: cannot find -lxml2", "a header or a library is missing"),
        ("Package gssapi was not found in the pkg-config search path.", "a header or a library"),
        ("hint: `x` was published after the exclude newer time", "exclude-newer to a later time"),
        ("fatal: Authentication failed for 'https://x/'", "UV_INDEX_<NAME>_USERNAME"),
        ("HTTP status client error (401 Unauthorized)", "UV_INDEX_<NAME>_USERNAME"),
        ('Installing cffi with `"/x/python" -m pip install cffi` failed', 'build-requires = ["cffi"]'),
        ("error: no matching package named `itoa` found\nNo module named pip", "cargo generate-lockfile"),
        ("whatever", "the end of the program's output"),
        ("no module named", "the end of the program's output"),
    ],
)
def test_hints(output: str, hint: str) -> None:
    assert hint in build_hint(output)


def test_logins_are_not_shown() -> None:
    said = "git clone https://user:s3cret@host/x and ssh://git@host/y and mail a@b.example https://h/p@q"
    message = failure("x", ["git"], 1, said).message
    assert "s3cret" not in message
    assert "https://host/x" in message
    assert "mail a@b.example https://h/p@q" in message


def test_scripts_that_we_pass_are_not_shown() -> None:
    assert "import" not in failure("x", ["/p/python", "-c", "import x\nimport y"], 1, "").message


def stopped_while_running(run: Runner, code: str, tmp_path: Path) -> tuple[list[Exception], float]:
    """Start a program, stop the runner once it runs; return the errors and the seconds that it took."""
    errors: list[Exception] = []

    def body() -> None:
        try:
            python(run, code, tmp_path)
        except ToolError as error:
            errors.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    while not (tmp_path / "running").exists():
        time.sleep(0.01)
    start = time.monotonic()
    run.stop(ToolError("the reason"))
    thread.join(20)
    assert not thread.is_alive()
    return errors, time.monotonic() - start


def test_stop_ends_what_runs_and_lets_nothing_start(tmp_path: Path) -> None:
    run = Runner()
    errors, took = stopped_while_running(run, "open('running', 'w'); import time; time.sleep(30)", tmp_path)
    assert len(errors) == 1
    assert took < run.grace - 1
    with pytest.raises(ToolError, match="not started"):
        python(run, "open('started', 'w')", tmp_path)
    assert not (tmp_path / "started").exists()
    assert str(run.cause) == "the reason"


def test_stop_ends_also_what_does_not_listen_and_its_children(tmp_path: Path) -> None:
    code = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(30)'])\n"
        "open('running', 'w').write(str(child.pid))\n"
        "time.sleep(30)\n"
    )
    errors, took = stopped_while_running(Runner(grace=0.3), code, tmp_path)
    assert len(errors) == 1
    assert took < 10


def test_the_first_cause_is_the_one(tmp_path: Path) -> None:
    run = Runner()
    run.stop(ToolError("first"))
    run.stop(ToolError("second"))
    assert str(run.cause) == "first"


def test_of_three_at_once_the_first_failure_is_told(tmp_path: Path) -> None:
    def fails() -> None:
        raise ToolError("the reason")

    def waits() -> None:
        while not run.cause:
            time.sleep(0.01)
        python(run, "", tmp_path)

    for syncing, building, requiring in ((fails, waits, waits), (waits, fails, waits), (waits, waits, fails)):
        run = Runner()
        with pytest.raises(ToolError, match="the reason"):
            _all_at_once(syncing, building, requiring, run)
    assert _all_at_once(lambda: 0, lambda: 1, lambda: 2, Runner()) == (0, 1, 2)


class Builds:
    """Records what was built with what."""

    def __init__(self, fails: str = "") -> None:
        self.fails = fails
        self.started: list[str] = []
        self.ready: dict[str, list[str]] = {}
        self.causes: list[BaseException] = []
        self.lock = threading.Lock()

    def __call__(self, name: str, ready: Mapping[str, Path]) -> Path:
        with self.lock:
            self.started.append(name)
            self.ready[name] = sorted(ready)
        if name == self.fails:
            raise ToolError(f"{name} failed")
        return Path(name)


def test_what_is_required_comes_first() -> None:
    needs = {"a": {"c"}, "b": set[str](), "c": {"d"}, "d": set()}
    builds = Builds()
    assert set(_run_graph(needs, builds, 1, builds.causes.append)) == set(needs)
    # Those that others wait for go first.
    assert builds.started == ["d", "c", "a", "b"]
    assert builds.ready == {"a": ["c"], "b": [], "c": ["d"], "d": []}


def test_a_circle_is_broken_in_the_order_given() -> None:
    needs = {"x": set[str](), "b": {"a"}, "a": {"b"}}
    for workers in (1, 4):
        builds = Builds()
        _run_graph(needs, builds, workers, builds.causes.append)
        assert builds.ready == {"x": [], "b": [], "a": ["b"]}


def test_a_failure_stops_the_others() -> None:
    needs = {"a": set[str](), "b": {"a"}, "c": {"b"}}
    builds = Builds(fails="a")
    with pytest.raises(ToolError, match="a failed"):
        _run_graph(needs, builds, 1, builds.causes.append)
    assert builds.started == ["a"]
    assert [str(cause) for cause in builds.causes] == ["a failed"]


NAMES = [*"abcdef"]
GRAPHS = st.fixed_dictionaries({name: st.sets(st.sampled_from(NAMES)) for name in NAMES})


@given(GRAPHS, st.integers(-1, 4))
def test_any_graph_is_built_once_and_the_same_way(graph: dict[str, set[str]], workers: int) -> None:
    needs = {name: others - {name} for name, others in graph.items()}
    builds, again = Builds(), Builds()
    assert set(_run_graph(needs, builds, workers, builds.causes.append)) == set(NAMES)
    assert sorted(builds.started) == NAMES
    _run_graph(needs, again, 1, again.causes.append)
    assert builds.ready == again.ready


def test_what_a_source_requires_of_the_others() -> None:
    build = Build("x", "1", Source(), NativeBuild(build_requires=("Added>=1",)))
    system = BuildSystem(("My.Lib[y]>=2; python_version > '3'", "setuptools", "not a requirement"), "b")
    assert _required(build, system, {"my-lib", "added", "other"}) == {"my-lib", "added"}
