"""Let others judge a restored tree: auditwheel's lddtree, the loader, Python importing every module.

``python benchmarks/refs_judges.py SITE [PYTHON]`` with a Python that has auditwheel; SITE: site-packages
of the restored tree, PYTHON the one that imports its extension modules, each in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

ORPHAN = """
import importlib.util, sys
sys.path.insert(0, sys.argv[1])
__import__(sys.argv[2])
"""


def modules(site: Path) -> list[tuple[str, Path]]:
    """(dotted name, file) of each extension module for this machine."""
    found = []
    for path in sorted(site.rglob("*.so")):
        name = path.name.split(".")[0]
        parts = [*path.relative_to(site).parts[:-1], name]
        if all(part.isidentifier() for part in parts) and b"PyInit_" + name.encode() in path.read_bytes():
            found.append((".".join(parts), path))
    return found


def main(site: Path, python: str) -> None:
    lddtree = import_module("auditwheel.lddtree")
    missing: dict[str, list[str]] = {}
    trees = 0
    for path in sorted(site.rglob("*.so*")):
        if path.is_file() and path.read_bytes()[:4] == b"\x7fELF":
            trees += 1
            said = lddtree.ldd(path)
            lost = [name for name, library in said.libraries.items() if library.realpath is None]
            if lost:
                missing[str(path.relative_to(site))] = lost
    print(f"lddtree: {trees} files, {len(missing)} with libraries that are not found")
    for file, lost in missing.items():
        print(f"  {file}: {' '.join(lost)}")
    named = modules(site)
    failed = []
    for name, path in named:
        done = subprocess.run(
            [python, "-I", "-c", ORPHAN, str(site), name], capture_output=True, text=True, check=False
        )
        if done.returncode:
            failed.append((path, done.stderr.strip().splitlines()[-1] if done.stderr else done.returncode))
    print(f"import: {len(named) - len(failed)} of {len(named)} extension modules")
    for path, why in failed:
        print(f"  {path.relative_to(site)}: {why}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2] if sys.argv[2:] else sys.executable)
