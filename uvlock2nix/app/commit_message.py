"""The text of a commit: which packages changed, and which hashes with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import tomli

from uvlock2nix.app.git import git
from uvlock2nix.app.state import State
from uvlock2nix.reading import read_regular

if TYPE_CHECKING:
    from uvlock2nix.app.update_hash import Change


def commit_message(state: State, changes: Sequence[Change]) -> str:
    """A subject line, then a line for each package that differs from git's HEAD, then the hashes."""
    lock = state.asked.project.lock_path
    before = _committed(lock)
    now = versions(read_regular(lock))
    moved = differences(before, now) if before is not None else ()
    count = f"{len(moved)} package{'s' if len(moved) != 1 else ''}"
    subject = (
        f"{state.plan.name}: update {moved[0]}" if len(moved) == 1 else f"{state.plan.name}: update {count}"
    )
    if not moved:
        subject = f"{state.plan.name}: update the hash of its packages"
    lines = [subject]
    if len(moved) > 1:
        lines += ["", *moved]
    if changes:
        lines += ["", *(f"{one.system}: {one.new}" for one in changes)]
    return "\n".join(lines) + "\n"


def versions(lock: bytes) -> Mapping[str, tuple[str, ...]]:
    """Name → locked versions (several if the lock forks); empty if the lock cannot be read."""
    try:
        packages = tomli.loads(lock.decode("utf-8")).get("package", [])
    except (UnicodeDecodeError, tomli.TOMLDecodeError, RecursionError):
        return {}
    found: dict[str, list[str]] = {}
    for package in packages if isinstance(packages, list) else []:
        if isinstance(package, dict) and isinstance(package.get("version"), str):
            found.setdefault(str(package.get("name")), []).append(package["version"])
    return {name: tuple(sorted(set(listed))) for name, listed in found.items()}


def differences(before: Mapping[str, tuple[str, ...]], now: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """``name old → new``, ``name added …``, ``name removed``, by name."""
    lines: list[str] = []
    for name in sorted({*before, *now}):
        old, new = ", ".join(before.get(name, ())), ", ".join(now.get(name, ()))
        if old == new:
            continue
        if not old:
            lines.append(f"{name} {new} (new)")
        elif not new:
            lines.append(f"{name} {old} (removed)")
        else:
            lines.append(f"{name} {old} → {new}")
    return tuple(lines)


def _committed(lock: Path) -> Mapping[str, tuple[str, ...]] | None:
    """The versions in git's HEAD; None without git or without such a file."""
    text = git(lock.parent, "show", f"HEAD:./{lock.name}")
    return versions(text) if text is not None else None
