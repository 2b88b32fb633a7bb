"""A denoiser's network, ready to be asked: latents in, its raw answer out."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from diffusion.lease import Lease
from diffusion.prediction import Prediction
from diffusion.tensors import Residence
from diffusion.values import LatentSpace


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

    @property
    def token_width(self) -> int:
        """The width D of the tokens it attends to."""
        config: Any = self._lease.run.config
        return config.cross_attention_dim

    def __call__(self, x: Tensor, timestep: Tensor, tokens: Tensor, pooled: Tensor | None = None) -> Tensor:
        """The network's raw answer, float32 [B, C, H, W] on x's device; any H and W.

        x: float32 [B, C, H, W], scaled as the prediction scales its input. timestep: [B] or one for all, as the
        prediction gives it. tokens: float32 [B, T, D]. pooled: not used by Stable Diffusion 1.
        """
        del pooled

        def forward(unet: nn.Module, residence: Residence) -> Tensor:
            layout = torch.channels_last if residence.channels_last else torch.contiguous_format
            return unet(
                x.to(residence.device, residence.dtype, memory_format=layout),
                timestep.to(residence.device),
                tokens.to(residence.device, residence.dtype),
                return_dict=False,
            )[0]

        self._count(len(x))
        out = self._lease.compute(forward)
        return out.to(x.device, torch.float32, memory_format=torch.contiguous_format)
