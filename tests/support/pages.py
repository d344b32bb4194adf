"""The examples of the pages, and a shell that runs the commands of a page in turn, as its reader does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.flakes import nixpkgs_flake, own_flake
from tests.support.stand import REPO, STAND, Stand

FENCE: Final = re.compile(
    r"^(?P<indent> *)```(?P<language>[a-z]+)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
# What starts a program of ours, and the stand's Nix with its package set in the place of nixpkgs'.
PROGRAM: Final = """\
#!{python}
import sys
sys.path.insert(0, {own!r})
from uvlock2nix.__main__ import main
sys.exit(main())
"""
# Debian's own pip installs nothing outside of a virtual environment; a reader has one.
PIP: Final = """\
#!/bin/sh
set -e
test -d {folder} || {python} -m venv {folder}
exec {folder}/bin/pip "$@"
"""
NIX: Final = """\
#!/usr/bin/env bash
# Flags go behind the words of the command: `nix flake check` and `nix profile install` have two.
words=("$1")
shift
case ${{words[0]}} in flake | profile | key) words+=("$1"); shift ;; esac
flags=(--extra-experimental-features 'nix-command flakes')
case ${{words[*]}} in
  build | run | develop | "flake check" | "profile install" | copy)
    flags+=(--impure --no-write-lock-file --override-input nixpkgs path:{nixpkgs}) ;;
esac
# The profile of root is the stand's, which others share.
[ "${{words[0]}}" != profile ] || flags+=(--profile "$HOME/profile")
exec {stand}/bin/nix "${{words[@]}}" "${{flags[@]}}" "$@"
"""


@dataclass(frozen=True, slots=True)
class Example:
    """A block of a page: which page, its line, and its text without the indentation of the page."""

    page: str
    line: int
    language: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def first(self) -> str:
        """The block's first line: by which tests name it, as line numbers change with every edit."""
        return self.text.split("\n", 1)[0]


@dataclass(frozen=True, slots=True)
class Command:
    """What is typed, and what the page says is printed: None where it shows nothing."""

    words: str
    shown: str | None


def examples(*languages: str) -> list[Example]:
    """Every block of README, CONTRIBUTING and docs in one of ``languages``, in the order of the pages."""
    found = []
    for page in (*sorted((REPO / "docs").glob("*.md")), REPO / "README.md", REPO / "CONTRIBUTING.md"):
        text = page.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            if match["language"] in languages:
                line = text[: match.start()].count("\n") + 2
                body = re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
                found.append(Example(page.name, line, match["language"], body))
    return found


def commands(example: Example) -> Iterator[Command]:
    """A ``sh`` block is one script; in a ``console`` block each line with ``$`` is followed by its output."""
    if example.language == "sh":
        yield Command(example.text, None)
        return
    for part in re.split(r"^\$ ", example.text, flags=re.MULTILINE)[1:]:
        words, _, shown = part.partition("\n")
        yield Command(words, shown if shown.strip() else None)


def same(shown: str, printed: str) -> bool:
    """Is it what the page shows? A line ``…`` stands for any lines, ``…`` in a line for any characters."""
    lines = [".*" if line == "…" else re.escape(line).replace("…", "[^\n]*") for line in shown.splitlines()]
    pattern = "\n".join(lines).replace("\n.*", "(?:\n.*)?")
    return re.fullmatch(pattern, printed.rstrip("\n"), re.DOTALL) is not None


@dataclass(frozen=True, slots=True)
class Desk:
    """A user's machine: programs, home, a git identity; everything below ``folder``."""

    folder: Path
    stand: Stand
    env: dict[str, str]

    def run(self, project: Path, typed: Sequence[str]) -> list[tuple[int, str, str]]:
        """Run the commands in one shell, so that ``cd`` holds; after a failure nothing more.

        Exit code, output and messages of each command that was run.
        """
        place = self.folder / "typed"
        place.mkdir(exist_ok=True)
        script = ["set -uo pipefail"]
        for number, words in enumerate(typed):
            into = f"{place}/{number}"
            script.append(f"{{ set -e\n{words}\n}} >{into}.out 2>{into}.err </dev/null")
        file = place / "script"
        file.write_text("\n".join(script) + "\n")
        done = subprocess.run(["bash", str(file)], cwd=project, env=self.env, check=False)
        found: list[tuple[int, str, str]] = []
        for number, _ in enumerate(typed):
            out, err = place / f"{number}.out", place / f"{number}.err"
            if not out.exists():
                break
            found.append((0, out.read_text(), err.read_text()))
            out.unlink()
        if done.returncode and found:
            found[-1] = (done.returncode, found[-1][1], found[-1][2])
        return found


def desk(folder: Path, stand: Stand) -> Desk:
    """Make one: `uvlock2nix` and `/path/to/uvlock2nix` are copies of this checkout, `nix` is the stand's."""
    own, nixpkgs = own_flake(folder / "own"), nixpkgs_flake(folder / "nixpkgs")
    shutil.copy(REPO / "flake.lock", own)  # without one, `nix flake init` fetches the inputs
    programs, home = folder / "bin", folder / "home"
    programs.mkdir()
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\nname = A Reader\nemail = reader@example.org\n[init]\ndefaultBranch = main\n"
    )
    for name in ("uv", "uvx"):
        (programs / name).symlink_to(Path(sys.executable).parent / name)
    for name, text in {
        "pip": PIP.format(python=sys.executable, folder=folder / "venv"),
        "pipx": '#!/bin/sh\nexec uvx pipx "$@"\n',
        "uvlock2nix": PROGRAM.format(python=sys.executable, own=str(own)),
        "nix": NIX.format(nixpkgs=nixpkgs, stand=STAND),
    }.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    cache = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv")
    env = stand.env({"HOME": str(home), "UV_CACHE_DIR": cache, "NIX_PATH": f"nixpkgs={STAND / 'nixpkgs'}"})
    env["PATH"] = f"{programs}:{env['PATH']}"
    for name in ("CI", "VIRTUAL_ENV", "XDG_CACHE_HOME", "GIT_CONFIG_GLOBAL"):
        env.pop(name, None)
    return Desk(folder, stand, env)
