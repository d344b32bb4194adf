"""Mode `files`: each wheel in a store path of its own, joined by links."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.packages import Content, make_wheel, record_faults
from tests.unit.venv.test_venv_environment import PYTHON, SITE, TAG, VERSION, said
from uvlock2nix.build.programs import Runner
from uvlock2nix.dist.installed import installed
from uvlock2nix.dist.interpreter import write_interpreter
from uvlock2nix.errors import InputError, RefsError, ToolError
from uvlock2nix.layout import MANIFEST
from uvlock2nix.sync.install import decide_collisions
from uvlock2nix.sync.manifest import read_manifest
from uvlock2nix.sync.normalise import normalise
from uvlock2nix.venv.copying import copy_links
from uvlock2nix.venv.environment import finish_environment
from uvlock2nix.venv.join import join
from uvlock2nix.venv.making import Making
from uvlock2nix.venv.own_manifest import write
from uvlock2nix.venv.siblings import satisfy
from uvlock2nix.venv.single import Place, install_wheel, settle
from uvlock2nix.venv.wants import Want, wants_of

UV = Path(sys.executable).with_name("uv")


class Shop:
    """Makes wheels and installs each into a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wheels: dict[str, Path] = {}

    def place(self, name: str) -> Place:
        work = self.folder / "work" / name
        work.mkdir(parents=True)
        return Place(Runner(quiet=True), str(UV), PYTHON, VERSION, work, {"PATH": "/usr/bin:/bin"})

    def install(
        self, name: str, files: Mapping[str, Content], points: str = "", tag: str = "py3-none-any"
    ) -> Path:
        """A store path with one package, its name in front as in the store."""
        if points:
            points = f"[console_scripts]\n{points}\n"
        wheel = make_wheel(self.folder / "wheels", name, files, entry_points=points, tag=tag)
        self.wheels[name] = wheel
        stored = self.folder / f"hash-{wheel.name}"
        shutil.copyfile(wheel, stored)
        out = self.folder / "store" / name
        install_wheel(stored, wheel.name, out, self.place(name), {})
        return out

    def settled(self, out: Path, libraries: Sequence[str] = ()) -> tuple[Want, ...]:
        return settle(
            out, python=PYTHON, libraries=libraries, ignore=(), dlopen={}, interpreter=None, cores=1
        )


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def joined(shop: Shop, *packages: Path, keep: Mapping[str, str] | None = None) -> Path:
    root = shop.folder / "env"
    decided = join(packages, root, VERSION, keep or {}, system="x86_64-linux")
    satisfy(packages, root, VERSION, libraries=(), ignore=(), interpreter=None)
    finish_environment(root, Making(PYTHON), build_to=None, linked=True)
    assert all(str(one) for one in decided)
    return root


def two(shop: Shop) -> tuple[Path, Path]:
    """Packages with a shared namespace, launchers, a script and data."""
    one = shop.install(
        "one",
        {
            "one/__init__.py": "def f(): print('one')\n",
            "ns/a.py": "x = 1\n",
            "same.py": "same = 1\n",
            "one-1.0.data/data/share/one.txt": "data",
            "one-1.0.data/scripts/one-script": "#!python\nimport one\none.f()\n",
        },
        "run-one = one:f",
    )
    two = shop.install("two", {"two.py": "import ns.a\n", "ns/b.py": "y = 1\n", "same.py": "same = 1\n"})
    for out in (one, two):
        assert shop.settled(out) == ()
    return one, two


def test_packages_are_joined_by_links(shop: Shop) -> None:
    one, second = two(shop)
    env = joined(shop, one, second)
    site = env / SITE
    assert (site / "one").readlink() == one / SITE / "one"
    assert (site / "two.py").is_symlink()
    assert not (site / "ns").is_symlink()
    assert (site / "ns" / "b.py").readlink() == second / SITE / "ns" / "b.py"
    assert (site / "ns" / "__pycache__" / f"a.{TAG}.pyc").exists()
    assert (site / "ns" / "__pycache__" / f"b.{TAG}.pyc").exists()
    assert (env / "share" / "one.txt").read_text() == "data"
    assert said(env / "bin" / "run-one") == "one\n"
    assert said(env / "bin" / "one-script") == "one\n"
    # Only what has programs has a RECORD of its own.
    assert not (site / "one-1.0.dist-info" / "RECORD").is_symlink()
    assert (site / "two-1.0.dist-info").is_symlink()
    assert [fault for fault in record_faults(site) if "__pycache__" not in fault] == []
    assert [entry.path for one in installed(site) for entry in one.entries if "bin/" in entry.path] == [
        "../../../bin/one-script",
        "../../../bin/run-one",
    ]


