"""Compare the files that we choose with those that uv downloads.

    python scripts/compare_wheels.py FOLDER… --python PATH… [--platform X86_64-MANYLINUX_2_40…] [--limit N]

uv has no command that prints its choice, so it is asked by its deeds: the lock's file URLs are rewritten
to a server of our own, which makes a tiny valid wheel or sdist for every name and notes what was asked
for. ``uv sync --frozen`` then shows, package by package, which file uv takes. FOLDER holds uv.lock and its
pyproject.toml files; PATH is a real interpreter of each Python to compare for. Nothing leaves the machine.

Exit code 1 if a choice differs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.stub_index import Server, find_uv
from uvlock2nix.artifacts import BuildPolicy, choose
from uvlock2nix.errors import NoArtifactError, Uvlock2nixError
from uvlock2nix.lock import Project, Selection, load_project, resolve
from uvlock2nix.target import Target

PLATFORMS = {
    "x86_64-manylinux_2_40": ("x86_64-linux", "2.40", None),
    "x86_64-manylinux2014": ("x86_64-linux", "2.17", None),
    "x86_64-manylinux_2_31": ("x86_64-linux", "2.31", None),
    "aarch64-manylinux_2_40": ("aarch64-linux", "2.40", None),
    "aarch64-manylinux_2_28": ("aarch64-linux", "2.28", None),
    "x86_64-unknown-linux-musl": ("x86_64-linux", "musl-1.2", None),
    "aarch64-unknown-linux-musl": ("aarch64-linux", "musl-1.2", None),
    "riscv64-unknown-linux": ("riscv64-linux", "2.39", None),
    "aarch64-apple-darwin": ("aarch64-darwin", None, "13.0"),
    "x86_64-apple-darwin": ("x86_64-darwin", None, "13.0"),
    "aarch64-apple-darwin@15.0": ("aarch64-darwin", None, "15.0"),
    "aarch64-apple-darwin@11.0": ("aarch64-darwin", None, "11.0"),
    "x86_64-apple-darwin@10.15": ("x86_64-darwin", None, "10.15"),
}
DIRECT = "direct"
_FILE_URL = re.compile(
    r'url = "https?://[^"]*/([^"/]+?(?:\.whl|\.tar\.gz|\.zip|\.tar\.bz2|\.tgz))(?:#[^"]*)?"'
)


@dataclass(frozen=True, slots=True)
class Answer:
    """Package name → the file that uv asked for, in one run; ``error`` if uv refused."""

    files: dict[str, str]
    error: str


def rewrite_lock(text: str, address: str, run: str) -> str:
    """The lock with every file at ``address`` and without hashes and sizes (the stand-ins have others)."""
    out = []
    name = version = ""
    direct = False
    for line in text.splitlines():
        if line.startswith("name = "):
            name = line.split('"')[1]
        elif line.startswith("version = ") and '"' in line:
            version = line.split('"')[1]
        elif line.startswith("source = "):
            direct = "url = " in line
        elif not direct and ("source = {" not in line or line.startswith("sdist")):
            line = _FILE_URL.sub(rf'url = "{address}/{run}/{name}/{version}/\1"', line)
            line = re.sub(r', (hash = "[^"]*"|size = [0-9]+)', "", line)
        out.append(line)
    return "\n".join(out) + "\n"


def copy_project(folder: Path, destination: Path) -> None:
    """uv.lock, pyproject.toml files and uv.toml, without the sources."""
    for path in folder.rglob("*"):
        if path.name in {"pyproject.toml", "uv.toml"}:
            target = destination / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def ask_uv(place: Path, server: Server, case: Case, arguments: Sequence[str]) -> Answer:
    """What uv downloads for one target."""
    triple, _, macos = case.platform.partition("@")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("UV_")}
    environment |= {"UV_NO_PROGRESS": "1", "NO_COLOR": "1", "UV_NO_SYSTEM_CONFIG": "1"}
    if macos:
        environment["MACOSX_DEPLOYMENT_TARGET"] = macos
    command = [
        find_uv() or "uv",
        "sync",
        "--frozen",
        "--no-cache",
        "--python",
        case.python,
        "--python-platform",
        triple,
    ]
    command += ["--no-python-downloads", "--no-install-local", *arguments]
    result = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    files: dict[str, str] = {}
    for name, filename in server.asked.get(case.run, ()):
        files[name] = filename if name not in files else f"{files[name]} and {filename}"
    return Answer(files, result.stderr if result.returncode else "")


def our_choice(
    project: Project, selection: Selection, target: Target
) -> tuple[dict[str, str], dict[str, str]]:
    """Package name → the file that we choose; and the names for which nothing fits, with the reason."""
    policy = BuildPolicy.from_settings(project.uv)
    chosen: dict[str, str] = {}
    refused: dict[str, str] = {}
    for entry in resolve(project, selection, target).packages:
        if entry.package.is_local_tree:
            continue
        try:
            artifact = choose(entry.package, target, policy).artifact
        except NoArtifactError as error:
            refused[entry.package.name] = error.message
            continue
        if artifact is not None:
            # From git and from a URL there is nothing to choose, and nothing that we could serve.
            chosen[entry.package.name] = (
                artifact.filename if entry.package.source.kind == "registry" else DIRECT
            )
    return chosen, refused


@dataclass(frozen=True, slots=True)
class Case:
    """One folder on one target; ``run`` marks its requests."""

    folder: Path
    python: str
    platform: str
    run: str

    def target(self) -> Target:
        """The target, with the interpreter's own version."""
        system, libc, macos = PLATFORMS[self.platform]
        command = [self.python, "-c", "import platform; print(platform.python_version())"]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        return Target.parse(system, result.stdout.strip(), libc=libc, macos=macos)


