"""Make the tree that the benchmarks of refs use: a virtual environment with store references put in.

``python -m benchmarks.refs_tree VENV OUT``: copies VENV (about 1.4 GB: ``uv pip install numpy scipy pandas
scikit-learn matplotlib pyarrow opencv-python-headless`` and torch for the CPU) and puts 19 store paths into
60 text files and 40 search paths, with patchelf. Deterministic. Prints what the tree holds.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
from pathlib import Path

from uvlock2nix.refs.store import ALPHABET, StorePath

NAMES = (  # noqa: SIM905
    "libxml2-2.13.8 libxml2-2.13.8-dev libxslt-1.1.43 zlib-1.3.1 zlib-1.3.1-dev openssl-3.4.1 "
    "postgresql-17.4-lib xmlsec-1.3.7 krb5-1.21.3-lib libffi-3.4.8 libjpeg-turbo-3.0.4 lz4-1.10.0-lib "
    "gcc-14.2.1-lib glibc-2.40-66 python3-3.12.10 bash-5.2p37 gcc-wrapper-14.2.1 uv-0.7.2 "
    "python-deps-0123abc"
).split()


def store_path(name: str, seed: str = "1") -> StorePath:
    """A store path of that name; its hash depends on ``seed`` and name only."""
    value = int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest(), "big")
    return StorePath(hash=bytes(ALPHABET[value >> 5 * i & 31] for i in range(32)).decode(), name=name)


PATHS = tuple(store_path(name) for name in NAMES)


def make_tree(venv: Path, tree: Path) -> None:
    """Copy ``venv`` to ``tree`` and put the references in."""
    shutil.copytree(venv, tree, symlinks=True)
    files = sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    texts = [path for path in files if path.suffix == ".py" and path.stat().st_size > 2000]
    for number, path in enumerate(texts[:: len(texts) // 60][:60]):
        lines = [f"# {number} /nix/store/{PATHS[(number + i) % 19].base}/lib\n" for i in range(3)]
        path.write_bytes("".join(lines).encode() + path.read_bytes())
    objects = [path for path in files if ".so" in path.name and path.read_bytes()[:4] == b"\x7fELF"]
    small = [path for path in objects if path.stat().st_size < 50_000_000]
    for number, path in enumerate(small[:: len(small) // 40][:40]):
        command = ["patchelf", "--print-rpath", str(path)]
        shown = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        entries = [f"/nix/store/{PATHS[(number + i) % 19].base}/lib" for i in range(3)]
        entries += [shown.stdout.strip()] if shown.stdout.strip() else []
        # DT_RPATH holds for what a library needs in turn, DT_RUNPATH does not: what it was, it stays.
        dynamic = subprocess.run(["readelf", "-dW", path], stdout=subprocess.PIPE, text=True, check=True)
        force = ["--force-rpath"] if "(RPATH)" in dynamic.stdout else []
        subprocess.run(["patchelf", *force, "--set-rpath", ":".join(entries), path], check=True)
    size = sum(path.stat().st_size for path in files) >> 20
    print(f"{tree}: {len(files)} files, {len(objects)} ELF, {size} MiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("venv", type=Path, metavar="VENV")
    parser.add_argument("tree", type=Path, metavar="OUT")
    asked = parser.parse_args()
    make_tree(asked.venv.resolve(), asked.tree)
