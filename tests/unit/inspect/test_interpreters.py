"""Which programs run scripts: of wheels by their tables of contents, of source trees by what is installed."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.support.packages import make_wheel
from uvlock2nix.inspect.candidate import Candidate
from uvlock2nix.inspect.interpreters import foreign_interpreter, interpreters_of_tree
from uvlock2nix.inspect.wheel_survey import from_outside
from uvlock2nix.inspect.wheels import read_wheel


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("#!/usr/bin/env node", "node"),
        ("#!/usr/bin/perl -w", "perl"),
        ("#!/usr/bin/env -S deno run --allow-net", "deno"),
        ("#!/usr/bin/env python3", None),
        ("#!/usr/bin/python3.12t", None),
        ("#!/bin/bash", None),
        ("#!python", None),
        ("console.log(1)", None),
    ],
)
def test_what_is_foreign(line: str, found: str | None) -> None:
    assert foreign_interpreter(line.encode() + b"\n") == found


def script(tree: Path, name: str, line: str, mode: int = 0o755) -> None:
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env {line}\n")
    path.chmod(mode)


def test_only_what_a_build_may_install_counts(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.setuptools]\nscript-files = ["tools/greet"]\n')
    script(tmp_path, "tools/greet", "node")
    script(tmp_path, "tools/other", "perl")  # its folder is named
    script(tmp_path, "release.rb", "ruby")  # a developer's
    script(tmp_path, "src/small/run.lua", "lua")
    script(tmp_path, "src/small/data.php", "php", 0o644)
    script(tmp_path, "flat/part/run", "julia")
    (tmp_path / "flat/__init__.py").write_text("")
    script(tmp_path, "src/small/tests/run", "fish")
    script(tmp_path, "node_modules/x/cli", "bun")
    (tmp_path / "src/small/link").symlink_to("/etc/passwd")
    found = interpreters_of_tree(tmp_path)
    assert found == {
        "node": "tools/greet",
        "perl": "tools/other",
        "lua": "src/small/run.lua",
        "julia": "flat/part/run",
    }


def test_wheels_are_asked_by_their_tables_of_contents(tmp_path: Path) -> None:
    """A program that a wheel brings need not come from nixpkgs."""
    wheel = make_wheel(
        tmp_path,
        "tool",
        {
            "tool-1.0.data/scripts/cli": "#!/usr/bin/env node\n1\n",
            "tool-1.0.data/scripts/other": "#!/usr/bin/env perl\n1;\n",
            "tool-1.0.data/scripts/python": "#!python\n",
            "tool/data.js": "#!/usr/bin/env deno\n",
            "tool/run.js": "#!/usr/bin/env bun\n",
        },
    )
    executable(wheel, "tool/run.js")
    assert read_wheel(wheel).interpreters == {"node", "perl", "bun"}
    brings = make_wheel(tmp_path, "brings", {}, entry_points="[console_scripts]\nnode = brings:main\n")
    wheels = [Candidate(one.name.split("-")[0], one.name, None, one, None) for one in (wheel, brings)]
    found = from_outside(wheels, frozenset(), None, tmp_path / "cache")
    assert found.programs == {"tool": ("bun", "perl")}


def executable(wheel: Path, name: str) -> None:
    """Mark a member as one."""
    with zipfile.ZipFile(wheel) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(wheel, "w") as archive:
        for info, data in members:
            info.external_attr = (0o100755 if info.filename == name else 0o100644) << 16
            archive.writestr(info, data)
