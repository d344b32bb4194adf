"""What nixpkgs' default setup hooks and compiler do to every output, and what they refuse, the stand does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.stand import Stand, StandCommandError, require_stand

pytestmark = [pytest.mark.stand]

OUTPUT = """
with import <nixpkgs> { };
stdenv.mkDerivation {
  name = "fixed-up";
  dontUnpack = true;
  ATTRIBUTES
  installPhase = ''
    mkdir -p $out/bin
    COMMANDS
  '';
}
"""


@pytest.fixture
def stand() -> Stand:
    return require_stand("forky")


def build(stand: Stand, commands: str, attributes: str = "") -> Path:
    text = OUTPUT.replace("COMMANDS", commands).replace("ATTRIBUTES", attributes)
    return stand.path(stand.nix_build(text))


def test_folders_have_their_usual_places(stand: Stand) -> None:
    out = build(
        stand,
        """
        mkdir -p $out/lib64 $out/sbin $out/man/man1 $out/share
        touch $out/lib64/a $out/sbin/b $out/man/man1/c.1
        ln -s c.1 $out/man/man1/d.1
        ln -s $out/bin/e $out/share/link
        touch $out/bin/e
        """,
    )
    assert (out / "lib64").readlink() == Path("lib")
    assert (out / "sbin").readlink() == Path("bin")
    assert {one.name for one in (out / "bin").iterdir()} == {"b", "e"}
    pages = out / "share/man/man1"
    assert {one.name for one in pages.iterdir()} == {"c.1.gz", "d.1.gz"}
    assert not (out / "man").exists()
    # No link names its own output by an absolute path.
    assert (out / "share/link").readlink() == Path("../bin/e")


@pytest.mark.parametrize(
    ("commands", "message"),
    [
        ("ln -s $out/nowhere $out/bin/link", "points to itself, to"),
        ("ln -s link $out/bin/link", "points to itself, to"),
        (
            "echo 'int main(void) { return 0; }' > a.c; $CC a.c -Wl,-rpath,$TMPDIR/lib -o $out/bin/a",
            "contains a forbidden reference to",
        ),
        (
            "printf '#!/usr/bin/env -i bash\\n' > $out/bin/s; chmod +x $out/bin/s",
            "unsupported interpreter directive",
        ),
    ],
)
def test_what_no_output_may_have(stand: Stand, commands: str, message: str) -> None:
    with pytest.raises(StandCommandError, match=re.escape(message)):
        # Shrinking would take the reference away.
        build(stand, commands, "dontPatchELF = true;")


def test_env_with_a_split_line_stays_env(stand: Stand) -> None:
    out = build(stand, "printf '#!/usr/bin/env -S bash -e\\n' > $out/bin/s; chmod +x $out/bin/s")
    assert re.fullmatch(r"#!/\S+/env -S /\S+/bash -e\n", (out / "bin/s").read_text())


PRINTS = """
    cat > a.c <<'SOURCE'
    #include <stdio.h>
    int main(int count, char **words) { return printf(words[0]); }
    SOURCE
    $CC a.c -o $out/bin/a
"""


def test_the_compiler_hardens_as_nixpkgs_does(stand: Stand) -> None:
    with pytest.raises(StandCommandError, match="format-security"):
        build(stand, PRINTS)
    out = build(stand, PRINTS, 'hardeningDisable = [ "format" ];')
    program = "/" + str((out / "bin/a").relative_to(stand.root))
    assert "BIND_NOW" in stand.run(["readelf", "-d", program]).stdout
    symbols = stand.run(["readelf", "-sW", program]).stdout
    assert "__printf_chk" in symbols
    bare = build(stand, PRINTS, 'hardeningDisable = [ "all" ];')
    program = "/" + str((bare / "bin/a").relative_to(stand.root))
    assert "__printf_chk" not in stand.run(["readelf", "-sW", program]).stdout


def test_setup_hooks_get_every_variable_of_their_derivation(stand: Stand) -> None:
    text = """
        with import <nixpkgs> { };
        makeSetupHook { name = "some-hook"; substitutions.word = "given"; }
          (writeText "hook" "echo @word@ @name@ @nothing@\\n")
    """
    hook = stand.path(stand.nix_build(text)) / "nix-support/setup-hook"
    assert hook.read_text() == "echo given some-hook @nothing@\n"
