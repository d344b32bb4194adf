"""Several options of a command at once, for commands that share them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def decorated(function: F, options: Sequence[Callable[[F], F]]) -> F:
    """``function`` with click's decorators ``options``, in their order on the help page."""
    for option in reversed(options):
        function = option(function)
    return function
