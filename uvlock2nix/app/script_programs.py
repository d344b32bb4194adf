"""Interpreters of scripts: programs of nixpkgs that wheels and local packages name in a shebang."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from uvlock2nix.app.remarks import listed
from uvlock2nix.dataclass import replace
from uvlock2nix.inspect.interpreters import interpreters_of_tree
from uvlock2nix.knowledge.libraries import library_names
from uvlock2nix.plan import Input, Plan


def with_programs(plan: Plan, root: Path) -> tuple[Plan, tuple[str, ...]]:
    """``plan`` with the programs that run scripts, and notes on them.

    A program that wheels name becomes an input of env; one that local packages name, of package.
    """
    wheels = [
        (system, name, program)
        for system, read in plan.read_wheels
        for name, programs in read.programs
        for program in programs
    ]
    everywhere = [one.system for one in plan.systems]
    own = [
        (system, member.name, program)
        for member in plan.members
        for program in interpreters_of_tree(root / member.path)
        for system in everywhere
    ]
    changed = replace(
        plan,
        script_programs=_with((), wheels),
        member_inputs=_with(plan.member_inputs, own),
    )
    return changed, tuple(_notes([*wheels, *own]))


def _with(inputs: Sequence[Input], needs: Sequence[tuple[str, str, str]]) -> tuple[Input, ...]:
    """``inputs`` plus those that have the programs of ``needs`` (system, package, program)."""
    found = {one.attr: one for one in inputs}
    known = library_names("interpreters")
    for system, package, program in needs:
        attr = known.get(program)
        if attr is None:
            continue
        one = found.get(attr, Input(attr, (), ()))
        packages = tuple(sorted({*one.packages, package}))
        found[attr] = replace(one, packages=packages, systems=tuple(dict.fromkeys((*one.systems, system))))
    return tuple(found[attr] for attr in sorted(found))


def _notes(needs: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    known = library_names("interpreters")
    packages: dict[str, dict[str, None]] = {}
    for _, package, program in needs:
        packages.setdefault(program, {})[package] = None
    found = {program: tuple(names) for program, names in sorted(packages.items()) if program in known}
    if found:
        shown = "; ".join(f"{known[program]} ({listed(names)})" for program, names in found.items())
        yield f"programs from nixpkgs that run scripts: {shown}"
    for program, names in sorted(packages.items()):
        if program not in known:
            yield (
                f"{listed(tuple(names))}: scripts are run by {program}, which is in no table: add the"
                f" attribute that has it to `build-inputs` under [tool.uvlock2nix.native.{next(iter(names))}]"
            )
