"""Upscaling nodes: networks that make pictures larger."""

from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Le

from diffusion.names import WEIGHT_SUFFIXES
from diffusion.services import Weights
from diffusion.values import Image, UpscaleModel
from graph.files import File, InFolder
from graph.node import Help, Hint, node
from graph.progress import Progress, Steps

if TYPE_CHECKING:
    from diffusion.upscaling import UpscalingProgress


@node("UpscaleModelLoader", category="loaders", title="Load Upscale Model")
def load_upscale_model(
    model_name: Annotated[File, InFolder("upscale_models", WEIGHT_SUFFIXES)],
) -> UpscaleModel:
    """Name a network that makes pictures larger: ESRGAN, Real-ESRGAN, its compact kind; others where spandrel is
    installed. Reads the header only.
    """
    from diffusion.upscalers import read_upscaler

    return read_upscaler(model_name.path, model_name.digest)


@node("ImageUpscaleWithModel", category="image/upscaling", title="Upscale Image (using Model)")
def upscale_image(upscale_model: UpscaleModel, image: Image, *, weights: Weights) -> Steps[Image]:
    """Make a picture larger by the network's own factor. Large pictures are enlarged in tiles of 512×512 pixels."""
    from diffusion.upscaling import upscale

    return _reported(upscale(image, upscale_model, weights))


@node("ImageUpscaleWithModelTiled", category="image/upscaling", title="Upscale Image (using Model, Tiled)")
def upscale_image_in_tiles(
    upscale_model: UpscaleModel,
    image: Image,
    tile_size: Annotated[
        int,
        Ge(16),
        Le(4096),
        Hint(step=16),
        Help("Side of a tile in pixels of the given picture; smaller ones take less memory."),
    ] = 512,
    overlap: Annotated[
        int,
        Ge(0),
        Le(2048),
        Hint(step=8),
        Help("How many pixels neighbouring tiles share; at most half of a tile is used."),
    ] = 32,
    *,
    weights: Weights,
) -> Steps[Image]:
    """Make a picture larger by the network's own factor, tile by tile, which takes less memory; tiles are faded into
    each other.
    """
    from diffusion.upscaling import Tiles, upscale

    return _reported(upscale(image, upscale_model, weights, Tiles(tile_size, overlap)))


def _reported(steps: "Generator[UpscalingProgress, None, Image]") -> Steps[Image]:
    with closing(steps):
        while True:
            try:
                at = next(steps)
            except StopIteration as stop:
                return stop.value
            yield Progress(at.done, at.total)
