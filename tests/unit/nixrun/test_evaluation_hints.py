"""The errors if Nix cannot evaluate a generated file: each hint helps."""

from __future__ import annotations

import pytest

from uvlock2nix.nixrun.hints import evaluation_error, naming_packages

CALL_PACKAGE = (
    "error: evaluation aborted with the following error message: 'lib.customisation.callPackageWith: Function"
    ' called without required argument "{name}" at /home/me/app/nix/python-deps.nix:7, did you mean'
    ' "python311", "python312" or "python313"?\''
)
UNFREE = """error:
       … while evaluating the attribute 'buildInputs'
       error: Package ‘unrar-7.1.9’ in /nix/store/x/pkgs/by-name/un/unrar/package.nix:54 has an unfree license
       (‘unfreeRedistributable’), refusing to evaluate.

       a) To temporarily allow unfree packages, you can use an environment variable
          for a single invocation of the nix tools.

            $ export NIXPKGS_ALLOW_UNFREE=1
"""


def said(text: str) -> tuple[str, str]:
    error = evaluation_error(text.splitlines())
    assert error.hint is not None
    return error.message, error.hint


@pytest.mark.parametrize(
    "text",
    [
        CALL_PACKAGE.format(name="libx11"),
        "error: function 'anonymous lambda' called without required argument 'libx11'",
        "error: attribute 'libx11' missing",
    ],
)
def test_a_missing_attribute_with_its_older_name(text: str) -> None:
    _, hint = said(text)
    assert "this nixpkgs has no `libx11` (older releases call it `xorg.libX11`)" in hint
    assert "[tool.uvlock2nix.native.<package>]" in hint


def test_a_missing_attribute_with_the_packages_that_need_it() -> None:
    needs = {"libx11": ("python-xlib", "tk"), "libpq.pg_config": ("psycopg-c",), "zlib": ("lxml",)}
    named = naming_packages(evaluation_error([CALL_PACKAGE.format(name="libx11")]), needs)
    assert "no `libx11` (older releases call it `xorg.libX11`), which python-xlib, tk needs." in named.hint
    assert "[tool.uvlock2nix.native.python-xlib]" in named.hint
    inner = naming_packages(evaluation_error(["error: attribute 'pg_config' missing"]), needs)
    assert "[tool.uvlock2nix.native.psycopg-c]" in inner.hint
    for other in (CALL_PACKAGE.format(name="glib"), "error: syntax error"):
        error = evaluation_error([other])
        assert naming_packages(error, needs) is error


def test_the_hooks_are_no_attributes_of_nixpkgs() -> None:
    _, hint = said(CALL_PACKAGE.format(name="uvSyncHook"))
    assert "overlay" in hint


def test_our_own_throw_is_told_as_message_and_hint() -> None:
    message, hint = said(
        "error:\n       … while calling the 'throw' builtin\n"
        "       error: demo: this nixpkgs has no `libfoo`, which bar needs. Use a nixpkgs that has it,"
        " or name a replacement under [tool.uvlock2nix.native.bar] in pyproject.toml"
        " and run: uvlock2nix generate"
    )
    assert message == "demo: this nixpkgs has no `libfoo`, which bar needs"
    assert hint.startswith("Use a nixpkgs that has it")
    assert hint.endswith("uvlock2nix generate")


def test_what_nixpkgs_refuses_is_allowed_by_its_variable() -> None:
    message, hint = said(UNFREE)
    assert "unrar-7.1.9" in message
    assert "`NIXPKGS_ALLOW_UNFREE=1 uvlock2nix update-hash`" in hint


def test_a_file_of_another_version() -> None:
    _, hint = said("error: function 'anonymous lambda' called with unexpected argument 'skipLockCheck'")
    assert "generate" in hint
