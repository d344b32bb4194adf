"""What the Plan says of package's source and of logins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.emit import plan_of, texts
from tests.support.locks import HEAD, entry, write_project
from uvlock2nix.app.remarks import on_logins_in_mode_files
from uvlock2nix.errors import UsageError


def test_the_source_of_package_is_what_a_user_says(tmp_path: Path) -> None:
    text = '[project]\nname = "root"\nversion = "1.0"\n[tool.uvlock2nix]\n'
    lock = HEAD + entry("root", source='{ virtual = "." }')
    (tmp_path / "data").mkdir()
    lists = 'include = ["data/a.pem"]\nexclude = ["data", "gone"]\n'
    with pytest.raises(UsageError, match=r"include: data/a\.pem: is not there"):
        plan_of(write_project(tmp_path, lock, text + lists))
    (tmp_path / "data" / "a.pem").write_text("")
    package = texts(plan_of(write_project(tmp_path, lock, text + lists)))["package.nix"]
    assert "include = [ ../data/a.pem ];" in package
    assert "../gone" in package
    for wrong in ("/etc", "../x", "."):
        with pytest.raises(UsageError, match="is not below the project's folder"):
            plan_of(write_project(tmp_path, lock, f'{text}exclude = ["{wrong}"]\n'))


def test_the_variables_of_logins(tmp_path: Path) -> None:
    lock = HEAD + entry("root", source='{ virtual = "." }')
    text = '[project]\nname = "root"\nversion = "1.0"\n'
    assert plan_of(write_project(tmp_path, lock, text)).login_variables == ()
    index = '[[tool.uv.index]]\nname = "my.own-index"\nurl = "https://index.example/simple"\n'
    folder = '[[tool.uv.index]]\nname = "folder"\nurl = "./vendor"\n'
    plan = plan_of(write_project(tmp_path, lock, text + index + folder))
    assert plan.login_variables == (
        "NETRC", "UV_INDEX_MY_OWN_INDEX_PASSWORD", "UV_INDEX_MY_OWN_INDEX_USERNAME"
    )  # fmt: skip
    url = entry("there", source='{ url = "https://files.example/there-1.0-py3-none-any.whl" }')
    assert plan_of(write_project(tmp_path, lock + url, text)).login_variables == ("NETRC",)


def test_that_mode_files_has_no_logins_is_noted(tmp_path: Path) -> None:
    lock = HEAD + entry("root", source='{ virtual = "." }')
    index = '[[tool.uv.index]]\nname = "mine"\nurl = "https://index.example/simple"\n'
    plan = plan_of(write_project(tmp_path, lock, '[project]\nname = "root"\nversion = "1.0"\n' + index))
    assert list(on_logins_in_mode_files(plan)) == []
    (note,) = on_logins_in_mode_files(replace(plan, mode="files"))
    assert "UV_INDEX_MINE_" in note
    assert list(on_logins_in_mode_files(replace(plan, mode="files", login_variables=("NETRC",)))) == []
