"""What both programs use."""

from humanize import intcomma


def report(program: str, count: int) -> None:
    """Print what a program has done."""
    print(f"{program}: {intcomma(count)} done")
