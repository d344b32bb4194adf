"""A selection written as flags of the command line."""

from __future__ import annotations

from uvlock2nix.lock import Selection


def explicit_flags(selection: Selection) -> list[str]:
    """The flags that say a selection, with uv's names (and ours: ``--default-groups``)."""
    flags: list[str] = []
    for name, values in (
        ("--package", selection.packages),
        ("--extra", selection.extras),
        ("--no-extra", selection.no_extras),
        ("--group", selection.groups),
        ("--no-group", selection.no_groups),
        ("--only-group", selection.only_groups),
    ):
        flags += [f"{name}={one}" for one in values]
    for name, on in (
        ("--all-packages", selection.all_packages),
        ("--all-extras", selection.all_extras),
        ("--all-groups", selection.all_groups),
        ("--default-groups", selection.default_groups),
    ):
        if on:
            flags.append(name)
    return flags
