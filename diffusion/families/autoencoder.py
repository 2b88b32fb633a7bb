"""The autoencoder (VAE) of Stable Diffusion 1, 2 and XL in a file, configured by its shapes. Loads no torch."""

import re
from typing import Any

from diffusion.families.family import Component
from diffusion.families.shapes import NORM_GROUPS, count, norm_groups_fit
from diffusion.header import Header, WeightFileError
from diffusion.original_layout import VAE_PREFIX

TINY = "AutoencoderTiny"
"""diffusers' class of tiny autoencoders."""

CHANNELS = 4
"""Latent channels of all autoencoders of these families."""


def autoencoder(header: Header, ignored: frozenset[str] = frozenset()) -> Component | None:
    """The autoencoder of a checkpoint, or the one that is alone in a file, with original names or diffusers' own; None
    where there is none. Raises WeightFileError for one with other than four latent channels.
    """
    for prefix in (VAE_PREFIX, ""):
        names = (f"{prefix}decoder.conv_in.weight", f"{prefix}encoder.conv_in.weight")
        if not all(name in header.tensors for name in names):
            continue
        shape = header.shape(names[0])
        if shape[1:] != (CHANNELS, 3, 3):
            raise WeightFileError(
                f"'{header.path.name}' is an autoencoder with {shape[1]} latent channels"
                f"{' over time' if len(shape) == 5 else ''}; Stable Diffusion 1, 2 and XL have {CHANNELS}. Load an "
                "autoencoder made for one of these."
            )
        own = f"{prefix}encoder.down_blocks.0.resnets.0.conv1.weight" in header.tensors
        unused = {name for name in header.tensors if re.match(r"(first_stage_model\.)?(loss|model_ema)\.", name)}
        layout = "modules" if own else "original"
        return Component("vae", header, prefix, layout, _config(header, prefix, own=own), ignored | unused)
    return None


def tiny_autoencoder(header: Header) -> Component | None:
    """The tiny autoencoder (TAESD, Bohan 2023) that is alone in a file, with diffusers' names; or one of its halves,
    with its author's (github.com/madebyollin/taesd), as `half` in the configuration says; or None.

    Its width, and how many blocks it has between two changes of size, are read. Raises WeightFileError for other than
    four latent channels.
    """
    if {"encoder.layers.0.weight", "decoder.layers.0.weight"} <= header.tensors.keys():
        width, channels = header.shape("decoder.layers.0.weight")[:2]
        encoder, decoder = _tiny_blocks(header, r"encoder\.layers\."), _tiny_blocks(header, r"decoder\.layers\.")
        return _tiny(header, width, channels, encoder, decoder)
    if "1.conv.0.weight" in header.tensors and header.shape("0.weight")[1:] == (3, 3, 3):
        blocks = _tiny_blocks(header, "")
        width, channels = header.shape("0.weight")[0], header.shape(f"{_tiny_layers(header, '')[-1]}.weight")[0]
        return _tiny(header, width, channels, blocks, blocks[::-1], half="encoder")
    if "3.conv.0.weight" in header.tensors and "1.weight" in header.tensors and "0.weight" not in header.tensors:
        blocks = _tiny_blocks(header, "")
        width, channels = header.shape("1.weight")[:2]
        return _tiny(header, width, channels, blocks[::-1], blocks, half="decoder")
    return None


def _tiny(
    header: Header, width: int, channels: int, encoder: tuple[int, ...], decoder: tuple[int, ...], half: str = ""
) -> Component:
    if channels != CHANNELS:
        raise WeightFileError(
            f"'{header.path.name}' is a tiny autoencoder with {channels} latent channels; Stable Diffusion 1, 2 and XL "
            f"have {CHANNELS}."
        )
    config = {
        "_class_name": TINY,
        "latent_channels": channels,
        "encoder_block_out_channels": (width,) * len(encoder),
        "decoder_block_out_channels": (width,) * len(decoder),
        "num_encoder_blocks": encoder,
        "num_decoder_blocks": decoder,
    }
    return Component("vae", header, "", "numbered" if half else "modules", config | ({"half": half} if half else {}))


def _tiny_layers(header: Header, stem: str) -> list[int]:
    """The numbers of a half's layers that have weights. stem: a pattern of how their names begin."""
    return sorted({int(found[1]) for name in header.tensors if (found := re.match(rf"{stem}(\d+)\.", name))})


def _tiny_blocks(header: Header, stem: str) -> tuple[int, ...]:
    """How many blocks stand between each two of a half's single convolutions, which begin and end it."""
    names, runs = "".join(f"{name}\n" for name in header.tensors), list[int]()
    for layer in _tiny_layers(header, stem):
        if re.search(rf"^{stem}{layer}\.conv\.0\.weight$", names, re.MULTILINE):
            runs[-1] += 1
        else:
            runs.append(0)
    return tuple(runs[:-1])  # nothing stands behind the last convolution


def _config(header: Header, prefix: str, *, own: bool) -> dict[str, Any]:
    """Configuration of diffusers' `AutoencoderKL`. own: its names are diffusers' own."""
    down, block = ("down_blocks", "resnets") if own else ("down", "block")
    stem = f"{prefix}encoder.{down}."
    levels = count(header.tensors, re.escape(stem) + r"(\d+)\.")
    widths = tuple(header.shape(f"{stem}{level}.{block}.0.conv1.weight")[0] for level in range(levels))
    return {
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "block_out_channels": norm_groups_fit(header, widths),
        "layers_per_block": count(header.tensors, re.escape(f"{stem}0.{block}.") + r"(\d+)\."),
        "latent_channels": header.shape(f"{prefix}decoder.conv_in.weight")[1],
        "use_quant_conv": f"{prefix}quant_conv.weight" in header.tensors,
        "use_post_quant_conv": f"{prefix}post_quant_conv.weight" in header.tensors,
        "norm_num_groups": NORM_GROUPS,
    }
