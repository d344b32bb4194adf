"""The hooks in derivations of a user's own: several outputs, a build command, nothing to do, a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.stand import Stand, Suite, require_stand

pytestmark = [pytest.mark.stand, pytest.mark.slow]
FILE = Path(__file__).resolve().parent / "refs-outputs.nix"


def build(stand: Stand, attribute: str, *, structured: bool = True) -> str:
    return stand.nix_build(FILE, "-A", attribute, "--arg", "structured", str(structured).lower())


def references(stand: Stand, path: str) -> list[str]:
    return stand.run(["nix-store", "-q", "--references", path]).stdout.split()


@pytest.mark.parametrize(("suite", "structured"), [("forky", True), ("forky", False), ("bookworm", True)])
def test_two_outputs(suite: Suite, structured: bool) -> None:
    stand = require_stand(suite)
    for output in ("out", "dev"):
        assert references(stand, build(stand, f"stripped.{output}", structured=structured)) == []
    out = build(stand, "restored.out", structured=structured)
    dev = build(stand, "restored.dev", structured=structured)
    library = stand.evaluate("toString (import <nixpkgs> { }).libxml2.out")
    assert stand.path(f"{out}/share/said").read_text() == f"{out}/share/text\n"
    assert stand.path(f"{out}/share/text").read_text() == f"own {out}, xml {library}\n"
    assert stand.path(f"{dev}/include/f.h").read_text() == f"own {dev}, other {out}, xml {library}\n"
    shown = stand.run(["readelf", "-d", f"{dev}/bin/tool"]).stdout
    assert f"{out}/lib" in shown
    assert set(references(stand, out)) == {out, library}
    assert set(references(stand, dev)) == {out, dev, library}


@pytest.mark.parametrize("structured", [True, False])
@pytest.mark.parametrize("attribute", ["command", "nothing", "failing"])
def test_of_ones_own(attribute: str, structured: bool) -> None:
    build(require_stand("forky"), attribute, structured=structured)
