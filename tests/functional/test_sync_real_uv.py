"""``uvlock2nix sync`` with a real uv: what it installs, and that it is the same every time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.git_server import serve
from tests.support.packages import Index, make_sdist, make_wheel, record_faults, served
from tests.support.syncing import (
    PYTHON,
    REPOSITORY,
    SITE,
    SYSTEM,
    UV,
    VERSION,
    Stage,
    project,
    same,
)
from uvlock2nix.layout import MANIFEST, SCRIPTS
from uvlock2nix.lock import Selection, load_project, resolve
from uvlock2nix.sync.install import selection_flags
from uvlock2nix.target import Target

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(sys.platform != "linux", reason="needs a Linux machine with gcc"),
]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with served(tmp_path / "files") as running:
        yield running


SETUPTOOLS = '[build-system]\nrequires = ["setuptools>=61"]\nbuild-backend = "setuptools.build_meta"\n'


def project_table(name: str) -> str:
    return f'[project]\nname = "{name}"\nversion = "1.0"\nrequires-python = ">=3.9"\n'


def test_two_wheels_with_one_path_have_one_winner(stage: Stage, index: Index) -> None:
    make_wheel(index.folder, "aaa", {"shared/x.py": "AAA = 1\n", "shared/own_a.py": ""})
    make_wheel(index.folder, "bbb", {"shared/x.py": "BBB = 22\n", "shared/own_b.py": ""})
    stage.lock(project(index, "aaa", "bbb"))
    outs = []
    for run in range(10):
        # First one, then the other comes in last.
        index.delays = {f"{'aaa' if run % 2 else 'bbb'}-1.0-py3-none-any.whl": 0.4 if run < 4 else 0}
        outs.append(stage.good(f"run{run}"))
    assert (outs[0] / SITE / "shared/x.py").read_text() == "BBB = 22\n"
    assert [same(outs[0], out) for out in outs[1:]] == [""] * 9
    _, done = stage.sync("told")
    assert "shared/x.py: shipped by aaa, bbb; kept: bbb" in done.stderr


def test_the_winner_can_be_chosen(stage: Stage, index: Index) -> None:
    make_wheel(index.folder, "aaa", {"shared/x.py": "AAA = 1\n", "shared/y.py": "a"})
    make_wheel(index.folder, "bbb", {"shared/x.py": "BBB = 22\n", "shared/y.py": "b"})
    stage.lock(project(index, "aaa", "bbb"))
    out = stage.good("one", "--collisions", '{"shared/x.py": "aaa", "shared/z.py": "aaa"}')
    # Each path for itself, also where the same two packages ask for the opposite.
    assert (out / SITE / "shared/x.py").read_text() == "AAA = 1\n"
    assert (out / SITE / "shared/y.py").read_text() == "b"
    kept = json.loads((out / MANIFEST).read_text())["collisions"]
    assert [(one["path"], one["kept"]) for one in kept] == [("shared/x.py", "aaa"), ("shared/y.py", "bbb")]
    _, done = stage.sync("two", "--collisions", '{"shared/x.py": "aaa", "shared/z.py": "aaa"}')
    assert "no two packages in deps differ in shared/z.py" in done.stderr
    _, done = stage.sync("three", "--collisions", '{"shared": "ccc"}')
    assert done.returncode == 3
    assert "`ccc` does not ship shared/x.py" in done.stderr


def test_scripts_that_two_wheels_ship(stage: Stage, index: Index) -> None:
    make_wheel(index.folder, "aaa", {"aaa-1.0.data/scripts/tool": "#!python\nprint('a')\n"})
    make_wheel(index.folder, "bbb", {"bbb-1.0.data/scripts/tool": "#!python\nprint('bb')\n"})
    stage.lock(project(index, "aaa", "bbb"))
    out = stage.good("one", "--collisions", '{"bin/tool": "aaa"}')
    assert (out / SCRIPTS / "tool").read_text() == "#!python\nprint('a')\n"
    assert (stage.good("two") / SCRIPTS / "tool").read_text() == "#!python\nprint('bb')\n"


def backends() -> dict[str, dict[str, str]]:
    return {
        "with_setuptools": {
            "pyproject.toml": SETUPTOOLS + project_table("with-setuptools"),
            "with_setuptools.py": "x = 1\n",
        },
        "with_setup_py": {
            "setup.py": "from setuptools import setup\n"
            "setup(name='with-setup-py', version='1.0', py_modules=['with_setup_py'])\n",
            "with_setup_py.py": "x = 1\n",
        },
        "with_hatchling": {
            "pyproject.toml": '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
            + project_table("with-hatchling"),
            "with_hatchling/__init__.py": "x = 1\n",
        },
        "with_flit": {
            "pyproject.toml": '[build-system]\nrequires = ["flit_core>=3"]\n'
            'build-backend = "flit_core.buildapi"\n' + project_table("with-flit") + 'description = "one"\n',
            "with_flit.py": "x = 1\n",
        },
        "with_poetry": {
            "pyproject.toml": '[build-system]\nrequires = ["poetry-core>=2"]\n'
            'build-backend = "poetry.core.masonry.api"\n' + project_table("with-poetry"),
            "with_poetry/__init__.py": "x = 1\n",
        },
        "with_own_backend": {
            "pyproject.toml": "[build-system]\nrequires = []\n"
            'build-backend = "own.back"\nbackend-path = ["."]\n',
            "own/back.py": OWN_BACKEND,
        },
    }


OWN_BACKEND = """\
def get_requires_for_build_wheel(settings=None):
    return ["hatchling==1.26.3"]

