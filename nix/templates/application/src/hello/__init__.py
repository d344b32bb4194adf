"""A program that greets."""

import click


@click.command()
@click.argument("name", default="world")
def main(name: str) -> None:
    """Greet NAME."""
    click.echo(f"Hello {name}!")
