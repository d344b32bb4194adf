"""A change of a project, judged by the real ``uv lock --check`` and by ours: nothing is fetched.

MISSED are the changes that only uv sees; docs/check.md lists them for people.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.packages import make_wheel
from uvlock2nix.lock import check_lock_matches, load_project
from uvlock2nix.lock.spans import parse_span

UV = str(Path(sys.executable).parent / "uv")
ROOT = """\
[project]
name = "root"
version = "1.0"
requires-python = ">=3.10"
dependencies = [
    "Alpha>=01.0,<3",
    "beta[fast]>=1.0; python_version < '3.13'",
    "lib",
    "member",
    "tool @ {vendor}/tool-1.0-py3-none-any.whl",
]
[project.optional-dependencies]
web = ["gamma==1.*", "root[cli]"]
cli = ["delta~=1.0; sys_platform == 'linux' or sys_platform == 'darwin'"]
[dependency-groups]
dev = ["epsilon", { include-group = "test" }]
test = ["zeta>1"]
[tool.uv]
package = false
find-links = ["vendor"]
no-index = true
constraint-dependencies = ["alpha<2.5"]
override-dependencies = ["gamma>=1"]
environments = ["sys_platform == 'linux'", "sys_platform == 'darwin'"]
conflicts = [[{ extra = "web" }, { group = "test" }]]
[tool.uv.dependency-groups]
test = { requires-python = ">=3.11,<4" }
[tool.uv.sources]
lib = { path = "lib", editable = true }
member = { workspace = true }
[tool.uv.workspace]
members = ["packages/*"]
"""
LIB = '[project]\nname = "lib"\nversion = "1.0"\ndependencies = ["alpha"]\n'
MEMBER = '[project]\nname = "member"\nversion = "1.0"\ndependencies = ["eta!=2.0", "lib"]\n'
MEMBER += '[tool.uv.sources]\nlib = { path = "../../lib", editable = true }\n'
PLACES = {"root": "pyproject.toml", "lib": "lib/pyproject.toml", "member": "packages/member/pyproject.toml"}
METADATA = 'dependency-metadata = [{ name = "eta", version = "1.0", requires-dist = [] }]\n'

# File, old text, new text: changes that make no difference to uv.
SAME = (
    ("root", "Alpha>=01.0,<3", "alpha <3, >=1"),
    ("root", "beta[fast]>=1.0; python_version < '3.13'", "Beta[FAST] >=1.0; '3.13' > python_version"),
    ("root", "python_version < '3.13'", "python_full_version < '3.13'"),
    ("root", "python_version < '3.13'", "python_version < '3.13' and python_version >= '3.9'"),
    ("root", "gamma==1.*", "gamma == 1.*"),
    ("root", "'linux' or sys_platform == 'darwin'", "'darwin' or sys_platform == 'linux'"),
    ("root", "zeta>1", "zeta>1.0"),
    ("root", '"linux"', '"linux"'),
    ("root", 'path = "lib"', 'path = "./lib/"'),
    ("root", "gamma>=1", "gamma >= 1.0"),
    ("root", '[tool.uv]\n', '[tool.uv]\nresolution = "highest"\n'),
    ("root", '[tool.uv]\n', '[tool.uv]\noffline = true\n'),
    ("root", ">=3.11,<4", "<4, >=3.11"),
    ("lib", 'version = "1.0"', 'version = "1.0.0"'),
    ("member", "eta!=2.0", "eta != 2"),
    # Entries for packages that the lock has nowhere.
    ("root", '["alpha<2.5"]', '["alpha<2.5", "unknown>=1"]'),
    ("root", '["gamma>=1"]', '["gamma>=1", "unknown>=1"]'),
    ("root", "package = false\n", 'exclude-dependencies = ["unknown"]\npackage = false\n'),
    ("root", "package = false\n", METADATA.replace("eta", "unknown") + "package = false\n"),
)  # fmt: skip
# To uv the lock is stale.
STALE = (
    ("root", 'version = "1.0"', 'version = "1.1"'),
    ("root", '">=3.10"', '">=3.11"'),
    ("root", '">=3.10"', '">=3.10.1"'),
    ("root", "Alpha>=01.0,<3", "Alpha>=01.1,<3"),
    ("root", "Alpha>=01.0,<3", "Alpha>=1.0"),
    ("root", "beta[fast]", "beta"),
    ("root", "python_version < '3.13'", "python_version <= '3.13'"),
    ("root", "python_version < '3.13'", "python_full_version < '3.13.1'"),
    ("root", "; python_version < '3.13'", ""),
    ("root", "; python_version < '3.13'", "; platform_machine == 'x86_64'"),
    ("root", '    "member",\n', ""),
    ("root", '    "member",\n', '    "member", "iota",\n'),
    ("root", "tool-1.0-py3", "tool-1.1-py3"),
    ("root", "gamma==1.*", "gamma==1.0"),
    ("root", '"root[cli]"', '"delta"'),
    ("root", "delta~=1.0", "delta~=1.0.0"),
    ("root", " or sys_platform == 'darwin'", ""),
    ("root", "cli = [", "tui = ["),
    ("root", "cli = [", "none = []\ncli = ["),
    ("root", '{ include-group = "test" }', '"iota"'),
    ("root", "zeta>1", "zeta>=1"),
    ("root", 'test = ["zeta>1"]', 'test = ["zeta>1"]\nmore = ["iota"]'),
    ("root", "alpha<2.5", "alpha<2.6"),
    ("root", '"gamma>=1"', '"gamma>=1", "eta==1.0"'),
    ("root", '["alpha<2.5"]', '["unknown<2.5"]'),
    ("root", '["alpha<2.5"]', '["alpha<2.5", "eta>=1", "unknown>=1"]'),
    ("root", "package = false\n", 'build-constraint-dependencies = ["unknown"]\npackage = false\n'),
    ("root", 'constraint-dependencies = ["alpha<2.5"]\n', ""),
    ("root", ", \"sys_platform == 'darwin'\"]", "]"),
    ("root", ', { group = "test" }', ', { group = "dev" }'),
    ("root", '{ path = "lib", editable = true }', '{ path = "lib2", editable = true }'),
    ("root", "package = false\n", 'build-constraint-dependencies = ["alpha"]\npackage = false\n'),
    ("root", "package = false\n", 'exclude-dependencies = ["eta"]\npackage = false\n'),
    ("root", "package = false\n", 'resolution = "lowest-direct"\npackage = false\n'),
    ("root", "package = false\n", 'exclude-newer = "2026-01-01T00:00:00Z"\npackage = false\n'),
    ("root", "package = false\n", 'exclude-newer = "2026-01-01"\npackage = false\n'),
    ("root", "package = false\n", 'exclude-newer = "7d"\npackage = false\n'),
    ("root", "package = false\n", "package = true\n"),
    ("root", "package = false\n", "default-groups = []\npackage = false\n"),
    ("root", ">=3.11,<4", ">=3.11"),
    ("root", 'test = { requires-python = ">=3.11,<4" }', ""),
    ("root", "test = { requires", 'dev = { requires-python = ">=3.12" }\ntest = { requires'),
    ("root", 'members = ["packages/*"]', 'members = ["packages/*", "lib2"]'),
    ("lib", '"alpha"', '"alpha", "iota"'),
    ("lib", 'version = "1.0"', 'version = "1.1"'),
    ("member", "eta!=2.0", "eta"),
    ("member", 'name = "member"', 'name = "other"'),
)  # fmt: skip
# To uv it is stale, and ours does not see it.
MISSED = (
    ("root", "editable = true }\nmember", "editable = false }\nmember"),
    ("root", "package = false\n", METADATA + "package = false\n"),
    ("root", '"gamma>=1"', '{ package = { name = "beta" }, dependencies = ["iota"] }'),
)  # fmt: skip

EMPTY = '[project]\nname = "root"\nversion = "1"\nrequires-python = ">=3.10"\n'
SPANS = (
    "7d", "7 d", "7d ", "1w2d", "1 week, 2 days", "2 weeks 3 days ago", "-3d", "+3d", "24h", "90 min", "1.5h",
    "3,5h", "12:30:00", "1d 12:30:00", "1d, 12:30:00", "5 days  3 hours", "100ms", "5\u00b5s", "0d", "1 wk",
    "3 hrs 2 mins 1 sec", "P7D", "p7d", "P1W2DT3H", "-P3D", "PT1.5H", "PT0,5H", "P1WT5H", "1234567d",
)  # fmt: skip
NO_SPANS = (
    "7D", "7 Days", " 7d", "1.5 hours 3s", "1.5d", "P1M", "1 month", "1mo", "1y", "5days,3hours", "3s 5d",
    "5d 5d", "1d ago ago", "-1d ago", "1 d ,2 h", "12:30", "P7DT", "P", "PT", "P1D2W", "P0.5D", "now", "7",
    "5 days and 3 hours",
)  # fmt: skip


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it was locked."""
    folder = tmp_path_factory.mktemp("locked")
    vendor = folder / "vendor"
    for name in ("alpha", "gamma", "delta", "epsilon", "zeta", "eta", "iota", "tool"):
        for version in ("1.0", "1.1", "2.0"):
            make_wheel(vendor, name, {}, version=version)
    make_wheel(vendor, "beta", {}, version="1.0", requires=("alpha; extra == 'fast'",))
    texts = {"root": ROOT.replace("{vendor}", vendor.as_uri()), "lib": LIB, "member": MEMBER}
    for name, place in PLACES.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(texts[name])
    (folder / "lib2").mkdir()
    (folder / "lib2" / "pyproject.toml").write_text(LIB.replace('"lib"', '"lib2"'))
    done = uv(folder)
    assert done.returncode == 0, done.stderr
    return folder


