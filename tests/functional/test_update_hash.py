"""``update-hash`` and ``check`` from the command line, with a Nix that is played by a script."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jsonschema
import pytest

from tests.support.command import project_at
from uvlock2nix.nar import FAKE_HASH, Hash
from uvlock2nix.pins import read_pins

REPOSITORY = Path(__file__).resolve().parents[2]
RIGHT = Hash("sha256", bytes(range(32)))


@dataclass
class Place:
    """A project, a played Nix, and the command."""

    root: Path
    state: Path
    env: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "uvlock2nix", *arguments],
            cwd=self.root,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments) as process:
            stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == code, f"{process.returncode}\n{stdout}\n{stderr}"
        assert "Traceback" not in stderr
        return subprocess.CompletedProcess(arguments, code, stdout, stderr)

    @property
    def pins(self) -> Path:
        return self.root / "nix" / "python-deps.json"

    @property
    def builds(self) -> int:
        log = self.state / "builds"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def files(self) -> Mapping[str, bytes]:
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and ".git" not in path.parts
        }

    def another_lock(self) -> None:
        """Another wheel of the same version: the content of deps changes."""
        lock = self.root / "uv.lock"
        lines = lock.read_text().splitlines(keepends=True)
        changed = [
            re.sub(r"sha256:[0-9a-f]{4}", "sha256:f00d", line) if ".whl" in line else line for line in lines
        ]
        lock.write_text("".join(changed))
        assert changed != lines


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("generated") / "hello"
    shutil.copytree(REPOSITORY / "fixtures" / "hello", root)
    command = [
        sys.executable,
        "-m",
        "uvlock2nix",
        "generate",
        "--python",
        "3.13",
        "--system",
        "x86_64-linux",
        str(root),
    ]
    subprocess.run(command, check=True, capture_output=True, cwd=REPOSITORY)
    return root


@pytest.fixture
def place(tmp_path: Path, generated: Path) -> Place:
    root = tmp_path / "project with a blank"
    shutil.copytree(generated, root)
    state = tmp_path / "state"
    programs = tmp_path / "bin"
    temporary = tmp_path / "tmp"
    for folder in (state, programs, temporary):
        folder.mkdir()
    for name in ("nix-store", "nix-instantiate"):
        program = programs / name
        program.write_text(
            f"#!{sys.executable}\nimport runpy, sys\n"
            f"sys.path.insert(0, {str(REPOSITORY)!r})\n"
            "runpy.run_module('tests.support.fake_nix_program', run_name='__main__')\n"
        )
        program.chmod(0o755)
    env = {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "TMPDIR": str(temporary),
        "PYTHONPATH": str(REPOSITORY),
        "NIX_PATH": "nixpkgs=/nowhere",
        "FAKE_NIX_STATE": str(state),
        "UV_OFFLINE": "1",
    }
    return Place(root, state, env)


def without_nix(place: Place) -> None:
    place.env["PATH"] = "/nonexistent"


def test_collisions_are_shown_again_and_again(place: Place) -> None:
    """update-hash finds them in the build's log; generate and a second update-hash repeat them."""
    place.env["FAKE_NIX_LOG"] = (
        "uvlock2nix: building x\n"
        "uvlock2nix: bin/clash: shipped by clash-a, clash-b; kept: clash-b\n"
        "uvlock2nix: bin/hello-uv: shipped by hello-uv, humanize; kept: hello-uv\n"
        "uvlock2nix: bin/\tx: shipped by a, b; kept: a\n"
    )
    choose = 'to choose: "bin/clash" = "NAME" under [tool.uvlock2nix.collisions]'
    wanted = [
        f"note: bin/clash is in clash-a, clash-b; the file of clash-b is kept; {choose}",
        "note: bin/hello-uv is in hello-uv, humanize; the file of hello-uv is kept",
    ]
    generate = ["generate", "--python", "3.13", "--system", "x86_64-linux"]
    for arguments in (["update-hash"], ["update-hash"], generate):
        done = place.run(*arguments)
        assert [line for line in done.stderr.splitlines() if " is kept" in line] == wanted, arguments
    # The project's program has a different name: that note is not right any more.
    toml = place.root / "pyproject.toml"
    toml.write_text(toml.read_text().replace("hello-uv = ", "hi = "))
    done = place.run("update-hash")
    assert [line for line in done.stderr.splitlines() if " is kept" in line] == wanted[:1]
    assert place.builds == 1


