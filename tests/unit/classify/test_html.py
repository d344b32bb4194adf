import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvlock2nix.classify.packages import CLASSES
from uvlock2nix.cli.classify_html import COLORS, squarify

SIZES = st.lists(st.integers(1, 10**9), max_size=40).map(lambda s: sorted(s, reverse=True))


@given(SIZES, st.floats(10, 2000), st.floats(10, 2000))
def test_boxes_fill_the_map_in_proportion_and_do_not_overlap(
    sizes: list[int], width: float, height: float
) -> None:
    boxes = squarify(sizes, width, height)
    assert [box.index for box in boxes] == list(range(len(sizes)))
    for box in boxes:
        share = sizes[box.index] / sum(sizes)
        assert box.width * box.height == pytest.approx(share * width * height, rel=1e-6)
        assert box.x >= -1e-6
        assert box.y >= -1e-6
        assert box.x + box.width <= width * (1 + 1e-6)
        assert box.y + box.height <= height * (1 + 1e-6)
    for first in boxes:
        for second in boxes[first.index + 1 :]:
            wide = min(first.x + first.width, second.x + second.width) - max(first.x, second.x)
            high = min(first.y + first.height, second.y + second.height) - max(first.y, second.y)
            assert wide <= 1e-6 * width or high <= 1e-6 * height


def test_equal_sizes_are_near_squares() -> None:
    boxes = squarify([1] * 12, 400, 300)
    assert all(max(b.width / b.height, b.height / b.width) < 1.5 for b in boxes)


def test_every_class_has_a_colour_of_its_own() -> None:
    assert set(COLORS) == set(CLASSES)
    assert len(set(COLORS.values())) == len(CLASSES)
