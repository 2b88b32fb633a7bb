"""A small U-Net with attention on two levels and in the middle, and the ways to ask it: ours and diffusers'."""

from collections.abc import Callable
from typing import Any

import torch
from diffusers.models.attention_processor import AttnProcessor2_0
from torch import Tensor

from diffusion.architectures import UNet2DConditionModel
from diffusion.changes import Call, Change
from diffusion.context import Context, View
from diffusion.regions import Box
from diffusion.unet import Denoiser
from tests.diffusion.tiny import seeded

WIDTH, TOKEN = 16, 24
"""Channels at its entrance, and of its tokens."""
TIME = torch.tensor([500.0])


def small_unet(seed: int = 0) -> Any:
    """Input layers 0 to 8: attention in 1, 2, 4, 5 and in the middle, of two blocks each; smaller from 3 and 6 on."""
    return seeded(
        UNet2DConditionModel(
            block_out_channels=(WIDTH, 2 * WIDTH, 4 * WIDTH),
            down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
            layers_per_block=2,
            transformer_layers_per_block=2,
            cross_attention_dim=TOKEN,
            attention_head_dim=4,
            norm_num_groups=8,
        ),
        seed,
    )


def draw(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def ours(unet: Any, x: Tensor, tokens: Tensor, *changes: Change, sigma: float = 3.0) -> Tensor:
    """What our way through the network gives under changes."""
    size = x.shape[2], x.shape[3]
    views = tuple(View(item, Box(0, 0, *size), size) for item in range(len(x)))
    call = Call(size, Context(tokens, sigma=sigma, changes=changes, views=views))
    return Denoiser(unet)(x, TIME.expand(len(x)), tokens, {}, call)


@torch.no_grad()
def theirs(unet: Any, x: Tensor, tokens: Tensor, processor: Callable[[str], Any] | None = None) -> Tensor:
    """What diffusers' way gives. processor: of the attention layer of a name; None: diffusers' own."""
    unet.set_attn_processor(
        {name: (processor and processor(name)) or AttnProcessor2_0() for name in unet.attn_processors}
    )
    return unet(x, TIME.expand(len(x)), tokens, return_dict=False)[0]
