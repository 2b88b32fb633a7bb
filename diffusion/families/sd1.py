"""Stable Diffusion 1.x (Rombach et al. 2022): its files, recognised by names and shapes, and its latent space. Loads
no torch.

A convolutional U-Net with cross-attention to CLIP's text states, an autoencoder with four latent channels, and noise
(eps) as what the network predicts. Widths and depths are read from shapes, so a smaller model of this structure is one
of the family.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from diffusion.families.family import Checkpoint, Component, Family, Part
from diffusion.header import Header, WeightFileError
from diffusion.original_layout import UNET_PREFIX, VAE_PREFIX
from diffusion.values import LatentSpace

if TYPE_CHECKING:
    from diffusion.prediction import Prediction

TEXT_PREFIXES = ("cond_stage_model.transformer.text_model.", "cond_stage_model.transformer.")
NORM_GROUPS = 32

IGNORED = re.compile(
    r"model_ema\..*|(sqrt_)?(one_minus_)?alphas_cumprod(_prev)?|betas|(sqrt|log)_(one_minus|recip|recipm1)_alphas_cumprod"
    r"|posterior_(variance|log_variance_clipped|mean_coef1|mean_coef2)|logvar|lvlb_weights|scale_factor|denoiser\.sigmas"
    r"|cond_stage_model\.(logit_scale|text_projection)|cond_stage_model\.transformer\.(logit_scale|(text|visual)_projection\.weight)"
    r"|cond_stage_model\.transformer\.vision_model\..*|.*\bembeddings\.position_ids"
    r"|first_stage_model\.(loss|model_ema)\..*|embedding_manager\..*"
)
"""Names in original checkpoints that sampling has no use for: averages kept for training, tables, losses, other
towers.
"""

RGB = ((0.1722, 0.0693, 0.0335), (0.0624, 0.2014, 0.0749), (-0.1596, 0.1257, 0.1052), (-0.0654, -0.0937, -0.3723))
"""Least-squares fit of the picture to the latent in model scale, with bias 0.5."""


def prediction() -> Prediction:
    """Noise, over 1000 scaled-linear betas."""
    from diffusion.prediction import EpsPrediction, discrete_sigmas

    return EpsPrediction(discrete_sigmas())


def recognise(header: Header) -> Checkpoint | None:
    """A whole checkpoint in the original layout."""
    names = header.tensors
    if UNET_PREFIX + "input_blocks.0.0.weight" not in names or UNET_PREFIX + "label_emb.0.0.weight" in names:
        return None
    if any(name.startswith("cond_stage_model.model.") for name in names):
        return None
    text_prefix = next(
        (prefix for prefix in TEXT_PREFIXES if prefix + "embeddings.token_embedding.weight" in names), None
    )
    if text_prefix is None or VAE_PREFIX + "decoder.conv_in.weight" not in names:
        lacking = "text encoder" if text_prefix is None else "autoencoder"
        raise WeightFileError(
            f"'{header.path.name}' has a Stable Diffusion U-Net but no {lacking}. "
            "A checkpoint needs U-Net, text encoder and autoencoder."
        )
    for key, meaning in (("v_pred", "predicts velocity"), ("ztsnr", "was trained with zero terminal SNR")):
        if key in names:
            raise WeightFileError(
                f"'{header.path.name}' is a Stable Diffusion 1 model that {meaning}, which this version cannot sample."
            )
    _account_for_all(header, (UNET_PREFIX, text_prefix, VAE_PREFIX))
    ignored = frozenset(name for name in names if IGNORED.fullmatch(name))
    components: dict[Part, Component] = {
        "unet": Component("unet", header, UNET_PREFIX, "original", _unet_config(header), ignored),
        "text_encoder": Component(
            "text_encoder", header, text_prefix, "modules", _text_config(header, text_prefix), ignored
        ),
        "vae": Component("vae", header, VAE_PREFIX, "original", _vae_config(header, VAE_PREFIX), ignored),
    }
    return _checked(header, components)


def assemble(parts: Mapping[Part, tuple[Header, Mapping[str, Any]]]) -> Checkpoint | None:
    """The networks of a diffusers folder, each with its config.json."""
    if set(parts) != {"unet", "text_encoder", "vae"}:
        return None
    unet, text, vae = parts["unet"][1], parts["text_encoder"][1], parts["vae"][1]
    if unet.get("_class_name") != "UNet2DConditionModel" or vae.get("_class_name") != "AutoencoderKL":
        return None
    if unet.get("addition_embed_type") or unet.get("use_linear_projection") or text.get("hidden_act") != "quick_gelu":
        return None
    components: dict[Part, Component] = {}
    for part, (header, config) in parts.items():
        prefix = (
            "text_model." if part == "text_encoder" and "text_model.final_layer_norm.weight" in header.tensors else ""
        )
        ignored = frozenset(name for name in header.tensors if name.endswith("embeddings.position_ids"))
        components[part] = Component(part, header, prefix, "modules", config, ignored)
    return _checked(parts["unet"][0], components)


def autoencoder(header: Header) -> Checkpoint | None:
    """An autoencoder alone, in the original layout or in diffusers', or the one in a checkpoint."""
    for prefix in (VAE_PREFIX, ""):
        if (
            prefix + "decoder.conv_in.weight" not in header.tensors
            or prefix + "encoder.conv_in.weight" not in header.tensors
        ):
            continue
        shape = header.shape(prefix + "decoder.conv_in.weight")
        if shape[1:] != (4, 3, 3):
            raise WeightFileError(
                f"'{header.path.name}' is an autoencoder with {shape[1]} latent channels"
                f"{' over time' if len(shape) == 5 else ''}; Stable Diffusion 1 has 4."
            )
        own = prefix + "encoder.down_blocks.0.resnets.0.conv1.weight" in header.tensors
        ignored = frozenset(
            name for name in header.tensors if re.match(r"(first_stage_model\.)?(loss|model_ema)\.", name)
        )
        component = Component(
            "vae", header, prefix, "modules" if own else "original", _vae_config(header, prefix, own=own), ignored
        )
        return Checkpoint({"vae": component}, _space(header, component.config))
    return None


