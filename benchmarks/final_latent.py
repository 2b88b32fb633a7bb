"""Is the final latent right? Ours against an Euler loop over diffusers' U-Net, of Stable Diffusion 1.5's size.

    python -m benchmarks.final_latent [--checkpoint PATH] [--size 256] [--steps 6] [--cfg 7.5]

Without a checkpoint one with seeded random weights is written to a temporary folder (2.1 GB). The peer shares only the
file and the tokens: diffusers loads its own U-Net from it, and noise levels, times, guidance and steps are computed
here anew.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.sd15_checkpoint import UNET, write
from diffusion.architectures import UNet2DConditionModel
from diffusion.checkpoint import read_checkpoint
from diffusion.latents import empty
from diffusion.memory import Weights
from diffusion.sampling import sample
from diffusion.values import Conditioning, ConditioningEntry

SCALE = 0.18215
SEED = 0


def ours(path: Path, prompts: tuple[Tensor, Tensor], size: int, steps: int, cfg: float) -> Tensor:
    """The final latent [1, 4, size/8, size/8] of this project, in the VAE's scale."""
    positive, negative = (Conditioning((ConditioningEntry(tokens),)) for tokens in prompts)
    run = sample(
        read_checkpoint(path, "").model,
        positive,
        negative,
        empty(size, size),
        weights=Weights("cpu", "fp32"),
        seed=SEED,
        steps=steps,
        cfg=cfg,
        sampler="euler",
        scheduler="normal",
    )
    while True:
        try:
            next(run)
        except StopIteration as finished:
            return finished.value.samples


@torch.inference_mode()
def peer(path: Path, prompts: tuple[Tensor, Tensor], size: int, steps: int, cfg: float) -> Tensor:
    """The same by an Euler loop over diffusers' U-Net, one prompt at a time."""
    with tempfile.TemporaryDirectory() as folder:
        UNet2DConditionModel(**UNET).save_config(Path(folder) / "unet")
        unet = UNet2DConditionModel.from_single_file(
            str(path), config=folder, subfolder="unet", local_files_only=True, dtype=torch.float32
        ).eval()
    kept = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)
    table = 0.5 * np.log((1 - kept) / kept)
    levels = [*np.exp(np.interp(np.linspace(999, 0, steps), np.arange(1000), table)), 0.0]
    x = (
        torch.randn(1, 4, size // 8, size // 8, generator=torch.Generator().manual_seed(SEED))
        * (1 + levels[0] ** 2) ** 0.5
    )
    for sigma, sigma_next in zip(levels, levels[1:], strict=False):
        timestep = int(np.abs(table - np.log(sigma)).argmin())
        scaled = x / (1 + sigma**2) ** 0.5
        wanted, unwanted = (unet(scaled, timestep, tokens).sample for tokens in prompts)
        x = x + (unwanted + cfg * (wanted - unwanted)) * (sigma_next - sigma)
    return x / SCALE


def compare(path: Path, size: int, steps: int, cfg: float) -> float:
    """Print both runs and return their relative difference."""
    generator = torch.Generator().manual_seed(1)
    prompts = (torch.randn(1, 77, 768, generator=generator), torch.randn(1, 77, 768, generator=generator))
    latents = {}
    for name, run in (("ours", ours), ("peer", peer)):
        begun = time.perf_counter()
        latents[name] = run(path, prompts, size, steps, cfg)
        print(f"{name}: {time.perf_counter() - begun:.1f} s with loading, standard deviation {latents[name].std():.4f}")
    difference = float((latents["ours"] - latents["peer"]).norm() / latents["peer"].norm())
    print(f"relative difference: {difference:.2e} (wanted: at most 1e-05)")
    return difference


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--size", type=int, default=256, help="side of the picture in pixels")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--cfg", type=float, default=7.5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        checkpoint = given.checkpoint or write(Path(temporary) / "sd15.safetensors")
        raise SystemExit(compare(checkpoint, given.size, given.steps, given.cfg) > 1e-5)
