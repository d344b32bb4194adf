"""One build, the hash that is right, and every way in which that fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.fakenix import (
    FAKE_DRV,
    NAME,
    OTHER_DRV,
    FakeNix,
    NoNix,
    build_lines,
    drv_of,
    mismatch,
    msg,
    said,
)
from uvlock2nix.errors import NetworkError, ToolError
from uvlock2nix.nar import FAKE_HASH, Hash, fod_path
from uvlock2nix.nixrun.build import Built, Evaluated, Nix, find_hash
from uvlock2nix.nixrun.stream import Status

RIGHT = Hash("sha256", bytes(range(32)))
WRONG = Hash("sha256", bytes(range(1, 33)))
LIBXML2 = "/nix/store/00000000000000000000000000000000-libxml2-2.14.5"
FOD = "fixed-output derivation"


def found(fake: FakeNix, statuses: list[Status] | None = None) -> Built:
    nix = Nix(fake, on_status=(statuses if statuses is not None else []).append)
    return find_hash(nix, evaluator(nix))


def evaluator(nix: Nix) -> Callable[[Hash], Evaluated]:
    return lambda digest: nix.derivation(Path("/x.nix"), {"outputHash": digest.sri})


def test_one_build_and_the_store_proves_it() -> None:
    fake = FakeNix(RIGHT)
    statuses: list[Status] = []
    built = found(fake, statuses)
    assert (built.hash, built.builds, fake.builds) == (RIGHT, 1, 1)
    assert built.evaluated.key == "k1"
    assert Status(FAKE_DRV, "ok") in statuses


def test_what_the_wrong_hash_left_is_removed() -> None:
    fake = FakeNix(RIGHT)
    found(fake)
    seen = Path("/nix/store").is_dir()  # a store here that does not have the path: nothing to remove
    assert fake.deleted == ([] if seen else [fod_path(NAME, FAKE_HASH)])


def test_a_valid_path_is_never_removed() -> None:
    fake = FakeNix(RIGHT, valid={fod_path(NAME, FAKE_HASH)})
    assert not Nix(fake).discard_invalid(fod_path(NAME, FAKE_HASH))
    assert fake.deleted == []


def test_nothing_is_pasted_into_nix() -> None:
    fake = FakeNix(RIGHT)
    found(fake)
    evaluation = next(call for call in fake.calls if call[0] == "nix-instantiate")
    assert evaluation[-3:] == ["--argstr", "outputHash", FAKE_HASH.sri]


def test_a_remote_builder_keeps_the_output_so_a_second_build_proves() -> None:
    fake = FakeNix(RIGHT, remote=True)
    built = found(fake)
    assert (built.hash, built.builds, fake.builds) == (RIGHT, 2, 2)


def test_builds_that_differ_are_named() -> None:
    hashes = iter([WRONG, RIGHT])

    def build(put: Hash) -> tuple[int, list[str]]:
        return 102, [msg(mismatch(drv_of(put), put, next(hashes)))]

    with pytest.raises(ToolError, match="two builds of app-python-deps-k1 differ") as caught:
        found(FakeNix(RIGHT, build=build))
    assert WRONG.sri in caught.value.message
    assert RIGHT.sri in caught.value.message


def failing(lines: list[str], code: int = 1) -> FakeNix:
    return FakeNix(RIGHT, build=lambda _: (code, lines))


@pytest.mark.parametrize(
    "text",
    [
        f"illegal path references in {FOD} '{FAKE_DRV}'",
        (
            f"fixed-output derivations must not reference store paths: '{FAKE_DRV}' references 3 distinct"
            f" paths, e.g. '{LIBXML2}'"
        ),
        (
            f"the {FOD} '{FAKE_DRV}' must not reference store paths but 1 such references were found:\n"
            f"  {LIBXML2}"
        ),
    ],
)
def test_references_are_told_with_what_to_do(text: str) -> None:
    with pytest.raises(ToolError, match="refers to store paths") as caught:
        found(failing([msg(text)]))
    assert "stripReferencesHook" in caught.value.hint
    assert ("libxml2" in caught.value.message) == ("libxml2" in text)


def test_references_and_a_mismatch_at_once() -> None:
    refs = f"illegal path references in {FOD} '{FAKE_DRV}'"
    with pytest.raises(ToolError, match="refers to store paths") as caught:
        found(failing([msg(mismatch(FAKE_DRV, FAKE_HASH, RIGHT)), msg(refs)]))
    assert RIGHT.sri in caught.value.message


def test_references_before_2_16_a_success_without_a_path() -> None:
    with pytest.raises(ToolError, match="refers to store paths"):
        found(FakeNix(RIGHT, version="nix-store (Nix) 2.8.0", build=lambda _: (0, [])))


def test_a_mismatch_in_something_that_deps_needs_is_not_ours() -> None:
    with pytest.raises(ToolError, match=r"a different fixed-output derivation.*\n.*-source\.drv"):
        found(failing([msg(mismatch(OTHER_DRV, FAKE_HASH, WRONG)), msg("1 dependency failed")]))


def test_both_mismatch_and_ours_is_taken() -> None:
    fake = failing([msg(mismatch(OTHER_DRV, FAKE_HASH, WRONG)), msg(mismatch(FAKE_DRV, FAKE_HASH, RIGHT))])
    fake.valid.add(fod_path(NAME, RIGHT))
    assert found(fake).hash == RIGHT


def test_what_a_builder_says_is_not_believed() -> None:
    decoy = "error: " + mismatch(FAKE_DRV, FAKE_HASH, WRONG)
    lines = [said(decoy), *build_lines(FAKE_DRV, decoy.split("\n")), *decoy.split("\n")]
    fake = failing([*lines, msg(mismatch(FAKE_DRV, FAKE_HASH, RIGHT))])
    fake.valid.add(fod_path(NAME, RIGHT))
    assert found(fake).hash == RIGHT
    # Alone it leads nowhere: the second build does not bear it out.
    with pytest.raises(ToolError):
        found(failing(lines))


def test_a_builder_that_fails_cannot_name_an_old_hash() -> None:
    decoy = "error: " + mismatch(FAKE_DRV, FAKE_HASH, WRONG)
    fake = failed_builder(["compiling"])
    build = fake.build
    assert build is not None
    fake.build = lambda put: (1, [said(decoy), *decoy.split("\n"), *build(put)[1]])
    fake.valid.add(fod_path(NAME, WRONG))
    with pytest.raises(ToolError, match="failed with exit code 1"):
        found(fake)


def test_a_hash_in_a_plain_line_counts_when_the_store_has_it() -> None:
    fake = failing(("error: " + mismatch(FAKE_DRV, FAKE_HASH, RIGHT)).split("\n"))
    fake.valid.add(fod_path(NAME, RIGHT))
    assert found(fake).hash == RIGHT


def test_nix_2_3_talks_plainly() -> None:
    lines = [
        f"hash mismatch in {FOD} '{fod_path(NAME, RIGHT)}':",
        f"  wanted: sha256:{FAKE_HASH.nix32}",
        f"  got:    sha256:{RIGHT.nix32}",
    ]
    fake = FakeNix(RIGHT, version="nix-store (Nix) 2.3.16", build=lambda _: (102, lines))
    fake.valid.add(fod_path(NAME, RIGHT))
    assert found(fake).hash == RIGHT
    realise = next(call for call in fake.calls if "--realise" in call)
    assert "--log-format" not in realise
    assert "--no-build-output" in realise


def hidden(store: Path, names: dict[str, Hash]) -> FakeNix:
    """Nix 2.32.0: no ``got:``, because the path with that hash exists already."""
    fake = failing([msg(mismatch(FAKE_DRV, FAKE_HASH, None))])
    fake.version = "nix-store (Nix) 2.32.0"
    for name, digest in names.items():
        path = store / name
        path.mkdir()
        fake.hashes[str(path)] = digest
        fake.valid.add(str(path))
    return fake


def test_a_hidden_hash_is_found_in_the_store(tmp_path: Path) -> None:
    store = str(tmp_path)
    right = fod_path(NAME, RIGHT, store=store).rsplit("/", 1)[1]
    # A path that does not follow from its hash (an ordinary derivation's output) is no candidate.
    fake = hidden(tmp_path, {right: RIGHT, f"{'0' * 32}-{NAME}": WRONG})
    nix = Nix(in_store(fake, store))
    assert find_hash(nix, evaluator(nix)).hash == RIGHT


def test_a_hidden_hash_with_two_candidates_is_not_guessed(tmp_path: Path) -> None:
    store = str(tmp_path)
    names = {fod_path(NAME, one, store=store).rsplit("/", 1)[1]: one for one in (RIGHT, WRONG)}
    nix = Nix(in_store(hidden(tmp_path, names), store))
    with pytest.raises(ToolError, match="2 in the store could be it") as caught:
        find_hash(nix, evaluator(nix))
    assert "nix-store --delete" in caught.value.hint


def in_store(fake: FakeNix, store: str) -> FakeNix:
    """The same Nix with a different store directory."""
    plain = fake.run

    class Moved(FakeNix):
        def run(self, argv, on_line, *, env=None):  # type: ignore[no-untyped-def]
            back = [
                word.replace(f"{store}/", "/nix/store/") if word.endswith(".drv") else word for word in argv
            ]
            ran = plain(back, lambda line: on_line(line.replace("/nix/store/", f"{store}/")), env=env)
            return type(ran)(ran.code, ran.stdout.replace("/nix/store/", f"{store}/"))

    return Moved(fake.right)


def failed_builder(lines: list[str], drv: str = FAKE_DRV, code: int = 1) -> FakeNix:
    raw = (
        f"Cannot build '{drv}'.\nReason: builder failed with exit code {code}.\nOutput paths:\n  /nix/store/x"
    )
    return failing([*build_lines(drv, lines), msg(raw)])


@pytest.mark.parametrize(
    ("line", "kind", "hint"),
    [
        ("error: dns error: failed to lookup address information", NetworkError, "network"),
        ("error sending request for url (https://e.org/x.whl)", NetworkError, "proxy"),
        ("invalid peer certificate: UnknownIssuer", NetworkError, "NIX_SSL_CERT_FILE"),
        ("HTTP status client error (401 Unauthorized) for url", NetworkError, "NETRC"),
        ("src/lxml/etree.c:96:10: fatal error: libxml/xmlversion.h: No such file", ToolError, "libxml2"),
        ("/bin/ld: cannot find -lltdl: No such file or directory", ToolError, "libtool"),
        ("No package 'xmlsec1' found", ToolError, "xmlsec"),
        ("libxslt.so.1: cannot open shared object file: No such file", ToolError, "libxslt"),
        ("pg_config executable not found.", ToolError, "pg_config"),
        (
            "  | make sure the libxml2 and libxslt development packages are installed.",
            ToolError,
            "`libxml2`, `libxslt`",
        ),
        ("sh: line 1: cmake: command not found", ToolError, "native-build-inputs"),
        ("ModuleNotFoundError: No module named 'setuptools'", ToolError, "build-requires"),
        ("hint: run: uvlock2nix generate --python 3.12", ToolError, "generate --python 3.12"),
        ("OSError: [Errno 28] No space left on device", ToolError, "disk is full"),
        ("assertion failed", ToolError, "nix-store --read-log"),
    ],
)
def test_a_failed_builder_is_told_with_its_lines_and_what_to_do(
    line: str, kind: type[Exception], hint: str
) -> None:
    with pytest.raises(kind, match="failed with exit code 1; nothing was changed") as caught:
        found(failed_builder(["compiling", line]))
    error = caught.value
    assert isinstance(error, ToolError | NetworkError)
    assert (f"> {line}" in error.message) != line.startswith("hint:")  # that hint is shown once
    assert hint in error.hint


def test_a_network_error_inside_of_the_build_is_one_outside() -> None:
    lines = [
        "error: http://e.org/x.tar.gz: the server answered HTTP 401",
        "hint: the build needs the network",
    ]
    with pytest.raises(NetworkError, match="HTTP 401"):
        found(failed_builder(lines, code=5))
    with pytest.raises(ToolError):
        found(failed_builder(lines, code=1))
    with pytest.raises(ToolError):
        found(failed_builder(["a program of somebody else"], code=5))


def test_the_builder_that_failed_may_be_another() -> None:
    with pytest.raises(ToolError, match=r"the build of source \(which deps needs\) failed"):
        found(failed_builder(["oops"], OTHER_DRV))


@pytest.mark.parametrize(
    "raw",
    [
        f"a 'aarch64-linux' with features {{}} is required to build '{FAKE_DRV}', but I am a 'x86_64-linux'",
        f"Cannot build '{FAKE_DRV}'.\nReason: platform mismatch\nRequired system: 'aarch64-linux'",
        f"Cannot build '{FAKE_DRV}'.\nReason: required system or feature not available",
    ],
)
def test_no_builder_for_the_system(raw: str) -> None:
    with pytest.raises(ToolError, match="could not build") as caught:
        found(failing([msg(raw)]))
    assert "remote builder" in caught.value.hint


def test_control_characters_of_a_builder_do_not_reach_the_terminal() -> None:
    with pytest.raises(ToolError) as caught:
        found(failed_builder(["\x1b]0;title\x07\x1b[31mred\x1b[0m\x08\x07"]))
    assert "> red" in caught.value.message
    assert "\x1b" not in caught.value.message


def test_no_nix_is_told() -> None:
    with pytest.raises(ToolError, match="nix-store is not installed"):
        Nix(NoNix())


@pytest.mark.parametrize(
    ("text", "name", "number"),
    [
        ("nix-store (Nix) 2.3.16", "Nix", (2, 3, 16)),
        ("nix-store (Nix) 2.35.2pre20260101_abcdef", "Nix", (2, 35, 2)),
        ("nix-store (Lix, like Nix) 2.93.3", "Lix", (2, 93, 3)),
        ("nix-store (Determinate Nix 3.8.5) 2.30.2", "Determinate Nix", (2, 30, 2)),
        ("warning: x\nnix-store (Nix) 2.26\n", "Nix", (2, 26, 0)),
    ],
)
def test_versions(text: str, name: str, number: tuple[int, int, int]) -> None:
    version = Nix(FakeNix(RIGHT, version=text)).version
    assert (version.name, version.number) == (name, number)


@pytest.mark.parametrize(("text", "part"), [("nix-store (Nix) 2.2.2", "too old"), ("gibberish", "gibberish")])
def test_versions_that_are_refused(text: str, part: str) -> None:
    with pytest.raises(ToolError, match=part):
        Nix(FakeNix(RIGHT, version=text))


def test_a_damaged_structured_log_is_read_as_plain_lines() -> None:
    fake = failing(["@nix {", "@nix []", '@nix {"action": "msg"}', '@nix {"action": "result", "id": {}}'])
    with pytest.raises(ToolError, match="could not build"):
        found(fake)


def test_our_own_general_hint_gives_way_to_a_better_one() -> None:
    lines = [
        "  | fatal error: zlib.h: No such file",
        "hint: the lines above are the end of the program's output",
    ]
    with pytest.raises(ToolError) as caught:
        found(failed_builder(lines))
    assert "`zlib`" in caught.value.hint
