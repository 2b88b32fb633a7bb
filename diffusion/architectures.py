"""The network modules that diffusers and transformers supply: the one door through which they are imported.

Before their first import a broken torchvision is hidden, and the Hugging Face hub is told to stay offline unless the
environment says otherwise, because it reads that once, when it is imported.
"""

import os

from diffusion.torchvision_guard import hide_broken_torchvision

hide_broken_torchvision()
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL  # noqa: E402
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny  # noqa: E402
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel  # noqa: E402
from transformers import CLIPTextConfig, CLIPTextModel  # noqa: E402

__all__ = [
    "AutoencoderKL",
    "AutoencoderTiny",
    "CLIPTextConfig",
    "CLIPTextModel",
    "UNet2DConditionModel",
]
