"""Schedules: the noise levels a sampler walks through, from a family's own range of levels and a number of steps."""

import math
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

import torch
from torch import Tensor

from diffusion import added, levels
from diffusion.levels import ended
from diffusion.prediction import Prediction


def simple(prediction: Prediction, steps: int) -> Tensor:
    """Table values at even strides from the noisy end, then 0."""
    table = prediction.sigmas
    stride = len(table) / steps
    return ended(torch.stack([table[-(1 + int(index * stride))] for index in range(steps)]))


def sgm_uniform(prediction: Prediction, steps: int) -> Tensor:
    """Even in training time from the highest level; the lowest is replaced by 0 (Stability's generative-models)."""
    return ended(prediction.sigma(_times(prediction, steps + 1)[:-1]))


def karras(prediction: Prediction, steps: int, rho: float = 7.0) -> Tensor:
    """Even in sigma^(1/rho), then 0: Karras et al. 2022, eq. 5."""
    return levels.karras(steps, prediction.sigma_max, prediction.sigma_min, rho)


def exponential(prediction: Prediction, steps: int) -> Tensor:
    """Even in log sigma, then 0."""
    return levels.exponential(steps, prediction.sigma_max, prediction.sigma_min)


def ddim_uniform(prediction: Prediction, steps: int) -> Tensor:
    """Every (T // steps)-th table value from the second on, downwards, then 0: Song et al. 2020, "DDIM".

    The stride is a whole number, so there are a few more values than asked when T is no multiple of `steps`.
    """
    stride = max(len(prediction.sigmas) // steps, 1)
    return ended(prediction.sigmas[1::stride].flip(0))


def beta(prediction: Prediction, steps: int, a: float = 0.6, b: float = 0.6) -> Tensor:
    """Table values at quantiles of Beta(a, b), no repeats, then 0: Lee et al. 2024, "Beta Sampling is All You Need".

    Raises ValueError unless a and b are above 0.
    """
    import numpy as np
    from scipy.stats import beta as beta_distribution

    if min(a, b) <= 0:
        raise ValueError(f"A Beta distribution has two numbers above 0; got alpha {a:g} and beta {b:g}.")
    quantiles = beta_distribution.ppf(1 - np.linspace(0, 1, steps, endpoint=False), a, b)
    places = np.rint(quantiles * (len(prediction.sigmas) - 1)).astype(int)
    return ended(prediction.sigmas[list(dict.fromkeys(places.tolist()))])


def normal(prediction: Prediction, steps: int) -> Tensor:
    """Even in training time from the highest level to the lowest, then 0 (unless the lowest is 0 already)."""
    if float(prediction.sigma(prediction.timestep(prediction.sigma_min))) < 1e-5:
        return prediction.sigma(_times(prediction, steps + 1))
    return ended(prediction.sigma(_times(prediction, steps)))


def linear_quadratic(prediction: Prediction, steps: int, threshold: float = 0.025) -> Tensor:
    """From the highest level: linear for half the steps, down by `threshold` of it, then quadratic to 0.

    The slope is the same on both sides of the joint. Genmo 2024, "Mochi 1".
    """
    if steps == 1:
        return torch.tensor([prediction.sigma_max, 0.0])
    linear = steps // 2
    slope, rest = threshold / linear, steps - linear
    curvature = (1 - threshold - slope * rest) / rest**2
    beyond = (torch.arange(steps + 1, dtype=torch.float64) - linear).clamp(min=0)
    fallen = slope * torch.arange(steps + 1, dtype=torch.float64) + curvature * beyond**2
    return ((1 - fallen).clamp(min=0) * prediction.sigma_max).float()


def kl_optimal(prediction: Prediction, steps: int) -> Tensor:
    """Even in atan sigma, then 0: Sabour et al. 2024, "Align Your Steps", the optimum for Gaussian data."""
    share = torch.arange(steps) / max(steps - 1, 1)
    angles = (1 - share) * math.atan(prediction.sigma_max) + share * math.atan(prediction.sigma_min)
    return ended(angles.tan())


def turbo(prediction: Prediction, steps: int, denoise: float = 1.0) -> Tensor:
    """Table values at the ten times that SD Turbo was distilled for, 999, 899, … 99, then 0: Sauer et al. 2023.

    steps: how many of them are taken, 1 to 10. denoise: of the ten the last tenths of this share are left to take.
    """
    times = torch.arange(999, 0, -100)[10 - int(10 * denoise) :][:steps]
    return ended(prediction.sigma(times))


def _times(prediction: Prediction, count: int) -> Tensor:
    """Training times, evenly from that of the highest level to that of the lowest."""
    first, last = (float(prediction.timestep(sigma)) for sigma in (prediction.sigma_max, prediction.sigma_min))
    return torch.linspace(first, last, count)


SCHEDULES: Mapping[str, Callable[[Prediction, int], Tensor]] = MappingProxyType(
    {
        "simple": simple,
        "sgm_uniform": sgm_uniform,
        "karras": karras,
        "exponential": exponential,
        "ddim_uniform": ddim_uniform,
        "beta": beta,
        "normal": normal,
        "linear_quadratic": linear_quadratic,
        "kl_optimal": kl_optimal,
    }
)

DROP_LAST_BUT_ONE = frozenset({"dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2"})
"""Samplers that get the schedule of one step more, without its last value above 0: they spare the last, short step."""


def schedule(name: str, prediction: Prediction, steps: int) -> Tensor:
    """The noise levels of the schedule `name`: float32 [n + 1], falling, the last 0; n is `steps`, or near it.

    ddim_uniform gives a few more, beta fewer where table values repeat. The name may be one that a pack has added.
    Raises ValueError for an unknown name (with the nearest ones), for less than one step, and where a pack's schedule
    is none.
    """
    made = SCHEDULES.get(name)
    if made is None:
        made = _added(name)
    if steps < 1:
        raise ValueError(f"The schedule {name!r} needs at least one step; got {steps}.")
    return made(prediction, steps).unique_consecutive()


def _added(name: str) -> Callable[[Prediction, int], Tensor]:
    """The schedule of a pack, held to what schedules are."""
    found = added.SCHEDULERS.get(name)
    if found is None:
        known = [*SCHEDULES, *added.SCHEDULERS]
        near = get_close_matches(name, known, n=3)
        hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"Known schedulers: {', '.join(known)}."
        raise ValueError(f"Unknown scheduler {name!r}. {hint}")

    def checked(prediction: Prediction, steps: int) -> Tensor:
        sigmas = found(prediction, steps)
        if not isinstance(sigmas, Tensor) or sigmas.ndim != 1 or len(sigmas) < 2 or not bool(sigmas.isfinite().all()):
            given = f"the shape {list(sigmas.shape)}" if isinstance(sigmas, Tensor) else f"a {type(sigmas).__name__}"
            raise ValueError(
                f"The scheduler {name!r} must give finite noise levels, float32 [steps + 1]; it gave {given}."
            )
        if bool((sigmas.diff() > 0).any()):
            raise ValueError(f"The scheduler {name!r} must give noise levels that fall; it gave {sigmas.tolist()}.")
        return sigmas.float().cpu()

    return checked


def sigmas_for(
    scheduler: str,
    sampler: str,
    prediction: Prediction,
    steps: int,
    *,
    denoise: float = 1.0,
    start: int | None = None,
    end: int | None = None,
    force_last_zero: bool = False,
) -> Tensor:
    """The noise levels of one sampling run: float32 [n + 1], falling; with fewer than two there is nothing to do.

    denoise: the share of noise put on a given latent; below 1 the last `steps` steps of a schedule of int(steps /
    denoise) are taken. start, end: the steps to begin at and to stop before, of all `steps`. force_last_zero: a run
    that `end` cuts short still goes all the way to 0 in its last step. Raises ValueError for an unknown scheduler or
    for less than one step.
    """
    if denoise <= 0:
        return torch.empty(0)
    whole = denoise > 0.9999
    total = steps if whole else int(steps / denoise)
    if sampler in DROP_LAST_BUT_ONE:
        longer = schedule(scheduler, prediction, total + 1)
        sigmas = torch.cat([longer[:-2], longer[-1:]])
    else:
        sigmas = schedule(scheduler, prediction, total)
    if not whole:
        sigmas = sigmas[-(steps + 1) :]
    if end is not None and end < len(sigmas) - 1:
        sigmas = sigmas[: end + 1].clone()
        if force_last_zero:
            sigmas[-1:] = 0.0
    return sigmas[start or 0 :]
