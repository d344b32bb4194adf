"""Whatever is in a lock or a project: what is written parses, evaluates, and says just that."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.emit import plan_of, read_back, texts
from tests.support.stand import REPO, Stand, require_stand
from uvlock2nix.knowledge.native import BuildInputs, NativeInputs
from uvlock2nix.knowledge.templates import Literal, Output
from uvlock2nix.native import Native
from uvlock2nix.plan import Input, Plan
from uvlock2nix.project_version import ProjectVersion

PIECES = (
    '"',
    "\\",
    "${",
    "''",
    "$",
    "\n",
    "\r",
    "#",
    "*/",
    "${builtins.abort 1}",
    " ",
    "'",
    "\x1b",
    "\u2028",
    "é",
    "-",
)
TEXTS = (
    st.lists(
        st.one_of(
            st.sampled_from(PIECES),
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        ),
        min_size=1,
        max_size=5,
    )
    .map("".join)
    .filter(bool)
)
PARTS = TEXTS.map(lambda text: text.replace("/", "_")).filter(lambda part: part not in ("", ".", ".."))


@pytest.fixture(scope="module")
def stand() -> Stand:
    return require_stand("forky")


@lru_cache(maxsize=1)
def authentik() -> Plan:
    return plan_of(REPO / "fixtures" / "authentik")


@pytest.mark.stand
@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(texts_=st.lists(TEXTS, min_size=8, max_size=8), part=PARTS)
def test_hostile_values_are_what_nix_reads(
    stand: Stand, tmp_path: Path, texts_: list[str], part: str
) -> None:
    """Every text of a Plan that a lock, a project or a user can choose."""
    name, version, program, package, cflag, env, path, library = texts_
    linux = ("x86_64-linux",)
    build = BuildInputs(
        cflags=(cflag, "-O2"), flags=(f"config-setting:x={cflag}",), build_requires=(path,), relax=(package,),
        env=(("A", (Literal(env), Output("zlib", "dev"), Literal(env))), ("B", (Literal(env),))),
    )  # fmt: skip
    second = NativeInputs(BuildInputs(cflags=("x",)))
    member = authentik().members[0]._replace(path=PurePosixPath("packages") / part, name=name)
    plan = authentik()._replace(
        name=name,
        version=ProjectVersion(version, None),
        main_program=program,
        build_inputs=(Input("zlib", (package, name), linux),),
        natives=(Native(package, NativeInputs(build), linux), Native(f"{package}2", second, linux)),
        members=(member,),
        collisions={path: package},
        ignore_missing=(library,),
        lock_name="uv.lock",
    )
    found = read_back(stand, tmp_path, plan)
    deps, env_, built = found["deps"], found["env"], found["package"]
    assert deps["name"].startswith(f"{name}-python-deps-{plan.systems[0].key}-")
    assert json.loads(deps["uvSyncCollisions"]) == {path: package}
    assert json.loads(deps["uvSyncNative"]) == {
        package: {
            "cflags": [cflag, "-O2"], "flags": [f"config-setting:x={cflag}"], "build_requires": [path],
            "relax": [package], "env": {"A": f"{env}/fake/zlib{env}", "B": env},
        },
        f"{package}2": {"cflags": ["x"]},
    }  # fmt: skip
    assert env_["referencesIgnore"] == [library]
    assert env_["name"] == f"{name}-python-env"
    assert (built["pname"], built["version"]) == (name, version)
    # A list of words cannot hold blanks: they are written as in URLs.
    written = re.sub(r"[\s%]", lambda blank: quote(blank[0]), part)
    assert built["uvPackageMembers"] == [f"{name}=packages/{written}"]
    assert built["meta"]["mainProgram"] == program


LOCK = """\
version = 1
revision = 3
requires-python = ">=3.11"

[manifest]
members = ["app", "lib"]

[[package]]
name = "app"
version = "1!2.0+x"
source = { editable = "." }
dependencies = [
    { name = "dep", marker = "sys_platform == 'linux' and extra != '${x}'" },
    { name = "lib" },
    { name = "made" },
    { name = "repo" },
]