def test_compiled_programs_are_links(shop: Shop) -> None:
    """A change elsewhere does not carry them again; one that starts Python needs this environment's path."""
    data = "tools-1.0.data/scripts"
    files: dict[str, Content] = {
        f"{data}/linter": b"\x7fELF" + b"\0" * 60,
        f"{data}/server": b"\x7fELF Py_BytesMain" + b"\0" * 60,
        f"{data}/shell": "#!/bin/sh\n",
    }
    tools = shop.install("tools", files)
    env = joined(shop, tools)
    links = {path.name for path in (env / "bin").iterdir() if path.is_symlink()}
    assert {"linter", "server", "shell"} & links == {"linter"}
    assert (env / "bin" / "linter").resolve().is_relative_to(tools)
    assert [fault for fault in record_faults(env / SITE) if "__pycache__" not in fault] == []


def copied(shop: Shop) -> Path:
    """The same packages as mode `sync` has them: one tree."""
    root = shop.folder / "sync"
    python = write_interpreter(root, PYTHON, VERSION)
    (root / SITE).mkdir(parents=True)
    argv: list[str | Path] = [UV, "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*argv, "--python", python, *shop.wheels.values()], check=True, capture_output=True)
    normalise(root, root / SITE)
    write(root, {"python": VERSION})
    finish_environment(root, Making(PYTHON), build_to=None)
    return root


def seen(root: Path) -> list[Path]:
    """Every file, links followed."""
    return [Path(folder) / name for folder, _, names in os.walk(root, followlinks=True) for name in names]


def contents(root: Path) -> dict[str, tuple[bytes, bool]]:
    """Every file as one sees it, links followed; bytecode and the manifest name their own place."""
    found = {}
    for path in seen(root):
        place = path.relative_to(root).as_posix()
        if "__pycache__" not in place and place != MANIFEST:
            data = path.read_bytes().replace(bytes(root), b"/root")
            found[place] = (data, bool(path.stat().st_mode & 0o100))
    return found


def test_what_one_sees_is_what_mode_sync_has(shop: Shop) -> None:
    env, sync = joined(shop, *two(shop)), copied(shop)
    mine, theirs = contents(env), contents(sync)
    # RECORD has the hash of launchers, which name their environment.
    for place in [place for place in mine if place.endswith("RECORD")]:
        mine.pop(place)
        theirs.pop(place)
    assert mine == theirs
    compiled = [{path.relative_to(root) for path in seen(root)} for root in (env, sync)]
    assert compiled[0] == compiled[1]


def test_one_tree_instead_of_links(shop: Shop) -> None:
    """Nothing leads to the packages' own places any more."""
    packages = two(shop)
    root = shop.folder / "env"
    join(packages, root, VERSION, {}, system="x86_64-linux")
    copy_links(root)
    finish_environment(root, Making(PYTHON), build_to=None)
    links = [path for path in root.rglob("*") if path.is_symlink() and shop.folder in path.resolve().parents]
    assert links == []
    sync = copied(shop)
    mine, theirs = contents(root), contents(sync)
    assert {place for place in mine if mine[place] != theirs.get(place)} <= {
        place for place in mine if place.endswith("RECORD")
    }
    assert mine.keys() == theirs.keys()
    assert record_faults(root / SITE) == record_faults(sync / SITE)
    store = bytes(shop.folder / "store")
    assert [path for path in seen(root) if store in path.read_bytes()] == []


def clashing(shop: Shop) -> list[Path]:
    packages = []
    for name in ("aaa", "bbb"):
        files = {"shared/m.py": f"who = '{name}'\n", f"{name}.py": f"def f(): print('{name}')\n"}
        packages.append(shop.install(name, files, f"tool = {name}:f"))
        shop.settled(packages[-1])
    return packages


WHO = "import shared.m, sys; print(shared.m.who)"


@pytest.mark.parametrize(
    ("keep", "who", "tool"),
    [({}, "bbb", "bbb"), ({"shared": "aaa", "bin/tool": "AAA"}, "aaa", "aaa")],
)
def test_collisions(shop: Shop, keep: dict[str, str], who: str, tool: str) -> None:
    """The last one wins, or what the user says; bytecode goes with its source, RECORDs are right."""
    env = joined(shop, *clashing(shop), keep=keep)
    assert said(env / "bin" / "tool") == f"{tool}\n"
    ran = subprocess.run([env / "bin" / "python", "-c", WHO], capture_output=True, text=True, check=True)
    assert ran.stdout == f"{who}\n"
    pyc = env / SITE / "shared" / "__pycache__" / f"m.{TAG}.pyc"
    assert pyc.resolve().is_relative_to(shop.folder / "store" / who)
    assert [fault for fault in record_faults(env / SITE) if "__pycache__" not in fault] == []
    collided = read_manifest(env)["collisions"]
    assert collided == [
        {"path": "../../../bin/tool", "packages": ["aaa", "bbb"], "kept": tool},
        {"path": "shared/m.py", "packages": ["aaa", "bbb"], "kept": who},
    ]


def test_the_same_choice_as_in_mode_sync(shop: Shop) -> None:
    """Both modes decide one collision in one way."""
    packages = clashing(shop)
    env = joined(shop, *packages, keep={"shared": "aaa"})
    sites = {path.name: path / SITE for path in packages}
    target = shop.folder / "tree" / SITE
    shutil.copytree(packages[1] / SITE, target)
    from uvlock2nix.dist.installed import collisions

    everyone = [one for path in packages for one in installed(path / SITE)]
    decide_collisions(collisions(everyone), target, ["aaa", "bbb"], {"shared": "aaa"}, sites.__getitem__)
    assert (target / "shared" / "m.py").read_text() == (env / SITE / "shared" / "m.py").read_text()


def test_a_choice_that_cannot_be(shop: Shop) -> None:
    with pytest.raises(InputError, match=r"`ccc` does not ship shared/m\.py") as caught:
        joined(shop, *clashing(shop), keep={"shared": "ccc"})
    assert caught.value.hint == "the packages that do: aaa, bbb"


def test_a_package_twice(shop: Shop) -> None:
    out = shop.install("one", {"one.py": ""})
    with pytest.raises(InputError, match="one occurs twice"):
        join([out, out], shop.folder / "env", VERSION, {}, system="x86_64-linux")


@pytest.mark.parametrize("folder_first", [True, False])
def test_a_file_and_a_folder(shop: Shop, folder_first: bool) -> None:
    paths = ("ns/a/b", "ns/a") if folder_first else ("ns/a", "ns/a/b")
    packages = [shop.install(name, {path: "x"}) for name, path in zip(("one", "two"), paths, strict=True)]
    with pytest.raises(InputError, match=r"ns/a is a (file|folder) in two and a"):
        join(packages, shop.folder / "env", VERSION, {}, system="x86_64-linux")


def test_not_a_wheel(shop: Shop) -> None:
    bad = shop.folder / "bad-1.0-py3-none-any.whl"
    bad.write_text("no zip")
    with pytest.raises(ToolError, match="installing bad"):
        install_wheel(bad, bad.name, shop.folder / "out", shop.place("bad"), {})


def library(folder: Path, name: str, source: str, *flags: str) -> bytes:
    """A shared library, made by the compiler."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "x.c").write_text(source)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", name, "x.c", *flags], cwd=folder, check=True)
    return (folder / name).read_bytes()


def siblings(shop: Shop, *flags: str) -> tuple[Path, Path]:
    """`user` has a library in a folder of its own that needs one of `maker`, as torch needs nvidia-cublas."""
    base = shop.folder / "cc"
    made = library(base, "libmaker.so", "int made(void) { return 42; }\n", "-Wl,-soname,libmaker.so")
    used = library(
        base, "libuser.so", "int made(void); int used(void) { return made(); }\n", "-L.", "-lmaker", *flags
    )
    maker = shop.install("maker", {"vendor/maker/lib/libmaker.so": made})
    code = (
        "import ctypes, os\nlib = ctypes.CDLL(os.path.join(os.path.dirname(__file__), 'lib', 'libuser.so'))\n"
    )
    user = shop.install("user", {"user/__init__.py": code, "user/lib/libuser.so": used})
    assert shop.settled(maker) == ()
    assert shop.settled(user) == (Want(f"{SITE}/user/lib/libuser.so", "libmaker.so"),)
    assert wants_of(user) == (Want(f"{SITE}/user/lib/libuser.so", "libmaker.so"),)
    return maker, user


USED = "import user; print(user.lib.used())"


def test_a_sibling_that_the_wheel_names(shop: Shop) -> None:
    """Through links: the file is not a copy, and finds its sibling relative to where it is opened."""
    env = joined(shop, *siblings(shop, "-Wl,-rpath,$ORIGIN/../../vendor/maker/lib"))
    file = env / SITE / "user" / "lib" / "libuser.so"
    assert file.is_symlink()
    assert not file.parent.is_symlink()
    done = subprocess.run([env / "bin" / "python", "-c", USED], capture_output=True, text=True, check=True)
    assert done.stdout == "42\n"


def test_a_sibling_that_the_wheel_does_not_name(shop: Shop) -> None:
    """Then the file is a copy with a search path, and RECORD knows it."""
    env = joined(shop, *siblings(shop))
    file = env / SITE / "user" / "lib" / "libuser.so"
    assert not file.is_symlink()
    done = subprocess.run([env / "bin" / "python", "-c", USED], capture_output=True, text=True, check=True)
    assert done.stdout == "42\n"
    assert [fault for fault in record_faults(env / SITE) if "__pycache__" not in fault] == []


def test_a_library_that_nobody_has(shop: Shop) -> None:
    _, user = siblings(shop)
    with pytest.raises(RefsError, match=r"libmaker\.so"):
        joined(shop, user)
    root = shop.folder / "other"
    join([user], root, VERSION, {}, system="x86_64-linux")
    assert satisfy([user], root, VERSION, libraries=(), ignore=("libmaker.*",), interpreter=None) == ()


def test_a_library_from_a_folder(shop: Shop) -> None:
    """Given to the package itself, nothing is left to siblings."""
    _, user = siblings(shop)
    folder = shop.folder / "store" / "maker" / SITE / "vendor" / "maker" / "lib"
    assert shop.settled(user, [str(folder)]) == ()
    assert wants_of(user) == ()
