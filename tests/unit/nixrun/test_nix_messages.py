"""What Nix prints, read by pure functions; the transcripts are in tests/data/nix_messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from uvlock2nix.nar import FAKE_HASH, Hash, fod_path, parse_hash
from uvlock2nix.nixrun.messages import (
    BuilderFailed,
    ElseWhere,
    Failed,
    Found,
    HasReferences,
    Hidden,
    InvalidPath,
    Message,
    Mismatch,
    References,
    Wanted,
    judge,
    read_error,
    read_messages,
)

DATA = Path(__file__).resolve().parents[2] / "data" / "nix_messages"
SAMPLES: list[dict[str, Any]] = json.loads((DATA / "samples.json").read_text())["samples"]
DRV = "/nix/store/23gcxzsmhbx8s2bclvdl2cxgcpvgfhyg-app-python-deps-1.0.drv"
NAME = "app-python-deps-1.0"
GOT = parse_hash("sha256-DtpcYQyI07m7v84D/UC28Tj35R9wye6IX+1D0gMZPgY=")
OTHER = parse_hash("sha256-LrMcmnMz3ThilzFlYaqU65DU3NYAiVrnwpa1N9UVsSg=")
WANTED = Wanted(DRV, NAME, fod_path(NAME, FAKE_HASH))
SAMPLE_OUT = "/nix/store/ivd3sv3armx5bgywbrxsmhgkx062hn92-app-python-deps-1.0"
SAMPLE_PRODUCED = "/nix/store/w2w1cs0lv2i4y3yvrc2831pz4aslmhgi-app-python-deps-1.0"


def messages_of(sample: dict[str, Any], replaced: str = "", by: str = "") -> tuple[Message, ...]:
    if sample.get("json"):
        return (read_error(json.loads(sample["text"].removeprefix("@nix "))["raw_msg"]),)
    return read_messages(sample["text"].replace(replaced, by) if replaced else sample["text"])


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample["id"] for sample in SAMPLES])
def test_every_transcript_is_read(sample: dict[str, Any]) -> None:
    messages = messages_of(sample)
    got = [
        m.got
        for m in messages
        if isinstance(m, Mismatch) and m.subject in (sample.get("want_drv"), m.subject)
    ]
    if sample["got"] is None:
        assert not got
    else:
        assert got[-1] == parse_hash(sample["got"])
    subjects = [
        m.subject for m in messages if isinstance(m, Mismatch | References) and m.subject.endswith(".drv")
    ]
    if sample["drv"]:
        assert subjects[-1] == sample["drv"]
    if sample.get("refs"):
        assert any(isinstance(m, References | InvalidPath) for m in messages)


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample["id"] for sample in SAMPLES])
def test_every_transcript_is_judged(sample: dict[str, Any]) -> None:
    out = SAMPLE_OUT if sample["drv"] is None else WANTED.out
    name = "app-python-deps" if sample["id"].startswith("flat") else NAME
    # Nix before 2.4 names the produced path, which follows from the hash; in the samples it is made up.
    messages = messages_of(sample, SAMPLE_PRODUCED, WANTED.path(GOT))
    verdict = judge(messages, Wanted(DRV, name, out))
    if sample.get("refs"):
        assert isinstance(verdict, HasReferences)
    elif sample["got"] is None:
        assert isinstance(verdict, Failed)
    else:
        assert verdict == Found((GOT,))


def test_a_produced_path_that_does_not_follow_from_the_hash_is_not_ours() -> None:
    sample = next(sample for sample in SAMPLES if sample["id"] == "nix-2.2..2.3")
    verdict = judge(read_messages(sample["text"]), WANTED)
    assert isinstance(verdict, ElseWhere)


def mismatch(drv: str, got: Hash) -> str:
    return (
        f"error: hash mismatch in fixed-output derivation '{drv}':\n"
        f"         specified: {FAKE_HASH.sri}\n            got:    {got.sri}\n"
    )


def test_a_hash_of_another_derivation_is_never_taken() -> None:
    other = "/nix/store/11111111111111111111111111111111-source.drv"
    verdict = judge(read_messages(mismatch(other, OTHER)), WANTED)
    assert verdict == ElseWhere(Mismatch(other, OTHER, FAKE_HASH))


def test_lines_that_nix_shows_from_a_builders_log_are_no_messages() -> None:
    echoed = mismatch(DRV, OTHER).splitlines()
    shown = "\n".join(f"       > {line}" for line in echoed)
    indented = "\n".join(f"  {line}" for line in echoed)
    prefixed = "\n".join(f"app-python-deps> {line}" for line in echoed)
    for text in (shown, indented, prefixed):
        failed = f"error: builder for '{DRV}' failed with exit code 1;\n       last 10 log lines:\n{text}\n"
        assert judge(read_messages(failed), WANTED) == Failed(BuilderFailed(DRV, "with exit code 1"), ())
        assert judge(read_messages(text + "\n" + mismatch(DRV, GOT)), WANTED) == Found((GOT,))


def test_two_hashes_for_ours_are_doubtful() -> None:
    verdict = judge(read_messages(mismatch(DRV, OTHER) + mismatch(DRV, GOT)), WANTED)
    assert verdict == Found((OTHER, GOT))
    assert isinstance(verdict, Found)
    assert verdict.doubtful


def test_references_win_over_a_hash() -> None:
    refs = (
        f"error: fixed-output derivations must not reference store paths: '{DRV}' references 3 distinct"
        " paths, e.g. '/nix/store/00000000000000000000000000000000-libxml2-2.14.5'\n"
    )
    verdict = judge(read_messages(mismatch(DRV, GOT) + refs), WANTED)
    assert verdict == HasReferences("/nix/store/00000000000000000000000000000000-libxml2-2.14.5", GOT)


def test_a_valid_path_hides_the_hash() -> None:
    text = f"error: hash mismatch in fixed-output derivation '{DRV}':\n         specified: {FAKE_HASH.sri}\n"
    assert judge(read_messages(text), WANTED) == Hidden()


def test_new_wording_of_a_failed_builder() -> None:
    text = (
        f"error: Cannot build '{DRV}'.\n       Reason: builder failed with exit code 3.\n"
        "       Output paths:\n         /nix/store/x\n       Last 3 log lines:\n       > error: no route\n"
    )
    assert judge(read_messages(text), WANTED) == Failed(BuilderFailed(DRV, "with exit code 3"), ())


def test_a_mismatch_with_a_damaged_hash_is_hidden_and_not_guessed() -> None:
    text = mismatch(DRV, GOT).replace(GOT.sri, GOT.sri[:-4])
    assert judge(read_messages(text), WANTED) == Hidden()


def test_nothing_printed() -> None:
    assert read_messages("") == ()
    assert judge((), WANTED) == Failed(None, ())


def test_a_structured_error_is_one_message_whatever_lines_it_quotes() -> None:
    quoted = mismatch(DRV, OTHER).removeprefix("error: ")
    raw = f"Cannot build '{DRV}'.\nReason: builder failed with exit code 1.\nLast 9 log lines:\n> a\n{quoted}"
    assert read_error(raw) == BuilderFailed(DRV, "with exit code 1")