def uv(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    argv = [UV, "lock", "--offline", "--no-cache", "--python", sys.executable, *more]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)


def changed(locked: Path, to: Path, change: tuple[str, str, str]) -> Path:
    shutil.copytree(locked, to)
    place = to / PLACES[change[0]]
    text = place.read_text()
    assert text.count(change[1]) >= 1 or change in SAME, change
    place.write_text(text.replace(change[1], change[2], 1))
    return to


def test_as_it_was_locked(locked: Path) -> None:
    assert uv(locked, "--check").returncode == 0
    assert check_lock_matches(load_project(locked)) == []


@pytest.mark.parametrize("change", SAME, ids=lambda change: f"{change[1]} -> {change[2]}")
def test_the_same_in_other_words(locked: Path, tmp_path: Path, change: tuple[str, str, str]) -> None:
    folder = changed(locked, tmp_path / "project", change)
    said = uv(folder, "--check")
    assert said.returncode == 0, said.stderr
    assert check_lock_matches(load_project(folder)) == []


@pytest.mark.parametrize("change", STALE, ids=lambda change: f"{change[1]} -> {change[2]}")
def test_a_stale_lock(locked: Path, tmp_path: Path, change: tuple[str, str, str]) -> None:
    folder = changed(locked, tmp_path / "project", change)
    said = uv(folder, "--check")
    assert said.returncode != 0, said.stderr
    assert check_lock_matches(load_project(folder)) != []


