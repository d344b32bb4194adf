"""What build files mean on Linux with default settings, and that hostile ones cost little."""

import time
import tracemalloc

import pytest

from uvlock2nix.inspect.archive import Archive
from uvlock2nix.inspect.branches import branches
from uvlock2nix.inspect.build_files import wanted
from uvlock2nix.inspect.clues.cargo import cargo_clues, lock_clues
from uvlock2nix.inspect.clues.cmake import cmake_clues, given_values
from uvlock2nix.inspect.clues.headers import header_clues
from uvlock2nix.inspect.clues.meson import meson_clues
from uvlock2nix.inspect.clues.setup_py import python_clues
from uvlock2nix.inspect.clues.text import Clue, make_clues
from uvlock2nix.inspect.sdist import Inspection, inspect_archive
from uvlock2nix.knowledge.libraries import companions, library_attribute, library_names
from uvlock2nix.knowledge.templates import is_attribute


def sdist(texts: dict[str, str], *more: str) -> Inspection:
    return inspect_archive(
        Archive((*texts, *more), {n: t for n, t in texts.items() if wanted(n)}), "x-1.tar.gz"
    )


def attrs(clues: list[Clue]) -> dict[str | None, bool]:
    """Attribute → whether it is optional."""
    return {clue.attr: clue.optional for clue in clues}


# --- Python ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "dead", "perhaps"),
    [
        ("sys.platform == 'win32'", True, False),
        ("sys.platform != 'linux'", True, False),
        ("sys.platform.startswith(('win', 'cygwin'))", True, False),
        ("sys.platform in ('linux', 'linux2')", False, False),
        ("os.name == 'nt'", True, False),
        ("platform.system() == 'Darwin'", True, False),
        ("'FreeBSD' in platform.system()", True, False),
        ("sys.version_info < (3, 8)", True, False),
        ("sys.version_info[0] == 2", True, False),
        ("'--with-x' in sys.argv", True, False),
        ("'X' in os.environ", True, False),
        ("os.environ.get('USE_X')", True, False),
        ("os.environ.get('USE_X', '1') == '1'", False, False),
        ("int(os.environ.get('USE_X', 0))", True, False),
        ("not os.getenv('NO_X')", False, False),
        ("WINDOWS and found", True, False),
        ("not WINDOWS", False, False),
        ("pkgconfig.exists('x')", False, True),
        ("WINDOWS or found", False, True),
        ("SEVERAL", False, True),
        ("LOOP", False, True),
        ("self.enabled", True, False),
        ("1 if WINDOWS else 0", True, False),
    ],
)
def test_conditions(condition: str, dead: bool, perhaps: bool) -> None:
    text = (
        "WINDOWS = sys.platform == 'win32'\nSEVERAL = True\nSEVERAL = False\nLOOP = LOOP or LOOP\n"
        f"self.enabled = None\nif {condition}:\n    x = 7\n"
    )
    judged = branches(text)
    assert (7 in judged.dead, 7 in judged.perhaps) == (dead, perhaps)


def test_else_early_exit_and_functions_that_nobody_calls_on_linux() -> None:
    text = """def windows_only():
    libraries = ["ssl"]
def helper():
    libraries = ["z"]
def find():
    if sys.platform == "win32":
        helper()
        return
    else:
        libraries = ["curl"]
    if os.name == "posix":
        raise SystemExit
    libraries = ["xml2"]
"""
    assert attrs(list(python_clues("setup.py", text))) == {"curl": False}


def test_options_that_nobody_gives_change_nothing() -> None:
    text = """use_zlib = True
for arg in sys.argv[1:]:
    if arg == "--without-zlib":
        use_zlib = False
    elif arg == "--with-sasl2":
        libs.append("sasl2")
libs = ["memcached"]
if use_zlib:
    libs.append("z")
"""
    assert attrs(list(python_clues("setup.py", text))) == {"libmemcached": False, "zlib": False}


def test_names_that_stand_for_lists() -> None:
    text = """LIBS = ["curl"]
if sys.platform == "win32":
    LIBS = ["ssl"]
def get_libraries(platform):
    return ["ldap"]
Extension("x", libraries=LIBS + get_libraries(sys.platform))
"""
    assert attrs(list(python_clues("setup.py", text))) == {"curl": False, "openldap": False}


def test_a_script_of_another_python_is_read_without_its_branches() -> None:
    text = 'print "old"\nif sys.platform == "win32":\n    libraries = ["ssl"]\n'
    assert branches(text).dead == frozenset()
    assert attrs(list(python_clues("setup.py", text))) == {"openssl": False}


