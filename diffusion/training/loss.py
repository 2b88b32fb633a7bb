"""Losses of the three stages."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["alphas_cumprod", "decibels", "epsilon", "patches", "reconstruction", "worst"]


def reconstruction(output: Tensor, target: Tensor) -> Tensor:
    """L1 between pictures [B, 3, H, W] in -1..1, their gradients (sharp edges) and 4x4 means (true colours)."""
    gap = output - target
    edges = gap.diff(dim=2).abs().mean() + gap.diff(dim=3).abs().mean()
    return gap.abs().mean() + 0.5 * edges + 2.0 * F.avg_pool2d(gap, 4).abs().mean()


def worst(output: Tensor, target: Tensor) -> Tensor:
    """Mean over cells of 8x8 pixels of their largest error: what single stray pixels cost. Pictures [B, C, H, W]."""
    return F.max_pool2d((output - target).abs(), 8).mean()


def patches(latents: Tensor, size: int = 2) -> Tensor:
    """Latents [B, C, H, W] as a row of patches, [B, H/size * W/size, C * size^2]."""
    return F.unfold(latents, size, stride=size).transpose(1, 2)


def decibels(made: Tensor, wanted: Tensor) -> float:
    """Peak signal-to-noise ratio of pictures in 0..1, over all of them."""
    return float(-10 * torch.log10((made.clamp(0, 1) - wanted.clamp(0, 1)).square().mean()))


def alphas_cumprod() -> Tensor:
    """Stable Diffusion 1's schedule: square roots of beta linear from 0.00085 to 0.012, 1000 steps; [1000] float32."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    return (1 - betas).cumprod(0).float()


def epsilon(
    denoiser: Callable[[Tensor, Tensor, Tensor], Tensor],
    latents: Tensor,
    context: Tensor,
    generator: torch.Generator,
    cap: float = 30.0,
) -> Tensor:
    """Weighted squared error of the predicted noise, scalar.

    denoiser: (noisy latents, timesteps, context) -> noise. latents: model scale, unit variance [B, C, H, W].
    context [B, T, W]. Timesteps are stratified over the batch.
    The weight min(1 + 1/SNR, cap) gives the denoised picture the weight 1 + SNR (the choice of EDM, Karras et al. 2022,
    with sigma_data = 1) except at the highest noise, where `cap` holds it down: what a caption means is decided there.
    """
    count = len(latents)
    strata = (torch.arange(count) + torch.rand(count, generator=generator)) * (1000 / count)
    timesteps = strata.long().clamp(max=999)
    kept = alphas_cumprod()[timesteps][:, None, None, None]
    noise = torch.randn(latents.shape, generator=generator)
    noisy = kept.sqrt() * latents + (1 - kept).sqrt() * noise
    error = (denoiser(noisy, timesteps, context).float() - noise).square().mean(dim=(1, 2, 3))
    weight = (1 / kept).flatten().clamp(max=cap)  # 1/kept = 1 + 1/SNR
    return (weight * error).mean()
