"""The literal hash in other people's Nix files."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvlock2nix.errors import InputError
from uvlock2nix.nar import FAKE_HASH, Hash
from uvlock2nix.nixfile import choose, find_literals, replaced
from uvlock2nix.nixfile.lexer import Kind, tokens

ONE = Hash("sha256", bytes(range(32)))
TWO = Hash("sha256", bytes(range(1, 33)))
NEW = Hash("sha256", bytes(range(2, 34)))


def update(text: str, current: Hash, line: int | None = None) -> str:
    return replaced(text, choose(find_literals(text), current, "f.nix", line), NEW)


def test_only_that_string_changes() -> None:
    text = f"""
# outputHash = "{ONE.sri}";
/* hash = "{ONE.sri}"; */
{{ stdenv, lib, fetchurl }}:
stdenv.mkDerivation (final: {{
  pname = "app";
  src = fetchurl {{ url = "https://e.org/${{final.pname}}.tgz"; hash = "{TWO.sri}"; }};
  note = "outputHash = \\"{ONE.sri}\\";";
  buildPhase = ''
    outputHash = "{ONE.sri}";
    echo ''${{x}} ${{lib.getExe stdenv}} '''
  '';
  outputHash = "{ONE.sri}";
}})
"""
    place = text.rindex(ONE.sri)
    assert update(text, ONE) == text[:place] + NEW.sri + text[place + len(ONE.sri) :]
    assert update(text, TWO) == text.replace(TWO.sri, NEW.sri)


@pytest.mark.parametrize("spelling", ["sri", "nix32", "hex", "prefixed", "base64"])
def test_the_spelling_stays(spelling: str) -> None:
    text = f'{{ sha256 = "{spelt(ONE, spelling)}"; }}'
    assert update(text, ONE) == f'{{ sha256 = "{spelt(NEW, spelling)}"; }}'


def spelt(one: Hash, spelling: str) -> str:
    forms = {
        "sri": one.sri,
        "nix32": one.nix32,
        "hex": one.hex,
        "prefixed": f"sha256:{one.nix32}",
        "base64": base64.b64encode(one.digest).decode(),
    }
    return forms[spelling]


@pytest.mark.parametrize(
    "fake", ["lib.fakeHash", "lib.fakeSha256", "pkgs.lib.fakeHash", "fakeHash", '""', "''''"]
)
def test_placeholders(fake: str) -> None:
    text = f'{{ lib }}: {{ name = ""; npmDepsHash = {fake}; }}'
    quotes = fake.strip("\"'") or fake == '""'
    expected = f'"{NEW.sri}"' if quotes else f"''{NEW.sri}''"
    assert update(text, FAKE_HASH) == text.replace(f"npmDepsHash = {fake}", f"npmDepsHash = {expected}")


def test_a_default_of_an_argument() -> None:
    text = f'{{ lib, outputHash ? "{ONE.sri}", other ? "x" }}: 1'
    assert update(text, ONE) == text.replace(ONE.sri, NEW.sri)
    text = f'{{ outputHash ? "{ONE.sri}" }}: 1'
    assert update(text, ONE) == text.replace(ONE.sri, NEW.sri)


def test_a_path_of_attributes_and_a_quoted_name() -> None:
    for name in ("a.b.hash", '"hash"', "${x}.hash"):
        text = f'let x = "y"; in {{ {name} = "{ONE.sri}"; }}'
        assert update(text, ONE) == text.replace(ONE.sri, NEW.sri)


@pytest.mark.parametrize(
    "value",
    ['"sha256-${x}"', 'lib.removePrefix "x" "@"', '(if true then "@" else "")', '"@" + ""', '[ "@" ]'],
)
def test_what_is_not_literal_is_refused(value: str) -> None:
    text = "{ outputHash = " + value.replace("@", ONE.sri) + "; }"
    with pytest.raises(InputError, match=r"f\.nix has no literal") as caught:
        update(text, ONE)
    assert "computed" in caught.value.hint


def test_what_is_not_unique_is_refused_with_its_lines() -> None:
    text = f'{{\n  a.hash = "{ONE.sri}";\n  b.hash = "{ONE.nix32}";\n}}'
    with pytest.raises(InputError, match="2 times: hash on line 2, hash on line 3"):
        update(text, ONE)
    assert update(text, ONE, line=3) == text.replace(ONE.nix32, NEW.nix32)


def test_an_algorithm_that_the_name_forbids() -> None:
    text = "{ sha512 = lib.fakeSha512; }"
    with pytest.raises(InputError, match="cannot have a sha256 hash"):
        update(text, FAKE_HASH)


@pytest.mark.parametrize("text", ['{ a = "x', "{ a = ''x", "/* x", "{ a = 1;", "}", "( ]", "`"])
def test_what_is_no_nix_is_named_with_its_line(text: str) -> None:
    with pytest.raises(InputError, match=r"f\.nix:2: "):
        find_literals("\n" + text, "f.nix")


def test_tokens_of_hard_places() -> None:
    text = "a.b-c' ./x/${y}/z.nix <nixpkgs/lib> https://e.org/?a=b x: y: 1.5 "
    text += '{a="${"${b}"}$${c}\\${d}";} a//b ~/f'
    found = [(token.kind, token.text) for token in tokens(text)]
    assert (Kind.IDENT, "b-c'") in found
    assert (Kind.PATH, "./x/") in found
    assert (Kind.PATH, "/z.nix") in found
    assert (Kind.PATH, "<nixpkgs/lib>") in found
    assert (Kind.URI, "https://e.org/?a=b") in found
    assert (Kind.NUMBER, "1.5") in found
    assert (Kind.SYMBOL, "//") in found
    assert (Kind.PATH, "~/f") in found


def test_every_nix_file_of_ours_is_cut() -> None:
    root = Path(__file__).resolve().parents[3]
    files = [path for name in ("nix", "hooks", "tests") for path in (root / name).rglob("*.nix")]
    assert len(files) > 5
    for path in files:
        find_literals(path.read_text(encoding="utf-8"), str(path))


@given(st.text("ab\"'${}\\;=#/*\n ."))
def test_any_text_is_cut_whole_or_refused(text: str) -> None:
    try:
        found = list(tokens(text))
    except InputError:
        return
    end = 0
    for token in found:
        assert token.start >= end
        assert token.text == text[token.start : token.end]
        end = token.end
