"""Which packages an environment holds: uv's rules, one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.locks import HEAD, INDEX, LINUX, MAC, edges, entry, write_project
from uvlock2nix.errors import ConflictError, LockError, ProjectError, SelectionError
from uvlock2nix.lock import Environment, Project, Selection, resolve
from uvlock2nix.target import Target

ROOT = '{ editable = "." }'


def names(environment: Environment) -> list[str]:
    return [entry.package.name for entry in environment.packages]


def env(project: Project, target: Target = LINUX, /, **selection: object) -> list[str]:
    """Names for a selection, the root left out."""
    found = names(resolve(project, Selection(**selection), target))  # type: ignore[arg-type]
    return [name for name in found if name != "root"]


def pyproject(extra: str = "", *, name: str | None = "root") -> str:
    head = f'[project]\nname = "{name}"\nversion = "1.0"\n' if name else ""
    return head + extra


GROUPS = '[dependency-groups]\ndev = ["d"]\ndocs = ["o"]\nx = ["g"]\n'
GROUPED = (
    HEAD
    + entry(
        "root",
        source=ROOT,
        deps=("a",),
        more=edges("optional-dependencies", x=("e",))
        + "\n"
        + edges("dev-dependencies", dev=("d",), docs=("o",), x=("g",)),
    )
    + "".join(map(entry, "adeog"))
)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({}, "a"),
        ({"default_groups": True}, "ad"),
        ({"groups": ("docs",)}, "ao"),
        ({"groups": ("docs",), "default_groups": True}, "ado"),
        ({"default_groups": True, "no_dev": True}, "a"),
        ({"default_groups": True, "no_groups": ("dev",)}, "a"),
        ({"all_groups": True}, "adgo"),
        ({"all_groups": True, "no_groups": ("docs",)}, "adg"),
        ({"only_groups": ("docs",)}, "o"),
        ({"only_groups": ("docs",), "default_groups": True}, "o"),
        ({"extras": ("x",)}, "ae"),
        ({"extras": ("X",)}, "ae"),
        ({"groups": ("x",)}, "ag"),
        ({"all_extras": True}, "ae"),
        ({"all_extras": True, "no_extras": ("x",)}, "a"),
        ({"extras": ("x",), "no_extras": ("x",)}, "a"),
    ],
)
def test_extras_and_groups(tmp_path: Path, selection: dict[str, object], expected: str) -> None:
    project = write_project(tmp_path, GROUPED, pyproject(GROUPS))
    assert env(project, **selection) == list(expected)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ('default-groups = "all"', "adgo"),
        ('default-groups = ["docs"]', "ao"),
        ("default-groups = []", "a"),
        ("", "ad"),
    ],
)
def test_default_groups_of_the_project(tmp_path: Path, setting: str, expected: str) -> None:
    project = write_project(tmp_path, GROUPED, pyproject(f"{GROUPS}[tool.uv]\n{setting}\n"))
    assert env(project, default_groups=True) == list(expected)
    assert env(project) == ["a"]


def test_default_groups_that_do_not_exist(tmp_path: Path) -> None:
    project = write_project(tmp_path, GROUPED, pyproject('[tool.uv]\ndefault-groups = ["gone"]\n'))
    with pytest.raises(ProjectError, match="no dependency group gone"):
        env(project, default_groups=True)
    assert env(project) == ["a"]


@pytest.mark.parametrize(
    ("selection", "says", "hint"),
    [
        ({"extras": ("y",)}, "no extra y", "extras: x"),
        ({"groups": ("doks",)}, "no dependency group doks", "did you mean docs"),
        ({"no_groups": ("gone",)}, "no dependency group gone", ""),
        ({"packages": ("rot",)}, "no project rot", "did you mean root"),
        ({"extras": ("x",), "all_extras": True}, "--extra and --all-extras cannot be used together", ""),
        (
            {"groups": ("docs",), "only_groups": ("dev",)},
            "--group and --only-group cannot be used together",
            "",
        ),
        (
            {"packages": ("root",), "all_packages": True},
            "--package and --all-packages cannot be used together",
            "",
        ),
    ],
)
def test_names_that_do_not_exist(tmp_path: Path, selection: dict[str, object], says: str, hint: str) -> None:
    project = write_project(tmp_path, GROUPED, pyproject(GROUPS))
    with pytest.raises(SelectionError) as caught:
        env(project, **selection)
    assert says in caught.value.message
    assert hint in caught.value.hint


def test_what_brought_a_package_in(tmp_path: Path) -> None:
    project = write_project(tmp_path, GROUPED, pyproject(GROUPS))
    environment = resolve(project, Selection(extras=("x",), groups=("docs",)), LINUX)
    assert {item.package.name: item.requested_by for item in environment.packages} == {
        "root": ("the selection",),
        "a": ("root",),
        "e": ("root[x]",),
        "o": ("root:docs",),
    }
    assert environment.roots == ("root",)
    assert environment.target is LINUX


MEMBERS = (
    HEAD
    + '[manifest]\nmembers = ["one", "root", "two"]\n'
    + entry(
        "root",
        source='{ virtual = "." }',
        deps=("a",),
        more=edges("dev-dependencies", docs=("o",), lint=("l",)),
    )
    + entry(
        "one", source='{ editable = "one" }', deps=("two", "b"), more=edges("dev-dependencies", lint=("m",))
    )
    + entry("two", source='{ editable = "two" }', deps=("c",))
    + "".join(map(entry, "abclmo"))
)
ONE = '[project]\nname = "one"\nversion = "1.0"\n[dependency-groups]\nlint = ["m"]\n'
TWO = '[project]\nname = "two"\nversion = "1.0"\n'
ROOT_GROUPS = '[dependency-groups]\ndocs = ["o"]\nlint = ["l"]\n[tool.uv]\ndefault-groups = ["docs"]\n'


def workspace(folder: Path) -> Project:
    return write_project(folder, MEMBERS, pyproject(ROOT_GROUPS), one=ONE, two=TWO)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({}, ["a"]),
        ({"packages": ("one",)}, ["b", "c", "one", "two"]),
        ({"packages": ("two",)}, ["c", "two"]),
        ({"packages": ("one", "two")}, ["b", "c", "one", "two"]),
        ({"all_packages": True}, ["a", "b", "c", "one", "two"]),
        # A member gets the root's group only where it has none of that name, and only if asked for.
        ({"packages": ("two",), "groups": ("docs",)}, ["c", "o", "two"]),
        ({"packages": ("one",), "groups": ("lint",)}, ["b", "c", "m", "one", "two"]),
        ({"packages": ("two",), "groups": ("lint",)}, ["c", "l", "two"]),
        ({"packages": ("two",), "default_groups": True}, ["c", "two"]),
        ({"packages": ("two",), "all_groups": True}, ["c", "l", "o", "two"]),
        ({"packages": ("two",), "only_groups": ("docs",)}, ["o"]),
        ({"default_groups": True}, ["a", "o"]),
        ({"all_packages": True, "groups": ("lint",)}, ["a", "b", "c", "l", "m", "one", "two"]),
    ],
)
def test_members(tmp_path: Path, selection: dict[str, object], expected: list[str]) -> None:
    project = workspace(tmp_path)
    assert names(resolve(project, Selection(**selection), LINUX)) == expected  # type: ignore[arg-type]


def test_a_virtual_root_is_not_installed_but_is_a_root(tmp_path: Path) -> None:
    environment = resolve(workspace(tmp_path), Selection(), LINUX)
    assert environment.roots == ("root",)
    assert names(environment) == ["a"]


NO_PROJECT = (
    HEAD
    + '[manifest]\nmembers = ["one", "two"]\n[manifest.dependency-groups]\n'
    + 'docs = [{ name = "o", extras = ["x"] }, { name = "l", marker = "sys_platform == \'darwin\'" }]\n'
    + entry("one", source='{ editable = "one" }', deps=("b",))
    + entry("two", source='{ editable = "two" }', deps=("c",))
    + entry("o", more=edges("optional-dependencies", x=("a",)))
    + "".join(map(entry, "abcl"))
)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({}, ["b", "c", "one", "two"]),
        ({"packages": ("one",)}, ["b", "one"]),
        ({"groups": ("docs",)}, ["a", "b", "c", "o", "one", "two"]),
        ({"packages": ("one",), "groups": ("docs",)}, ["a", "b", "o", "one"]),
        ({"only_groups": ("docs",)}, ["a", "o"]),
    ],
)
def test_a_root_without_project(tmp_path: Path, selection: dict[str, object], expected: list[str]) -> None:
    text = '[tool.uv.workspace]\nmembers = ["one", "two"]\n[dependency-groups]\ndocs = ["o"]\n'
    project = write_project(tmp_path, NO_PROJECT, text, one=ONE.partition("[dep")[0], two=TWO)
    assert project.current is None
    assert names(resolve(project, Selection(**selection), LINUX)) == expected  # type: ignore[arg-type]


def test_markers_on_edges_and_versions_by_platform(tmp_path: Path) -> None:
    deps = (
        f'name = "b", version = "1.0", source = {INDEX}, marker = "sys_platform == \'darwin\'"',
        f'name = "b", version = "2.0", source = {INDEX}, marker = "\'linux\' in sys_platform"',
        'name = "w", marker = "sys_platform == \'win32\'"',
    )
    text = HEAD + entry("root", source=ROOT, deps=deps) + entry("b") + entry("b", "2.0") + entry("w")
    project = write_project(tmp_path, text)
    for target, version in ((LINUX, "2.0"), (MAC, "1.0")):
        environment = resolve(project, Selection(), target)
        assert [str(item.package) for item in environment.packages] == [f"b=={version}", "root==1.0"]


CONFLICTS = (
    HEAD
    + """conflicts = [
    [{ package = "root", extra = "cpu" }, { package = "root", extra = "gpu" }],
    [{ package = "lib", extra = "one" }, { package = "lib", extra = "two" }],
    [{ package = "root", group = "old" }, { package = "root", extra = "new" }],
]
"""
    + entry(
        "root",
        source=ROOT,
        deps=("torch-user",),
        more=edges(
            "optional-dependencies",
            cpu=('name = "lib", extra = ["one"]',),
            gpu=("g",),
            new=("n",),
            both=('name = "lib", extra = ["one"]', "via"),
        )
        + "\n"
        + edges("dev-dependencies", old=("o",)),
    )
    + entry(
        "torch-user",
        deps=(
            f'name = "torch", version = "1.0", source = {INDEX}, marker = "extra == \'extra-4-root-cpu\'"',
            f'name = "torch", version = "2.0", source = {INDEX}, marker = "extra != \'extra-4-root-cpu\'"',
            'name = "old-only", marker = "extra == \'group-4-root-old\'"',
            'name = "project-on", marker = "extra == \'project-4-root\'"',
            'name = "lib-one", marker = "extra == \'extra-3-lib-one\'"',
        ),
    )
    + entry("lib", more=edges("optional-dependencies", one=("a",), two=("b",)))
    + entry("via", deps=('name = "lib", extra = ["two"]',))
    + entry("torch")
    + entry("torch", "2.0")
    + "".join(map(entry, ("a", "b", "g", "n", "o", "old-only", "project-on", "lib-one")))
)


def versions(project: Project, **selection: object) -> list[str]:
    environment = resolve(project, Selection(**selection), LINUX)  # type: ignore[arg-type]
    return [str(item.package) for item in environment.packages if item.package.name != "root"]


@pytest.mark.parametrize(
    ("selection", "there", "not_there"),
    [
        ({}, ["torch==2.0", "project-on==1.0"], ["old-only==1.0", "lib-one==1.0"]),
        ({"extras": ("gpu",)}, ["torch==2.0", "g==1.0"], ["torch==1.0"]),
        # The extra of lib is found on the way, and counts for the edge before it.
        ({"extras": ("cpu",)}, ["torch==1.0", "a==1.0", "lib-one==1.0"], ["torch==2.0"]),
        ({"groups": ("old",)}, ["old-only==1.0", "o==1.0"], ["n==1.0"]),
        ({"only_groups": ("old",)}, ["o==1.0"], ["torch==2.0", "project-on==1.0"]),
    ],
)
def test_conflict_markers(
    tmp_path: Path, selection: dict[str, object], there: list[str], not_there: list[str]
) -> None:
    found = versions(write_project(tmp_path, CONFLICTS), **selection)
    assert set(there) <= set(found)
    assert not set(not_there) & set(found)


@pytest.mark.parametrize(
    ("selection", "both"),
    [
        ({"extras": ("cpu", "gpu")}, ("root[cpu]", "root[gpu]")),
        ({"all_extras": True}, ("root[cpu]", "root[gpu]")),
        ({"extras": ("new",), "groups": ("old",)}, ("root[new]", "root:old")),
        # These two were not selected by name: they are dependencies, at different depths.
        ({"extras": ("both",)}, ("lib[one]", "lib[two]")),
    ],
)
def test_conflicts_are_refused_with_both_names(
    tmp_path: Path, selection: dict[str, object], both: tuple[str, str]
) -> None:
    with pytest.raises(ConflictError) as caught:
        versions(write_project(tmp_path, CONFLICTS), **selection)
    assert all(name in caught.value.message for name in both)


def test_no_extra_takes_one_side_of_a_conflict_away(tmp_path: Path) -> None:
    project = write_project(tmp_path, CONFLICTS)
    found = versions(project, all_extras=True, no_extras=("gpu", "both"))
    assert "torch==1.0" in found


def test_projects_that_conflict(tmp_path: Path) -> None:
    text = MEMBERS.replace(
        "[manifest]", 'conflicts = [[{ package = "one" }, { package = "two" }]]\n[manifest]'
    )
    project = write_project(tmp_path, text, pyproject(ROOT_GROUPS), one=ONE, two=TWO)
    with pytest.raises(ConflictError, match="one and two"):
        env(project, packages=("one", "two"))
    assert env(project, packages=("two",)) == ["c", "two"]


def test_python_outside_of_requires_python(tmp_path: Path) -> None:
    project = write_project(tmp_path, GROUPED)
    with pytest.raises(SelectionError, match=r"Python 3\.9\.1 does not fit requires-python >=3\.11"):
        env(project, Target.parse("x86_64-linux", "3.9.1"))


def test_platform_outside_of_supported_markers(tmp_path: Path) -> None:
    text = HEAD + "supported-markers = [\"sys_platform == 'darwin'\"]\n" + entry("root", source=ROOT)
    project = write_project(tmp_path, text)
    assert env(project, MAC) == []
    with pytest.raises(LockError, match="was made for `sys_platform == 'darwin'`"):
        env(project, LINUX)


def test_platform_outside_of_every_fork(tmp_path: Path) -> None:
    fork = "sys_platform == 'darwin' and extra == 'extra-1-a-x'"
    text = HEAD + f'resolution-markers = ["{fork}"]\n' + entry("root", source=ROOT)
    project = write_project(tmp_path, text)
    assert env(project, MAC) == []
    with pytest.raises(LockError, match="no part of its resolution"):
        env(project, LINUX)


def test_required_markers_restrict_nothing(tmp_path: Path) -> None:
    text = HEAD + "required-markers = [\"sys_platform == 'darwin'\"]\n" + entry("root", source=ROOT)
    assert env(write_project(tmp_path, text), LINUX) == []


def test_a_cycle_ends(tmp_path: Path) -> None:
    text = (
        HEAD
        + entry("root", source=ROOT, deps=("a",))
        + entry("a", deps=("b",))
        + entry("b", deps=("a", "root"))
    )
    assert env(write_project(tmp_path, text)) == ["a", "b"]


def test_extras_of_dependencies(tmp_path: Path) -> None:
    text = HEAD + entry("root", source=ROOT, deps=('name = "a", extra = ["x"]',))
    text += entry("a", deps=("b",), more=edges("optional-dependencies", x=("c",), y=("d",)))
    text += "".join(map(entry, "bcd"))
    environment = resolve(write_project(tmp_path, text), Selection(), LINUX)
    assert names(environment) == ["a", "b", "c", "root"]
    assert environment.packages[0].extras == ("x",)
    assert environment.packages[2].requested_by == ("a[x]",)
