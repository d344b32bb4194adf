"""Which packages of an environment may come from nixpkgs: decided on the graph.

A nixpkgs package propagates its own dependencies, and two versions of a package on one path break an
environment. So a package is taken only together with everything that it needs, and a version other than the
locked one only if everything that needs it is known to accept it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from uvlock2nix.nixpkgs_index.model import NixpkgsMatch, compatible_version

FromNixpkgs: TypeAlias = Literal["none", "native", "same", "compatible"]

INSISTED: Final = "[tool.uvlock2nix.nixpkgs] any-version takes it"
_STAYS: Final = ", which is taken from the lock: "


class Node(NamedTuple):
    """A package of the environment, for this decision.

    ``needs`` are the names of its dependencies (without those of extras, which nixpkgs does not propagate).
    ``needed_by`` maps dependents to their specifiers, ``None`` if unknown. ``bounds`` are (origin, specifier)
    pairs that always apply. ``barred`` is why the package can never come from nixpkgs (``""`` if it can).
    ``compiled`` is true if it would otherwise be compiled with native libraries.
    """

    name: str
    version: str | None
    match: NixpkgsMatch
    needs: tuple[str, ...] = ()
    needed_by: Mapping[str, str | None] | None = None
    barred: str = ""
    compiled: bool = False
    bounds: tuple[tuple[str, str], ...] = ()


class Decision(NamedTuple):
    """The decision on each package, by name, in one of three mappings.

    ``taken``: why it comes from nixpkgs; ``refused``: what prevents a requested one; ``passed``: why the
    policy does not request it. ``insisted``: packages in ``taken`` whose version was not checked.
    """

    taken: Mapping[str, str]
    refused: Mapping[str, str]
    passed: Mapping[str, str]
    insisted: frozenset[str] = frozenset()


def decide(
    nodes: Mapping[str, Node],
    policy: FromNixpkgs,
    allow: Collection[str] = (),
    deny: Collection[str] = (),
    any_version: Collection[str] = (),
) -> Decision:
    """Choose the packages that come from nixpkgs.

    ``allow`` are packages wanted from nixpkgs whatever the policy (the same or a compatible version);
    ``deny`` are never taken. ``any_version`` are taken in nixpkgs' version, with what they need, without a
    check whether it fits.
    """
    insisted = _insisted(nodes, any_version)
    wanted = {
        name: why for name, node in nodes.items() if (why := _wanted(node, policy, name in allow)) is not None
    } | insisted
    loose = policy == "compatible"
    blocked = {
        name: why
        for name, node in nodes.items()
        if name not in insisted and (why := _obstacle(node, name in deny, loose=loose or name in allow))
    }
    blocked |= {
        name: why
        for name, node in nodes.items()
        if name not in blocked and name not in insisted and (why := _beside(node, nodes))
    }
    # Each round only removes packages, so this ends, in practice after two or three rounds.
    while True:
        blocked = _spread(nodes, blocked, insisted)
        taken = _closure(nodes, {name: why for name, why in wanted.items() if name not in blocked}, insisted)
        unvouched = {
            name: why for name in taken if name not in insisted and (why := _unvouched(nodes[name], taken))
        }
        if not unvouched:
            refused = {name: blocked[name] for name in (*wanted, *any_version) if name in blocked}
            rest = (node for name, node in nodes.items() if name not in taken and name not in refused)
            passed = {node.name: _passed(node, policy, node.name in deny) for node in rest}
            return Decision(taken, refused, passed, frozenset(insisted))
        blocked |= unvouched


def _insisted(nodes: Mapping[str, Node], any_version: Collection[str]) -> dict[str, str]:
    """The packages of ``any_version`` that nixpkgs has, with everything they need, and why each is taken.

    Their dependencies come from nixpkgs too, in any version. What nixpkgs does not have is left out if no
    other package needs it, or if ``any_version`` names it: nixpkgs' package works without it.
    """
    found = {name: INSISTED for name in any_version if name in nodes and _is_there(nodes[name])}
    reached = set(found)
    queue = deque(sorted(found))
    while queue:
        needs = {need for need in nodes[queue.popleft()].needs if need in nodes} - reached
        reached |= needs
        queue.extend(sorted(needs))
    above = {name: sorted(one for one in reached if name in nodes[one].needs) for name in reached}
    for name in sorted(reached - found.keys()):
        if _is_there(nodes[name]):
            found[name] = f"nixpkgs' package of {', '.join(above[name])} includes its own"
    lost = reached - found.keys()
    while kept := {name for name in lost if _is_needed(nodes[name], nodes, {*found, *lost}, any_version)}:
        lost -= kept
    return found | {
        name: f"left out: nixpkgs' package of {', '.join(above[name])} does not need it" for name in lost
    }


def _is_there(node: Node) -> bool:
    return not node.barred and node.match.match != "absent" and node.match.usable


def _is_needed(
    node: Node, nodes: Mapping[str, Node], gone: Collection[str], any_version: Collection[str]
) -> bool:
    """Whether a package outside ``gone`` needs a package that the user has not named."""
    if node.name in any_version:
        return False
    direct = {name for name, other in nodes.items() if node.name in other.needs}
    return not direct | set(node.needed_by or ()) <= set(gone)


def _closure(
    nodes: Mapping[str, Node], wanted: Mapping[str, str], insisted: Collection[str]
) -> dict[str, str]:
    """The wanted packages with everything that they propagate; insisted ones include their own."""
    taken = dict(wanted)
    queue = deque(taken)
    while queue:
        name = queue.popleft()
        for need in nodes[name].needs if name not in insisted else ():
            if need in nodes and need not in taken:
                taken[need] = f"nixpkgs' {name} depends on it"
                queue.append(need)
    return taken


def _wanted(node: Node, policy: FromNixpkgs, allowed: bool) -> str | None:
    """Why the policy requests this package from nixpkgs; ``None`` if it does not."""
    if node.match.match == "absent":
        return None
    same = node.match.match == "same"
    if allowed:
        return "allowed by [tool.uvlock2nix.nixpkgs]"
    match policy:
        case "none":
            return None
        case "native":
            return "compiled with native libraries, and nixpkgs has this version" if node.compiled else None
        case "same":
            return "nixpkgs has this version" if same else None
        case "compatible":
            if same:
                return "nixpkgs has this version"
            return (
                f"nixpkgs has {node.match.version}, which can replace {node.version}"
                if _stands(node)
                else None
            )


def _passed(node: Node, policy: FromNixpkgs, denied: bool) -> str:
    """Why the policy does not request this package."""
    if node.match.match == "same":
        if (obstacle := _obstacle(node, denied, loose=True)) or policy in ("same", "compatible"):
            return obstacle
        only = "nothing" if policy == "none" else "only what would be compiled with native libraries"
        return f"nixpkgs has this version; the level `{policy}` takes {only}"
    if node.match.match == "differs" and not node.barred and not denied and _stands(node):
        found = f"nixpkgs has {_called(node)} {node.match.version}, newer than the lock's {node.version}"
        return _outside(node) or f"{found}: only the level `compatible` accepts a different version"
    return _obstacle(node, denied, loose=True)


def _called(node: Node) -> str:
    """The package's name; of a variant, its attribute."""
    return node.match.attr or node.name if node.match.beside else node.name


