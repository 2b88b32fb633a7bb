"""Sampling: a model, two conditionings and a latent become a picture in the making, step by step.

This is where latents enter model scale and leave it. All arithmetic but the network's own is float32 on the network's
device.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import NamedTuple

import torch
from torch import Tensor

from diffusion.guidance import guided
from diffusion.inpainting import Inpainted
from diffusion.latents import in_space
from diffusion.noise import initial_noise, slerp
from diffusion.regions import fit_mask
from diffusion.samplers import Denoise, Step, noise_for
from diffusion.samplers import sampler as sampler_named
from diffusion.schedules import sigmas_for
from diffusion.services import Weights
from diffusion.values import Conditioning, Latent, LatentSpace, Model

State = Mapping[str, Tensor | float]
"""What goes on after a step: `index`, `x`, `denoised`, and the sampler's memory as `memory.…`. Tensors on the CPU."""
MEMORY = "memory."


@dataclass(frozen=True, eq=False)
class SamplingProgress:
    """Where a sampling run is: `done` of `total` steps (about, for samplers that choose their own).

    x, denoised: float32 [B, C, H, W] in model scale on the network's device: the noisy latent, and the guess of the
    picture. space: the latent space of both, for previews. state: resumes the run after this step, with the same bits.
    """

    done: int
    total: int
    x: Tensor
    denoised: Tensor
    space: LatentSpace
    state: State


class Variation(NamedTuple):
    """A run that begins near another one's noise. seed: 0..2^64 - 1, of what is mixed in. strength: 0: nothing, 1: it
    alone, between: along the sphere (`diffusion.noise.slerp`), each picture of a batch towards its own noise.
    of: the place of the one picture that the whole batch varies; None: each the one at its place.
    """

    seed: int
    strength: float
    of: int | None = None


@torch.no_grad()
def sample(
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    latent: Latent,
    *,
    weights: Weights,
    seed: int,
    steps: int,
    cfg: float,
    sampler: str,
    scheduler: str,
    denoise: float = 1.0,
    add_noise: bool = True,
    start_step: int | None = None,
    end_step: int | None = None,
    leftover_noise: bool = False,
    variation: Variation | None = None,
    resume: State | None = None,
) -> Generator[SamplingProgress, None, Latent]:
    """Turn noise into a latent that follows the conditionings. Yields after each step; closing it returns the weights.

    seed: 0..2^64 − 1. cfg: guidance scale; 1 leaves the negative conditioning out. sampler, scheduler: names of
    `diffusion.names`. denoise: 1 repaints the latent wholly, less keeps its coarse shape, 0 leaves it as it is.
    add_noise: False where the latent is noisy already. start_step, end_step: the part of all `steps` to go through.
    leftover_noise: a run that end_step cuts short leaves its noise in, instead of removing all of it in its last step.
    variation: another seed whose noise is mixed in. resume: the `state` of a step of the same run. The latent's noise
    mask, if it has one, keeps what is 0 in it as it was. Without a step to do, the latent is handed back unchanged.
    Raises ValueError for unknown names, and for a latent, conditioning or variation that does not fit;
    FloatingPointError when the network's answer is no number.
    """
    solver = sampler_named(sampler)
    with weights.lend(model) as network:
        frame, space = network.prediction.frame, network.space
        sigmas = sigmas_for(
            scheduler,
            sampler,
            network.prediction,
            steps,
            denoise=denoise,
            start=start_step,
            end=end_step,
            force_last_zero=not leftover_noise,
        )
        if len(sigmas) < 2:
            return latent
        first, last, total = float(sigmas[0]), float(sigmas[-1]), len(sigmas) - 1
        given = fitted(latent, space)
        known = _into_model_scale(given.samples, space).to(network.device)
        noise = _noise(given, seed, variation).to(network.device) if add_noise else torch.zeros_like(known)
        denoiser: Denoise = guided(network, positive, negative, cfg, known.shape)
        if (mask := _mask(given)) is not None:
            kept_noise = _noise(given, seed + 1, None).to(network.device) if sampler == "ddim" else noise
            denoiser = Inpainted(denoiser, known, kept_noise, mask.to(network.device))
        resumed = None if resume is None else _step(resume, known)
        full = first > network.prediction.sigma_max * (1 - 1e-5)
        x = frame.start(known, noise, first, full=full) if resumed is None else resumed.x
        for step in solver(denoiser, x, sigmas, noise=noise_for(sampler, x, sigmas, seed), resume=resumed):
            _check_finite(step, model)
            x = step.x
            yield SamplingProgress(min(step.index + 1, total), total, x, step.denoised, space, _state(step))
        samples = _out_of_model_scale(frame.finish(x, last), space).cpu()
    if mask is not None and last == 0 and given.samples.any():
        samples = torch.where(mask == 0, given.samples, samples)  # to the bit: scaling there and back rounds
    return replace(given, samples=samples, space=space)


