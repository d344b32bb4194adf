"""Every key of uv's settings is honoured, irrelevant or refused, and docs/uv-settings.md says which.

``UVLOCK2NIX_WRITE_DOCS=1`` writes the page's table again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from uvlock2nix.errors import ProjectError, SelectionError
from uvlock2nix.lock import Selection, UvSettings, load_project, resolve
from uvlock2nix.lock.uv_keys import SETTINGS
from uvlock2nix.target import Target

REPOSITORY = Path(__file__).resolve().parents[3]
PAGE = REPOSITORY / "docs" / "uv-settings.md"
LOCK = 'version = 1\nrequires-python = ">=3.11"\n[[package]]\nname = "x"\nsource = { virtual = "." }\n'
# Read for pyproject.toml's sake, or only to be compared: no field of UvSettings.
READ_ELSEWHERE = frozenset(
    ["dependency-groups", "dev-dependencies", "package", "sources", "workspace", "conflicts", "build-backend"]
)


def rows() -> list[str]:
    order = ("honoured", "refused", "irrelevant")
    return [
        f"| `{key}` | {setting.treatment} | {setting.why} |"
        for treatment in order
        for key, setting in sorted(SETTINGS.items())
        if setting.treatment == treatment
    ]


def project(folder: Path, settings: str) -> Path:
    (folder / "uv.lock").write_text(LOCK)
    (folder / "pyproject.toml").write_text(f'[project]\nname = "x"\nversion = "1"\n[tool.uv]\n{settings}\n')
    return folder


def test_the_page_lists_what_the_table_has() -> None:
    text = PAGE.read_text(encoding="utf-8")
    head, _, _ = text.partition("| key |")
    wanted = f"{head}| key | here | how, or why not |\n|---|---|---|\n" + "\n".join(rows()) + "\n"
    if os.environ.get("UVLOCK2NIX_WRITE_DOCS"):
        PAGE.write_text(wanted, encoding="utf-8")
    assert text == wanted


def test_the_table_has_the_keys_that_uv_lists(tmp_path: Path) -> None:
    # To a key that it does not know, uv answers with those that it does.
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\n[tool.uv]\nxyzzy = 1\n')
    argv = [str(Path(sys.executable).parent / "uv"), "lock", "--offline", "--python", sys.executable]
    said = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False).stderr
    listed = re.search(r"unknown field `xyzzy`, expected one of (.*)", said)
    assert listed is not None, said
    assert set(re.findall(r"`([a-z-]+)`", listed[1])) == set(SETTINGS)


def test_a_field_of_the_settings_is_a_key_that_is_not_irrelevant() -> None:
    names = {name.replace("_", "-") for name in UvSettings._fields} - {"indexes"} | {"index"}
    in_the_lock = {key for key, setting in SETTINGS.items() if "`uv lock` has applied it" in setting.why}
    wanted = {key for key, setting in SETTINGS.items() if setting.treatment != "irrelevant"}
    assert names <= set(SETTINGS)
    assert wanted - names - READ_ELSEWHERE - in_the_lock == set()
    assert {key for key in names if SETTINGS[key].treatment == "irrelevant"} <= {"required-version"}


def test_an_unknown_key_is_reported(tmp_path: Path) -> None:
    (warning,) = load_project(project(tmp_path, "xyzzy = 1")).warnings
    assert "xyzzy" in warning
    assert load_project(project(tmp_path, "offline = true")).warnings == ()


def test_an_unknown_key_of_uv_toml_is_reported(tmp_path: Path) -> None:
    project(tmp_path, "")
    (tmp_path / "uv.toml").write_text("xyzzy = 1\n")
    (warning,) = load_project(tmp_path).warnings
    assert "xyzzy" in warning
    assert str(tmp_path / "uv.toml") in warning


def test_an_unmanaged_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="managed is false"):
        load_project(project(tmp_path, "managed = false"))


GROUP = """
[tool.uv.dependency-groups]
new = { requires-python = ">=3.14" }
[dependency-groups]
new = []
more = [{ include-group = "new" }]
every = [{ include-group = "more" }, { include-group = "every" }]
"""


def test_a_group_may_ask_for_a_younger_python(tmp_path: Path) -> None:
    loaded = load_project(project(tmp_path, GROUP))
    target = Target.parse(system="x86_64-linux", python="3.13.1")
    assert resolve(loaded, Selection(), target).packages == ()
    # uv 0.13.9: "resolved to Python 3.13.1, which is incompatible with the project's Python requirement".
    with pytest.raises(SelectionError, match=r"group new requires Python >=3.14, not 3.13.1"):
        resolve(loaded, Selection(groups=("new",)), target)
    # It holds for those that include it.
    with pytest.raises(SelectionError, match=r"group every requires Python >=3.14, not 3.13.1"):
        resolve(loaded, Selection(groups=("every",)), target)
    younger = Target.parse(system="x86_64-linux", python="3.14.0")
    assert resolve(loaded, Selection(groups=("new",)), younger).packages == ()


def test_a_group_with_a_wrong_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="not a version specifier"):
        load_project(project(tmp_path, '[tool.uv.dependency-groups]\nnew = { requires-python = "x" }'))
