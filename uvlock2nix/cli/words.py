"""The words of a command that hooks call, read without click.

Such a command runs once for each package of an environment, and importing click would take longer than most
of them run.
"""

from __future__ import annotations

import getopt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from uvlock2nix.errors import UsageError


class Options(NamedTuple):
    """The names of a command's options: with a value, with a value each time they are given, without one."""

    single: str = ""
    repeated: str = ""
    flags: str = ""

    def names(self) -> frozenset[str]:
        """The names of all."""
        return frozenset(f"{self.single} {self.repeated} {self.flags}".split())


class Words(NamedTuple):
    """What was given: ``arguments`` and, for each option, its values in their order."""

    arguments: tuple[str, ...]
    given: Mapping[str, tuple[str, ...]]

    def text(self, name: str, default: str = "") -> str:
        """The value of an option, the last if there are several."""
        return self.given.get(name, (default,))[-1]

    def path(self, name: str) -> Path | None:
        """The value as a path; None if the option is not given."""
        return Path(self.given[name][-1]) if name in self.given else None

    def needed(self, name: str) -> str:
        """The value of an option that has to be given; UsageError if it is not."""
        if name not in self.given:
            raise UsageError(f"--{name} is missing", hint="the hooks of uvlock2nix pass it")
        return self.given[name][-1]

    def number(self, name: str) -> int:
        """The value of an option that is a number, 1 by default; UsageError if it is none."""
        text = self.text(name, "1")
        try:
            return int(text)
        except ValueError:
            raise UsageError(f"--{name} {text}: not a number", hint="for example 4") from None

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of an option."""
        return self.given.get(name, ())

    def paths(self, name: str) -> tuple[Path, ...]:
        """Every value of an option, as a path."""
        return tuple(map(Path, self.all(name)))

    def has(self, name: str) -> bool:
        """Whether an option is given."""
        return name in self.given

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        """The value of an option that is one of ``choices``; UsageError if it is not."""
        text = self.text(name, default)
        if text not in choices:
            raise UsageError(f"--{name} {text}: unknown", hint=f"choose one of {', '.join(choices)}")
        return text


def read_words(words: Sequence[str], options: Options, arguments: str) -> Words:
    """Read the words of a command; ``arguments`` names those that are not options, as in its usage.

    Raises:
        UsageError: an option is unknown or has no value, or an argument is missing or not expected.
    """
    values = [f"{name}=" for name in f"{options.single} {options.repeated}".split()]
    try:
        found, rest = getopt.gnu_getopt(list(words), "", [*values, *options.flags.split()])
    except getopt.GetoptError as error:
        raise UsageError(str(error), hint="the hooks of uvlock2nix call this command") from None
    if len(rest) != len(arguments.split()):
        raise UsageError(f"arguments: {' '.join(rest) or 'none'}", hint=f"pass {arguments or 'none'}")
    given: dict[str, tuple[str, ...]] = {}
    for name, value in found:
        given[name[2:]] = (*given.get(name[2:], ()), value)
    return Words(tuple(rest), given)