def fitted(latent: Latent, space: LatentSpace) -> Latent:
    """The latent as one of `space`: an empty one is made anew, an all-zero one gets the model's channels.

    Raises ValueError for a latent of another space, with other channels, or that is no picture.
    """
    if latent.samples.ndim != 4:
        raise ValueError(
            f"The model makes pictures: it takes latents [batch, channels, height, width], but this one has the shape "
            f"{list(latent.samples.shape)}. Use a latent made for the same kind of model."
        )
    if latent.empty_size is None and not latent.samples.any():
        batch, _, height, width = latent.samples.shape
        return replace(latent, samples=torch.zeros(batch, space.channels, height, width), space=space)
    return in_space(latent, space)


def _into_model_scale(samples: Tensor, space: LatentSpace) -> Tensor:
    """(samples − shift) · scale; but what is all zero is no picture, and stays zero."""
    return (samples - space.shift) * space.scale if samples.any() else samples


def _out_of_model_scale(x: Tensor, space: LatentSpace) -> Tensor:
    return x / space.scale + space.shift


def _noise(latent: Latent, seed: int, variation: Variation | None) -> Tensor:
    shape = latent.samples.shape
    noise = initial_noise(shape, seed % 2**64, latent.batch_index)
    if variation is None:
        return noise
    if variation.of is not None:
        if variation.of >= len(noise):
            raise ValueError(
                f"There is no picture {variation.of} to vary in a batch of {len(noise)}: they are counted from 0."
            )
        noise = noise[variation.of].expand(shape)
    return slerp(noise, initial_noise(shape, variation.seed, latent.batch_index), variation.strength)


def _mask(latent: Latent) -> Tensor | None:
    """The latent's noise mask at its own resolution, [B, 1, H, W], or None where it has none."""
    batch, _, height, width = latent.samples.shape
    return None if latent.noise_mask is None else fit_mask(latent.noise_mask, batch, height, width)


def _state(step: Step) -> State:
    memory = {f"{MEMORY}{name}": value for name, value in step.memory.items()}
    state = {"index": step.index, "x": step.x, "denoised": step.denoised, **memory}
    return {name: value.cpu() if isinstance(value, Tensor) else value for name, value in state.items()}


def _step(state: State, known: Tensor) -> Step:
    """The step a state was made of, on the device of this run's latent. Raises ValueError for that of another run."""
    moved = {name: value.to(known.device) if isinstance(value, Tensor) else value for name, value in state.items()}
    x, denoised = moved.get("x"), moved.get("denoised")
    if not (isinstance(x, Tensor) and isinstance(denoised, Tensor) and x.shape == known.shape):
        raise ValueError(
            f"The saved state does not belong to this run, which needs a step of a latent of shape "
            f"{list(known.shape)}: it holds {', '.join(sorted(state)) or 'nothing'}. Run the node again without it."
        )
    memory = {name.removeprefix(MEMORY): value for name, value in moved.items() if name.startswith(MEMORY)}
    return Step(int(moved["index"]), x, denoised, memory)


def _check_finite(step: Step, model: Model) -> None:
    if not bool(step.x.isfinite().all()):
        raise FloatingPointError(
            f"The model '{PurePath(model.file.path).name}' returned NaN or infinity at step {step.index + 1}. "
            "If the weights are sound, compute in a wider precision (--precision fp32), or lower cfg."
        )
