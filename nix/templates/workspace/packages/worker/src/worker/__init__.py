"""The program worker."""

from shared import report


def main() -> None:
    """Report."""
    report("worker", 1000)