[[package]]
name = "dep"
version = "1.0"
source = { registry = "https://user:pass@index.example/${x}/'';\\"/simple" }
wheels = [
    { url = "https://files.example/${x}/''/dep-1.0-py3-none-any.whl", hash = "sha256:HASH", size = 1 },
]

[[package]]
name = "lib"
version = "0.1"
source = { editable = "MEMBER" }

[[package]]
name = "made"
version = "1.0"
source = { registry = "https://index.example/simple" }
sdist = { url = "https://files.example/${x}/made-1.0.tar.gz", hash = "sha256:HASH", upload-time = "zzz ${x}" }

[[package]]
name = "repo"
version = "1.0"
source = { git = "https://git.example/${x}''.git?rev=a#0123456789abcdef0123456789abcdef01234567" }
"""

PYPROJECT = """\
[project]
name = "app"
version = "1!2.0+x"
dependencies = ["dep", "lib", "made", "repo"]

[project.scripts]
"run ${x} '' \\"" = "app:main"

[tool.uv.workspace]
members = ["*"]

[tool.uv]
build-constraint-dependencies = ["setuptools<80"]

[tool.uvlock2nix]
ignore-missing-libraries = ["lib${x}''.so"]

[tool.uvlock2nix.collisions]
"a/${x}" = "dep"

[tool.uvlock2nix.native.made]
native-build-inputs = ["pkg-config"]
cflags = ["-DX='${x}'", "''"]
env = { "ZLIB" = "${zlib.dev}/include", "T" = "$${x} '' \\\\" }
"""

DRVS = """
let
  read = text: builtins.fromJSON (builtins.unsafeDiscardStringContext text);
  pkgs = import <nixpkgs> {{ overlays = [ (import {repo}/nix/overlay.nix) ]; }};
  deps = pkgs.callPackage {nix}/python-deps.nix {{ outputHash = pkgs.lib.fakeHash; skipLockCheck = true; }};
  package = pkgs.callPackage {nix}/package.nix {{ python-deps = deps; }};
in
{{
  drvs = map (drv: drv.drvPath) [ deps package.passthru.env package ];
  native = read deps.uvSyncNative;
  zlib = "${{pkgs.lib.getDev pkgs.zlib}}";
  references = read deps.referenceInputs;
  src = builtins.attrNames (builtins.readDir deps.src);
}}
"""


def hostile_project(folder: Path, member: str) -> Path:
    folder.mkdir(parents=True)
    quoted = member.replace("\\", "\\\\").replace('"', '\\"')
    (folder / "uv.lock").write_text(LOCK.replace("HASH", "0" * 64).replace("MEMBER", quoted))
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / member).mkdir()
    (folder / member / "pyproject.toml").write_text('[project]\nname = "lib"\nversion = "0.1"\n')
    return folder


@pytest.mark.stand
@pytest.mark.parametrize("member", ["lib", "a b ${x} ''\"", ".hidden", "-x", "#x", "é~@"])
def test_a_hostile_project_becomes_derivations(stand: Stand, tmp_path: Path, member: str) -> None:
    """From the files of a project to .drv files of real Nix, with names and URLs that try to break out."""
    project = hostile_project(tmp_path / "project", member)
    plan = plan_of(project)
    assert plan.main_program == "run ${x} '' \""
    assert plan.version.known == "1-2.0+x"
    assert plan.exclude_newer is None
    read_back(stand, project, plan)
    argv = ["nix-instantiate", "--eval", "--strict", "--json", "--read-write-mode", "-E"]
    found = json.loads(stand.run([*argv, DRVS.format(repo=REPO, nix=project / "nix")]).stdout)
    assert len(found["drvs"]) == 3
    assert found["native"]["made"]["cflags"] == ["-DX='${x}'", "''"]
    assert found["native"]["made"]["env"] == {"ZLIB": f"{found['zlib']}/include", "T": "${x} '' \\"}
    # A library that only a variable names is an input like any other: it can be stripped and restored.
    assert {"zlib", "pkg-config"} <= set(found["references"])
    assert set(found["src"]) == {"pyproject.toml", "uv.lock", member}


def test_nothing_of_an_address_is_written(tmp_path: Path) -> None:
    """Addresses, and the passwords in them, stay in the lock."""
    plan = plan_of(hostile_project(tmp_path / "project", "lib"))
    for text in texts(plan).values():
        assert "pass@" not in text
        assert "://" not in text


@pytest.mark.stand
def test_an_attribute_that_is_null_on_the_system_is_no_reference(stand: Stand) -> None:
    """nixpkgs has null for libGL on macOS; who writes it down there must get an evaluation all the same."""
    found = stand.evaluate(
        f"""
        let
          pkgs = import <nixpkgs> {{ overlays = [ (import {REPO}/nix/overlay.nix) ]; }};
          names = pkgs.stripReferencesHook.referenceInputs {{ inherit (pkgs) zlib; libGL = null; }};
        in builtins.attrNames names
        """
    )
    assert found == ["zlib", "zlib.dev"]
