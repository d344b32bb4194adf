"""What the Plan says of package's source and of logins."""

from __future__ import annotations

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
    with pytest.raises(UsageError, match=r"include: data/a\.pem: does not exist"):
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


def test_the_hosts_of_logins(tmp_path: Path) -> None:
    """Those of indexes, of their files, and of URLs; not of the default index, which everybody may read."""
    lock = HEAD + entry("root", source='{ virtual = "." }')
    text = '[project]\nname = "root"\nversion = "1.0"\n'
    file = '[{ url = "https://%s/x-1.0-py3-none-any.whl", hash = "sha256:%s", size = 1 }]'
    for name, index, host in (
        ("mine", "https://index.example:8443/simple/", "cdn.example"),
        ("usual", "https://default.example/simple", "files.default.example"),
    ):
        wheels = file.replace("x-1.0", f"{name}-1.0") % (host, "0" * 64)
        lock += entry(name, source=f'{{ registry = "{index}" }}') + f"wheels = {wheels}\n"
    lock += entry("there", source='{ url = "https://url.example/there-1.0-py3-none-any.whl" }')
    assert plan_of(write_project(tmp_path, lock, text)).login_hosts == (("url.example", ""),)
    index = '[[tool.uv.index]]\nname = "my.own"\nurl = "https://joe@index.example:8443/simple"\n'
    plan = plan_of(write_project(tmp_path, lock, text + index))
    assert plan.login_hosts == (
        ("cdn.example", ""),
        ("index.example:8443", "UV_INDEX_MY_OWN"),
        ("url.example", ""),
    )
    nameless = index.replace('name = "my.own"\n', "")
    hosts = plan_of(write_project(tmp_path, lock, text + nameless)).login_hosts
    assert dict(hosts)["index.example:8443"] == ""


def test_that_a_signature_is_left_out_is_noted(tmp_path: Path) -> None:
    lock = HEAD + entry("root", source='{ virtual = "." }', deps=("there",))
    url = "https://url.example/there-1.0-py3-none-any.whl"
    text = '[project]\nname = "root"\nversion = "1.0"\n'

    def noted(query: str) -> list[str]:
        sdist = f'wheels = [{{ url = "{url}{query}", hash = "sha256:{"0" * 64}" }}]'
        there = entry("there", source=f'{{ url = "{url}{query}" }}', more=sdist)
        plan = plan_of(write_project(tmp_path, lock + there, text), mode="files")
        return list(on_logins_in_mode_files(plan))

    assert noted("") == noted("?raw=true") == []
    (note,) = noted("?raw=true&Signature=s3cr3t")
    assert "the URL of there has a query" in note
    assert "s3cr3t" not in note
