"""``uvlock2nix refs strip|audit|restore DIR``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from uvlock2nix.cli.decorated import decorated
from uvlock2nix.cli.help import GroupedCommand
from uvlock2nix.cli.inputs import inputs_of
from uvlock2nix.cli.stripping import closure_of, refuse, show, show_json, strip_tree, warn
from uvlock2nix.errors import InputError, UsageError
from uvlock2nix.refs.store import STORE_DIR, StorePath
from uvlock2nix.refs.stripped import MANIFEST_PLACE

if TYPE_CHECKING:
    from uvlock2nix.refs.restore import RestoreReport

_F = TypeVar("_F", bound=Callable[..., object])


@click.group(name="refs")
def command() -> None:
    """Strip, restore or audit the store references of a tree."""


def _common(function: _F) -> _F:
    options = [
        click.argument("directory", metavar="DIR", type=click.Path(path_type=Path)),
        click.option(
            "--input", "inputs", multiple=True, metavar="ATTR=PATH",
            help="Store path of an input (repeatable).",
        ),
        click.option(
            "--inputs", "more_inputs", multiple=True, metavar="TEXT",
            help="Store paths of several inputs: a JSON object, or ATTR=PATH words.",
        ),
        click.option(
            "--closure", type=click.Path(path_type=Path), metavar="FILE",
            show_default="what the build's environment names", help="File with store paths, one per line.",
        ),
        click.option("--store-dir", default=STORE_DIR, metavar="DIR", help="The Nix store."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    ]  # fmt: skip
    return decorated(function, options)


def _directory(directory: Path) -> Path:
    if not directory.is_dir():
        raise InputError(f"{directory} is not a directory", hint="pass the tree to work on")
    return directory


_manifest = click.option(
    "--manifest",
    type=click.Path(path_type=Path),
    metavar="FILE",
    show_default=f"DIR/{MANIFEST_PLACE}",
    help="The manifest of what was stripped.",
)


@command.command("strip", cls=GroupedCommand)
@_common
@_manifest
@click.option("--audit", "proves", is_flag=True, help="Fail if a reference is left, as `refs audit` would.")
def strip_command(
    directory: Path,
    inputs: tuple[str, ...],
    more_inputs: tuple[str, ...],
    closure: Path | None,
    store_dir: str,
    as_json: bool,
    manifest: Path | None,
    proves: bool,
) -> None:
    """Replace every store reference in DIR with a placeholder and record it in the manifest."""
    strip_tree(
        _directory(directory),
        closure_of(closure, store_dir),
        inputs_of(inputs, more_inputs, store_dir),
        manifest,
        store_dir=store_dir,
        as_json=as_json,
        proves=proves,
    )


@command.command("audit", cls=GroupedCommand)
@_common
def audit_command(
    directory: Path,
    inputs: tuple[str, ...],
    more_inputs: tuple[str, ...],
    closure: Path | None,
    store_dir: str,
    as_json: bool,
) -> None:
    """Fail if DIR still has a store reference: in a file, a file name or a symlink's target."""
    from uvlock2nix.refs.audit import audit

    tree = _directory(directory)
    own = inputs_of(inputs, more_inputs, store_dir).values()
    paths = (*closure_of(closure, store_dir), *(StorePath.parse(path, store_dir=store_dir) for path in own))
    findings = audit(tree, store_paths=paths, store_dir=store_dir)
    if as_json:
        show_json("audit", {"findings": [finding.to_json() for finding in findings]})
    elif not findings:
        show("no store reference is left")
    refuse(tree, findings)


