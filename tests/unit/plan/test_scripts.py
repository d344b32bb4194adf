from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from tests.support.emit import plan_of, texts
from uvlock2nix.errors import InputError, ProjectError, UsageError
from uvlock2nix.lock import load_project
from uvlock2nix.lock.places import folder_of
from uvlock2nix.nixrun.project import project_files

BLOCK = '# /// script\n# requires-python = ">=3.11"\n# dependencies = []\n{}# ///\n'
LOCK = 'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n'
PYLOCK = 'lock-version = "1.0"\ncreated-by = "test"\npackages = []\n'


def script(folder: Path, name: str, body: str = "", settings: str = "") -> Path:
    path = folder / name
    path.write_text(BLOCK.format(settings) + body)
    (folder / f"{name}.lock").write_text(LOCK)
    return path


def test_a_script_takes_along_what_it_imports_from_its_folder(tmp_path: Path) -> None:
    files = {"one.py": "import two, os\n", "two.py": "from pkg.sub import x\n", "alone.py": "", "secret": "s"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("import three\n")
    (tmp_path / "three.py").write_text("this is no Python (\n")
    plan = plan_of(script(tmp_path, "tool.py", "def f():\n    import one\n"))
    assert set(plan.script) == {PurePosixPath(n) for n in ("tool.py", "one.py", "two.py", "pkg", "three.py")}
    assert plan.script[0] == PurePosixPath("tool.py")
    assert (plan.name, plan.main_program, plan.argument) == ("tool", "tool", "tool.py")


def test_include_takes_more_along(tmp_path: Path) -> None:
    settings = '# [tool.uvlock2nix]\n# include = ["data"]\n'
    path = script(tmp_path, "tool.py", settings=settings)
    with pytest.raises(UsageError, match="data: does not exist"):
        plan_of(path)
    (tmp_path / "data").mkdir()
    assert plan_of(path).script == (PurePosixPath("tool.py"), PurePosixPath("data"))
    path = script(tmp_path, "tool.py", settings='# [tool.uvlock2nix]\n# include = ["../x"]\n')
    with pytest.raises(UsageError, match="not below"):
        plan_of(path)


def test_each_lock_has_a_folder_of_its_own(tmp_path: Path) -> None:
    for name in ("tool.py", "tool", "v2.1-tool"):
        script(tmp_path, name)
    (tmp_path / "uv.lock").write_text(LOCK)
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "pylock.toml").write_text(PYLOCK)
    (tmp_path / "pylock.dev.toml").write_text(PYLOCK)
    names = (".", "tool.py", "tool", "v2.1-tool", "pylock.toml", "pylock.dev.toml")
    folders = [str(folder_of(load_project(tmp_path / name).argument)) for name in names]
    assert folders == [
        "nix", "nix/tool", "nix/tool-script", "nix/v2-1-tool-script", "nix/pylock", "nix/pylock.dev"
    ]  # fmt: skip
    for name, folder in zip(names, folders, strict=True):
        with pytest.raises(InputError, match=f"/{folder}/python-deps.nix does not exist"):
            project_files(tmp_path / name)


def test_a_folder_with_a_pylock_alone_is_a_project(tmp_path: Path) -> None:
    (tmp_path / "pylock.toml").write_text(PYLOCK)
    project = load_project(tmp_path)
    assert (project.lock.flavour, project.argument) == ("pylock", "")
    assert "../pylock.toml" in texts(plan_of(project))["python-deps.nix"]
    (tmp_path / "pylock.dev.toml").write_text(PYLOCK)
    other = texts(plan_of(tmp_path / "pylock.dev.toml"))["python-deps.nix"]
    assert "../../pylock.dev.toml" in other
    assert "Run: uvlock2nix update-hash pylock.dev.toml" in other


@pytest.mark.parametrize("name", ["a b.py", "-x.py", "$(x).py", "ä.py", "'.py"])
def test_names_that_no_program_can_have_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProjectError, match="its name has characters") as caught:
        load_project(script(tmp_path, name))
    assert "rename it" in caught.value.hint
