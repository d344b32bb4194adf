"""The result of ``classify`` for people: a table with totals, and the explanation of one package."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence

import click

from uvlock2nix.app.remarks import size_text
from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.classify.packages import CLASSES, ClassifiedPackage
from uvlock2nix.knowledge.names import former_name
from uvlock2nix.knowledge.native import NativeInputs
from uvlock2nix.knowledge.templates import template_text
from uvlock2nix.net.urls import shown_url
from uvlock2nix.printable import printable
from uvlock2nix.target import Target

_COLORS: Mapping[str, str] = {
    "nixpkgs": "blue",
    "wheel": "green",
    "sdist": "cyan",
    "sdist-native": "yellow",
    "vcs": "magenta",
    "url": "magenta",
    "path": "magenta",
}


def table(
    target: Target, packages: Sequence[ClassifiedPackage], knowledge: Knowledge, *, all_reasons: bool = False
) -> str:
    """One line per package and the totals. Control characters in hostile names are escaped.

    ``all_reasons`` adds why a package is not taken from nixpkgs.
    """
    rows = [("NAME", "VERSION", "CLASS", "SIZE", "NEEDS", "WHY")]
    rows += [_row(item, knowledge, all_reasons) for item in packages]
    widths = [min(max(len(row[i]) for row in rows), (34, 22, 12, 9, 44)[i]) for i in range(5)]
    lines = [f"{target}", ""]
    for number, row in enumerate(rows):
        cells = [
            _cell(text, width, right=i == 3) for i, (text, width) in enumerate(zip(row, widths, strict=False))
        ]
        if number == 0:
            cells = [click.style(cell, bold=True) for cell in cells]
        else:
            cells[2] = click.style(cells[2], fg=_COLORS.get(row[2]))
        lines.append("  ".join([*cells, row[5]]).rstrip())
    return "\n".join([*lines, "", *_totals(packages, knowledge), *_limits(packages, knowledge)])


def _row(
    item: ClassifiedPackage, knowledge: Knowledge, all_reasons: bool
) -> tuple[str, str, str, str, str, str]:
    more = (item.passed_over,) if all_reasons and item.passed_over else ()
    return (
        printable(item.name),
        printable(item.version or "-"),
        item.class_,
        _size_of(item, knowledge),
        _needs(item),
        printable("; ".join((*item.reasons, *more))),
    )


def _cell(text: str, width: int, *, right: bool) -> str:
    shown = text if len(text) <= width else text[: width - 1] + "…"
    return shown.rjust(width) if right else shown.ljust(width)


def _needs(item: ClassifiedPackage) -> str:
    native = item.native
    names = (
        *native.build.attributes,
        *native.run.wheel_runtime_libs,
        *native.run.dlopen,
    )
    if item.known == "unknown":
        return "unknown"
    return " ".join(dict.fromkeys(names)) or "-"


def download(item: ClassifiedPackage, knowledge: Knowledge) -> int | None:
    """The bytes to download for a package; ``None`` if the size is unknown or nothing is downloaded."""
    artifact = item.choice.artifact
    if artifact is None or item.from_nixpkgs or artifact.kind not in ("wheel", "sdist"):
        return None
    return artifact.size if artifact.size is not None else knowledge.sizes.get(item.name)


def _size_of(item: ClassifiedPackage, knowledge: Knowledge) -> str:
    count = download(item, knowledge)
    return "-" if count is None else size_text(count)


def _totals(packages: Sequence[ClassifiedPackage], knowledge: Knowledge) -> Iterator[str]:
    counts = Counter(item.class_ for item in packages)
    if not packages:
        yield "no packages in the selection; see --package, --all-packages, --extra and --group"
        return
    yield f"{len(packages)} packages: " + ", ".join(f"{counts[c]} {c}" for c in CLASSES if counts[c])
    sizes = [download(item, knowledge) for item in packages if item.is_file]
    known = [s for s in sizes if s is not None]
    if sizes:
        without = f"{len(sizes) - len(known)} without a size in the lock" if len(known) < len(sizes) else ""
        yield "to download: " + "; ".join(filter(None, (size_text(sum(known)) if known else "", without)))
    sure = Counter(item.known for item in packages if item.known)
    if sure:
        words = {
            "known": "native, known", "inspected": "native, inspected", "pure": "pure Python",
            "unknown": "unknown",
        }  # fmt: skip
        yield "built from source: " + ", ".join(f"{sure[k]} {text}" for k, text in words.items() if sure[k])
    needs = sorted({a for item in packages for a in item.native.build.attributes})
    if needs:
        yield "from nixpkgs, to build: " + " ".join(needs)


def _limits(packages: Sequence[ClassifiedPackage], knowledge: Knowledge) -> Iterator[str]:
    index = knowledge.index
    yield index.describe()
    if index.origin == "embedded":
        yield "  a snapshot; your nixpkgs may differ: `uvlock2nix index update` creates an exact index"
    unknown = [item for item in packages if item.known == "unknown"]
    if unknown:
        names = ", ".join(printable(item.name) for item in unknown[:8]) + (" …" if len(unknown) > 8 else "")
        yield f"unknown native inputs: {names}; if a build fails, add to pyproject.toml:"
        yield from proposal(printable(unknown[0].name))


def proposal(name: str) -> Iterator[str]:
    """The lines of pyproject.toml that declare what a package needs."""
    yield f"  [tool.uvlock2nix.native.{name}]"
    yield '  build-inputs = ["libfoo"]'
    yield '  native-build-inputs = ["pkg-config"]'


def explanation(item: ClassifiedPackage, packages: Sequence[ClassifiedPackage], knowledge: Knowledge) -> str:
    """Everything known about one package."""
    artifact, match = item.choice.artifact, item.nixpkgs
    lines = [f"{printable(item.name)} {printable(item.version or '(dynamic version)')}: {item.class_}"]
    said = (*item.reasons, *((item.passed_over,) if item.passed_over else ()))
    lines += [
        f"  {'' if reason.startswith('not from nixpkgs') else 'because '}{printable(reason)}"
        for reason in said
    ]
    lines.append("brought in by:")
    lines += [f"  {line}" for line in paths(item, packages)]
    if artifact is not None:
        lines.append(f"file: {printable(artifact.filename)}")
        for label, value in (("from", artifact.url or artifact.path), ("hash", artifact.hash)):
            if value:
                lines.append(f"  {label} {printable(shown_url(value))}")
        if artifact.size is not None:
            lines.append(f"  size {size_text(artifact.size)}")
    if item.choice.rejected:
        lines.append("files that are not used:")
        lines += [f"  {printable(r.filename)}: {printable(r.reason)}" for r in item.choice.rejected]
    lines += _native_lines(item.native)
    if match is not None:
        found = f"{match.attr} {match.version} ({match.match})" if match.attr else "absent"
        lines.append(f"nixpkgs: {found}; {knowledge.index.describe()}")
        if match.beside:
            lines.append(f"  a variant: nixpkgs' own packages use {printable(match.beside)}")
        if not match.usable:
            lines.append("  marked there as broken or unavailable")
    else:
        lines.append("nixpkgs: not considered, because it is the project's own")
    if item.known == "unknown":
        lines += [
            "if its build does not find a library, add to pyproject.toml:",
            *proposal(printable(item.name)),
        ]
    return "\n".join(lines)


def _native_lines(native: NativeInputs) -> Iterator[str]:
    parts = (
        ("libraries to build with", native.build.build_inputs),
        ("programs to build with", native.build.native_build_inputs),
        ("environment", tuple(f"{name}={template_text(t)}" for name, t in native.build.env)),
        ("compiler flags", native.build.cflags),
        ("backend settings", native.build.flags),
        ("undeclared build requirements", native.build.build_requires),
        ("build requirements whose pins are ignored", native.build.relax),
        ("loaded at run time", native.run.dlopen),
        ("libraries for its wheel", native.run.wheel_runtime_libs),
        ("left out because doubtful", native.origin.doubtful),
    )
    for label, values in parts:
        if values:
            yield f"{label}: " + printable(", ".join(values))
    for attr in dict.fromkeys((*native.build.attributes, *native.run.wheel_runtime_libs)):
        if (former := former_name(attr)) is not None:
            yield f"  in older nixpkgs, {attr} is {printable(former)}"
    for line in native.origin.evidence:
        yield f"  found: {printable(line)}"
    if native.origin.notes:
        yield f"note: {printable(native.origin.notes)}"
    for source in native.origin.sources:
        yield f"  source: {printable(source)}"


def paths(item: ClassifiedPackage, packages: Sequence[ClassifiedPackage]) -> list[str]:
    """A shortest path from the selection to the package, and what else requires it."""
    by_name = {p.name: p for p in packages}
    queue: deque[tuple[str, ...]] = deque([(item.name,)])
    seen = {item.name}
    way: tuple[str, ...] = (item.name,)
    while queue:
        way = queue.popleft()
        holder = by_name.get(_base(way[0]))
        askers = holder.package.requested_by if holder is not None else ()
        if holder is None or "the selection" in askers or not askers:
            break
        for asker in askers:
            if _base(asker) not in seen:
                seen.add(_base(asker))
                queue.append((asker, *way))
    lines = [printable(" → ".join(way))]
    others = [asker for asker in item.package.requested_by if len(way) < 2 or asker != way[-2]]
    if others and others != ["the selection"]:
        lines.append("also required by " + printable(", ".join(others)))
    return lines


def _base(name: str) -> str:
    return name.partition("[")[0].partition(":")[0]
