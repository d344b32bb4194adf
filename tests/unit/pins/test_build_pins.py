"""The locked build requirements as values: JSON both ways, keys, what each build reaches."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from uvlock2nix.build_pins import BuildPins, LockedBuild, PinnedFile, merge_files
from uvlock2nix.errors import InputError
from uvlock2nix.pins import Pins, parse_pins, render

LINUX = "x86_64-linux"


def sri(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def file(name: str, version: str = "1.0", **changes: object) -> PinnedFile:
    base = f"{name}-{version}-py3-none-any.whl"
    made = PinnedFile(base, name, version, sri(base), url=f"https://files.example.org/{base}", size=7)
    return made._replace(**changes)  # type: ignore[arg-type]


def build(name: str, *files: PinnedFile, **changes: object) -> LockedBuild:
    made = LockedBuild(
        name, "2.0", "0123456789abcdef", "2025-01-02T03:04:05Z", ("tool>=1",), tuple(f.key for f in files)
    )
    return made._replace(**changes)  # type: ignore[arg-type]


def sdist(name: str) -> PinnedFile:
    base = f"{name}-1.0.tar.gz"
    return PinnedFile(base, name, "1.0", sri(base), url=f"https://files.example.org/{base}#x")


@pytest.fixture
def pins() -> BuildPins:
    tool, other, ninja, source = file("tool"), file("other"), file("ninja"), sdist("plugin")
    local = file("vendored", url=None, path="vendor/vendored-1.0-py3-none-any.whl", size=None)
    return BuildPins(
        files=tuple(sorted((tool, other, ninja, source, local), key=lambda one: one.key)),
        packages=(
            ("aarch64-linux", (build("alpha", tool),)),
            (
                LINUX,
                (build("alpha", tool, asked=(ninja.key,)), build("beta", source, local, built=("lxml",))),
            ),
        ),
        sdists=((LINUX, (build(source.key, other),)),),
    )


def test_json_both_ways(pins: BuildPins) -> None:
    text = render(Pins(lock="0" * 64, build=pins))
    assert parse_pins(text.encode()).build == pins
    assert render(parse_pins(text.encode())) == text


def test_unknown_members_are_kept() -> None:
    whole = json.loads(render(Pins(lock="0" * 64, build=BuildPins((file("tool"),)))))
    whole["build"]["files"]["tool-1.0-py3-none-any.whl"]["signed"] = {"by": "me"}
    whole["build"]["later"] = 1
    again = json.loads(render(parse_pins(json.dumps(whole).encode())))
    assert again == whole


def test_a_build_reaches_what_builds_its_sdists(pins: BuildPins) -> None:
    beta = pins.builds(LINUX)["beta"]
    assert [one.name for one in pins.reached(beta, LINUX)] == ["other", "plugin", "vendored"]


def test_facts_say_what_decides_the_result_and_no_more(pins: BuildPins) -> None:
    alpha = pins.builds(LINUX)["alpha"]
    later = alpha._replace(time="2026-01-01T00:00:00Z", made_from="f" * 16)
    assert pins.facts(alpha, LINUX) == pins.facts(later, LINUX)
    assert pins.facts(alpha, LINUX) != pins.facts(alpha._replace(asked=()), LINUX)
    moved = pins._replace(
        files=tuple(
            one._replace(url="https://mirror.example.org/" + one.key, path=None) for one in pins.files
        ),
    )
    assert moved.facts(alpha, LINUX) == pins.facts(alpha, LINUX)


def test_one_system_alone_has_only_its_files(pins: BuildPins) -> None:
    only = (entry for entry in pins.packages if entry[0] == "aarch64-linux")
    arm = pins._replace(packages=tuple(only), sdists=()).without_unused()
    assert [one.name for one in arm.files] == ["tool"]
    assert (len(arm.packages), arm.sdists) == (1, ())


def test_two_files_of_one_name_have_two_keys() -> None:
    one, two = (
        file("tool"),
        file("tool", hash=sri("else"), url="https://other.example.org/tool-1.0-py3-none-any.whl"),
    )
    files, keys = merge_files(each._replace(key="") for each in (one, two, one))
    assert [each.key for each in files] == sorted(keys.values())
    assert len(files) == 2
    second = keys[two._replace(key="")]
    assert second.endswith("-tool-1.0-py3-none-any.whl")
    assert {each.filename for each in files} == {"tool-1.0-py3-none-any.whl"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"files": []}, '"build.files" must be an object'),
        ({"files": {"x.whl": {"name": "x", "version": "1", "hash": "sha256-x", "url": "u"}}}, "SRI form"),
        ({"files": {"x.whl": {"name": "x", "version": "1", "hash": sri("x")}}}, 'either "url" or "path"'),
        (
            {"files": {"../x": {"name": "x", "version": "1", "hash": sri("x"), "url": "u"}}},
            "is not a file name",
        ),
        ({"packages": {LINUX: {"a": {"version": "1", "from": "x", "time": "t"}}}}, "is not a digest"),
        (
            {"packages": {LINUX: {"a": {"version": "1", "from": "0" * 16, "time": "t", "files": ["y.whl"]}}}},
            "names files that do not exist: y.whl",
        ),
    ],
)
def test_damage_is_reported_with_its_place(change: dict[str, object], said: str) -> None:
    whole = {**json.loads(render(Pins(lock="0" * 64))), "build": change}
    with pytest.raises(InputError, match="damaged") as caught:
        parse_pins(json.dumps(whole).encode())
    assert said in caught.value.message
