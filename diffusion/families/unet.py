"""The U-Net of Stable Diffusion 1, 2 and XL in a file, its configuration read from shapes. Loads no torch."""

from collections.abc import Mapping, Sequence
from typing import Any

from diffusion.families.family import Component, Layout
from diffusion.families.shapes import NORM_GROUPS, count, norm_groups_fit
from diffusion.header import Header, WeightFileError
from diffusion.original_layout import UNET_PREFIX, unet_names

FIRST, LAST = "input_blocks.0.0.weight", "out.2.weight"
OWN_FIRST, OWN_LAST = "conv_in.weight", "up_blocks.0.resnets.0.conv1.weight"

UNCLIP_WIDTHS = (1536, 2048)
"""Numbers that Stable Diffusion 2's unCLIP models are told: a CLIP picture vector and its noise level."""

AUGMENTOR = "noise_augmentor."
"""Where unCLIP checkpoints keep the statistics of CLIP's picture vectors."""

TIME_WIDTH = 256
"""Numbers that each size SDXL is told becomes (Podell et al. 2023, §2.2)."""

CLASS_HEADS = 8
"""Heads of each attention layer in U-Nets that are told a class."""

Shapes = Mapping[str, tuple[int, ...]]


def unet(header: Header, ignored: frozenset[str] = frozenset()) -> Component | None:
    """The U-Net of a checkpoint, or the one that is alone in a file, with original names or diffusers' own; or None."""
    names, prefix = header.tensors, ""
    layout: Layout = "original"
    if UNET_PREFIX + FIRST in names:
        prefix = UNET_PREFIX
    elif OWN_FIRST in names and OWN_LAST in names:
        layout = "modules"
    elif FIRST not in names or LAST not in names:
        return None
    return Component("unet", header, prefix, layout, _config(header, _shapes(header, prefix, layout)), ignored)


def original_shapes(found: Component) -> Shapes:
    """Shapes of a U-Net's tensors by original names without prefix."""
    return _shapes(found.header, found.prefix, found.layout)


def _shapes(header: Header, prefix: str, layout: Layout) -> Shapes:
    """Shapes by original names without prefix."""
    if layout == "original":
        return {
            name.removeprefix(prefix): info.shape for name, info in header.tensors.items() if name.startswith(prefix)
        }
    layers = count(header.tensors, r"down_blocks\.0\.resnets\.(\d+)\.")
    try:
        original = unet_names(list(header.tensors), layers)
    except (ValueError, KeyError) as error:
        raise WeightFileError(
            f"'{header.path.name}' holds a U-Net of a kind that is not known here: {error}"
        ) from error
    return {file.removeprefix(UNET_PREFIX): header.tensors[name].shape for name, file in original.items()}


def _config(header: Header, shapes: Shapes) -> dict[str, Any]:
    """Configuration of diffusers' `UNet2DConditionModel`."""
    _shape(header, shapes, "middle_block.1.proj_in.weight")  # those of all families attend in the middle
    config = encoder(header, shapes, header.config.get("unet", {}).get("attention_heads"))
    up = {"CrossAttnDownBlock2D": "CrossAttnUpBlock2D", "DownBlock2D": "UpBlock2D"}
    return config | {
        "sample_size": 64,
        "out_channels": _shape(header, shapes, LAST)[0],
        "up_block_types": tuple(up[kind] for kind in reversed(config["down_block_types"])),
    }


