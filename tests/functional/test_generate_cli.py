"""``uvlock2nix generate`` from the command line."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
FILES = ("python-deps.nix", "python-env.nix", "package.nix", "python-deps.json")
TARGET = ("--system", "x86_64-linux", "--python", "3.13")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    left_out = shutil.ignore_patterns("nix", "result", ".venv", "__pycache__")
    return Path(shutil.copytree(REPO / "fixtures" / "hello", tmp_path / "hello", ignore=left_out))


def small_files() -> None:
    """No file may grow over 600 bytes, as on a disk that is nearly full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))


def generate(
    project: Path,
    *arguments: str,
    code: int = 0,
    full: bool = False,
    read_only: bool = False,
    color: bool = False,
) -> subprocess.CompletedProcess[str]:
    env = dict(os.environ, XDG_CACHE_HOME=str(project.parent / "cache"), PYTHONDONTWRITEBYTECODE="1")
    env.pop("NO_COLOR", None)
    # What locking build requirements does with the network is tested elsewhere.
    env |= {"UV_OFFLINE": "1"} | ({} if color else {"NO_COLOR": "1"})
    argv = [sys.executable, "-m", "uvlock2nix", "generate", str(project), *TARGET, *arguments]
    if read_only:
        mount = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
        argv = ["unshare", "--mount", "--propagation=private", "sh", "-c", mount, str(project), *argv]
    done = subprocess.run(
        argv,
        cwd=REPO, env=env, capture_output=True, text=True, timeout=60, check=False,
        preexec_fn=small_files if full else None,
    )  # fmt: skip
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    if code:
        assert done.stderr.count("error: ") == 1
        assert done.stderr.count("hint: ") == 1
    return done


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_writes_four_files_and_then_nothing(project: Path) -> None:
    before = tree(project)
    done = generate(project)
    assert done.stdout == "".join(f"wrote nix/{name}\n" for name in FILES)
    assert "next: uvlock2nix update-hash" in done.stderr
    written = tree(project)
    assert set(written) - set(before) == {f"nix/{name}" for name in FILES}
    assert {name: data for name, data in written.items() if name in before} == before
    stamps = {name: (project / "nix" / name).stat().st_mtime_ns for name in FILES}
    again = generate(project)
    assert again.stdout == "all files are up to date\n"
    assert "next: uvlock2nix update-hash" in again.stderr  # there is no hash yet
    assert tree(project) == written
    assert stamps == {name: (project / "nix" / name).stat().st_mtime_ns for name in FILES}
    assert generate(project, "--check").stdout == ""
    assert generate(project, "--diff").stdout == ""


def test_the_working_directory_is_the_default(project: Path) -> None:
    argv = [sys.executable, "-m", "uvlock2nix", "generate", *TARGET]
    env = dict(os.environ, PYTHONPATH=str(REPO))
    done = subprocess.run(argv, cwd=project, env=env, capture_output=True, text=True, check=True)
    assert "wrote nix/package.nix" in done.stdout


def test_what_it_writes_hangs_on_nothing_but_the_project(project: Path, tmp_path: Path) -> None:
    generate(project)
    other = Path(shutil.copytree(project, tmp_path / "other place"))
    shutil.rmtree(other / "nix")
    generate(other)
    assert tree(other / "nix") == tree(project / "nix")


@pytest.mark.parametrize("name", FILES[:3])
def test_an_edited_file_is_not_overwritten(project: Path, name: str) -> None:
    generate(project)
    path = project / "nix" / name
    path.write_text(path.read_text().replace("stdenv", "clangStdenv"))
    before = tree(project)
    done = generate(project, code=1)
    assert f"{name}: edited, or not written by uvlock2nix; nothing was written" in done.stderr
    assert "--force" in done.stderr
    assert done.stdout == ""
    assert tree(project) == before
    shown = generate(project, "--diff")
    assert "-  clangStdenv,\n" in shown.stdout
    assert "+  stdenv,\n" in shown.stdout
    checked = generate(project, "--check", code=1)
    assert f"out of date: nix/{name}" in checked.stderr
    assert tree(project) == before
    assert generate(project, "--force").stdout == f"wrote nix/{name}\n"
    generate(project, "--check")


