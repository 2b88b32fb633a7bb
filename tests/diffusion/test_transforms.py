import numpy as np
import pytest
import torch
from PIL import Image as PilImage
from PIL import ImageOps

from diffusion import transforms
from diffusion.resize import resize
from diffusion.values import Image

WHITE, RED = (1.0, 1.0, 1.0), (1.0, 0.0, 0.0)


def random_image(*shape: int, seed: int = 1, **facts) -> Image:
    levels = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed))
    return Image(levels / 255, **facts)


def pillow(image: Image, item: int = 0) -> PilImage.Image:
    return PilImage.fromarray((image.pixels[item] * 255).round().byte().numpy())


def same(image: Image, picture: PilImage.Image, item: int = 0) -> bool:
    return np.array_equal(np.asarray(pillow(image, item)), np.asarray(picture))


@pytest.mark.parametrize(
    ("width", "height", "x", "y", "box"),
    [
        (3, 2, 1, 4, (1, 4, 4, 6)),
        (99, 99, 2, 1, (2, 1, 7, 6)),
        (4, 4, 99, 99, (6, 5, 7, 6)),
        (1, 1, 0, 0, (0, 0, 1, 1)),
    ],
)
def test_cropped_is_pillows_crop_within_the_picture(width, height, x, y, box):
    image = random_image(2, 6, 7, 3)
    assert same(transforms.cropped(image, width, height, x, y), pillow(image, 1).crop(box), 1)


@pytest.mark.parametrize(
    ("turns", "way"),
    [(1, PilImage.Transpose.ROTATE_270), (2, PilImage.Transpose.ROTATE_180), (3, PilImage.Transpose.ROTATE_90)],
)
def test_turned_is_pillows_turn_clockwise(turns, way):
    image = random_image(2, 6, 7, 3, spacing=(1.0, 2.0))
    turned = transforms.turned(image, turns)
    assert same(turned, pillow(image).transpose(way))
    assert turned.spacing == ((2.0, 1.0) if turns % 2 else (1.0, 2.0))
    assert torch.equal(transforms.turned(image, 0).pixels, image.pixels)


def test_flipped_is_pillows_flip():
    image = random_image(2, 6, 7, 4)
    assert same(transforms.flipped(image, vertically=True), ImageOps.flip(pillow(image)))
    assert same(transforms.flipped(image, vertically=False), ImageOps.mirror(pillow(image)))


@pytest.mark.parametrize(
    ("size", "megapixels", "expected"),
    [((512, 512), 1.0, (1024, 1024)), ((64, 32), 0.01, (145, 72)), ((1, 4096), 0.01, (2, 6554))],
)
def test_scaled_to_area(size, megapixels, expected):
    scaled = transforms.scaled_to_area(random_image(1, *size, 1), megapixels, "bilinear")
    assert scaled.pixels.shape[1:3] == expected
    assert scaled.pixels.shape[1] * scaled.pixels.shape[2] == pytest.approx(megapixels * 2**20, rel=0.3)


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [((8, 16), 4, (2, 4)), ((16, 8), 4, (4, 2)), ((9, 9), 5, (5, 5)), ((1, 99), 2, (1, 2))],
)
def test_scaled_to_side(size, side, expected):
    assert transforms.scaled_to_side(random_image(1, *size, 3), side, "area").pixels.shape[1:3] == expected


def test_scaled_to_side_nought_is_the_picture_itself():
    image = random_image(1, 4, 6, 3)
    assert transforms.scaled_to_side(image, 0, "area") is image


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_framed_keeps_proportions_and_centres(channels):
    image = random_image(2, 8, 16, channels)
    framed = transforms.framed(image, 9, 11, WHITE, "area").pixels
    assert framed.shape == (2, 11, 9, channels)
    # 9 / 16 of 8 rows are 4 whole ones; 3 rows of margin above, 4 below
    expected = resize(image.pixels.movedim(-1, 1), 4, 9, "area").movedim(1, -1)
    assert torch.equal(framed[:, 3:7], expected)
    assert (framed[:, :3] == 1).all()
    assert (framed[:, 7:] == 1).all()


def test_framed_fills_with_the_black_of_the_range_and_opaque_alpha():
    measured = transforms.framed(Image(torch.full((1, 2, 2, 1), 15.0), range=(10.0, 20.0)), 4, 2, (0.0,) * 3, "area")
    assert measured.pixels[0, 0, :, 0].tolist() == [10.0, 15.0, 15.0, 10.0]
    clear = transforms.framed(Image(torch.zeros(1, 2, 2, 4)), 4, 2, RED, "area")
    assert clear.pixels[0, 0].tolist() == [[1, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 1]]


