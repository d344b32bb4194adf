"""What load_project finds on disk."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from tests.support.locks import HEAD, INDEX, LINUX, entry, write_project
from uvlock2nix.errors import LockError, ProjectError, SelectionError, Uvlock2nixError
from uvlock2nix.lock import ExtraBuildDependency, Index, Selection, load_project, resolve

LOCK = HEAD + entry("root", source='{ editable = "." }', deps=("a",)) + entry("a")
PYPROJECT = """
[project]
name = "Root"
version = "1.0"
dependencies = ["a"]
[project.scripts]
run = "root:main"
[project.gui-scripts]
show = "root.gui:main"
[project.entry-points."root.plugins"]
one = "root.one"
[build-system]
requires = ["hatchling>=1.20"]
build-backend = "hatchling.build"
backend-path = ["."]
[tool.uvlock2nix]
python = "3.13"
"""


def files(*names: str) -> tuple[PurePosixPath, ...]:
    return tuple(map(PurePosixPath, names))


def test_a_plain_project(tmp_path: Path) -> None:
    project = write_project(tmp_path, LOCK, PYPROJECT)
    (member,) = project.members
    assert (project.root, project.current, project.lock_path) == (tmp_path, "root", tmp_path / "uv.lock")
    assert len(project.lock_sha256) == 64
    assert project.files == files("pyproject.toml", "uv.lock")
    assert project.tool == {"python": "3.13"}
    assert (member.name, str(member.path), member.is_virtual) == ("root", ".", False)
    assert str(member.pyproject_path) == "pyproject.toml"
    assert member.pyproject.build_system.declared
    assert member.build_requires == ("hatchling>=1.20",)
    assert (member.pyproject.build_system.backend, member.backend_path) == ("hatchling.build", (".",))
    assert member.scripts == (("run", "root:main"),)
    assert member.gui_scripts == (("show", "root.gui:main"),)
    assert member.entry_points == (("root.plugins", (("one", "root.one"),)),)


def test_without_build_system_the_old_default_stands(tmp_path: Path) -> None:
    (member,) = write_project(tmp_path, LOCK).members
    assert not member.pyproject.build_system.declared
    assert member.build_requires == ("setuptools>=40.8.0",)
    assert member.pyproject.build_system.backend == "setuptools.build_meta:__legacy__"


@pytest.mark.parametrize("name", [".", "uv.lock", "pyproject.toml"])
def test_ways_to_name_a_project(tmp_path: Path, name: str) -> None:
    write_project(tmp_path, LOCK)
    assert load_project(tmp_path / name).root == tmp_path


MEMBERS = (
    HEAD
    + '[manifest]\nmembers = ["one", "root"]\n'
    + entry("root", source='{ virtual = "." }')
    + entry("one", source='{ editable = "packages/one" }')
)


def make_workspace(folder: Path) -> Path:
    inner = folder / "packages" / "one"
    inner.mkdir(parents=True)
    (inner / "pyproject.toml").write_text('[project]\nname = "one"\nversion = "1.0"\n')
    write_project(
        folder,
        MEMBERS,
        '[project]\nname = "root"\nversion = "1"\n[tool.uv.workspace]\nmembers = ["packages/*"]\n',
    )
    return inner


def test_a_member_s_folder_leads_to_the_workspace(tmp_path: Path) -> None:
    inner = make_workspace(tmp_path)
    project = load_project(inner)
    assert (project.root, project.current) == (tmp_path, "one")
    assert project.files == files("packages/one/pyproject.toml", "pyproject.toml", "uv.lock")
    assert [item.package.name for item in resolve(project, Selection(), LINUX).packages] == ["one"]
    assert load_project(tmp_path).current == "root"


def test_a_folder_below_that_is_no_member(tmp_path: Path) -> None:
    make_workspace(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "pyproject.toml").write_text('[project]\nname = "other"\nversion = "1"\n')
    with pytest.raises(ProjectError, match="is not a member of the workspace"):
        load_project(tmp_path / "other")


def test_the_nearest_version_file_counts(tmp_path: Path) -> None:
    inner = make_workspace(tmp_path)
    (tmp_path / ".python-version").write_text("# ours\n\n3.12\n3.11\n")
    assert load_project(inner).python_version_file == "3.12"
    (inner / ".python-version").write_text("3.13.1\n")
    project = load_project(inner)
    assert project.python_version_file == "3.13.1"
    assert PurePosixPath("packages/one/.python-version") in project.files
    assert load_project(tmp_path).python_version_file == "3.12"


def test_settings_of_tool_uv(tmp_path: Path) -> None:
    text = (
        PYPROJECT
        + """
