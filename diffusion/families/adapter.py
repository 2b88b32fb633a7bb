"""T2I-Adapters (Mou et al. 2023) in files: small networks that turn a picture into features for a U-Net's input layers.

Of three kinds: the full one, the one for SDXL, and the light one. Configured by shapes; loads no torch.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from diffusion.families.family import Component
from diffusion.families.shapes import count
from diffusion.header import Header, WeightFileError

FULL, XL, LIGHT = "full_adapter", "full_adapter_xl", "light_adapter"
"""The kinds, as diffusers calls them."""

FACTORS: Mapping[int, int] = {64: 8, 3 * 64: 8, 256: 16, 3 * 256: 16}
"""Numbers that a square of pixels becomes, grey or coloured → its side."""

RESNETS = 2
"""Of each block, in files that do not tell blocks apart."""


class Feature(NamedTuple):
    """Where a feature is added. layer: number of the input layer, None: behind the middle. halvings: how much smaller
    than the latent it is there, as a power of two. width: its channels.
    """

    layer: int | None
    halvings: int
    width: int


def adapter(header: Header) -> Component | None:
    """The adapter of a file, with the first adapters' names or diffusers' own; None where there is none."""
    prefix = "adapter." if any(name.startswith("adapter.body.") for name in header.tensors) else ""
    names = {name.removeprefix(prefix) for name in header.tensors}
    is_light = {"body.0.in_conv.weight", "body.0.out_conv.weight"} <= names
    blocks = {"body.0.block1.weight", "body.0.resnets.0.block1.weight"}
    if not is_light and not ("conv_in.weight" in names and names & blocks):
        return None
    own = any(name.startswith("body.0.resnets.") for name in names)
    config = _light(header, prefix, own=own) if is_light else _full(header, prefix, own=own)
    return Component("adapter", header, prefix, "modules" if own else "original", config)


def features(found: Component) -> list[tuple[int, int]]:
    """Of each feature: how much smaller it is than the latent, as a power of two, and its channels."""
    widths, kind = tuple(found.config["channels"]), found.config["adapter_type"]
    if kind == LIGHT:
        widths = (*widths, widths[-1])
    halvings = [1, 1, *[2] * len(widths)] if kind == XL else range(len(widths))
    return list(zip(halvings, widths, strict=False))


def places(unet: Mapping[str, Any], count: int) -> list[Feature]:
    """Where a U-Net of this configuration takes `count` features: behind the last layer of each level that attends,
    behind the downsampling of one that does not; one more behind the middle.
    """
    widths, layers = unet["block_out_channels"], unet["layers_per_block"]
    found, last = list[Feature](), len(widths) - 1
    for level, (width, kind) in enumerate(zip(widths, unet["down_block_types"], strict=True)):
        smaller = int(kind == "DownBlock2D" and level < last)
        found.append(Feature(level * (layers + 1) + layers + smaller, level + smaller, width))
    return [*found, Feature(None, last, widths[-1])][:count]


def check_adapter(found: Component, unet: Component, title: str) -> None:
    """Raise WeightFileError, naming both sides, where an adapter's features do not fit a U-Net. title: its family's."""
    given = features(found)
    taken = [(place.halvings, place.width) for place in places(unet.config, len(given))]
    if given != taken:
        raise WeightFileError(
            f"The T2I-Adapter '{found.header.path.name}' makes features of {_told(given)}, as those for "
            f"{'SDXL' if found.config['adapter_type'] == XL else 'Stable Diffusion 1'} do, but "
            f"'{unet.header.path.name}', a model of {title}, takes {_told(taken)}. Load an adapter that was made for "
            "this kind of model."
        )


def _told(found: list[tuple[int, int]]) -> str:
    return ", ".join(f"{width} channels at 1/{2**halvings} of the latent" for halvings, width in found)


def _full(header: Header, prefix: str, *, own: bool) -> dict[str, Any]:
    resnets = count(header.tensors, re.escape(f"{prefix}body.0.resnets.") + r"(\d+)\.") if own else RESNETS
    bodies = count(header.tensors, re.escape(f"{prefix}body.") + r"(\d+)\.")
    firsts = (
        [f"body.{block}.resnets.0.block1.weight" for block in range(bodies)]
        if own
        else [f"body.{number}.block1.weight" for number in range(0, bodies, resnets)]
    )
    channels, factor = _squares(header, header.shape(f"{prefix}conv_in.weight")[1])
    return {
        "in_channels": channels,
        "channels": [header.shape(prefix + name)[0] for name in firsts],
        "num_res_blocks": resnets,
        "downscale_factor": factor,
        "adapter_type": FULL if factor == 8 else XL,
    }


def _light(header: Header, prefix: str, *, own: bool) -> dict[str, Any]:
    blocks = count(header.tensors, re.escape(f"{prefix}body.") + r"(\d+)\.")
    inner = re.escape(f"{prefix}body.0.{'resnets' if own else 'body'}.")
    channels, factor = _squares(header, header.shape(f"{prefix}body.0.in_conv.weight")[1])
    return {
        "in_channels": channels,
        "channels": [header.shape(f"{prefix}body.{block}.out_conv.weight")[0] for block in range(blocks - 1)],
        "num_res_blocks": count(header.tensors, inner + r"(\d+)\."),
        "downscale_factor": factor,
        "adapter_type": LIGHT,
    }


def _squares(header: Header, numbers: int) -> tuple[int, int]:
    """Channels of the picture, and the side of the squares of it that become one."""
    if numbers not in FACTORS:
        raise WeightFileError(
            f"'{header.path.name}' looks like a T2I-Adapter, but takes {numbers} numbers of each square of a picture; "
            f"known are {', '.join(map(str, FACTORS))}."
        )
    return numbers // FACTORS[numbers] ** 2, FACTORS[numbers]
