"""An error as people see it."""

from __future__ import annotations

from collections.abc import Iterator

from uvlock2nix.errors import InputError, Uvlock2nixError


def shown_error(error: Uvlock2nixError) -> Iterator[tuple[str, str]]:
    """``error:`` and, if there is one, ``hint:``, each with its text: printable, and without credentials."""
    from uvlock2nix.net.urls import shown_text
    from uvlock2nix.printable import printable

    yield "error:", printable(shown_text(error.message), lines=True)
    if error.hint:
        yield "hint:", printable(shown_text(error.hint), lines=True)


def as_input(error: OSError | RecursionError | MemoryError) -> InputError:
    """What the system or the interpreter refuses, as an error of ours."""
    if isinstance(error, RecursionError):
        return InputError(
            "folders, or values in a file, are nested too deeply", hint="no more than 900 levels are read"
        )
    if isinstance(error, MemoryError):
        return InputError(
            "there is not enough memory", hint="end other programs, or run it where there is more"
        )
    where = f"{error.filename}: " if error.filename else ""
    return InputError(f"{where}{error.strerror or error}", hint="check that it exists, and its permissions")
