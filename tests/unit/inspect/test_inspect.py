import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uvlock2nix.inspect.archive import Archive
from uvlock2nix.inspect.build_files import wanted
from uvlock2nix.inspect.clues.setup_py import python_clues
from uvlock2nix.inspect.clues.text import shortened
from uvlock2nix.inspect.pep725 import parse_external
from uvlock2nix.inspect.sdist import Inspection, inspect_archive
from uvlock2nix.knowledge.libraries import NAMESPACES, library_attribute, library_names
from uvlock2nix.knowledge.templates import is_attribute


def archive(texts: dict[str, str]) -> Inspection:
    return inspect_archive(Archive(tuple(texts), {n: t for n, t in texts.items() if wanted(n)}), "x-1.tar.gz")


SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'


def test_a_plain_setuptools_project_is_pure() -> None:
    found = archive({"pyproject.toml": SETUPTOOLS, "setup.py": "setup(name='x')", "x/__init__.py": ""})
    assert found.nature == "pure"
    assert found.inputs.kind == "pure"
    assert not found.inputs.compiles


@pytest.mark.parametrize(
    "backend", ["flit_core.buildapi", "hatchling.build", "poetry.core.masonry.api", "pdm.backend"]
)
def test_plain_backends_are_pure(backend: str) -> None:
    assert archive({"pyproject.toml": f'[build-system]\nbuild-backend = "{backend}"'}).nature == "pure"


def test_a_backend_with_a_hook_of_its_own_is_unknown() -> None:
    text = '[build-system]\nbuild-backend="hatchling.build"\n[tool.hatch.build.hooks.custom]\npath="b.py"'
    assert archive({"pyproject.toml": text}).nature == "unknown"
    poetry = '[build-system]\nbuild-backend="poetry.core.masonry.api"\n[tool.poetry.build]\nscript="build.py"'
    assert archive({"pyproject.toml": poetry}).nature == "unknown"


def test_an_extension_with_libraries_and_its_evidence() -> None:
    setup = """
from setuptools import Extension, setup
# libraries=["nothing"]
ext = Extension("x._x", ["x/_x.c"],
                libraries=["ssl", "crypto", "mystery", "m"])
setup(ext_modules=[ext])
"""
    found = archive({"setup.py": setup, "x/_x.c": "int x;"})
    assert found.nature == "native"
    assert found.languages == ("C",)
    assert found.inputs.build.build_inputs == ("openssl",)
    assert found.inputs.origin.provenance == "inspected"
    assert found.unknown == ("mystery",)
    assert any("setup.py:5" in line and line.startswith("openssl") for line in found.evidence)


def test_an_extension_without_libraries_needs_a_compiler_only() -> None:
    found = archive({"setup.py": "setup(ext_modules=[Extension('a', ['a.c'])])", "a.c": "int a;"})
    assert (found.nature, found.inputs.kind, found.inputs.build.build_inputs) == ("native", "bundled", ())


def test_pkg_config_and_config_programs() -> None:
    setup = """
ext_modules = 1
flags = subprocess.check_output(["pkg-config", "--libs", "libxml-2.0"])
where = run("krb5-config --libs gssapi")
pg = "pg_config"
"""
    found = archive({"setup.py": setup, "a.c": ""})
    assert found.inputs.build.build_inputs == ("krb5", "libpq", "libxml2")
    assert set(found.inputs.build.native_build_inputs) == {"pkg-config", "krb5", "libpq.pg_config"}


def test_meson() -> None:
    pyproject = '[build-system]\nbuild-backend = "mesonpy"\nrequires = ["meson-python"]'
    meson = """project('x', 'c')
cairo = dependency('cairo', version: '>= 1.15')
# dependency('sqlite3')
opt = dependency('zlib', required: false)
thr = dependency('threads')
"""
    found = archive({"pyproject.toml": pyproject, "meson.build": meson, "setup.py": "libraries=['ssl']"})
    assert found.inputs.build.build_inputs == ("cairo", "zlib")
    assert any(line.startswith("zlib") and line.endswith("optional") for line in found.evidence)
    assert set(found.inputs.build.native_build_inputs) == {"pkg-config", "ninja"}
    assert any("meson.build:2" in line for line in found.evidence)


def test_cmake() -> None:
    pyproject = '[build-system]\nbuild-backend = "scikit_build_core.build"\n'
    pyproject += 'requires = ["scikit-build-core", "pybind11"]'
    cmake = "project(x)\nfind_package(Python REQUIRED)\nfind_package(Eigen3 REQUIRED)\nfind_package(ZLIB)\n"
    other = {"vendored/CMakeLists.txt": "project(other)\nfind_package(CURL REQUIRED)"}
    found = archive({"pyproject.toml": pyproject, "CMakeLists.txt": cmake, **other})
    assert found.inputs.build.build_inputs == ("eigen", "zlib")
    assert {"cmake", "ninja"} <= set(found.inputs.build.native_build_inputs)


def test_libraries_of_cmake_targets_but_not_its_own() -> None:
    pyproject = '[build-system]\nbuild-backend = "scikit_build_core.build"\nrequires = ["scikit-build-core"]'
    cmake = "add_library(z STATIC z.c)\ntarget_link_libraries(_core PRIVATE qpdf z)\n"
    found = archive({"pyproject.toml": pyproject, "CMakeLists.txt": cmake})
    assert found.inputs.build.build_inputs == ("qpdf",)


