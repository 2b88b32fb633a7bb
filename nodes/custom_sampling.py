"""Sampling put together from its parts: noise, guider, sampler and noise levels, each a value of its own."""

from typing import Annotated, Literal, NamedTuple

from annotated_types import Ge, Le

from diffusion.sampling_values import (
    BasicGuider,
    CfgGuider,
    DualCfgGuider,
    Guider,
    NoiseRecipe,
    PerpNegGuider,
    SamplerRecipe,
    Sigmas,
)
from diffusion.services import Weights
from diffusion.values import Conditioning, Latent, Model
from graph.folders import Folders
from graph.node import Default, Help, Hint, node
from graph.progress import Steps
from nodes.sampling import Guidance, Seed, reported, saved


class Sampled(NamedTuple):
    """What a run ends with, and what it takes the finished picture to be; the same where no noise is left."""

    output: Latent
    denoised_output: Latent


@node("SamplerCustom", category="sampling/custom_sampling", title="SamplerCustom")
def sample_custom(
    model: Model,
    add_noise: Annotated[bool, Default(True), Help("Off where the latent is noisy already.")],
    noise_seed: Seed,
    cfg: Guidance,
    positive: Conditioning,
    negative: Conditioning,
    sampler: SamplerRecipe,
    sigmas: Sigmas,
    latent_image: Latent,
    *,
    weights: Weights,
    files: Folders | None = None,
    resume: object = None,
) -> Steps[Sampled]:
    """Sample with a sampler and noise levels of your own, guided by a positive and a negative prompt.

    Where the levels do not end at 0, `output` still has noise in it, and `denoised_output` is what the model makes of
    it.
    """
    from diffusion.sampling import sample_custom as sample

    guider, noise = CfgGuider(model, positive, negative, cfg), NoiseRecipe(noise_seed, add_noise)
    steps = sample(guider, noise, sampler, sigmas, latent_image, weights=weights, resume=saved(resume))
    return Sampled(*(yield from reported(steps, weights, files)))


@node("SamplerCustomAdvanced", category="sampling/custom_sampling", title="SamplerCustomAdvanced")
def sample_advanced(
    noise: NoiseRecipe,
    guider: Guider,
    sampler: SamplerRecipe,
    sigmas: Sigmas,
    latent_image: Latent,
    *,
    weights: Weights,
    files: Folders | None = None,
    resume: object = None,
) -> Steps[Sampled]:
    """Sample with noise, guider, sampler and noise levels of your own.

    Where the levels do not end at 0, `output` still has noise in it, and `denoised_output` is what the model makes of
    it.
    """
    from diffusion.sampling import sample_custom as sample

    steps = sample(guider, noise, sampler, sigmas, latent_image, weights=weights, resume=saved(resume))
    return Sampled(*(yield from reported(steps, weights, files)))


@node("RandomNoise", category="sampling/custom_sampling/noise", title="RandomNoise")
def random_noise(noise_seed: Seed) -> NoiseRecipe:
    """Begin with the noise of a seed. What samplers add on the way comes from the same seed."""
    return NoiseRecipe(noise_seed)


@node("DisableNoise", category="sampling/custom_sampling/noise", title="DisableNoise")
def disable_noise() -> NoiseRecipe:
    """Put no noise on the latent, because there is noise in it already. What samplers add comes from seed 0."""
    return NoiseRecipe(0, added=False)


@node("AddNoise", category="sampling/custom_sampling/noise", title="AddNoise")
def add_noise(model: Model, noise: NoiseRecipe, sigmas: Sigmas, latent_image: Latent) -> Latent:
    """Put noise on a latent, as strong as the way from the first noise level to the last, and sample nothing yet."""
    from diffusion.sampling import noised

    return noised(model, latent_image, noise, sigmas)


@node("BasicGuider", category="sampling/custom_sampling/guiders", title="BasicGuider")
def guide_plainly(model: Model, conditioning: Conditioning) -> Guider:
    """Follow one prompt, without guidance: for models that need none."""
    return BasicGuider(model, conditioning)


@node("CFGGuider", category="sampling/custom_sampling/guiders", title="CFGGuider")
def guide_by_cfg(model: Model, positive: Conditioning, negative: Conditioning, cfg: Guidance) -> Guider:
    """Follow the positive prompt, away from the negative one, as a KSampler does."""
    return CfgGuider(model, positive, negative, cfg)


@node("DualCFGGuider", category="sampling/custom_sampling/guiders", title="DualCFGGuider")
def guide_by_two_scales(
    model: Model,
    cond1: Conditioning,
    cond2: Conditioning,
    negative: Conditioning,
    cfg_conds: Annotated[Guidance, Help("How far from the second prompt to the first.")],
    cfg_cond2_negative: Annotated[Guidance, Help("How far from the negative prompt to the second.")],
    style: Literal["regular", "nested"],
) -> Guider:
    """Follow two prompts with a scale for each, as for a picture to be changed and the text that changes it.

    "regular" adds both; "nested" takes the way to the first prompt before the way from the negative one.
    """
    return DualCfgGuider(model, cond1, cond2, negative, cfg_conds, cfg_cond2_negative, style)


@node("PerpNegGuider", category="sampling/custom_sampling/guiders", title="PerpNegGuider")
def guide_perpendicularly(
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    empty_conditioning: Annotated[Conditioning, Help("An encoded prompt of no text.")],
    cfg: Guidance,
    neg_scale: Annotated[float, Ge(0.0), Le(100.0), Hint(step=0.01)] = 1.0,
) -> Guider:
    """Avoid of the negative prompt only what is not in the positive one (Perp-Neg)."""
    return PerpNegGuider(model, positive, negative, empty_conditioning, cfg, neg_scale)
