"""``uvlock2nix man``: the manual page, generated from the commands."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from uvlock2nix import __version__
from uvlock2nix.cli.help import GroupedCommand, grouped

EXIT_CODES = (
    ("0", "Done."),
    ("1", "A check failed."),
    ("2", "Wrong usage."),
    ("3", "Bad input: the lock, the project or a file."),
    ("4", "An external program (nix, uv, git) failed."),
    ("5", "The network failed."),
    ("130", "Interrupted."),
)


def roff(text: str) -> str:
    """Escape text for a line of roff: backslashes, hyphens, and a leading control character."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", escaped, flags=re.MULTILINE)


def walk(
    command: click.Command, context: click.Context
) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every listed command below ``command``, with its full name; groups before their subcommands."""
    if not isinstance(command, click.Group):
        return
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        if below is None or below.hidden:
            continue
        inner = click.Context(below, info_name=name, parent=context)
        yield inner.command_path, below, inner
        yield from walk(below, inner)


def page(root: click.Group) -> str:
    """The manual page of the whole command, section 1."""
    context = click.Context(root, info_name="uvlock2nix")
    lines = [
        f'.TH UVLOCK2NIX 1 "" "uvlock2nix {__version__}" "User Commands"',
        ".SH NAME",
        f"uvlock2nix \\- {roff(_short(root))}",
        ".SH SYNOPSIS",
        ".B uvlock2nix",
        ".I COMMAND",
        "[\\fIOPTIONS\\fR] [\\fIPROJECT\\fR]",
        ".SH COMMANDS",
    ]
    for path, command, inner in walk(root, context):
        usage = " ".join(command.collect_usage_pieces(inner))
        lines += [f".SS {roff(path)} {roff(usage)}", roff(_prose(command))]
        if isinstance(command, click.Group):
            continue
        for section, rows in grouped(command, inner).items():
            lines += [".PP", f"\\fI{roff(section)}\\fR"]
            for option, text in rows:
                lines += [".TP", f"\\fB{roff(option)}\\fR", roff(text)]
    lines += [".SH EXIT STATUS"]
    for code, text in EXIT_CODES:
        lines += [".TP", f"\\fB{code}\\fR", roff(text)]
    lines += [
        ".SH ENVIRONMENT",
        ".TP",
        "\\fBNO_COLOR\\fR",
        "No colours in the output.",
        ".TP",
        "\\fBUV_INDEX_\\fINAME\\fB_USERNAME\\fR, \\fBUV_INDEX_\\fINAME\\fB_PASSWORD\\fR, \\fBNETRC\\fR",
        "The credentials of a private index, as for uv.",
    ]
    return "\n".join(lines) + "\n"


def _prose(command: click.Command) -> str:
    return " ".join((command.help or "").split())


def _short(command: click.Command) -> str:
    return _prose(command).rstrip(".")


@click.command("man", cls=GroupedCommand)
def command() -> None:
    """Print the manual page: `uvlock2nix man | man -l -`."""
    from uvlock2nix.cli.app import cli

    click.echo(page(cli), nl=False)
