"""``uvlock2nix completion``: the script with which a shell completes our commands and options."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

from uvlock2nix.cli.help import GroupedCommand

SHELLS: Final = ("bash", "zsh", "fish")
VARIABLE: Final = "_UVLOCK2NIX_COMPLETE"


@click.command("completion", cls=GroupedCommand)
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the completion script of SHELL; the Nix package installs all three."""
    from uvlock2nix.cli.app import cli

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"click has no completion for {shell}")
    # Not `source()`, which starts bash only to ask for its version.
    complete = found(cli, {}, "uvlock2nix", VARIABLE)
    click.echo(complete.source_template % complete.source_vars())
