"""The result of ``classify`` as one self-contained page: a treemap of the downloads, and the table.

No script and no outside resource: the page's own content security policy forbids both, so a hostile name in
a lock stays text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from uvlock2nix.app.remarks import size_text
from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.classify.packages import CLASSES, Class, ClassifiedPackage
from uvlock2nix.cli.classify_text import download
from uvlock2nix.printable import printable
from uvlock2nix.target import Target

WIDTH: Final = 1200.0
HEIGHT: Final = 560.0

# Distinguishable with colour blindness too (after Okabe and Ito); dark text is readable on all of them.
COLORS: Final[dict[Class, str]] = {
    "nixpkgs": "#7ab8e6",
    "wheel": "#8fd3b6",
    "sdist": "#f0e68c",
    "sdist-native": "#f2a65a",
    "vcs": "#d9a6d0",
    "url": "#e8c3e1",
    "path": "#c9c9c9",
    "workspace": "#e0e0e0",
}

_STYLE: Final = """
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { margin: 1.5rem auto; max-width: 1240px; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 .2rem; } h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; }
svg { width: 100%; height: auto; display: block; }
svg rect { stroke: Canvas; stroke-width: 1.5; }
svg text { fill: #111; font-size: 13px; pointer-events: none; }
.legend span { display: inline-block; padding: 0 .5rem; margin: 0 .4rem .3rem 0; }
.legend span, td.c span { color: #111; border-radius: 3px; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #8884; vertical-align: top; }
td.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.c span { padding: 0 .4rem; border-radius: 3px; color: #111; white-space: nowrap; }
td.w { min-width: 22rem; overflow-wrap: anywhere; } small { opacity: .75; }
"""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the treemap and the index of what it stands for."""

    index: int
    x: float
    y: float
    width: float
    height: float


def page(target: Target, packages: Sequence[ClassifiedPackage], knowledge: Knowledge) -> str:
    """Render the whole page. Packages without a size in the lock are in the table only, and counted."""
    title = f"{len(packages)} packages on {target}"
    return "".join((
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; ",
        "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n",
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        f"<title>{_text(title)}</title>\n<style>{_STYLE}</style></head>\n<body>\n",
        f"<h1>{_text(title)}</h1>\n<p><small>{_text(knowledge.index.describe())}</small></p>\n",
        *_legend(packages),
        "<h2>What is downloaded</h2>\n",
        *_map(packages, knowledge),
        "<h2>Packages</h2>\n",
        *_table(packages, knowledge),
        "</body></html>\n",
    ))  # fmt: skip


def _legend(packages: Sequence[ClassifiedPackage]) -> Iterator[str]:
    counts = Counter(item.class_ for item in packages)
    yield '<p class="legend">'
    for class_ in CLASSES:
        if counts[class_]:
            yield f'<span style="background:{COLORS[class_]}">{counts[class_]} {class_}</span>'
    yield "</p>\n"


def _map(packages: Sequence[ClassifiedPackage], knowledge: Knowledge) -> Iterator[str]:
    sized = [(count, item) for item in packages if (count := download(item, knowledge))]
    sized.sort(key=lambda pair: (-pair[0], pair[1].name))
    without = sum(item.is_file and download(item, knowledge) is None for item in packages)
    total = sum(count for count, _ in sized)
    if not sized:
        yield "<p>The lock has no sizes, so there is no map.</p>\n"
        return
    note = f"; {without} without a size in the lock" if without else ""
    yield f"<p>{size_text(total)} in {len(sized)} files{note}.</p>\n"
    yield f'<svg viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" aria-label="Download sizes">\n'
    for box in squarify([count for count, _ in sized], WIDTH, HEIGHT):
        count, item = sized[box.index]
        label = f"{item.name} {item.version or ''}"
        tip = f"{label}: {size_text(count)}, {item.class_}"
        yield f'<g><title>{_text(tip)}</title><rect x="{box.x:.1f}" y="{box.y:.1f}" '
        yield f'width="{box.width:.1f}" height="{box.height:.1f}" fill="{COLORS[item.class_]}"/>'
        room = int((box.width - 8) / 7.2)
        if box.height > 18 and room >= min(len(item.name), 5):
            shown = item.name if len(item.name) <= room else item.name[: room - 1] + "…"
            yield f'<text x="{box.x + 5:.1f}" y="{box.y + 15:.1f}">{_text(shown)}</text>'
            if box.height > 36 and box.width > 60:
                yield f'<text x="{box.x + 5:.1f}" y="{box.y + 31:.1f}">{size_text(count)}</text>'
        yield "</g>\n"
    yield "</svg>\n"


def squarify(sizes: Sequence[int], width: float, height: float) -> list[Box]:
    """A squarified treemap: nearly square boxes with areas in proportion to ``sizes`` (positive, descending).

    See Bruls, Huizing, van Wijk, "Squarified Treemaps" (2000), https://doi.org/10.1007/978-3-7091-6783-0_4.
    """
    total = sum(sizes)
    if total <= 0:
        return []
    scale = width * height / total
    areas = [count * scale for count in sizes]
    boxes: list[Box] = []
    x, y, position = 0.0, 0.0, 0
    while position < len(areas):
        side = min(width, height)
        end = position + 1
        while end < len(areas) and _worst(areas[position : end + 1], side) <= _worst(
            areas[position:end], side
        ):
            end += 1
        row = areas[position:end]
        depth = sum(row) / side if side > 0 else 0.0
        offset = 0.0
        for number, area in enumerate(row, position):
            length = area / depth if depth > 0 else 0.0
            if width >= height:
                boxes.append(Box(number, x, y + offset, depth, length))
            else:
                boxes.append(Box(number, x + offset, y, length, depth))
            offset += length
        if width >= height:
            x, width = x + depth, max(width - depth, 0.0)
        else:
            y, height = y + depth, max(height - depth, 0.0)
        position = end
    return boxes


def _worst(row: Sequence[float], side: float) -> float:
    """The worst aspect ratio in a row of areas laid out along ``side``."""
    total = sum(row)
    if side <= 0 or total <= 0:
        return 1.0
    return max(side * side * max(row) / (total * total), total * total / (side * side * min(row)))


def _table(packages: Sequence[ClassifiedPackage], knowledge: Knowledge) -> Iterator[str]:
    yield '<div class="wide"><table><thead><tr><th>Name<th>Version<th>Class<th>Size<th>Needs<th>Why'
    yield "</tr></thead><tbody>\n"
    for item in packages:
        native = item.native
        needs = dict.fromkeys(
            (
                *native.build.attributes,
                *native.run.wheel_runtime_libs,
                *native.run.dlopen,
            )
        )
        count = download(item, knowledge)
        shown = "unknown" if item.known == "unknown" else " ".join(needs)
        yield f"<tr><td>{_text(item.name)}<td>{_text(item.version or '')}"
        tip = f' title="{_text(item.passed_over)}"' if item.passed_over else ""
        yield f'<td class="c"><span style="background:{COLORS[item.class_]}"{tip}>{item.class_}</span>'
        yield f'<td class="n">{size_text(count) if count is not None else ""}<td>{_text(shown)}'
        yield f'<td class="w">{_text("; ".join(item.reasons))}</tr>\n'
    yield "</tbody></table></div>\n"


def _text(text: str) -> str:
    return escape(printable(text), quote=True)