def _stands(node: Node) -> bool:
    have, want = node.match.version, node.version
    return have is not None and want is not None and compatible_version(have, want)


def _obstacle(node: Node, denied: bool, *, loose: bool) -> str:
    """Why this package itself cannot come from nixpkgs; ``""`` if it can."""
    if node.barred:
        return node.barred
    if denied:
        return f"{node.name} is denied by [tool.uvlock2nix.nixpkgs]"
    if node.match.match == "absent":
        return f"nixpkgs has no {node.name}"
    if not node.match.usable:
        return f"nixpkgs marks {node.match.attr} as broken or unavailable"
    if node.match.match == "same":
        return ""
    if not (loose and _stands(node)):
        return f"nixpkgs has {_called(node)} {node.match.version}, the lock {node.version}"
    return _outside(node)


def _beside(node: Node, nodes: Mapping[str, Node]) -> str:
    """Why a dependency conflicts with the version that nixpkgs' own packages propagate, or ``""``."""
    for need in node.needs:
        if need in nodes and need != node.name and (beside := nodes[need].match.beside):
            return f"it needs {need}, and nixpkgs' packages include {beside}, not {nodes[need].match.attr}"
    return ""


def _outside(node: Node) -> str:
    """Which bound nixpkgs' version of this package violates; ``""`` if none."""
    have = node.match.version or ""
    for who, specifier in node.bounds:
        if not _admits(specifier, have):
            return f"nixpkgs has {node.name} {have}, and {who} ask for {node.name}{specifier}"
    return ""


def _spread(
    nodes: Mapping[str, Node], blocked: Mapping[str, str], insisted: Collection[str]
) -> dict[str, str]:
    """The blocked packages and everything that needs one of them, each with its cause."""
    dependents: dict[str, list[str]] = {}
    for node in nodes.values():
        for need in node.needs:
            dependents.setdefault(need, []).append(node.name)
    result = dict(blocked)
    queue = deque(blocked)
    while queue:
        name = queue.popleft()
        cause = result[name].rpartition(_STAYS)[2]
        for dependent in dependents.get(name, ()):
            if dependent not in result and dependent not in insisted:
                result[dependent] = f"it needs {name}{_STAYS}{cause}"
                queue.append(dependent)
    return result


def _unvouched(node: Node, taken: Mapping[str, str]) -> str:
    """Why nixpkgs' different version of this package may break a dependent from the lock."""
    have = node.match.version
    if node.match.match != "differs" or have is None:
        return ""
    for dependent, specifier in (node.needed_by or {}).items():
        if dependent in taken:
            continue
        if specifier is None:
            return f"nixpkgs has {node.name} {have}, and {dependent} from the lock may need {node.version}"
        if not _admits(specifier, have):
            return f"nixpkgs has {node.name} {have}, and {dependent} needs {node.name}{specifier}"
    return ""


def _admits(specifier: str, version: str) -> bool:
    try:
        return SpecifierSet(specifier).contains(Version(version), prereleases=True)
    except ValueError:  # invalid, or numbers with thousands of digits
        return False