def test_a_plain_name_counts_behind_pkg_config() -> None:
    setup = "ext_modules = 1\ncmd = 'pkg-config --cflags sentencepiece'\nother = 'cairo'"
    found = archive({"setup.py": setup, "a.c": ""})
    assert found.inputs.build.build_inputs == ("sentencepiece",)


def test_the_build_of_a_vendored_project_is_not_this_ones() -> None:
    files = {
        "setup.py": "setup(ext_modules=[Extension('x', ['x.c'])])",
        "x.c": "",
        "harfbuzz/configure.ac": "",
        "harfbuzz/src/hb-ft.c": "#include <ft2build.h>",
    }
    assert archive(files).inputs.build.build_inputs == ()


def test_rust() -> None:
    pyproject = '[build-system]\nbuild-backend = "maturin"\nrequires = ["maturin>=1"]'
    cargo = '[dependencies]\nopenssl-sys = "0.9"\nserde = "1"\n'
    found = archive({"pyproject.toml": pyproject, "Cargo.toml": cargo, "src/lib.rs": ""})
    assert found.inputs.kind == "rust"
    assert found.inputs.build.build_inputs == ("openssl",)
    assert set(found.inputs.build.native_build_inputs) == {"cargo", "rustc", "pkg-config"}
    vendored = cargo.replace('"0.9"', '{ version = "0.9", features = ["vendored"] }')
    assert archive({"pyproject.toml": pyproject, "Cargo.toml": vendored}).inputs.build.build_inputs == ()


def test_setup_cfg_and_headers() -> None:
    cfg = "[build_ext]\nlibraries = ldap lber\n"
    code = "#include <Python.h>\n#include <sasl/sasl.h>\n"
    found = archive({"setup.py": "ext_modules", "setup.cfg": cfg, "src/a.c": code})
    assert found.inputs.build.build_inputs == ("cyrus_sasl", "openldap")


def test_a_header_that_the_sdist_ships_is_no_evidence() -> None:
    files = {"setup.py": "ext_modules", "a.c": '#include "zlib.h"', "zlib.h": ""}
    assert archive(files).inputs.build.build_inputs == ()


def test_tests_and_vendored_trees_are_not_read() -> None:
    assert wanted("setup.py")
    assert wanted("src/meson.build")
    assert not wanted("tests/setup.py")
    assert not wanted("vendor/zlib/CMakeLists.txt")
    assert not wanted("third_party/x/configure.py")
    assert not wanted("x/data.json")


def test_external_is_read() -> None:
    text = SETUPTOOLS + '[external]\nbuild-requires=["virtual:compiler/c", "pkg:generic/pkg-config"]\n'
    text += 'host-requires=["pkg:generic/libxml2@>=2.9", "dep:generic/zlib", "pkg:generic/odd"]\n'
    found = archive({"pyproject.toml": text}).external
    assert found is not None
    assert found.origin.provenance == "pep725"
    assert found.build.build_inputs == ("libxml2", "zlib")
    assert found.build.native_build_inputs == ("pkg-config",)
    assert found.kind == "link"


def test_external_of_a_stranger_may_be_nonsense() -> None:
    found = parse_external({"host-requires": "zlib", "build-requires": [1, {}, "x" * 500]}, "f")
    assert found is not None
    assert found.inputs.build.build_inputs == ()
    assert len(found.unknown) == 4
    assert parse_external({}, "f") is None


def test_broken_toml_is_noted() -> None:
    found = archive({"pyproject.toml": "[build-system\n", "setup.py": "setup()"})
    assert any("not valid TOML" in odd for odd in found.oddities)


def test_wrong_types_in_build_system() -> None:
    found = archive(
        {"pyproject.toml": '[build-system]\nrequires = [1, "a b c", "cython"]\nbuild-backend = 3'}
    )
    assert found.requires == ("a b c", "cython")
    assert archive({"pyproject.toml": "build-system = 1\ntool = 2\nexternal = 3"}).nature == "pure"


FILES = st.sampled_from(
    (
        "setup.py",
        "setup.cfg",
        "pyproject.toml",
        "meson.build",
        "CMakeLists.txt",
        "Cargo.toml",
        "a.c",
        "x/b.pyx",
    )
)
WORDS = st.sampled_from(
    ("libraries=", "[", "]", "(", "'ssl'", '"z"', "dependency('", "find_package(", "pkg-config", "\n",
     "=", "#", "ext_modules", "[build-system]", 'requires=["cython"]', "-lfoo", "${", "\\", "'''")
)  # fmt: skip


@settings(max_examples=200)
@given(
    st.dictionaries(
        FILES, st.lists(st.one_of(WORDS, st.text(max_size=4)), max_size=30).map("".join), max_size=5
    )
)
def test_any_text_gives_an_answer_that_is_safe(texts: dict[str, str]) -> None:
    found = inspect_archive(Archive(tuple(texts) or ("x",), texts), "x")
    for attr in found.inputs.build.attributes:
        assert is_attribute(attr)
    assert found.nature in ("pure", "native", "unknown")


@pytest.mark.parametrize(
    "text", ["libraries=" + "[" * 50_000, "(" * 50_000, "'" * 50_001, "pkg_config(" * 5_000]
)
def test_hostile_text_takes_no_time(text: str) -> None:
    assert len(list(python_clues("setup.py", shortened(text)))) < 10_000


def test_the_library_table_is_well_formed() -> None:
    for kind in NAMESPACES:
        assert all(is_attribute(attr) for attr in library_names(kind).values()), kind
    assert library_attribute("pkg-config", "libxml-2.0 >= 2.9") == "libxml2"
    assert library_attribute("linker", "z") == "zlib"
