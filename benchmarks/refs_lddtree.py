"""What auditwheel's lddtree does not find for a tree's ELF files: a JSON line ``[file, libraries]`` each."""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from pathlib import Path


def main(tree: Path) -> None:
    lddtree = import_module("auditwheel.lddtree")
    # The loader's own default folder: a sandbox has no /etc/ld.so.conf that could name it.
    default = {
        "conf": [str(folder) for folder in Path("/usr/lib").glob("*-linux-gnu")],
        "env": [],
        "interp": [],
    }
    for path in sorted(tree.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        with path.open("rb") as stream:
            head = stream.read(18)
        if head[:4] == b"\x7fELF" and head[16] in (2, 3):  # a program or a shared object
            said = lddtree.ldd(path, ldpaths=dict(default))
            lost = [name for name, library in said.libraries.items() if library.realpath is None]
            print(json.dumps([str(path.relative_to(tree)), lost]), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("tree", type=Path, metavar="TREE")
    main(parser.parse_args().tree)
