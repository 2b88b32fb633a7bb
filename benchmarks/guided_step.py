"""What a sampling step costs beside the network: a guided step of Stable Diffusion 1.5's size at 256×256.

    python -m benchmarks.guided_step [--checkpoint PATH] [--steps 12] [--size 256]

Without a checkpoint one with seeded random weights is written to a temporary folder (2.1 GB). The peer is a bare call
of diffusers' U-Net, the very same module in the same precision and layout, with both prompts as one batch. Step and
bare call take turns, so that what else the machine does touches both. Then the median step at `auto` is compared with
the one at `fp32`. Targets: at most 1.05 times the bare call; on a CPU with AMX `auto` at least 3 times faster.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch
from diffusers.models.attention_processor import AttnProcessor2_0

from benchmarks.sd15_checkpoint import TEXT, write
from diffusion.checkpoint import read_checkpoint
from diffusion.latents import empty
from diffusion.lora.clone import clone
from diffusion.memory import Weights
from diffusion.sampling import sample
from diffusion.unet import Denoiser
from diffusion.values import Conditioning, ConditioningEntry, Model

FIRST_STEPS = 2
"""Left out: they set up what later ones reuse."""


@torch.inference_mode()
def measure(model: Model, precision: str, steps: int, size: int) -> tuple[float, float]:
    """Median seconds of a guided step and of the bare call."""
    weights = Weights("auto", precision)
    print(weights.explain)
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(2, 77, TEXT["hidden_size"], generator=generator)
    positive, negative = (Conditioning((ConditioningEntry(item),)) for item in tokens.split(1))
    with weights.lend(model) as network:
        bare = _bare(cast("Denoiser", network._lease.run).unet, network._lease.residence, tokens, size)
        run = sample(
            model,
            positive,
            negative,
            empty(size, size),
            weights=weights,
            seed=0,
            steps=steps + FIRST_STEPS,
            cfg=7.5,
            sampler="euler",
            scheduler="normal",
        )
        taken = [(_seconds(lambda: next(run)), _seconds(bare)) for _ in range(steps + FIRST_STEPS)][FIRST_STEPS:]
    step, call = (statistics.median(column) for column in zip(*taken, strict=True))
    print(f"  guided step {step:.3f} s, bare call {call:.3f} s, ratio {step / call:.3f}")
    return step, call


def _bare(unet: torch.nn.Module, residence, tokens: torch.Tensor, size: int) -> Callable[[], object]:
    layout = torch.channels_last if residence.channels_last else torch.contiguous_format
    x = torch.randn(2, 4, size // 8, size // 8, generator=torch.Generator().manual_seed(1))
    x = x.to(residence.device, residence.dtype, memory_format=layout)
    tokens, timesteps = tokens.to(residence.device, residence.dtype), torch.tensor([500.0, 500.0]).to(residence.device)
    bare = clone(unet)
    bare.set_attn_processor(AttnProcessor2_0())  # pyright: ignore[reportCallIssue] — a method of diffusers' U-Net
    return lambda: bare(x, timesteps, tokens, return_dict=False)[0].cpu()


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def compare(path: Path, steps: int, size: int) -> bool:
    """Print all figures; whether the targets are reached."""
    model = read_checkpoint(path, "").model
    step, call = measure(model, "auto", steps, size)
    reference, reference_call = measure(model, "fp32", steps, size)
    print(f"auto is {reference / step:.2f} times faster than fp32 (threads: {torch.get_num_threads()})")
    return step <= 1.05 * call and reference <= 1.05 * reference_call


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--size", type=int, default=256, help="side of the picture in pixels")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        checkpoint = given.checkpoint or write(Path(temporary) / "sd15.safetensors")
        raise SystemExit(not compare(checkpoint, given.steps, given.size))
