"""How far pictures at `auto` are from those at `fp32`: 20 prompts of the bundled model, peak signal-to-noise ratio.

    python -m benchmarks.precision

Target: ≥ 35 dB. The peer is the same picture at fp32 from the next seed: how far apart two different pictures are.
"""

import statistics
from pathlib import Path

import torch
from torch import Tensor

from diffusion.checkpoint import read_checkpoint
from diffusion.latents import empty
from diffusion.memory import Weights
from diffusion.sampling import sample
from diffusion.text.encoding import encode
from diffusion.vae import decode

CHECKPOINT = Path(__file__).parent.parent / "models" / "checkpoints" / "sprout.safetensors"
PROMPTS = (
    "red apple", "lemon", "grinning face", "rocket", "sun", "crescent moon", "tulip", "soccer ball", "pizza", "octopus",
    "snowman", "red heart", "key", "umbrella", "bicycle", "dog face", "mushroom", "balloon", "clown face", "cactus",
)  # fmt: skip
SIZE, STEPS, CFG, SEED = 64, 20, 3.0, 7


def drawn(weights: Weights, prompt: str, seed: int) -> Tensor:
    """One picture, [1, H, W, 3] in 0..1."""
    parts = read_checkpoint(CHECKPOINT, "")
    positive, negative = (encode(text, parts.text_encoder, weights, lambda name: None) for text in (prompt, ""))
    steps = sample(
        parts.model, positive, negative, empty(SIZE, SIZE), weights=weights, seed=seed, steps=STEPS, cfg=CFG,
        sampler="dpmpp_2m", scheduler="karras",
    )  # fmt: skip
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return decode(done.value, parts.vae, weights).pixels.clamp(0, 1)


def psnr(first: Tensor, second: Tensor) -> float:
    """Peak signal-to-noise ratio of two pictures in 0..1, in dB."""
    return float(-10 * torch.log10((first - second).square().mean().clamp_min(1e-12)))


@torch.inference_mode()
def main() -> None:
    """Print one line a prompt, and the medians."""
    auto, reference = Weights(precision="auto"), Weights(precision="fp32")
    print(auto.explain)
    ours, peers = [], []
    for prompt in PROMPTS:
        truth = drawn(reference, prompt, SEED)
        ours.append(psnr(drawn(auto, prompt, SEED), truth))
        peers.append(psnr(drawn(reference, prompt, SEED + 1), truth))
        print(f"{prompt:16} auto {ours[-1]:5.1f} dB   another seed {peers[-1]:5.1f} dB")
    mean = -10 * torch.log10(torch.tensor([10 ** (-each / 10) for each in ours]).mean())
    print(f"auto: mean {mean:.1f} dB, median {statistics.median(ours):.1f}, least {min(ours):.1f}")


if __name__ == "__main__":
    main()
