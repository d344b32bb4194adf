"""Running programs, staging files, comparing keys."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path, PurePosixPath

import pytest

from uvlock2nix.errors import InputError, ToolError
from uvlock2nix.nar import FAKE_HASH
from uvlock2nix.nixfile.generated import read_generated
from uvlock2nix.nixrun.freshness import compare, content_key
from uvlock2nix.nixrun.runner import SystemRunner
from uvlock2nix.nixrun.stage import staged
from uvlock2nix.pins import Pin, Pins

REPOSITORY = Path(__file__).resolve().parents[3]


def test_both_streams_and_the_code() -> None:
    lines: list[str] = []
    script = "import sys; print('out'); sys.stderr.write('a\\nb\\xff\\r\\n\\nc'); sys.exit(3)"
    ran = SystemRunner().run([sys.executable, "-X", "utf8", "-c", script], lines.append, env={"X": "1"})
    assert (ran.code, ran.stdout) == (3, "out\n")
    assert lines == ["a", "b\xff\r", "", "c"]


def test_a_line_without_end_is_cut() -> None:
    lines: list[str] = []
    script = "import sys; sys.stderr.write('x' * 3_000_000 + '\\nend\\n')"
    SystemRunner().run([sys.executable, "-c", script], lines.append)
    assert len(lines[0]) == 256 * 1024
    assert lines[-1] == "end"


def test_a_missing_program() -> None:
    with pytest.raises(ToolError, match="no-such-nix is not installed"):
        SystemRunner().run(["no-such-nix"], print)


def test_an_error_in_the_reader_ends_the_program() -> None:
    def reader(line: str) -> None:
        raise ValueError(line)

    start = time.monotonic()
    script = "import sys, time; sys.stderr.write('x\\n'); sys.stderr.flush(); time.sleep(60)"
    with pytest.raises(ValueError, match="x"):
        SystemRunner().run([sys.executable, "-c", script], reader)
    assert time.monotonic() - start < 20


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can")
def test_when_we_are_killed_the_program_ends() -> None:
    script = (
        "import sys; from uvlock2nix.nixrun.runner import SystemRunner\n"
        "SystemRunner().run(['sh', '-c', 'echo $$ >&2; exec sleep 60'], lambda line: print(line, flush=True))"
    )
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        [sys.executable, "-c", script], env=env, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{child}").exists()


def test_staged_files_go_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "uvlock2nix-run-leftover").mkdir(0o700)  # by a killed run
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_text("x")
    files: dict[PurePosixPath, Path | str] = {
        PurePosixPath("nix/a.nix"): "text",
        PurePosixPath("tree"): tmp_path / "tree",
        PurePosixPath("b"): tmp_path / "tree" / "file",
    }
    with staged(files) as folder, staged({}) as other:
        assert folder != other  # one that is in use is left alone
        assert (folder / "nix" / "a.nix").read_text() == "text"
        assert (folder / "tree" / "file").read_text() == (folder / "b").read_text() == "x"
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([folder.name, other.name, "tree"])
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]
    with pytest.raises(InputError, match="cannot copy"), staged({PurePosixPath("a"): tmp_path / "gone"}):
        pass


def test_keys_are_compared_without_the_toolchain() -> None:
    pins = Pins(
        "aa", None, (Pin("aarch64-linux", FAKE_HASH.sri, "k1-t1"), Pin("x86_64-linux", FAKE_HASH.sri, "k2"))
    )
    same = compare(pins, "aa", {"aarch64-linux": "k1", "x86_64-linux": "k2"})
    assert same.fresh
    assert same.toolchain == ("aarch64-linux",)
    other = compare(pins, "bb", {"aarch64-linux": "k3", "riscv64-linux": "k2"})
    assert other.lock
    assert not other.fresh
    assert other.systems["riscv64-linux"] == "is not known yet"
    assert "key k1, now k3" in other.systems["aarch64-linux"]
    assert content_key("k1-t1") == content_key("k1") == "k1"


def test_what_a_generated_file_says() -> None:
    text = """
# keys = { x86_64-linux = "comment"; };
{ lib, python313, outputHash ? null }:
let
  keys = {
    x86_64-linux = "k1";
    aarch64-linux = "k2";
  };
in
{
  uvSyncFlags = [ "--extra=web" "--all-groups" ];
  uvSyncExclude = [ "lxml" ];
  uvSyncLibc = "glibc 2.40";
  note = ''keys = { z-linux = "no"; };'';
}
"""
    found = read_generated(text, "f.nix")
    assert found.keys == {"x86_64-linux": "k1", "aarch64-linux": "k2"}
    assert found.flags == ("--extra=web", "--all-groups")
    assert (found.python, found.libc, found.excluded) == ("3.13", "glibc 2.40", ("lxml",))
    assert read_generated("{ }", "f.nix").keys == {}
    assert read_generated("{ python314FreeThreading }: 1", "f.nix").python == "3.14t"