SD1 = Family("sd1", "Stable Diffusion 1", recognise, assemble, autoencoder, prediction)


def _checked(header: Header, components: Mapping[Part, Component]) -> Checkpoint:
    """The model, if its networks fit together and are of a kind that can be sampled."""
    unet, text, vae = (components[part].config for part in ("unet", "text_encoder", "vae"))
    if unet["in_channels"] == 9:
        raise WeightFileError(
            f"'{header.path.name}' is a Stable Diffusion 1 inpainting model (nine input channels), "
            "which this version cannot sample."
        )
    if unet["in_channels"] != vae["latent_channels"] or unet["out_channels"] != vae["latent_channels"]:
        raise WeightFileError(
            f"'{header.path.name}': its U-Net takes {unet['in_channels']} channels and gives {unet['out_channels']}; "
            f"its autoencoder has {vae['latent_channels']}."
        )
    if unet["cross_attention_dim"] != text["hidden_size"]:
        raise WeightFileError(
            f"'{header.path.name}': its text encoder gives states of width {text['hidden_size']}, "
            f"its U-Net takes {unet['cross_attention_dim']}."
        )
    return Checkpoint(MappingProxyType(dict(components)), _space(header, vae))


def _account_for_all(header: Header, prefixes: tuple[str, ...]) -> None:
    strangers = [name for name in header.tensors if not name.startswith(prefixes) and not IGNORED.fullmatch(name)]
    if strangers:
        raise WeightFileError(
            f"'{header.path.name}' looks like a Stable Diffusion 1 checkpoint, but {len(strangers)} of its tensors "
            f"belong to none of its networks: {', '.join(strangers[:3])}{', …' if len(strangers) > 3 else ''}."
        )


def _space(header: Header, vae: Mapping[str, Any]) -> LatentSpace:
    latent = header.config.get("latent", {})
    halvings = len(vae["block_out_channels"]) - 1
    factor = 2**halvings
    if latent.get("factor", factor) != factor:
        raise WeightFileError(
            f"'{header.path.name}': its metadata says factor {latent['factor']}, but its autoencoder halves "
            f"{halvings} times, which is {factor}."
        )
    rgb, bias = latent.get("rgb"), latent.get("rgb_bias", (0.0, 0.0, 0.0))
    return LatentSpace(
        name="sd1",
        channels=vae["latent_channels"],
        factor=factor,
        scale=latent.get("scale_factor", vae.get("scaling_factor", 0.18215)),
        rgb=RGB if rgb is None else tuple((row[0], row[1], row[2]) for row in rgb),
        rgb_bias=(0.5, 0.5, 0.5) if rgb is None else (bias[0], bias[1], bias[2]),
    )