def test_one_command_one_build_and_then_nothing_to_do(place: Place) -> None:
    done = place.run("update-hash", ".")
    pin = read_pins(place.pins).pin("x86_64-linux")
    assert pin is not None
    assert done.stdout.startswith(f"x86_64-linux: {pin.hash} (1 build, ")
    assert (pin.uv, pin.python) == ("0.13.8", "3.13.15")
    assert place.builds == 1
    without_nix(place)  # nothing to do is seen without Nix
    before = place.files()
    assert place.run("update-hash").stdout == "up to date\n"
    assert place.run("update-hash", "--check").stdout == "up to date\n"
    assert place.run("check").stdout == "up to date\n"
    assert place.files() == before


def test_the_patch_release_that_nix_has_decides(place: Place) -> None:
    """The lock cuts at 3.13.16; we take 3.13 for a newer release, Nix has 3.13.15."""
    shutil.rmtree(place.root)
    project_at(place.root)
    place.run("generate", "--python", "3.13", "--system", "x86_64-linux")
    failed = place.run("update-hash", code=3)
    assert (
        "nixpkgs' Python is 3.13.15, for which uv.lock selects other packages than for 3.13" in failed.stderr
    )
    assert "which the files were made for: older" in failed.stderr
    assert place.builds == 0
    hint = re.search(r"hint: run `uvlock2nix ([^`]+)`", failed.stderr)
    assert hint is not None
    assert "--python 3.13.15" in hint[1]
    place.run(*shlex.split(hint[1]))
    assert place.builds == 1
    assert read_pins(place.pins).generate == ("--system=x86_64-linux", "--python=3.13.15")
    for command in ("check", "update-hash"):
        assert place.run(command).stdout == "up to date\n"


def test_a_requires_python_that_leaves_nix_out(place: Place) -> None:
    shutil.rmtree(place.root)
    project_at(place.root)
    for name in ("uv.lock", "pyproject.toml"):
        file = place.root / name
        file.write_text(file.read_text().replace(">=3.11", "==3.13.2"))
    place.run("generate", "--python", "3.13.2", "--system", "x86_64-linux")
    failed = place.run("update-hash", code=3)
    assert "nixpkgs' Python is 3.13.15, and uv.lock requires ==3.13.2" in failed.stderr
    assert "a nixpkgs with --nixpkgs that has Python 3.13.2" in failed.stderr


def test_after_a_change_of_the_lock_one_command_makes_all_right(place: Place) -> None:
    place.run("update-hash")
    place.another_lock()
    failed = place.run("update-hash", "--check", code=1)
    for part in (
        "nix/python-deps.nix",
        "the hash of x86_64-linux",
        "a different uv.lock",
        "run `uvlock2nix update-hash`",
    ):
        assert part in failed.stderr
    place.run("check", code=1)
    done = place.run("update-hash", "--json")
    result = json.loads(done.stdout)
    assert result["schema"] == "uvlock2nix/update-hash/1"
    assert result["files"] == ["nix/python-deps.nix", "nix/python-deps.json"]
    assert result["systems"]["x86_64-linux"]["builds"] == 1
    assert place.builds == 2
    place.run("check")
    again = json.loads(place.run("update-hash", "--json").stdout)
    assert again == {"schema": result["schema"], "changed": False, "files": [], "systems": {}}