def test_a_file_that_is_not_ours_is_not_overwritten(project: Path) -> None:
    (project / "nix").mkdir()
    mine = "# Written by me\n{ }: null\n"
    (project / "nix" / "package.nix").write_text(mine)
    generate(project, code=1)
    # All or nothing.
    assert tree(project / "nix") == {"package.nix": mine.encode()}
    generate(project, "--force")
    assert set(tree(project / "nix")) == set(FILES)


def test_pins_that_are_not_ours_are_not_overwritten(project: Path) -> None:
    (project / "nix").mkdir()
    (project / "nix" / "python-deps.json").write_text('{"my": "data"}')
    generate(project, code=3)
    assert tree(project / "nix") == {"python-deps.json": b'{"my": "data"}'}


def test_update_hash_is_the_next_step_as_long_as_there_is_no_hash_that_fits(project: Path) -> None:
    generate(project)
    key = re.search(r'x86_64-linux = "([0-9a-z]{32,64})"', (project / "nix" / "python-deps.nix").read_text())
    assert key
    pins = project / "nix" / "python-deps.json"
    data = json.loads(pins.read_text())
    entry = {"hash": "sha256-" + "A" * 43 + "=", "key": key[1], "uv": "1", "python": "3.13.0"}
    pins.write_text(json.dumps({**data, "hashes": {"x86_64-linux": entry}}))
    assert "next:" not in generate(project, "--image").stderr
    entry["key"] = "0" * len(key[1])
    pins.write_text(json.dumps({**data, "hashes": {"x86_64-linux": entry}}))
    assert "next: uvlock2nix update-hash" in generate(project, "--image").stderr


def test_a_change_of_the_lock_keeps_the_old_hash_stale(project: Path) -> None:
    """generate never says that an old hash is good for a new lock."""
    generate(project)
    pins = project / "nix" / "python-deps.json"
    data = json.loads(pins.read_text())
    entry = {"hash": "sha256-" + "A" * 43 + "=", "key": "0" * 32, "uv": "1", "python": "3.13.0"}
    pins.write_text(json.dumps({**data, "hashes": {"x86_64-linux": entry}}))
    lock = project / "uv.lock"
    lock.write_text(lock.read_text() + "\n")
    generate(project)
    now = json.loads(pins.read_text())
    # The hash stays, with the lock that it was made for.
    assert now["hashes"] == {"x86_64-linux": entry}
    assert now["lock"] == data["lock"]


def failing(project: Path, code: int, *, full: bool = False, read_only: bool = False) -> str:
    """Run generate where it cannot write; what was there is whole, and nothing is left behind."""
    before = tree(project)
    done = generate(project, "--force", code=code, full=full, read_only=read_only)
    assert tree(project) == before
    return done.stderr


def test_a_full_disk_leaves_the_old_files_whole(project: Path) -> None:
    failing(project, 3, full=True)
    generate(project)
    for name in FILES[:3]:
        path = project / "nix" / name
        path.write_text(path.read_text() + "# edited\n")
    stderr = failing(project, 3, full=True)
    assert "cannot write" in stderr
    assert "python-deps.nix" in stderr


def test_something_in_the_way_is_named(project: Path) -> None:
    (project / "nix").write_text("a file\n")
    assert "nix/python-deps.nix" in failing(project, 3)
    (project / "nix").unlink()
    (project / "nix" / "python-env.nix").mkdir(parents=True)
    assert "python-env.nix" in failing(project, 3)


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="only root can mount")
def test_a_read_only_folder_leaves_the_old_files_whole(project: Path) -> None:
    assert "hello" in failing(project, 3, read_only=True)
    generate(project)
    path = project / "nix" / "package.nix"
    path.write_text(path.read_text() + "# edited\n")
    assert "read-only" in failing(project, 3, read_only=True)


