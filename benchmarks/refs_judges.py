"""Let others judge a restored tree: auditwheel's lddtree, the loader, Python importing every module.

``python benchmarks/refs_judges.py SITE [PYTHON]`` with a Python that has auditwheel; SITE: site-packages
of the restored tree, PYTHON the one that imports its extension modules.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

IMPORT = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
failed = {}
for name in sys.argv[2:]:
    try:
        importlib.import_module(name)
    except BaseException as error:
        failed[name] = f"{type(error).__name__}: {error}"
print("\\n" + json.dumps(failed))
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
    command = [python, "-I", "-B", "-c", IMPORT, str(site), *(name for name, _ in named)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the importing process ended with {done.returncode}: {done.stderr[-2000:]}")
    failed = json.loads(done.stdout.splitlines()[-1])
    print(f"import: {len(named) - len(failed)} of {len(named)} extension modules")
    for name, why in failed.items():
        print(f"  {name}: {why}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2] if sys.argv[2:] else sys.executable)
