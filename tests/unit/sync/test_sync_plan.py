from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.locks import DIGEST, HEAD, LINUX, entry, write_project
from uvlock2nix.build.environment import build_variables
from uvlock2nix.build.indexes import index_flags, logins, network_environment, realm
from uvlock2nix.build.machine import base_environment
from uvlock2nix.build.programs import Runner
from uvlock2nix.build.sources import archive
from uvlock2nix.build.values import Build, BuildContext, NativeBuild, Source
from uvlock2nix.dist.installed import Collision, Installed, shown
from uvlock2nix.errors import InputError
from uvlock2nix.flags import explicit_flags
from uvlock2nix.lock import Project, Selection, resolve
from uvlock2nix.sync.checking import check_installed
from uvlock2nix.sync.core import _tell, sync_environment
from uvlock2nix.sync.install import (
    decide_collisions,
    default_groups,
    leave_out,
    not_built,
    selection_flags,
)
from uvlock2nix.sync.plan import SyncPlan, plan_sync
from uvlock2nix.sync.request import SyncRequest


def file(name: str) -> str:
    return f'{{ url = "https://files.example/{name}", hash = "{DIGEST}", size = 10 }}'


def wheels(*names: str) -> str:
    return f"wheels = [{', '.join(map(file, names))}]"


def sdist(name: str) -> str:
    return f"sdist = {file(name)}"


ROOT = '[project]\nname = "root"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
LOCK = HEAD + "".join(
    [
        entry("root", source='{ virtual = "." }', deps=("a", "b", "c", "d", "e", "f", "m")),
        entry("a", more=wheels("a-1.0-py3-none-any.whl") + "\n" + sdist("a-1.0.tar.gz")),
        entry("b", more=sdist("b-1.0.tar.gz")),
        entry("c", source=f'{{ git = "https://git.example/c?tag=v1&subdirectory=py#{"0" * 40}" }}'),
        entry("d", source='{ url = "https://files.example/main.zip" }',
              more=f'sdist = {{ hash = "{DIGEST}" }}'),
        entry("e", source='{ path = "vendored/e-1.0.tar.gz" }', more=f'sdist = {{ hash = "{DIGEST}" }}'),
        entry("f", source='{ path = "vendored/f-1.0-py3-none-any.whl" }',
              more=f'wheels = [{{ filename = "f-1.0-py3-none-any.whl", hash = "{DIGEST}" }}]'),
        entry("m", source='{ editable = "member" }'),
    ]
)  # fmt: skip
MEMBER = '[project]\nname = "m"\nversion = "1.0"\n'


def plan_of(
    folder: Path, uv: str = "", *, exclude: frozenset[str] = frozenset(), **native: NativeBuild
) -> tuple[Project, SyncPlan]:
    project = write_project(folder, LOCK, ROOT + uv, member=MEMBER)
    environment = resolve(project, Selection(), LINUX)
    return project, plan_sync(project, environment, LINUX, exclude=exclude, native=native)


def test_what_is_installed_how(tmp_path: Path) -> None:
    _, plan = plan_of(tmp_path)
    assert [step.package.name for step in plan.wheels] == ["a", "f"]
    assert [build.name for build in plan.builds] == ["b", "c", "d", "e"]
    assert {package.name for package in plan.local} >= {"m"}
    assert set(plan.not_by_uv) >= {"b", "c", "d", "e", "m"}
    sources = {build.name: build.source for build in plan.builds}
    assert sources["b"] == Source("https://files.example/b-1.0.tar.gz", None, "b-1.0.tar.gz", DIGEST, 10)
    assert sources["c"].commit == "0" * 40
    assert (sources["c"].url, sources["c"].subdirectory) == ("https://git.example/c", "py")
    assert (sources["d"].url, sources["d"].filename) == ("https://files.example/main.zip", "main.zip")
    assert sources["d"].hash == sources["e"].hash == DIGEST
    assert sources["e"].path == tmp_path / "vendored" / "e-1.0.tar.gz"


def test_what_comes_from_elsewhere_is_left_out(tmp_path: Path) -> None:
    _, plan = plan_of(tmp_path, exclude=frozenset(["a", "b", "m"]))
    assert [package.name for package in plan.excluded] == ["a", "b"]
    assert "m" in {package.name for package in plan.local}
    assert {"a", "b", "m"} <= set(plan.not_by_uv)


def test_no_binary(tmp_path: Path) -> None:
    _, plan = plan_of(tmp_path, '[tool.uv]\nno-binary-package = ["a"]\n')
    assert [build.name for build in plan.builds] == ["a", "b", "c", "d", "e"]


