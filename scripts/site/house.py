"""The page on how the house is built: its parts by height, what each imports, and what each module is for."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).resolve().parents[2] / "uvlock2nix"
BOX: Final = (132, 30)
GAP: Final = (14, 46)
IN_A_ROW: Final = 6
HEAD: Final = """\
# How it works

## From the lock to Nix files

```text
uv.lock, pyproject.toml
  └─ lock ──► resolve (selection, target) ──► environment
       └─ artifacts ──► the file of each package
            └─ classify (+ knowledge) ──► class, reasons, native inputs
                 └─ plan ──► emit ──► Nix files and pins
```

`generate` reads the lock and computes the *environment*: the packages that uv would install for a selection on a target. For
each package it chooses the file that uv would choose, and decides with the tables, the index of nixpkgs and inspection what
the package needs. What a build requires and the lock does not contain is resolved once, with uv, and pinned. No stage reads
what a later stage made.

## From Nix files to a package

```text
mode sync    deps = sync ──► strip ──► audit       fixed output, network
             env  = copy ──► restore ──► finish    ordinary, offline
mode files   one fetch for each file               fixed output
             one store path for each package       ordinary, offline
             env  = links ──► finish               ordinary, offline
both         package = local packages + env        ordinary, offline

update-hash  evaluate ──► one build ──► read the hash ──► write pins
```

In mode `sync`, deps is a fixed-output derivation: uv installs the packages there, packages without a wheel are compiled at
fixed paths, and every store reference is [stripped](refs.md), because Nix allows none. env is an ordinary derivation that
restores the references with today's paths, finds the libraries of every compiled file, and makes launchers and bytecode.
package builds the project's own packages on top of it. In [mode `files`](mode-files.md), ordinary derivations do all of this
and nothing has to be stripped.

The name of deps holds a digest of all that it is made from. So a changed lock is a new derivation, and never the old output
under a stale hash.

## The parts

Each box is a part of the package `uvlock2nix`; it imports from the rows below it. An arrow is an import that does not follow
from the others. The picture and the tables are made from the code.

"""


@lru_cache(maxsize=1)
def parts() -> Mapping[str, frozenset[str]]:
    """Each folder of the package → the folders that its modules import from; modules at the top are `core`."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE).parts
        if inside[0] == "__main__.py":
            continue
        name = inside[0] if len(inside) > 1 else "core"
        found.setdefault(name, set()).update(imported(path))
    return {
        name: frozenset(others & found.keys() - {name, "core"})
        for name, others in found.items()
        if name != "core"
    }


def imported(path: Path) -> Iterator[str]:
    """The parts that a module imports from, at its top or in a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("uvlock2nix"):
            words = str(node.module).split(".")
            yield words[1] if len(words) > 1 else "core"


def heights(edges: Mapping[str, frozenset[str]]) -> dict[str, int]:
    """Each part → one more than the highest that it imports from. Circles are refused.

    Raises:
        ValueError: parts import each other in a circle.
    """
    found: dict[str, int] = {}

    def height(name: str, trail: tuple[str, ...]) -> int:
        if name in trail:
            raise ValueError(" → ".join((*trail, name)))
        if name not in found:
            found[name] = 1 + max((height(one, (*trail, name)) for one in edges[name]), default=-1)
        return found[name]

    for name in edges:
        height(name, ())
    return found


def direct(edges: Mapping[str, frozenset[str]]) -> list[tuple[str, str]]:
    """The imports that do not follow from others, sorted."""

    def below(name: str) -> set[str]:
        return {two for one in edges[name] for two in (one, *below(one))}

    return sorted(
        (name, one)
        for name, others in edges.items()
        for one in others
        if not any(one in below(other) for other in others - {one})
    )


def drawing() -> str:
    """The parts as an SVG picture: rows by height, arrows downwards."""
    edges = parts()
    rows: dict[int, list[str]] = {}
    for name, height in sorted(heights(edges).items()):
        rows.setdefault(height, []).append(name)
    place: dict[str, tuple[float, float]] = {}
    width = IN_A_ROW * (BOX[0] + GAP[0]) + GAP[0]
    top = float(GAP[0])
    for height in sorted(rows, reverse=True):
        names = rows[height]
        for start in range(0, len(names), IN_A_ROW):
            line = names[start : start + IN_A_ROW]
            left = (width - len(line) * (BOX[0] + GAP[0]) + GAP[0]) / 2
            for number, name in enumerate(line):
                place[name] = (left + number * (BOX[0] + GAP[0]), top)
            top += BOX[1] + GAP[1]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top - GAP[1] + GAP[0]:.0f}" role="img" aria-label="Parts of the package and their imports" style="max-width:100%" font-size="15" font-family="system-ui, sans-serif">',
        '<g stroke="currentColor" stroke-opacity=".35" fill="none">',
    ]
    for one, two in direct(edges):
        (x1, y1), (x2, y2) = place[one], place[two]
        start_x, start_y, end_x = x1 + BOX[0] / 2, y1 + BOX[1], x2 + BOX[0] / 2
        middle = (start_y + y2) / 2
        lines.append(
            f'<path d="M{start_x:.0f} {start_y:.0f}C{start_x:.0f} {middle:.0f} {end_x:.0f} {middle:.0f} {end_x:.0f} {y2:.0f}">'
            f"<title>{escape(one)} imports {escape(two)}</title></path>"
        )
    lines.append("</g>")
    for name, (x, y) in place.items():
        lines.append(
            f"<g><title>{escape(purpose(PACKAGE / name / '__init__.py'))}</title>"
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{BOX[0]}" height="{BOX[1]}" rx="5" fill="#5277c3"/>'
            f'<text x="{x + BOX[0] / 2:.0f}" y="{y + 20:.0f}" fill="#fff" text-anchor="middle">{escape(name)}</text></g>'
        )
    return "\n".join((*lines, "</svg>"))


def purpose(path: Path) -> str:
    """The first sentence of a module."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def page() -> str:
    """The data flow, the picture, and a table of modules for each part."""
    edges = parts()
    tall = heights(edges)
    lines = [HEAD, f"<div>\n{drawing()}\n</div>\n"]
    for name in sorted(edges, key=lambda one: (-tall[one], one)):
        lines.append(f"\n### {name}\n\n{purpose(PACKAGE / name / '__init__.py')}\n")
        lines.append("| module | what it is for |\n| --- | --- |")
        for path in sorted((PACKAGE / name).rglob("*.py")):
            if path.name != "__init__.py":
                inside = ".".join(path.relative_to(PACKAGE / name).with_suffix("").parts)
                lines.append(f"| `{inside}` | {_cell(purpose(path))} |")
    lines.append("\n### Modules at the top\n\n| module | what it is for |\n| --- | --- |")
    lines += [
        f"| `{path.stem}` | {_cell(purpose(path))} |"
        for path in sorted(PACKAGE.glob("*.py"))
        if not path.name.startswith("__")
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    from scripts.site.markdown import cell

    return cell(text.replace("``", "`"))