@command.command("restore", cls=GroupedCommand)
@_common
@_manifest
@click.option(
    "--no-manifest", is_flag=True, help="Nothing was stripped: only set library search paths and interpreter."
)
@click.option("--no-libraries", is_flag=True, help="Only restore what was stripped.")
@click.option(
    "--library", "libraries", multiple=True, metavar="DIR", help="Folder with libraries (repeatable)."
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="SONAME",
    help="Library that may be missing; patterns are allowed (repeatable).",
)
@click.option(
    "--interpreter",
    metavar="FILE",
    show_default="that of the build's bintools",
    help="The program interpreter.",
)
@click.option(
    "--dlopen",
    multiple=True,
    metavar="PACKAGE=DIR[:DIR]",
    help="Folders from which a package opens libraries.",
)
@click.option(
    "--leave",
    multiple=True,
    metavar="ATTR",
    help="Leave the placeholders of this input in place (repeatable).",
)
@click.option(
    "--from", "source", type=click.Path(path_type=Path), metavar="DEPS", help="Create DIR from this tree."
)
@click.option(
    "--link/--copy",
    default=False,
    help="With --from: symlink the files that do not change, instead of copying them.",
)
def restore_command(
    directory: Path,
    inputs: tuple[str, ...],
    more_inputs: tuple[str, ...],
    closure: Path | None,
    store_dir: str,
    as_json: bool,
    manifest: Path | None,
    no_manifest: bool,
    no_libraries: bool,
    libraries: tuple[str, ...],
    ignore: tuple[str, ...],
    interpreter: str | None,
    dlopen: tuple[str, ...],
    leave: tuple[str, ...],
    source: Path | None,
    link: bool,
) -> None:
    """Restore the references that strip took out of DIR, and make every ELF file find its libraries."""
    import shutil

    from uvlock2nix.refs.interpreter import default_interpreter
    from uvlock2nix.refs.libraries import DEFAULT_IGNORE
    from uvlock2nix.refs.needs import RestoreOptions
    from uvlock2nix.refs.patchelf import run_codesign
    from uvlock2nix.refs.restore import Recorded, Tools, restore

    if no_manifest and manifest is not None:
        raise UsageError("--manifest and --no-manifest cannot be used together")
    if no_manifest and no_libraries:
        raise UsageError("--no-manifest and --no-libraries together leave nothing to do")
    if link and source is None:
        raise UsageError("--link needs --from", hint="pass the tree to link to")
    origin = _directory(source if source is not None else directory)
    report = restore(
        directory,
        Recorded(
            inputs_of(inputs, more_inputs, store_dir),
            None if no_manifest else manifest or origin / MANIFEST_PLACE,
            others=closure_of(closure, store_dir),
            leave=leave,
            store_dir=store_dir,
        ),
        RestoreOptions(
            libraries,
            ignore=(*DEFAULT_IGNORE, *ignore),
            interpreter=interpreter or default_interpreter(),
            dlopen=_dlopen(dlopen),
            libraries=not no_libraries,
        ),
        source=source,
        link=link,
        tools=Tools(sign=run_codesign if sys.platform == "darwin" and shutil.which("codesign") else None),
    )
    _show_restored(report, as_json=as_json)


def _show_restored(report: RestoreReport, *, as_json: bool) -> None:
    if as_json:
        show_json(
            "restore",
            {
                "changed": list(report.changed),
                "grown": list(report.grown),
                "added": [{"file": file, "entries": list(entries)} for file, entries in report.added],
                "dropped": [{"file": file, "entry": entry} for file, entry in report.dropped],
                "ignored": [{"file": file, "library": name} for file, name in report.ignored],
                "skipped": [{"file": file, "reason": why} for file, why in report.skipped],
                "left": list(report.left),
            },
        )
        return
    for file, why in report.skipped:
        warn(f"{file} is left unchanged: {why}")
    for key in report.left:
        warn(f"the placeholders of {key} are left in place")
    show(
        f"restored {len(report.changed)} files; {len(report.added)} got library search paths, "
        f"{len(report.grown)} were rewritten by patchelf"
    )


def _dlopen(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        package, equals, folders = word.partition("=")
        if not equals or not package or not folders:
            raise UsageError(f"{word!r} is not PACKAGE=DIR[:DIR]")
        found[package] = (*found.get(package, ()), *folders.split(":"))
    return found
