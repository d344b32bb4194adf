"""What ``verify --tree`` prints."""

from __future__ import annotations

import json
from typing import Final

from uvlock2nix.app.verify_tree import TreeResult
from uvlock2nix.printable import printable

SCHEMA: Final = "uvlock2nix/verify-tree/1"
# What `proof` in the manifest means, in words.
PROOFS: Final = {
    "lock": "the lock's hash, checked before the file was read",
    "commit": "the git commit, which is a hash of its content",
    "fetch": "the hash in the pins, checked by Nix when it fetched the file",
    "deps": "nothing of its own: only the hash of deps covers it",
    "none": "nothing: it is a file of the project without a hash in the lock",
    "": "nothing recorded in the manifest",
}


def as_json(result: TreeResult) -> str:
    """The result for programs, following docs/schema/verify-tree-1.json."""
    value = {
        "schema": SCHEMA,
        "tree": str(result.tree),
        "system": result.system,
        "python": result.python,
        "pinned": result.pinned,
        "packages": [
            {
                "name": one.name,
                "version": one.version,
                "file": one.filename,
                "source": one.source,
                "hash": one.hash or None,
                "proof": one.proof or None,
                "files": one.files,
            }
            for one in result.packages
        ],
        "problems": list(result.problems),
    }
    return json.dumps(value, indent=2, sort_keys=True)


def as_text(result: TreeResult) -> str:
    """The result for people: a line per package, what the proofs mean, and the problems."""
    for_what = f"Python {result.python}" + (f", {result.system}" if result.system else "")
    lines = [f"{printable(str(result.tree))} ({for_what})"]
    rows = [("PACKAGE", "VERSION", "FILES", "PROOF", "SOURCE")]
    rows += [
        (one.name, one.version, str(one.files), one.proof or "-", printable(one.source or "-"))
        for one in result.packages
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = [f"{cell:{width}}" for cell, width in zip(row[:4], widths, strict=True)]
        lines.append("  ".join([*cells, row[4]]).rstrip())
    lines.append("")
    lines += [f"{proof or '-'}: {PROOFS[proof]}" for proof in sorted({one.proof for one in result.packages})]
    if result.pinned:
        lines.append("the hash of the whole tree is the one in the pins")
    lines += [f"not in order: {printable(one)}" for one in result.problems]
    return "\n".join(lines)
