"""Runs of ours and of diffusers' own pipelines, on the same weights, noise and conditionings."""

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import torch
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from torch import Tensor

from diffusion.architectures import AutoencoderKL
from diffusion.latents import empty
from diffusion.memory import Weights
from diffusion.sampling import sample
from diffusion.text.encoding import encode
from diffusion.text.tokens import BEGIN, END
from diffusion.values import Conditioning, Image, Latent, Mask, Model, TextEncoder
from tests.diffusion.tiny import tiny_vae

WEIGHTS = Weights("cpu", "fp32")
SIDE, SEED, STEPS, CFG = 64, 7, 4, 5.0
"""Four steps, since the schedule `normal` then has whole timesteps: 999, 666, 333, 0."""

PROMPT, NEGATIVE = "a photo of a cat", "hello world"
TOKENS = {PROMPT: [320, 1125, 539, 320, 2368], NEGATIVE: [3306, 1002], "": []}


def nowhere(name: str) -> Path:
    raise FileNotFoundError(name)


def prompt(text: str, clip: TextEncoder) -> Conditioning:
    return encode(text, clip, WEIGHTS, nowhere)


def ids(text: str, padding: int) -> Tensor:
    """What a tokeniser makes of a prompt: CLIP's published tokens."""
    tokens = [BEGIN, *TOKENS[text], END]
    return torch.tensor([tokens + [padding] * (77 - len(tokens))])


def scheduler(**config: Any) -> EulerDiscreteScheduler:
    return EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", **config)


def finished(steps: Generator[Any, None, Latent]) -> Latent:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def sampled(model: Model, sides: Iterable[Conditioning], latent: Latent | None = None, **options: Any) -> Tensor:
    """Our result in model scale. sides: what the picture shall show, and what it shall not."""
    positive, negative = sides
    chosen = {"seed": SEED, "steps": STEPS, "cfg": CFG, "sampler": "euler", "scheduler": "normal", **options}
    given = empty(SIDE, SIDE) if latent is None else latent
    result = finished(sample(model, positive, negative, given, weights=WEIGHTS, **chosen))
    assert result.space is not None
    return result.samples * result.space.scale


def start(sigma_max: float, channels: int = 4) -> Tensor:
    """The noise we begin with, as a pipeline takes it that multiplies by the highest noise level."""
    noise = torch.randn(1, channels, SIDE // 8, SIDE // 8, generator=torch.Generator().manual_seed(SEED))
    return noise * (1 + sigma_max**-2) ** 0.5


def picture() -> Image:
    return Image(torch.rand(1, SIDE, SIDE, 3, generator=torch.Generator().manual_seed(4)))


def corner() -> Mask:
    """A mask of whole latent pixels."""
    mask = torch.zeros(1, SIDE, SIDE)
    mask[:, : SIDE // 2, SIDE // 4 :] = 1
    return Mask(mask)


def certain_vae() -> AutoencoderKL:
    """One whose posterior has (almost) no variance, since the pipeline draws from it and we take its mean."""
    vae = tiny_vae()
    vae.quant_conv.weight[4:], vae.quant_conv.bias[4:] = 0, -30
    return vae


def assert_same(ours: Tensor, theirs: Tensor) -> None:
    """To 1e-4 relative, as the norm of the difference; and of some size."""
    assert theirs.norm() > 0.1
    assert float((ours - theirs).norm() / theirs.norm()) <= 1e-4
