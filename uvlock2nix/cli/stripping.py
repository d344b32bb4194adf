"""What ``refs`` and ``sync`` do alike: strip a tree, report it, and refuse what is left."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from uvlock2nix.errors import ReferenceFoundError
from uvlock2nix.printable import printable
from uvlock2nix.refs.closure import closure_from_environment, closure_from_file
from uvlock2nix.refs.store import StorePath
from uvlock2nix.refs.stripped import MANIFEST_PLACE

if TYPE_CHECKING:
    from uvlock2nix.refs.audit import Finding

_SHOWN: Final = 50


def strip_and_prove(tree: Path, inputs: Mapping[str, str], store_dir: str) -> None:
    """Do what ``refs strip --audit`` does, in the process that made ``tree``.

    Raises:
        ReferenceFoundError: a reference is left.
        RefsError: a file cannot be changed.
    """
    closure = closure_of(None, store_dir)
    strip_tree(tree, closure, inputs, None, store_dir=store_dir, as_json=False, proves=True)


def strip_tree(
    tree: Path,
    closure: tuple[StorePath, ...],
    inputs: Mapping[str, str],
    manifest: Path | None,
    *,
    store_dir: str,
    as_json: bool,
    proves: bool,
) -> None:
    """Strip a tree, print what was stripped, and with ``proves`` refuse every reference that is left."""
    from uvlock2nix.refs.strip import strip

    report = strip(
        tree,
        store_paths=closure,
        inputs=inputs,
        manifest=manifest or tree / MANIFEST_PLACE,
        store_dir=store_dir,
    )
    for file, why in report.corrupt:
        warn(
            f"{file} is a broken ELF file ({why}) with references; it is left unchanged, and"
            " the audit will fail"
        )
    if as_json:
        show_json(
            "strip",
            {
                "files": report.files,
                "changed": list(report.changed),
                "references": [one.to_json() for one in report.references],
                "corrupt": [{"file": file, "reason": why} for file, why in report.corrupt],
            },
        )
    else:
        total = sum(one.count for one in report.references)
        keys = len({one.key for one in report.references})
        show(f"stripped {total} references to {keys} inputs in {len(report.changed)} of {report.files} files")
    if proves:
        refuse(tree, report.left)


def refuse(tree: Path, findings: tuple[Finding, ...]) -> None:
    """Raise ReferenceFoundError if there are findings."""
    if findings:
        raise ReferenceFoundError(
            "\n".join([f"{len(findings)} store references are left in {tree}:", *_lines(findings)]),
            hint="strip them with `uvlock2nix refs strip`, or keep the package from recording them",
            data={"findings": [finding.to_json() for finding in findings]},
        )


def _lines(findings: tuple[Finding, ...]) -> list[str]:
    lines = []
    for one in findings[:_SHOWN]:
        what = {"content": "offset", "symlink": "symlink target, offset", "name": "file name, offset"}[
            one.kind
        ]
        package = f" (package {printable(one.package)})" if one.package else ""
        lines.append(f"  {printable(one.file)}: {what} {one.offset}: {one.reference}{package}")
    if len(findings) > _SHOWN:
        lines.append(f"  … and {len(findings) - _SHOWN} more (all with --json)")
    return lines


def closure_of(file: Path | None, store_dir: str) -> tuple[StorePath, ...]:
    """The store paths to look for: those in ``file``, else those that the build's environment names."""
    if file is not None:
        return closure_from_file(file, store_dir=store_dir)
    return closure_from_environment(os.environ, store_dir=store_dir)


def warn(text: str) -> None:
    """Print a warning to stderr."""
    click.echo(click.style("warning:", fg="yellow", bold=True) + f" {printable(text)}", err=True)


def show(text: str) -> None:
    """Print a result."""
    click.echo(text)


def show_json(kind: str, value: dict[str, object]) -> None:
    """Print a result as JSON, with its schema."""
    click.echo(json.dumps({"schema": f"uvlock2nix/refs-{kind}/1", **value}, indent=2, sort_keys=True))
