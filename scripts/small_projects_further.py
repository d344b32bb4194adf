# ruff: noqa: E501 - the files of the projects are kept on one line each
"""Further small projects for `scripts/small_projects.py`: less usual backends, settings and files."""

from __future__ import annotations

from typing import Final

from scripts.small_projects_subjects import (
    CARGO,
    CARGO_LOCK,
    EXTENSION,
    LIB,
    MAIN,
    SETUPTOOLS,
    USES_EXTENSION,
    USES_LIB,
    Subject,
    below,
    package,
    pyproject,
    text,
)

DYNAMIC: Final = 'dynamic = ["version"]'
WRITTEN: Final = (
    "from small._version import __version__\n\n\ndef main() -> None:\n    print('small', __version__)\n"
)


def versions_written() -> list[Subject]:
    """Versions from git that are written into a file of the package, and tools that few use."""
    return [
        package(
            pyproject(
                '"hatchling", "hatch-vcs"',
                project=DYNAMIC,
                more='[tool.hatch.version]\nsource = "vcs"\n[tool.hatch.build.hooks.vcs]\nversion-file = "src/small/_version.py"\n',
            ),
            "hatch-vcs, version-file",
            main=WRITTEN,
            tag="v1.2.3",
        ),
        package(
            pyproject(
                '"setuptools>=77", "setuptools-scm>=8"',
                "setuptools.build_meta",
                project=DYNAMIC,
                more='[tool.setuptools_scm]\nversion_file = "src/small/_version.py"\n',
            ),
            "setuptools-scm, version_file",
            main=WRITTEN,
            tag="v1.2.3",
        ),
        package(
            pyproject(
                '"pdm-backend"',
                "pdm.backend",
                project=DYNAMIC,
                more='[tool.pdm.version]\nsource = "scm"\nwrite_to = "small/_version.py"\nwrite_template = "__version__ = \'{}\'\\n"\n',
            ),
            "pdm-backend, scm",
            main=WRITTEN,
            tag="v1.2.3",
        ),
        package(
            pyproject(
                '"setuptools>=77", "versioningit"',
                "setuptools.build_meta",
                project=DYNAMIC,
                more='[tool.versioningit.write]\nfile = "src/small/_version.py"\ntemplate = "__version__ = \'{version}\'"\n',
            ),
            "versioningit, write",
            {
                "setup.py": "from setuptools import setup\nfrom versioningit import get_cmdclasses\nsetup(cmdclass=get_cmdclasses())\n"
            },
            main=WRITTEN,
            tag="v1.2.3",
        ),
        package(
            pyproject(
                '"setuptools>=77", "setuptools-git-versioning>=2"',
                "setuptools.build_meta",
                project=DYNAMIC,
                more="[tool.setuptools-git-versioning]\nenabled = true\n",
            ),
            "setuptools-git-versioning",
            tag="v1.2.3",
        ),
        package(
            pyproject(
                '"flit_scm"',
                "flit_scm:buildapi",
                project='dynamic = ["version"]\ndescription = "x"',
                more='[tool.setuptools_scm]\nwrite_to = "src/small/_version.py"\n',
            ),
            "flit_scm",
            main="from small._version import version as __version__\n\n\ndef main() -> None:\n    print('small', __version__)\n",
            tag="v1.2.3",
        ),
        package(
            pyproject(
                '"scikit-build-core>=0.10", "setuptools-scm"',
                "scikit_build_core.build",
                project=DYNAMIC,
                more='[tool.scikit-build]\nmetadata.version.provider = "scikit_build_core.metadata.setuptools_scm"\nwheel.packages = ["src/small"]\n[tool.setuptools_scm]\n',
            ),
            "scikit-build-core, setuptools_scm",
            {"CMakeLists.txt": "cmake_minimum_required(VERSION 3.20)\nproject(small LANGUAGES NONE)\n"},
            tag="v1.2.3",
        ),
        package(
            pyproject(
                '"hatchling", "uv-dynamic-versioning"',
                project=DYNAMIC,
                more='[tool.hatch.version]\nsource = "uv-dynamic-versioning"\n[tool.uv-dynamic-versioning]\npattern = "default-unprefixed"\n[tool.hatch.build.hooks.version]\npath = "src/small/_version.py"\n',
            ),
            "uv-dynamic-versioning, unprefixed",
            main=WRITTEN,
            tag="1.2.3",
        ),
        Subject(
            "setuptools-scm in a member",
            {
                "pyproject.toml": pyproject(
                    dependencies='"neighbour"',
                    more='[tool.uv.sources]\nneighbour = { workspace = true }\n[tool.uv.workspace]\nmembers = ["libs/*"]\n',
                ),
                "src/small/__init__.py": USES_LIB,
                "libs/neighbour/pyproject.toml": pyproject(
                    '"setuptools>=77", "setuptools-scm>=8"',
                    "setuptools.build_meta",
                    project=DYNAMIC,
                    name="neighbour",
                    scripts="",
                    more='[tool.setuptools_scm]\nroot = "../.."\n',
                ),
                "libs/neighbour/src/neighbour/__init__.py": "import importlib.metadata\nWORD = importlib.metadata.version('neighbour')\n",
            },
            tag="v1.2.3",
        ),
        package(
            pyproject(
                '"flit_core>=3.11"', "flit_core.buildapi", project='dynamic = ["version", "description"]'
            ),
            "flit, dynamic version",
            main='"""A small project."""\n__version__ = "3.1"\n' + MAIN,
        ),
        package(
            pyproject(
                *SETUPTOOLS,
                project=DYNAMIC,
                more='[tool.setuptools.dynamic]\nversion = {attr = "small.VERSION"}\n',
            ),
            "setuptools, version attr",
            main="VERSION = '.'.join(('3', '2'))\n" + MAIN,
        ),
        package(
            pyproject(
                '"setuptools>=77", "incremental>=24.7"',
                "setuptools.build_meta",
                project=DYNAMIC,
                more='[tool.incremental]\nname = "small"\n',
            ),
            "incremental",
            {
                "src/small/_version.py": "from incremental import Version\n__version__ = Version('small', 3, 3, 0)\n"
            },
            tag="v1.2.3",
        ),
        package(
            pyproject(
                project='dynamic = ["version", "dependencies"]',
                requires='"hatchling", "hatch-nodejs-version"',
                more='[tool.hatch.version]\nsource = "nodejs"\n',
            )
            .replace("dependencies = []\n", "", 1)
            .replace('"version", "dependencies"', '"version"'),
            "hatch-nodejs-version",
            {"package.json": '{"name": "small", "version": "3.4.0"}\n'},
        ),
    ]


