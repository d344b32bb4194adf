"""Import every extension module of a tree: ``SITE SECONDS``, a JSON line ``[name, what went wrong]`` each.

Needs nothing but the interpreter, so that it runs in a sandbox too. A package is imported once; each of its
extension modules then in a fork of that process, which may crash or hang alone.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
from pathlib import Path


def modules(site: Path) -> list[tuple[str, Path]]:
    """(dotted name, file) of each extension module: it defines the function that an import calls."""
    found = []
    for path in sorted(site.rglob("*.so")):
        name = path.name.split(".")[0]
        parts = [*path.relative_to(site).parts[:-1], name]
        if all(part.isidentifier() for part in parts) and b"PyInit_" + name.encode() in path.read_bytes():
            found.append((".".join(parts), path))
    return found


def attempt(name: str, path: Path) -> str:
    """Import the module; what goes wrong, "" when nothing does.

    Some are loaded by their package, and cannot be imported by themselves.
    """
    there = False
    try:
        importlib.import_module(name.rpartition(".")[0] or name)
        there = is_loaded(path)
        file = getattr(importlib.import_module(name), "__file__", None)
    except BaseException as error:
        return "" if there else f"{type(error).__name__}: {error}"
    if file is None or not path.samefile(file):
        return f"the module of that name is {file}"
    return ""


def is_loaded(path: Path) -> bool:
    maps = Path("/proc/self/maps")
    return maps.exists() and f" {path}\n" in maps.read_text()


def in_a_fork(name: str, path: Path, seconds: int) -> str:
    """What goes wrong when a child of this process imports the module."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(seconds)
        os.dup2(2, 1)
        os.write(writer, attempt(name, path).encode()[:4000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8", errors="replace") as stream:
        why = stream.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return why or (f"ended with {code}" if code else "")


def main(site: Path, seconds: int) -> None:
    sys.path.insert(0, str(site))
    sys.dont_write_bytecode = True
    groups: dict[str, list[tuple[str, Path]]] = {}
    for name, path in modules(site):
        groups.setdefault(name.split(".")[0], []).append((name, path))
    for package, members in groups.items():
        child = os.fork()
        if child == 0:
            signal.alarm(seconds)
            try:
                importlib.import_module(package)
            except BaseException as error:
                print(f"{package}: {error}", file=sys.stderr)
            signal.alarm(0)
            for name, path in members:
                print(json.dumps([name, in_a_fork(name, path, seconds)]), flush=True)
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("site", type=Path, metavar="SITE")
    parser.add_argument("seconds", type=int, metavar="SECONDS")
    asked = parser.parse_args()
    main(asked.site.resolve(), asked.seconds)
