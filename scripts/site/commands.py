"""The reference page of the commands, from click."""

from __future__ import annotations

import click

from scripts.site.markdown import cell
from uvlock2nix.cli.app import cli
from uvlock2nix.cli.help import grouped
from uvlock2nix.cli.man import EXIT_CODES, walk

INTRODUCTION = """\
# Commands

Every command takes `-h`. Options of *selection* and *target* are the same everywhere and mean what they mean in uv, with
one difference: without a group option no dependency group is included. Each can be written once under
[`[tool.uvlock2nix]`](configuration.md); what was given to `generate` is kept in the pins and read back by the
other commands.

`uvlock2nix completion bash`, `zsh` or `fish` prints a completion script, `uvlock2nix man` this page as a manual page.
"""


def page() -> str:
    """One section for each command, with its options in their groups."""
    context = click.Context(cli, info_name="uvlock2nix")
    parts = [INTRODUCTION, "## Exit codes\n", "| code | meaning |\n| --- | --- |"]
    parts += [f"| {code} | {text} |" for code, text in EXIT_CODES]
    for path, command, inner in walk(cli, context):
        usage = " ".join([path, *command.collect_usage_pieces(inner)])
        prose = " ".join((command.help or "").split())
        level = "##" if path.count(" ") == 1 else "###"
        parts.append(f"\n{level} {path.removeprefix('uvlock2nix ')}\n\n{prose}\n\n```text\n{usage}\n```\n")
        if isinstance(command, click.Group):
            continue
        for section, rows in grouped(command, inner).items():
            parts.append(f"| {section} | |\n| --- | --- |")
            parts += [f"| `{cell(option)}` | {cell(text)} |" for option, text in rows]
            parts.append("")
    return "\n".join(parts) + "\n"
