"""The program web."""

from shared import report


def main() -> None:
    """Report."""
    report("web", 1000)
