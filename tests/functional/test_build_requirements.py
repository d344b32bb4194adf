"""Build requirements are locked: which files, held back to which time, what makes them move. With real uv."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.packages import Index, make_sdist, make_wheel, served
from uvlock2nix.app.build_lock import BuildLock, locked_before, locked_now
from uvlock2nix.app.build_requirements import Classified
from uvlock2nix.build_pins import LockedBuild
from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.classify.packages import ClassifyPolicy, classify
from uvlock2nix.config import parse_config
from uvlock2nix.errors import InputError
from uvlock2nix.knowledge.user import parse_user_native
from uvlock2nix.lock import Project, Selection, load_project, resolve
from uvlock2nix.pins import Pins
from uvlock2nix.target import Target

LINUX = "x86_64-linux"
THIS = "3.13"  # which this machine need not have
BACKEND = '[build-system]\nrequires = ["tool"]\nbuild-backend = "flit_core.buildapi"\n'
SETUPTOOLS = '[build-system]\nrequires = ["tool"]\nbuild-backend = "setuptools.build_meta"\n'


@pytest.fixture
def uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        pytest.skip("needs uv")
    return found


@dataclass
class Place:
    """A project, an index that has all of its files, and the pins that were made so far."""

    root: Path
    index: Index
    uv: str
    notes: list[str] = field(default_factory=list)
    pins: Pins | None = None

    def wheel(self, name: str, version: str, uploaded: str, *requires: str) -> None:
        path = make_wheel(self.index.folder, name, {f"{name}.py": ""}, version=version, requires=requires)
        self.index.times[path.name] = uploaded

    def sdist(self, name: str, uploaded: str, version: str = "1.0", **files: str) -> None:
        named = {path.replace("__", "."): text for path, text in files.items()}
        path = make_sdist(self.index.folder, name, named, version=version)
        self.index.times[path.name] = uploaded

    def lock(self, *dependencies: str, more: str = "", own: str = "package = false") -> None:
        listed = ", ".join(f'"{one}"' for one in dependencies)
        text = (
            f'[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
            f"dependencies = [{listed}]\n"
            f'[tool.uv]\n{own}\n[[tool.uv.index]]\nname = "here"\nurl = "{self.index.url}"\ndefault = true\n'
        )
        for one in dependencies:
            name, _, version = one.partition("==")
            text += f'[[tool.uv.dependency-metadata]]\nname = "{name}"\nversion = "{version or "1.0"}"\n'
        self.root.mkdir(exist_ok=True)
        (self.root / "pyproject.toml").write_text(text + more)
        argv = [self.uv, "lock", "--quiet", "--python", sys.executable]
        done = subprocess.run(argv, cwd=self.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def _read(self, python: str, systems: tuple[str, ...]) -> tuple[Project, Classified]:
        project = load_project(self.root)
        knowledge = Knowledge(user=parse_user_native(parse_config(project.tool).native))
        policy = ClassifyPolicy(from_nixpkgs="none")
        targets = [Target.parse(system, python) for system in systems]
        found = [
            (one, classify(project, resolve(project, Selection(), one), one, knowledge, policy))
            for one in targets
        ]
        return project, found

    def generate(
        self, *, python: str = "3.13", systems: tuple[str, ...] = (LINUX,), upgrade: bool = False
    ) -> BuildLock:
        """Lock the build requirements, and keep them as pins for the next time."""
        project, classes = self._read(python, systems)
        config = parse_config(project.tool)
        found = locked_now(project, config, classes, self.pins, self.notes.append, upgrade=upgrade)
        self.pins = (self.pins or Pins("0" * 64))._replace(build=found.pins)
        return found

    def check(self, *, python: str = "3.13") -> tuple[str, ...]:
        project, classes = self._read(python, (LINUX,))
        return locked_before(
            project, parse_config(project.tool), classes, self.pins, self.notes.append
        ).outdated


@pytest.fixture
def place(tmp_path: Path, uv: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("UV_OFFLINE", raising=False)
    with served(tmp_path / "files") as index:
        yield Place(tmp_path / "project", index, uv)


def build(found: BuildLock, name: str, system: str = LINUX) -> LockedBuild:
    return found.pins.builds(system)[name]


def tools(place: Place) -> None:
    """A build backend of each year."""
    for year in (2022, 2023, 2024, 2025, 2026):
        place.wheel("tool", f"{year}.1", f"{year}-01-01T00:00:00Z")


def test_each_sdist_has_the_tools_of_its_own_time(place: Place) -> None:
    tools(place)
    place.sdist("old", "2024-12-01T00:00:00Z", pyproject__toml=BACKEND)
    place.sdist("young", "2025-06-01T00:00:00Z", pyproject__toml=BACKEND)
    place.lock("old", "young")
    found = place.generate()
    assert build(found, "old").files == ("tool-2024.1-py3-none-any.whl",)
    assert build(found, "old").time == "2024-12-01T00:00:00Z"
    assert build(found, "young").files == ("tool-2025.1-py3-none-any.whl",)
    (one, _) = found.pins.files
    assert (one.name, one.version, one.url) == (
        "tool", "2024.1", f"{place.index.root}/files/tool-2024.1-py3-none-any.whl",
    )  # fmt: skip
    assert place.notes == []


def test_never_tools_of_before_the_target_s_python(place: Place) -> None:
    tools(place)
    place.sdist("ancient", "2014-01-01T00:00:00Z", pyproject__toml=BACKEND)
    place.lock("ancient")
    assert build(place.generate(python="3.11"), "ancient").files == ("tool-2022.1-py3-none-any.whl",)
    assert build(place.generate(python="3.13"), "ancient").files == ("tool-2024.1-py3-none-any.whl",)


def test_where_nothing_fits_that_time_the_newest_is_taken_and_recorded(place: Place) -> None:
    tools(place)
    text = BACKEND.replace('"tool"]', '"tool>=2026"]')
    place.sdist("eager", "2025-01-01T00:00:00Z", pyproject__toml=text)
    place.lock("eager")
    found = build(place.generate(), "eager")
    assert found.files == ("tool-2026.1-py3-none-any.whl",)
    assert found.time > "2026-01-01"


def test_a_lock_without_times_keeps_what_was_resolved(place: Place) -> None:
    tools(place)
    place.sdist("timeless", "", pyproject__toml=BACKEND)
    place.lock("timeless")
    assert "upload-time" not in (place.root / "uv.lock").read_text()
    first = place.generate()
    assert build(first, "timeless").files == ("tool-2026.1-py3-none-any.whl",)
    place.wheel("tool", "2027.1", "2026-02-01T00:00:00Z")
    assert place.generate().pins == first.pins
    assert place.check() == ()
    again = place.generate(upgrade=True)
    assert build(again, "timeless").files == ("tool-2027.1-py3-none-any.whl",)


def test_another_package_never_moves_them(place: Place) -> None:
    tools(place)
    place.sdist("mine", "2024-12-01T00:00:00Z", pyproject__toml=BACKEND)
    place.wheel("other", "1.0", "2024-12-02T00:00:00Z")
    place.wheel("other", "2.0", "2026-09-01T00:00:00Z")
    place.lock("mine", "other==1.0")
    before = place.generate()
    place.lock("mine", "other==2.0")
    assert place.check() == ()
    place.pins = None
    after = place.generate()
    assert after.pins == before.pins


def test_another_version_of_the_sdist_itself_does(place: Place) -> None:
    tools(place)
    place.sdist("mine", "2024-12-01T00:00:00Z", pyproject__toml=BACKEND)
    place.sdist("mine", "2026-03-01T00:00:00Z", version="2.0", pyproject__toml=BACKEND)
    place.lock("mine==1.0")
    place.generate()
    place.lock("mine==2.0")
    assert place.check() == ("mine",)
    found = build(place.generate(), "mine")
    assert (found.version, found.files) == ("2.0", ("tool-2026.1-py3-none-any.whl",))
    assert place.check() == ()


@pytest.mark.parametrize(
    ("own", "more", "files"),
    [
        ('build-constraint-dependencies = ["tool<2024"]\npackage = false', "", ["tool-2023.1"]),
        ('exclude-newer = "2023-06-01T00:00:00Z"\npackage = false', "", ["tool-2023.1"]),
        (
            "package = false",
            '[tool.uv.extra-build-dependencies]\nmine = ["helper"]\n',
            ["helper-1.0", "tool-2024.1"],
        ),
        (
            "package = false",
            '[tool.uv.extra-build-dependencies]\nmine = [{ requirement = "helper", match-runtime = true }]\n',
            ["helper-0.5", "tool-2024.1"],
        ),
        (
            "package = false",
            '[tool.uvlock2nix.native.mine]\nbuild-requires = ["helper"]\n',
            ["helper-1.0", "tool-2024.1"],
        ),
        ("package = false", '[tool.uvlock2nix]\nexclude-newer = "2025-06-01T00:00:00Z"\n', ["tool-2025.1"]),
    ],
)
def test_settings_are_honoured_and_a_change_of_them_renews(
    place: Place, own: str, more: str, files: list[str]
) -> None:
    tools(place)
    place.wheel("helper", "0.5", "2022-01-01T00:00:00Z")
    place.wheel("helper", "1.0", "2022-01-02T00:00:00Z")
    place.sdist("mine", "2022-12-01T00:00:00Z", pyproject__toml=BACKEND)
    place.lock("mine", "helper==0.5")
    assert build(place.generate(), "mine").files == ("tool-2024.1-py3-none-any.whl",)
    place.lock("mine", "helper==0.5", own=own, more=more)
    assert place.check() == ("mine",)
    assert build(place.generate(), "mine").files == tuple(f"{one}-py3-none-any.whl" for one in files)


def test_what_the_backend_will_ask_for_is_locked_too(place: Place) -> None:
    tools(place)
    place.wheel("helper", "1.0", "2022-01-02T00:00:00Z", "deeper")
    place.wheel("deeper", "1.0", "2022-01-02T00:00:00Z")
    place.sdist(
        "mine",
        "2022-12-01T00:00:00Z",
        pyproject__toml=SETUPTOOLS,
        setup__py="from setuptools import setup\nsetup(setup_requires=['helper'])\n",
    )
    place.lock("mine")
    named = [one.partition("-")[0] for one in build(place.generate(), "mine").files]
    assert named == ["deeper", "helper", "tool"]


def test_a_backend_that_cannot_be_read_is_reported_once(place: Place) -> None:
    tools(place)
    for name in ("one", "two"):
        place.sdist(name, "2022-12-01T00:00:00Z", pyproject__toml=BACKEND.replace("flit_core", "their"))
    place.lock("one", "two")
    found = place.generate()
    assert "not known" in build(found, "one").unsure
    (note,) = place.notes
    assert note.startswith("one, two: ")


OWN = """
[build-system]
requires = ["tool"]
build-backend = "own"
backend-path = ["tools"]
"""
# It asks for what it finds next to it: no file says so.
ASKING = """
import pathlib
import tool
def get_requires_for_build_wheel(settings=None):
    return pathlib.Path("asks").read_text().split()
