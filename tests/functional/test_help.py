"""Help pages, completion and the manual page: made from the commands, and complete."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from uvlock2nix.cli.app import COMMANDS, HIDDEN, cli
from uvlock2nix.cli.help import REST, SECTIONS, GroupedCommand, grouped, section_of
from uvlock2nix.cli.man import page, roff, walk

PROGRAM = Path(sys.executable).with_name("uvlock2nix")
ROOT = click.Context(cli, info_name="uvlock2nix")
LEAVES = {
    path: (below, inner) for path, below, inner in walk(cli, ROOT) if not isinstance(below, click.Group)
}


def test_every_listed_command_is_found() -> None:
    assert {path.split()[1] for path in LEAVES} == set(COMMANDS)


@pytest.mark.parametrize("path", LEAVES)
def test_every_option_is_in_a_section_and_has_a_sentence(path: str) -> None:
    below, inner = LEAVES[path]
    assert isinstance(below, GroupedCommand)
    shown = CliRunner().invoke(cli, [*path.split()[1:], "--help"]).output
    for section, rows in grouped(below, inner).items():
        assert f"\n{section}:\n" in shown
        for option, text in rows:
            assert re.match(r"-{1,2}[a-z]", option)
            assert re.match(r"[A-Z`].*\.", text), f"{option}: {text}"
    named = {p for p in below.params if isinstance(p, click.Option)}
    assert all(section_of(option) in (*SECTIONS, REST) for option in named)


def test_no_command_has_an_option_twice() -> None:
    """Those of hooks too: click prints a warning into every build's log."""
    groups: list[click.Command] = [
        found for name in (*COMMANDS, *HIDDEN) if (found := cli.get_command(ROOT, name))
    ]
    while groups:
        command = groups.pop()
        groups += command.commands.values() if isinstance(command, click.Group) else []
        options = [word for one in command.params for word in one.opts]
        assert len(options) == len(set(options)), command.name


def test_sections_name_no_option_twice() -> None:
    names = [name for section in SECTIONS.values() for name in section]
    assert len(names) == len(set(names))


def test_defaults_are_shown() -> None:
    shown = " ".join(CliRunner().invoke(cli, ["generate", "--help"]).output.split())
    for default in ("this machine", "native", "sync", "no-dev"):
        assert f"[default: ({default})]" in shown


def test_the_manual_page_names_every_option() -> None:
    text = page(cli)
    for below, _ in LEAVES.values():
        for option in below.params:
            if isinstance(option, click.Option):
                assert roff(option.opts[-1]) in text


def test_no_line_of_the_manual_page_is_a_command_by_accident() -> None:
    assert roff(".sh -x\n'y\\z") == "\\&.sh \\-x\n\\&'y\\ez"
    commands = {line.split()[0] for line in page(cli).splitlines() if line.startswith((".", "'"))}
    assert commands == {".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".I"}


@pytest.mark.skipif(
    shutil.which("groff") is None, reason="groff is not installed: apt-get install groff-base"
)
def test_groff_has_nothing_to_complain_about() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww"], input=page(cli), capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert "update-hash" in re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)


@pytest.mark.parametrize("words", ["upd", "generate --all-p", "classify --from-nixpkgs nat"])
def test_bash_completes(words: str, tmp_path: Path) -> None:
    """The printed script, read by a real bash, with the real program."""
    script = subprocess.run(
        [PROGRAM, "completion", "bash"], capture_output=True, text=True, check=True
    ).stdout
    (tmp_path / "complete.bash").write_text(script)
    typed = ["uvlock2nix", *words.split()]
    quoted = " ".join(typed)
    asked = (
        f"source {tmp_path}/complete.bash; COMP_WORDS=({quoted}); COMP_CWORD={len(typed) - 1}; "
        "_uvlock2nix_completion uvlock2nix; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", asked],
        env={**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    expected = {
        "upd": "update-hash",
        "generate --all-p": "--all-packages",
        "classify --from-nixpkgs nat": "native",
    }
    assert done.stdout.split() == [expected[words]]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_script(shell: str) -> None:
    done = CliRunner().invoke(cli, ["completion", shell])
    assert done.exit_code == 0
    assert f"_UVLOCK2NIX_COMPLETE={shell}_complete" in done.output


def test_commands_are_completed_without_loading_them() -> None:
    asked = (
        "import sys; from uvlock2nix.__main__ import main\n"
        "try: main()\n"
        "finally: print([m for m in sys.modules if m.startswith('uvlock2nix.lock')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked],
        env={
            **os.environ,
            "_UVLOCK2NIX_COMPLETE": "bash_complete",
            "COMP_WORDS": "uvlock2nix ch",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["plain,check", "[]"], done.stderr
