"""Recipes that mix two of one kind: they say what is to be merged, and nothing is computed yet. Loads no torch for
safetensors files.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from diffusion import checkpoint
from diffusion.families import Component, family_named
from diffusion.header import WeightFileError
from diffusion.lora.targets import Shape, layers
from diffusion.merging.patch import AttentionScale, MergePatch, Share
from diffusion.values import Model, TextEncoder

R = TypeVar("R", Model, TextEncoder)

FIRST_LAYER = "conv_in"
"""The layer of a U-Net that takes more channels where a picture is shown to the model beside the latent."""


def mixed(first: R, second: R, ratio: float) -> R:
    """ratio · W₁ + (1 − ratio) · W₂: 1 is the first alone. Raises WeightFileError as `combined` does."""
    return combined(first, second, (Share("", ratio, 1 - ratio),))


def added(first: R, second: R) -> R:
    """W₁ + W₂. Raises WeightFileError as `combined` does."""
    return combined(first, second, (Share("", 1.0, 1.0),))


def subtracted(first: R, second: R, multiplier: float) -> R:
    """multiplier · (W₁ − W₂). Raises WeightFileError as `combined` does."""
    return combined(first, second, (Share("", multiplier, -multiplier),))


def mixed_by_blocks(first: Model, second: Model, ratios: Mapping[str, float]) -> Model:
    """ratio · W₁ + (1 − ratio) · W₂ with the ratio of the longest beginning of a tensor's original name that is given.

    What none of them begins has the first ratio. Raises WeightFileError as `combined` does.
    """
    rest = next(iter(ratios.values()))
    shares = [Share("", rest, 1 - rest), *(Share(stem, ratio, 1 - ratio) for stem, ratio in ratios.items())]
    return combined(first, second, tuple(shares))


def combined(first: R, second: R, shares: tuple[Share, ...]) -> R:
    """The first recipe, options and all, with the second's weights mixed in. Reads headers only.

    Of a first model that takes more channels, because it is shown a picture beside the latent, those that both have are
    merged. Raises WeightFileError, naming both sides, where they are not of one family, or one of other sizes.
    """
    require_alike(first, second)
    return replace(first, patches=(*first.patches, MergePatch(second, shares)))


def with_scaled_attention(recipe: R, scale: AttentionScale) -> R:
    """A recipe whose attention layers answer more or less strongly."""
    if (scale.q, scale.k, scale.v, scale.out) == (1, 1, 1, 1):
        return recipe
    return replace(recipe, patches=(*recipe.patches, scale))


def require_alike(first: Model | TextEncoder, second: Model | TextEncoder) -> None:
    """Raise WeightFileError where two recipes cannot be merged."""
    if first.family != second.family:
        what = "models" if isinstance(first, Model) else "text encoders"
        raise WeightFileError(
            f"'{_name(first)}' is of the family {family_named(first.family).title}, '{_name(second)}' is of the family "
            f"{family_named(second.family).title}: their weights do not go together. Merge {what} of one family."
        )
    ones, others = _networks(first), _networks(second)
    if [one.part for one in ones] != [other.part for other in others]:
        raise WeightFileError(
            f"'{_name(first)}' has {len(ones)} text encoders, '{_name(second)}' has {len(others)} of the same family. "
            "Merge those of whole models."
        )
    for one, other in zip(ones, others, strict=True):
        _require_shapes(one, other)


def _require_shapes(one: Component, other: Component) -> None:
    names = f"'{one.header.path.name}' and '{other.header.path.name}'"
    found, wanted = _shapes(one), _shapes(other)
    apart = sorted(found.keys() ^ wanted.keys())
    if apart:
        owner = one if apart[0] in found else other
        raise WeightFileError(
            f"{names} have other layers in their {one.part.replace('_', ' ')}: {len(apart)}, such as '{apart[0]}', are "
            f"in '{owner.header.path.name}' alone. Merge models of the same structure."
        )
    for name, shape in found.items():
        if shape != wanted[name] and not _is_wider(name, shape, wanted[name]):
            hint = (
                "Connect the one that takes more channels as the first."
                if _is_wider(name, wanted[name], shape)
                else "Merge models of the same sizes."
            )
            raise WeightFileError(
                f"{names} differ in size: '{name}' is {list(shape)} in the first and {list(wanted[name])} in the "
                f"second. {hint}"
            )


def _is_wider(name: str, shape: Shape, other: Shape) -> bool:
    """Whether a layer is the first one and takes more channels than the other."""
    is_first = name == f"{FIRST_LAYER}.weight" and len(shape) == len(other) == 4
    return is_first and shape[1] > other[1] and (shape[0], *shape[2:]) == (other[0], *other[2:])


def _shapes(component: Component) -> dict[str, Shape]:
    known = {layer.place: layer for layer in layers(component).values()}
    return {f"{place}.{leaf}": _bare(shape) for place, layer in known.items() for leaf, shape in layer.shapes.items()}


def _bare(shape: Shape) -> Shape:
    """A shape without trailing 1×1: a linear layer may be stored as a convolution."""
    return shape[:2] if shape[2:] == (1, 1) else shape


def _networks(recipe: Model | TextEncoder) -> list[Component]:
    if isinstance(recipe, Model):
        return [checkpoint.component(recipe.file, "unet", recipe.family)]
    return [checkpoint.component(file, checkpoint.text_part(file), recipe.family) for file in recipe.files]


def _name(recipe: Model | TextEncoder) -> str:
    component = _networks(recipe)[0]
    return component.header.path.name
