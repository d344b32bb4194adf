"""Compute which Debian packages become which store path: `debs-SUITE.json`.

A *node* is one store path: an attribute of the table with the run-time packages of the same source, or one
Debian library package that only other nodes need. The base system (the C and C++ run time) is no node.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.stand.provision.packages import Deb, Index, upstream_version

BASE = re.compile(
    r"^(libc6|libc6-dev|libc-bin|libc-dev-bin|libc-dev|linux-libc-dev|libgcc-s1|libstdc\+\+6"
    r"|libstdc\+\+-\d+-dev|libgcc-\d+-dev|gcc-\d+-base|libcrypt-dev|base-files)$"
)
LIBRARY_SECTIONS = frozenset({"libs", "libdevel", "oldlibs"})


@dataclass(slots=True)
class Node:
    """A store path to be; `debs` are unpacked together, `deps` are the nodes that its libraries need."""

    attr: str
    version: str
    debs: list[Deb]
    deps: list[str] = field(default_factory=list)
    propagate: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=lambda: ["out", "dev"])


def is_library(deb: Deb) -> bool:
    return deb.section in LIBRARY_SECTIONS and not BASE.match(deb.name)


class Grouping:
    """Builds the nodes; one instance per suite."""

    def __init__(self, index: Index, table: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        self.index = index
        self.table = table
        self.nodes: dict[str, Node] = {}
        self.owner: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.missing: dict[str, list[str]] = {}
        self.cut: list[str] = []

    def depends(self, deb: Deb) -> list[Deb]:
        """The library packages that `deb` names as dependencies."""
        chosen = (self.index.choose(group, self.owner) for group in deb.depends)
        return [other for other in chosen if other is not None and is_library(other)]

    def own(self, attr: str, names: Sequence[str]) -> None:
        """Make the node of one attribute: its packages and the run-time packages of the same source."""
        listed = [deb for name in names if (deb := self.index.choose((name,))) is not None]
        if not listed:
            self.missing[attr] = list(names)
            return
        free = [deb for deb in listed if deb.name not in self.owner]
        if not free:
            self.aliases[attr] = self.owner[listed[0].name]
            return
        sources = {deb.source for deb in free}
        members: dict[str, Deb] = {}
        waiting = list(free)
        while waiting:
            deb = waiting.pop(0)
            if deb.name in members or deb.name in self.owner:
                continue
            members[deb.name] = deb
            waiting += [other for other in self.depends(deb) if other.source in sources]
        for name in members:
            self.owner[name] = attr
        node = Node(attr, upstream_version(free[0].version), list(members.values()))
        outputs = self.table["outputs"].get(attr)
        if outputs:
            node.outputs = list(outputs)
        self.nodes[attr] = node

    def node_of(self, deb: Deb) -> str:
        """The node that holds `deb`; made on the spot when no attribute owns it."""
        if deb.name not in self.owner:
            self.owner[deb.name] = f"deb:{deb.name}"
            self.nodes[f"deb:{deb.name}"] = Node(f"deb:{deb.name}", upstream_version(deb.version), [deb])
        return self.owner[deb.name]

    def connect(self) -> None:
        """Fill in the edges, discovering nodes for single packages on the way."""
        done: set[str] = set()
        while waiting := [name for name in self.nodes if name not in done]:
            for name in waiting:
                done.add(name)
                node = self.nodes[name]
                left_out = self.table.get("without", {}).get(name, ())
                wished = [] if name.startswith("python:") else self.table["propagate"].get(name)
                deps: dict[str, None] = {}
                headers: dict[str, None] = {}
                for deb in node.debs:
                    for other in self.depends(deb):
                        if other.name in left_out:
                            continue
                        with_headers = deb.section == "libdevel" and other.section == "libdevel"
                        if with_headers and wished is not None and other.name not in self.owner:
                            continue
                        target = self.node_of(other)
                        if target == name:
                            continue
                        deps[target] = None
                        if with_headers:
                            headers[target] = None
                node.propagate = list(headers) if wished is None else [w for w in wished if w in self.nodes]
                node.deps = sorted({*deps, *node.propagate})

    def cut_cycles(self) -> None:
        """Nix needs a graph without cycles: drop the edge that closes one and write it down."""
        state: dict[str, int] = {}

        def visit(name: str) -> None:
            state[name] = 1
            for target in list(self.nodes[name].deps):
                if state.get(target) == 1:
                    node = self.nodes[name]
                    node.deps.remove(target)
                    node.propagate = [other for other in node.propagate if other != target]
                    self.cut.append(f"{name} -> {target}")
                elif target not in state:
                    visit(target)
            state[name] = 2

        for name in sorted(self.nodes):
            if name not in state:
                visit(name)


def python_minors(index: Index) -> list[str]:
    """The CPython minors that the suite has with headers, oldest first."""
    names = (re.fullmatch(r"python3\.(\d+)-dev", name) for name in index.debs)
    return [f"3.{minor}" for minor in sorted(int(match[1]) for match in names if match)]


def python_packages(minor: str) -> list[str]:
    names = [f"python{minor}", f"python{minor}-minimal", f"python{minor}-dev", f"libpython{minor}-dev"]
    names += [
        f"libpython{minor}-stdlib",
        f"libpython{minor}-minimal",
        f"libpython{minor}",
        f"libpython{minor}t64",
    ]
    return [*names, *(["python3-distutils", "python3-lib2to3"] if int(minor[2:]) < 12 else [])]


def make_lock(
    index: Index, table: Mapping[str, Mapping[str, Sequence[str]]], *, suite: str, mirror: str
) -> dict[str, object]:
    """The lock as JSON data. `table` is libraries.json without its notes."""
    grouping = Grouping(index, table)
    minors = python_minors(index)
    for minor in minors:
        grouping.own(f"python:{minor}", [name for name in python_packages(minor) if name in index.debs])
        grouping.nodes[f"python:{minor}"].outputs = ["out"]
    for attr, names in (*table["tools"].items(), *table["debian"].items()):
        grouping.own(attr, names)
    grouping.connect()
    grouping.cut_cycles()
    nodes = {
        name: {
            "version": node.version,
            "deps": node.deps,
            "propagate": node.propagate,
            "outputs": node.outputs,
            "debs": [
                {
                    "name": deb.name,
                    "version": deb.version,
                    "url": f"{mirror}/{deb.filename}",
                    "sha256": deb.sha256,
                }
                for deb in node.debs
            ],
        }
        for name, node in grouping.nodes.items()
    }
    return {
        "suite": suite,
        "pythons": minors,
        "nodes": nodes,
        "aliases": grouping.aliases,
        "missing": grouping.missing,
        "cut": grouping.cut,
    }
