"""Sampling nodes: noise becomes a latent picture."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, cast

from annotated_types import Ge, Le

from diffusion.names import SAMPLERS, SCHEDULERS, WEIGHT_SUFFIXES
from diffusion.sampling_values import Variation
from diffusion.services import Weights
from diffusion.values import Conditioning, Latent, Model
from graph.folders import Folders
from graph.node import Default, Hint, OneOf, node
from graph.progress import Preview, Progress, Steps

if TYPE_CHECKING:
    from diffusion.sampling import SamplingProgress

T = TypeVar("T")

Seed = Annotated[int, Ge(0), Le(2**64 - 1), Hint(control_after_generate=True), Default(0)]
StepCount = Annotated[int, Ge(1), Le(10000), Default(20)]
Guidance = Annotated[float, Ge(0.0), Le(100.0), Hint(step=0.1, round=0.01), Default(8.0)]
SamplerName = Annotated[str, OneOf(SAMPLERS, of="samplers")]
SchedulerName = Annotated[str, OneOf(SCHEDULERS, of="schedulers")]


@node("KSampler", category="sampling", title="KSampler")
def sample_latent(
    model: Model,
    seed: Seed,
    steps: StepCount,
    cfg: Guidance,
    sampler_name: SamplerName,
    scheduler: SchedulerName,
    positive: Conditioning,
    negative: Conditioning,
    latent_image: Latent,
    denoise: Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.01)] = 1.0,
    *,
    weights: Weights,
    files: Folders | None = None,
    resume: object = None,
) -> Steps[Latent]:
    """Turn noise into a latent picture that follows the positive prompt and avoids the negative one.

    A `denoise` below 1 starts from the given latent instead and keeps its coarse shape; its noise mask, if it has one,
    keeps parts as they are.
    """
    from diffusion.sampling import sample

    return reported(
        sample(
            model,
            positive,
            negative,
            latent_image,
            weights=weights,
            seed=seed,
            steps=steps,
            cfg=cfg,
            sampler=sampler_name,
            scheduler=scheduler,
            denoise=denoise,
            resume=saved(resume),
        ),
        weights,
        files,
    )


@node("KSamplerVariation", category="sampling", title="KSampler (Variation)")
def sample_variation(
    model: Model,
    seed: Seed,
    variation_seed: Seed,
    variation_strength: Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.01), Default(0.1)],
    steps: StepCount,
    cfg: Guidance,
    sampler_name: SamplerName,
    scheduler: SchedulerName,
    positive: Conditioning,
    negative: Conditioning,
    latent_image: Latent,
    denoise: Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.01)] = 1.0,
    variation_of: Annotated[int, Ge(-1), Le(4095)] = -1,
    *,
    weights: Weights,
    files: Folders | None = None,
    resume: object = None,
) -> Steps[Latent]:
    """Make pictures that resemble those KSampler makes from `seed`, and differ a little or a lot.

    The noise lies between that of `seed` and that of `variation_seed`: with a strength of 0 it is the first one's, with
    1 the second's. Each picture of a batch varies the picture at its place; with `variation_of` all vary that one, as
    counted from 0.
    """
    from diffusion.sampling import sample

    return reported(
        sample(
            model,
            positive,
            negative,
            latent_image,
            weights=weights,
            seed=seed,
            steps=steps,
            cfg=cfg,
            sampler=sampler_name,
            scheduler=scheduler,
            denoise=denoise,
            variation=Variation(variation_seed, variation_strength, None if variation_of < 0 else variation_of),
            resume=saved(resume),
        ),
        weights,
        files,
    )


@node("KSamplerAdvanced", category="sampling", title="KSampler (Advanced)")
def sample_part(
    model: Model,
    add_noise: Literal["enable", "disable"],
    noise_seed: Seed,
    steps: StepCount,
    cfg: Guidance,
    sampler_name: SamplerName,
    scheduler: SchedulerName,
    positive: Conditioning,
    negative: Conditioning,
    latent_image: Latent,
    start_at_step: Annotated[int, Ge(0), Le(10000), Default(0)],
    end_at_step: Annotated[int, Ge(0), Le(10000), Default(10000)],
    return_with_leftover_noise: Literal["disable", "enable"],
    *,
    weights: Weights,
    files: Folders | None = None,
    resume: object = None,
) -> Steps[Latent]:
    """Go through a part of the sampling steps, so that several models or prompts can share one picture.

    The first one adds noise and returns what is left of it; the later ones start where it ended and add none.
    """
    from diffusion.sampling import sample

    return reported(
        sample(
            model,
            positive,
            negative,
            latent_image,
            weights=weights,
            seed=noise_seed,
            steps=steps,
            cfg=cfg,
            sampler=sampler_name,
            scheduler=scheduler,
            add_noise=add_noise == "enable",
            start_step=start_at_step,
            end_step=end_at_step,
            leftover_noise=return_with_leftover_noise == "enable",
            resume=saved(resume),
        ),
        weights,
        files,
    )


def reported(steps: "Generator[SamplingProgress, None, T]", weights: Weights, files: Folders | None = None) -> Steps[T]:
    """A sampling run as a node reports it. Previews are drawn only in a run that was asked for them: by a tiny
    autoencoder for the model's latent space, if the folder `vae_approx` has one.
    """
    from diffusion.preview import looking

    look = looking(weights, partial(_approximations, files))
    with closing(steps):
        while True:
            try:
                at = next(steps)
            except StopIteration as stop:
                return stop.value
            yield Progress(
                at.done, at.total, preview=lambda at=at: Preview(*look(at.denoised, at.space)), state=at.state
            )


def _approximations(files: Folders | None) -> Iterator[tuple[Path, str]]:
    """The files that may be tiny autoencoders, with their digests."""
    if files is None:
        return
    for name in files.choices("vae_approx"):
        if name.endswith(WEIGHT_SUFFIXES):
            file = files.find("vae_approx", name)
            yield file.path, file.digest


def saved(resume: object) -> Mapping[str, Any] | None:
    """The state of an interrupted run, if the engine has one."""
    return cast("Mapping[str, Any]", resume) if isinstance(resume, Mapping) else None
