"""Interpreters of scripts: programs of nixpkgs that wheels and local packages name in a shebang.

What ``generate`` does not read (pure wheels, sdists) is in the log of the build of deps, which installs
everything; ``update-hash`` writes it into the pins and env.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from uvlock2nix.app.remarks import listed
from uvlock2nix.app.wheel_libraries import wheels_digest
from uvlock2nix.inspect.interpreters import interpreters_of_tree
from uvlock2nix.key import is_built, is_member
from uvlock2nix.knowledge.libraries import library_names
from uvlock2nix.plan import Input, Plan
from uvlock2nix.regex import regex
from uvlock2nix.wheel_pins import WheelNeeds

# As sync says it. A builder prints what it likes, so no more than this is taken from it.
_LINE: Final = regex(r"uvlock2nix: scripts are run by: (?P<words>[\x20-\x7e]{1,20000})\Z")
_WORD: Final = regex(
    r"(?P<name>[a-z0-9][a-z0-9-]{0,200})=(?P<programs>[A-Za-z0-9._+-]{1,100}(,[A-Za-z0-9._+-]{1,100}){0,9})\Z"
)

Programs = Mapping[str, tuple[str, ...]]
"""Package → the programs that run its scripts and that no package brings."""


def read_programs(lines: Iterable[str]) -> Programs | None:
    """What a log of deps says about scripts; None where it says nothing."""
    found = next((match for line in lines if (match := _LINE.search(line.rstrip()))), None)
    if found is None:
        return None
    words = (_WORD.match(word) for word in found["words"].split())
    return {word["name"]: tuple(word["programs"].split(",")) for word in words if word is not None}


def with_read_programs(plan: Plan, read: Mapping[str, Programs], *, whole: bool) -> Plan:
    """``plan`` with what was read for some systems; ``whole``: it is about all packages."""
    needs = dict(plan.read_wheels)
    for system, programs in read.items():
        before = needs.get(system, WheelNeeds(wheels_digest(())))
        found = programs if whole else {**dict(before.programs), **programs}
        if found or system in needs:
            needs[system] = before._replace(programs=tuple(sorted(found.items())))
    return plan._replace(read_wheels=tuple(sorted(needs.items())))


def carried(now: WheelNeeds | None, recorded: WheelNeeds | None, names: Collection[str]) -> WheelNeeds | None:
    """What was read ``now``, with what was recorded of the programs of further packages (``names``)."""
    programs = {
        **(dict(recorded.programs) if recorded is not None else {}),
        **(dict(now.programs) if now is not None else {}),
    }
    kept = tuple((name, programs[name]) for name in sorted(programs) if name in names)
    if now is None and not kept:
        return None
    return (now if now is not None else WheelNeeds(wheels_digest(())))._replace(programs=kept)


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
    changed = plan._replace(
        script_programs=_with((), wheels),
        member_inputs=_with(plan.member_inputs, own),
    )
    settled = _settled(plan)
    needs = [
        one for one in (*wheels, *own) if one[1] not in settled or one[2] in library_names("interpreters")
    ]
    return changed, tuple(_notes(needs, {member.name for member in plan.members}))


def _settled(plan: Plan) -> set[str]:
    """The packages for which the user names inputs, as the note on an unknown program asks for."""
    return {
        one.name
        for system in plan.systems
        for one in system.classes
        if (one.native.origin.provenance == "user" or not is_built(one))
        and ("build_inputs" if is_member(one) else "dlopen") in one.native.origin.given
    }


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
        found[attr] = one._replace(packages=packages, systems=tuple(dict.fromkeys((*one.systems, system))))
    return tuple(found[attr] for attr in sorted(found))


def _notes(needs: Sequence[tuple[str, str, str]], own: Collection[str]) -> Iterator[str]:
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
            owner = next(iter(names))
            # An input of package, or of env.
            key = "build-inputs" if owner in own else "dlopen"
            line = f'{key} = ["{program}"], or whatever attribute has it,'
            yield (
                f"{listed(tuple(names))}: scripts are run by {program}, which is in no table: set {line}"
                f" under [tool.uvlock2nix.native.{owner}]"
            )
