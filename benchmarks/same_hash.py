"""The hash of what ``uvlock2nix sync`` makes of one lock, with several uvs and Pythons of one minor version.

``python -m benchmarks.same_hash PROJECT [PYTHON…]``: PROJECT has wheels only. Each uv is a wheel from the
index, in a virtual environment of its own. Ends with 1 when two hashes are not the same.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from uvlock2nix.nar import nar_hash

UVS = ("0.6.17", "0.7.22", "0.8.24", "0.9.30", "0.11.8", "0.12.5", "0.13.8")
NEWER = "2025-06-01T00:00:00Z"


def output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def install_uv(version: str, place: Path) -> str:
    """Another uv; its program."""
    uv = Path(sys.executable).with_name("uv")
    output(uv, "venv", "--quiet", "--python", sys.executable, place)
    output(uv, "pip", "install", "--quiet", "--python", place / "bin" / "python", f"uv=={version}")
    return str(place / "bin" / "uv")


def sync(project: Path, uv: str, python: Path, place: Path) -> str:
    """The hash, in Nix's spelling, of the tree that ``sync`` makes."""
    version = output(python, "-c", "import platform; print(platform.python_version())")
    command: list[str | Path] = [
        sys.executable, "-m", "uvlock2nix", "sync", project, "--out", place / "out", "--work", place / "work",
        "--interpreter", python, "--python", version, "--system", f"{platform.machine()}-linux",
        "--uv", uv, "--exclude-newer", NEWER,
    ]  # fmt: skip
    subprocess.run(command, check=True, stderr=subprocess.PIPE)
    return nar_hash(place / "out").sri


def main(project: Path, pythons: list[Path]) -> int:
    found = set()
    with tempfile.TemporaryDirectory() as name:
        for number, version in enumerate(UVS):
            uv = install_uv(version, Path(name) / f"uv{number}")
            for index, python in enumerate(pythons if number == len(UVS) - 1 else pythons[:1]):
                start = time.perf_counter()
                digest = sync(project, uv, python, Path(name) / f"{number}-{index}")
                seconds = time.perf_counter() - start
                print(f"{output(uv, '--version')}, {output(python, '--version')}: {digest} {seconds:.1f} s")
                found.add(digest)
    return int(len(found) != 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("project", type=Path, metavar="PROJECT")
    parser.add_argument("pythons", nargs="*", type=Path, metavar="PYTHON")
    asked = parser.parse_args()
    pythons = [python.absolute() for python in asked.pythons] or [Path(sys.executable).resolve()]
    raise SystemExit(main(asked.project.absolute(), pythons))
