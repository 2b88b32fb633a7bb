"""Sampling of pictures larger than a model was trained with, in tiles."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from annotated_types import Ge, Le

from diffusion.model_options import TiledSampling
from diffusion.values import Model
from graph.node import Help, Hint, node

WEIGHTINGS: Mapping[str, Literal["even", "gaussian"]] = MappingProxyType(
    {"MultiDiffusion": "even", "Mixture of Diffusers": "gaussian"}
)

Side = Annotated[int, Ge(64), Le(16384), Hint(step=16), Help("In picture pixels: what the model was trained with.")]


@node("TiledDiffusion", category="advanced/model", title="Tiled Diffusion")
def sample_in_tiles(
    model: Model,
    method: Annotated[
        Literal["MultiDiffusion", "Mixture of Diffusers"],
        Help("Where tiles overlap: the plain mean, or one in which the middle of a tile counts most."),
    ] = "Mixture of Diffusers",
    tile_width: Side = 768,
    tile_height: Side = 768,
    tile_overlap: Annotated[
        int, Ge(0), Le(8192), Hint(step=8), Help("In picture pixels; a quarter of a side hides the seams well.")
    ] = 192,
    tile_batch_size: Annotated[
        int, Ge(1), Le(4096), Help("Tiles that are computed together; fewer take less memory.")
    ] = 4,
) -> Model:
    """Show the model one tile of the picture after another, in every step, and average what it answers: large pictures
    come out as coherent as those of the size it was trained with. For a second pass over an enlarged picture, with
    denoise around 0.4. What fits into one tile is not cut.
    """
    if tile_overlap >= min(tile_width, tile_height):
        raise ValueError(
            f"TiledDiffusion: tiles of {tile_width}×{tile_height} pixels cannot overlap by {tile_overlap}. "
            "Choose an overlap below both sides; a quarter of a side is usual."
        )
    option = TiledSampling(tile_width, tile_height, tile_overlap, WEIGHTINGS[method], tile_batch_size)
    return model.with_option(option)
