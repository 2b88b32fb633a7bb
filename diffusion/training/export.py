"""Trained networks as one checkpoint in Stable Diffusion 1's original key layout.

What shapes cannot say stands as JSON in the metadata `noisewright.config`.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from diffusion.architectures import AutoencoderKL, CLIPTextModel, UNet2DConditionModel
from diffusion.header import CONFIG
from diffusion.original_layout import text_names, unet_names, vae_names

__all__ = ["exported", "write_checkpoint"]

_PROJECTION = re.compile(r"(encoder|decoder)\.mid_block\.attentions\.\d+\.(to_[qkv]|to_out\.0)\.weight")


def exported(unet: UNet2DConditionModel, autoencoder: AutoencoderKL, text: CLIPTextModel) -> dict[str, Tensor]:
    """All weights of the three networks under their original names, in the dtypes given.

    The autoencoder's attention becomes 1x1 convolutions, [C, C] -> [C, C, 1, 1], as the original has it.
    """
    weights: dict[str, Tensor] = {}
    state = unet.state_dict()
    weights |= {new: state[old] for old, new in unet_names(list(state), unet.config["layers_per_block"]).items()}
    state = autoencoder.state_dict()
    for old, new in vae_names(list(state)).items():
        weights[new] = state[old][:, :, None, None] if _PROJECTION.fullmatch(old) else state[old]
    state = text.state_dict()
    weights |= {new: state[old] for old, new in text_names(list(state)).items()}
    return weights


def write_checkpoint(
    path: Path, weights: Mapping[str, Tensor], config: Mapping[str, Any], dtype: torch.dtype = torch.float16
) -> None:
    """Write the checkpoint in one stroke, rounded to `dtype`.

    Raises OverflowError naming a tensor that does not fit.
    """
    rounded = {key: tensor.to(dtype).contiguous() for key, tensor in weights.items()}
    for key, tensor in rounded.items():
        if not torch.isfinite(tensor).all():
            raise OverflowError(
                f"{key} does not fit into {dtype}: its largest value is {weights[key].abs().max().item():g}."
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    save_file(rounded, draft, metadata={"format": "pt", CONFIG: json.dumps(config, sort_keys=True)})
    draft.chmod(0o644)
    os.replace(draft, path)
