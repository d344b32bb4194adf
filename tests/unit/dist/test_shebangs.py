"""Scripts get interpreters that are there; what is right, or not ours, stays."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from uvlock2nix.dist.record import digest_of
from uvlock2nix.dist.shebangs import Programs, Unrun, give_interpreters
from uvlock2nix.first_lines import Asked, asked


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("#!/bin/bash", Asked("bash", "")),
        ("#! /bin/bash -eu ", Asked("bash", "-eu")),
        ("#!/usr/bin/env node", Asked("node", "")),
        ("#!/usr/bin/env -S node --flag x", Asked("node", "--flag x", split=True)),
        ("#!/usr/bin/env -S node --flag", Asked("node", "--flag")),
        ("#!/usr/bin/env -Sdeno run", Asked("deno", "run")),
        ("#!/usr/local/bin/python3.12 -u", Asked("python3.12", "-u")),
        ("#!/usr/bin/env /opt/x/perl", Asked("perl", "")),
        ("#!/bin/bash\r", Asked("bash", "")),
        ("#!/bin/sh", None),
        ("#!/bin/sh -e", None),
        ("#!/nix/store/abc-bash/bin/bash", None),
        ("#!python", None),
        ("#!/usr/bin/env A=b node", None),
        ("#!/usr/bin/env", None),
        ("not a script", None),
    ],
)
def test_what_a_first_line_asks_for(line: str, found: Asked | None) -> None:
    assert asked(line.encode() + b"\nrest\n") == found


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with bash and node."""
    for name in ("bash", "node"):
        program = tmp_path / "store" / f"x-{name}" / "bin" / name
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\nexit 0\n")
        program.chmod(0o755)
    return tmp_path / "store"


def programs(store: Path, tmp_path: Path) -> Programs:
    folders = [str(folder) for folder in sorted(store.glob("*/bin"))]
    return Programs(tmp_path / "env" / "bin" / "python", ":".join([*folders, "/usr/bin", "/bin"]), str(store))


def script(root: Path, name: str, text: str, mode: int = 0o755) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("latin-1"))
    path.chmod(mode)
    return path


def test_scripts_are_rewritten_and_recorded(store: Path, tmp_path: Path) -> None:
    root = tmp_path / "env"
    site = root / "site"
    shell = script(root, "site/a/run.sh", "#!/bin/bash -e\necho \xe9\n")
    node = script(root, "site/a/cli.js", "#!/usr/bin/env node\n1\n")
    python = script(root, "site/a/tool", "#!/usr/bin/python3\nprint(1)\n")
    kept = script(root, "site/a/data.sh", "#!/bin/bash\n", 0o644)
    lost = script(root, "site/a/lost", "#!/usr/bin/env perl\n1;\n")
    (root / "site/a/link").symlink_to("run.sh")
    digest, size = digest_of(shell)
    record = site / "a-1.dist-info" / "RECORD"
    record.parent.mkdir()
    record.write_text(f"a/run.sh,{digest},{size}\na/data.sh,,\na-1.dist-info/RECORD,,\n")
    missing = give_interpreters(root, (site, root / "none"), programs(store, tmp_path))
    assert missing == (Unrun("site/a/lost", "perl"),)
    assert shell.read_bytes() == f"#!{store}/x-bash/bin/bash -e\necho ".encode() + b"\xe9\n"
    assert node.read_text() == f"#!{store}/x-node/bin/node\n1\n"
    assert python.read_text().endswith("print(1)\n")
    assert str(root / "bin" / "python") in python.read_text()
    assert kept.read_text() == "#!/bin/bash\n"
    assert lost.read_text() == "#!/usr/bin/env perl\n1;\n"
    digest, size = digest_of(shell)
    assert f"a/run.sh,{digest},{size}\n" in record.read_text()
    assert os.access(shell, os.X_OK)
    # A second time there is nothing to do but what is still missing.
    before = record.read_text()
    assert give_interpreters(root, (site,), programs(store, tmp_path)) == missing
    assert record.read_text() == before


def test_programs_outside_of_the_store_do_not_count(store: Path, tmp_path: Path) -> None:
    """They are not there where the environment runs; only /bin/sh is."""
    where = programs(store, tmp_path)
    assert where.find("env") is None
    assert where.find("sh") == "/bin/sh"
    assert where.find("node") == f"{store}/x-node/bin/node"


def test_a_rewritten_script_runs(store: Path, tmp_path: Path) -> None:
    path = script(tmp_path, "tree/run", "#!/usr/bin/env node\n")
    give_interpreters(tmp_path / "tree", (tmp_path / "tree",), programs(store, tmp_path))
    assert subprocess.run([path], check=False, env={}).returncode == 0


def test_what_a_package_brings_comes_before_what_the_inputs_have(store: Path, tmp_path: Path) -> None:
    root = tmp_path / "env"
    wrapped = script(root, "site/a/cli.js", "#!/usr/bin/env node\n1\n")
    itself = script(root, "site/a/perl", "#!/usr/bin/env perl\n1;\n")
    where = replace(programs(store, tmp_path), own=frozenset({"node", "perl"}))
    assert give_interpreters(root, (root / "site",), where) == (Unrun("site/a/perl", "perl"),)
    assert wrapped.read_text() == f"#!{root}/bin/node\n1\n"
    assert itself.read_text() == "#!/usr/bin/env perl\n1;\n"


def test_several_arguments_stay_several(store: Path, tmp_path: Path) -> None:
    """The kernel passes all that follows the interpreter as one argument."""
    path = script(tmp_path, "tree/run", "#!/usr/bin/env -S node --one --two\n")
    python = script(tmp_path, "tree/tool", "#!/usr/bin/env -S python3 -I -u\n")
    tree = tmp_path / "tree"
    missing = (Unrun("run", "node"), Unrun("tool", "python3"))
    assert give_interpreters(tree, (tree,), programs(store, tmp_path)) == missing
    program = store / "x-coreutils" / "bin" / "env"
    program.parent.mkdir(parents=True)
    program.symlink_to("/usr/bin/env")
    assert give_interpreters(tree, (tree,), programs(store, tmp_path)) == ()
    assert path.read_text() == f"#!{program} -S {store}/x-node/bin/node --one --two\n"
    assert python.read_text() == f"#!{program} -S {tmp_path}/env/bin/python -I -u\n"
