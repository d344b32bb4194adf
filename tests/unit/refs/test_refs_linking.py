"""A tree of links into deps: a package in which nothing changes is links, every other one is a copy."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.refs import make_elf, record_line, store_path
from uvlock2nix.refs.needs import RestoreOptions
from uvlock2nix.refs.restore import Recorded, restore
from uvlock2nix.refs.strip import strip
from uvlock2nix.refs.stripped import MANIFEST_PLACE

XML = store_path("libxml2-2.13.8")
OUT = store_path("demo-deps-1")
LONGER = store_path("libxml2-2.14.10", "2")
SITE = "lib/python3.13/site-packages"
# What ext4 keeps in the inode.
SHORT = 59


def at(path: str) -> bytes:
    return f"/nix/store/{path}".encode()


def package(deps: Path, name: str, files: Mapping[str, bytes], *, unlisted: Mapping[str, bytes] = {}) -> None:
    """Install a package with the given files, relative to site-packages."""
    info = f"{name}-1.0.dist-info"
    listed = {f"{info}/METADATA": f"Name: {name}\n".encode(), **files}
    for path, content in {**listed, **unlisted}.items():
        target = Path(os.path.normpath(deps / SITE / path))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    lines = [*(record_line(path, content) for path, content in listed.items()), f"{info}/RECORD,,\n"]
    (deps / SITE / info / "RECORD").write_text("".join(lines))


@pytest.fixture
def deps(tmp_path: Path) -> Path:
    return tmp_path / "deps"


def linked(deps: Path) -> Path:
    """Strip ``deps``, and make a tree of links from it, for a newer libxml2."""
    inputs = {"out": at(OUT.base).decode(), "libxml2": at(XML.base).decode()}
    strip(deps, store_paths=[XML, OUT], inputs=inputs, manifest=deps / MANIFEST_PLACE)
    env = deps.with_name("env")
    current = {"out": f"/nix/store/{OUT.base}", "libxml2": f"/nix/store/{LONGER.base}"}
    recorded = Recorded(current, deps / MANIFEST_PLACE)
    restore(env, recorded, RestoreOptions(libraries=False), source=deps, link=True)
    return env


def test_a_package_without_changes_is_links(deps: Path) -> None:
    package(
        deps,
        "pure",
        {
            "pure/__init__.py": b"x = 1\n",
            "pure/sub/__init__.py": b"",
            "pure/data/deep/a.txt": b"a",
            "pure/data/b.txt": b"b",
            "pure/py.typed": b"",
            "pure_single.py": b"",
            "../../../share/pure/c.txt": b"c",
            "../../../share/man/man1/pure.1": b"",
        },
    )
    package(deps, "other", {"other.py": b"", "../../../share/man/man1/other.1": b"", "both/x.txt": b""})
    package(deps, "more", {"both/x.txt": b""})
    env = linked(deps)
    site = env / SITE
    for module in ("pure/__init__.py", "pure/sub/__init__.py", "pure/py.typed", "pure_single.py"):
        assert (site / module).resolve() == deps / SITE / module
        assert len(os.readlink(site / module)) <= SHORT  # noqa: PTH115
    # Python writes bytecode into folders with modules: those are real.
    assert not any((site / folder).is_symlink() for folder in ("", "pure", "pure/sub"))
    assert (site / "pure" / "data").is_symlink()
    assert (site / "pure" / "data" / "deep" / "a.txt").read_bytes() == b"a"
    # Two packages have files in share/man.
    assert (env / "share" / "pure").readlink() == deps / "share" / "pure"
    assert not (env / "share" / "man" / "man1").is_symlink()
    assert (env / "share" / "man" / "man1" / "other.1").is_symlink()
    assert not (site / "both").is_symlink()
    assert (site / "both" / "x.txt").is_symlink()
    info = site / "pure-1.0.dist-info"
    assert not any(path.is_symlink() for path in (info, *info.iterdir()))
    assert not (env / MANIFEST_PLACE).is_symlink()


def test_a_package_with_a_change_is_copied_as_a_whole(deps: Path) -> None:
    package(
        deps, "changed", {"changed/__init__.py": b"", "changed/d/x.txt": at(XML.base), "c_single.py": b""}
    )
    # They share folders with it, or with one that does.
    package(deps, "ns_one", {"ns/one.py": b"", "ns/y.txt": at(XML.base)})
    package(deps, "ns_two", {"ns/two.py": b"", "third/two.py": b""})
    package(deps, "third", {"third/three.py": b"", "../../../share/third": b""})
    package(deps, "kept", {"kept/__init__.py": b""})
    for path in deps.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)  # as in the store
    env = linked(deps)
    assert (env / SITE / "changed" / "d" / "x.txt").read_bytes() == at(LONGER.base)
    # The next step corrects them.
    assert all(path.stat().st_mode & 0o200 for path in env.rglob("*") if not path.is_symlink())
    links = {path.relative_to(env).as_posix() for path in env.rglob("*") if path.is_symlink()}
    assert links == {"lib/python3.13/.deps", f"{SITE}/kept/__init__.py"}


def test_a_script_that_gets_an_interpreter_is_a_change(deps: Path) -> None:
    package(deps, "bash", {"bash/__init__.py": b"", "bash/run.sh": b"#!/bin/bash\n"})
    package(deps, "sh", {"sh/__init__.py": b"", "sh/run.sh": b"#!/bin/sh\n"})
    for name in ("bash", "sh"):
        (deps / SITE / name / "run.sh").chmod(0o755)
    env = linked(deps)
    assert not (env / SITE / "bash" / "__init__.py").is_symlink()
    assert (env / SITE / "sh" / "__init__.py").is_symlink()
    assert os.access(env / SITE / "sh" / "run.sh", os.X_OK)


def test_files_of_no_package(deps: Path) -> None:
    package(deps, "pure", {"pure/__init__.py": b""}, unlisted={"pure/more/left.txt": b"", "alone.pth": b""})
    package(deps, "changed", {"changed/x.txt": at(XML.base)}, unlisted={"changed/left.txt": b""})
    env = linked(deps)
    assert (env / SITE / "pure" / "more" / "left.txt").is_symlink()
    assert (env / SITE / "alone.pth").is_symlink()
    assert not (env / SITE / "changed" / "left.txt").is_symlink()


def test_a_folder_with_compiled_files_is_real(deps: Path) -> None:
    """The loader takes ``$ORIGIN/..`` from the path of the folder, wherever a link leads."""
    package(deps, "lib", {"lib/__init__.py": b"", "lib.libs/liba.so": make_elf(soname=b"liba.so")})
    env = linked(deps)
    assert not (env / SITE / "lib.libs").is_symlink()
    assert (env / SITE / "lib.libs" / "liba.so").is_symlink()


def test_equal_files_that_an_optimised_store_links(deps: Path) -> None:
    """Each path gets what its own reference asks for: hard links between packages mean nothing."""
    package(deps, "one", {"one/x.txt": at(XML.base)})
    package(deps, "two", {"two/__init__.py": b""})
    inputs = {"out": at(OUT.base).decode(), "libxml2": at(XML.base).decode()}
    strip(deps, store_paths=[XML, OUT], inputs=inputs, manifest=deps / MANIFEST_PLACE)
    stripped = (deps / SITE / "one" / "x.txt").read_bytes()
    os.link(deps / SITE / "one" / "x.txt", deps / SITE / "two" / "same.txt")
    env = deps.with_name("env")
    current = {"out": f"/nix/store/{OUT.base}", "libxml2": f"/nix/store/{LONGER.base}"}
    recorded = Recorded(current, deps / MANIFEST_PLACE)
    restore(env, recorded, RestoreOptions(libraries=False), source=deps)
    assert (env / SITE / "one" / "x.txt").read_bytes() == at(LONGER.base)
    assert (env / SITE / "two" / "same.txt").read_bytes() == stripped
