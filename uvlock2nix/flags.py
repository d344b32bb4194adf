"""Write a selection as command-line flags, and read it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from uvlock2nix.lock import Selection


def selection_of(many: Callable[[str], tuple[str, ...]], flag: Callable[[str], bool]) -> Selection:
    """The selection from getters for the values of uv's options, by name without leading dashes."""
    return Selection(
        packages=many("package"),
        all_packages=flag("all-packages"),
        extras=many("extra"),
        no_extras=many("no-extra"),
        all_extras=flag("all-extras"),
        groups=many("group"),
        no_groups=many("no-group"),
        only_groups=many("only-group"),
        all_groups=flag("all-groups"),
        default_groups=flag("default-groups"),
        dev=flag("dev"),
        no_dev=flag("no-dev"),
        only_dev=flag("only-dev"),
    )


def selection_of_flags(flags: Iterable[str]) -> Selection:
    """Read the flags of :func:`explicit_flags`; other flags are ignored."""
    found: dict[str, list[str]] = {}
    for one in flags:
        name, _, value = one.removeprefix("--").partition("=")
        found.setdefault(name, []).append(value)
    return selection_of(lambda name: tuple(found.get(name, ())), lambda name: name in found)


def explicit_flags(selection: Selection) -> list[str]:
    """The flags for a selection, with uv's names (and ours: ``--default-groups``)."""
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
        ("--dev", selection.dev),
        ("--no-dev", selection.no_dev),
        ("--only-dev", selection.only_dev),
    ):
        if on:
            flags.append(name)
    return flags
