"""The options of ``generate``: recorded in the pins, and read back by every other command.

The pins have the options as command-line words, so that ``uvlock2nix generate`` with those words makes the
same files again. Older files have no such words; for them, the content of python-deps.nix counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from uvlock2nix.app.extras import EXTRAS
from uvlock2nix.app.request import Options, Request, request
from uvlock2nix.errors import InputError
from uvlock2nix.flags import explicit_flags, selection_of_flags
from uvlock2nix.modes import MODES
from uvlock2nix.pins import Pins, read_pins
from uvlock2nix.target import this_system

if TYPE_CHECKING:
    from uvlock2nix.app.reporter import Reporter
    from uvlock2nix.nixfile.generated import Recorded
    from uvlock2nix.nixrun.project import Files

_STRINGS = {"--python": "python", "--libc": "libc", "--macos": "macos", "--from-nixpkgs": "from_nixpkgs"}


class Remembered(NamedTuple):
    """``options``: what ``generate`` was called with; ``before``: the same with the defaults filled in."""

    options: Options
    before: Options


def words_of(options: Options) -> tuple[str, ...]:
    """Options as command-line words."""
    words = explicit_flags(options.selection)
    if options.no_default_groups:
        words.append("--no-default-groups")
    words += [f"--system={one}" for one in options.systems]
    for name, field in _STRINGS.items():
        if value := getattr(options, field):
            words.append(f"{name}={value}")
    if options.mode:
        words.append(f"--mode={options.mode}")
    return (*words, *(f"--{name}" for name in EXTRAS if name in options.extras))


def options_of(words: Iterable[str]) -> Options:
    """The options from the words of :func:`words_of`; words of a newer version are left out."""
    words = tuple(words)
    values: dict[str, str] = {}
    systems: list[str] = []
    for word in words:
        name, _, value = word.partition("=")
        if name == "--system":
            systems.append(value)
        elif name in _STRINGS:
            values[_STRINGS[name]] = value
    return Options(
        selection=selection_of_flags(words),
        no_default_groups="--no-default-groups" in words,
        systems=tuple(systems),
        mode=next((mode for mode in MODES if f"--mode={mode}" in words), None),
        extras=tuple(name for name in EXTRAS if f"--{name}" in words),
        python=values.get("python"),
        libc=values.get("libc"),
        macos=values.get("macos"),
        from_nixpkgs=values.get("from_nixpkgs"),
    )


def command_line(command: str, options: Options, project: Path | None = None) -> str:
    """``uvlock2nix COMMAND`` with ``options``, as typed into a shell."""
    import shlex

    place = [] if project in (None, Path()) else [str(project)]
    return shlex.join(["uvlock2nix", command, *words_of(options), *place])


def remembered(files: Files) -> tuple[Remembered, Recorded, Pins]:
    """How a project's files were made, from the files; InputError if one cannot be read."""
    from uvlock2nix.nixfile.generated import read_generated
    from uvlock2nix.nixrun.file import read_text

    pins = read_pins(files.pins)
    recorded = read_generated(read_text(files.expression), str(files.expression))
    before = Options(
        systems=tuple(recorded.keys),
        python=recorded.python or None,
        libc=recorded.libc.replace(" ", "-") or None,
        macos=recorded.macos or None,
    )
    if pins.generate is not None:
        return Remembered(options_of(pins.generate), before), recorded, pins
    # An older version: options and defaults cannot be distinguished.
    asked = replace(before, selection=selection_of_flags(recorded.flags))
    return Remembered(asked, before), recorded, pins


def recalled(project: Path, options: Options, reporter: Reporter) -> Request:
    """The request, with the options of the last ``generate`` (if any) under the given ones."""
    from uvlock2nix.nixrun.project import files_of

    try:
        files = files_of(project, options.environment or "")
    except InputError:
        return request(project, options)  # reports the project's problems
    if not files.expression.is_file() or not files.pins.is_file():
        return request(project, options)
    try:
        found, _, _ = remembered(files)
    except InputError as error:
        reporter.note(f"the options of the last generate are unknown: {error.message.splitlines()[0]}")
        return request(project, options)
    merged = over(options, found.options)
    systems = merged.systems or found.before.systems
    if not options.systems and len(systems) > 1:
        # One system is wanted and there are several: take this machine's, or the first.
        merged = replace(merged, systems=(this_system() if this_system() in systems else systems[0],))
    if merged != options and (
        words := words_of(replace(merged, systems=options.systems, extras=(), mode=None))
    ):
        reporter.note(f"with the options of the last generate: {' '.join(words)}")
    return request(project, merged, before=found.before)


def over(given: Options, then: Options) -> Options:
    """The options given now over the earlier ones; a selection is replaced as a whole."""
    selecting = given if given.selects else then
    return Options(
        selection=selecting.selection,
        no_default_groups=selecting.no_default_groups,
        systems=given.systems or then.systems,
        python=given.python or then.python,
        libc=given.libc or then.libc,
        macos=given.macos or then.macos,
        from_nixpkgs=given.from_nixpkgs or then.from_nixpkgs,
        mode=given.mode or then.mode,
        extras=tuple(name for name in EXTRAS if name in (*given.extras, *then.extras)),
        environment=given.environment,
        loaded=given.loaded,
    )
