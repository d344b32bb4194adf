"""``generate`` reads wheels for the libraries that they need from outside, and remembers what it read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.packages import Index, make_wheel, served
from tests.support.refs import make_elf
from uvlock2nix.cli.app import cli

TAG = "cp313-cp313-manylinux_2_17_x86_64"
HEAD = """\
version = 1
revision = 3
requires-python = ">=3.13"

[[package]]
name = "app"
version = "1"
source = { virtual = "." }
dependencies = [DEPENDENCIES]
"""
PACKAGE = """
[[package]]
name = "NAME"
version = "1.0"
source = { registry = "URL/simple" }
wheels = [{ url = "URL/files/FILE", hash = "sha256:DIGEST", size = SIZE }]
"""


@pytest.fixture
def wheels(tmp_path: Path) -> dict[str, Path]:
    """``gui`` needs the system's and its sibling's, ``odd`` an unknown library, ``plain`` only libc."""
    needs = {
        "gui": [b"libX11.so.6", b"libsibling.so.1", b"libc.so.6", b"libz.so.1"],
        "sibling": [b"libm.so.6"],
        "odd": [b"libnobody.so.3", b"libcuda.so.1"],
        "plain": [b"libc.so.6"],
    }
    made = {}
    for name, needed in needs.items():
        file = "sibling.libs/libsibling.so.1" if name == "sibling" else f"{name}/_{name}.so"
        made[name] = make_wheel(tmp_path / "files", name, {file: make_elf(needed=needed)}, tag=TAG)
    return made


def project(folder: Path, index: Index, wheels: dict[str, Path], more: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    listed = ", ".join(f'{{ name = "{name}" }}' for name in wheels)
    lock = HEAD.replace("DEPENDENCIES", listed)
    for name, file in wheels.items():
        data = file.read_bytes()
        entry = PACKAGE.replace("NAME", name).replace("URL", index.root).replace("FILE", file.name)
        lock += entry.replace("DIGEST", hashlib.sha256(data).hexdigest()).replace("SIZE", str(len(data)))
    (folder / "uv.lock").write_text(lock)
    names = ", ".join(f'"{name}"' for name in wheels)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.13"\n'
        f"dependencies = [{names}]\n{more}"
    )
    return folder


def generate(
    place: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str, cache: str = "cache", code: int = 0
) -> Result:
    monkeypatch.setenv("XDG_CACHE_HOME", str(place.parent / cache))
    command = ["generate", str(place), "--system", "x86_64-linux", "--python", "3.13", *arguments]
    done = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


def files(place: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (place / "nix").iterdir()}


def pinned(place: Path) -> dict[str, object]:
    value: dict[str, object] = json.loads(files(place)["python-deps.json"])["wheels"]["x86_64-linux"]
    return value


def test_what_is_needed_is_offered_reported_and_remembered(
    tmp_path: Path, wheels: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path / "files") as index:
        place = project(tmp_path / "app", index, wheels)
        done = generate(place, monkeypatch)
    assert "libx11 # gui" in files(place)["python-env.nix"]
    assert "libraries from nixpkgs for wheels: gui: libx11" in done.stderr
    # What the driver brings need not be found; libz and libc are there in any case.
    assert pinned(place)["needs"] == {"gui": ["libX11.so.6"], "odd": ["libcuda.so.1", "libnobody.so.3"]}
    assert "unread" not in pinned(place)
    assert "odd: its files need libnobody.so.3" in done.stderr
    assert "[tool.uvlock2nix.native.odd]" in done.stderr
    before = files(place)
    # Without network, and without a cache, everybody gets the same.
    again = generate(place, monkeypatch, cache="empty")
    assert "all files are up to date" in again.stdout
    assert "not read" not in again.stderr
    assert files(place) == before
    generate(place, monkeypatch, "--check", cache="empty")


def test_without_network_it_says_so_and_reads_later(
    tmp_path: Path, wheels: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path / "files") as index:
        place = project(tmp_path / "app", index, wheels)
        port = index.port
    done = generate(place, monkeypatch)
    assert "wheels that were not read completely" in done.stderr
    assert "gui, odd, plain, sibling" in done.stderr
    assert "libx11" not in files(place)["python-env.nix"]
    with served(tmp_path / "files") as index:
        lock = place / "uv.lock"
        lock.write_text(lock.read_text().replace(f":{port}/", f":{index.port}/"))
        later = generate(place, monkeypatch)
    assert "not read" not in later.stderr
    assert "libx11 # gui" in files(place)["python-env.nix"]


def test_what_the_user_says_beats_what_was_read(
    tmp_path: Path, wheels: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    more = (
        '[tool.uvlock2nix]\nignore-missing-libraries = ["libnobody*"]\n'
        '[tool.uvlock2nix.native.gui]\nwheel-runtime-libs = ["libx11-of-mine"]\n'
    )
    with served(tmp_path / "files") as index:
        place = project(tmp_path / "app", index, wheels, more)
        done = generate(place, monkeypatch)
    env = files(place)["python-env.nix"]
    assert "libx11-of-mine # gui" in env
    assert "libx11 # gui" not in env
    assert '"libnobody*"' in env
    assert "libnobody.so.3" not in done.stderr


def test_pins_that_do_not_fit_are_an_error_that_names_the_place(
    tmp_path: Path, wheels: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path / "files") as index:
        place = project(tmp_path / "app", index, wheels)
        generate(place, monkeypatch)
    pins = place / "nix" / "python-deps.json"
    value = json.loads(pins.read_text())
    value["wheels"]["x86_64-linux"]["needs"] = {"gui": ["../../evil"]}
    pins.write_text(json.dumps(value))
    with pytest.raises(Exception, match=r"wheels\.x86_64-linux"):
        generate(place, monkeypatch)


def test_programs_that_run_scripts_come_from_nixpkgs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = {
        "tool-1.0.data/scripts/cli": "#!/usr/bin/env node\n1\n",
        "tool-1.0.data/scripts/odd": "#!/opt/nobody/knows -x\n",
    }
    wheels = {"tool": make_wheel(tmp_path / "files", "tool", scripts, tag=TAG)}
    with served(tmp_path / "files") as index:
        place = project(tmp_path / "app", index, wheels)
        done = generate(place, monkeypatch)
    assert "nodejs # tool" in files(place)["python-env.nix"]
    assert "programs from nixpkgs that run scripts: nodejs (tool)" in done.stderr
    assert "tool: scripts are run by knows, which is in no table" in done.stderr
    assert pinned(place)["programs"] == {"tool": ["knows", "node"]}
    generate(place, monkeypatch, "--check", cache="empty")
    followed(place, done.stderr, 'dlopen = ["knows"]', "tool")
    done = generate(place, monkeypatch)
    assert "knows # tool" in files(place)["python-env.nix"]
    assert "in no table" not in done.stderr


def followed(place: Path, said: str, line: str, name: str) -> None:
    """Do what a note says about a program that no table has."""
    section = f"[tool.uvlock2nix.native.{name}]"
    assert f"which is in no table: set {line}, or whatever attribute has it, under {section}\n" in said
    with (place / "pyproject.toml").open("a") as file:
        file.write(f"{section}\n{line}\n")


def test_programs_that_run_scripts_of_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "app"
    (place / "bin").mkdir(parents=True)
    (place / "uv.lock").write_text(HEAD.replace("DEPENDENCIES", "").replace("virtual", "editable"))
    (place / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.13"\n'
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[tool.setuptools]\nscript-files = ["bin/cli"]\n'
    )
    (place / "bin/cli").write_text("#!/usr/bin/env node\n")
    (place / "bin/cli").chmod(0o755)
    done = generate(place, monkeypatch)
    assert "nodejs # app" in files(place)["package.nix"]
    assert "programs from nixpkgs that run scripts: nodejs (app)" in done.stderr
    assert "nodejs" not in files(place)["python-env.nix"]
    (place / "bin/cli").write_text("#!/usr/bin/env knows\n")
    done = generate(place, monkeypatch)
    followed(place, done.stderr, 'build-inputs = ["knows"]', "app")
    done = generate(place, monkeypatch)
    assert "knows # app" in files(place)["package.nix"]
    assert "in no table" not in done.stderr
