"""Which times build requirements are held back to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from uvlock2nix.errors import InputError
from uvlock2nix.held_back import RELEASED, Limits, attempts, limits, written
from uvlock2nix.target import latest_patch

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def tried(uploaded: str | None, minor: int, uv: str | None = None, own: str | None = None) -> list[str]:
    return [written(one) for one in attempts(uploaded, minor, limits(NOW, uv, own))]


def test_every_python_that_we_know_has_a_first_day() -> None:
    assert set(RELEASED) == set(latest_patch())


def test_the_first_time_is_the_sdist_s_own() -> None:
    assert tried("2025-06-01T10:00:00.5Z", 13) == ["2025-06-01T10:00:01Z", "2026-11-01T12:00:00Z"]


def test_never_before_the_target_s_python() -> None:
    assert tried("2014-06-16T11:18:57Z", 13)[0] == "2024-10-07T00:00:00Z"
    assert tried("2014-06-16T11:18:57Z", 9)[0] == "2020-10-05T00:00:00Z"


def test_without_a_time_it_is_now() -> None:
    assert tried(None, 13) == tried("nonsense", 13) == ["2026-11-01T12:00:00Z"]


def test_uv_s_own_limit_is_never_exceeded() -> None:
    assert tried("2025-06-01T00:00:00Z", 13, uv="2025-01-01T00:00:00Z") == ["2025-01-01T00:00:00Z"]
    assert tried("2026-06-01T00:00:00Z", 13, uv="2026-08-01") == [
        "2026-06-01T00:00:00Z",
        "2026-08-02T00:00:00Z",
    ]
    assert tried(None, 13, uv="1 week") == tried(None, 13, uv="P7D") == tried(None, 13, uv="P1W")
    assert tried(None, 13, uv="36 hours") == tried(None, 13, uv="P1DT12H") == ["2026-10-31T00:00:00Z"]
    assert tried(None, 13, uv="7d") == tried(None, 13, uv="1 week ago") == ["2026-10-25T12:00:00Z"]
    assert tried(None, 13, uv="1d, 12:00:00") == tried(None, 13, uv="36h") == ["2026-10-31T00:00:00Z"]
    # Without a time zone, it is the end of the day.
    assert tried(None, 13, uv="20260801") == ["2026-08-02T00:00:00Z"]
    assert tried(None, 13, uv="2026-08-01 10:00") == ["2026-08-02T00:00:00Z"]
    assert tried(None, 13, uv="9999-12-31") == ["2026-11-01T12:00:00Z"]
    assert tried(None, 13, uv="1234567d") == ["0001-01-01T00:00:00Z"]


def test_the_user_s_time_replaces_all() -> None:
    assert tried("2025-06-01T00:00:00Z", 13, "1 week", "2022-01-01T00:00:00Z") == ["2022-01-01T00:00:00Z"]


def test_the_limit_of_later_runs_does_not_move_what_has_a_time_of_its_own() -> None:
    for later in (NOW, NOW.replace(year=2027)):
        assert attempts("2025-06-01T00:00:00Z", 13, Limits(later))[0] == datetime(2025, 6, 1, tzinfo=UTC)


def test_what_is_no_time_is_refused() -> None:
    for text in ("P", "soon", "2026-13-01"):
        with pytest.raises(InputError, match="exclude-newer"):
            limits(NOW, text, None)


def test_where_nobody_holds_back_files_without_a_time_count() -> None:
    """uv leaves out files without an upload time if it is given any time; many indexes have none."""
    assert limits(NOW, None, None).now
    assert not limits(NOW, "1 week", None).now