def test_what_a_build_gets(tmp_path: Path) -> None:
    uv = (
        '[tool.uv.extra-build-dependencies]\nb = ["x>=1", { requirement = "a", match-runtime = true }]\n'
        '[tool.uv.extra-build-variables]\nb = { FROM_UV = "1", BOTH = "uv" }\n'
        '[tool.uv.config-settings]\nall = "1"\n[tool.uv.config-settings-package]\nb = { some = ["2", "3"] }\n'
    )
    native = NativeBuild(env={"BOTH": "ours"}, flags=("mine=4",), build_requires=("y",), inputs=("/i",))
    _, plan = plan_of(tmp_path, uv, b=native)
    builds = {build.name: build.native for build in plan.builds}
    assert builds["b"] == NativeBuild(
        inputs=("/i",),
        env={"FROM_UV": "1", "BOTH": "ours"},
        flags=("some=2", "some=3", "all=1", "mine=4"),
        build_requires=("x>=1", "a==1.0", "y"),
    )
    assert builds["c"] == NativeBuild(flags=("all=1",))


def workshop(tmp_path: Path, **env: str) -> BuildContext:
    return BuildContext(Runner(), "uv", Path("/python"), tmp_path / "shop", env, None)


def test_what_a_compiler_is_told(tmp_path: Path) -> None:
    build = Build("b", "1", Source(), NativeBuild(cflags=("-include x.h", "-lltdl"), env={"X": "1"}))
    shop = workshop(tmp_path, NIX_CC="/cc", NIX_CFLAGS_COMPILE="-frandom-seed=abc -g", PATH="/bin")
    env = build_variables(build, shop)
    words = env["NIX_CFLAGS_COMPILE"].split()
    # Ours come last and so have the last word; the seed must not be that of $out.
    assert words.index("-frandom-seed=b") > words.index("-frandom-seed=abc")
    assert words.index("-g0") > words.index("-g")
    assert words[-3:] == ["-include", "x.h", "-lltdl"]
    assert env["NIX_LDFLAGS"] == "--build-id=none"
    assert "CFLAGS" not in env
    assert env["PATH"].endswith("/env/b/bin:/bin")
    assert env["X"] == "1"
    outside = build_variables(build, workshop(tmp_path, CFLAGS="-march=x"))
    assert outside["CFLAGS"].startswith("-march=x -O2 -g0 ")


@pytest.mark.parametrize("name", ["", "..", ".", "/", "a/..", "%2e%2e", "a%00b", "x/"])
def test_names_of_archives_that_leave(tmp_path: Path, name: str) -> None:
    build = Build("b", "1", Source(url="http://127.0.0.1:1/x", filename=name, hash="crc:0"))
    with pytest.raises(InputError):
        archive(build, workshop(tmp_path))
    assert all(
        path.is_relative_to(tmp_path / "shop" / "files" / "b") or path.is_dir()
        for path in tmp_path.rglob("*")
    )


def test_a_path_has_the_hash_of_the_lock(tmp_path: Path) -> None:
    (tmp_path / "e.tar.gz").write_text("changed")
    build = Build("e", "1", Source(path=tmp_path / "e.tar.gz", hash=DIGEST))
    with pytest.raises(InputError, match="the lock says sha256"):
        archive(build, workshop(tmp_path))


GROUPED = ROOT + (
    '[dependency-groups]\ndev = []\ndocs = []\nnever = []\n[tool.uv]\ndefault-groups = ["dev", "docs"]\n'
)
GROUPED_LOCK = HEAD + entry("root", source='{ virtual = "." }') + entry("m", source='{ editable = "member" }')


@pytest.mark.parametrize(
    ("selection", "new", "old"),
    [
        (Selection(), ["--no-default-groups"], ["--no-group=dev", "--no-group=docs"]),
        (Selection(default_groups=True), [], []),
        (Selection(only_groups=("dev",)), ["--only-group=dev"], ["--only-group=dev"]),
        # Asked for by name: `--no-group` would win over it.
        (
            Selection(groups=("dev",)),
            ["--group=dev", "--no-default-groups"],
            ["--group=dev", "--no-group=docs"],
        ),
        (Selection(all_groups=True), ["--all-groups", "--no-default-groups"], ["--all-groups"]),
        (
            Selection(packages=("m",), extras=("x",), no_groups=("g",)),
            ["--package=m", "--extra=x", "--no-group=g", "--no-default-groups"],
            ["--package=m", "--extra=x", "--no-group=g", "--no-group=dev", "--no-group=docs"],
        ),
    ],
)
def test_flags(tmp_path: Path, selection: Selection, new: list[str], old: list[str]) -> None:
    project = write_project(tmp_path, GROUPED_LOCK, GROUPED, member=MEMBER)
    assert selection_flags(project, selection, knows_no_default_groups=True) == new
    assert selection_flags(project, selection, knows_no_default_groups=False) == old
    assert set(default_groups(project)) == {"dev", "docs"}


