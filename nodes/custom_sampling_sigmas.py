"""Noise levels as values: schedulers that make them, and nodes that split, turn and fill them."""

from typing import Annotated, Literal, NamedTuple

from annotated_types import Ge, Le

from diffusion.sampling_values import Sigmas
from diffusion.values import Model
from graph.node import Default, Help, Hint, node
from nodes.sampling import SchedulerName, StepCount

SCHEDULERS, LEVELS = "sampling/custom_sampling/schedulers", "sampling/custom_sampling/sigmas"

Denoise = Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.01)]
Highest = Annotated[float, Ge(0.0), Le(5000.0), Hint(step=0.01, round=False), Default(14.614642)]
Lowest = Annotated[float, Ge(0.0), Le(5000.0), Hint(step=0.01, round=False), Default(0.0291675)]
Exponent = Annotated[float, Ge(0.0), Le(100.0), Hint(step=0.01, round=False)]

HIGHEST_SIGMA = 999999999.9
"""Stands for the infinite noise level before the beginning, which no JSON can hold."""


class Halves(NamedTuple):
    """The noise levels of the first steps, and those of the rest."""

    high_sigmas: Sigmas
    low_sigmas: Sigmas


class SigmaValue(NamedTuple):
    """A single noise level."""

    sigma_value: float


@node("BasicScheduler", category=SCHEDULERS, title="BasicScheduler")
def basic_schedule(model: Model, scheduler: SchedulerName, steps: StepCount, denoise: Denoise = 1.0) -> Sigmas:
    """The noise levels that a KSampler with these settings walks through."""
    from diffusion.predictions import chosen_prediction
    from diffusion.schedules import sigmas_for

    return Sigmas(sigmas_for(scheduler, "", chosen_prediction(model), steps, denoise=denoise))


@node("KarrasScheduler", category=SCHEDULERS, title="KarrasScheduler")
def karras_schedule(steps: StepCount, sigma_max: Highest, sigma_min: Lowest, rho: Exponent = 7.0) -> Sigmas:
    """Levels that lie closer together towards the end, by the rule of Karras et al. 2022."""
    from diffusion.levels import karras

    return Sigmas(karras(steps, sigma_max, sigma_min, rho))


@node("ExponentialScheduler", category=SCHEDULERS, title="ExponentialScheduler")
def exponential_schedule(steps: StepCount, sigma_max: Highest, sigma_min: Lowest) -> Sigmas:
    """Levels each of which is the same share of the one before."""
    from diffusion.levels import exponential

    return Sigmas(exponential(steps, sigma_max, sigma_min))


@node("PolyexponentialScheduler", category=SCHEDULERS, title="PolyexponentialScheduler")
def polyexponential_schedule(steps: StepCount, sigma_max: Highest, sigma_min: Lowest, rho: Exponent = 1.0) -> Sigmas:
    """Exponential levels, closer together at the end (rho above 1) or at the beginning (below 1)."""
    from diffusion.levels import polyexponential

    return Sigmas(polyexponential(steps, sigma_max, sigma_min, rho))


@node("LaplaceScheduler", category=SCHEDULERS, title="LaplaceScheduler")
def laplace_schedule(
    steps: StepCount,
    sigma_max: Highest,
    sigma_min: Lowest,
    mu: Annotated[float, Ge(-10.0), Le(10.0), Hint(step=0.1, round=False)] = 0.0,
    beta: Annotated[float, Ge(0.0), Le(10.0), Hint(step=0.1, round=False)] = 0.5,
) -> Sigmas:
    """Levels that are many around e^mu and fewer away from it, the more so the smaller beta is (Hang et al. 2024)."""
    from diffusion.levels import laplace

    return Sigmas(laplace(steps, sigma_max, sigma_min, mu, beta))


@node("VPScheduler", category=SCHEDULERS, title="VPScheduler")
def variance_preserving_schedule(
    steps: StepCount,
    beta_d: Annotated[float, Ge(0.0), Le(5000.0), Hint(step=0.01, round=False)] = 19.9,
    beta_min: Annotated[float, Ge(0.0), Le(5000.0), Hint(step=0.01, round=False)] = 0.1,
    eps_s: Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.0001, round=False)] = 0.001,
) -> Sigmas:
    """The levels of a variance-preserving process at even times (Song et al. 2021)."""
    from diffusion.levels import variance_preserving

    return Sigmas(variance_preserving(steps, beta_d, beta_min, eps_s))


@node("BetaSamplingScheduler", category=SCHEDULERS, title="BetaSamplingScheduler")
def beta_schedule(
    model: Model,
    steps: StepCount,
    alpha: Annotated[float, Ge(0.0), Le(50.0), Hint(step=0.01, round=False)] = 0.6,
    beta: Annotated[float, Ge(0.0), Le(50.0), Hint(step=0.01, round=False)] = 0.6,
) -> Sigmas:
    """The model's levels at quantiles of a Beta distribution: many at both ends where both numbers are below 1."""
    from diffusion import schedules
    from diffusion.predictions import chosen_prediction

    return Sigmas(schedules.beta(chosen_prediction(model), steps, alpha, beta))


