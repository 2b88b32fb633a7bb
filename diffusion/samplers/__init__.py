"""The samplers: every name a workflow may use, all to the one contract of `diffusion.samplers.contract`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Literal

from torch import Tensor

from diffusion import added
from diffusion.noise import BrownianNoise, Noise, Source, StepNoise
from diffusion.samplers.contract import Denoise, Memory, PlainDenoise, Sampler, Step
from diffusion.samplers.dpm_solver import dpm_adaptive, dpm_fast
from diffusion.samplers.dpmpp import dpmpp_2m, dpmpp_2m_cfg_pp, dpmpp_2s_ancestral, dpmpp_2s_ancestral_cfg_pp
from diffusion.samplers.er import er_sde
from diffusion.samplers.euler import ddpm, euler, euler_ancestral, euler_cfg_pp, gradient_estimation, lcm
from diffusion.samplers.growing import lcm_upscale, shapes
from diffusion.samplers.heun import dpm_2, dpm_2_ancestral, heun, heunpp2
from diffusion.samplers.multistep import deis, ipndm, ipndm_v, lms
from diffusion.samplers.res import res_multistep
from diffusion.samplers.sa import sa_solver
from diffusion.samplers.sde import dpmpp_2m_sde, dpmpp_3m_sde, dpmpp_sde
from diffusion.samplers.seeds import seeds_2, seeds_3
from diffusion.samplers.unipc import uni_pc

__all__ = ["SAMPLERS", "Denoise", "Memory", "PlainDenoise", "Sampler", "Step", "noise_for", "sampler"]


def _named(
    name: str,
    run: Callable[..., Iterator[Step]],
    noise: Literal["gaussian", "brownian"] | None = None,
    **options: Any,
) -> Sampler:
    return Sampler(name, run, noise, MappingProxyType(options))


_ALL = (
    _named("euler", euler, "gaussian"),
    _named("euler_cfg_pp", euler_cfg_pp, "gaussian"),
    _named("euler_ancestral", euler_ancestral, "gaussian"),
    _named("euler_ancestral_cfg_pp", euler_cfg_pp, "gaussian", eta=1.0),
    _named("heun", heun, "gaussian"),
    _named("heunpp2", heunpp2, "gaussian"),
    _named("dpm_2", dpm_2, "gaussian"),
    _named("dpm_2_ancestral", dpm_2_ancestral, "gaussian"),
    _named("lms", lms),
    _named("dpm_fast", dpm_fast, "gaussian"),
    _named("dpm_adaptive", dpm_adaptive, "gaussian"),
    _named("dpmpp_2s_ancestral", dpmpp_2s_ancestral, "gaussian"),
    _named("dpmpp_2s_ancestral_cfg_pp", dpmpp_2s_ancestral_cfg_pp, "gaussian"),
    _named("dpmpp_sde", dpmpp_sde, "brownian"),
    _named("dpmpp_sde_gpu", dpmpp_sde, "brownian"),
    _named("dpmpp_2m", dpmpp_2m),
    _named("dpmpp_2m_cfg_pp", dpmpp_2m_cfg_pp),
    _named("dpmpp_2m_sde", dpmpp_2m_sde, "brownian"),
    _named("dpmpp_2m_sde_gpu", dpmpp_2m_sde, "brownian"),
    _named("dpmpp_2m_sde_heun", dpmpp_2m_sde, "brownian", solver_type="heun"),
    _named("dpmpp_2m_sde_heun_gpu", dpmpp_2m_sde, "brownian", solver_type="heun"),
    _named("dpmpp_3m_sde", dpmpp_3m_sde, "brownian"),
    _named("dpmpp_3m_sde_gpu", dpmpp_3m_sde, "brownian"),
    _named("ddpm", ddpm, "gaussian"),
    _named("lcm", lcm, "gaussian"),
    _named("ipndm", ipndm),
    _named("ipndm_v", ipndm_v),
    _named("deis", deis),
    _named("res_multistep", res_multistep, "gaussian"),
    _named("res_multistep_cfg_pp", res_multistep, "gaussian", cfg_pp=True),
    _named("res_multistep_ancestral", res_multistep, "gaussian", eta=1.0),
    _named("res_multistep_ancestral_cfg_pp", res_multistep, "gaussian", eta=1.0, cfg_pp=True),
    _named("gradient_estimation", gradient_estimation),
    _named("gradient_estimation_cfg_pp", gradient_estimation, cfg_pp=True),
    _named("er_sde", er_sde, "gaussian"),
    _named("seeds_2", seeds_2, "gaussian"),
    _named("seeds_3", seeds_3, "gaussian"),
    _named("sa_solver", sa_solver, "gaussian"),
    _named("sa_solver_pece", sa_solver, "gaussian", pece=True),
    _named("ddim", euler, "gaussian"),
    _named("uni_pc", uni_pc, variant="bh1"),
    _named("uni_pc_bh2", uni_pc, variant="bh2"),
)

SAMPLERS: Mapping[str, Sampler] = MappingProxyType({sampler.name: sampler for sampler in _ALL})
"""Every sampler by its name, in the order they are offered. The `_gpu` names are aliases: noise is made on the CPU."""

LCM_UPSCALE = Sampler("lcm_upscale", lcm_upscale, "gaussian", MappingProxyType({}), shapes)
"""One that is not offered by name, since it means nothing without its settings."""


def sampler(name: str) -> Sampler:
    """The sampler of this name, built in or added by a pack. Raises ValueError, with the nearest names, for another."""
    if name in SAMPLERS:
        return SAMPLERS[name]
    if name == LCM_UPSCALE.name:
        return LCM_UPSCALE
    found = added.SAMPLERS.get(name)
    if found is not None:
        return Sampler(name, found.run, found.noise, found.options)
    known = [*SAMPLERS, *added.SAMPLERS]
    near = get_close_matches(name, known, n=3)
    hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"Known samplers: {', '.join(known)}."
    raise ValueError(f"Unknown sampler {name!r}. {hint}")


def noise_for(
    name: str,
    x: Tensor,
    sigmas: Tensor | Sequence[float],
    seed: int,
    source: Source = "cpu",
    used: int = 0,
    options: Mapping[str, Any] = MappingProxyType({}),
) -> Noise | None:
    """The noise that the sampler `name` may draw in a run of x over `sigmas`, or None where it draws none.

    Gaussian noise comes from the generator of `source`, seeded with seed + 1 on the CPU, behind `used` draws; a
    Brownian path, always drawn on the CPU, has the seed itself as entropy and spans the levels above 0. options: of the
    sampler; x is the latent that the run begins with, whatever it becomes. Raises ValueError for an unknown name.
    """
    found = sampler(name)
    kind = found.noise
    if kind is None:
        return None
    if kind == "gaussian":
        return StepNoise(x, seed, source, used, found.shapes(x.shape, max(len(sigmas) - 1, 0), options))
    above = [sigma for sigma in (sigmas.tolist() if isinstance(sigmas, Tensor) else sigmas) if sigma > 0]
    return BrownianNoise(x, min(above), max(above), seed) if len(above) > 1 else None
