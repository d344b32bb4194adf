"""Patterns are compiled when they are used; each has to be one."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys

import uvlock2nix
from uvlock2nix.regex import regex


def test_every_pattern_compiles() -> None:
    seen = 0
    for found in pkgutil.walk_packages(uvlock2nix.__path__, "uvlock2nix."):
        if found.name != "uvlock2nix.__main__":
            for value in vars(importlib.import_module(found.name)).values():
                for one in value if isinstance(value, tuple) else (value,):
                    if type(one) is type(regex("x")):
                        assert one.groups >= 0
                        seen += 1
    assert seen > 100


def test_it_is_used_as_a_compiled_pattern_is() -> None:
    one = regex(r"(?P<letter>[a-z])([0-9])?", re.IGNORECASE)
    expected = re.compile(r"(?P<letter>[a-z])([0-9])?", re.IGNORECASE)
    assert one.pattern == expected.pattern
    assert one.findall("aB3") == expected.findall("aB3") == [("a", ""), ("B", "3")]
    match = one.fullmatch("X7")
    assert match is not None
    assert match["letter"] == "X"
    assert regex(b"[0-9]+").sub(b"", b"a1b22") == b"ab"


def test_nothing_is_compiled_before() -> None:
    code = """
import re
def refuse(*given):
    raise SystemExit("compiled")
from uvlock2nix.regex import regex
real, re.compile = re.compile, refuse
one = regex("a+")
re.compile = real
assert one.match("aa")[0] == "aa"
re.compile = refuse
assert one.match("aaa")[0] == "aaa"
"""
    subprocess.run([sys.executable, "-c", code], check=True)
