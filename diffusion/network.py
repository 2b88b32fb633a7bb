"""A denoiser's network, ready to be asked: latents in, its raw answer out."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from diffusion.context import Context, Inputs
from diffusion.lease import Lease
from diffusion.prediction import Prediction
from diffusion.tensors import Residence
from diffusion.values import LatentSpace

SIZES = (5, 6)
"""How many sizes networks are told that are told any: the refiner of SDXL, SDXL."""


class Network:
    """What `Weights.lend(model)` gives. prediction: what its answer means. space: the latents it knows.

    count: is told how many items it is asked about, each time.
    """

    def __init__(
        self,
        lease: Lease,
        prediction: Prediction,
        space: LatentSpace,
        count: Callable[[int], object] = lambda items: None,
    ) -> None:
        self._lease = lease
        self._count = count
        self.prediction = prediction
        self.space = space

    @property
    def device(self) -> torch.device:
        """Where it computes; inputs from elsewhere are brought there."""
        return self._lease.residence.device

    @cached_property
    def inputs(self) -> Inputs:
        """What it takes besides the noisy latent."""
        config: Any = self._lease.run.config
        tokens, beside = config.cross_attention_dim, config.in_channels - self.space.channels
        if config.addition_embed_type is None:
            return Inputs(tokens, beside=beside)
        told, each = config.projection_class_embeddings_input_dim, config.addition_time_embed_dim
        # The refiner attends to the states of one text encoder, whose pooled state is as wide.
        sizes = SIZES[0] if told - tokens == SIZES[0] * each else SIZES[1]
        return Inputs(tokens, told - sizes * each, sizes, beside)

    def __call__(self, x: Tensor, timestep: Tensor, context: Context) -> Tensor:
        """The network's raw answer, float32 [B, C, H, W] on x's device; any H and W.

        x: float32 [B, C, H, W], scaled as the prediction scales its input. timestep: [B] or one for all, as the
        prediction gives it. context: what it is told besides.
        """

        def forward(unet: nn.Module, residence: Residence) -> Tensor:
            layout = torch.channels_last if residence.channels_last else torch.contiguous_format
            seen = x if context.beside is None else torch.cat([x, context.beside], dim=1)
            added = None
            if context.pooled is not None and context.sizes is not None:
                added = {
                    "text_embeds": context.pooled.to(residence.device, residence.dtype),
                    "time_ids": context.sizes.to(residence.device),
                }
            return unet(
                seen.to(residence.device, residence.dtype, memory_format=layout),
                timestep.to(residence.device),
                context.tokens.to(residence.device, residence.dtype),
                added_cond_kwargs=added,
                return_dict=False,
            )[0]

        self._count(len(x))
        out = self._lease.compute(forward)
        return out.to(x.device, torch.float32, memory_format=torch.contiguous_format)
