"""Training of the bundled models: data, loop, latents, losses and export, on synthetic glyphs and tiny networks."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPTokenizerFast  # noqa: F401
