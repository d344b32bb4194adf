"""Time and memory of the largest inputs that the project promises to take, each with that of half the size.

    python benchmarks/sizes.py [CASE …] [--part N]

``lock`` a uv.lock of 60 MiB (``generate``, ``check``, ``classify``); ``sdist`` one of 100,000 files, read
and unpacked; ``wheel`` one of 3 GB with a bomb of zeros as shared object, read and compared with its hash;
``tree`` 1,000,000 files with odd names, a sparse file of 1 TiB among them: audited, stripped, compared with
itself and restored. Packages without end: ``linear.py``. ``--part N``: sizes divided by N. Prints processor
seconds, peak MiB, and both divided by twice what half the size took (1.00 is linear).
Files are made sparse or packed, so that a case takes 5 GB of disk at most. Not a test: nothing fails here.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

REPO: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))

from benchmarks.linear import begun  # noqa: E402

HASH: Final = "0123456789abcdfghijklmnpqrsvwxyz"
INPUT: Final = f"/nix/store/{HASH}-libfoo-1.0"
TARGET: Final = ("--python", "3.13", "--system", "x86_64-linux")
ODD: Final = (b"a b", b"\xff\xfe", b"new\nline", b"-rf", b"'\"$(x)", b"x" * 200, "é".encode())
WHEELS: Final = 20


@dataclass(frozen=True, slots=True)
class Case:
    """``make`` writes the input of a size below a folder; each of ``steps`` (in order) is a process."""

    size: int
    unit: str
    make: Callable[[Path, int], None]
    steps: tuple[str, ...]


def make_lock(folder: Path, size: int) -> None:
    """About so many MiB: 20 wheels for each package, as packages with extension modules have."""
    wheel = '    {{ url = "https://index.invalid/p{0}-1.0-cp313-cp313-manylinux_2_{1}_x86_64.whl", hash = "sha256:{0:064x}", size = 1000 }},\n'  # noqa: E501
    count = size * (1 << 20) // (WHEELS * 184 + 130)
    names = [f"p{number}" for number in range(count)]
    with begun(folder, names) as lock:
        for number, name in enumerate(names):
            lock.write(f'\n[[package]]\nname = "{name}"\nversion = "1.0"\n')
            lock.write('source = { registry = "https://index.invalid/simple" }\nwheels = [\n')
            lock.writelines(wheel.format(number, 10 + glibc) for glibc in range(WHEELS))
            lock.write("]\n")


def make_sdist(folder: Path, size: int) -> None:
    with tarfile.open(folder / "many-1.0.tar.gz", "w:gz", compresslevel=1) as tar:
        for number in range(size):
            data = b"[build-system]\n" if number == 0 else b"x = 1\n"
            name = "pyproject.toml" if number == 0 else f"src/d{number % 97}/module_{number}.py"
            member = tarfile.TarInfo(f"many-1.0/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def make_wheel(folder: Path, size: int) -> None:
    """A stored file of zeros, which the disk holds as a hole, and a packed shared object half as large."""
    block = bytes(1 << 20)
    crc = 0
    for _ in range(size):
        crc = zlib.crc32(block, crc)
    path = folder / "big-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as wheel:
        wheel.writestr("big-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: big\nVersion: 1.0\n")
        with wheel.open("big/bomb.so", "w", force_zip64=True) as bomb:
            for _ in range(size // 2):
                bomb.write(block)
        info = zipfile.ZipInfo("big/weights.bin")
        info.file_size = info.compress_size = size << 20
        info.CRC = crc
        assert wheel.fp is not None
        info.header_offset = wheel.fp.tell()
        wheel.fp.write(info.FileHeader(zip64=True))
        wheel.fp.seek(size << 20, os.SEEK_CUR)
        wheel.start_dir = wheel.fp.tell()
        wheel.filelist.append(info)
        wheel.NameToInfo[info.filename] = info
    with zipfile.ZipFile(path) as wheel:
        assert wheel.getinfo("big/weights.bin").file_size == size << 20


def make_tree(folder: Path, size: int) -> None:
    """A reference in every hundredth file, in names and links; every name of ``ODD``."""
    text = f"prefix {INPUT}/lib\n".encode()
    tree = folder / "tree"
    for number in range(size):
        below = tree / f"d{number // 1000}"
        if number % 1000 == 0:
            below.mkdir(parents=True)
        name = b"%d-" % number + (ODD[number % len(ODD)] if number % 10 == 0 else b"f.py")
        with (below / os.fsdecode(name)).open("wb", buffering=0) as file:
            file.write(text if number % 100 == 0 else b"x = 1\n")
    (tree / "link").symlink_to(f"{INPUT}/lib")
    (tree / "d0" / f"n-{HASH}").touch()
    with (tree / "d0" / "sparse").open("wb") as hole:
        hole.truncate(1 << 40)
        hole.seek(1 << 39)
        hole.write(text)
    (folder / "closure").write_text(INPUT + "\n")


CASES: Final = {
    "lock": Case(60, "MiB", make_lock, ("generate", "check", "classify")),
    "sdist": Case(100_000, "files", make_sdist, ("read sdist", "unpack sdist")),
    "wheel": Case(3000, "MiB", make_wheel, ("read wheel", "hash wheel")),
    "tree": Case(1_000_000, "files", make_tree, ("audit", "strip", "compare", "restore")),
}


def step(name: str, folder: Path) -> None:
    """What a process does for those steps that are no command of the command line."""
    if name == "read sdist":
        from uvlock2nix.inspect.archive import read_archive

        found = read_archive(folder / "many-1.0.tar.gz", lambda one: one.endswith(".toml"))
        assert len(found.texts) == 1
    elif name == "unpack sdist":
        from uvlock2nix.build.unpack import unpack

        assert (unpack(folder / "many-1.0.tar.gz", folder / "out") / "pyproject.toml").exists()
    elif name == "read wheel":
        from uvlock2nix.inspect.wheels import read_wheel

        assert len(read_wheel(folder / "big-1.0-py3-none-any.whl").files) == 3
    elif name == "hash wheel":
        from uvlock2nix.net.hashes import digest_of

        assert digest_of(folder / "big-1.0-py3-none-any.whl", "sha256")
    else:
        from uvlock2nix.verify.trees import compare

        # The sparse file is compared byte by byte, as it would be built: too long for this.
        sparse = (folder / "tree" / "d0" / "sparse").rename(folder / "sparse")
        assert compare(folder / "tree", folder / "tree") == ()
        sparse.rename(folder / "tree" / "d0" / "sparse")


def argv_of(name: str, folder: Path) -> list[str]:
    command = [sys.executable, "-m", "uvlock2nix"]
    refs = ["--closure", str(folder / "closure"), "--input", f"libfoo={INPUT}"]
    words: dict[str, Iterable[str]] = {
        "generate": ["generate", str(folder), *TARGET],
        "check": ["check", str(folder)],
        "classify": ["classify", str(folder), "--json", "--no-inspect", *TARGET],
        "audit": ["refs", "audit", str(folder / "tree"), *refs[:2]],
        "strip": ["refs", "strip", str(folder / "tree"), *refs],
        "restore": ["refs", "restore", str(folder / "tree"), *refs[2:]],
    }
    if name in words:
        return [*command, *words[name]]
    return [sys.executable, str(Path(__file__).resolve()), "--step", name, str(folder)]


def measured(name: str, folder: Path) -> tuple[float, float, int]:
    """Processor seconds, seconds and peak MiB of a step."""
    began = time.monotonic()
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(argv_of(name, folder), cwd=REPO, stdout=subprocess.DEVNULL, stderr=log) as process,
    ):
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    # `check` finds that the hash is not made, `audit` the references.
    if process.returncode not in ((0, 1) if name in ("check", "audit") else (0,)):
        raise SystemExit(f"{name}: {(folder / 'log').read_text()[-2000:]}")
    return used.ru_utime + used.ru_stime, time.monotonic() - began, used.ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--part", type=int, default=1)
    parser.add_argument("--step", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        step(asked.step, Path(asked.cases[0]))
        return
    for name in asked.cases or CASES:
        case = CASES[name]
        before: dict[str, tuple[float, int]] = {}
        for size in (case.size // asked.part // 2, case.size // asked.part):
            with tempfile.TemporaryDirectory(prefix="sizes-", ignore_cleanup_errors=True) as folder:
                case.make(Path(folder), size)
                for one in case.steps:
                    seconds, took, memory = measured(one, Path(folder))
                    line = f"{one}, {size} {case.unit}: {seconds:.2f} s CPU, {took:.1f} s, {memory} MiB"
                    if one in before:
                        line += f"; time x{seconds / before[one][0] / 2:.2f}"
                        line += f", memory x{memory / before[one][1] / 2:.2f}"
                    print(f"{line} (load {os.getloadavg()[0]:.1f})", flush=True)
                    before[one] = (seconds, memory)


if __name__ == "__main__":
    main()
