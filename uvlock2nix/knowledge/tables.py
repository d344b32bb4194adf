"""Reading the data files that are carried in ``knowledge/data``."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Final

from uvlock2nix.errors import InputError

DATA: Final = Path(__file__).resolve().parent / "data"


def load_table(name: str) -> dict[str, object]:
    """One table of ``data/`` as a mapping; ``.gz`` files are unpacked.

    Raises:
        InputError: when the file is missing or is not a JSON object: the installation is damaged.
    """
    path = DATA / name
    try:
        raw = path.read_bytes()
        value = json.loads(gzip.decompress(raw) if name.endswith(".gz") else raw)
    except (OSError, EOFError, ValueError) as error:
        raise InputError(
            f"cannot read the table {path}: {error}",
            hint="the installation is damaged: install uvlock2nix again",
        ) from error
    if not isinstance(value, dict):
        raise InputError(f"{path} is not a JSON object", hint="install uvlock2nix again")
    return value
