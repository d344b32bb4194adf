"""A short run of the fuzz of ``generate`` in tests/fuzz, and what Nix reads of a few of its pairs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.generate_fuzz import evaluate, fuzz, seeds
from tests.support.stand import require_stand
from uvlock2nix.lock.logins import _index_key


def test_files_or_our_own_error(tmp_path: Path) -> None:
    ends = fuzz(200, 5, tmp_path, 0, seeds(None, 120_000))
    assert ends["finding"] == 0, [path.read_text() for path in tmp_path.glob("finding-*/WHY")]
    assert ends["files"] > 20
    assert sum(ends.values()) == 200


def test_an_index_that_is_no_url() -> None:
    """A finding: two swapped texts of a lock gave an index `http://[x`."""
    assert _index_key("https://[x/simple") == "https://[x/simple"
    assert _index_key("https://me:secret@index.example/simple/") == "index.example/simple"


@pytest.mark.stand
def test_nix_reads_what_was_meant(tmp_path: Path) -> None:
    require_stand("forky")
    fuzz(60, 6, tmp_path, 4, seeds(None, 120_000))
    assert evaluate(tmp_path) == {"as meant": 4}
