"""What changes the way through a network: its features, its skips, its attention. Its weights stay as they are."""

from typing import Annotated, Literal

from annotated_types import Ge, Le

from diffusion.model_options import DeepShrink, FreeU, HyperTile, TokenMerging
from diffusion.names import WEIGHT_SUFFIXES
from diffusion.values import Model
from graph.files import File, InFolder
from graph.node import Default, Help, Hint, node
from nodes.conditioning import Percent
from nodes.lora import weight_file

CATEGORY = "advanced/model"

Scale = Annotated[float, Ge(0.0), Le(10.0), Hint(step=0.01)]
Backbone4 = Annotated[Scale, Help("For features four times as wide as the network's entrance; above 1: stronger.")]
Backbone2 = Annotated[Scale, Help("For features twice as wide as the network's entrance; above 1: stronger.")]
Skip4 = Annotated[Scale, Help("For slow changes in the skips that join the widest features; below 1: less of them.")]
Skip2 = Annotated[Scale, Help("For slow changes in the skips that join those half as wide; below 1: less of them.")]
Method = Literal["bicubic", "nearest-exact", "bilinear", "area", "bislerp"]


@node("FreeU", category=CATEGORY, title="FreeU")
def lunch_freely(model: Model, b1: Backbone4 = 1.1, b2: Backbone2 = 1.2, s1: Skip4 = 0.9, s2: Skip2 = 0.2) -> Model:
    """Bring out what the network understands over what it copies (Si et al. 2023): half its features, scaled alike."""
    return model.with_option(FreeU(b1, b2, s1, s2))


@node("FreeU_V2", category=CATEGORY, title="FreeU_V2")
def lunch_freely_by_content(
    model: Model, b1: Backbone4 = 1.3, b2: Backbone2 = 1.4, s1: Skip4 = 0.9, s2: Skip2 = 0.2
) -> Model:
    """FreeU whose features are scaled the more, the stronger they are at a place: smooth regions are changed less."""
    return model.with_option(FreeU(b1, b2, s1, s2, by_content=True))


@node("PatchModelAddDownscale", category=CATEGORY, title="PatchModelAddDownscale (Kohya Deep Shrink)")
def shrink_deeply(
    model: Model,
    block_number: Annotated[
        int, Ge(1), Le(32), Default(3), Hint(step=1), Help("The input layer from which on it is smaller.")
    ],
    downscale_factor: Annotated[float, Ge(0.1), Le(9.0), Default(2.0), Hint(step=0.001)],
    start_percent: Annotated[Percent, Default(0.0)],
    end_percent: Annotated[Percent, Default(0.35)],
    downscale_after_skip: Annotated[bool, Default(True), Help("Whether the skip of that layer keeps its size.")],
    downscale_method: Method,
    upscale_method: Method,
) -> Model:
    """Begin a large picture as a small one inside the network, so that it does not show things twice."""
    option = DeepShrink(
        block_number,
        downscale_factor,
        start_percent,
        end_percent,
        downscale_after_skip,
        downscale_method,
        upscale_method,
    )
    return model.with_option(option)


@node("HyperTile", category=CATEGORY, title="HyperTile")
def tile_attention(
    model: Model,
    tile_size: Annotated[int, Ge(1), Le(2048), Help("The least side of a tile, in pixels of the picture.")] = 256,
    swap_size: Annotated[int, Ge(1), Le(128), Help("Among how many sizes tiles change from step to step.")] = 2,
    max_depth: Annotated[int, Ge(0), Le(10), Help("0: only layers of the latent's own size; 1: also half of it …")] = 0,
    scale_depth: Annotated[bool, Help("Tiles cover more of the picture in deeper layers.")] = False,
) -> Model:
    """Let pixels look only at their own tile, which makes large pictures faster. Tiles divide the picture evenly."""
    return model.with_option(HyperTile(tile_size, swap_size, max_depth, scale_depth))


@node("TomePatchModel", category=CATEGORY, title="TomePatchModel")
def merge_tokens(
    model: Model, ratio: Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.01), Help("How many pixels are merged.")] = 0.3
) -> Model:
    """Let pixels that are alike share the answer of attention, which makes pictures faster (Bolya & Hoffman 2023)."""
    return model.with_option(TokenMerging(ratio))


@node("HypernetworkLoader", category="loaders", title="HypernetworkLoader")
def load_hypernetwork(
    model: Model,
    hypernetwork_name: Annotated[File, InFolder("hypernetworks", WEIGHT_SUFFIXES)],
    strength: Annotated[float, Ge(-10.0), Le(10.0), Hint(step=0.01)] = 1.0,
) -> Model:
    """Let small networks change what a model's attention looks at. Several in a row act one after the other.

    Takes the `.pt` files that AUTOMATIC1111's web UI trains. A file made for another kind of model is an error.
    """
    from diffusion.hypernetworks import with_hypernetwork

    return with_hypernetwork(weight_file(hypernetwork_name), model, strength)