def compare(case: Case, server: Server, record: Record) -> tuple[int, list[str]]:
    """Number of (package, target) pairs compared, and what differs."""
    target, project = case.target(), load_project(case.folder)
    if project.lock.conflicts:
        selection, flags = Selection(default_groups=True), []
    else:
        selection, flags = Selection(all_extras=True, all_groups=True), ["--all-extras", "--all-groups"]
    try:
        chosen, refused = our_choice(project, selection, target)
    except Uvlock2nixError as error:
        print(f"  skipped: {error.message.splitlines()[0]}")
        return 0, []
    left_out = [name for name, filename in chosen.items() if filename == DIRECT] + list(refused)
    arguments = [*flags, *(part for name in left_out for part in ("--no-install-package", name))]
    total, wrong = 0, []
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        copy_project(case.folder, place)
        text = rewrite_lock((case.folder / "uv.lock").read_text(), server.address, case.run)
        (place / "uv.lock").write_text(text)
        answer = ask_uv(place, server, case, arguments)
        if answer.error:
            return 1, [f"uv failed: {answer.error.strip().splitlines()[-3:]}"]
        # uv must refuse what we refuse: without leaving them out it has to fail and name one of them.
        if refused:
            total += 1
            again = ask_uv(place, server, case, [*flags, "--dry-run"])
            if not any(name in again.error for name in refused):
                wrong.append(f"we refuse {sorted(refused)}, uv says {again.error[-200:]!r}")
    for name, filename in chosen.items():
        if filename != DIRECT:
            total += 1
            if answer.files.get(name) != filename:
                wrong.append(f"{name}: we {filename}, uv {answer.files.get(name)}")
    record.add(project, target, answer)
    return total, wrong


class Record:
    """uv's answers for packages with several wheels, to be carried as test data."""

    def __init__(self) -> None:
        self.targets: dict[str, dict[str, object]] = {}
        self.packages: dict[str, dict[str, object]] = {}
        self.answers: dict[str, dict[str, str]] = {}

    def add(self, project: Project, target: Target, answer: Answer) -> None:
        key = str(target)
        self.targets[key] = {
            "system": target.system,
            "python": str(target.python),
            "libc": str(target.libc).replace(" ", "-"),
            "macos": f"{target.macos[0]}.{target.macos[1]}",
        }
        for package in project.lock.packages:
            filename = answer.files.get(package.name)
            files = [
                *(file.filename for file in package.wheels),
                package.sdist.filename if package.sdist else None,
            ]
            if filename in files and len(package.wheels) > 1:
                self.packages[str(package)] = {"wheels": files[:-1], "sdist": files[-1]}
                self.answers.setdefault(key, {})[str(package)] = str(filename)

    def write(self, path: Path, packages: int) -> None:
        """At most ``packages`` packages, those with the most different answers first, then by name."""

        def variety(name: str) -> tuple[int, str]:
            return -len({answers[name] for answers in self.answers.values() if name in answers}), name

        kept = set(sorted(self.packages, key=variety)[:packages])
        value = {
            "_source": "files that uv 0.13.8 downloads, recorded with scripts/compare_wheels.py",
            "targets": self.targets,
            "packages": {name: self.packages[name] for name in sorted(kept)},
            "answers": {
                key: {name: file for name, file in sorted(answers.items()) if name in kept}
                for key, answers in self.answers.items()
            },
        }
        path.write_text(json.dumps(value, indent=0, sort_keys=True) + "\n")


def main() -> int:
    """Compare every folder on every Python and platform."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--python", nargs="+", required=True)
    parser.add_argument("--platform", nargs="+", default=list(PLATFORMS), choices=list(PLATFORMS))
    parser.add_argument("--record", type=Path, help="write uv's answers to this file")
    parser.add_argument("--record-packages", type=int, default=60)
    options = parser.parse_args()
    server, record, total, differing = Server(), Record(), 0, 0
    places = itertools.product(options.folders, options.python, options.platform)
    for number, (folder, python, platform) in enumerate(places):
        compared, wrong = compare(Case(folder, python, platform, f"run{number}"), server, record)
        total, differing = total + compared, differing + len(wrong)
        where = f"{folder.name} {Path(python).parent.parent.name} {platform}"
        print(f"{where}: {compared} pairs, {len(wrong)} differ", flush=True)
        for line in wrong[:8]:
            print(f"  {line}")
    if options.record:
        record.write(options.record, options.record_packages)
    print(f"{total - differing} of {total} choices equal")
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