def test_a_lock_that_gives_the_same_packages_needs_no_build(place: Place) -> None:
    place.run("update-hash")
    lock = place.root / "uv.lock"
    lock.write_text(lock.read_text() + "\n# another text\n")
    assert "a different uv.lock" in place.run("check", code=1).stderr
    without_nix(place)
    done = place.run("update-hash")
    assert "the hash is unchanged" in done.stdout
    place.run("check")
    assert place.builds == 1


@pytest.mark.parametrize(
    ("line", "code", "part"),
    [
        ("error: dns error", 5, "the network"),
        ("cannot find -lxml2", 4, "libxml2"),
        ("no idea", 4, "--read-log"),
    ],
)
def test_a_build_that_fails_changes_nothing(place: Place, line: str, code: int, part: str) -> None:
    place.run("update-hash")
    place.another_lock()
    before = place.files()
    place.env["FAKE_NIX_FAIL"] = line
    failed = place.run("update-hash", code=code)
    assert f"> {line}" in failed.stderr
    assert part in failed.stderr.partition("hint:")[2]
    assert place.files() == before
    assert not list(Path(place.env["TMPDIR"]).iterdir())


def test_no_nix_is_an_error_with_a_way_out(place: Place) -> None:
    without_nix(place)
    failed = place.run("update-hash", code=4)
    assert "nix-store is not installed" in failed.stderr
    assert "--no-nix" in failed.stderr


def test_no_nixpkgs_is_an_error_with_a_way_out(place: Place) -> None:
    del place.env["NIX_PATH"]
    failed = place.run("update-hash", code=4)
    assert "no nixpkgs" in failed.stderr
    assert "--nixpkgs" in failed.stderr


def test_another_toolchain_is_seen_by_an_evaluation(place: Place) -> None:
    place.run("update-hash")
    text = place.pins.read_text()
    key = json.loads(text)["hashes"]["x86_64-linux"]["key"]
    # Something is compiled: the key has a second part, which Nix alone knows.
    place.pins.write_text(text.replace(key, f"{key}-0123456789abcdef"))
    place.run("check")
    bare = {**place.env}
    without_nix(place)
    assert "Nix is not installed: toolchain changes were not checked" in place.run("update-hash").stderr
    place.env = {**bare, "FAKE_NIX_NIXPKGS": "26.11.7"}
    done = place.run("update-hash")
    assert "(1 build, " in done.stdout
    then, now = "nixpkgs 26.05.1234 (c0ffeec0ffee)", "nixpkgs 26.11.7 (c0ffeec0ffee)"
    stderr = done.stderr.replace("\n", " ")
    assert f"the hash was made with {then}; this is {now}, from <nixpkgs> in NIX_PATH" in stderr
    pins = json.loads(place.pins.read_text())
    assert pins["hashes"]["x86_64-linux"]["nixpkgs"]["version"] == "26.11.7"
    assert place.pins.read_text().replace("26.11.7", "26.05.1234") == text


def test_an_edited_file_is_not_written_over(place: Place) -> None:
    path = place.root / "nix" / "python-deps.nix"
    path.write_text(path.read_text().replace("dontFixup = true;", "dontFixup = true; # mine"))
    place.another_lock()
    before = place.files()
    failed = place.run("update-hash", code=1)
    assert "python-deps.nix: out of date, and edited by hand" in failed.stderr
    assert place.files() == before


def test_an_edit_that_is_up_to_date_is_used_as_it_is(place: Place) -> None:
    path = place.root / "nix" / "python-deps.nix"
    path.write_text(path.read_text().replace("dontFixup = true;", "dontFixup = true; # mine"))
    place.run("update-hash")
    assert "# mine" in path.read_text()


def test_before_generate(tmp_path: Path, place: Place) -> None:
    shutil.rmtree(place.root / "nix")
    for command in ("update-hash", "check"):
        assert "uvlock2nix generate" in place.run(command, code=3).stderr


