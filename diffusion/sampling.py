"""Sampling: a guided model, noise and a latent become a picture in the making, step by step.

This is where latents enter model scale and leave it. All arithmetic but the network's own is float32 on the network's
device. `sample` is what a KSampler does: it makes the noise levels and guides by two conditionings. `sample_custom`
takes all parts as values. Both walk the same way.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import NamedTuple

import torch
from torch import Tensor

from diffusion.asking import Backbone
from diffusion.checkpoint import space_of
from diffusion.equipment import equipped
from diffusion.growing import Growing, growing
from diffusion.guiders import conditionings_of, denoiser_of
from diffusion.inpainting import Differential, Inpainted, constant
from diffusion.latents import in_space
from diffusion.model_options import DifferentialMask, NoiseSource
from diffusion.noise import initial_noise, slerp
from diffusion.prediction import Prediction
from diffusion.predictions import chosen_prediction
from diffusion.regions import check_say, fit_mask
from diffusion.reuse import said
from diffusion.samplers import Denoise, Step, noise_for
from diffusion.samplers import sampler as sampler_named
from diffusion.sampling_values import CfgGuider, Guider, NoiseRecipe, SamplerRecipe, Sigmas, Variation
from diffusion.schedules import sigmas_for
from diffusion.services import Weights
from diffusion.values import Conditioning, Latent, LatentSpace, Model, Shown

State = Mapping[str, Tensor | float]
"""What goes on after a step: `index`, `x`, `denoised`, the sampler's memory as `memory.…`, that of guidance as
`guidance.…`. Tensors on the CPU.
"""
MEMORY, GUIDANCE = "memory.", "guidance."


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


class Sampled(NamedTuple):
    """What a run ends with: the latent at its last noise level, and the last guess of the picture without noise."""

    output: Latent
    denoised_output: Latent


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
    sampler_named(sampler)  # an unknown name is told before weights are loaded
    guider, noise = CfgGuider(model, positive, negative, cfg), NoiseRecipe(seed, add_noise, variation)
    with equipped(model, conditionings_of(guider), weights) as network:
        levels = sigmas_for(
            scheduler,
            sampler,
            network.prediction,
            steps,
            denoise=denoise,
            start=start_step,
            end=end_step,
            force_last_zero=not leftover_noise,
        )
        sampled = yield from _walk(network, guider, noise, SamplerRecipe(sampler), levels, latent, resume)
    return sampled.output


@torch.no_grad()
def sample_custom(
    guider: Guider,
    noise: NoiseRecipe,
    sampler: SamplerRecipe,
    sigmas: Sigmas,
    latent: Latent,
    *,
    weights: Weights,
    resume: State | None = None,
) -> Generator[SamplingProgress, None, Sampled]:
    """Walk a latent through noise levels. Yields after each step; closing it returns the weights.

    The noise is put on the latent as strong as the first level says. resume, and what the latent's noise mask does: as
    in `sample`. With fewer than two levels the latent is handed back unchanged. Raises ValueError for an unknown
    sampler, for levels that do not fall, and for what does not fit the model; FloatingPointError when the network's
    answer is no number.
    """
    sampler_named(sampler.name)
    with equipped(guider.model, conditionings_of(guider), weights) as network:
        return (yield from _walk(network, guider, noise, sampler, sigmas.levels, latent, resume))


def _walk(
    network: Backbone,
    guider: Guider,
    noise: NoiseRecipe,
    sampler: SamplerRecipe,
    sigmas: Tensor,
    latent: Latent,
    resume: State | None,
) -> Generator[SamplingProgress, None, Sampled]:
    """The way of every run through its noise levels."""
    if len(sigmas) < 2:
        return Sampled(latent, latent)
    frame, space = network.prediction.frame, network.space
    solver, source = sampler_named(sampler.name), _source(guider.model)
    first, last, total = float(sigmas[0]), float(sigmas[-1]), len(sigmas) - 1
    given = fitted(latent, space)
    known = into_model_scale(given.samples, space).to(network.device)
    begun = noise_of(given, noise, source).to(network.device) if noise.added else torch.zeros_like(known)
    shapes = solver.shapes(known.shape, total, sampler.options)
    resumed = None if resume is None else _step(resume, known, shapes)
    shown, mask = _shown(given, network), _mask(given)
    if shapes:
        _check_unmasked(mask)
        done = 0 if resumed is None else resumed.index
        guided = growing(guider, network, known.shape, shapes, shown, noise.seed, done)
    else:
        guided = denoiser_of(guider, network, known.shape, shown, noise.seed)
    size = guided.shape if isinstance(guided, Growing) else known.shape
    for sentence in check_say(guided.sides, sigmas[:-1].tolist(), *size[2:]):
        network.note(sentence)
    guided.memory.update(_kept(resume or {}, GUIDANCE, network.device))
    denoiser: Denoise = guided
    if mask is not None:
        kept_noise = begun
        if sampler.name == "ddim":
            kept_noise = noise_of(given, NoiseRecipe((noise.seed + 1) % 2**64), source).to(network.device)
        masks = _masks(guider.model, network.prediction, first, last)
        denoiser = Inpainted(denoiser, known, kept_noise, mask.to(network.device), masks)
    full = first > network.prediction.sigma_max * (1 - 1e-5)
    start = frame.start(known, begun, first, full=full)
    x, denoised = (start, start) if resumed is None else (resumed.x, resumed.denoised)
    used = int(noise.added and source.initial == source.steps == "cuda")  # there, one generator draws both
    draws = noise_for(sampler.name, start, sigmas, noise.seed, source.steps, used, sampler.options)
    for step in solver(denoiser, start, sigmas, noise=draws, resume=resumed, **sampler.options):
        _check_finite(step, guider.model)
        x, denoised = step.x, step.denoised
        yield SamplingProgress(min(step.index + 1, total), total, x, denoised, space, _state(step, guided.memory))
    for sentence in said(guider.model.options, guided.memory):
        network.note(sentence)
    ended = (out_of_model_scale(end, space).cpu() for end in (frame.finish(x, last), denoised))
    if mask is not None and last == 0 and given.samples.any():
        # To the bit: scaling there and back rounds.
        ended = (torch.where(mask == 0, given.samples, samples) for samples in ended)
    return Sampled(*(replace(given, samples=samples, space=space) for samples in ended))


def noised(model: Model, latent: Latent, noise: NoiseRecipe, sigmas: Sigmas) -> Latent:
    """The latent with noise on it, for a run that adds none: as strong as the way from the first level to the last.

    Without levels, or where the recipe adds no noise, the latent is handed back unchanged. Needs no weights. Raises
    ValueError for a latent or variation that does not fit.
    """
    if not noise.added or len(sigmas.levels) == 0:
        return latent
    space, frame = space_of(model), chosen_prediction(model).frame
    given = fitted(latent, space)
    first, last = float(sigmas.levels[0]), float(sigmas.levels[-1])
    strength = abs(first - last) if len(sigmas.levels) > 1 else first
    drawn = noise_of(given, noise, _source(model))
    x = frame.renoise(into_model_scale(given.samples, space), drawn, strength)
    return replace(given, samples=out_of_model_scale(x, space), space=space)


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


def into_model_scale(samples: Tensor, space: LatentSpace) -> Tensor:
    """(samples − shift) · scale; but what is all zero is no picture, and stays zero."""
    return (samples - space.shift) * space.scale if samples.any() else samples


def out_of_model_scale(x: Tensor, space: LatentSpace) -> Tensor:
    """x / scale + shift."""
    return x / space.scale + space.shift


def noise_of(latent: Latent, noise: NoiseRecipe, source: NoiseSource | None = None) -> Tensor:
    """The noise that a run with this latent begins with, float32 of its samples' shape on the CPU.

    source: which generator draws it; the CPU's, if not given. Raises ValueError where it varies a picture that the
    batch has not.
    """
    shape, generator = latent.samples.shape, (source or NoiseSource()).initial
    drawn = initial_noise(shape, noise.seed % 2**64, latent.batch_index, generator)
    varied = noise.variation
    if varied is None:
        return drawn
    if varied.of is not None:
        if varied.of >= len(drawn):
            raise ValueError(
                f"There is no picture {varied.of} to vary in a batch of {len(drawn)}: they are counted from 0."
            )
        drawn = drawn[varied.of].expand(shape)
    return slerp(drawn, initial_noise(shape, varied.seed, latent.batch_index, generator), varied.strength)


def _source(model: Model) -> NoiseSource:
    """Which generators the last option of the model names, if one does."""
    return next((option for option in reversed(model.options) if isinstance(option, NoiseSource)), NoiseSource())


def _shown(latent: Latent, network: Backbone) -> Shown | None:
    """What an inpainting model is shown where its conditionings show it nothing: the latent, if it has a noise mask."""
    takes_mask = network.inputs.beside > network.space.channels
    return Shown(latent.samples, latent.noise_mask) if takes_mask and latent.noise_mask is not None else None


def _masks(model: Model, prediction: Prediction, first: float, last: float) -> Callable[[Tensor, Tensor], Tensor]:
    """What a noise mask is at each noise level: as the last option of the model says, if one does."""
    found = next((option for option in reversed(model.options) if isinstance(option, DifferentialMask)), None)
    return constant if found is None else Differential(prediction, first, last, found.strength)


def _mask(latent: Latent) -> Tensor | None:
    """The latent's noise mask at its own resolution, [B, 1, H, W], or None where it has none."""
    batch, _, height, width = latent.samples.shape
    return None if latent.noise_mask is None else fit_mask(latent.noise_mask, batch, height, width)


