"""Random uv workspaces with everything that shapes a lock: members, extras, groups, conflicts, markers.

The packages that they need are stub wheels in a folder that serves as the only index.
"""

from __future__ import annotations

import random
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

from scripts.stub_index import wheel_files

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
    """A pyproject.toml without ``[tool.uv]``; ``name`` None for a root that is not a project."""
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
    """One or two sets of extras, groups and projects that cannot be used together."""
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


def other_settings(rng: random.Random) -> list[str]:
    """Settings of the resolver that shape a lock, each now and then."""
    lines = []
    if rng.random() < 0.15:
        lines.append("environments = [\"sys_platform == 'linux'\", \"sys_platform == 'win32'\"]")
    if rng.random() < 0.15:
        lines.append("required-environments = [\"sys_platform == 'darwin'\"]")
    if rng.random() < 0.15:
        lines.append('override-dependencies = ["lib-h==1.0 ; sys_platform == \'linux\'", "lib-g"]')
    if rng.random() < 0.15:
        lines.append('constraint-dependencies = ["lib-f<3"]')
    if rng.random() < 0.15:
        lines.append('dev-dependencies = ["lib-g"]')
    if rng.random() < 0.15:
        lines.append(f"package = {rng.choice(['true', 'false'])}")
    return lines


def local_sources(rng: random.Random, index: Path, folder: Path) -> list[str]:
    """Now and then one library from a wheel on disk, for one platform only, or from a source tree."""
    found = []
    if rng.random() < 0.2:
        wheel = min(index.glob("lib_b-*.whl"))
        marker = rng.choice(["", ", marker = \"sys_platform == 'linux'\""])
        found.append(f'lib-b = {{ path = "{wheel}"{marker} }}')
    if rng.random() < 0.2:
        tree = folder / "tree"
        tree.mkdir()
        (tree / "pyproject.toml").write_text(make_pyproject(rng, "lib-c", [], packaged=True))
        found.append(f'lib-c = {{ path = "tree", editable = {rng.choice(["true", "false"])} }}')
    return found


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
    lines += other_settings(rng)
    conflicts = make_conflicts(rng, texts)
    if conflicts:
        lines.append(f"conflicts = [{', '.join(conflicts)}]")
    sources = [f"{name} = {{ workspace = true }}" for name in members]
    sources += local_sources(rng, index, folder)
    if members:
        lines += ["[tool.uv.workspace]", f"members = {listing(members)}"]
    if sources:
        lines += ["[tool.uv.sources]", *sources]
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