def encoder(header: Header, shapes: Shapes, heads: int | Sequence[int] | None) -> dict[str, Any]:
    """The part of a configuration that is about a U-Net's input and middle layers, which is all that a ControlNet has.

    shapes: by original names without prefix. heads: of its attention, if known; what diffusers calls
    `attention_head_dim` is their number. Of a middle that does not attend, as small ControlNets have it, the
    configuration says no width of tokens, unless other layers do.
    """
    levels = _levels(header, shapes)
    layers = len(levels[0])
    widths = tuple(_shape(header, shapes, f"input_blocks.{level[0]}.0.in_layers.2.weight")[0] for level in levels)
    depths = [count(shapes, rf"input_blocks\.{level[0]}\.1\.transformer_blocks\.(\d+)\.") for level in levels]
    middle = count(shapes, r"middle_block\.1\.transformer_blocks\.(\d+)\.")
    linear = any(len(shape) == 2 for name, shape in shapes.items() if name.endswith(".proj_in.weight"))
    tokens = (shape[1] for name, shape in shapes.items() if name.endswith(".attn2.to_k.weight"))
    config = {
        "in_channels": _shape(header, shapes, FIRST)[1],
        "block_out_channels": norm_groups_fit(header, widths),
        "layers_per_block": layers,
        "down_block_types": tuple("CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in depths),
        "mid_block_type": "UNetMidBlock2DCrossAttn" if middle else "UNetMidBlock2D",
        "cross_attention_dim": next(tokens, None),
        "transformer_layers_per_block": _depths(depths, middle or 1),
        "use_linear_projection": linear,
        "attention_head_dim": heads or (tuple(max(1, width // 64) for width in widths) if linear else 8),
        "norm_num_groups": NORM_GROUPS,
    }
    if "label_emb.weight" in shapes:
        config |= {"num_class_embeds": shapes["label_emb.weight"][0], "attention_head_dim": heads or CLASS_HEADS}
    if any(reads := [_reads_only(shapes, level[0]) for level in levels]):
        config["only_cross_attention"] = tuple(reads)
    if "label_emb.0.0.weight" in shapes:
        told = shapes["label_emb.0.0.weight"][1]
        config["projection_class_embeddings_input_dim"] = told
        if told in UNCLIP_WIDTHS or f"{AUGMENTOR}data_mean" in header.tensors:
            config["class_embed_type"] = "projection"
        else:
            config |= {"addition_embed_type": "text_time", "addition_time_embed_dim": TIME_WIDTH}
    return config


def _reads_only(shapes: Shapes, block: int) -> bool:
    """Whether an input block attends to tokens where others attend to the picture itself."""
    seen, own = (shapes.get(f"input_blocks.{block}.1.transformer_blocks.0.attn1.to_{name}.weight") for name in "kq")
    return seen is not None and own is not None and seen[1] != own[1]


def _levels(header: Header, shapes: Shapes) -> list[list[int]]:
    """The input blocks of each level, without those that halve the picture."""
    levels: list[list[int]] = [[]]
    for block in range(1, count(shapes, r"input_blocks\.(\d+)\.")):
        if f"input_blocks.{block}.0.op.weight" in shapes:
            levels.append([])
        else:
            levels[-1].append(block)
    if not all(len(level) == len(levels[0]) > 0 for level in levels):
        raise WeightFileError(
            f"'{header.path.name}': the levels of its U-Net have {[len(level) for level in levels]} layers; "
            "they must be equal."
        )
    return levels


def _depths(depths: list[int], middle: int) -> int | tuple[int, ...]:
    """Transformer layers of each level. The middle has those of the last level, which may itself have none."""
    last = [depth or 1 for depth in depths[:-1]] + [depths[-1] or middle]
    return middle if set(depths) <= {0, middle} else tuple(last)


def _shape(header: Header, shapes: Shapes, name: str) -> tuple[int, ...]:
    if name not in shapes:
        raise WeightFileError(
            f"'{header.path.name}' has no tensor '{name}' in its U-Net; the file is incomplete or not what it seems."
        )
    return shapes[name]


def told_sizes(config: Mapping[str, Any], pooled: int) -> int:
    """How many sizes an SDXL U-Net is told, if its pooled text state is of this width; 0 where it cannot be."""
    each = config.get("addition_time_embed_dim") or TIME_WIDTH
    sizes, rest = divmod(config["projection_class_embeddings_input_dim"] - pooled, each)
    return 0 if rest else sizes
