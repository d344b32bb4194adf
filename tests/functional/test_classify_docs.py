"""Every console example of docs/classify.md is run; a line with only `…` stands for any lines."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from uvlock2nix.cli.classify import command as classify
from uvlock2nix.cli.index import command as index
from uvlock2nix.knowledge.user import parse_user_native

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "classify.md").read_text()
EXAMPLES = re.findall(r"```console\n\$ (.+)\n((?:.+\n)*)```", PAGE)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize(("line", "expected"), EXAMPLES)
def test_example(line: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    program, name, *args = shlex.split(line)
    assert program == "uvlock2nix"
    result = CliRunner().invoke({"classify": classify, "index": index}[name], args)
    assert result.exit_code == 0, result.output
    parts = [part.strip("\n") for part in expected.split("…\n")]
    position = 0
    for part in parts:
        found = result.stdout.find(part, position)
        assert found >= 0, part
        position = found + len(part)


def test_the_table_in_the_page_is_accepted() -> None:
    import tomli

    text = re.findall(r"```toml\n(\[tool\.uvlock2nix\.native\.foo\]\n(?:.+\n)*)```", PAGE)
    table = tomli.loads(text[0])["tool"]["uvlock2nix"]["native"]
    assert parse_user_native(table)["foo"].build.relax == ("numpy",)
