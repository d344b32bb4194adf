"""The store paths that a build can refer to: from a file, or from the build's own environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from uvlock2nix.errors import InputError
from uvlock2nix.refs.store import STORE_DIR, StorePath


def closure_from_file(file: Path, *, store_dir: str = STORE_DIR) -> tuple[StorePath, ...]:
    """The store paths of ``file``, one per line.

    It accepts ``closureInfo``'s ``store-paths``, the output of ``nix-store -qR`` and what
    ``exportReferencesGraph`` writes (its lines with counts and empty lines are skipped). :class:`InputError`
    if the file cannot be read or has a line that is not a store path.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: the list of store paths cannot be read: {error}") from error
    found: list[StorePath] = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.isdigit():
            continue
        path = StorePath.find(text, store_dir=store_dir)
        if path is None:
            raise InputError(
                f"{file}, line {number}: {text[:120]!r} is not a path in the store {store_dir}",
                hint="the file has store paths, one per line, as `nix-store -qR` prints them",
            )
        found.append(path)
    return tuple(dict.fromkeys(found))


def closure_from_environment(
    environment: Mapping[str, str], *, store_dir: str = STORE_DIR
) -> tuple[StorePath, ...]:
    """The store paths of a Nix build: from its variables, its structured attributes and its sandbox.

    With ``NIX_BUILD_TOP`` set, everything in the store directory is included: in a sandbox that is exactly
    the closure of the inputs; elsewhere it is more, which does no harm (100,000 more paths do not slow the
    scan down).
    """
    pattern = re.compile(
        re.escape(store_dir.rstrip("/").encode()) + rb"/([0-9a-df-np-sv-z]{32})-([0-9A-Za-z+\-._?=]{1,211})"
    )
    texts = [value.encode("utf-8", "surrogateescape") for value in environment.values()]
    top = environment.get("NIX_BUILD_TOP")
    files = [environment.get("NIX_ATTRS_JSON_FILE"), f"{top}/.attrs.json" if top else None]
    for file in files:
        try:
            texts.append(Path(file).read_bytes() if file else b"")
        except OSError:  # not every build has it
            continue
    found = {
        StorePath(hash=match[1].decode(), name=match[2].decode())
        for text in texts
        for match in pattern.finditer(text)
    }
    if top:
        found.update(_listed(store_dir))
    return tuple(sorted(found))


def _listed(store_dir: str) -> list[StorePath]:
    try:
        names = [path.name for path in Path(store_dir).iterdir()]
    except OSError:
        return []
    paths = (StorePath.find(f"{store_dir.rstrip('/')}/{name}", store_dir=store_dir) for name in names)
    return [
        path for path in paths if path is not None and not path.name.endswith((".lock", ".drv", ".check"))
    ]