[tool.uv]
no-binary-package = ["Lx.ml"]
no-build = false
default-groups = "all"
build-constraint-dependencies = ["setuptools<80"]
no-build-isolation-package = ["torch"]
exclude-newer = "2026-01-01T00:00:00Z"
environments = "sys_platform == 'linux'"
config-settings = { editable_mode = "compat", flag = true }
[tool.uv.config-settings-package]
numpy = { setup-args = ["-Da=b", "-Dc=d"] }
[tool.uv.extra-build-dependencies]
gssapi = ["cython", { requirement = "torch", match-runtime = true }]
[tool.uv.extra-build-variables]
gssapi = { B = "2", A = "1" }
[tool.uv.exclude-newer-package]
a = false
[[tool.uv.index]]
name = "ours"
url = "https://user:secret@index.example/simple"
explicit = true
"""
    )
    settings = write_project(tmp_path, LOCK, text).uv
    assert settings.no_binary_package == ("lx-ml",)
    assert (settings.no_binary, settings.no_build, settings.default_groups) == (None, False, "all")
    assert settings.build_constraint_dependencies == ("setuptools<80",)
    assert settings.no_build_isolation_package == ("torch",)
    assert settings.exclude_newer == "2026-01-01T00:00:00Z"
    assert settings.exclude_newer_package == (("a", None),)
    assert settings.environments == ("sys_platform == 'linux'",)
    assert settings.config_settings == (("editable_mode", ("compat",)), ("flag", ("true",)))
    assert settings.config_settings_package == (("numpy", (("setup-args", ("-Da=b", "-Dc=d")),)),)
    cython, torch = settings.extra_build_dependencies[0][1]
    assert (cython, torch) == (ExtraBuildDependency("cython"), ExtraBuildDependency("torch", True))
    assert settings.extra_build_variables == (("gssapi", (("A", "1"), ("B", "2"))),)
    assert settings.indexes == (Index("ours", "https://user:secret@index.example/simple", explicit=True),)


def test_uv_toml_stands_in_place_of_tool_uv(tmp_path: Path) -> None:
    (tmp_path / "uv.toml").write_text('no-build = true\nbuild-constraint-dependencies = ["x"]\n')
    text = PYPROJECT + '[tool.uv]\nno-binary = true\nbuild-constraint-dependencies = ["setuptools"]\n'
    project = write_project(tmp_path, LOCK, text)
    assert (project.uv.no_build, project.uv.no_binary) == (True, None)
    assert project.uv.build_constraint_dependencies == ("setuptools",)
    assert project.files == files("pyproject.toml", "uv.lock", "uv.toml")
    (warning,) = project.warnings
    assert "ignored there: no-binary" in warning


@pytest.mark.parametrize(
    ("name", "text"), [("uv.toml", "no-build = true\n"), ("pyproject.toml", "[tool.uv]\nno-build = true\n")]
)
def test_settings_from_above_are_used_and_told(tmp_path: Path, name: str, text: str) -> None:
    folder = tmp_path / "below"
    folder.mkdir()
    (tmp_path / name).write_text(text)
    project = write_project(folder, LOCK)
    assert project.uv.no_build is True
    assert "outside the project" in project.warnings[0]
    # One's own settings, however few, end the search.
    own = write_project(folder, LOCK, PYPROJECT + "[tool.uv]\nmanaged = true\n")
    assert own.uv.no_build is None
    assert own.warnings == ()


SCRIPT = """#!/usr/bin/env python
# /// script
# requires-python = ">=3.11"
# dependencies = ["a"]
#
# [tool.uv]
# no-binary-package = ["a"]
# [tool.uvlock2nix]
# python = "3.12"
# ///
"""
SCRIPT_LOCK = HEAD + '[manifest]\nrequirements = [{ name = "a", extras = ["x"] }]\n' + entry("a") + entry("b")


def test_a_script(tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text(SCRIPT)
    (tmp_path / "job.py.lock").write_text(SCRIPT_LOCK)
    for name in ("job.py", "job.py.lock"):
        project = load_project(tmp_path / name)
        assert (project.lock.flavour, project.script, project.current) == (
            "script",
            tmp_path / "job.py",
            None,
        )
        assert project.files == files("job.py", "job.py.lock")
        assert project.uv.no_binary_package == ("a",)
        assert project.tool == {"python": "3.12"}
        environment = resolve(project, Selection(default_groups=True), LINUX)
        assert [item.package.name for item in environment.packages] == ["a"]
        with pytest.raises(SelectionError, match="no projects to select"):
            resolve(project, Selection(packages=("a",)), LINUX)


def test_versions_of_a_script_by_platform(tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text(SCRIPT)
    fork = "resolution-markers = [\"sys_platform {} 'linux'\"]"
    text = SCRIPT_LOCK + entry("a", "2.0", more=fork.format("!="))
    (tmp_path / "job.py.lock").write_text(
        text.replace(f"source = {INDEX}\n", f"source = {INDEX}\n{fork.format('==')}\n", 1)
    )
    environment = resolve(load_project(tmp_path / "job.py"), Selection(), LINUX)
    assert [str(item.package) for item in environment.packages] == ["a==1.0"]
    (tmp_path / "job.py.lock").write_text(SCRIPT_LOCK + entry("a", "2.0"))
    with pytest.raises(LockError, match="2 packages of the lock match a"):
        resolve(load_project(tmp_path / "job.py"), Selection(), LINUX)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("print()", "no `# /// script` block"),
        ("# /// script\n# a = 1\n", "no `# /// script` block"),
        ("\ufeff# /// script\n# dependencies = []\n# ///\n", "byte order mark"),
        ("# /// script\n# a = \n# ///\n", "not valid TOML"),
        ("# /// script\n# dependencies = 3\n# ///\n", "dependencies: is not an array"),
        ("# /// script\n# tool.uv = 3\n# ///\n", "tool.uv: is not a table"),
    ],
)
def test_wrong_scripts(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "job.py").write_text(text)
    (tmp_path / "job.py.lock").write_text(SCRIPT_LOCK)
    with pytest.raises(ProjectError) as caught:
        load_project(tmp_path / "job.py")
    assert says in caught.value.message


def broken(folder: Path, name: str, data: bytes) -> Uvlock2nixError:
    write_project(folder, LOCK, PYPROJECT)
    (folder / name).write_bytes(data)
    with pytest.raises(Uvlock2nixError) as caught:
        load_project(folder)
    return caught.value


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml", "uv.toml"])
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"a = ", "not valid TOML"),
        (b"a = " + b"[" * 5000, "not valid TOML"),
        (b"a = " + b"9" * 5000, "not valid TOML"),
        (b"a = 1\x00", "not valid TOML"),
    ],
)
def test_files_that_are_no_toml(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    error = broken(tmp_path, name, data)
    assert says in error.message
    assert name in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("project = 3", "project: is not a table"),
        ("[project]\nversion = '1'", "project: name: is not a valid name"),
        ("[project]\nname = 'root'\ndependencies = 'a'", "dependencies: is not an array"),
        ("[project]\nname = 'root'\nscripts = { a = 3 }", "scripts: a: is not a reference"),
        ("[project]\nname = 'root'\n[dependency-groups]\ndev = [3]", "neither a requirement nor"),
        ("[project]\nname = 'root'\n[tool]\nuv = 3", "tool: uv: is not a table"),
        ("[project]\nname = 'root'\n[tool.uv]\ndefault-groups = 'some'", "default-groups"),
        ("[project]\nname = 'root'\n[tool.uv]\nno-binary = 'yes'", "no-binary: is not true or false"),
        (
            "[project]\nname = 'root'\n[tool.uv]\nextra-build-dependencies = { a = [3] }",
            "extra-build-dependencies.a",
        ),
        ("[project]\nname = 'root'\n[tool.uv]\nextra-build-variables = { a = 3 }", "extra-build-variables.a"),
        ("[project]\nname = 'root'\n[[tool.uv.index]]\nname = 'x'", "index: url: is missing"),
        ("[project]\nname = 'other'", "no entry for the project other"),
    ],
)
def test_wrong_pyprojects_name_the_key(tmp_path: Path, text: str, says: str) -> None:
    assert says in broken(tmp_path, "pyproject.toml", text.encode()).message


@pytest.mark.parametrize(
    ("present", "says"),
    [
        ((), "has no pyproject.toml"),
        (("pyproject.toml",), "has no uv.lock"),
        (("uv.lock",), "pyproject.toml"),
    ],
)
def test_missing_files(tmp_path: Path, present: tuple[str, ...], says: str) -> None:
    for name in present:
        (tmp_path / name).write_text(LOCK if name == "uv.lock" else PYPROJECT)
    with pytest.raises(ProjectError) as caught:
        load_project(tmp_path)
    assert says in caught.value.message


def test_other_things_that_are_no_project(tmp_path: Path) -> None:
    for name in ("nowhere", "nowhere.py", "pylock.toml", "x.lock", "x" * 5000, "a\0b"):
        with pytest.raises(Uvlock2nixError):
            load_project(tmp_path / name)


def test_a_member_must_be_inside(tmp_path: Path) -> None:
    text = MEMBERS.replace("packages/one", "/etc")
    with pytest.raises(ProjectError, match="must have a relative path"):
        write_project(tmp_path, text)
    with pytest.raises(ProjectError, match="one has 0 local entries"):
        write_project(
            tmp_path, MEMBERS.replace('editable = "packages/one"', 'registry = "https://x.example"')
        )
