"""Every hint that names a command or an option works when it is followed; none leads nowhere."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from tests.support.command import Outcome, project_at, typed, uvlock2nix, wheel
from uvlock2nix.cli import PLAIN
from uvlock2nix.cli.app import COMMANDS, HIDDEN
from uvlock2nix.cli.inside import commands_of

REPO = Path(__file__).resolve().parents[2]
MAC = wheel("mac-only", "cp313-cp313-macosx_14_0_arm64")
NEW_GLIBC = wheel("new-glibc", "cp313-cp313-manylinux_2_45_x86_64")


# --- what is named exists -----------------------------------------------------------------------------


def texts() -> Iterator[tuple[str, str]]:
    """(module, text) of every string in our code that is not a docstring; what is filled in reads ``X``."""
    for path in sorted((REPO / "uvlock2nix").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inner = {
            id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
        }
        inner |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            where = f"{path.relative_to(REPO)}"
            if isinstance(node, ast.JoinedStr):
                parts = [str(p.value) if isinstance(p, ast.Constant) else "X" for p in node.values]
                yield where, "".join(parts)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
                yield where, node.value


def known_options(words: list[str]) -> set[str] | None:
    """The options of the command that the words begin with; None if there is no such command."""
    if words[0] in PLAIN:
        commands = commands_of(words[0])
        chosen = [commands[words[1]]] if words[1:] and words[1] in commands else commands.values()
        return {f"--{name}" for one in chosen for name in one.options.names()}
    command, _ = command_of(words)
    return None if command is None else options_of(command)


def command_of(words: list[str]) -> tuple[click.Command | None, list[str]]:
    """The command that the words begin with, and the words behind it."""
    entry = (COMMANDS | HIDDEN).get(words[0])
    if entry is None:
        return None, words
    command = import_module(f"uvlock2nix.cli.{entry[0]}").command
    rest = words[1:]
    while isinstance(command, click.Group) and rest and rest[0] in command.commands:
        command, rest = command.commands[rest[0]], rest[1:]
    return command, rest


def options_of(command: click.Command) -> set[str]:
    found = {"--help"}
    for parameter in command.params:
        found |= {*parameter.opts, *parameter.secondary_opts}
    if isinstance(command, click.Group):
        found |= {one for sub in command.commands.values() for one in options_of(sub)}
    return found


def named() -> list[tuple[str, str]]:
    """(module, ``uvlock2nix COMMAND …``) wherever one of our texts tells to run it."""
    pattern = re.compile(r"(?:`|[Rr]un:? )uvlock2nix ([a-z][^`\n;,]*)")
    return [(where, match[1].strip()) for where, text in texts() for match in pattern.finditer(text)]


def test_there_are_hints_to_look_at() -> None:
    assert len(named()) > 20


@pytest.mark.parametrize(("where", "line"), sorted(set(named())), ids=lambda text: str(text)[:60])
def test_what_is_named_exists(where: str, line: str) -> None:
    words = line.replace("…", "").split()
    known = known_options(words)
    assert known is not None, f"{where}: there is no `uvlock2nix {words[0]}`"
    for word in words[1:]:
        if word.startswith("--"):
            option = word.partition("=")[0].rstrip(".)")
            assert option in known, f"{where}: `uvlock2nix {words[0]}` has no {option}"


# --- what is named works ------------------------------------------------------------------------------


def damaged_pins(content: bytes) -> Callable[[Path], None]:
    def damage(project: Path) -> None:
        uvlock2nix("generate", str(project))
        (project / "nix" / "python-deps.json").write_bytes(content)

    return damage


def edited(project: Path) -> None:
    uvlock2nix("generate", "--extra", "more", str(project))
    place = project / "nix" / "python-deps.nix"
    place.write_text(place.read_text().replace("stdenv.mkDerivation", "stdenv.mkDerivation # mine\n"))


def edited_and_old(project: Path) -> None:
    edited(project)
    lock = project / "uv.lock"
    lock.write_text(lock.read_text().replace(":00000000", ":00000001"))


def foreign(project: Path) -> None:
    (project / "nix").mkdir()
    (project / "nix" / "python-deps.nix").write_text("{ }: mine\n")
    (project / "nix" / "python-deps.json").write_text('{"mine": true}\n')


def exact(project: Path) -> None:
    for name in ("uv.lock", "pyproject.toml"):
        place = project / name
        place.write_text(place.read_text().replace(">=3.11", "==3.12.8"))


def group_python(project: Path) -> None:
    place = project / "pyproject.toml"
    place.write_text(
        f'{place.read_text()}\n[tool.uv.dependency-groups]\ndev = {{requires-python = "<3.12"}}\n'
    )


def with_package(entry: str, name: str) -> Callable[[Path], None]:
    def add(project: Path) -> None:
        project_at(project, more=entry)
        for file, old in (("uv.lock", '    { name = "always" },\n'), ("pyproject.toml", '"always"')):
            place = project / file
            new = f'{old}    {{ name = "{name}" }},\n' if file == "uv.lock" else f'{old}, "{name}"'
            place.write_text(place.read_text().replace(old, new, 1))

    return add


def nothing(project: Path) -> None:
    """The project as it is."""


def once(project: Path) -> None:
    uvlock2nix("generate", "--python", "3.12", str(project))


DAMAGED = (b"", b"null", b"[]", b'{"schema": 1}', b'{"schema": 9}', b"\xff\xfe", b'{"a": 1, "a": 2}', b"{")
CASES: dict[str, tuple[Callable[[Path], None], list[str]]] = {
    **{f"pins {content!r}": (damaged_pins(content), ["generate"]) for content in DAMAGED},
    **{f"check, pins {content!r}": (damaged_pins(content), ["check"]) for content in DAMAGED[:4]},
    "check before generate": (nothing, ["check"]),
    "verify before generate": (nothing, ["verify"]),
    "generate over an edited file": (edited, ["generate"]),
    "generate over foreign files": (foreign, ["generate"]),
    "check of an edited, old file": (edited_and_old, ["check"]),
    "update-hash of an edited, old file": (edited_and_old, ["update-hash", "--no-nix"]),
    "another selection": (once, ["update-hash", "--no-nix", "--extra", "more"]),
    "another Python": (once, ["update-hash", "--no-nix", "--python", "3.13"]),
    "generate --check": (nothing, ["generate", "--check", "--python", "3.12"]),
    "exact requires-python": (exact, ["generate", "--python", "3.12.1"]),
    "a group's requires-python": (group_python, ["generate", "--group", "dev"]),
    "PyPy": (nothing, ["generate", "--python", "pypy3.11"]),
    "a debug build": (nothing, ["classify", "--no-inspect", "--python", "3.12d"]),
    "free-threaded": (nothing, ["generate", "--python", "3.14t"]),
    "a wheel for a newer macOS": (
        with_package(MAC, "mac-only"),
        ["generate", "--system", "aarch64-darwin", "--python", "3.13"],
    ),
    "a wheel for a newer glibc": (with_package(NEW_GLIBC, "new-glibc"), ["generate", "--python", "3.13"]),
    "a wheel for another Python": (
        with_package(NEW_GLIBC.replace("2_45", "2_17"), "new-glibc"),
        ["generate", "--python", "3.12"],
    ),
}


def follow(hint: str, arguments: list[str]) -> list[str]:
    """Run what the hint says to run, and give the arguments with the options that it says to give."""
    commands = re.findall(r"`(uvlock2nix [^`]+)`", hint)
    commands += re.findall(r"(?:run: |; )(uvlock2nix [^;`]+)", hint)
    for line in commands:
        if " update-hash" not in line and "--diff" not in line:
            done = typed(line)
            assert done.error is None, f"{line}\n{done.error}"
    if commands:
        return arguments
    found = re.search(r"(--(?:python|macos|libc)) ([\w.-]+)", hint)
    assert found is not None, f"the hint says nothing that can be followed: {hint}"
    option, value = found.groups()
    if option in arguments:
        at = arguments.index(option)
        return [*arguments[: at + 1], value.rstrip(".,"), *arguments[at + 2 :]]
    return [*arguments, option, value.rstrip(".,")]


def needs_nix(outcome: Outcome) -> bool:
    """What only a build can mend, or needs a network for."""
    lines = outcome.message.splitlines()[1:]
    hashes = all(
        re.search(
            r"the hash of \S+ is not known yet|was made from a different|is for"
            " another",
            x,
        )
        for x in lines
    )
    return (bool(lines) and hashes) or "has no hash for" in outcome.message


@pytest.mark.parametrize("case", CASES)
def test_the_hint_works(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    project = project_at(tmp_path / "a project")
    monkeypatch.chdir(project)
    setup, arguments = CASES[case]
    setup(project)
    seen: list[tuple[str, str]] = []
    for _ in range(4):
        outcome = uvlock2nix(*arguments, ".")
        if outcome.error is None or needs_nix(outcome):
            assert seen, "nothing failed: the case shows nothing"
            return
        assert outcome.hint, outcome.message
        said = (outcome.message, outcome.hint)
        assert said not in seen, f"the hint leads back to itself: {shlex.join(arguments)}\n{outcome.hint}"
        seen.append(said)
        if "update-hash" in arguments and "generate" in outcome.hint:
            follow(outcome.hint, arguments)
            return  # then a hash is made, which needs what is not here
        arguments = follow(outcome.hint, arguments)
    raise AssertionError(f"no end in sight: {seen}")