@pytest.mark.parametrize("change", MISSED, ids=lambda change: f"{change[1]} -> {change[2]}")
def test_what_only_uv_sees(locked: Path, tmp_path: Path, change: tuple[str, str, str]) -> None:
    folder = changed(locked, tmp_path / "project", change)
    assert uv(folder, "--check").returncode != 0
    assert check_lock_matches(load_project(folder)) == []


@pytest.mark.parametrize("text", [*SPANS, *NO_SPANS])
def test_a_span_is_what_uv_takes_for_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(EMPTY)
    done = uv(tmp_path, f"--exclude-newer={text}")
    assert (done.returncode == 0) is (text in SPANS), done.stderr
    locked_with = load_project(tmp_path).lock.options.exclude_newer_span if text in SPANS else None
    assert parse_span(text) == parse_span(locked_with or "")
    if text in SPANS:
        (tmp_path / "pyproject.toml").write_text(EMPTY + f"[tool.uv]\nexclude-newer = {json.dumps(text)}\n")
        assert check_lock_matches(load_project(tmp_path)) == []


@pytest.mark.parametrize("versions", ["3.12, 3.13", "3.12|3.13", "3.12 3.13", " 3.13 3.12", "3.12 x", ""])
@pytest.mark.parametrize("operator", ["in", "not in"])
def test_lists_of_versions_are_what_uv_takes_for_them(locked: Path, versions: str, operator: str) -> None:
    """To uv, only blanks separate versions; what it cannot read, it leaves out."""
    folder = locked.parent / f"lists-{operator}-{versions.replace('|', 'or')}".replace(" ", "_")
    shutil.copytree(locked, folder)
    place = folder / PLACES["root"]
    marker = f"python_version {operator} '{versions}'"
    place.write_text(place.read_text().replace("python_version < '3.13'", marker, 1))
    assert uv(folder).returncode == 0
    assert check_lock_matches(load_project(folder)) == []


@pytest.mark.parametrize(
    ("locked_with", "now"),
    [
        ("7d", "7 days"), ("7d", "8d"), ("7d", "P1W"), ("7d", "168h"), ("7d", "2026-11-20T00:00:00Z"),
        ("7d", "6 days, 24h"), ("2026-11-20T00:00:00Z", "7d"), ("2026-11-20", "2026-11-20T10:00:00"),
        ("2026-11-20T00:00:00Z", "2026-11-20T01:00:00+01:00"),
    ],
)  # fmt: skip
def test_spans_are_compared_as_uv_does(tmp_path: Path, locked_with: str, now: str) -> None:
    (tmp_path / "pyproject.toml").write_text(EMPTY + f'[tool.uv]\nexclude-newer = "{locked_with}"\n')
    assert uv(tmp_path).returncode == 0
    (tmp_path / "pyproject.toml").write_text(EMPTY + f'[tool.uv]\nexclude-newer = "{now}"\n')
    fits = uv(tmp_path, "--check").returncode == 0
    assert (check_lock_matches(load_project(tmp_path)) == []) is fits


def test_the_python_at_hand_is_no_part_of_a_project(tmp_path: Path) -> None:
    """Without requires-python uv writes that of its own Python; ours takes what was written."""
    (tmp_path / "pyproject.toml").write_text("[dependency-groups]\ndev = []\n")
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    lock = 'version = 1\nrevision = 3\nrequires-python = ">=MINOR"\n\n'
    lock += "[manifest]\n\n[manifest.dependency-groups]\ndev = []\n"
    seen = []
    for written in (minor, "3.4"):
        (tmp_path / "uv.lock").write_text(lock.replace("MINOR", written))
        done = subprocess.run(
            [UV, "lock", "--check", "--offline", "--python", sys.executable],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "No `requires-python` value found" in done.stderr
        seen.append((done.returncode == 0, check_lock_matches(load_project(tmp_path))))
    assert seen == [(True, []), (False, [])]