def build_wheel(folder, settings=None, metadata=None):
    import hatchling.build
    import os
    os.makedirs("with_own_backend", exist_ok=True)
    open("with_own_backend/__init__.py", "w").write("x = 1\\n")
    open("pyproject.toml", "w").write(
        '[project]\\nname = "with-own-backend"\\nversion = "1.0"\\n')
    return hatchling.build.build_wheel(folder, settings, metadata)
"""


def test_pure_sdists_of_all_backends(stage: Stage, index: Index) -> None:
    for name, files in backends().items():
        make_sdist(index.folder, name, files)
    metadata = [
        f'[[tool.uv.dependency-metadata]]\nname = "{name.replace("_", "-")}"\nversion = "1.0"\n'
        for name in backends()
    ]
    stage.lock(project(index, *(name.replace("_", "-") for name in backends()), more="\n".join(metadata)))
    one = stage.good("one", "--cores", "1")
    code = "\n".join(f"import {name}; assert {name}.x == 1" for name in backends())
    subprocess.run(
        [PYTHON, "-c", code], env={"PYTHONPATH": str(one / SITE), "PYTHONDONTWRITEBYTECODE": "1"}, check=True
    )
    generators = {
        name: (one / SITE / f"{name}-1.0.dist-info/WHEEL").read_text().partition("Generator: ")[2]
        for name in backends()
    }
    found = {name: text.splitlines()[0] for name, text in generators.items()}
    # Held back by --exclude-newer, and by what the backend itself asked for.
    assert found["with_setuptools"] == found["with_setup_py"] == "setuptools (80.9.0)"
    assert found["with_own_backend"] == "hatchling 1.26.3"
    two = stage.good("elsewhere/two", "--cores", "4")
    assert same(one, two) == ""


EXTENSION = """\
#include <Python.h>
#include <assert.h>
static PyObject *where(PyObject *self, PyObject *args) { return PyUnicode_FromString(__FILE__); }
static PyMethodDef methods[] = {{"where", where, METH_NOARGS, ""}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "NAME", 0, -1, methods};
PyMODINIT_FUNC PyInit_NAME(void) { return PyModule_Create(&module); }
"""
SETUP = """\
import os
from setuptools import Extension, setup
here = os.path.abspath("src.c")
setup(name="NAME", version="1.0", ext_modules=[Extension("NAME", [here], extra_compile_args=EXTRA)])
"""


def extension(name: str, extra: str = "[]") -> dict[str, str]:
    return {
        "pyproject.toml": SETUPTOOLS,
        "setup.py": SETUP.replace("NAME", name).replace("EXTRA", extra),
        "src.c": EXTENSION.replace("NAME", name),
    }


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
def test_extensions_have_the_same_bytes_wherever_they_are_built(stage: Stage, index: Index) -> None:
    for number in range(3):
        make_sdist(index.folder, f"native{number}", extension(f"native{number}"))
    stage.lock(project(index, "native0", "native1", "native2"))
    one = stage.good("one", "--cores", "1")
    two = stage.good("much/longer/path/to/the/place/two", "--cores", "3")
    assert same(one, two) == ""
    library = next((one / SITE).glob("native1*.so"))
    content = library.read_bytes()
    assert str(stage.root).encode() not in content
    assert b".debug_info" not in content
    assert b".note.gnu.build-id" not in content


def test_a_build_that_requires_what_is_built_here_gets_that_wheel(stage: Stage, index: Index) -> None:
    base = {**backends()["with_hatchling"]}
    base = {path.replace("with_hatchling", "zbase"): text for path, text in base.items()}
    base["pyproject.toml"] = base["pyproject.toml"].replace("with-hatchling", "zbase")
    base["zbase/__init__.py"] = "def mark():\n    return 'built here'\n"
    make_sdist(index.folder, "zbase", base)
    # The index also has a later one, which the build may not get.
    make_sdist(
        index.folder, "zbase", {**base, "zbase/__init__.py": "raise SystemExit('later')"}, version="2.0"
    )
    user = {
        "pyproject.toml": SETUPTOOLS.replace('"setuptools>=61"', '"setuptools>=61", "Zbase>=1"'),
        "setup.py": "import zbase\nfrom setuptools import setup\n"
        "open('auser.py', 'w').write(f'by = {zbase.mark()!r}\\n')\n"
        "setup(name='auser', version='1.0', py_modules=['auser'])\n",
    }
    make_sdist(index.folder, "auser", user)
    metadata = '[[tool.uv.dependency-metadata]]\nname = "auser"\nversion = "1.0"\n'
    stage.lock(project(index, "auser", "zbase==1.0", more=metadata))
    out, done = stage.sync("one", "--cores", "2")
    assert done.returncode == 0, done.stderr
    assert (out / SITE / "auser.py").read_text() == "by = 'built here'\n"
    assert done.stderr.index("built zbase") < done.stderr.index("building auser")


def test_build_constraints_are_honoured(stage: Stage, index: Index) -> None:
    make_sdist(index.folder, "with_setuptools", backends()["with_setuptools"])
    text = project(index, "with-setuptools")
    text = text.replace(
        "package = false", 'package = false\nbuild-constraint-dependencies = ["setuptools==75.0.0"]'
    )
    stage.lock(text)
    out = stage.good("one")
    wheel = (out / SITE / "with_setuptools-1.0.dist-info/WHEEL").read_text()
    assert "Generator: setuptools (75.0.0)" in wheel


def test_what_tool_uv_adds_to_builds(stage: Stage, index: Index) -> None:
    setup = (
        "import os, iniconfig\nfrom setuptools import setup\n"
        "open('later.py', 'w').write(os.environ['LATER'])\n"
        "setup(name='later', version='1.0', py_modules=['later'])\n"
    )
    make_sdist(index.folder, "later", {"pyproject.toml": SETUPTOOLS, "setup.py": setup})
    more = (
        '[[tool.uv.dependency-metadata]]\nname = "later"\nversion = "1.0"\n'
        '[tool.uv.extra-build-dependencies]\nlater = ["iniconfig"]\n'
        '[tool.uv.extra-build-variables]\nlater = { LATER = "y = 2" }\n'
    )
    stage.lock(project(index, "later", more=more))
    assert (stage.good("one") / SITE / "later.py").read_text() == "y = 2"


def test_sources_by_url_path_and_git(stage: Stage, index: Index) -> None:
    make_wheel(index.folder, "by_url", {"by_url.py": "x = 1\n"})
    make_sdist(index.folder, "by_url_too", {**backends()["with_setuptools"]})
    stage.project.mkdir()
    make_wheel(stage.project / "vendored", "by_path", {"by_path.py": "x = 1\n"})
    local = {
        "pyproject.toml": SETUPTOOLS + project_table("local-sdist"), "local_sdist.py": "x = 1\n"
    }  # fmt: skip
    sdist = make_sdist(stage.project / "vendored", "local_sdist", local)
    with serve(port=0) as git:
        stage.lock(f"""\
            [project]
            name = "app"
            version = "1.0"
            requires-python = ">=3.11"
            dependencies = ["by-url", "by-path", "local-sdist", "akl-flags"]
            [tool.uv]
            package = false
            [tool.uv.sources]
            by-url = {{ url = "{index.root}/files/by_url-1.0-py3-none-any.whl" }}
            by-path = {{ path = "vendored/by_path-1.0-py3-none-any.whl" }}
            local-sdist = {{ path = "vendored/local_sdist-1.0.tar.gz" }}
            akl-flags = {{ git = "{git.url}", tag = "v1.2.0", subdirectory = "python" }}
            """)
        one, two = stage.good("one", "--cores", "1"), stage.good("else/where", "--cores", "2")
    assert same(one, two) == ""
    assert {path.name for path in (one / SITE).glob("*.py")} >= {"by_url.py", "by_path.py", "local_sdist.py"}
    assert (one / SITE / "akl_flags").is_dir()
    sdist.write_bytes(sdist.read_bytes() + b"\0")
    _, done = stage.sync("changed", "--exclude", "akl-flags")
    assert done.returncode == 3
    assert "local_sdist-1.0.tar.gz: the hash is" in done.stderr


SECRET = "pa55-w0rd-that-nobody-may-see"


@pytest.mark.parametrize("how", ["variables", "netrc"])
def test_a_private_index(stage: Stage, tmp_path: Path, how: str) -> None:
    login = ("somebody", SECRET)
    with served(tmp_path / "files", login=login) as index:
        make_wheel(index.folder, "secret_wheel", {"secret_wheel.py": ""})
        make_sdist(index.folder, "with_setuptools", backends()["with_setuptools"])
        env = {"UV_INDEX_HERE_USERNAME": login[0], "UV_INDEX_HERE_PASSWORD": SECRET}
        if how == "netrc":
            netrc = tmp_path / "netrc"
            netrc.write_text(f"machine 127.0.0.1 login {login[0]} password {SECRET}\n")
            netrc.chmod(0o600)
            env = {"NETRC": str(netrc)}
        stage.lock(project(index, "secret-wheel", "with-setuptools"), env=env)
        out, done = stage.sync("one", env=env)
        assert done.returncode == 0, done.stderr
        assert SECRET not in done.stderr + done.stdout
        found = [path for path in out.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
        assert found == []
        wrong = {**env, "UV_INDEX_HERE_PASSWORD": "wr0ng-pa55"} if how == "variables" else {}
        _, done = stage.sync("two", env=wrong)
        assert done.returncode in {4, 5}
        assert "UV_INDEX_<NAME>_USERNAME" in done.stderr
        assert "wr0ng-pa55" not in done.stderr


BROKEN_EXTENSION = (
    "from setuptools import Extension, setup\n"
    "setup(name='broken', version='1.0', ext_modules=[Extension('broken', ['x.c'])])\n"
)
BROKEN = {
    "module": ("import what_is_not_there\n", "needs the Python module `what_is_not_there`", 4),
    "header": (BROKEN_EXTENSION, "a header or a library is missing", 4),
    "backend": ("raise SystemExit('said at the end')\n", "the end of the program's output", 4),
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
def test_a_build_that_fails(stage: Stage, index: Index, kind: str) -> None:
    setup, hint, code = BROKEN[kind]
    files = {"pyproject.toml": SETUPTOOLS, "setup.py": setup, "x.c": "#include <not_here.h>\n"}
    make_sdist(index.folder, "broken", files)
    metadata = '[[tool.uv.dependency-metadata]]\nname = "broken"\nversion = "1.0"\n'
    stage.lock(project(index, "broken", more=metadata))
    _, done = stage.sync("one")
    assert done.returncode == code
    assert done.stderr.count("error:") - done.stderr.count("fatal error:") <= 2, done.stderr
    assert hint in done.stderr
    assert "broken" in done.stderr
    assert 'Traceback (most recent call last):\n  File "/work/main' not in done.stderr


def test_requirements_newer_than_the_time_that_holds_them_back(stage: Stage, index: Index) -> None:
    files = {"pyproject.toml": SETUPTOOLS.replace(">=61", ">=80.10") + project_table("broken")}
    make_sdist(index.folder, "broken", files)
    metadata = '[[tool.uv.dependency-metadata]]\nname = "broken"\nversion = "1.0"\n'
    stage.lock(project(index, "broken", more=metadata))
    _, done = stage.sync("one")
    assert done.returncode == 4
    assert "[tool.uvlock2nix] exclude-newer" in done.stderr


def test_wheels_with_bytecode_and_programs(stage: Stage, index: Index) -> None:
    elf = Path("/bin/true").resolve().read_bytes()
    make_wheel(
        index.folder,
        "odd",
        {
            "odd/__init__.py": "",
            "odd/__pycache__/__init__.cpython-311.pyc": b"not bytecode",
            "odd/only.pyc": b"kept: there is no source of it",
            "odd-1.0.data/scripts/odd-program": elf,
            "odd-1.0.data/scripts/odd-script": "#!python\nprint('script')\n",
            "odd-1.0.data/data/share/odd/data.txt": "data",
        },
        entry_points="[console_scripts]\nodd = odd:main\n",
    )
    stage.lock(project(index, "odd"))
    out = stage.good("one")
    assert not (out / "bin").exists()
    assert not list(out.rglob("__pycache__"))
    assert (out / SITE / "odd/only.pyc").exists()
    assert (out / SCRIPTS / "odd-program").read_bytes() == elf
    assert os.access(out / SCRIPTS / "odd-program", os.X_OK)
    assert (out / SCRIPTS / "odd-script").read_text() == "#!python\nprint('script')\n"
    assert (out / "share/odd/data.txt").read_text() == "data"
    scripts = json.loads((out / MANIFEST).read_text())["scripts"]
    assert [(one["name"], one["python"]) for one in scripts] == [("odd-program", False), ("odd-script", True)]


def test_a_record_that_leaves_the_environment(stage: Stage, index: Index) -> None:
    line = ("../../../../../../../../etc/passwd", "sha256=AAAA", "1")
    make_wheel(index.folder, "hostile", {"hostile.py": "", "shared.py": "1"}, record_more=(line,))
    make_wheel(index.folder, "innocent", {"innocent.py": "", "shared.py": "2"})
    stage.lock(project(index, "hostile", "innocent"))
    out, done = stage.sync("one", "--collisions", '{"shared.py": "hostile"}')
    assert done.returncode == 0, done.stderr
    # Newer versions of uv write no such line; if one does, it is reported and left out.
    assert "etc/passwd" not in (out / SITE / "hostile-1.0.dist-info/RECORD").read_text()
    assert record_faults(out / SITE) == []
    assert Path("/etc/passwd").exists()


def test_wheels_only_twice(stage: Stage) -> None:
    fixture = REPOSITORY / "fixtures" / "wheels-only"
    one = stage.good("one", "--cores", "1", project=fixture)
    two = stage.good("else/where/two", "--cores", "2", project=fixture)
    assert same(one, two) == ""
    assert (one / SCRIPTS / "ruff").exists()


GROUPS = """\
[project]
name = "root"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["of-root"]
[project.optional-dependencies]
ex = ["of-extra"]
more = ["of-more"]
[dependency-groups]
dev = ["of-dev"]
docs = ["of-docs"]
never = ["of-never"]
[tool.uv]
default-groups = ["dev", "docs"]
[tool.uv.workspace]
members = ["member", "plain"]
[[tool.uv.index]]
url = "URL"
"""
MEMBER = """\
[project]
name = "member"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["of-member"]
[dependency-groups]
test = ["of-test"]
[tool.uv]
default-groups = ["test"]
"""
PLAIN = """\
[project]
name = "plain"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["of-plain"]
[dependency-groups]
dev = ["of-plain-dev"]
"""
SELECTIONS = (
    Selection(),
    Selection(default_groups=True),
    Selection(groups=("dev",)),
    Selection(groups=("dev", "never")),
    Selection(groups=("docs",), default_groups=True),
    Selection(groups=("docs",), no_groups=("dev",), default_groups=True),
    Selection(all_groups=True),
    Selection(all_groups=True, no_groups=("docs",)),
    Selection(only_groups=("dev",)),
    Selection(only_groups=("never",)),
    Selection(packages=("member",)),
    Selection(packages=("member",), groups=("test",)),
    Selection(packages=("member",), default_groups=True),
    Selection(packages=("plain",)),
    Selection(packages=("plain",), groups=("dev",)),
    Selection(packages=("plain",), default_groups=True),
    Selection(all_packages=True),
    Selection(all_packages=True, groups=("test",)),
    Selection(all_packages=True, all_groups=True, all_extras=True),
    Selection(all_packages=True, default_groups=True),
    Selection(extras=("ex",)),
    Selection(all_extras=True, no_extras=("ex",), groups=("dev",)),
)


def test_selections_are_what_uv_takes_them_for(stage: Stage, index: Index) -> None:
    """Also with a uv that has no ``--no-default-groups``."""
    wheels = ("root", "extra", "more", "dev", "docs", "never", "member", "test", "plain", "plain_dev")
    for name in wheels:
        make_wheel(index.folder, f"of_{name}", {f"of_{name}.py": ""})
    for folder, text in (("member", MEMBER), ("plain", PLAIN)):
        (stage.project / folder).mkdir(parents=True)
        (stage.project / folder / "pyproject.toml").write_text(text)
    stage.lock(GROUPS.replace("URL", index.url))
    loaded = load_project(stage.project)
    target = Target.parse(SYSTEM, VERSION)
    old = stage.uv("0.5.4")
    for selection in SELECTIONS:
        wanted = {one.package.name for one in resolve(loaded, selection, target).packages}
        for uv, knows in ((UV, True), (old, False)):
            if not knows and (selection.no_extras or (selection.packages and selection.default_groups)):
                continue  # the old one has no such flag, or takes the root's defaults for a member's
            flags = selection_flags(loaded, selection, knows_no_default_groups=knows)
            argv = [uv, "export", "--frozen", "--quiet", "--no-hashes", "--no-header", *flags]
            done = subprocess.run(argv, cwd=stage.project, capture_output=True, text=True)
            assert done.returncode == 0, (selection, flags, done.stderr)
            lines = [line.split("==")[0] for line in done.stdout.splitlines() if "==" in line]
            members = {"root", "member", "plain"}
            assert set(lines) == wanted - members, (selection, flags, uv)


# Before 0.5.31, with --exclude-newer, uv does not see all files of the index; wheels it installs well.
OTHER_UVS = ("0.5.31", "0.7.22", "0.9.30")


@pytest.mark.slow
def test_every_uv_gives_the_same_tree(stage: Stage, index: Index) -> None:
    make_wheel(index.folder, "aaa", {"shared/x.py": "AAA = 1\n", "aaa-1.0.data/scripts/s": "#!python\n1\n"})
    make_wheel(index.folder, "bbb", {"shared/x.py": "BBB = 22\n"}, entry_points="[gui_scripts]\nb = b:b\n")
    make_sdist(index.folder, "native1", extension("native1"))
    make_sdist(index.folder, "with_setuptools", backends()["with_setuptools"])
    text = project(index, "aaa", "bbb", "native1", "with-setuptools", "ruff", "numpy")
    stage.lock(text + '[dependency-groups]\ndev = ["iniconfig"]\n')
    newest = stage.good("newest")
    assert not (newest / SITE / "iniconfig").exists()
    for version in OTHER_UVS:
        out = stage.good(f"with-{version}", uv=stage.uv(version))
        assert same(newest, out) == "", version


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
def test_meson_and_uv_build(stage: Stage, index: Index) -> None:
    """meson-python has a build folder with a random name, uv would take its own version of uv_build."""
    meson = {
        "pyproject.toml": '[build-system]\nrequires = ["meson-python"]\nbuild-backend = "mesonpy"\n'
        + project_table("with-meson"),
        "meson.build": "project('with-meson', 'c', version: '1.0')\n"
        "py = import('python').find_installation()\n"
        "py.extension_module('with_meson', 'src.c', install: true)\n",
        "src.c": EXTENSION.replace("NAME", "with_meson"),
    }
    make_sdist(index.folder, "with_meson", meson)
    uv_build = {
        "pyproject.toml": '[build-system]\nrequires = ["uv_build>=0.7,<0.14"]\nbuild-backend = "uv_build"\n'
        + project_table("with-uv-build"),
        "src/with_uv_build/__init__.py": "x = 1\n",
    }
    make_sdist(index.folder, "with_uv_build", uv_build)
    stage.lock(project(index, "with-meson", "with-uv-build"))
    one = stage.good("one", "--cores", "1")
    two = stage.good("much/longer/path/to/the/place/two", "--cores", "2")
    assert same(one, two) == ""
    wheel = (one / SITE / "with_uv_build-1.0.dist-info/WHEEL").read_text()
    assert "Generator: uv 0.7." in wheel


def venv(*argv: object) -> None:
    command = [sys.executable, "-m", "uvlock2nix", "venv", *map(str, argv)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_from_deps_to_a_program(stage: Stage) -> None:
    """sync, copy, finish, package: all but stripping and restoring, without Nix."""
    source = stage.root / "hello"
    shutil.copytree(REPOSITORY / "fixtures" / "hello", source)
    out = stage.good("one", project=source)
    env, build, package = stage.root / "env", stage.root / "build", stage.root / "package"
    venv("copy", out, env)
    venv("finish", env, "--interpreter", PYTHON, "--build-to", build, "--cores", "1")
    assert [fault for fault in record_faults(env / SITE) if "__pycache__" not in fault] == []
    venv(
        "package", "--env", env, "--requires", build, "--out", package, "--work", stage.root / "work",
        "--interpreter", PYTHON, "--member", f"hello-uv={source}", "--uv", UV, "--cores", "1",
    )  # fmt: skip
    done = subprocess.run([package / "bin" / "hello-uv"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    own = [fault for fault in record_faults(package / SITE) if fault.startswith("hello_uv-")]
    assert own == []


FOR_A_MACHINE = """
offline = true
no-cache = true
no-index = true
link-mode = "symlink"
compile-bytecode = true
python-preference = "only-managed"
reinstall = true
upgrade = true
keyring-provider = "subprocess"
required-version = "==0.0.1"
https-proxy = "http://127.0.0.1:9"
no-proxy = ["127.0.0.1", "localhost"]
"""


def test_settings_for_a_machine_change_nothing(stage: Stage, index: Index) -> None:
    make_wheel(index.folder, "alpha", {"alpha.py": "x = 1\n"})
    stage.lock(project(index, "alpha"))
    plain = stage.good("plain")
    text = (stage.project / "pyproject.toml").read_text()
    (stage.project / "pyproject.toml").write_text(text.replace("[tool.uv]", f"[tool.uv]{FOR_A_MACHINE}"))
    assert same(plain, stage.good("set")) == ""
