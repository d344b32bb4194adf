"""How good the inspection of sdists is: what it finds, against what the table of native inputs says.

    python benchmarks/inspection.py [--half tuning|held-out] [--cache FOLDER] [--evidence] [NAME…]
    python benchmarks/inspection.py --relock        (makes benchmarks/inspection/uv.lock again, with uv)

The sdists are the newest ones for all rows of the table that link a library (``linking``), and for a third of
the rows that compile without one (``plain``: whatever is found there is false), as locked in
``inspection/uv.lock``; those above 60 MB are left out. They are fetched once, with their hash checked, and
inspected while the table is out of reach. Compared are the libraries that would be used (``build_inputs``).

Half of the sdists were looked at while the inspection was made better (``tuning``: half of the names by
their hash, and all that earlier work had looked at); the other half (``held-out``) only as a figure. Rows
where the table turned out to be wrong are in ``JUDGED``; the figure with them corrected is printed next to
the raw one. ``Own way``: without the rows that give a variable or an option, by which the table has often
another way built than the sdist's own (the system's library where the sdist carries a copy). Not a test:
nothing fails here.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = Path(__file__).resolve().parent / "inspection"
sys.path.insert(0, str(ROOT))

import requests  # noqa: E402
import tomli  # noqa: E402

from uvlock2nix.errors import Uvlock2nixError  # noqa: E402
from uvlock2nix.inspect.sdist import Inspection, inspect_sdist  # noqa: E402
from uvlock2nix.knowledge.native_table import lookup  # noqa: E402
from uvlock2nix.net.fetch import HttpFetcher  # noqa: E402

MAX_SIZE: Final = 60_000_000
COMPILED: Final = ("link", "rust", "bundled")
# Looked at while the inspection was first written: no longer fit to be held out.
SEEN: Final = frozenset((FOLDER / "seen.txt").read_text(encoding="utf-8").split())


@dataclass(frozen=True)
class Judged:
    """What the table should say instead, with the place in the sdist that shows it."""

    add: frozenset[str] = frozenset()
    drop: frozenset[str] = frozenset()
    why: str = ""


def judged(add: str, drop: str, why: str) -> Judged:
    return Judged(frozenset(add.split()), frozenset(drop.split()), why)


# Judged by hand by whoever wrote the inspection, each by reading the sdist; the table's keeper has not had a
# say yet. Only disagreements were read: what both say wrongly stays unseen. The last four are of the held-out
# half, looked at once, after the last change: whoever tunes again needs unseen sdists.
# Where the table chooses a different way than the sdist's own it is not at fault: see ``own way`` for those.
JUDGED: Final[dict[str, Judged]] = {
    "cartopy": judged("", "proj", "setup.py:97 links geos_c alone; no source includes proj"),
    "gfal2-python": judged("", "pcre2", "no file names pcre; CMakeLists.txt asks for boost, glib, gfal2"),
    "hic-straw": judged("zlib", "", "setup.py:81 links -lz"),
    "imagecodecs": judged(
        "c-blosc2 libavif libdeflate libheif libisal libjpeg libjxl zlib-ng",
        "libjpeg_turbo",
        "setup.py:164-294 links them; the table's list is of 2021 and names libjpeg by its other name",
    ),
    "kivy": judged("", "mtdev", "loaded at run time only, as the table's own note says"),
    "pemja": judged("openjdk", "openjdk17_headless", "jni.h of any JDK: the same library"),
    "pillow-heif": judged("", "libaom libde265 x265", "setup.py:81 asks for libheif, which links the others"),
    "python-openzwave": judged("udev", "systemdLibs", "libudev of either: the same library"),
    "rpy2": judged("", "bzip2 icu pcre2 xz zlib", "3.6 has no C: that is in rpy2-rinterface"),
    "sqlcipher3": judged("", "sqlcipher", "0.6 carries it; setup.py:168 links libcrypto alone"),
    "vapoursynth": judged("", "vapoursynth", "the sdist is the library itself: meson.build:1"),
    "yara-python": judged(
        "openssl", "yara", "setup.py:280 builds its own yara unless --dynamic-linking is given"
    ),
    "aiortc": judged("", "libopus libvpx", "1.16 has no compiled code: no C, no cffi, no extension"),
    "borgbackup": judged("", "libb2", "setup.py names no BLAKE2 library; low_level.pyx:414 uses hashlib"),
    "fastecdsa": judged("", "gmp", "4.0 is Rust (Cargo.toml), no file but the README names gmp"),
    "pylibsrtp": judged("openssl", "", "src/_cffi_src/build_srtp.py:9 links -lcrypto"),
}


@dataclass(frozen=True)
class Sdist:
    name: str
    version: str
    url: str
    hash: str

    @property
    def half(self) -> str:
        digest = hashlib.sha256(self.name.encode()).digest()
        return "tuning" if self.name in SEEN or digest[-1] % 2 else "held-out"

    @property
    def filename(self) -> str:
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class Result:
    sdist: Sdist
    truth: frozenset[str]
    found: frozenset[str]
    inspection: Inspection
    seconds: float
    own_way: bool

    @property
    def linking(self) -> bool:
        return bool(self.truth)

    @property
    def corrected(self) -> frozenset[str]:
        fault = JUDGED.get(self.sdist.name, Judged())
        return (self.truth | fault.add) - fault.drop


def rows() -> dict[str, str]:
    """Name → version range of the rows to measure, from the table."""
    packages: dict[str, list[dict[str, Any]]] = json.loads(
        (ROOT / "uvlock2nix/knowledge/data/native.json").read_text(encoding="utf-8")
    )["packages"]
    found: dict[str, str] = {}
    for name, entries in sorted(packages.items()):
        compiled = [row for row in entries if row["kind"] in COMPILED]
        linking = [row for row in compiled if row.get("build_inputs")]
        third = hashlib.sha256(name.encode()).digest()[0] % 3 == 0
        for row in linking[:1] or (compiled[:1] if third else ()):
            found[name] = row.get("versions", "")
    return found


def relock(python: str) -> None:
    """Ask uv for the newest sdists. Nothing is built: no requirement of them is asked for."""
    wanted = rows()
    lines = ["# Made by benchmarks/inspection.py --relock.", "[project]", 'name = "inspection-measure"']
    lines += ['version = "0"', f'requires-python = ">={python}"', "dependencies = ["]
    lines += [f'  "{name}{versions}",' for name, versions in wanted.items()]
    lines += ["]", "[tool.uv]", "no-binary = true", "environments = [\"sys_platform == 'linux'\"]"]
    for name in wanted:
        lines += ["[[tool.uv.dependency-metadata]]", f'name = "{name}"', "requires-dist = []"]
    (FOLDER / "pyproject.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    subprocess.run(["uv", "lock", "--upgrade", "--python", python], cwd=FOLDER, check=True)
    lock = FOLDER / "uv.lock"
    # Wheels are not looked at, and most of the lock.
    text = re.sub(
        r"^wheels = \[\n(?:    .*\n)*\]\n", "", lock.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    lock.write_text(text, encoding="utf-8")


def locked() -> list[Sdist]:
    """The sdists of the lock."""
    data = tomli.loads((FOLDER / "uv.lock").read_text(encoding="utf-8"))
    return [
        Sdist(p["name"], p["version"], p["sdist"]["url"], p["sdist"]["hash"])
        for p in data["package"]
        if "sdist" in p
    ]


def fetch(sdist: Sdist, cache: Path) -> Path | str:
    """The file, or why there is none. Asked for its size first."""
    fetcher = HttpFetcher(cache)
    known = cache / "files" / sdist.hash.replace(":", "-")
    too_big = known.with_suffix(".too-big")
    try:
        if not known.is_file():
            if too_big.exists():
                return too_big.read_text()
            size = int(requests.head(sdist.url, timeout=60).headers.get("Content-Length", 0))
            if size > MAX_SIZE:
                too_big.parent.mkdir(parents=True, exist_ok=True)
                too_big.write_text(f"left out: {size / 1e6:.0f} MB")
                return too_big.read_text()
        return fetcher.file(sdist.url, sdist.hash, sdist.filename)
    except Uvlock2nixError as error:
        return error.message
    except requests.RequestException as error:
        return str(error)


def measure(sdist: Sdist, path: Path) -> Result:
    """Inspect, and look up what the table says (the inspection itself does not know that table)."""
    row = lookup(sdist.name, sdist.version)
    truth = frozenset(row.build.build_inputs) if row is not None else frozenset()
    started = time.perf_counter()
    inspection = inspect_sdist(path, sdist.filename)
    seconds = time.perf_counter() - started
    # With a variable or an option the table often has a different way built than the sdist's own.
    own_way = row is None or not (row.build.env or row.build.flags or row.build.cflags)
    return Result(sdist, truth, frozenset(inspection.inputs.build.build_inputs), inspection, seconds, own_way)


def counts(results: Iterable[Result], *, corrected: bool = False) -> tuple[int, int, int, int]:
    """(right, false, missed, exact)"""
    right = false = missed = exact = 0
    for result in results:
        truth = result.corrected if corrected else result.truth
        right += len(truth & result.found)
        false += len(result.found - truth)
        missed += len(truth - result.found)
        exact += truth == result.found
    return right, false, missed, exact


def figure(label: str, results: Sequence[Result], *, corrected: bool = False) -> str:
    right, false, missed, exact = counts(results, corrected=corrected)
    precision, recall = right / ((right + false) or 1), right / ((right + missed) or 1)
    return (
        f"  {label:34} {len(results):3} sdists: precision {precision:.3f} recall {recall:.3f} "
        f"(right {right}, false {false}, missed {missed}; exact {exact / (len(results) or 1):.0%})"
    )


def summary(title: str, results: Sequence[Result]) -> str:
    linking = [result for result in results if result.linking]
    plain = [result for result in results if not result.linking]
    own = [result for result in linking if result.own_way]
    compiled = sum(result.inspection.nature == "native" for result in results)
    wrong = sum(bool(result.found) for result in plain)
    false = sum(len(result.found) for result in plain)
    return "\n".join(
        (
            f"{title}: {len(results)} sdists, {compiled} seen to compile",
            figure("linking, raw", linking),
            figure("linking, table's faults corrected", linking, corrected=True),
            figure("built in their own way, raw", own),
            figure("built in their own way, corrected", own, corrected=True),
            figure("linking and plain, raw", results),
            f"  plain: {len(plain)} sdists that need no library, {wrong} with {false} false ones",
        )
    )


def line(result: Result) -> str:
    missed, false = sorted(result.truth - result.found), sorted(result.found - result.truth)
    verdict = "exact" if not missed and not false else ""
    what = [verdict] if verdict else []
    what += [f"missed {' '.join(missed)}"] if missed else []
    what += [f"false {' '.join(false)}"] if false else []
    doubtful = sorted(result.inspection.inputs.origin.doubtful)
    what += [f"(doubtful: {' '.join(doubtful)})"] if doubtful else []
    fault = JUDGED.get(result.sdist.name)
    what += [f"[table: {fault.why}]"] if fault is not None else []
    name = f"{result.sdist.name} {result.sdist.version}"
    start = f"{result.sdist.half:8} {name:36} {result.inspection.nature:7} {result.seconds:5.2f} s"
    return f"{start}  {'; '.join(what)}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*")
    parser.add_argument("--half", choices=("tuning", "held-out"))
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "uvlock2nix-benchmark")
    parser.add_argument("--evidence", action="store_true", help="print what was found where")
    parser.add_argument("--figures", action="store_true", help="no line for each sdist of the held-out half")
    parser.add_argument("--memory", action="store_true", help="print the peak of Python's memory (slow)")
    parser.add_argument("--relock", action="store_true")
    parser.add_argument("--python", default="3.13", help="for --relock")
    options = parser.parse_args()
    if options.relock:
        relock(options.python)
        return
    sdists = [s for s in locked() if not options.names or s.name in options.names]
    sdists = [s for s in sdists if options.half in (None, s.half)]
    with ThreadPoolExecutor(max_workers=3) as pool:
        files = list(pool.map(lambda sdist: fetch(sdist, options.cache), sdists))
    results: list[Result] = []
    peak = 0
    for sdist, file in zip(sdists, files, strict=True):
        if isinstance(file, str):
            print(f"{sdist.half:8} {sdist.name} {sdist.version}: {file}")
            continue
        if options.memory:
            tracemalloc.start()
        try:
            results.append(measure(sdist, file))
        except Uvlock2nixError as error:
            print(f"{sdist.half:8} {sdist.name} {sdist.version}: {error.message}")
            continue
        finally:
            if options.memory:
                peak = max(peak, tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()
        if sdist.half == "tuning" or not options.figures:
            print(line(results[-1]))
            for said in results[-1].inspection.evidence if options.evidence else ():
                print(f"             {said}")
    for half in ("tuning", "held-out"):
        print(summary(half, [result for result in results if result.sdist.half == half]))
    print(summary("together", results))
    if options.memory:
        print(f"peak of Python's memory: {peak / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
