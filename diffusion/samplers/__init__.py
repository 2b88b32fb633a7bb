"""The samplers: every name a workflow may use, each an iterator of steps over one contract (`diffusion.samplers.contract`)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Literal

from torch import Tensor

from diffusion.noise import BrownianNoise, Noise, StepNoise
from diffusion.samplers.contract import Denoise, Memory, PlainDenoise, Sampler, Step
from diffusion.samplers.euler import ddpm, euler, euler_ancestral, euler_cfg_pp, gradient_estimation, lcm

__all__ = ["SAMPLERS", "Denoise", "Memory", "PlainDenoise", "Sampler", "Step", "noise_for", "sampler"]


def _named(
    name: str, run: Callable[..., Iterator[Step]], noise: Literal["gaussian", "brownian"] | None = None, **options: Any
) -> tuple[str, Sampler]:
    return name, Sampler(name, run, noise, MappingProxyType(options))


SAMPLERS: Mapping[str, Sampler] = MappingProxyType(
    dict(
        (
            _named("euler", euler, "gaussian"),
            _named("euler_cfg_pp", euler_cfg_pp),
            _named("euler_ancestral", euler_ancestral, "gaussian"),
            _named("euler_ancestral_cfg_pp", euler_cfg_pp, "gaussian", eta=1.0),
            _named("ddpm", ddpm, "gaussian"),
            _named("lcm", lcm, "gaussian"),
            _named("gradient_estimation", gradient_estimation),
            _named("gradient_estimation_cfg_pp", gradient_estimation, cfg_pp=True),
            _named("ddim", euler, "gaussian"),
        )
    )
)


def sampler(name: str) -> Sampler:
    """The sampler of this name. Raises ValueError, with the nearest names, for an unknown one."""
    if name in SAMPLERS:
        return SAMPLERS[name]
    near = get_close_matches(name, SAMPLERS, n=3)
    hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"Known samplers: {', '.join(SAMPLERS)}."
    raise ValueError(f"Unknown sampler {name!r}. {hint}")


def noise_for(name: str, x: Tensor, sigmas: Tensor | Sequence[float], seed: int) -> Noise | None:
    """The step noise that the sampler `name` draws in a run of x over `sigmas`, or None when it draws none.

    Gaussian noise is seeded with seed + 1; a Brownian path has the seed itself as entropy and spans the levels above 0.
    """
    kind = sampler(name).noise
    if kind is None:
        return None
    if kind == "gaussian":
        return StepNoise(x, seed)
    above = [sigma for sigma in (sigmas.tolist() if isinstance(sigmas, Tensor) else sigmas) if sigma > 0]
    return BrownianNoise(x, min(above, default=0.0), max(above, default=1.0), seed)
