"""Where the seconds go."""

from collections.abc import Iterator

from uvlock2nix.app.timings import Timings


def ticking() -> Iterator[float]:
    yield from (0.0, 1.0, 4.0, 6.0, 10.0, 10.5)


def test_a_piece_inside_another_is_counted_once() -> None:
    ticks = ticking()
    timings = Timings(lambda: next(ticks))
    inner = timings.counted("evaluating", lambda number: number + 1)
    with timings.part("building"):
        assert inner(1) == 2
    with timings.part("writing"):
        pass
    assert timings.seconds == {"evaluating": 3.0, "building": 3.0, "writing": 0.5}
    assert timings.words() == "3.00 s evaluating, 3.00 s building, 0.50 s writing"