def test_scripts_for_other_systems_are_not_read() -> None:
    assert not wanted("buildconfig/config_darwin.py")
    assert not wanted("setup_win32.py")
    assert wanted("buildconfig/config_unix.py")


# --- CMake ----------------------------------------------------------------------------------------------

CMAKE = """
option(WITH_X "x" OFF)
option(WITH_Y "y" ON)
set(KIND "internal" CACHE STRING "")
if(WIN32)
  find_package(CURL REQUIRED)
elseif(UNIX AND NOT APPLE)
  find_package(ZLIB REQUIRED)
else()
  find_package(OpenSSL REQUIRED)
endif()
if(WITH_X)
  find_package(HDF5 REQUIRED)
endif()
if(WITH_Y AND KIND STREQUAL "internal")
  add_subdirectory(src)
endif()
if(SOMETHING_FOUND)
  find_package(Boost REQUIRED)
endif()
find_package(PNG) # find_package(JPEG REQUIRED)
target_link_libraries(core PRIVATE PNG::PNG)
find_package(Foo REQUIRED)
if(DEFINED ENV{SYSTEM_LZ4})
  set(USE_SYSTEM_LZ4 ON)
endif()
if(USE_SYSTEM_LZ4)
  pkg_check_modules(LZ4 REQUIRED liblz4)
endif()
"""


def test_cmake_is_followed_with_its_options() -> None:
    texts = {
        "CMakeLists.txt": CMAKE,
        "src/CMakeLists.txt": "pkg_check_modules(CAIRO REQUIRED cairo>=1.2)",
        "unused/CMakeLists.txt": "find_package(GDAL REQUIRED)",
        "cmake/FindFoo.cmake": "find_library(FOO_LIBRARY NAMES yaml)",
    }
    assert attrs(cmake_clues(texts, "CMakeLists.txt", {})) == {
        "zlib": False, "cairo": False, "boost": True, "libpng": False, "libyaml": False,
    }  # fmt: skip
    given = given_values(['cmake_args = ["-DWITH_X=ON"]'], {"define": {"WITH_Y": False}, "args": ["-DA=1"]})
    found = attrs(cmake_clues(texts, "CMakeLists.txt", given))
    assert "hdf5" in found
    assert "cairo" not in found


def test_a_library_in_a_folder_of_its_own_and_one_that_is_fetched() -> None:
    texts = {
        "CMakeLists.txt": "add_subdirectory(zlib)\nFetchContent_Declare(yaml-cpp URL x)\nfind_package(absl)",
        "zlib/CMakeLists.txt": "project(zlib C)\nfind_package(CURL REQUIRED)",
    }
    found = cmake_clues(texts, "CMakeLists.txt", {})
    assert {(clue.attr, clue.fetched) for clue in found} == {("abseil-cpp", False), ("yaml-cpp", True)}


# --- Meson, Cargo, C, Makefiles -------------------------------------------------------------------------


def test_meson_is_followed_with_its_options() -> None:
    texts = {
        "meson.build": """
if host_machine.system() == 'windows'
  dependency('libcurl')
elif get_option('xml').enabled() or true
  dependency('libxml-2.0')
endif
if get_option('extra')
  dependency('sqlite3')
endif
blas_name = get_option('blas')
blas = dependency(blas_name)
dependency('cairo', required: get_option('cairo'))
dependency('libpng', required: get_option('png'))
subdir('src')
""",
        "meson.options": "option('extra', type: 'boolean', value: false)\noption('blas', type: 'string')\n"
        "option('cairo', type: 'feature', value: 'disabled')\noption('png', type: 'feature')\n",
        "src/meson.build": "dependency('zlib')",
        "other/meson.build": "dependency('gdal')",
    }
    expected = {"libxml2": False, "blas": False, "libpng": True, "zlib": False}
    assert attrs(meson_clues(texts, "meson.build", "")) == expected
    assert "sqlite" in attrs(meson_clues(texts, "meson.build", 'setup = ["-Dextra=true"]'))


