"""Make random workspaces, let uv lock them, and compare our environments with ``uv sync --dry-run``.

    python scripts/compare_random.py [--seed N] [--count N] --python PATH…

Nothing is fetched: the packages are stub wheels in a folder that stands as the only index. The workspaces
have members, extras, dependency groups, declared conflicts of all three kinds, several versions of one
package and markers, and are asked with random flags. Exit code 1 if an environment differs, or if only one
side refuses.
"""

from __future__ import annotations

import argparse
import functools
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.compare_oracle import selection_of
from scripts.compare_wheels import PLATFORMS, wheel_files
from uvlock2nix.errors import ConflictError, SelectionError, Uvlock2nixError
from uvlock2nix.lock import check_lock_matches, load_project, resolve
from uvlock2nix.target import Target

LIBRARIES = [f"lib-{letter}" for letter in "abcdefgh"]
EXTRAS = ["x", "y", "z"]
GROUPS = ["dev", "docs", "lint"]
MARKERS = [
    "sys_platform == 'linux'",
    "sys_platform == 'darwin'",
    "python_version < '3.12'",
    "python_version >= '3.12' and platform_machine == 'aarch64'",
    "platform_machine != 'x86_64'",
    "'linux' in sys_platform",
]
ASKED = ["x86_64-manylinux_2_40", "aarch64-manylinux_2_28", "aarch64-apple-darwin"]
_INSTALLED = re.compile(r"^ \+ ([a-z0-9-]+)(?:==(\S+?)| @ (\S+))( \(from .*\))?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and uv's answer: names with versions, or its error."""

    flags: tuple[str, ...]
    platform: str
    python: str


def requirement(rng: random.Random, names: Sequence[str]) -> str:
    """A random requirement: sometimes an extra, a version bound, a marker."""
    name = rng.choice(names)
    text = name
    if rng.random() < 0.35:
        text += f"[{rng.choice(EXTRAS)}]"
    if name.startswith("lib-") and rng.random() < 0.4:
        text += rng.choice(["==1.0", "==2.0", "<2", ">=2", "!=1.0"])
    if rng.random() < 0.3:
        text += f" ; {rng.choice(MARKERS)}"
    return text


def with_extra(text: str, extra: str) -> str:
    """The requirement under one extra."""
    base, _, marker = text.partition(" ; ")
    return f"{base} ; ({marker}) and extra == '{extra}'" if marker else f"{base} ; extra == '{extra}'"


def make_index(rng: random.Random, folder: Path) -> None:
    """Stub wheels of every library in two or three versions; a library needs only later ones."""
    import zipfile

    for position, name in enumerate(LIBRARIES):
        later = LIBRARIES[position + 1 :]
        for version in rng.sample(["1.0", "2.0", "3.0"], rng.randint(2, 3)):
            lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
            lines += [f"Provides-Extra: {extra}" for extra in EXTRAS]
            wanted = [(extra, requirement(rng, later)) for extra in EXTRAS if later and rng.random() < 0.4]
            lines += [f"Requires-Dist: {with_extra(text, extra)}" for extra, text in wanted]
            lines += [f"Requires-Dist: {requirement(rng, later)}" for _ in range(rng.randint(0, 2)) if later]
            module = name.replace("-", "_")
            files = wheel_files(module, version)
            files[f"{module}-{version}.dist-info/METADATA"] = "\n".join(lines) + "\n"
            with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as archive:
                for path, text in files.items():
                    archive.writestr(path, text)


def listing(values: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def make_pyproject(rng: random.Random, name: str | None, others: Sequence[str], *, packaged: bool) -> str:
    """A pyproject.toml without ``[tool.uv]``; ``name`` None for a root that is no project."""
    names = [*LIBRARIES, *others]
    lines = []
    if name is not None:
        lines += ["[project]", f'name = "{name}"', 'version = "0.1.0"', 'requires-python = ">=3.11"']
        lines.append(f"dependencies = {listing([requirement(rng, names) for _ in range(rng.randint(0, 3))])}")
        lines.append("[project.optional-dependencies]")
        for extra in EXTRAS:
            wanted = [requirement(rng, names) for _ in range(rng.randint(0, 2))]
            if rng.random() < 0.2:
                wanted.append(f"{name}[{rng.choice(EXTRAS)}]")
            lines.append(f"{extra} = {listing(wanted)}")
        if packaged:
            lines += ["[build-system]", "requires = []", 'build-backend = "stub"']
    lines.append("[dependency-groups]")
    for group in rng.sample(GROUPS, rng.randint(0, 3)):
        wanted = [requirement(rng, [*names, *([name] if name else [])]) for _ in range(rng.randint(0, 2))]
        lines.append(f"{group} = {listing(wanted)}")
    return "\n".join(lines) + "\n"


def make_conflicts(rng: random.Random, texts: dict[str, str]) -> list[str]:
    """One or two sets of extras, groups and projects that exclude each other."""
    items = [f'{{ package = "{name}", extra = "{extra}" }}' for name in texts if name for extra in EXTRAS]
    for name, text in texts.items():
        groups = re.findall(r"^(\w+) = ", text.partition("[dependency-groups]")[2], re.MULTILINE)
        items += [f'{{ package = "{name}", group = "{group}" }}' for group in groups if name]
    if len(texts) > 2:
        items += [f'{{ package = "{name}" }}' for name in texts if name and name != "root"]
    if len(items) < 3:
        return []
    chosen = (rng.sample(items, rng.randint(2, 3)) for _ in range(rng.randint(0, 2)))
    return ["[" + ", ".join(group) + "]" for group in chosen]


def make_workspace(rng: random.Random, folder: Path, index: Path) -> None:
    """The root (a project or not) and up to three members."""
    members = [f"member-{number}" for number in range(rng.choice([0, 0, 1, 2, 3]))]
    root = "root" if not members or rng.random() < 0.7 else ""
    texts = {}
    if root:
        texts[root] = make_pyproject(rng, root, members, packaged=rng.random() < 0.6)
    else:
        texts[""] = make_pyproject(rng, None, members, packaged=False)
    for position, name in enumerate(members):
        texts[name] = make_pyproject(rng, name, members[position + 1 :], packaged=rng.random() < 0.7)
    lines = ["[tool.uv]", "no-index = true", f'find-links = ["{index}"]']
    if rng.random() < 0.4:
        groups = re.findall(r"^(\w+) = ", texts[root].partition("[dependency-groups]")[2], re.MULTILINE)
        chosen = rng.sample(groups, rng.randint(0, len(groups)))
        lines.append(
            'default-groups = "all"' if rng.random() < 0.3 else f"default-groups = {listing(chosen)}"
        )
    conflicts = make_conflicts(rng, texts)
    if conflicts:
        lines.append(f"conflicts = [{', '.join(conflicts)}]")
    if members:
        lines += ["[tool.uv.workspace]", f"members = {listing(members)}", "[tool.uv.sources]"]
        lines += [f"{name} = {{ workspace = true }}" for name in members]
    texts[root] += "\n".join(lines) + "\n"
    for name, text in texts.items():
        place = folder if name == root else folder / name
        place.mkdir(exist_ok=True)
        (place / "pyproject.toml").write_text(text)


def random_flags(rng: random.Random, folder: Path) -> tuple[str, ...]:
    """Flags of ``uv sync``; now and then names that do not exist in what is selected."""
    members = [path.name for path in folder.iterdir() if path.is_dir() and path.name.startswith("member")]
    flags: list[str] = []
    choice = rng.random()
    if choice < 0.2:
        flags.append("--all-packages")
    elif choice < 0.5 and members:
        for name in rng.sample(members, rng.choice([1, 1, min(2, len(members))])):
            flags += ["--package", name]
    if rng.random() < 0.15:
        flags.append("--all-extras")
    else:
        for extra in rng.sample(EXTRAS, rng.choice([0, 0, 1, 1, 2])):
            flags += ["--extra", extra]
    choice = rng.random()
    if choice < 0.12:
        flags.append("--all-groups")
    elif choice < 0.25:
        flags += ["--only-group", rng.choice(GROUPS)]
    else:
        for group in rng.sample(GROUPS, rng.choice([0, 0, 1, 2])):
            flags += ["--group", group]
    if rng.random() < 0.4 and "--only-group" not in flags:
        flags.append(rng.choice(["--no-default-groups", "--no-dev"]))
    if rng.random() < 0.1:
        flags += ["--no-group", rng.choice(GROUPS)]
    return tuple(flags)


def run_uv(folder: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("UV_")}
    environment |= {
        "UV_NO_PROGRESS": "1",
        "NO_COLOR": "1",
        "UV_NO_SYSTEM_CONFIG": "1",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    return subprocess.run(
        ["uv", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@functools.cache
def version_of(python: str) -> str:
    """The full release of an interpreter."""
    command = [python, "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def compare(folder: Path, asked: Asked) -> str | None:
    """What differs, None if both give the same (or both refuse)."""
    result = run_uv(
        folder,
        [
            "sync",
            "--frozen",
            "--dry-run",
            "--python",
            asked.python,
            "--python-platform",
            asked.platform,
            *asked.flags,
        ],
    )
    system, libc, macos = PLATFORMS[asked.platform]
    try:
        environment = resolve(
            load_project(folder),
            selection_of(asked.flags),
            Target.parse(system, version_of(asked.python), libc=libc, macos=macos),
        )
        ours = {(entry.package.name, entry.package.version) for entry in environment.packages}
        refused = None
    except (ConflictError, SelectionError) as error:
        ours, refused = set(), error
    except Uvlock2nixError as error:
        return f"we fail: {error.message}"
    if result.returncode:
        is_conflict = "are incompatible with the" in result.stderr or "onflicting" in result.stderr
        if refused is None:
            return f"uv refuses, we do not: {result.stderr.strip()[-300:]}"
        if is_conflict != isinstance(refused, ConflictError):
            return f"refused differently: {refused.message!r}, uv {result.stderr.strip()[-200:]!r}"
        return None
    theirs = {(name, version or "0.1.0") for name, version, _, _ in _INSTALLED.findall(result.stderr)}
    if refused is not None:
        return f"we refuse, uv does not: {refused.message}"
    if ours != theirs:
        return f"we only {sorted(map(str, ours - theirs))}, uv only {sorted(map(str, theirs - ours))}"
    return None


def mutate(rng: random.Random, folder: Path) -> str:
    """Change one thing in one pyproject.toml; returns what."""
    path = rng.choice(sorted(folder.rglob("pyproject.toml")))
    text = path.read_text()
    changes = {
        "a dependency more": (r"^dependencies = \[", r'dependencies = ["lib-h", '),
        "no dependencies": (r"^dependencies = \[.*$", "dependencies = []"),
        "another version": (r'^version = "0.1.0"', 'version = "0.2.0"'),
        "another Python": (r'^requires-python = ">=3.11"', 'requires-python = ">=3.12"'),
        "an extra less": (r"^x = \[.*\n", ""),
        "an extra more": (
            r"^\[project.optional-dependencies\]",
            '[project.optional-dependencies]\nw = ["lib-a"]',
        ),
        "a group more": (r"^\[dependency-groups\]", '[dependency-groups]\nmore = ["lib-b"]'),
        "a group less": (r"^docs = \[.*\n", ""),
        "another marker": (r"sys_platform == 'linux'", "sys_platform == 'win32'"),
        "the same marker said otherwise": (r"python_version < '3.12'", "python_full_version < '3.12'"),
        "a comment": (r"^\[project\]", "# nothing\n[project]"),
        "another specifier": (r"==1.0", ">=1.0"),
    }
    name = rng.choice(sorted(changes))
    path.write_text(re.sub(changes[name][0], changes[name][1], text, count=1, flags=re.MULTILINE))
    return name


def compare_staleness(rng: random.Random, folder: Path, python: str) -> tuple[str, bool, bool]:
    """What was changed, whether uv calls the lock stale, and whether we do."""
    name = mutate(rng, folder)
    result = run_uv(folder, ["lock", "--check", "--python", python])
    try:
        ours = bool(check_lock_matches(load_project(folder)))
    except Uvlock2nixError:
        ours = True
    return name, result.returncode != 0, ours


def make(seed: int, base: Path, python: str) -> Path | None:
    """The workspace of a seed, locked by uv; None if uv finds no solution."""
    rng = random.Random(seed)
    index, folder = base / "index", base / "workspace"
    index.mkdir(parents=True)
    folder.mkdir()
    make_index(rng, index)
    make_workspace(rng, folder, index)
    return folder if run_uv(folder, ["lock", "--python", python]).returncode == 0 else None


def main() -> int:
    """Make, ask and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--questions", type=int, default=8)
    parser.add_argument("--python", nargs="+", required=True)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    locked = asked = wrong = with_conflicts = stale_by_uv = stale_by_us = 0
    for seed in range(options.seed, options.seed + options.count):
        rng = random.Random(f"questions {seed}")
        with tempfile.TemporaryDirectory() as temporary:
            base = options.keep / str(seed) if options.keep else Path(temporary)
            folder = make(seed, base, options.python[0])
            if folder is None:
                continue
            locked += 1
            with_conflicts += "conflicts = " in (folder / "uv.lock").read_text()
            if stale := check_lock_matches(load_project(folder)):
                wrong += 1
                print(f"seed {seed}: a fresh lock is called stale: {stale}")
            for _ in range(options.questions):
                question = Asked(random_flags(rng, folder), rng.choice(ASKED), rng.choice(options.python))
                difference = compare(folder, question)
                asked += 1
                if difference is not None:
                    wrong += 1
                    print(f"seed {seed} {question.flags} {question.platform} {question.python}: {difference}")
            name, by_uv, by_us = compare_staleness(rng, folder, options.python[0])
            stale_by_uv, stale_by_us = stale_by_uv + by_uv, stale_by_us + by_us
            if by_us != by_uv:
                wrong += by_us
                print(f"seed {seed}: {name}: stale by uv: {by_uv}, by us: {by_us}")
    print(f"changed projects: {stale_by_uv} stale by uv, {stale_by_us} by us")
    print(f"{locked} locks ({with_conflicts} with conflicts), {asked} questions, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
