"""Nodes that make what a ControlNet or T2I-Adapter looks at from a picture, without any model."""

from typing import Annotated, Literal

from annotated_types import Ge, Le

from diffusion.preprocessors.ade20k import LABELS
from diffusion.values import Image, Mask
from graph.node import Help, Hint, OneOf, node

CATEGORY = "image/preprocessors"

Threshold = Annotated[float, Ge(0.01), Le(0.99), Hint(step=0.01)]
Sigma = Annotated[float, Ge(0.3), Le(32.0), Hint(step=0.1)]
Label = Annotated[str, OneOf(LABELS), Help("A class of ADE20K.")]


@node("Canny", category=CATEGORY)
def canny_edges(
    image: Image,
    low_threshold: Annotated[Threshold, Help("Weaker edges are left out.")] = 0.4,
    high_threshold: Annotated[
        Threshold, Help("Lines begin at edges above this, and follow them down to the low threshold.")
    ] = 0.8,
) -> Image:
    """Draw thin white lines on black along the edges. For ControlNets and adapters of the kind canny (of a union
    ControlNet: canny/lineart/anime_lineart/mlsd).
    """
    from diffusion.preprocessors.canny import canny

    return canny(image, low_threshold, high_threshold)


@node("SoftEdgePreprocessor", category=CATEGORY, title="Soft Edges")
def soft_edges(
    image: Image,
    sigma: Annotated[Sigma, Help("Half the width of the lines, in pixels; finer detail vanishes.")] = 2.0,
    contrast: Annotated[
        float, Ge(0.01), Le(2.0), Hint(step=0.01), Help("How strong an edge is drawn bright; less draws more.")
    ] = 0.25,
) -> Image:
    """Draw edges as soft white lines on black, the clearer the brighter. For ControlNets of the kind soft edge (HED,
    PiDiNet; of a union ControlNet: hed/pidi/scribble/ted).
    """
    from diffusion.preprocessors.soft_edge import soft_edge

    return soft_edge(image, sigma, contrast)


@node("ScribbleLinesPreprocessor", category=CATEGORY, title="Scribble")
def scribble_lines(
    image: Image,
    sigma: Annotated[Sigma, Help("In pixels; the larger, the fewer and coarser the strokes.")] = 3.0,
    contrast: Annotated[
        float, Ge(0.01), Le(1.0), Hint(step=0.01), Help("The least step of a colour that is drawn.")
    ] = 0.2,
    line_radius: Annotated[
        int, Ge(0), Le(64), Hint(step=1), Help("Strokes are twice this and one pixel more wide.")
    ] = 2,
    shortest: Annotated[int, Ge(0), Le(4096), Hint(step=1), Help("Shorter strokes are left out, in pixels.")] = 24,
) -> Image:
    """Draw the outlines with few bold white strokes on black, as if by hand. For ControlNets of the kind scribble and
    adapters of the kind sketch (of a union ControlNet: hed/pidi/scribble/ted).
    """
    from diffusion.preprocessors.scribble import scribble

    return scribble(image, sigma, contrast, line_radius, shortest)


@node("LineDrawingPreprocessor", category=CATEGORY, title="Line Art")
def line_drawing(
    image: Image,
    sigma: Annotated[Sigma, Help("Of the finest lines, in pixels.")] = 1.5,
    threshold: Annotated[
        float, Ge(0.0), Le(0.5), Hint(step=0.005), Help("How much darker than its surroundings a line must be.")
    ] = 0.015,
    strength: Annotated[float, Ge(0.1), Le(1000.0), Hint(step=0.5), Help("How bright lines are drawn.")] = 60.0,
) -> Image:
    """Draw what is darker than its surroundings as white lines on black: the lines of a drawing, or those a pen would
    follow in a photograph. For ControlNets of the kind lineart (of a union ControlNet:
    canny/lineart/anime_lineart/mlsd).
    """
    from diffusion.preprocessors.line_art import line_art

    return line_art(image, sigma, threshold, strength)


@node("TileBlurPreprocessor", category=CATEGORY, title="Tile")
def tile_blur(
    image: Image,
    factor: Annotated[
        float, Ge(1.0), Le(64.0), Hint(step=0.5), Help("Detail finer than so many pixels is taken away.")
    ] = 8.0,
) -> Image:
    """Take the fine detail away, to have it painted anew. For ControlNets of the kind tile."""
    from diffusion.preprocessors.tile import tile

    return tile(image, factor)


@node("ColorBlocksPreprocessor", category=CATEGORY, title="Color Blocks")
def color_blocks(
    image: Image,
    size: Annotated[int, Ge(1), Le(4096), Hint(step=8), Help("Side of a block, in pixels.")] = 64,
) -> Image:
    """Replace a picture by a mosaic of its mean colours. For T2I-Adapters of the kind color."""
    from diffusion.preprocessors.colour import colour_blocks

    return colour_blocks(image, size)


@node("LuminancePreprocessor", category=CATEGORY, title="Luminance")
def luminance_of(
    image: Image,
    kind: Annotated[
        Literal["lightness", "luma", "intensity"],
        Help("Lightness is L* of CIELAB, luma the grey of video (BT.601), intensity the brightest colour (V of HSV)."),
    ] = "lightness",
    gamma: Annotated[
        float, Ge(0.1), Le(10.0), Hint(step=0.05), Help("Above 1 darkens the middle, below 1 brightens it.")
    ] = 1.0,
) -> Image:
    """Take the colours away, to have them painted anew. For ControlNets of the kinds recolor (lightness for luminance,
    intensity for intensity) and brightness (luma).
    """
    from diffusion.preprocessors.luminance import luminance

    return luminance(image, kind, gamma)


@node("SegmentationPreprocessor", category=CATEGORY, title="Segmentation Colors")
def segmentation_colors(image: Image) -> Image:
    """Give every pixel of a segmentation map the nearest colour of ADE20K's 150 classes: what was drawn by hand, scaled
    or saved as JPEG becomes exact. For ControlNets of the kind seg (of a union ControlNet: segment).
    """
    from diffusion.preprocessors.segmentation import segmentation

    return segmentation(image)


@node("SegmentationMask", category=CATEGORY, title="Mask of a Segmentation Class")
def segmentation_mask(image: Image, label: Label = "person") -> Mask:
    """Mask where on a segmentation map a class is. Two classes that share a colour (road and skyscraper) are one."""
    from diffusion.preprocessors.segmentation import class_mask

    return class_mask(image, label)


@node("SegmentationPaint", category=CATEGORY, title="Paint a Segmentation Class")
def paint_segmentation(image: Image, mask: Mask, label: Label = "person") -> Image:
    """Give the masked part of a segmentation map the colour of a class: to draw a map from masks, or to make one thing
    another. For ControlNets of the kind seg (of a union ControlNet: segment).
    """
    from diffusion.preprocessors.segmentation import recoloured

    return recoloured(image, mask, label)
