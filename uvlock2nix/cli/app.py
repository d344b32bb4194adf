"""The group of commands.

A command's module is imported when the command is called, so that ``--help`` costs click and nothing else.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Final

import click
from click.shell_completion import CompletionItem

from uvlock2nix import __version__
from uvlock2nix.cli.interrupt import INTERRUPTED, ending_on_signals
from uvlock2nix.errors import Uvlock2nixError

# name -> (module below uvlock2nix.cli, help line); each module has a click command named ``command``.
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "init": ("init", "Write everything that Nix needs for a project: flake, files, hash."),
    "generate": ("generate", "Write the Nix files of a project."),
    "update-hash": ("update_hash", "Update the hash in the pins, with one build."),
    "classify": ("classify", "Show where each package comes from, what it needs, and why."),
    "check": ("check", "Fail when a generated file or a hash is out of date."),
    "verify": ("verify", "Build deps twice and report what differs, in which package, and why."),
    "sbom": ("sbom", "Print a bill of materials of an environment."),
    "index": ("index", "Show or update the nixpkgs index."),
    "refs": ("refs", "Strip, restore or audit the store references of a tree."),
    "completion": ("completion", "Print the completion script of a shell."),
    "man": ("man", "Print the manual page."),
}

# Run by the hooks inside a build, not by people, so not listed; ``inside`` has those that run most often.
HIDDEN: Final[dict[str, tuple[str, str]]] = {
    "sync": ("sync", "Install the locked packages (inside deps)."),
    "sdist": ("sdist", "Build one source into a wheel (inside its derivation)."),
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and one-line helps without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in the order of the help page."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command, and only that."""
        entry = COMMANDS.get(cmd_name) or HIDDEN.get(cmd_name)
        if entry is None:
            return None
        command = import_module(f"uvlock2nix.cli.{entry[0]}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"uvlock2nix.cli.{entry[0]}.command is not a click command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Import the command and run it; until it ends, signals interrupt it."""
        found = super().resolve_command(ctx, args)
        ctx.with_resource(ending_on_signals())
        return found

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete command names without importing the commands; options as click does."""
        names = [CompletionItem(name, help=text) for name, (_, text) in COMMANDS.items()]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [item for item in names if item.value.startswith(incomplete)] + options

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help of the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(__version__, prog_name="uvlock2nix")
def cli() -> None:
    """Turn a Python project's uv.lock into Nix that builds in the sandbox, stays right and runs."""


def color_wish() -> bool | None:
    """``False`` when no colour is wanted (https://no-color.org), ``None`` to let click ask the terminal."""
    return False if os.environ.get("NO_COLOR") else None


def show_error(error: Uvlock2nixError) -> None:
    """Print ``error:`` and ``hint:`` to stderr."""
    from uvlock2nix.cli.shown import shown_error

    colors = {"error:": "red", "hint:": "cyan"}
    for label, text in shown_error(error):
        styled = click.style(label, fg=colors[label], bold=True)
        click.echo(f"{styled} {text}", err=True, color=color_wish())


def run() -> None:
    """Run the command line and turn our errors into ``error:``, ``hint:`` and an exit code."""
    try:
        cli.main(prog_name="uvlock2nix", standalone_mode=False, color=color_wish())
    except Uvlock2nixError as error:
        show_error(error)
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except BrokenPipeError:
        # The reader is gone (`| head`): no failure of ours, and nothing more can be written.
        sys.stderr.close()
        sys.exit(141)
    except (OSError, RecursionError, MemoryError) as error:
        from uvlock2nix.cli.shown import as_input

        found = as_input(error)
        show_error(found)
        sys.exit(found.exit_code)
