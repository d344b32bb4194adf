"""Help pages with the options in groups: selection, target, files, output, and the rest.

The same groups are used by ``--help``, the man page and the reference pages.
"""

from __future__ import annotations

from typing import Final

import click

# Section -> parameter names, as click spells them. All others go in the last section.
SECTIONS: Final[dict[str, frozenset[str]]] = {
    "Selection": frozenset(
        {
            "package", "all_packages", "extra", "no_extra", "all_extras", "group", "no_group", "only_group",
            "all_groups", "default_groups", "dev", "only_dev", "environment",
        }
    ),
    "Target": frozenset(
        {"python", "pythons", "system", "systems", "all_systems", "libc", "macos", "from_nixpkgs", "nixpkgs"}
    ),
    "Files": frozenset(
        {
            "mode", "module", "image", "gitignore", "envrc", "flake_url", "nixpkgs_url", "force", "diff",
            "directory", "manifest", "template",
        }
    ),
    "Output": frozenset(
        {
            "as_json", "as_json_", "quiet", "html", "explain", "message", "timed", "tree", "format",
            "output",
        }
    ),
}  # fmt: skip
REST: Final = "Options"


def section_of(parameter: click.Option) -> str:
    """The section of an option."""
    return next((section for section, names in SECTIONS.items() if parameter.name in names), REST)


def grouped(command: click.Command, context: click.Context) -> dict[str, list[tuple[str, str]]]:
    """Section -> (option as written, help), in the order of the page, without empty sections."""
    found: dict[str, list[tuple[str, str]]] = {section: [] for section in (*SECTIONS, REST)}
    for parameter in command.get_params(context):
        if not isinstance(parameter, click.Option):
            continue
        record = parameter.get_help_record(context)
        if record is not None:
            found[section_of(parameter)].append(record)
    return {section: rows for section, rows in found.items() if rows}


class GroupedCommand(click.Command):
    """A command with its options in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each section with its heading."""
        for section, rows in grouped(self, ctx).items():
            with formatter.section(section):
                formatter.write_dl(rows)
