"""Nodes that merge models: recipes are mixed, and nothing is computed before something asks for their weights."""

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from annotated_types import Ge, Le

from diffusion.values import Model, TextEncoder
from graph.node import Default, Hint, Named, node

F = TypeVar("F", bound=Callable[..., Model])

Ratio = Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.01), Default(1.0)]
Multiplier = Annotated[float, Ge(-10.0), Le(10.0), Hint(step=0.01), Default(1.0)]
Factor = Annotated[float, Ge(0.0), Le(10.0), Hint(step=0.01), Default(1.0)]

EDGES = ("time_embed.", "label_emb.")
MIDDLE = ("middle_block.0.", "middle_block.1.", "middle_block.2.")

SD_BLOCKS: tuple[str, ...] = (
    *EDGES,
    *(f"input_blocks.{number}." for number in range(12)),
    *MIDDLE,
    *(f"output_blocks.{number}." for number in range(12)),
    "out.",
)
SDXL_BLOCKS: tuple[str, ...] = (
    *EDGES,
    *(f"input_blocks.{number}" for number in range(9)),
    *(name.removesuffix(".") for name in MIDDLE),
    *(f"output_blocks.{number}" for number in range(9)),
    "out.",
)
"""Beginnings of the original names of a U-Net's tensors, as the inputs of merging nodes are called."""


def by_blocks(names: Sequence[str]) -> Callable[[F], F]:
    """Declare an input with a ratio for each of these names, of a function that takes them as `**ratios`."""

    def declare(function: F) -> F:
        keys = [f"ratio_{number}" for number in range(len(names))]
        signature = inspect.signature(function)
        own = [item for item in signature.parameters.values() if item.kind is not item.VAR_KEYWORD]
        row = [inspect.Parameter(key, inspect.Parameter.POSITIONAL_OR_KEYWORD) for key in keys]
        function.__signature__ = signature.replace(parameters=[*own, *row])  # pyright: ignore[reportFunctionMemberAccess]
        given = {item.name: function.__annotations__[item.name] for item in own}
        ratios = {key: Annotated[Ratio, Named(name)] for key, name in zip(keys, names, strict=True)}
        function.__annotations__ = given | ratios | {"return": function.__annotations__["return"]}
        return function

    return declare


@node("ModelMergeSimple", category="advanced/model_merging", title="ModelMergeSimple")
def merge_models(model1: Model, model2: Model, ratio: Ratio) -> Model:
    """Mix two models of one family: ratio · first + (1 − ratio) · second, so that 1 is the first alone."""
    from diffusion.merging.mixing import mixed

    return mixed(model1, model2, ratio)


@node("ModelMergeAdd", category="advanced/model_merging", title="ModelMergeAdd")
def add_models(model1: Model, model2: Model) -> Model:
    """Add the weights of two models; the second is mostly a difference that was made by subtracting.

    Of a first model for inpainting, which takes more channels, those that both have are added.
    """
    from diffusion.merging.mixing import added

    return added(model1, model2)


@node("ModelMergeSubtract", category="advanced/model_merging", title="ModelMergeSubtract")
def subtract_models(model1: Model, model2: Model, multiplier: Multiplier) -> Model:
    """Subtract two models: multiplier · (first − second). The difference can be added to another, or saved as LoRA."""
    from diffusion.merging.mixing import subtracted

    return subtracted(model1, model2, multiplier)


@node("ModelMergeBlocks", category="advanced/model_merging", title="ModelMergeBlocks")
def merge_stages(
    model1: Model,
    model2: Model,
    input: Ratio,  # noqa: A002 — the field's name
    middle: Ratio,
    out: Ratio,
) -> Model:
    """Mix two models with a ratio for each stage of the U-Net; 1 is the first alone.

    `input` counts for the embedding of times too.
    """
    from diffusion.merging.mixing import mixed_by_blocks

    return mixed_by_blocks(model1, model2, {"input": input, "middle": middle, "out": out})