@node("SDTurboScheduler", category=SCHEDULERS, title="SDTurboScheduler")
def turbo_schedule(
    model: Model,
    steps: Annotated[int, Ge(1), Le(10)] = 1,
    denoise: Annotated[float, Ge(0), Le(1.0), Hint(step=0.01)] = 1.0,
) -> Sigmas:
    """The first of the ten levels that turbo models were made for."""
    from diffusion.predictions import chosen_prediction
    from diffusion.schedules import turbo

    return Sigmas(turbo(chosen_prediction(model), steps, denoise))


@node("AlignYourStepsScheduler", category=SCHEDULERS, title="AlignYourStepsScheduler")
def aligned_schedule(
    model_type: Literal["SD1", "SDXL", "SVD"], steps: Annotated[StepCount, Default(10)], denoise: Denoise = 1.0
) -> Sigmas:
    """Levels optimised for few steps with each kind of model (Sabour et al. 2024); best with ten."""
    from diffusion.levels import align_your_steps

    return Sigmas(align_your_steps(model_type, steps, denoise))


@node("GITSScheduler", category=SCHEDULERS, title="GITSScheduler")
def trajectory_schedule(
    coeff: Annotated[
        float,
        Ge(0.8),
        Le(1.5),
        Hint(step=0.05),
        Default(1.2),
        Help("Lower: more steps where it is noisy. Higher: more of them near the end."),
    ],
    steps: Annotated[int, Ge(2), Le(1000), Default(10)],
    denoise: Denoise = 1.0,
) -> Sigmas:
    """Levels for few steps, dense where ways to pictures bend (Chen et al. 2024); measured on the bundled model."""
    from diffusion.trajectory import trajectory_fitted

    return Sigmas(trajectory_fitted(steps, coeff, denoise))


@node("SplitSigmas", category=LEVELS, title="SplitSigmas")
def split_sigmas(sigmas: Sigmas, step: Annotated[int, Ge(0), Le(10000)] = 0) -> Halves:
    """Part the levels after so many steps, so that two samplers can share a picture."""
    from diffusion.levels import split

    return Halves(*map(Sigmas, split(sigmas.levels, step)))


@node("SplitSigmasDenoise", category=LEVELS, title="SplitSigmasDenoise")
def split_sigmas_by_share(
    sigmas: Sigmas, denoise: Annotated[Denoise, Help("The share of the steps that goes to the low ones.")] = 1.0
) -> Halves:
    """Part the levels so that a share of the steps comes second, as for image to image."""
    from diffusion.levels import split_share

    return Halves(*map(Sigmas, split_share(sigmas.levels, denoise)))


@node("FlipSigmas", category=LEVELS, title="FlipSigmas")
def flip_sigmas(sigmas: Sigmas) -> Sigmas:
    """Turn the levels round, so that they rise from (almost) 0."""
    from diffusion.levels import turned

    return Sigmas(turned(sigmas.levels))


@node("SetFirstSigma", category=LEVELS, title="SetFirstSigma")
def set_first_sigma(
    sigmas: Sigmas, sigma: Annotated[float, Ge(0.0), Le(20000.0), Hint(step=0.001, round=False)] = 136.0
) -> Sigmas:
    """Begin at another noise level."""
    from diffusion.levels import with_first

    return Sigmas(with_first(sigmas.levels, sigma))


@node("ExtendIntermediateSigmas", category=LEVELS, title="ExtendIntermediateSigmas")
def extend_sigmas(
    sigmas: Sigmas,
    steps: Annotated[int, Ge(1), Le(100), Default(2), Help("Steps that are made of one.")],
    start_at_sigma: Annotated[
        float, Ge(-1.0), Le(20000.0), Hint(step=0.01, round=False), Default(-1.0), Help("A negative one: no limit.")
    ],
    end_at_sigma: Annotated[float, Ge(0.0), Le(20000.0), Hint(step=0.01, round=False), Default(12.0)],
    spacing: Literal["linear", "cosine", "sine"],
) -> Sigmas:
    """Make several steps of each that begins between two noise levels."""
    from diffusion.levels import filled

    return Sigmas(filled(sigmas.levels, steps, start_at_sigma, end_at_sigma, spacing))


@node("SamplingPercentToSigma", category=LEVELS, title="SamplingPercentToSigma")
def sigma_at_percent(
    model: Model,
    sampling_percent: Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.0001)] = 0.0,
    return_actual_sigma: Annotated[
        bool, Help("At 0 and 1, the model's own highest and lowest level, instead of one beyond all others and 0.")
    ] = False,
) -> SigmaValue:
    """The noise level at this place of the way from noise (0) to picture (1)."""
    from diffusion.predictions import chosen_prediction

    prediction = chosen_prediction(model)
    if return_actual_sigma and sampling_percent in (0.0, 1.0):
        return SigmaValue(prediction.sigma_min if sampling_percent else prediction.sigma_max)
    return SigmaValue(min(prediction.percent_to_sigma(sampling_percent), HIGHEST_SIGMA))
