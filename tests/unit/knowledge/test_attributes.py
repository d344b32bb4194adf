"""Every attribute name that can reach a generated file was checked against nixpkgs, and exists."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from uvlock2nix.knowledge.attributes import as_of, judged, judged_attributes, library_folder
from uvlock2nix.knowledge.native_table import native_table
from uvlock2nix.knowledge.platforms import is_linux_only
from uvlock2nix.knowledge.tables import DATA
from uvlock2nix.knowledge.templates import Output
from uvlock2nix.run_inputs import SYSTEM_LIBRARIES
from uvlock2nix.target import PREFERRED

LISTS = ("build_inputs", "native_build_inputs", "dlopen", "wheel_runtime_libs")
NAMESPACES = ("pkg-config", "linker", "cmake", "interpreters", "programs", "headers", "crates")
# Attributes that the emitter itself writes.
OWN = ("cacert", "git", "uv")


def table(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DATA / name).read_text())
    return loaded


def from_native() -> Iterator[tuple[str, str]]:
    for name, rows in native_table().entries.items():
        for _, row in rows:
            for part in (row.build, row.run):
                for key in LISTS:
                    yield from ((f"native.json {name} {key}", attr) for attr in getattr(part, key, ()))
            for variable, template in row.build.env:
                for hole in template:
                    if isinstance(hole, Output):
                        yield f"native.json {name} env {variable}", hole.attr


def from_libraries() -> Iterator[tuple[str, str]]:
    raw = table("libraries.json")
    for kind in NAMESPACES:
        yield from ((f"libraries.json {kind} {key}", attr) for key, attr in raw[kind].items())
    for key, attrs in raw["generic"].items():
        yield from ((f"libraries.json generic {key}", attr) for attr in attrs)
    for key, attrs in raw["typelibs"].items():
        yield from ((f"libraries.json typelibs {key}", attr) for attr in attrs)
    for attr, others in raw["companions"].items():
        yield from ((f"libraries.json companions {attr}", one) for one in (attr, *others))


def used() -> Iterator[tuple[str, str]]:
    yield from from_native()
    yield from from_libraries()
    yield from ((f"sonames.json {soname}", attr) for soname, attr in table("sonames.json")["sonames"].items())
    platforms = table("platforms.json")
    yield from (("platforms.json linux_only", attr) for attr in platforms["linux_only"])
    yield from (("platforms.json linux_only_sets", attr) for attr in platforms["linux_only_sets"])
    for name, more in platforms["darwin"].items():
        yield from ((f"platforms.json {name}", attr) for key in LISTS for attr in more.get(key, ()))
    yield from (("attr-renames.json", attr) for attr in table("attr-renames.json")["renames"])
    yield from (("emit", attr) for attr in (*SYSTEM_LIBRARIES, *OWN))


def without_output(attr: str) -> str:
    """``hdf5.dev`` is judged as ``hdf5``, where it has such an output."""
    name, _, output = attr.rpartition(".")
    found = judged(name)
    return name if found is not None and output in found.outputs else attr


def test_every_name_is_judged_and_there() -> None:
    rows = list(used())
    assert len({attr for _, attr in rows}) > 600
    unjudged = {f"{where}: {attr}" for where, attr in rows if judged(without_output(attr)) is None}
    assert unjudged == set()
    gone = {f"{where}: {attr}" for where, attr in rows if (one := judged(attr)) is not None and one.gone}
    assert gone == set()


def test_a_name_outside_of_the_table_is_noticed() -> None:
    """The check above can fail: what the table of names was corrected from is not in it."""
    for attr in ("libisal", "uchardet", "libkml", "rdkit", "wlroots", "xxHash"):
        assert judged(without_output(attr)) is None
    assert without_output("libjpeg_turbo.nonsense") == "libjpeg_turbo.nonsense"
    assert without_output("SDL2.dev") == "SDL2"


def test_the_table_is_dated() -> None:
    year, _, month = as_of().partition("-")
    assert int(year) >= 2026
    assert 1 <= int(month) <= 12


def test_what_is_known_of_single_attributes() -> None:
    gone = {name: one.gone for name, one in judged_attributes().items() if one.gone}
    assert gone.items() >= {"wlroots_0_17": "26.05", "wolfssl": "26.05", "python310": "26.05"}.items()
    new = {name for name, one in judged_attributes().items() if one.since == "26.05"}
    assert new >= {"libxtst", "libxi", "libxft", "unixodbc", "xxhash", "libxcb-cursor"}
    refused = {name: one.refused for name, one in judged_attributes().items() if one.refused}
    assert (refused["unrar"], refused["olm"]) == ("unfree", "insecure")
    assert refused["cudaPackages.nccl"] == "unfree"
    assert (library_folder("R"), library_folder("jdk")) == ("lib/R/lib", "lib/openjdk/lib/server")
    assert library_folder("zlib") == library_folder("nobody-knows") == "lib"


def test_a_new_name_has_its_older_one() -> None:
    """What 25.11 lacks exists there under a different name, which the emitted file falls back to."""
    renames = table("attr-renames.json")["renames"]
    new = {name for name, one in judged_attributes().items() if one.since == "26.05"}
    assert {name for name in new if name not in renames} == {"python315", "wlroots_0_20"}


@pytest.mark.parametrize(
    "attr",
    [
        "libGL",
        "libGLU",
        "libuuid",
        "gammu",
        "snap7",
        "apt",
        "audit",
        "aubio",
        "libdnet",
        "libvlc",
        "lksctp-tools",
        "networkmanager",
        "polkit",
    ],
)
def test_what_is_null_or_missing_on_darwin_is_for_linux_only(attr: str) -> None:
    assert is_linux_only(attr)


@pytest.mark.parametrize("minor", PREFERRED)
def test_every_python_that_we_offer_is_judged(minor: str) -> None:
    assert judged("python" + minor.replace(".", "")) is not None
