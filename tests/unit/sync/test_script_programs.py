"""Programs that run scripts: what the build of deps says, and what update-hash makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.emit import plan_of
from tests.support.stand import REPO
from tests.unit.venv.test_venv_environment import SITE, dist
from uvlock2nix.app.script_programs import carried, read_programs, with_programs, with_read_programs
from uvlock2nix.dist.installed import installed
from uvlock2nix.layout import SCRIPTS
from uvlock2nix.sync.script_programs import script_programs
from uvlock2nix.wheel_pins import WheelNeeds

LINE = "uvlock2nix: scripts are run by: "
OF = "0123456789abcdef"


def executable(path: Path, first: str) -> None:
    path.write_text(f"{first}\n")
    path.chmod(0o755)


def test_what_no_package_brings_is_said(tmp_path: Path) -> None:
    site = tmp_path / SITE
    kept = f"../../../{SCRIPTS}"
    dist(tmp_path, "one", {"one/run": "", "one/data": "", "one/a.py": "", f"{kept}/tool": ""})
    dist(tmp_path, "two", {"two/run": ""}, "ruby = two:f")
    dist(tmp_path, "three", {"three/run": ""})
    executable(site / "one" / "run", "#!/usr/bin/env node")
    (site / "one" / "data").write_text("#!/usr/bin/env deno\n")  # nobody executes it
    executable(site / "one" / "a.py", "#!/usr/bin/env bun")
    executable(tmp_path / SCRIPTS / "tool", "#!/usr/bin/perl -w")
    executable(site / "two" / "run", "#!/usr/bin/env ruby")
    executable(site / "three" / "run", "#!/bin/bash")
    said = script_programs(installed(site), site)
    assert said == f"{LINE}one=node,perl"
    assert read_programs(["…", said]) == {"one": ("node", "perl")}
    assert script_programs((), site) == f"{LINE}nothing else"
    assert read_programs([script_programs((), site)]) == {}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("installing", None),
        (f"{LINE}a=b/c d=e, =x f=\u00e9 G=h", {}),
        (f"{LINE}a=${{x}} b=$(id) ok=node", {"ok": ("node",)}),
    ],
)
def test_a_builder_prints_what_it_likes(line: str, found: object) -> None:
    assert read_programs([line]) == (found if "\u00e9" not in line else None)


def test_what_was_recorded_stays_as_long_as_the_package_is_there() -> None:
    recorded = WheelNeeds(OF, programs=(("gone", ("php",)), ("pure", ("node",)), ("read", ("perl",))))
    now = WheelNeeds(OF, needs=(("read", ("libx.so.1",)),), programs=(("read", ("ruby",)),))
    kept = carried(now, recorded, {"pure", "read"})
    assert kept is not None
    assert (kept.needs, kept.programs) == (now.needs, (("pure", ("node",)), ("read", ("ruby",))))
    assert carried(None, recorded, {"other"}) is None
    alone = carried(None, recorded, {"pure"})
    assert alone is not None
    assert alone.programs == (("pure", ("node",)),)
    assert carried(now, None, {"read"}) == now


def test_known_programs_become_inputs_of_env_and_of_others_there_is_a_note(tmp_path: Path) -> None:
    plan = plan_of(REPO / "fixtures" / "hello")
    (system,) = (one.system for one in plan.systems)
    read = {system: {"iniconfig": ("frobnicate", "node")}}
    found, notes = with_programs(with_read_programs(plan, read, whole=True), tmp_path)
    assert [(one.attr, one.packages) for one in found.script_programs] == [("nodejs", ("iniconfig",))]
    known, unknown = notes
    assert known == "programs from nixpkgs that run scripts: nodejs (iniconfig)"
    assert unknown == (
        'iniconfig: scripts are run by frobnicate, which is in no table: set dlopen = ["frobnicate"], or'
        " whatever attribute has it, under [tool.uvlock2nix.native.iniconfig]"
    )
    # What is there no longer goes.
    again, _ = with_programs(with_read_programs(found, {system: {}}, whole=True), tmp_path)
    assert again.script_programs == ()
