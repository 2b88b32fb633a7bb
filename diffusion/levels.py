"""Noise levels from numbers alone, and what can be done with given ones: split, turned round, filled up.

All are float32 [n + 1]; made ones fall, and end in 0 where nothing else is said.
"""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor

Kind = Literal["SD1", "SDXL", "SVD"]
Spacing = Literal["linear", "cosine", "sine"]

ALMOST_ZERO = 1e-4
"""Where a turned schedule begins instead of at 0, from where nothing can be walked."""


def ended(sigmas: Tensor) -> Tensor:
    """With 0 at the end."""
    return torch.cat([sigmas, sigmas.new_zeros(1)])


def karras(steps: int, sigma_max: float, sigma_min: float, rho: float = 7.0) -> Tensor:
    """Even in sigma^(1/rho), then 0: Karras et al. 2022, eq. 5. Raises ValueError unless rho is above 0."""
    if rho <= 0:
        raise ValueError(f"rho must be above 0; got {rho:g}. Karras et al. use 7.")
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return ended((high + torch.linspace(0, 1, steps) * (low - high)) ** rho)


def exponential(steps: int, sigma_max: float, sigma_min: float) -> Tensor:
    """Even in log sigma, then 0. Raises ValueError for a level of 0, which has no logarithm."""
    high, low = _logarithms(sigma_max, sigma_min)
    return ended(torch.linspace(high, low, steps).exp())


def polyexponential(steps: int, sigma_max: float, sigma_min: float, rho: float = 1.0) -> Tensor:
    """Polynomial of degree rho in log sigma, then 0; rho 1 is exponential. Raises ValueError for a level of 0."""
    high, low = _logarithms(sigma_max, sigma_min)
    return ended((torch.linspace(1, 0, steps) ** rho * (high - low) + low).exp())


def laplace(steps: int, sigma_max: float, sigma_min: float, mu: float = 0.0, beta: float = 0.5) -> Tensor:
    """Quantiles of a Laplace distribution of log sigma with mean mu and scale beta, kept between the two levels.

    Hang et al. 2024, "Improved Noise Schedule for Diffusion Training", table 1. Levels that repeat are taken once; it
    ends at sigma_min, not at 0.
    """
    place = torch.linspace(0, 1, steps)
    way = mu - beta * torch.sign(0.5 - place) * torch.log(1 - 2 * (0.5 - place).abs() + 1e-5)
    return way.exp().clamp(sigma_min, sigma_max).unique_consecutive()


def variance_preserving(steps: int, beta_d: float = 19.9, beta_min: float = 0.1, eps_s: float = 1e-3) -> Tensor:
    """sqrt(exp(beta_d · t² / 2 + beta_min · t) − 1) at times t even from 1 to eps_s, then 0.

    Song et al. 2021, "Score-Based Generative Modeling through SDEs", as in Karras et al. 2022, table 1.
    """
    time = torch.linspace(1, eps_s, steps)
    return ended((torch.exp(beta_d * time**2 / 2 + beta_min * time) - 1).sqrt())


ALIGNED: Mapping[Kind, Sequence[float]] = MappingProxyType(
    {
        "SD1": (
            14.6146412293, 6.4745760956, 3.8636745985, 2.6946151520, 1.8841921177, 1.3943805092,
            0.9642583904, 0.6523686016, 0.3977456272, 0.1515232662, 0.0291671582,
        ),
        "SDXL": (
            14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141,
            0.5550693289, 0.3798540708, 0.2332364134, 0.1114188177, 0.0291671582,
        ),
        "SVD": (700.00, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002),
    }
)  # fmt: skip
"""The levels of ten steps that Sabour et al. 2024 found for each kind of model."""


def align_your_steps(kind: Kind, steps: int, denoise: float = 1.0) -> Tensor:
    """Levels optimised for ten steps, log-linear between them for other numbers; the last is 0.

    Sabour et al. 2024, "Align Your Steps". denoise: only this share of the steps, the last ones; none with 0.
    """
    return last_share(stretched(ALIGNED[kind], steps), denoise)


def stretched(known: Sequence[float], steps: int) -> Tensor:
    """So many steps along known levels, log-linear between them."""
    import numpy as np

    if steps + 1 == len(known):
        return torch.tensor(known, dtype=torch.float32)
    here, there = np.linspace(0, 1, steps + 1), np.linspace(0, 1, len(known))
    return torch.from_numpy(np.exp(np.interp(here, there, np.log(known)))).float()


def last_share(sigmas: Tensor, denoise: float) -> Tensor:
    """The levels of the last steps, this share of all, ending in 0; none with 0."""
    if denoise <= 0:
        return torch.empty(0)
    last = sigmas[-(round((len(sigmas) - 1) * min(denoise, 1.0)) + 1) :].clone()
    last[-1] = 0.0
    return last


def split(sigmas: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """The levels of the first `step` steps, and those of the rest; the one between belongs to both."""
    return sigmas[: step + 1], sigmas[step:]


def split_share(sigmas: Tensor, denoise: float) -> tuple[Tensor, Tensor]:
    """The levels, split so that the second part has this share of the steps."""
    steps = max(len(sigmas) - 1, 0)
    return split(sigmas, steps - round(steps * denoise))


def turned(sigmas: Tensor) -> Tensor:
    """The levels from the last to the first; a 0 that would come first becomes 0.0001."""
    back = sigmas.flip(0)
    if len(back) and back[0] == 0:
        back[0] = ALMOST_ZERO
    return back


def with_first(sigmas: Tensor, sigma: float) -> Tensor:
    """The levels, beginning with another one."""
    result = sigmas.clone()
    result[:1] = sigma
    return result


def filled(sigmas: Tensor, steps: int, start: float, end: float, spacing: Spacing) -> Tensor:
    """Each step that begins at a level between `end` and `start` made into `steps` steps.

    start: a negative one has no limit. spacing: where the new levels lie in a step: evenly, closer to its end
    ("cosine", along a quarter of a sine), or closer to its beginning ("sine").
    """
    start = math.inf if start < 0 else start
    inside = torch.linspace(0, 1, steps + 1)[1:-1]
    if spacing == "cosine":
        inside = torch.sin(inside * math.pi / 2)
    elif spacing == "sine":
        inside = 1 - torch.cos(inside * math.pi / 2)
    parts: list[Tensor] = []
    for place in range(len(sigmas) - 1):
        here, after = sigmas[place], sigmas[place + 1]
        parts.append(here[None])
        if end <= float(here) <= start:
            parts.append(here + inside * (after - here))
    return torch.cat([*parts, sigmas[-1:]])


def _logarithms(*levels: float) -> list[float]:
    if min(levels) <= 0:
        raise ValueError(f"Noise levels that are even in log sigma must be above 0; got {', '.join(map(str, levels))}.")
    return [math.log(level) for level in levels]