def test_crates_by_features_and_systems() -> None:
    manifest = """
[dependencies]
openssl = { version = "0.10", optional = true }
reqwest = { version = "0.12", default-features = false, features = ["rustls-tls"] }
alsa = "1"
[dev-dependencies]
pcsc = "2"
[target.'cfg(windows)'.dependencies]
dbus = "0.9"
[features]
default = []
tls = ["dep:openssl"]
"""
    assert attrs(list(cargo_clues("Cargo.toml", manifest, frozenset()))) == {
        "openssl": True,
        "alsa-lib": False,
    }
    assert attrs(list(cargo_clues("Cargo.toml", manifest, frozenset({"tls"}))))["openssl"] is False
    vendored = manifest.replace('tls = ["dep:openssl"]', 'tls = ["dep:openssl", "openssl/vendored"]')
    assert "openssl" not in attrs(list(cargo_clues("Cargo.toml", vendored, frozenset({"tls"}))))
    assert attrs(list(lock_clues("Cargo.lock", 'name = "openssl-sys"\n'))) == {"openssl": True}
    assert list(lock_clues("Cargo.lock", 'name = "openssl-sys"\nname = "openssl-src"\n')) == []


def test_headers_by_their_guards() -> None:
    text = """#ifndef X_H
#define X_H
#ifdef _WIN32
# include <curl/curl.h>
#else
# include <zlib.h>
#endif
#if defined(HAVE_SASL)
#include <sasl/sasl.h>
#endif
#if 0
#include <png.h>
#endif
#endif
"""
    assert attrs(list(header_clues("a.c", text))) == {"zlib": False, "cyrus_sasl": True}
    assert attrs(list(header_clues("a.c", text, frozenset({"HAVE_SASL"}))))["cyrus_sasl"] is False


def test_makefiles_count_where_a_script_runs_make() -> None:
    assert attrs(list(make_clues("Makefile", "LDLIBS = `pkg-config --libs glib-2.0` -lz\n# -lssl"))) == {
        "zlib": False, "glib": False,
    }  # fmt: skip
    make = {"x/Makefile": "LDLIBS += -lz", "x/x.c": ""}
    assert sdist({"setup.py": "for cmd in ['make -C x']: call(cmd)", **make}).inputs.build.build_inputs == (
        "zlib",
    )
    assert (
        sdist(
            {"setup.py": "setup(ext_modules=[Extension('x', ['x/x.c'])])", **make}
        ).inputs.build.build_inputs
        == ()
    )


# --- what is proposed -----------------------------------------------------------------------------------


def test_what_the_sdist_carries_is_shown_and_not_proposed() -> None:
    setup = "if pkgconfig.exists('liblz4'):\n    libraries = ['lz4']\next_modules=1"
    found = sdist({"setup.py": setup, "a.c": ""}, "lz4libs/lz4.h")
    assert found.inputs.build.build_inputs == ()
    assert found.inputs.origin.doubtful == ("lz4",)
    assert any(line.startswith("left out: lz4") for line in found.evidence)
    assert sdist({"setup.py": setup, "a.c": ""}).inputs.build.build_inputs == ("lz4",)


def test_one_of_several_alternatives() -> None:
    setup = "ext_modules=1\nif a:\n    libraries=['gnutls']\nelif b:\n    libraries=['ssl']\n"
    found = sdist({"setup.py": setup, "a.c": ""})
    assert (found.inputs.build.build_inputs, found.inputs.origin.doubtful) == (("openssl",), ("gnutls",))


def test_plugins_that_no_build_file_names_are_not_all_proposed() -> None:
    headers = ("zlib.h", "curl/curl.h", "png.h", "sqlite3.h", "expat.h", "ldap.h")
    files = {f"p/{n}.c": f"#include <{header}>" for n, header in enumerate(headers)}
    assert sdist({"setup.py": "ext_modules=1", **files}).inputs.build.build_inputs == ()
    assert sdist({"setup.py": "ext_modules=1", "a.c": "#include <zlib.h>"}).inputs.build.build_inputs == (
        "zlib",
    )


def test_companions() -> None:
    found = sdist({"setup.py": "ext_modules=[Extension('x', ['x.c'], libraries=['xmlsec1'])]", "x.c": ""})
    assert set(companions()["xmlsec"]) < set(found.inputs.build.build_inputs)
    assert all(is_attribute(attr) for others in companions().values() for attr in others)


def test_pyqt_needs_the_base_of_its_qt() -> None:
    text = '[build-system]\nrequires=["PyQt-builder"]\nbuild-backend="sipbuild.api"\n[project]\nname="PyQt6"'
    assert sdist({"pyproject.toml": text}).inputs.build.build_inputs == ("qt6.qtbase",)


def test_cffi_modules_are_native() -> None:
    files = {
        "setup.py": "setup(cffi_modules=['x/_build.py:ffi'])",
        "x/_build.py": 'ffi.set_source("x", """\n#include <expat.h>\n""", libraries=["notmuch"])',
    }
    found = sdist(files)
    assert (found.nature, found.inputs.build.build_inputs) == ("native", ("expat", "notmuch"))