@pytest.mark.parametrize(
    ("direction", "order", "axis"),
    [("right", (0, 1), 1), ("left", (1, 0), 1), ("down", (0, 1), 0), ("up", (1, 0), 0)],
)
def test_stitched_lies_where_it_is_asked_with_a_gap(direction, order, axis):
    pair = random_image(1, 4, 4, 3), random_image(1, 4, 4, 3, seed=2)
    made = transforms.stitched(*pair, direction, match=True, spacing=3, colour=RED).pixels[0].numpy()
    gap = np.tile(np.float32(RED), (4, 4, 1))  # 3 becomes 4
    parts = [pair[order[0]].pixels[0].numpy(), gap, pair[order[1]].pixels[0].numpy()]
    assert np.array_equal(made, np.concatenate(parts, axis=axis))


def test_stitched_matches_sizes_in_proportion():
    first, second = random_image(1, 8, 6, 3), random_image(1, 4, 5, 3, seed=2)
    made = transforms.stitched(first, second, "right", match=True, spacing=0, colour=WHITE).pixels
    assert made.shape == (1, 8, 16, 3)
    expected = resize(second.pixels.movedim(-1, 1), 8, 10, "lanczos").movedim(1, -1)
    assert torch.equal(made[:, :, 6:], expected)
    made = transforms.stitched(first, second, "up", match=True, spacing=0, colour=WHITE).pixels
    assert made.shape == (1, 12, 6, 3)  # 6 · 4 / 5 = 4.8: 4 whole rows


def test_stitched_without_matching_centres_the_smaller_on_the_colour():
    first, second = random_image(1, 3, 2, 3), random_image(1, 6, 4, 3, seed=2)
    made = transforms.stitched(first, second, "right", match=False, spacing=0, colour=RED).pixels[0]
    assert made.shape == (6, 6, 3)
    assert torch.equal(made[1:4, :2], first.pixels[0])
    assert torch.equal(made[:, 2:], second.pixels[0])
    for row in (0, 4, 5):
        assert made[row, :2].tolist() == [list(RED)] * 2


def test_stitched_batches_go_on_with_their_last_picture_and_channels_are_joined():
    first, second = random_image(3, 2, 2, 4), random_image(2, 2, 2, 1, seed=2)
    made = transforms.stitched(first, second, "down", match=True, spacing=0, colour=WHITE).pixels
    assert made.shape == (3, 4, 2, 4)
    for item, other in ((0, 0), (1, 1), (2, 1)):
        assert torch.equal(made[item, :2], first.pixels[item])
        assert torch.equal(made[item, 2:, :, :3], second.pixels[other].expand(2, 2, 3))
        assert (made[item, 2:, :, 3] == 1).all()


def test_grey_pictures_get_colours_only_for_a_coloured_gap():
    pair = random_image(1, 2, 2, 1), random_image(1, 2, 2, 1, seed=2)
    assert transforms.stitched(*pair, "right", match=True, spacing=2, colour=WHITE).pixels.shape[3] == 1
    made = transforms.stitched(*pair, "right", match=True, spacing=2, colour=RED).pixels
    assert made[0, 0, 2].tolist() == list(RED)


def test_stitched_takes_the_range_of_the_first():
    first = Image(torch.tensor([0.0, 100.0]).reshape(1, 1, 2, 1), range=(0.0, 100.0))
    second = Image(torch.tensor([0.0, 1.0]).reshape(1, 1, 2, 1))
    made = transforms.stitched(first, second, "right", match=True, spacing=0, colour=WHITE)
    assert made.range == (0.0, 100.0)
    assert made.pixels.flatten().tolist() == [0.0, 100.0, 0.0, 100.0]


@pytest.mark.parametrize(("start", "length", "kept"), [(1, 2, [1, 2]), (2, 9, [2, 3]), (9, 9, [3]), (0, 1, [0])])
def test_picked_gives_what_there_is(start, length, kept):
    image = random_image(4, 2, 2, 3)
    assert torch.equal(transforms.picked(image, start, length).pixels, image.pixels[kept])


def test_repeated_goes_through_the_whole_batch():
    image = random_image(2, 2, 2, 3)
    assert torch.equal(transforms.repeated(image, 2).pixels, image.pixels[[0, 1, 0, 1]])