def test_all_flags_have_uvs_names() -> None:
    selection = Selection(
        ("p",), True, ("e",), ("ne",), True, ("g",), ("ng",), ("og",), True, True
    )  # fmt: skip
    assert explicit_flags(selection) == [
        "--package=p", "--extra=e", "--no-extra=ne", "--group=g", "--no-group=ng", "--only-group=og",
        "--all-packages", "--all-extras", "--all-groups", "--default-groups",
    ]  # fmt: skip
    assert leave_out(["a"]) == ["--no-install-package=a"]
    assert not_built(["a"]) == ["--no-build-package=a"]


ORDER = ["a", "b", "c"]
X, Y, TOOL = (
    Collision("ns/x.py", ("a", "b")),
    Collision("ns/y.py", ("a", "c")),
    Collision("../../../bin/t", ("a", "b")),
)


def decide(tmp_path: Path, choice: dict[str, str], *found: Collision) -> dict[str, str]:
    """Decide with packages whose files hold their names; return path → content."""

    def make(root: Path, text: str, paths: list[str]) -> Path:
        site = root / "lib" / "python3.12" / "site-packages"
        site.mkdir(parents=True, exist_ok=True)
        for path in paths:
            target = root / "bin" / "t" if path.startswith("..") else site / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(f"#!{root}/bin/python\n{text}" if target.name == "t" else text)
        return site

    site = make(tmp_path / "env", "luck", [one.path for one in found])
    asked: list[str] = []

    def only(name: str) -> Path:
        asked.append(name)
        return make(tmp_path / name, name, [one.path for one in found if name in one.owners])

    decided = decide_collisions(found, site, ORDER, choice, only)
    assert sorted(set(asked)) == sorted(asked)
    assert set(asked) == {winner for _, winner in decided}
    return {shown(one.path): (site / one.path).read_text() for one in found}


def test_the_last_of_the_lock_wins(tmp_path: Path) -> None:
    assert decide(tmp_path, {}, X, Y) == {"ns/x.py": "b", "ns/y.py": "c"}


def test_choices(tmp_path: Path) -> None:
    assert decide(tmp_path / "1", {"ns": "a"}, X, Y) == {"ns/x.py": "a", "ns/y.py": "a"}
    assert decide(tmp_path / "2", {"ns": "a", "ns/x.py": "B"}, X, Y) == {"ns/x.py": "b", "ns/y.py": "a"}
    assert decide(tmp_path / "3", {"bin/t": "a"}, TOOL) == {"bin/t": "#!python\na"}
    with pytest.raises(InputError, match=r"`c` does not ship ns/x\.py") as caught:
        decide(tmp_path / "4", {"ns/x.py": "c"}, X)
    assert "a, b" in caught.value.hint


def test_nothing_to_decide(tmp_path: Path) -> None:
    assert decide(tmp_path, {"ns": "a"}) == {}


def test_choices_without_effect_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    _tell([(X, "b")], {"ns": "b", "n": "a"}, (), Runner())
    said = capsys.readouterr().err
    assert "ns/x.py: shipped by a, b; kept: b" in said
    assert "no two packages in deps differ in n\n" in said
    assert "differ in ns" not in said


def installed_as(folder: Path, name: str, version: str, tag: str = "py3-none-any") -> Installed:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "WHEEL").write_text(f"Wheel-Version: 1.0\nTag: {tag}\n")
    return Installed(name, version, info, ())


def test_what_uv_installed(tmp_path: Path) -> None:
    _, plan = plan_of(tmp_path)
    good = {name: installed_as(tmp_path, name, "1.0") for name in "abcdef"}
    check_installed(tuple(good.values()), plan)
    check_installed(tuple({**good, "b": replace(good["b"], version="1.0.0")}.values()), plan)
    for wrong, said in (
        ({name: one for name, one in good.items() if name != "b"}, "b==1.0 is missing|b 1.0 is missing"),
        ({**good, "x": replace(good["a"], name="x")}, "x is installed, but not in the plan"),
        ({**good, "a": replace(good["a"], version="2.0")}, "a is 2.0, the lock says 1.0"),
        ({**good, "a": replace(good["a"], version="not a version")}, "a is not a version, the lock says 1.0"),
        (
            {**good, "f": installed_as(tmp_path, "f", "1", "cp312-cp312-linux_x86_64")},
            "f is 1, |uv took a wheel",
        ),
    ):
        with pytest.raises(InputError, match=said):
            check_installed(tuple(wrong.values()), plan)


INDEXES = """\
[[tool.uv.index]]
name = "my-index.one"
url = "https://index.example/simple"
default = true
[[tool.uv.index]]
url = "https://other.example/simple"
[[tool.uv.index]]
name = "flat"
url = "./wheels"
format = "flat"
[[tool.uv.index]]
name = "torch"
url = "https://torch.example/whl"
explicit = true
[tool.uv]
find-links = ["links", "https://links.example/x"]
"""