@node("ModelMergeSD1", category="advanced/model_merging", title="ModelMergeSD1")
@by_blocks(SD_BLOCKS)
def merge_sd1(model1: Model, model2: Model, **ratios: float) -> Model:
    """Mix two Stable Diffusion 1 models with a ratio for each block of the U-Net; 1 is the first alone."""
    from diffusion.merging.mixing import mixed_by_blocks

    return mixed_by_blocks(model1, model2, ratios)


@node("ModelMergeSD2", category="advanced/model_merging", title="ModelMergeSD2")
@by_blocks(SD_BLOCKS)
def merge_sd2(model1: Model, model2: Model, **ratios: float) -> Model:
    """Mix two Stable Diffusion 2 models with a ratio for each block of the U-Net; 1 is the first alone."""
    from diffusion.merging.mixing import mixed_by_blocks

    return mixed_by_blocks(model1, model2, ratios)


@node("ModelMergeSDXL", category="advanced/model_merging", title="ModelMergeSDXL")
@by_blocks(SDXL_BLOCKS)
def merge_sdxl(model1: Model, model2: Model, **ratios: float) -> Model:
    """Mix two SDXL models with a ratio for each block of the U-Net; 1 is the first alone."""
    from diffusion.merging.mixing import mixed_by_blocks

    return mixed_by_blocks(model1, model2, ratios)


@node("CLIPMergeSimple", category="advanced/model_merging", title="CLIPMergeSimple")
def merge_text_encoders(clip1: TextEncoder, clip2: TextEncoder, ratio: Ratio) -> TextEncoder:
    """Mix the text encoders of two models of one family: ratio · first + (1 − ratio) · second."""
    from diffusion.merging.mixing import mixed

    return mixed(clip1, clip2, ratio)


@node("CLIPMergeAdd", category="advanced/model_merging", title="CLIPMergeAdd")
def add_text_encoders(clip1: TextEncoder, clip2: TextEncoder) -> TextEncoder:
    """Add the weights of two text encoders; the second is mostly a difference that was made by subtracting."""
    from diffusion.merging.mixing import added

    return added(clip1, clip2)


@node("CLIPMergeSubtract", category="advanced/model_merging", title="CLIPMergeSubtract")
def subtract_text_encoders(clip1: TextEncoder, clip2: TextEncoder, multiplier: Multiplier) -> TextEncoder:
    """Subtract two text encoders: multiplier · (first − second)."""
    from diffusion.merging.mixing import subtracted

    return subtracted(clip1, clip2, multiplier)


@node("UNetSelfAttentionMultiply", category="advanced/model_merging", title="UNetSelfAttentionMultiply")
def scale_self_attention(model: Model, q: Factor, k: Factor, v: Factor, out: Factor) -> Model:
    """Let the picture attend to itself more or less: factors for the query, key, value and output layers."""
    from diffusion.merging.mixing import with_scaled_attention
    from diffusion.merging.patch import AttentionScale

    return with_scaled_attention(model, AttentionScale("self", q, k, v, out))


@node("UNetCrossAttentionMultiply", category="advanced/model_merging", title="UNetCrossAttentionMultiply")
def scale_cross_attention(model: Model, q: Factor, k: Factor, v: Factor, out: Factor) -> Model:
    """Let the picture attend to the prompt more or less: factors for the query, key, value and output layers."""
    from diffusion.merging.mixing import with_scaled_attention
    from diffusion.merging.patch import AttentionScale

    return with_scaled_attention(model, AttentionScale("cross", q, k, v, out))


@node("CLIPAttentionMultiply", category="advanced/model_merging", title="CLIPAttentionMultiply")
def scale_text_attention(clip: TextEncoder, q: Factor, k: Factor, v: Factor, out: Factor) -> TextEncoder:
    """Let the words of a prompt attend to each other more or less: factors for the text encoder's attention."""
    from diffusion.merging.mixing import with_scaled_attention
    from diffusion.merging.patch import AttentionScale

    return with_scaled_attention(clip, AttentionScale("self", q, k, v, out))