def less_usual() -> list[Subject]:
    """Backends and build steps that fewer projects have."""
    return [
        package(
            pyproject(
                '"hatchling", "hatch-build-scripts"',
                more='[[tool.hatch.build.hooks.build-scripts.scripts]]\nout_dir = "src/small"\ncommands = ["echo built > word.txt"]\nartifacts = ["word.txt"]\n',
            ),
            "hatch-build-scripts",
            main="from importlib.resources import files\n\n\ndef main() -> None:\n    print(files('small').joinpath('word.txt').read_text())\n",
        ),
        package(
            pyproject('"setuptools>=77", "mypy>=1.15"', "setuptools.build_meta"),
            "mypyc",
            {
                "setup.py": "from mypyc.build import mypycify\nfrom setuptools import setup\nsetup(packages=['small'], package_dir={'': 'src'}, ext_modules=mypycify(['src/small/_answer.py']))\n",
                "src/small/_answer.py": "def answer() -> int:\n    return 42\n",
            },
            main=USES_EXTENSION.replace(
                "_answer.answer()", "_answer.__file__.rpartition('.')[2], _answer.answer()"
            ),
        ),
        package(
            pyproject(
                '"hatchling", "hatch-mypyc>=0.16"',
                more='[tool.hatch.build.hooks.mypyc]\nmypy-args = []\ninclude = ["src/small/_answer.py"]\n',
            ),
            "hatch-mypyc",
            {"src/small/_answer.py": "def answer() -> int:\n    return 42\n"},
            main=USES_EXTENSION.replace(
                "_answer.answer()", "_answer.__file__.rpartition('.')[2], _answer.answer()"
            ),
        ),
        package(
            pyproject('"setuptools>=77", "numpy>=2"', "setuptools.build_meta", dependencies='"numpy>=2"'),
            "numpy's headers",
            {
                "setup.py": "import numpy\nfrom setuptools import Extension, setup\n"
                "setup(ext_modules=[Extension('small._answer', ['src/small/_answer.c'], include_dirs=[numpy.get_include()])])\n",
                "src/small/_answer.c": EXTENSION.replace(
                    "#include <Python.h>", "#include <Python.h>\n#include <numpy/arrayobject.h>"
                )
                .replace(
                    "PyLong_FromLong(42)", "PyLong_FromLong(PyArray_GetNDArrayCFeatureVersion() > 0 ? 42 : 0)"
                )
                .replace(
                    "{ return PyModule_Create(&module); }",
                    "{ import_array(); return PyModule_Create(&module); }",
                ),
            },
            main=USES_EXTENSION,
        ),
        package(
            pyproject('"meson-python", "numpy>=2", "cython"', "mesonpy", dependencies='"numpy>=2"'),
            "meson-python with numpy and Cython",
            {
                "src/small/_answer.pyx": "cimport numpy as cnp\ncnp.import_array()\ndef answer():\n    return cnp.PyArray_MultiplyIntList([6, 7], 2) if False else 42\n".replace(
                    "cnp.PyArray_MultiplyIntList([6, 7], 2) if False else ", ""
                ),
                "meson.build": text("""
                    project('small', 'c', 'cython', version: '1.0')
                    py = import('python').find_installation(pure: false)
                    np = dependency('numpy')
                    py.install_sources('src/small/__init__.py', subdir: 'small')
                    py.extension_module('_answer', 'src/small/_answer.pyx', dependencies: [np], install: true, subdir: 'small')
                    """),
            },
            main=USES_EXTENSION,
        ),
        package(
            pyproject('"meson-python"', "mesonpy", project=DYNAMIC),
            "meson-python, git describe",
            {
                "meson.build": text("""
                    project('small', 'c', version: run_command('version.sh', check: true).stdout().strip())
                    py = import('python').find_installation(pure: false)
                    py.install_sources('src/small/__init__.py', subdir: 'small')
                    """),
                "version.sh": "#!/bin/sh\ngit describe --tags\n",
            },
            tag="1.2.3",
        ),
        package(
            pyproject('"meson-python"', "mesonpy"),
            "meson-python with zlib",
            {
                "src/small/_answer.c": EXTENSION.replace(
                    "#include <Python.h>", "#include <Python.h>\n#include <zlib.h>"
                ).replace("PyLong_FromLong(42)", "PyLong_FromLong(zlibVersion()[0] == 49 ? 42 : 0)"),
                "meson.build": text("""
                    project('small', 'c', version: '1.0')
                    py = import('python').find_installation(pure: false)
                    py.install_sources('src/small/__init__.py', subdir: 'small')
                    py.extension_module('_answer', 'src/small/_answer.c', dependencies: [dependency('zlib')], install: true, subdir: 'small')
                    """),
            },
            main=USES_EXTENSION,
        ),
        package(
            pyproject('"setuptools>=77,<81", "scikit-build", "cmake", "ninja"', "setuptools.build_meta"),
            "scikit-build",
            {
                "setup.py": "from skbuild import setup\nsetup(packages=['small'], package_dir={'': 'src'}, cmake_install_dir='src/small')\n",
                "src/small/_answer.c": EXTENSION,
                "CMakeLists.txt": text("""
                    cmake_minimum_required(VERSION 3.20)
                    project(small LANGUAGES C)
                    find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
                    Python_add_library(_answer MODULE src/small/_answer.c WITH_SOABI)
                    install(TARGETS _answer DESTINATION .)
                    """),
            },
            main=USES_EXTENSION,
        ),
        package(
            pyproject(
                '"poetry-core>=2", "setuptools>=77"',
                "poetry.core.masonry.api",
                more='[tool.poetry]\npackages = [{include = "small", from = "src"}]\n[tool.poetry.build]\nscript = "build.py"\ngenerate-setup-file = false\n',
            ),
            "poetry-core with build.py",
            {
                "build.py": text("""
                    import shutil
                    from pathlib import Path
                    from setuptools import Distribution, Extension
                    from setuptools.command.build_ext import build_ext

                    distribution = Distribution({"name": "small", "ext_modules": [Extension("small._answer", ["src/small/_answer.c"])]})
                    command = build_ext(distribution)
                    command.ensure_finalized()
                    command.run()
                    for output in command.get_outputs():
                        shutil.copyfile(output, Path("src") / Path(output).relative_to(command.build_lib))
                    """),
                "src/small/_answer.c": EXTENSION,
            },
            main=USES_EXTENSION,
        ),
        package(
            pyproject(
                '"setuptools>=77", "cython>=3"',
                "setuptools.build_meta",
                more='[tool.setuptools]\next-modules = [{name = "small._answer", sources = ["src/small/_answer.pyx"]}]\n',
            ),
            "Cython, ext-modules in pyproject",
            {"src/small/_answer.pyx": "def answer():\n    cdef int x = 42\n    return x\n"},
            main=USES_EXTENSION,
        ),
        package(
            pyproject(
                '"hatchling", "hatch-cython"',
                more='[tool.hatch.build.targets.wheel.hooks.cython]\ndependencies = ["hatch-cython"]\n[tool.hatch.build.targets.wheel.hooks.cython.options]\nsrc = "small"\nincludes = []\ncompile_args = []\n[tool.hatch.build.targets.wheel]\npackages = ["src/small"]\n',
            ),
            "hatch-cython",
            {"src/small/_answer.pyx": "def answer():\n    cdef int x = 42\n    return x\n"},
            main=USES_EXTENSION,
        ),
        package(
            pyproject(
                '"pdm-backend", "setuptools>=77"',
                "pdm.backend",
                more="[tool.pdm.build]\nrun-setuptools = true\n",
            ),
            "pdm-backend with setuptools",
            {
                "pdm_build.py": "from setuptools import Extension\n\n\ndef pdm_build_update_setup_kwargs(context, kwargs):\n    kwargs.update(ext_modules=[Extension('small._answer', ['src/small/_answer.c'])])\n",
                "src/small/_answer.c": EXTENSION,
            },
            main=USES_EXTENSION,
        ),
        package(
            pyproject(
                '"whey"',
                "whey",
                project='version = "1.0"\ndescription = "x"',
                more='[tool.whey]\nsource-dir = "src"\n',
            ),
            "whey",
        ),
        package(
            pyproject(
                '"py-build-cmake>=0.4"',
                "py_build_cmake.build",
                project='version = "1.0"\ndescription = "x"',
                more='[tool.py-build-cmake.module]\ndirectory = "src"\n[tool.py-build-cmake.cmake]\nminimum_version = "3.20"\n',
            ),
            "py-build-cmake",
            {
                "src/small/_answer.c": EXTENSION,
                "CMakeLists.txt": text("""
                    cmake_minimum_required(VERSION 3.20)
                    project(small LANGUAGES C)
                    find_package(Python3 REQUIRED COMPONENTS Interpreter Development.Module)
                    Python3_add_library(_answer MODULE src/small/_answer.c WITH_SOABI)
                    install(TARGETS _answer DESTINATION small COMPONENT python_modules)
                    """),
            },
            main=USES_EXTENSION,
        ),
        package(
            pyproject(
                '"setuptools>=77", "cffi"',
                "setuptools.build_meta",
                dependencies='"cffi"',
                more='[tool.uvlock2nix.native.small]\nbuild-inputs = ["zlib"]\n',
            ),
            "cffi with zlib",
            {
                "setup.py": "from setuptools import setup\nsetup(cffi_modules=['build_ffi.py:ffi'])\n",
                "build_ffi.py": "from cffi import FFI\nffi = FFI()\nffi.cdef('const char *zlibVersion(void);')\n"
                "ffi.set_source('small._answer', '#include <zlib.h>', libraries=['z'])\n",
            },
            main="from small._answer import ffi, lib\n\n\ndef main() -> None:\n    print(ffi.string(lib.zlibVersion())[:1])\n",
        ),
        Subject(
            "maturin, a crate of the workspace",
            {
                "pyproject.toml": pyproject(
                    '"maturin>=1.7"', "maturin", scripts="", more='[tool.maturin]\nbindings = "bin"\n'
                ).replace("[project.scripts]\n\n", ""),
                "Cargo.toml": CARGO
                + '[dependencies]\nword = { path = "crates/word" }\n[workspace]\nmembers = ["crates/*"]\n',
                "Cargo.lock": CARGO_LOCK
                + 'dependencies = [\n "word",\n]\n\n[[package]]\nname = "word"\nversion = "1.0.0"\n',
                "src/main.rs": 'fn main() { println!("{}", word::word()); }\n',
                "crates/word/Cargo.toml": CARGO.replace('"small"', '"word"'),
                "crates/word/src/lib.rs": 'pub fn word() -> &\'static str { "word" }\n',
            },
        ),
        Subject(
            "maturin, vendored crates",
            {
                "pyproject.toml": pyproject(
                    '"maturin>=1.7"', "maturin", scripts="", more='[tool.maturin]\nbindings = "bin"\n'
                ).replace("[project.scripts]\n\n", ""),
                "Cargo.toml": CARGO
                + '[dependencies]\nword = { version = "1.0", registry-index = "file:///none" }\n',
                "Cargo.lock": CARGO_LOCK
                + 'dependencies = [\n "word",\n]\n\n[[package]]\nname = "word"\nversion = "1.0.0"\nsource = "registry+file:///none"\nchecksum = "'
                + "ab" * 32
                + '"\n',
                ".cargo/config.toml": '[source.none]\nregistry = "file:///none"\nreplace-with = "vendored-sources"\n[source.vendored-sources]\ndirectory = "vendor"\n',
                "src/main.rs": 'fn main() { println!("{}", word::word()); }\n',
                "vendor/word/Cargo.toml": CARGO.replace('"small"', '"word"'),
                "vendor/word/src/lib.rs": 'pub fn word() -> &\'static str { "word" }\n',
                "vendor/word/.cargo-checksum.json": '{"files":{},"package":"' + "ab" * 32 + '"}',
            },
        ),
        package(
            pyproject(
                '"uv_build>=0.8"',
                "uv_build",
                scripts='small = "acme.small:main"',
                more='[tool.uv.build-backend]\nmodule-name = "acme.small"\n',
            ),
            "uv_build, a namespace",
            {"src/acme/small/__init__.py": MAIN},
        ),
        package(
            pyproject(
                '"uv_build>=0.8"',
                "uv_build",
                scripts='small = "small:main"',
                more='[tool.uv.build-backend]\nmodule-name = ["small", "tiny"]\n[tool.uv.build-backend.data]\nscripts = "programs"\ndata = "data"\n',
            ),
            "uv_build, two modules and data",
            {
                "src/tiny/__init__.py": "",
                "programs/tiny-tool": "#!/usr/bin/env bash\necho tiny\n",
                "data/share/man/man1/small.1": ".TH small 1\n",
                "data/etc/small.conf": "x\n",
            },
        ),
        package(
            pyproject(
                *SETUPTOOLS,
                more='[tool.setuptools.data-files]\n"share/man/man1" = ["small.1"]\n"etc/small" = ["small.conf"]\n"share/applications" = ["small.desktop"]\n',
            ),
            "setuptools, data files",
            {
                "small.1": ".TH small 1\n",
                "small.conf": "x\n",
                "small.desktop": "[Desktop Entry]\nName=small\n",
            },
        ),
        package(
            pyproject(
                more='[tool.hatch.build.targets.wheel]\npackages = ["src/small"]\n[tool.hatch.build.targets.wheel.shared-data]\n"small.1" = "share/man/man1/small.1"\n"small.conf" = "etc/small.conf"\n[tool.hatch.build.targets.wheel.shared-scripts]\n"greet.py" = "greet"\n',
                scripts="",
            ),
            "hatch, shared data and scripts",
            {
                "small.1": ".TH small 1\n",
                "small.conf": "x\n",
                "greet.py": "#!/usr/bin/env python3\nimport small\nsmall.main()\n",
            },
        ),
        package(
            pyproject(
                more='[tool.hatch.build.targets.wheel]\npackages = ["src/small"]\n[tool.hatch.build.targets.wheel.force-include]\n"small.pth" = "small.pth"\n'
            ),
            ".pth file",
            {"small.pth": "import sys; sys.small_word = 'from a .pth file'\n"},
            main="import sys\n\n\ndef main() -> None:\n    print(sys.small_word)\n",
        ),
        package(
            pyproject(*SETUPTOOLS, scripts="", more='[tool.setuptools]\nscript-files = ["greet"]\n'),
            "a script run by awk",
            {"greet": '#!/usr/bin/env -S awk -f\nBEGIN { print "small from awk" }\n'},
            prints="small from awk\n",
        ),
    ]