def _unet_config(header: Header) -> dict[str, Any]:
    """Configuration of diffusers' `UNet2DConditionModel`, from shapes. Its `attention_head_dim` is the number of
    heads.
    """

    def has(name: str) -> bool:
        return UNET_PREFIX + name in header.tensors

    levels: list[list[int]] = [[]]
    for block in range(1, _count(header, UNET_PREFIX + r"input_blocks\.(\d+)\.")):
        if has(f"input_blocks.{block}.0.op.weight"):
            levels.append([])
        else:
            levels[-1].append(block)
    layers = len(levels[0])
    if not all(len(level) == layers > 0 for level in levels):
        raise WeightFileError(
            f"'{header.path.name}': the levels of its U-Net have {[len(level) for level in levels]} layers; "
            "they must be equal."
        )
    widths = tuple(header.shape(f"{UNET_PREFIX}input_blocks.{level[0]}.0.in_layers.2.weight")[0] for level in levels)
    attends = [has(f"input_blocks.{level[0]}.1.proj_in.weight") for level in levels]
    middle = UNET_PREFIX + "middle_block.1."
    return {
        "sample_size": 64,
        "in_channels": header.shape(UNET_PREFIX + "input_blocks.0.0.weight")[1],
        "out_channels": header.shape(UNET_PREFIX + "out.2.weight")[0],
        "block_out_channels": _norm_groups_fit(header, widths),
        "layers_per_block": layers,
        "down_block_types": tuple("CrossAttnDownBlock2D" if at else "DownBlock2D" for at in attends),
        "up_block_types": tuple("CrossAttnUpBlock2D" if at else "UpBlock2D" for at in reversed(attends)),
        "cross_attention_dim": header.shape(middle + "transformer_blocks.0.attn2.to_k.weight")[1],
        "transformer_layers_per_block": _count(header, re.escape(middle) + r"transformer_blocks\.(\d+)\."),
        "use_linear_projection": len(header.shape(middle + "proj_in.weight")) == 2,
        "attention_head_dim": header.config.get("unet", {}).get("attention_heads", 8),
        "norm_num_groups": NORM_GROUPS,
    }


def _text_config(header: Header, prefix: str) -> dict[str, Any]:
    """Configuration of transformers' `CLIPTextModel`, from shapes: heads of width 64 unless the metadata says
    otherwise.
    """
    vocabulary, width = header.shape(prefix + "embeddings.token_embedding.weight")
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": header.shape(prefix + "encoder.layers.0.mlp.fc1.weight")[0],
        "num_hidden_layers": _count(header, re.escape(prefix) + r"encoder\.layers\.(\d+)\."),
        "num_attention_heads": header.config.get("text_encoder", {}).get("attention_heads", max(1, width // 64)),
        "max_position_embeddings": header.shape(prefix + "embeddings.position_embedding.weight")[0],
        "hidden_act": "quick_gelu",
    }


def _vae_config(header: Header, prefix: str, *, own: bool = False) -> dict[str, Any]:
    """Configuration of diffusers' `AutoencoderKL`, from shapes. own: its names are diffusers' own."""
    down, block = ("down_blocks", "resnets") if own else ("down", "block")
    stem = f"{prefix}encoder.{down}."
    levels = _count(header, re.escape(stem) + r"(\d+)\.")
    widths = tuple(header.shape(f"{stem}{level}.{block}.0.conv1.weight")[0] for level in range(levels))
    return {
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "block_out_channels": _norm_groups_fit(header, widths),
        "layers_per_block": _count(header, re.escape(f"{stem}0.{block}.") + r"(\d+)\."),
        "latent_channels": header.shape(prefix + "decoder.conv_in.weight")[1],
        "use_quant_conv": prefix + "quant_conv.weight" in header.tensors,
        "use_post_quant_conv": prefix + "post_quant_conv.weight" in header.tensors,
        "norm_num_groups": NORM_GROUPS,
    }


def _count(header: Header, pattern: str) -> int:
    """One more than the largest number that stands in a name where the pattern's group is."""
    return 1 + max((int(match[1]) for name in header.tensors if (match := re.match(pattern, name))), default=-1)


def _norm_groups_fit(header: Header, widths: tuple[int, ...]) -> tuple[int, ...]:
    if any(width % NORM_GROUPS for width in widths):
        raise WeightFileError(
            f"'{header.path.name}': widths {widths} are not multiples of {NORM_GROUPS}, "
            "the number of norm groups of its family."
        )
    return widths
