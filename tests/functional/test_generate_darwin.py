"""One set of files for Linux and macOS: what only one of them has is under a condition."""

import re
from pathlib import Path

from click.testing import CliRunner

from uvlock2nix.cli.app import cli

LOCK = """\
version = 1
requires-python = ">=3.13"

[[package]]
name = "app"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "cryptography" }, { name = "lxml" }, { name = "systemd-python" }]
"""
PACKAGE = """
[[package]]
name = "NAME"
version = "VERSION"
source = { registry = "https://index.invalid/simple" }
sdist = { url = "https://files.invalid/NAME-VERSION.tar.gz", hash = "sha256:DIGEST" }
"""


def project(folder: Path) -> Path:
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.13"\n'
        'dependencies = ["cryptography", "lxml", "systemd-python"]\n'
        '[tool.uvlock2nix]\npython = "3.13"\nfrom-nixpkgs = "none"\n'
    )
    text = LOCK
    for name, version in (("cryptography", "46.0.0"), ("lxml", "6.0.2"), ("systemd-python", "235")):
        entry = PACKAGE.replace("NAME", name).replace("VERSION", version).replace("DIGEST", "0" * 64)
        text += entry
    (folder / "uv.lock").write_text(text)
    return folder


def generate(folder: Path, *systems: str) -> str:
    flags = [part for system in systems for part in ("--system", system)]
    result = CliRunner().invoke(cli, ["generate", str(folder), *flags], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return (folder / "nix" / "python-deps.nix").read_text()


def conditional(text: str, system: str) -> str:
    """What is in the lists that hold for this system only."""
    found = re.findall(
        rf'lib\.optionals \(lib\.elem system \[ "{system}" \]\) \[(.*?)\]', text, flags=re.DOTALL
    )
    return " ".join(found)


def test_inputs_of_one_system_stand_under_a_condition(tmp_path: Path) -> None:
    text = generate(project(tmp_path), "x86_64-linux", "aarch64-darwin")
    assert "systemdLibs" in conditional(text, "x86_64-linux")
    darwin = conditional(text, "aarch64-darwin")
    assert "libiconv # cryptography" in darwin
    assert "systemdLibs" not in darwin
    assert "libxml2" not in darwin + conditional(text, "x86_64-linux")


def test_for_macos_alone_nothing_of_linux_is_named(tmp_path: Path) -> None:
    text = generate(project(tmp_path), "aarch64-darwin")
    assert "systemd" not in text.replace("systemd-python", "")
    assert "libiconv" in text
    assert "optionals" not in text


def test_for_linux_alone_nothing_of_macos_is_named(tmp_path: Path) -> None:
    text = generate(project(tmp_path), "x86_64-linux")
    assert "systemdLibs" in text
    assert "libiconv" not in text
