"""The Python packages and uv of the package set: wheels pinned in requirements.txt, fetched with pip."""

from __future__ import annotations

import hashlib
import platform
import re
import sys
import tempfile
from pathlib import Path

from tests.stand.provision.shell import run, write_json


def download(arguments: list[str], into: Path, *, log: Path) -> None:
    """`pip download` of wheels that fit every CPython 3 (no compiled ones), or uv's one per machine."""
    into.mkdir(parents=True, exist_ok=True)
    machine = platform.machine()
    fits = [f"--platform=manylinux_2_{glibc}_{machine}" for glibc in (28, 17)] + ["--platform=any"]
    fits += ["--implementation=py", "--abi=none", "--python-version=3.11", "--only-binary=:all:", "--no-deps"]
    with tempfile.TemporaryDirectory(dir=into.parent) as temporary:
        run([sys.executable, "-m", "pip", "-q", "download", *fits, "-d", temporary, *arguments], log=log)
        for wheel in sorted(Path(temporary).iterdir()):
            wheel.replace(into / wheel.name)


def list_wheels(folder: Path) -> list[dict[str, str]]:
    """Name, version, file and sha256 of every wheel in `folder`, sorted by file name."""
    found = []
    for wheel in sorted(folder.glob("*.whl")):
        name, version = wheel.name.split("-")[:2]
        normal = re.sub(r"[-_.]+", "-", name).lower()
        checksum = hashlib.sha256(wheel.read_bytes()).hexdigest()
        found.append({"name": normal, "version": version, "file": wheel.name, "sha256": checksum})
    return found


def write_wheel_lock(stand: Path, *, log: Path, requirements: Path) -> None:
    """Fetch what requirements.txt pins and write `wheels.json`; the pinned version is a name's default."""
    download(["--require-hashes", "-r", str(requirements)], stand / "wheels", log=log)
    pinned = dict(re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", requirements.read_text(), re.MULTILINE))
    write_json(stand / "wheels.json", {"pinned": pinned, "wheels": list_wheels(stand / "wheels")})


def add_uv(stand: Path, version: str, *, log: Path, requirements: Path) -> None:
    """Add one more uv to the package set: `uvVersions."VERSION"`."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ValueError(f"not a uv version: {version!r}")
    if not any((stand / "wheels").glob(f"uv-{version}-*.whl")):
        download([f"uv=={version}"], stand / "wheels", log=log)
    write_wheel_lock(stand, log=log, requirements=requirements)
