"""What an environment is made with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Making:
    """``python`` is the environment's Python, ``builder`` the same Python for the build platform, if that is
    a different one.

    ``cores`` may compile bytecode in parallel (0: none is compiled); ``program_path`` has the programs that
    run scripts; ``note`` reports what people should read.
    """

    python: Path
    cores: int = 1
    program_path: str = ""
    builder: Path | None = None
    note: Callable[[str], None] = lambda text: None