def test_another_selection_than_generated_is_refused(place: Place) -> None:
    failed = place.run("update-hash", "--all-extras", code=2)
    assert "was generated for the defaults; this asks for --all-extras" in failed.stderr


def test_flags_of_generate_need_not_be_given_again(place: Place) -> None:
    place.run("generate", "--all-extras", "--python", "3.12", "--system", "aarch64-linux", "--force")
    place.run("update-hash")
    assert [pin.system for pin in read_pins(place.pins).hashes] == ["aarch64-linux"]
    place.run("check")


def test_another_system_is_added_and_the_others_are_told(place: Place) -> None:
    place.run("update-hash")
    done = place.run("update-hash", "--system", "aarch64-linux")
    assert done.stdout.startswith("aarch64-linux: ")
    pins = read_pins(place.pins)
    assert [pin.system for pin in pins.hashes] == ["aarch64-linux", "x86_64-linux"]
    place.run("check")
    place.another_lock()
    done = place.run("update-hash", "--system", "x86_64-linux")
    assert "the hash of aarch64-linux is out of date too" in done.stderr
    assert "the hash of aarch64-linux" in place.run("check", code=1).stderr


def test_the_message_of_a_commit(place: Place) -> None:
    git = ["git", "-C", str(place.root), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *arguments], check=True, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})
    lock = place.root / "uv.lock"
    text = lock.read_text()
    lock.write_text(
        text
        + '\n[[package]]\nname = "zzz"\nversion = "1.5"\nsource = { registry = "https://e.org/simple" }\n'
    )
    done = place.run("update-hash", "--commit-message")
    lines = done.stdout.splitlines()
    assert lines[0] == "hello-uv: update zzz 1.5 (new)"
    assert lines[-1].startswith("x86_64-linux: sha256-")


def test_ctrl_c_ends_the_build_and_leaves_everything(place: Place) -> None:
    place.env["FAKE_NIX_SECONDS"] = "30"
    before = place.files()
    for number in (signal.SIGINT, signal.SIGTERM):
        with place.start("update-hash") as process:
            deadline = time.monotonic() + 30
            count = place.builds
            while place.builds == count and time.monotonic() < deadline:
                time.sleep(0.02)
            start = time.monotonic()
            process.send_signal(number)
            _, stderr = process.communicate(timeout=30)
        assert process.returncode == 130, stderr
        assert "interrupted" in stderr
        assert time.monotonic() - start < 10
        assert place.files() == before
        assert not list(Path(place.env["TMPDIR"]).iterdir())
        time.sleep(0.1)
        assert not running(place), "the build goes on"


def running(place: Place) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"FAKE_NIX_STATE={place.state}".encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found


def test_two_at_once(place: Place) -> None:
    place.env["FAKE_NIX_SECONDS"] = "0.3"
    processes = [place.start("update-hash"), place.start("update-hash", "--system", "x86_64-linux")]
    for process in processes:
        with process:
            _, stderr = process.communicate(timeout=60)
            assert process.returncode == 0, stderr
    assert read_pins(place.pins).pin("x86_64-linux") is not None
    assert sorted(path.name for path in (place.root / "nix").iterdir()) == [
        "package.nix", "python-deps.json", "python-deps.nix", "python-env.nix",
    ]  # fmt: skip


def test_a_lock_that_changes_during_the_build(place: Place) -> None:
    place.env["FAKE_NIX_SECONDS"] = "2"
    before = place.pins.read_bytes()
    with place.start("update-hash") as process:
        while not place.builds:
            time.sleep(0.02)
        place.another_lock()
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "changed while the hash was computed" in stderr
    assert place.pins.read_bytes() == before


