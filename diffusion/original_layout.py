"""The key layout of the first Stable Diffusion checkpoints ("LDM layout"): names of diffusers modules → names in such
a file.

One table serves both directions: a model that is trained or assembled here is saved under these names, and a module
that is to be filled looks for its tensors under them. Loads no torch.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

UNET_PREFIX = "model.diffusion_model."
VAE_PREFIX = "first_stage_model."
CONTROL_PREFIX = "control_model."
TEXT_PREFIX = "cond_stage_model.transformer.text_model."

_UNET_STEMS: Mapping[str, str] = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "class_embedding.linear_1": "label_emb.0.0",
    "class_embedding.linear_2": "label_emb.0.2",
    "class_embedding": "label_emb",
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
_OPEN_CLIP: Mapping[str, str] = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "final_layer_norm.weight": "ln_final.weight",
    "final_layer_norm.bias": "ln_final.bias",
    "text_projection.weight": "text_projection",
}
_OPEN_CLIP_LAYER: Mapping[str, str] = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}
_OPEN_CLIP_VISION: Mapping[str, str] = {
    "vision_model.embeddings.class_embedding": "class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "positional_embedding",
    "vision_model.pre_layrnorm.weight": "ln_pre.weight",
    "vision_model.pre_layrnorm.bias": "ln_pre.bias",
    "vision_model.post_layernorm.weight": "ln_post.weight",
    "vision_model.post_layernorm.bias": "ln_post.bias",
    "visual_projection.weight": "proj",
}
_FUSED: Sequence[str] = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")


@dataclass(frozen=True)
class Place:
    """Where a module's tensor is in a file.

    name: of the tensor there. third: which third of its rows, 0 to 2, where query, key and value are one tensor.
    transposed: it has rows for columns.
    """

    name: str
    third: int | None = None
    transposed: bool = False


def unet_names(names: Sequence[str], layers_per_block: int) -> dict[str, str]:
    """Names of a `UNet2DConditionModel`'s tensors → names in the file, with prefix. `names` are all of one network."""
    attends = {match[1] for name in names if (match := re.match(r"up_blocks\.(\d+)\.attentions\.", name))}
    return {name: UNET_PREFIX + _unet_name(name, layers_per_block, attends) for name in names}


def control_names(names: Sequence[str], layers_per_block: int) -> dict[str, str]:
    """Names of a `ControlNetModel`'s tensors → names in the file, with prefix. `names` are all of one network."""
    hints = {match[1] for name in names if (match := re.match(r"controlnet_cond_embedding\.blocks\.(\d+)\.", name))}
    return {name: CONTROL_PREFIX + _control_name(name, layers_per_block, len(hints)) for name in names}


def adapter_names(names: Sequence[str], resnets_per_block: int) -> dict[str, str]:
    """Names of a `T2IAdapter`'s tensors → names in the first adapters' files, which have no prefix.

    resnets_per_block: of an adapter whose file counts the resnets of all blocks through, each with its block's first
    convolution; 0: of the light kind, whose file counts blocks.
    """
    return {name: _adapter_name(name.removeprefix("adapter."), resnets_per_block) for name in names}


def vae_names(names: Sequence[str]) -> dict[str, str]:
    """Names of an `AutoencoderKL`'s tensors → names in the file, with prefix.

    The file holds the weights of the attention's four linear layers as 1×1 convolutions: [out, in, 1, 1].
    """
    levels = 1 + max(int(match[1]) for name in names if (match := re.match(r"decoder\.up_blocks\.(\d+)\.", name)))
    return {name: VAE_PREFIX + _vae_name(name, levels) for name in names}


def tiny_names(names: Sequence[str]) -> dict[str, str]:
    """Names of the tensors of one half of an `AutoencoderTiny` → names in a file of that half, which numbers layers.

    A decoder's layers are counted from 1 there: its first one, which bends large values, has no weights.
    """
    found = {name: re.fullmatch(r"(encoder|decoder)\.layers\.(\d+)\.(.+)", name) for name in names}
    return {name: f"{int(of[2]) + (of[1] == 'decoder')}.{of[3]}" for name, of in found.items() if of is not None}