def test_indexes(tmp_path: Path) -> None:
    project = write_project(tmp_path, HEAD + entry("root", source='{ virtual = "." }'), ROOT + INDEXES)
    assert index_flags(project) == (
        "--default-index=my-index.one=https://index.example/simple",
        "--index=https://other.example/simple",
        f"--find-links={tmp_path}/wheels",
        f"--find-links={tmp_path}/links",
        "--find-links=https://links.example/x",
    )
    env = {
        "UV_INDEX_MY_INDEX_ONE_USERNAME": "u",
        "UV_INDEX_MY_INDEX_ONE_PASSWORD": "p",
        "UV_INDEX_TORCH_PASSWORD": "t",
    }
    assert logins(project, env) == {
        ("https", "index.example"): ("u", "p"),
        ("https", "torch.example"): ("", "t"),
    }
    assert logins(project, {}) == {}
    assert realm("https://u:p@Index.Example:8080/x") == ("https", "index.example:8080")


def test_the_environment_of_programs(tmp_path: Path) -> None:
    request = SyncRequest(
        tmp_path, tmp_path / "out", tmp_path / "work", Path("/python"), Selection(), "x86_64-linux", "3.12"
    )
    netrc = tmp_path / "netrc"
    netrc.write_text("machine x login y password z\n")
    outer = dict.fromkeys(("PYTHONPATH", "VIRTUAL_ENV", "XDG_CONFIG_HOME", "PIP_INDEX_URL", "UV_NO_DEV"), "x")
    outer |= dict.fromkeys(("UV_EXCLUDE_NEWER", "UV_PROJECT", "GIT_DIR"), "x")
    outer |= {
        "PATH": "/bin",
        "UV_INDEX_HERE_USERNAME": "u",
        "UV_INDEX_HERE_PASSWORD": "p",
        "https_proxy": "h",
    }
    outer |= {"UV_HTTP_TIMEOUT": "9", "NIX_CFLAGS_COMPILE": "-O2", "SSL_CERT_FILE": "/certs", "HOME": "/root"}
    outer |= {"NETRC": str(netrc)}
    env = sync_environment(request, outer)
    gone = {"PYTHONPATH", "VIRTUAL_ENV", "XDG_CONFIG_HOME", "PIP_INDEX_URL", "UV_NO_DEV", "UV_EXCLUDE_NEWER"}
    assert not (gone | {"UV_PROJECT", "GIT_DIR"}) & set(env)
    kept = {
        "PATH",
        "UV_INDEX_HERE_USERNAME",
        "UV_INDEX_HERE_PASSWORD",
        "UV_HTTP_TIMEOUT",
        "NIX_CFLAGS_COMPILE",
    }
    assert {name: env[name] for name in kept} == {name: outer[name] for name in kept}
    assert env["https_proxy"] == "h"
    assert env["GIT_SSL_CAINFO"] == env["REQUESTS_CA_BUNDLE"] == "/certs"
    assert env["HOME"] == str(tmp_path / "work" / "home")
    assert (tmp_path / "work" / "home" / ".netrc").readlink() == netrc
    sync_environment(request, outer)
    assert env["UV_PROJECT_ENVIRONMENT"] == str(tmp_path / "out")


def test_what_the_settings_say_about_the_network(tmp_path: Path) -> None:
    table = """
    [tool.uv]
    index-strategy = "unsafe-best-match"
    no-index = true
    https-proxy = "http://proxy.example:3128"
    no-proxy = ["here.example", "there.example"]
    allow-insecure-host = ["self.example:8443"]
    """
    project = write_project(tmp_path, HEAD + entry("root", source='{ virtual = "." }'), ROOT + table)
    assert index_flags(project) == ("--index-strategy=unsafe-best-match", "--no-index")
    assert network_environment(project.uv, {}) == {
        "https_proxy": "http://proxy.example:3128",
        "no_proxy": "here.example,there.example",
        "UV_INSECURE_HOST": "self.example:8443",
    }
    # What the builder says wins over a file that others share.
    outer = {"HTTPS_PROXY": "http://mine:1", "no_proxy": "x", "UV_INSECURE_HOST": "old.example"}
    assert network_environment(project.uv, outer) == {"UV_INSECURE_HOST": "self.example:8443 old.example"}


def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    """Nix sets impure variables that are not set: uv would log in with nothing instead of a netrc file."""
    names = ("UV_INDEX_X_USERNAME", "UV_INDEX_X_PASSWORD", "NETRC")
    given = {**dict.fromkeys(names, ""), "UV_INDEX_Y_USERNAME": "me", "no_proxy": ""}
    env = base_environment(tmp_path, given)
    assert not set(names) & set(env)
    assert env["UV_INDEX_Y_USERNAME"] == "me"
    assert env["no_proxy"] == ""
