"""Pictures from the networks in training: a bare Euler loop with guidance, for judging as training goes on."""

from collections.abc import Callable

import torch
from torch import Tensor

from diffusion.architectures import AutoencoderKL
from diffusion.training.latents import SCALE_FACTOR
from diffusion.training.loss import alphas_cumprod
from diffusion.training.networks import decoded

__all__ = ["drawn"]


@torch.no_grad()
def drawn(
    denoiser: Callable[[Tensor, Tensor, Tensor], Tensor],
    autoencoder: AutoencoderKL,
    context: Tensor,
    empty: Tensor,
    *,
    guidance: float = 3.0,
    steps: int = 20,
    seed: int = 0,
) -> Tensor:
    """Pictures [B, 3, 64, 64] in 0..1 for contexts [B, 77, W] and the empty prompt's [1, 77, W].

    Euler over `steps` timesteps evenly spaced from 999 down, variance exploding.
    """
    kept = alphas_cumprod()
    timesteps = torch.linspace(999, 0, steps).round().long()
    sigmas = torch.cat([((1 - kept) / kept).sqrt()[timesteps], torch.zeros(1)])
    count = len(context)
    both = torch.cat([context, empty.expand(count, -1, -1)])
    x = torch.randn(count, 4, 16, 16, generator=torch.Generator().manual_seed(seed)) * (1 + sigmas[0] ** 2).sqrt()
    for timestep, sigma, following in zip(timesteps, sigmas, sigmas[1:], strict=False):
        scaled = (x / (1 + sigma**2).sqrt()).repeat(2, 1, 1, 1)
        positive, negative = denoiser(scaled, timestep.expand(2 * count), both).float().chunk(2)
        x = x + (following - sigma) * (negative + guidance * (positive - negative))
    return (decoded(autoencoder, x / SCALE_FACTOR) / 2 + 0.5).clamp(0, 1)
