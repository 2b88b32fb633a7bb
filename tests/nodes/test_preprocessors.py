"""Preprocessor nodes: each is the function it names, keeps batch and size, and stays in 0..1."""

from collections.abc import Callable

import pytest
import torch

from diffusion.preprocessors.canny import canny
from diffusion.preprocessors.colour import colour_blocks
from diffusion.preprocessors.line_art import line_art
from diffusion.preprocessors.luminance import luminance
from diffusion.preprocessors.scribble import scribble
from diffusion.preprocessors.segmentation import segmentation
from diffusion.preprocessors.soft_edge import soft_edge
from diffusion.preprocessors.tile import tile
from diffusion.values import Image, Mask
from graph.node import node_type_of
from nodes import preprocessors as nodes

PICTURES = Image(torch.rand(2, 40, 56, 4, generator=torch.Generator().manual_seed(0)))

PAIRS = [
    (nodes.canny_edges, lambda image: canny(image, 0.4, 0.8)),
    (nodes.soft_edges, lambda image: soft_edge(image, 2.0, 0.25)),
    (nodes.scribble_lines, lambda image: scribble(image, 3.0, 0.2, 2, 24)),
    (nodes.line_drawing, lambda image: line_art(image, 1.5, 0.015, 60.0)),
    (nodes.tile_blur, lambda image: tile(image, 8.0)),
    (nodes.color_blocks, lambda image: colour_blocks(image, 64)),
    (nodes.luminance_of, lambda image: luminance(image, "lightness", 1.0)),
    (nodes.segmentation_colors, segmentation),
]

each = pytest.mark.parametrize(("made_by", "formula"), PAIRS, ids=[pair[0].__name__ for pair in PAIRS])


@each
def test_a_node_is_its_function_with_its_defaults(made_by: Callable, formula: Callable) -> None:
    made = made_by(PICTURES)
    assert torch.equal(made.pixels, formula(PICTURES).pixels)
    assert made.pixels.shape == (2, 40, 56, 3)
    assert made.pixels.dtype == torch.float32
    assert made.pixels.min() >= 0
    assert made.pixels.max() <= 1


@each
def test_a_picture_does_not_depend_on_its_batch(made_by: Callable, formula: Callable) -> None:
    del formula
    alone = made_by(Image(PICTURES.pixels[1:]))
    assert torch.equal(alone.pixels[0], made_by(PICTURES).pixels[1])


def test_settings_are_passed_on_in_order() -> None:
    assert torch.equal(nodes.canny_edges(PICTURES, 0.1, 0.2).pixels, canny(PICTURES, 0.1, 0.2).pixels)
    assert torch.equal(nodes.soft_edges(PICTURES, 1.0, 0.5).pixels, soft_edge(PICTURES, 1.0, 0.5).pixels)
    assert torch.equal(nodes.scribble_lines(PICTURES, 1.0, 0.3, 1, 5).pixels, scribble(PICTURES, 1.0, 0.3, 1, 5).pixels)
    assert torch.equal(nodes.line_drawing(PICTURES, 2.0, 0.1, 5.0).pixels, line_art(PICTURES, 2.0, 0.1, 5.0).pixels)
    assert torch.equal(nodes.luminance_of(PICTURES, "luma", 2.0).pixels, luminance(PICTURES, "luma", 2.0).pixels)
    assert torch.equal(nodes.tile_blur(PICTURES, 2.0).pixels, tile(PICTURES, 2.0).pixels)
    assert torch.equal(nodes.color_blocks(PICTURES, 8).pixels, colour_blocks(PICTURES, 8).pixels)


def test_a_map_is_painted_and_masked() -> None:
    whole = nodes.paint_segmentation(PICTURES, Mask(torch.ones(1, 40, 56)), "sky")
    assert (nodes.segmentation_mask(whole, "sky").values == 1).all()
    assert (nodes.segmentation_mask(whole, "person").values == 0).all()


def test_canny_is_declared_as_the_field_knows_it() -> None:
    found = node_type_of(nodes.canny_edges)
    assert found is not None
    image, low, high = found.spec.inputs
    assert (found.spec.type, image.type, [output.type for output in found.spec.outputs]) == (
        "Canny",
        "IMAGE",
        ["IMAGE"],
    )
    assert (low.name, low.default, low.minimum, low.maximum, low.hints) == (
        "low_threshold",
        0.4,
        0.01,
        0.99,
        {"step": 0.01},
    )
    assert (high.name, high.default, high.minimum, high.maximum) == ("high_threshold", 0.8, 0.01, 0.99)
