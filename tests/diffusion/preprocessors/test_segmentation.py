"""Segmentation maps: colours of ADE20K's classes, there and back."""

import re

import numpy as np
import pytest
import torch

from diffusion.preprocessors.ade20k import COLOURS, LABELS
from diffusion.preprocessors.segmentation import class_mask, class_numbers, recoloured, segmentation
from diffusion.values import Image, Mask

LEVELS = np.array([[colour >> 16, colour >> 8 & 255, colour & 255] for colour in COLOURS.values()])


def swatches() -> Image:
    """All classes in a row, each two pixels wide."""
    return Image(torch.from_numpy(LEVELS.repeat(2, axis=0)).float()[None, None] / 255)


@pytest.mark.parametrize(
    ("number", "label", "colour"),
    [
        (0, "wall", (120, 120, 120)),
        (2, "sky", (6, 230, 230)),
        (4, "tree", (4, 200, 3)),
        (12, "person", (150, 5, 61)),
        (20, "car", (0, 102, 200)),
        (66, "flower", (255, 0, 0)),
        (126, "animal", (255, 0, 122)),
        (149, "flag", (92, 0, 255)),
    ],
)
def test_classes_have_their_numbers_and_colours(number: int, label: str, colour: tuple[int, ...]) -> None:
    assert (len(LABELS), LABELS[number]) == (150, label)
    assert tuple(LEVELS[number]) == colour


def test_colours_become_numbers_and_colours_again() -> None:
    numbers = class_numbers(swatches())[0, 0, ::2]
    expected = torch.arange(150)
    expected[LABELS.index("skyscraper")] = LABELS.index("road")
    assert torch.equal(numbers, expected)
    assert torch.equal(segmentation(swatches()).pixels, swatches().pixels)


def test_each_pixel_gets_the_nearest_colour() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (2, 12, 9, 3))
    distances = ((levels[..., None, :] - LEVELS) ** 2).sum(axis=-1)
    image = Image(torch.from_numpy(levels).float() / 255)
    assert np.array_equal(class_numbers(image).numpy(), distances.argmin(axis=-1))
    assert np.array_equal((segmentation(image).pixels * 255).round().numpy(), LEVELS[distances.argmin(axis=-1)])


def test_noise_that_leaves_a_colour_nearest_does_no_harm() -> None:
    noise = (torch.rand(swatches().pixels.shape, generator=torch.Generator().manual_seed(0)) - 0.5) * (3 / 255)
    assert torch.equal(segmentation(Image(swatches().pixels + noise)).pixels, swatches().pixels)


def test_a_mask_of_a_class_is_where_its_colour_is() -> None:
    mask = class_mask(swatches(), "tree").values
    assert mask.shape == (1, 1, 300)
    assert mask.nonzero()[:, 2].tolist() == [8, 9]
    both = [
        index
        for label in ("road", "skyscraper")
        for index in range(LABELS.index(label) * 2, LABELS.index(label) * 2 + 2)
    ]
    for label in ("road", "skyscraper"):
        assert class_mask(swatches(), label).values.nonzero()[:, 2].tolist() == both


def test_one_thing_is_made_another() -> None:
    made = recoloured(swatches(), class_mask(swatches(), "tree"), "car")
    assert class_mask(made, "tree").values.sum() == 0
    assert class_mask(made, "car").values.nonzero()[:, 2].tolist() == [8, 9, 40, 41]
    others = torch.ones(300, dtype=torch.bool)
    others[8:10] = False
    assert torch.equal(made.pixels[:, :, others], swatches().pixels[:, :, others])


def test_maps_are_drawn_from_masks() -> None:
    empty = Image(torch.zeros(2, 8, 8, 1))
    upper = torch.zeros(1, 4, 4)
    upper[:, :2] = 1
    drawn = recoloured(recoloured(empty, Mask(torch.ones(1, 8, 8)), "grass"), Mask(upper), "sky")
    assert drawn.pixels.shape == (2, 8, 8, 3)
    assert class_numbers(drawn)[1, :, 0].tolist() == [LABELS.index("sky")] * 4 + [LABELS.index("grass")] * 4


def test_an_unknown_class_is_named() -> None:
    with pytest.raises(ValueError, match=re.escape("There is no class 'skye'. Did you mean 'sky'?")):
        class_mask(swatches(), "skye")
    with pytest.raises(ValueError, match="The classes are those of ADE20K, such as wall, sky or person"):
        recoloured(swatches(), Mask(torch.ones(1, 1, 1)), "qqqq")