"""


def test_the_backend_of_a_local_package_is_asked(place: Place) -> None:
    tools(place)
    place.wheel("helper", "1.0", "2022-01-02T00:00:00Z")
    place.lock(own="package = true", more=OWN)
    (place.root / "tools").mkdir()
    (place.root / "tools" / "own.py").write_text(ASKING)
    (place.root / "asks").write_text("helper>=1")
    found = build(place.generate(python=THIS), "app")
    assert [one.partition("-")[0] for one in found.files] == ["helper", "tool"]
    assert found.unsure == ""
    assert place.notes == []
    assert place.check(python=THIS) == ()
    assert sorted(path.name for path in (place.root / "tools").iterdir()) == ["own.py"]


def test_a_requirement_without_a_wheel_is_built_with_requirements_of_its_own(place: Place) -> None:
    tools(place)
    static = '[project]\nname = "plugin"\nversion = "1.0"\n'
    place.sdist("plugin", "2025-06-01T00:00:00Z", pyproject__toml=BACKEND + static)
    text = BACKEND.replace('"tool"]', '"tool", "plugin"]')
    place.sdist("mine", "2025-12-01T00:00:00Z", pyproject__toml=text)
    place.lock("mine")
    found = place.generate()
    assert build(found, "mine").files == ("plugin-1.0.tar.gz", "tool-2025.1-py3-none-any.whl")
    nested = found.pins.nested(LINUX)["plugin-1.0.tar.gz"]
    assert (nested.files, nested.time) == (("tool-2025.1-py3-none-any.whl",), "2025-06-01T00:00:00Z")


def test_a_wheel_of_a_later_time_is_preferred_to_an_sdist(place: Place) -> None:
    tools(place)
    place.sdist("plugin", "2024-11-01T00:00:00Z", version="1.0", pyproject__toml=BACKEND)
    place.wheel("plugin", "1.1", "2025-02-01T00:00:00Z")
    text = BACKEND.replace('"tool"]', '"plugin"]')
    place.sdist("mine", "2024-12-01T00:00:00Z", pyproject__toml=text)
    place.lock("mine")
    assert build(place.generate(), "mine").files == ("plugin-1.1-py3-none-any.whl",)


def test_a_requirement_that_is_built_here_is_that_very_package(place: Place) -> None:
    tools(place)
    place.sdist("base", "2025-06-01T00:00:00Z", pyproject__toml=BACKEND)
    place.sdist("base", "2025-07-01T00:00:00Z", version="2.0", pyproject__toml=BACKEND)
    text = BACKEND.replace('"tool"]', '"tool", "Base>=1"]')
    place.sdist("user", "2025-08-01T00:00:00Z", pyproject__toml=text)
    place.lock("base==1.0", "user")
    found = build(place.generate(), "user")
    assert (found.built, found.files) == (("base",), ("tool-2025.1-py3-none-any.whl",))
    assert found.requires == ("tool",)


def test_each_system_has_its_own_wheels(place: Place) -> None:
    for tag in ("manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "macosx_11_0_arm64"):
        path = make_wheel(place.index.folder, "tool", {"tool.py": tag}, tag=f"cp313-cp313-{tag}")
        place.index.times[path.name] = "2022-01-01T00:00:00Z"
    place.sdist("mine", "2022-12-01T00:00:00Z", pyproject__toml=BACKEND)
    place.lock("mine")
    systems = (LINUX, "aarch64-linux", "aarch64-darwin")
    found = place.generate(systems=systems)
    assert [build(found, "mine", one).files[0].rpartition("-")[2] for one in systems] == [
        "manylinux_2_28_x86_64.whl", "manylinux_2_28_aarch64.whl", "macosx_11_0_arm64.whl",
    ]  # fmt: skip


def test_what_nothing_meets_is_refused_with_uv_s_reason(place: Place) -> None:
    tools(place)
    place.sdist("mine", "2022-12-01T00:00:00Z", pyproject__toml=BACKEND.replace('"tool"]', '"tool>9999"]'))
    place.lock("mine")
    with pytest.raises(InputError) as caught:
        place.generate()
    assert "mine 1.0, on x86_64-linux" in caught.value.message
    assert "tool>9999" in caught.value.message
    assert "[tool.uvlock2nix.native.mine]" in caught.value.hint
    # Both ways that the hint names lead on.
    for own, version in (('build-requires = ["tool<2024"]', "2023.1"), ('relax = ["tool"]', "2024.1")):
        place.lock("mine", more=f"[tool.uvlock2nix.native.mine]\n{own}\n")
        assert build(place.generate(), "mine").files == (f"tool-{version}-py3-none-any.whl",)


@pytest.mark.parametrize("why", ["no uv", "offline", "no network"])
def test_without_uv_or_network_they_are_held_back_and_reported(
    place: Place, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools(place)
    place.sdist("mine", "2024-12-01T00:00:00Z", pyproject__toml=BACKEND)
    place.lock("mine")
    if why == "no uv":
        monkeypatch.setenv("UV", "/nowhere/uv")
    elif why == "offline":
        monkeypatch.setenv("UV_OFFLINE", "1")
    else:
        place.index.folder.rename(place.index.folder.with_name("gone"))
        place.index.folder.mkdir()
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    found = place.generate()
    assert (found.pins.packages, found.exclude_newer) == ((), "2024-12-01T00:00:00Z")
    (note,) = place.notes
    assert note.startswith("the build requirements of mine could not be locked: ")
    assert note.endswith("held back to 2024-12-01T00:00:00Z")


def test_a_local_package_is_locked_and_renewed_when_its_build_system_changes(place: Place) -> None:
    tools(place)
    place.wheel("helper", "1.0", "2022-01-02T00:00:00Z")
    place.wheel("other", "1.0", "2024-12-02T00:00:00Z")
    place.wheel("other", "2.0", "2026-09-01T00:00:00Z")
    place.lock("other==1.0", more=BACKEND, own="package = true")
    first = place.generate()
    assert build(first, "app").files == ("tool-2024.1-py3-none-any.whl",)
    # Upgrading a dependency does not move what builds the project.
    place.lock("other==2.0", more=BACKEND, own="package = true")
    assert place.check() == ()
    assert place.generate().pins == first.pins
    more = BACKEND.replace('"tool"]', '"tool", "helper"]')
    place.lock("other==2.0", more=more, own="package = true")
    assert place.check() == ("app",)
    assert len(build(place.generate(), "app").files) == 2


def test_a_local_backend_that_only_runs_is_asked(place: Place) -> None:
    """Its own code answers, in a copy; a change of that code renews what is locked."""
    tools(place)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    place.wheel("helper", "1.0", "2022-01-02T00:00:00Z")
    place.wheel("other", "1.0", "2024-12-02T00:00:00Z")
    system = '[build-system]\nrequires = ["tool"]\nbuild-backend = "own"\nbackend-path = ["build"]\n'
    place.lock("other==1.0", more=system, own="package = true")
    (place.root / "build").mkdir()
    own = place.root / "build" / "own.py"
    text = "import tool\nopen('trace', 'w').close()\ndef get_requires_for_build_wheel(settings=None):\n"
    own.write_text(text + "    return ['helper']\n")
    found = place.generate(python=here)
    named = [one.partition("-")[0] for one in build(found, "app").files]
    assert (named, build(found, "app").unsure, place.notes) == (["helper", "tool"], "", [])
    assert not (place.root / "trace").exists()
    assert place.check(python=here) == ()
    own.write_text(text + "    return []\n")
    assert place.check(python=here) == ("app",)
    assert len(build(place.generate(python=here), "app").files) == 1
    own.write_text(text + "    raise SystemExit('no')\n")
    assert "could not be asked" in build(place.generate(python=here), "app").unsure


def test_sources_hold_for_what_builds_a_local_package(place: Place) -> None:
    tools(place)
    place.wheel("other", "1.0", "2024-12-02T00:00:00Z")

    def lock(source: str) -> None:
        more = f"{BACKEND}[tool.uv.sources]\nTool = {source}\n"
        place.lock("other==1.0", more=more, own="package = true")

    make_wheel(place.root / "vendor", "tool", {"tool.py": "mine"}, version="3.0")
    lock('{ path = "vendor/tool-3.0-py3-none-any.whl" }')
    (file,) = place.generate().pins.files
    assert (file.version, file.path) == ("3.0", "vendor/tool-3.0-py3-none-any.whl")
    url = f"{place.index.root}/files/tool-2022.1-py3-none-any.whl"
    lock(f'{{ url = "{url}" }}')
    assert place.check() == ("app",)
    (file,) = place.generate().pins.files
    assert (file.version, file.url) == ("2022.1", url)
    # Never the package of that name from an index.
    (place.root / "tool").mkdir()
    lock('{ path = "tool" }')
    with pytest.raises(InputError, match=r"its build requirement tool has a source \(path\)"):
        place.generate()


def test_an_index_in_a_folder_gives_paths_and_one_outside_is_refused(place: Place) -> None:
    folder = place.root / "vendor"
    make_wheel(folder, "tool", {"tool.py": ""}, version="1.0")
    place.sdist("mine", "2024-12-01T00:00:00Z", pyproject__toml=BACKEND)
    place.lock("mine", own='package = false\nfind-links = ["vendor"]')
    (file,) = place.generate().pins.files
    assert (file.path, file.url) == ("vendor/tool-1.0-py3-none-any.whl", None)
    outside = place.root.parent / "outside"
    shutil.move(folder, outside)
    place.lock("mine", own='package = false\nfind-links = ["../outside"]')
    with pytest.raises(InputError, match="the only folder that Nix sees"):
        place.generate()


def test_no_login_gets_into_the_pins(tmp_path: Path, uv: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_INDEX_HERE_USERNAME", "me")
    monkeypatch.setenv("UV_INDEX_HERE_PASSWORD", "secret-word")
    with served(tmp_path / "files", login=("me", "secret-word")) as index:
        place = Place(tmp_path / "project", index, uv)
        tools(place)
        place.wheel("other", "1.0", "2024-12-02T00:00:00Z")
        place.lock("other==1.0", more=BACKEND, own="package = true")
        found = place.generate()
    assert build(found, "app").files == ("tool-2024.1-py3-none-any.whl",)
    assert "secret-word" not in repr(found)
    assert os.environ["UV_INDEX_HERE_PASSWORD"] == "secret-word"