def test_killed_at_any_moment_the_next_run_succeeds(place: Place) -> None:
    for step in range(4):
        place.another_lock() if step == 2 else None
        before = place.pins.read_bytes()
        with place.start("update-hash") as process:
            time.sleep(0.1 + 0.2 * step)
            process.kill()
            process.communicate(timeout=30)
        after = place.pins.read_bytes()
        if after != before:
            assert read_pins(place.pins).pin("x86_64-linux") is not None
    place.run("update-hash")
    place.run("check")
    assert len(list((place.root / "nix").iterdir())) == 4
    assert not list(Path(place.env["TMPDIR"]).iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(place: Place) -> None:
    folder = place.root / "nix"
    folder.chmod(0o555)
    failed = place.run("update-hash", code=3)
    folder.chmod(0o755)
    assert "cannot write" in failed.stderr


FILE = """{ lib }:
# outputHash = "sha256-AAAA";
derivation {
  name = "file";
  outputHash = "%s";
}
"""


def test_a_literal_in_somebodys_file(place: Place) -> None:
    path = place.root / "deps.nix"
    path.write_text(FILE % FAKE_HASH.sri)
    path.chmod(0o600)
    place.env["FAKE_NIX_RIGHT"] = RIGHT.sri
    assert "should be" in place.run("update-hash", "deps.nix", "--check", code=1).stderr
    assert path.read_text() == FILE % FAKE_HASH.sri
    done = place.run("update-hash", "deps.nix")
    assert done.stdout == f"deps.nix:5: outputHash = {RIGHT.sri}\n"
    assert path.read_text() == FILE % RIGHT.sri
    assert path.stat().st_mode & 0o777 == 0o600
    assert place.run("update-hash", "deps.nix").stdout == "up to date\n"


def test_a_literal_that_is_not_unique_is_refused(place: Place) -> None:
    path = place.root / "deps.nix"
    text = (FILE % FAKE_HASH.sri) + f'// {{ hash = "{FAKE_HASH.sri}"; }}\n'
    path.write_text(text)
    failed = place.run("update-hash", "deps.nix", code=3)
    assert "2 times: outputHash on line 5, hash on line 7" in failed.stderr
    assert path.read_text() == text
    for flag in ("--no-nix", "--all-systems", "--commit-message"):
        assert flag in place.run("update-hash", "deps.nix", flag, code=2).stderr


def test_a_file_that_is_no_nix(place: Place) -> None:
    path = place.root / "deps.nix"
    path.write_bytes(b"{ a = \xff")
    assert "UTF-8" in place.run("update-hash", "deps.nix", code=3).stderr
    path.write_text("{ a = ")
    assert "not closed" in place.run("update-hash", "deps.nix", code=3).stderr
    assert "cannot read" in place.run("update-hash", "gone.nix", code=3).stderr


def schema(name: str) -> dict[str, object]:
    loaded: dict[str, object] = json.loads((REPOSITORY / "docs" / "schema" / f"{name}-1.json").read_text())
    return loaded


def test_what_is_printed_for_programs_has_its_schema(place: Place) -> None:
    for arguments, name, code in (
        (["update-hash", "--json"], "update-hash", 0),
        (["update-hash", "--json"], "update-hash", 0),
        (["check", "--json"], "check", 0),
    ):
        jsonschema.validate(json.loads(place.run(*arguments, code=code).stdout), schema(name))
    place.another_lock()
    stale = json.loads(place.run("check", "--json", code=1).stdout)
    jsonschema.validate(stale, schema("check"))
    assert not stale["ok"]
    (place.root / "deps.nix").write_text(FILE % FAKE_HASH.sri)
    result = json.loads(place.run("update-hash", "deps.nix", "--json").stdout)
    jsonschema.validate(result, schema("update-hash"))
    assert result["files"] == ["deps.nix"]


def documented_commands() -> list[str]:
    """Every command line of ours in the page, its YAML and JSON, and in the hooks of pre-commit."""
    found: list[str] = []
    for path in (REPOSITORY / "docs" / "update-hash.md", REPOSITORY / ".pre-commit-hooks.yaml"):
        text = path.read_text(encoding="utf-8")
        found += re.findall(
            r"(?:uvx |\$ |entry: |^)(uvlock2nix (?:update-hash|check)[^\n`\"|)<]*)", text, re.MULTILINE
        )
    return sorted({command.strip() for command in found})


def test_there_are_documented_commands() -> None:
    assert len(documented_commands()) >= 5


@pytest.mark.parametrize("line", documented_commands())
def test_documented_commands_work(line: str, place: Place) -> None:
    for name in ("deps.nix", "default.nix"):
        (place.root / name).write_text(FILE % FAKE_HASH.sri)
    if "--no-nix" in line:
        # Fetching is the affair of the tests of --no-nix: here the pins are right already.
        place.run("update-hash")
    if line == "uvlock2nix check":
        place.run("update-hash")
    place.run(*line.split()[1:])


def apart(place: Place, script: str, *, network: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a shell script in namespaces of its own, where it may mount (and has no network)."""
    command = ["unshare", "--mount", "--propagation", "private", *([] if network else ["--net"]), "sh", "-eu"]
    env = {**place.env, "PYTHON": sys.executable, "ROOT": str(place.root)}
    if subprocess.run([*command, "-c", ":"], capture_output=True, check=False, env=env).returncode:
        pytest.skip("namespaces are not allowed here")
    return subprocess.run(
        [*command, "-c", script], env=env, capture_output=True, text=True, check=False, timeout=120
    )


def test_a_full_disk_changes_nothing_and_then_it_works(place: Place) -> None:
    done = apart(
        place,
        """
        disk=$TMPDIR/disk; mkdir "$disk"; mount -t tmpfs -o size=400k none "$disk"
        cp -r "$ROOT/." "$disk"; cd "$disk"; cp nix/python-deps.json "$TMPDIR/before"
        head -c 1000000 /dev/zero > fill 2>/dev/null || true
        code=0; "$PYTHON" -m uvlock2nix update-hash || code=$?
        echo "full: $code"; cmp nix/python-deps.json "$TMPDIR/before"; ls -A nix | wc -l
        rm fill; "$PYTHON" -m uvlock2nix update-hash; ls -A nix | wc -l
        mount -o remount,ro "$disk"; touch nix/python-deps.json 2>/dev/null || echo read-only
        "$PYTHON" -m uvlock2nix update-hash
        code=0; "$PYTHON" -m uvlock2nix update-hash --system aarch64-linux || code=$?; echo "read-only: $code"
        """,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "full: 3"
    assert lines[1] == "4"
    assert lines[2].startswith("x86_64-linux: sha256-")
    assert lines[3:6] == ["4", "read-only", "up to date"]
    assert lines[6] == "read-only: 3"
    assert "the disk is full; nothing was changed" in done.stderr
    assert "the file system is read-only" in done.stderr


def test_without_nix_and_without_network(place: Place) -> None:
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    place.env["UV"] = uv
    place.env["PATH"] = f"{Path(sys.executable).resolve().parent}:/usr/bin:/bin"
    place.env["UV_CACHE_DIR"] = place.env["TMPDIR"]
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    place.run("generate", "--python", minor, "--system", "x86_64-linux")
    before = place.files()
    done = apart(place, 'cd "$ROOT"; exec "$PYTHON" -m uvlock2nix update-hash --no-nix', network=False)
    assert done.returncode == 5, done.stderr
    assert "hint:" in done.stderr
    assert place.files() == before


def test_without_nix_what_is_built_from_source_is_refused(place: Place) -> None:
    pyproject = place.root / "pyproject.toml"
    text = pyproject.read_text() + "\n[tool.uv]\nno-binary = true\n"
    pyproject.write_text(text)
    place.run("generate", "--force")
    failed = place.run("update-hash", "--no-nix", code=2)
    assert "built from source" in failed.stderr
    assert "on a machine with Nix" in failed.stderr
