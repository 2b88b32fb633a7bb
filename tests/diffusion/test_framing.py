"""Framing: where crops lie. Whatever is asked for, a crop holds the mask and has the target's proportions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffusion.framing import Framing, framed
from diffusion.values import Box

PICTURE = (300, 400)
"""(height, width)"""


def one(bounds: Box, framing: Framing, feather: int = 0, picture: tuple[int, int] = PICTURE) -> tuple:
    size, (box,) = framed([bounds], framing, feather, picture)
    return size, box


def test_a_crop_lies_around_its_mask_with_its_context() -> None:
    size, box = one(Box(100, 80, 64, 32), Framing(factor=1.5, margin=8, width=0, height=0))
    assert size == (64, 112)
    assert box == Box(100 + 32 - 56, 80 + 16 - 32, 112, 64)


@pytest.mark.parametrize(
    ("bounds", "x", "y"),
    [(Box(0, 0, 40, 40), 0, 0), (Box(360, 260, 40, 40), 320, 220), (Box(2, 130, 40, 40), 0, 110)],
)
def test_a_crop_that_would_leave_the_picture_is_moved_inside(bounds: Box, x: int, y: int) -> None:
    assert one(bounds, Framing(factor=2, width=0, height=0))[1] == Box(x, y, 80, 80)


def test_a_crop_gets_the_proportions_of_its_target() -> None:
    size, box = one(Box(150, 100, 100, 40), Framing(factor=1, width=512, height=512))
    assert size == (512, 512)
    assert box == Box(150, 70, 100, 100)
    assert one(Box(150, 100, 100, 40), Framing(factor=1, width=1024, height=512))[1] == Box(150, 95, 100, 50)


def test_a_side_that_is_not_named_follows_from_the_proportions() -> None:
    bounds = Box(100, 100, 80, 40)
    assert one(bounds, Framing(factor=1, width=512, height=0))[0] == (256, 512)
    assert one(bounds, Framing(factor=1, width=0, height=512))[0] == (512, 1024)


@pytest.mark.parametrize(("multiple", "size"), [(8, (504, 1000)), (64, (512, 1024)), (1, (500, 999))])
def test_sides_are_rounded_up_to_multiples(multiple: int, size: tuple[int, int]) -> None:
    assert one(Box(100, 100, 80, 40), Framing(width=999, height=500, multiple=multiple))[0] == size


def test_context_gives_way_before_the_picture_is_extended() -> None:
    """Three times the mask would be 300 × 300; the picture is only 200 high."""
    size, box = one(Box(150, 60, 100, 100), Framing(factor=3, width=512, height=512), picture=(200, 400))
    assert box == Box(100, 0, 200, 200)
    assert one(Box(10, 10, 50, 50), Framing(factor=9, width=0, height=0), picture=(70, 90))[1] == Box(0, 3, 88, 64)


def test_where_the_mask_itself_does_not_fit_the_box_reaches_beyond_the_picture() -> None:
    assert one(Box(0, 0, 400, 300), Framing(width=512, height=512))[1] == Box(0, -50, 400, 400)
    assert one(Box(0, 0, 60, 30), Framing(width=0, height=0), picture=(30, 60)) == ((32, 64), Box(-2, -1, 64, 32))


def test_crops_that_keep_their_size_all_have_the_largest() -> None:
    size, boxes = framed([Box(10, 10, 16, 40), Box(200, 200, 32, 8)], Framing(1, 0, 0, 0), 0, PICTURE)
    assert size == (40, 32)
    assert boxes == [Box(2, 10, 32, 40), Box(200, 184, 32, 40)]


sides = st.integers(1, 90)


@given(
    st.tuples(sides, sides),
    st.tuples(*[st.floats(0, 1)] * 4),
    st.floats(1, 5),
    st.integers(0, 20),
    st.tuples(st.integers(0, 120), st.integers(0, 120)),
    st.sampled_from([1, 8, 64]),
    st.integers(0, 12),
)
@settings(max_examples=300, deadline=None)
def test_every_crop_holds_the_mask_and_its_feather(picture, places, factor, margin, target, multiple, feather) -> None:
    height, width = picture
    x, y = int(places[0] * (width - 1)), int(places[1] * (height - 1))
    bounds = Box(x, y, 1 + int(places[2] * (width - x - 1)), 1 + int(places[3] * (height - y - 1)))
    framing = Framing(factor, margin, *target, multiple)
    size, box = one(bounds, framing, feather, picture)
    assert size[0] % multiple == size[1] % multiple == 0
    assert box.x <= max(bounds.x - feather, 0)
    assert box.y <= max(bounds.y - feather, 0)
    assert box.x + box.width >= min(bounds.x + bounds.width + feather, width)
    assert box.y + box.height >= min(bounds.y + bounds.height + feather, height)
    for start, length, side in ((box.x, box.width, width), (box.y, box.height, height)):
        assert (0 <= start <= side - length) if length <= side else (start == -((length - side) // 2))
    # Rounded to whole pixels, the proportions are those of the result.
    assert abs(box.width * size[0] - box.height * size[1]) <= max(size)
    if target == (0, 0):
        assert (box.height, box.width) == size