def test_names_come_from_sonames_too() -> None:
    assert "jbig2dec" not in library_names("linker")
    assert library_attribute("linker", "jbig2dec") == "jbig2dec"
    assert library_attribute("linker", "python3.12") is None


# --- hostile files --------------------------------------------------------------------------------------

SCIKIT = '[build-system]\nrequires=["scikit-build-core"]\nbuild-backend="scikit_build_core.build"\n'
MESON = '[build-system]\nrequires=["meson-python"]\nbuild-backend="mesonpy"\n'
MATURIN = '[build-system]\nrequires=["maturin"]\nbuild-backend="maturin"\n'
PYTHON = {
    "brackets": "x=" + "(" * 100_000,
    "lists": "libraries=" + "[\n" * 100_000,
    "unary": "x=" + "-" * 300_000 + "1",
    "not": "x=" + "not " * 90_000 + "1",
    "chain": "x=(1" + "+\n1" * 100_000 + ")",
    "attributes": "x=(a" + ".\nb" * 100_000 + ")",
    "elif": "if a: pass\n" + "elif b: pass\n" * 20_000,
    "leaves": "if 1:\n raise\n" * 20_000,
    "functions": "def f(): f()\n" * 20_000,
    "names": "".join(f"a{i}=a{i + 1} or a{i + 1}\n" for i in range(2000)) + "if a0: pass",
    "names that double": "".join(f"a{i}=a{i + 1} or a{i + 1}\n" for i in range(60)) + "if a0: pass",
    "unclosed": 'libraries=["a",\n' * 20_000,
    "quotes": "'" * 300_001,
    "one line": "libraries=" * 200_000,
    "lambda": "x=" + "lambda:" * 50_000 + "1",
    "indent": "".join(" " * i + "if x:\n" for i in range(98)) + " " * 98 + "pass",
    "f-string": 'x=f"{' * 3000,
    "number": "x=" + "9" * 300_000 + "\nif x: pass",
    "infinite": "if int(1e400): pass",
    "nul": 'libraries=["z"]\0',
    "lone surrogate": 'x="\ud800"\n',
}


def quick(files: dict[str, str]) -> None:
    started = time.process_time()
    sdist({"a.c": "", **files})
    assert time.process_time() - started < 6


@pytest.mark.parametrize("body", PYTHON.values(), ids=PYTHON)
def test_hostile_scripts(body: str) -> None:
    quick({"setup.py": "ext_modules=1 # cmake libraries\n" + body})


@pytest.mark.parametrize(
    "body",
    [
        "if(A)\n" * 100_000,
        "if(" * 100_000,
        ("if(NOT " + "NOT " * 400 + ")\n") * 500,
        "".join(f"find_package(Z{i} REQUIRED)\n" for i in range(20_000)),
        "target_link_libraries(x " + "z " * 900 + ")\n",
        "include(x)\nadd_subdirectory(.)\n" * 20_000,
        "set(" + "a " * 500_000 + ")",
        '"' * 500_000,
        "#" * 500_000,
        "".join(f"a{i} = a{i + 1} or a{i + 1} or a{i + 1}\nif a{i}\n" for i in range(3000)),
        "dependency('z'\n" * 20_000,
    ],
)
def test_hostile_cmake_and_meson(body: str) -> None:
    quick({"pyproject.toml": SCIKIT, "CMakeLists.txt": body, "cmake/x.cmake": "include(x)\n" * 1000})
    quick({"pyproject.toml": MESON, "meson.build": body})


@pytest.mark.parametrize(
    "body",
    [
        "a=" + "[" * 200_000,
        "a" + ".a" * 50_000 + "=1",
        "[features]\n" + "".join(f'a{i}=["a{i + 1}"]\n' for i in range(3000)) + 'default=["a0"]',
        "[dependencies]\n" + "".join(f'd{i}={{package="openssl"}}\n' for i in range(3000)),
    ],
)
def test_hostile_cargo_files(body: str) -> None:
    quick({"pyproject.toml": MATURIN, "Cargo.toml": body, "Cargo.lock": body})


def test_memory_stays_in_proportion() -> None:
    files = {f"p{n}/x.c": "#ifdef A\n#include <zlib.h>\n#endif\n" * 5000 for n in range(8)}
    size = sum(map(len, files.values()))
    tracemalloc.start()
    try:
        sdist({"setup.py": "ext_modules=1", **files})
        assert tracemalloc.get_traced_memory()[1] < 6 * size + (8 << 20)
    finally:
        tracemalloc.stop()
