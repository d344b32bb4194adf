"""The commands that hooks call once for each package of an environment, without click."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import NamedTuple

from uvlock2nix.cli.interrupt import INTERRUPTED, ending_on_signals
from uvlock2nix.cli.shown import as_input, shown_error
from uvlock2nix.cli.words import Options, Words, read_words
from uvlock2nix.errors import UsageError, Uvlock2nixError


class Command(NamedTuple):
    """A command: what it does, its options, and its arguments as in a usage line."""

    run: Callable[[Words], None]
    options: Options
    arguments: str = ""


def run_plain(words: Sequence[str]) -> None:
    """Run ``words``, whose first is in ``PLAIN``, and exit with the code of its error, if any."""
    try:
        with ending_on_signals():
            _run(words)
    except Uvlock2nixError as error:
        _fail(error)
    except (OSError, RecursionError, MemoryError) as error:
        _fail(as_input(error))
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(INTERRUPTED)


def commands_of(name: str) -> Mapping[str, Command]:
    """The commands of a module in ``PLAIN``: its ``COMMANDS``, name -> command."""
    found: Mapping[str, Command] = import_module(f"uvlock2nix.cli.{name}").COMMANDS
    return found


def _run(words: Sequence[str]) -> None:
    commands = commands_of(words[0])
    command = commands.get(words[1]) if len(words) > 1 else None
    if command is None:
        raise UsageError(
            f"uvlock2nix {' '.join(words[:2])}: no such command",
            hint=f"the hooks of uvlock2nix call it with one of {', '.join(commands)}",
        )
    command.run(read_words(words[2:], command.options, command.arguments))


def _fail(error: Uvlock2nixError) -> None:
    for label, text in shown_error(error):
        sys.stderr.write(f"{label} {text}\n")
    sys.exit(error.exit_code)