def settings() -> list[Subject]:
    """Keys of ``[tool.uv]`` and shapes of projects."""
    namespace = {
        "pyproject.toml": pyproject(
            name="neighbour", scripts="", more='[tool.hatch.build.targets.wheel]\npackages = ["src/acme"]\n'
        ),
        "src/acme/neighbour/__init__.py": "WORD = 'neighbour'\n",
    }
    return [
        package(
            pyproject(
                scripts='small = "acme.small:main"',
                dependencies='"neighbour"',
                more='[tool.uv.sources]\nneighbour = { workspace = true }\n[tool.uv.workspace]\nmembers = ["libs/*"]\n[tool.hatch.build.targets.wheel]\npackages = ["src/acme"]\n',
            ),
            "a namespace of two distributions",
            {
                **below("libs/neighbour", namespace),
                "src/acme/small/__init__.py": USES_LIB.replace(
                    "import neighbour", "from acme import neighbour"
                ),
            },
        ),
        package(
            pyproject(
                more='[tool.uv]\ndefault-groups = ["shown"]\n[dependency-groups]\nshown = ["pygments"]\n'
            ),
            "a program of a dependency group",
            main="import subprocess\n\n\ndef main() -> None:\n    print(subprocess.check_output(['pygmentize', '-V'], text=True).split()[0])\n",
            arguments=("--group=shown",),
            uv=("--group=shown",),
        ),
        package(
            pyproject(
                more='[tool.uv.dependency-groups]\nnew = { requires-python = ">=3.12" }\n[dependency-groups]\nnew = ["iniconfig"]\nall = [{ include-group = "new" }, "pygments"]\n'
            ),
            "a group's requires-python",
            arguments=("--group=all",),
            uv=("--group=all",),
        ),
        package(
            pyproject(
                more='[project.optional-dependencies]\none = ["iniconfig==2.0.0"]\ntwo = ["iniconfig==2.1.0"]\n[tool.uv]\nconflicts = [[{ extra = "one" }, { extra = "two" }]]\n'
            ),
            "conflicting extras",
            arguments=("--extra=two",),
            uv=("--extra=two",),
        ),
        package(
            pyproject(
                more='[dependency-groups]\none = ["iniconfig==2.0.0"]\ntwo = ["iniconfig==2.1.0"]\n[tool.uv]\nconflicts = [[{ group = "one" }, { group = "two" }]]\n'
            ),
            "conflicting groups",
            arguments=("--group=one",),
            uv=("--group=one",),
        ),
        package(
            pyproject(
                dependencies='"markupsafe", "docopt==0.6.2", "iniconfig"',
                more='[tool.uv]\nno-binary-package = ["markupsafe", "iniconfig"]\nno-build-package = ["pygments"]\n',
            ),
            "no-binary-package",
        ),
        package(
            pyproject(
                dependencies='"flask"',
                more='[tool.uv]\noverride-dependencies = ["werkzeug==3.1.3", "markupsafe>=3"]\nexclude-dependencies = ["blinker"]\nconstraint-dependencies = ["click<8.2"]\n',
            ),
            "override, exclude, constraint",
            main="import importlib.metadata\n\n\ndef main() -> None:\n    print(importlib.metadata.version('werkzeug'))\n",
        ),
        package(
            pyproject(
                dependencies="\"iniconfig; python_full_version >= '3.11.3'\", \"pygments; python_full_version < '3.11.3'\""
            ),
            "cut at a patch release",
            arguments=(),
        ),
        Subject(
            "package = false",
            {
                "pyproject.toml": pyproject(
                    dependencies='"iniconfig"', scripts="", more="[tool.uv]\npackage = false\n"
                ),
                "main.py": "print(1)\n",
            },
        ),
        package(
            pyproject(
                dependencies='"iniconfig"',
                more="[tool.uv]\nenvironments = [\"sys_platform == 'linux'\"]\nrequired-environments = [\"sys_platform == 'linux' and platform_machine == 'x86_64'\"]\n",
            ),
            "environments",
        ),
        package(
            pyproject(
                dependencies='"small[more]"',
                more='[project.optional-dependencies]\nmore = ["iniconfig"]\nall = ["small[more]", "pygments"]\n',
            ).replace('dependencies = ["small[more]"]', 'dependencies = ["iniconfig"]'),
            "an extra of itself",
            arguments=("--extra=all",),
            uv=("--extra=all",),
        ),
        package(
            pyproject(
                *SETUPTOOLS,
                project='version = "1.0"\ndynamic = ["dependencies", "optional-dependencies"]',
                more='[tool.setuptools.dynamic]\ndependencies = { file = ["requirements.txt"] }\noptional-dependencies.more = { file = ["more.txt"] }\n',
            ).replace("dependencies = []\n", "", 1),
            "dynamic dependencies",
            {"requirements.txt": "iniconfig\n", "more.txt": "pygments\n"},
            arguments=("--extra=more",),
            uv=("--extra=more",),
        ),
        Subject(
            "a member with a path source of its own",
            {
                "pyproject.toml": pyproject(
                    dependencies='"middle"',
                    more='[tool.uv.sources]\nmiddle = { workspace = true }\n[tool.uv.workspace]\nmembers = ["packages/*"]\n',
                ),
                "src/small/__init__.py": USES_LIB.replace("import neighbour", "from middle import neighbour"),
                "packages/middle/pyproject.toml": pyproject(
                    name="middle",
                    scripts="",
                    dependencies='"neighbour"',
                    more='[tool.uv.sources]\nneighbour = { path = "vendor/neighbour", editable = true }\n',
                ),
                "packages/middle/src/middle/__init__.py": "import neighbour\n",
                **below("packages/middle/vendor/neighbour", LIB),
            },
        ),
        Subject(
            "editable dependency outside, in the repository",
            {
                **below(
                    "own",
                    {
                        "pyproject.toml": pyproject(
                            dependencies='"neighbour"',
                            more='[tool.uv.sources]\nneighbour = { path = "../neighbour", editable = true }\n',
                        ),
                        "src/small/__init__.py": USES_LIB,
                    },
                ),
                **below("neighbour", LIB),
            },
            project="own",
            tag="v1",
            refused="outside",
        ),
        package(
            pyproject(
                scripts='small = "small:main"\n"a b" = "small:main"\n"größe" = "small:main"\n"$(id)" = "small:main"\n"it\'s" = "small:main"\n"-x" = "small:main"'
            ),
            "odder program names",
        ),
        Subject(
            "scripts of one folder, the second",
            {
                "other.py": '# /// script\n# requires-python = ">=3.11"\n# dependencies = ["iniconfig"]\n# ///\nprint(1)\n',
                "tool.v2.py": '#!/usr/bin/env -S uv run --script\n# /// script\n# requires-python = ">=3.11"\n# dependencies = ["humanize"]\n# ///\nimport humanize\nprint(humanize.intword(1000000))\n',
            },
            script="tool.v2.py",
        ),
        Subject(
            "a virtual workspace with groups",
            {
                "pyproject.toml": '[tool.uv.workspace]\nmembers = ["apps/*"]\n[dependency-groups]\nshown = ["iniconfig"]\n[tool.uv]\ndefault-groups = ["shown"]\n',
                "apps/small/pyproject.toml": pyproject(dependencies='"pygments"'),
                "apps/small/src/small/__init__.py": MAIN,
            },
            arguments=("--all-packages", "--group=shown"),
            uv=("--all-packages", "--group=shown"),
        ),
        package(
            pyproject(
                *SETUPTOOLS,
                project='version = "1.0"\nlicense = "MIT"\nlicense-files = ["LICENSES/*"]\nreadme = "README.md"',
            ),
            "licence files and readme",
            {"LICENSES/MIT.txt": "MIT\n", "README.md": "# x\n"},
        ),
        package(
            pyproject(*SETUPTOOLS, more="[tool.setuptools]\ninclude-package-data = true\n"),
            "package data by MANIFEST.in",
            {
                "MANIFEST.in": "recursive-include src/small/data *.txt\n",
                "src/small/data/.hidden.txt": "x",
                "src/small/data/build/word.txt": "word in build\n",
                "src/small/data/env/word.txt": "e\n",
                "src/small/data/result/key.txt": "k\n",
            },
            main="from importlib.resources import files\n\n\ndef main() -> None:\n    print(sorted(str(one.name) for one in files('small').joinpath('data').iterdir()))\n",
        ),
        package(
            pyproject(
                '"setuptools>=77"', "setuptools.build_meta", project='version = "1!2.0rc1.post3+local.4"'
            ),
            "a long version",
        ),
        package(
            pyproject(
                name="Small_.Odd",
                scripts='small = "small:main"',
                more='[tool.hatch.build.targets.wheel]\npackages = ["src/small"]\n',
            ),
            "a name that is not normal",
            main=MAIN.replace('version("small")', 'version("small-odd")'),
        ),
    ]


FURTHER: Final = (*versions_written(), *less_usual(), *settings())