def options(project: Path, text: str) -> None:
    path = project / "pyproject.toml"
    path.write_text(path.read_text() + f"\n[tool.uvlock2nix]\n{text}\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('pyhton = "3.12"', "unknown key `pyhton`; did you mean `python`?"),
        ('extras = ["a"]', "unknown key `extras`; did you mean `extra`?"),
        ('all-package = true', "did you mean `all-packages`?"),
        ('python = 3.12', "`python` must be a string, not 3.12"),
        ('extra = 1', "`extra` must be a list of strings"),
        ('all-extras = "yes"', "`all-extras` must be true or false"),
        ('native = 1', "`native` must be a table"),
        ('[tool.uvlock2nix.native.x]\nbuild-inputs = ["a b"]', "`a b` is not a nixpkgs attribute path"),
        ('[tool.uvlock2nix.native.x]\nbuild-input = ["a"]', "did you mean `build-inputs`?"),
        ('from-nixpkgs = "nativ"', "did you mean `native`?"),
        ('system = ["x86_64-linus"]', "x86_64-linus"),
    ],
)  # fmt: skip
def test_a_misspelt_option_names_the_nearest(project: Path, text: str, said: str) -> None:
    options(project, text)
    argv = [sys.executable, "-m", "uvlock2nix", "generate", str(project)]
    done = subprocess.run(argv, cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert (done.stderr.count("error: "), done.stderr.count("hint: "), done.stdout) == (1, 1, "")
    assert not (project / "nix").exists()


def test_options_written_once_hold_and_a_flag_overrides(project: Path) -> None:
    options(project, 'system = ["x86_64-linux", "aarch64-linux"]\nmain-program = "other"')
    generate(project)
    deps = (project / "nix" / "python-deps.nix").read_text()
    # TARGET gives --system.
    assert "aarch64-linux" not in deps
    assert 'mainProgram = "other";' in (project / "nix" / "package.nix").read_text()
    argv = [sys.executable, "-m", "uvlock2nix", "generate", str(project), "--python", "3.13"]
    subprocess.run(argv, cwd=REPO, capture_output=True, text=True, check=True)
    assert "aarch64-linux" in (project / "nix" / "python-deps.nix").read_text()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--system", "x86_64-windows"], 2),
        (["--python", "2.7"], 2),
        (["--python", "abc"], 2),
        (["--libc", "uclibc"], 2),
        (["--extra", "nope"], 2),
        (["--group", "nope"], 2),
        (["--package", "nope"], 2),
    ],
)
def test_wrong_usage_is_2(project: Path, arguments: Sequence[str], code: int) -> None:
    generate(project, *arguments, code=code)
    assert not (project / "nix").exists()


def test_an_unknown_flag_is_2(project: Path) -> None:
    argv = [sys.executable, "-m", "uvlock2nix", "generate", str(project), "--chekc"]
    done = subprocess.run(argv, cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--check" in done.stderr
    assert done.stdout == ""


def test_no_colour_where_nobody_looks(project: Path) -> None:
    for color in (True, False):
        done = generate(project, "--package", "nope", code=2, color=color)
        assert "\x1b" not in done.stderr + done.stdout


def on_a_terminal(argv: list[str], env: dict[str, str]) -> bytes:
    """What a program writes to a terminal."""
    import pty

    leader, follower = pty.openpty()
    with subprocess.Popen(argv, cwd=REPO, env=env, stdout=follower, stderr=follower) as process:
        os.close(follower)
        found = b""
        while True:
            try:
                data = os.read(leader, 4096)
            except OSError:
                break
            if not data:
                break
            found += data
        process.wait(timeout=60)
    os.close(leader)
    return found


def test_no_color_is_respected_on_a_terminal(project: Path) -> None:
    argv = [sys.executable, "-m", "uvlock2nix", "generate", str(project), "--package", "nope"]
    env = {name: text for name, text in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    env["TERM"] = "xterm"
    assert b"\x1b[" in on_a_terminal(argv, env)
    plain = on_a_terminal(argv, {**env, "NO_COLOR": "1"})
    assert b"error: " in plain
    assert b"\x1b[" not in plain


def test_what_git_does_not_track_is_named(project: Path) -> None:
    """A flake sees only what git tracks."""
    git = ["git", "-C", str(project)]
    assert "git add" not in generate(project).stderr
    subprocess.run([*git, "init", "-q"], check=True)
    nothing = generate(project).stderr
    assert "next: git add -N .; uvlock2nix update-hash" in nothing
    assert "git does not track these, so package leaves them out: " in nothing
    assert "pyproject.toml" in nothing
    subprocess.run([*git, "add", ":!nix"], check=True)
    (project / "new.py").touch()
    (project / "ignored.py").touch()
    (project / ".git" / "info" / "exclude").write_text("ignored.py\n")
    listed = generate(project).stderr
    assert "package leaves them out: new.py; `git add -N`" in listed
    assert "next: git add -N nix; uvlock2nix update-hash" in listed
    subprocess.run([*git, "add", "-N", "nix", "new.py"], check=True)
    assert "git " not in generate(project).stderr