def _check_unmasked(mask: Tensor | None) -> None:
    if mask is not None:
        raise ValueError(
            "SamplerLCMUpscale changes the size of the latent on the way, but what a noise mask keeps has the old one. "
            "Sample without the noise mask, or with another sampler (KSamplerSelect, 'lcm')."
        )


def _state(step: Step, guidance: Mapping[str, Tensor]) -> State:
    memory = {f"{MEMORY}{name}": value for name, value in step.memory.items()}
    memory |= {f"{GUIDANCE}{name}": value for name, value in guidance.items()}
    state = {"index": step.index, "x": step.x, "denoised": step.denoised, **memory}
    return {name: value.cpu() if isinstance(value, Tensor) else value for name, value in state.items()}


def _kept(state: State, prefix: str, device: torch.device) -> dict[str, Tensor]:
    """The tensors of a state whose names begin so, without that, where the run computes."""
    found = {name: value for name, value in state.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): value.to(device) for name, value in found.items() if isinstance(value, Tensor)}


def _step(state: State, known: Tensor, shapes: Sequence[Sequence[int]] = ()) -> Step:
    """The step a state was made of, on the device of this run's latent. shapes: of the latent behind each step, where
    it changes its size. Raises ValueError for the state of another run.
    """
    moved = {name: value.to(known.device) if isinstance(value, Tensor) else value for name, value in state.items()}
    x, denoised = moved.get("x"), moved.get("denoised")
    index = int(moved.get("index", 0))
    shape = list(shapes[index] if index < len(shapes) else known.shape)
    if not (isinstance(x, Tensor) and isinstance(denoised, Tensor) and list(x.shape) == shape):
        raise ValueError(
            f"The saved state does not belong to this run, which needs a step of a latent of shape "
            f"{shape}: it holds {', '.join(sorted(state)) or 'nothing'}. Run the node again without it."
        )
    memory = {name.removeprefix(MEMORY): value for name, value in moved.items() if name.startswith(MEMORY)}
    return Step(index, x, denoised, memory)


def _check_finite(step: Step, model: Model) -> None:
    if not bool(step.x.isfinite().all()):
        raise FloatingPointError(
            f"The model '{PurePath(model.file.path).name}' returned NaN or infinity at step {step.index + 1}. "
            "If the weights are sound, compute in a wider precision (--precision fp32), or lower cfg."
        )