def text_names(names: Sequence[str], prefix: str = TEXT_PREFIX) -> dict[str, str]:
    """Names of a `CLIPTextModel`'s tensors → names in the file, with prefix. Both of transformers' spellings are
    taken.
    """
    return {name: prefix + name.removeprefix("text_model.") for name in names}


def open_clip_places(names: Sequence[str], prefix: str) -> dict[str, Place]:
    """Names of a `CLIPTextModel`'s tensors → where they are in OpenCLIP's layout. Both of transformers' spellings are
    taken.
    """
    return {name: _open_clip_place(name.removeprefix("text_model."), prefix) for name in names}


def open_clip_vision_places(names: Sequence[str], prefix: str) -> dict[str, Place]:
    """Names of a `CLIPVisionModelWithProjection`'s tensors → where they are in OpenCLIP's layout."""
    return {
        name: Place(prefix + _OPEN_CLIP_VISION[name], transposed=name == "visual_projection.weight")
        if name in _OPEN_CLIP_VISION
        else _open_clip_layer(name.removeprefix("vision_model."), prefix)
        for name in names
    }


def _open_clip_place(name: str, prefix: str) -> Place:
    if name in _OPEN_CLIP:
        return Place(prefix + _OPEN_CLIP[name], transposed=name == "text_projection.weight")
    return _open_clip_layer(name, prefix)


def _open_clip_layer(name: str, prefix: str) -> Place:
    match = re.fullmatch(r"encoder\.layers\.(\d+)\.(.+)\.(weight|bias)", name)
    if match is None:
        raise ValueError(f"'{name}' is no tensor of a CLIP model.")
    layer, part, leaf = f"{prefix}transformer.resblocks.{match[1]}.", match[2], match[3]
    if part in _FUSED:
        return Place(f"{layer}attn.in_proj_{leaf}", third=_FUSED.index(part))
    return Place(f"{layer}{_OPEN_CLIP_LAYER[part]}.{leaf}")


def _unet_name(name: str, layers: int, attends: set[str]) -> str:
    for stem, original in _UNET_STEMS.items():
        if name.startswith(stem + "."):
            rest = name.removeprefix(stem + ".")
            return f"{original}.{_within_resnet(rest) if 'resnets' in stem else rest}"
    match = re.fullmatch(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)", name)
    if match is None:
        raise ValueError(f"'{name}' is no tensor of a Stable Diffusion U-Net.")
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


def _control_name(name: str, layers: int, hints: int) -> str:
    if not name.startswith("controlnet_"):
        return _unet_name(name, layers, set())
    match = re.fullmatch(r"controlnet_(?:down_blocks\.(\d+)|mid_block)\.(.+)", name)
    if match is not None:
        return f"middle_block_out.0.{match[2]}" if match[1] is None else f"zero_convs.{match[1]}.0.{match[2]}"
    match = re.fullmatch(r"controlnet_cond_embedding\.(conv_in|conv_out|blocks\.(\d+))\.(.+)", name)
    if match is None:
        raise ValueError(f"'{name}' is no tensor of a ControlNet.")
    convolution = {"conv_in": 0, "conv_out": hints + 1}.get(match[1], int(match[2] or 0) + 1)
    return f"input_hint_block.{2 * convolution}.{match[3]}"  # between convolutions stands an activation


def _adapter_name(name: str, resnets: int) -> str:
    match = re.fullmatch(r"body\.(\d+)\.(in_conv|out_conv|resnets\.(\d+)\.block\d)\.(\w+)", name)
    if match is None:
        return name  # the first convolution
    block, inner = int(match[1]), match[2]
    if resnets == 0:
        return f"body.{block}.{inner.replace('resnets', 'body')}.{match[4]}"
    number = block * resnets + int(match[3] or 0)
    return f"body.{number}.{'in_conv' if match[3] is None else inner.rpartition('.')[2]}.{match[4]}"


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
