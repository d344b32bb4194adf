"""How time and memory of a command grow with the number of packages, as a whole process.

    python benchmarks/linear.py [--command classify|generate|check] [--sizes N,…] [--shapes direct,…]

Shapes: ``direct`` (a project that needs every package), ``chain`` (each needs the next), ``cycle`` (a chain
whose end needs its begin), ``diamond`` (layers of ten, each package needs the whole next layer). Prints
processor seconds (best of N), seconds per 10,000 packages, the ratio to the size before divided by the growth
of the size (1.00 is linear), and the peak memory likewise. Not a test: nothing fails here.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

HERE = Path(__file__).resolve().parent.parent
LAYER = 10
WHEEL = (
    '{{ url = "https://index.invalid/{name}-1.0-py3-none-any.whl", hash = "sha256:{digest}", size = 1000 }}'
)


def direct(count: int) -> Iterator[list[int]]:
    """The needs of the project (first), then of each package, as numbers."""
    yield list(range(count))
    yield from ([] for _ in range(count))


def chain(count: int) -> Iterator[list[int]]:
    yield [0]
    yield from ([number + 1] if number + 1 < count else [] for number in range(count))


def cycle(count: int) -> Iterator[list[int]]:
    yield [0]
    yield from ([(number + 1) % count] for number in range(count))


def diamond(count: int) -> Iterator[list[int]]:
    yield list(range(min(LAYER, count)))
    for number in range(count):
        first = (number // LAYER + 1) * LAYER
        yield list(range(first, min(first + LAYER, count)))


SHAPES: dict[str, Callable[[int], Iterator[list[int]]]] = {
    "direct": direct,
    "chain": chain,
    "cycle": cycle,
    "diamond": diamond,
}


def begun(folder: Path, names: Sequence[str]) -> TextIO:
    """The pyproject.toml of a project with these dependencies, and its uv.lock, open for their packages."""
    listed = ",\n".join(f'  "{name}>=1"' for name in names)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.13"\n'
        f"dependencies = [\n{listed}\n]\n[tool.uv]\npackage = false\n"
    )
    lock = (folder / "uv.lock").open("w")
    lock.write('version = 1\nrevision = 3\nrequires-python = ">=3.13"\n\n[[package]]\nname = "app"\n')
    lock.write('version = "1.0"\nsource = { virtual = "." }\ndependencies = [\n')
    lock.writelines(f'    {{ name = "{name}" }},\n' for name in names)
    lock.write("]\n\n[package.metadata]\nrequires-dist = [\n")
    lock.writelines(f'    {{ name = "{name}", specifier = ">=1" }},\n' for name in names)
    lock.write("]\n")
    return lock


def write_project(folder: Path, needs: Iterator[list[int]]) -> None:
    """A pyproject.toml and a uv.lock of that shape; every package has one wheel."""
    own = next(needs)
    names = [f"p{number}" for number in own]
    with begun(folder, names) as lock:
        for number, wanted in enumerate(needs):
            wheel = WHEEL.format(name=f"p{number}", digest=f"{number:064x}")
            lock.write(f'\n[[package]]\nname = "p{number}"\nversion = "1.0"\n')
            lock.write('source = { registry = "https://index.invalid/simple" }\n')
            if wanted:
                lock.write("dependencies = [\n")
                lock.writelines(f'    {{ name = "p{other}" }},\n' for other in wanted)
                lock.write("]\n")
            lock.write(f"wheels = [\n    {wheel},\n]\n")


TARGET = ["--python", "3.13", "--system", "x86_64-linux"]
COMMANDS = {
    "classify": ["--json", "--no-inspect", *TARGET],
    # Writes the files in the first round, compares them from then on.
    "generate": TARGET,
    "check": [],
}


def run(folder: Path, command: str, limit: int) -> tuple[float, int] | None:
    """Processor seconds and peak MiB of one run, ``None`` beyond the limit."""
    argv = [sys.executable, "-m", "uvlock2nix", command, str(folder), *COMMANDS[command]]

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))

    quiet = subprocess.DEVNULL
    with subprocess.Popen(argv, cwd=HERE, stdout=quiet, stderr=quiet, preexec_fn=bounded) as process:  # noqa: PLW1509
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    # The lock's hash is of no build here: `check` finds fault with that, and has looked at all the rest.
    if process.returncode != 0 and (command, process.returncode) != ("check", 1):
        return None
    return used.ru_utime + used.ru_stime, used.ru_maxrss // 1024


def measure(shape: str, command: str, sizes: list[int], rounds: int, limit: int) -> None:
    print(f"{shape}:")
    before: tuple[int, float, int] | None = None
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            write_project(Path(name), SHAPES[shape](size))
            if command == "check":
                run(Path(name), "generate", limit)
            found = [run(Path(name), command, limit) for _ in range(rounds)]
        good = [one for one in found if one is not None]
        if not good:
            print(f"  {size:7}: more than {limit} s, or failed")
            return
        seconds, memory = min(good)[0], min(one[1] for one in good)
        line = f"  {size:7}: {seconds:7.2f} s  {seconds / size * 10_000:5.2f} s per 10,000  {memory:5} MiB"
        if before is not None:
            growth = size / before[0]
            line += f"  time x{seconds / before[1] / growth:.2f}  memory x{memory / before[2] / growth:.2f}"
        print(line, flush=True)
        before = (size, seconds, memory)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", default="10000,20000,40000,100000")
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--limit", type=int, default=120)
    parser.add_argument("--command", choices=COMMANDS, default="classify")
    asked = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for shape in asked.shapes.split(","):
        measure(
            shape, asked.command, [int(size) for size in asked.sizes.split(",")], asked.rounds, asked.limit
        )


if __name__ == "__main__":
    main()
