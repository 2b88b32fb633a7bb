"""The key layout of the first Stable Diffusion checkpoints ("LDM layout"): names of diffusers modules → names in such
a file.

This is the writing direction, for models that are trained or assembled here and saved for everyone's loaders; reading
goes through diffusers' own converters. Loads no torch.
"""

import re
from collections.abc import Mapping, Sequence

UNET_PREFIX = "model.diffusion_model."
VAE_PREFIX = "first_stage_model."
TEXT_PREFIX = "cond_stage_model.transformer.text_model."

_UNET_STEMS: Mapping[str, str] = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
}
_UNET_RESNET: Mapping[str, str] = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_VAE_ATTENTION: Mapping[str, str] = {
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
}


def unet_names(names: Sequence[str], layers_per_block: int) -> dict[str, str]:
    """Names of a `UNet2DConditionModel`'s tensors → names in the file, with prefix. `names` are all of one network."""
    attends = {match[1] for name in names if (match := re.match(r"up_blocks\.(\d+)\.attentions\.", name))}
    return {name: UNET_PREFIX + _unet_name(name, layers_per_block, attends) for name in names}


def vae_names(names: Sequence[str]) -> dict[str, str]:
    """Names of an `AutoencoderKL`'s tensors → names in the file, with prefix.

    The file holds the weights of the attention's four linear layers as 1×1 convolutions: [out, in, 1, 1].
    """
    levels = 1 + max(int(match[1]) for name in names if (match := re.match(r"decoder\.up_blocks\.(\d+)\.", name)))
    return {name: VAE_PREFIX + _vae_name(name, levels) for name in names}


def text_names(names: Sequence[str]) -> dict[str, str]:
    """Names of a `CLIPTextModel`'s tensors → names in the file, with prefix. Both of transformers' spellings are
    taken.
    """
    return {name: TEXT_PREFIX + name.removeprefix("text_model.") for name in names}


def _unet_name(name: str, layers: int, attends: set[str]) -> str:
    for stem, original in _UNET_STEMS.items():
        if name.startswith(stem + "."):
            rest = name.removeprefix(stem + ".")
            return f"{original}.{_within_resnet(rest) if 'resnets' in stem else rest}"
    match = re.fullmatch(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)", name)
    if match is None:
        raise ValueError(f"'{name}' is no tensor of a Stable Diffusion 1 U-Net.")
    side, block, kind, index, rest = match[1], int(match[2]), match[3], int(match[4]), match[5]
    first = block * (
        layers + 1
    )  # a block has `layers` residual layers and a resampler; going up, one more residual layer
    match kind:
        case "downsamplers":
            return f"input_blocks.{first + layers + 1}.0.op.{rest.removeprefix('conv.')}"
        case "upsamplers":
            return f"output_blocks.{first + layers}.{2 if str(block) in attends else 1}.{rest}"
        case "attentions":
            place, rest = 1, rest
        case _:
            place, rest = 0, _within_resnet(rest)
    return (
        f"input_blocks.{1 + first + index}.{place}.{rest}"
        if side == "down"
        else f"output_blocks.{first + index}.{place}.{rest}"
    )


def _within_resnet(rest: str) -> str:
    part, leaf = rest.rsplit(".", 1)
    return f"{_UNET_RESNET[part]}.{leaf}"


def _vae_name(name: str, levels: int) -> str:
    name = re.sub(r"encoder\.down_blocks\.(\d+)\.resnets\.", r"encoder.down.\1.block.", name)
    name = re.sub(r"encoder\.down_blocks\.(\d+)\.downsamplers\.0\.", r"encoder.down.\1.downsample.", name)
    name = re.sub(r"up_blocks\.(\d+)\.resnets\.", lambda found: f"up.{levels - 1 - int(found[1])}.block.", name)
    name = re.sub(
        r"up_blocks\.(\d+)\.upsamplers\.0\.", lambda found: f"up.{levels - 1 - int(found[1])}.upsample.", name
    )
    name = re.sub(r"mid_block\.resnets\.(\d)\.", lambda found: f"mid.block_{int(found[1]) + 1}.", name)
    if "mid_block.attentions.0." in name:
        head, rest = name.split("mid_block.attentions.0.")
        part, leaf = rest.rsplit(".", 1)
        return f"{head}mid.attn_1.{_VAE_ATTENTION[part]}.{leaf}"
    return name.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")
