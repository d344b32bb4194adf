"""Store paths by name, as ``--input`` and ``--inputs`` give them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

from uvlock2nix.errors import UsageError
from uvlock2nix.refs.store import StorePath


def inputs_of(words: Iterable[str], texts: Iterable[str], store_dir: str) -> dict[str, str]:
    """ATTR → path. ``out`` is the environment variable's value, unless given or not a store path."""
    found: dict[str, str] = {}
    own = os.environ.get("out", "")  # noqa: SIM112 - Nix's own name for it
    if StorePath.find(own, store_dir=store_dir) is not None:
        found["out"] = own
    items = list(words)
    for text in texts:
        if text.lstrip().startswith("{"):
            found.update(_json_inputs(text))
        else:
            items += text.split()
    for item in items:
        attr, equals, path = item.partition("=")
        if not equals or not attr or not path:
            raise UsageError(
                f"{item!r} is not ATTR=PATH", hint="for example --input libxml2=/nix/store/…-libxml2-2.13.8"
            )
        found[attr] = path
    return found


def _json_inputs(text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--inputs looks like JSON but cannot be parsed: {error}") from error
    if not isinstance(value, dict) or not all(isinstance(path, str) for path in value.values()):
        raise UsageError("--inputs is JSON, but not an object that maps attributes to paths")
    return {str(attr): str(path) for attr, path in value.items()}


def object_of(option: str, text: str) -> dict[str, object]:
    """Parse the JSON object given by an option; an empty string is an empty object."""
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise UsageError(
            f"{option} is not a JSON object", hint='for example {"filename": "idna-3.11.tar.gz"}'
        )
    return value
