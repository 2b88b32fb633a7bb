"""The network modules that diffusers and transformers supply: the one door through which they are imported.

Before their first import a broken torchvision is hidden, and the Hugging Face hub is told to stay offline unless the
environment says otherwise, because it reads that once, when it is imported.
"""

import os
from importlib import import_module
from typing import Any

from diffusion.torchvision_guard import hide_broken_torchvision

hide_broken_torchvision()
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from diffusers.models.adapter import T2IAdapter  # noqa: E402
from diffusers.models.attention_processor import Attention  # noqa: E402
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL  # noqa: E402
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny  # noqa: E402
from diffusers.models.controlnets.controlnet import ControlNetModel  # noqa: E402
from diffusers.models.controlnets.controlnet_union import ControlNetUnionModel  # noqa: E402
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel  # noqa: E402
from transformers import CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, CLIPVisionModelWithProjection  # noqa: E402

__all__ = [
    "Attention",
    "AutoencoderKL",
    "AutoencoderTiny",
    "CLIPTextConfig",
    "CLIPTextModel",
    "CLIPVisionConfig",
    "CLIPVisionModelWithProjection",
    "ControlNetModel",
    "ControlNetUnionModel",
    "T2IAdapter",
    "UNet2DConditionModel",
    "transformers_class",
]


def transformers_class(name: str) -> Any:
    """A class of transformers that is seldom used, by its name: imported when it is asked for."""
    return getattr(import_module("transformers"), name)
