"""The wheel and the sdist that a release uploads: complete, and accepted by the field's tools."""

import email
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from scripts.release_notes import notes
from uvlock2nix import __version__

REPO = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent

pytestmark = pytest.mark.network


def tracked() -> set[str]:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=REPO, capture_output=True, text=True, check=True)
    return {name for name in done.stdout.split("\0") if name and (REPO / name).is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, built from what git knows."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    for name in tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPO / name, source / name)
    subprocess.run([TOOLS / "uv", "build", "--quiet", source, "--out-dir", folder / "dist"], check=True)
    return folder / "dist"


def one(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def test_twine_accepts_both(built: Path) -> None:
    files = [one(built, "*.whl"), one(built, "*.tar.gz")]
    done = subprocess.run(
        [TOOLS / "twine", "check", "--strict", *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


def test_check_wheel_contents_accepts_the_wheel(built: Path) -> None:
    wheel = one(built, "*.whl")
    # Data for Nix, and the same short __init__ in two folders, are on purpose.
    done = subprocess.run(
        [TOOLS / "check-wheel-contents", "--ignore", "W002", wheel],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_has_the_package_and_what_nix_needs_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(one(built, "*.whl")) as wheel:
        names = set(wheel.namelist())
    package = {name for name in tracked() if name.startswith("uvlock2nix/")}
    shared = {f"uvlock2nix/share/{name}" for name in tracked() if name.startswith(("hooks/", "nix/"))}
    info = {name for name in names if name.startswith(f"uvlock2nix-{__version__}.dist-info/")}
    assert names - info == package | shared
    assert "uvlock2nix/py.typed" in names
    assert {name.split("/", 1)[1] for name in info} == {
        "METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE",
    }  # fmt: skip


def test_the_sdist_has_what_tests_and_pages_need(built: Path) -> None:
    with tarfile.open(one(built, "*.tar.gz")) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames()}
    assert {"pyproject.toml", "CHANGELOG.md", "README.md", "LICENSE", "tests/run", "docs/refs.md"} <= names
    assert not [name for name in names if name.startswith((".ci", "benchmarks")) or "__pycache__" in name]


def test_metadata_names_what_an_index_shows(built: Path) -> None:
    with zipfile.ZipFile(one(built, "*.whl")) as wheel:
        text = wheel.read(f"uvlock2nix-{__version__}.dist-info/METADATA").decode()
    metadata = email.message_from_string(text)
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Description-Content-Type"] == "text/markdown"
    urls = {str(line).split(",")[0] for line in metadata.get_all("Project-URL", [])}
    assert urls == {"Homepage", "Documentation", "Changelog", "Issues", "Source"}
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])


CHANGELOG = """\
# Changelog

## [Unreleased]

## [0.2.0] - 2026-11-27

### Added

- That.

## [0.1.0]

- Old.
"""


def test_release_notes_are_the_section_of_the_version() -> None:
    assert notes(CHANGELOG, "0.2.0") == "# uvlock2nix 0.2.0 (2026-11-27)\n\n### Added\n\n- That.\n"


def test_the_changelog_keeps_its_form() -> None:
    """https://keepachangelog.com: versions with dates, newest first, and its six kinds of changes."""
    text = (REPO / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[(.+)\](?: - (\d{4}-\d\d-\d\d))?$", text, re.MULTILINE)
    assert len(versions) == len(re.findall(r"^## ", text, re.MULTILINE))
    assert versions[0] == ("Unreleased", "")
    assert all(date for _, date in versions[1:])
    dates = [date for _, date in versions[1:]]
    assert dates == sorted(dates, reverse=True)
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_version_of_the_package_has_notes() -> None:
    said = notes((REPO / "CHANGELOG.md").read_text(), __version__)
    assert said.startswith(f"# uvlock2nix {__version__} (")
    assert "### Added" in said


@pytest.mark.parametrize(
    ("version", "message"), [("0.1.0", "no date"), ("9", "no section"), ("Unreleased", "lists no change")]
)
def test_release_notes_of_nothing_are_an_error(version: str, message: str) -> None:
    with pytest.raises(LookupError, match=message):
        notes(CHANGELOG, version)
