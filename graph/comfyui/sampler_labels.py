"""The names that A1111, Forge and their kin give to samplers and schedules, and ours for them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

SAMPLERS: Mapping[str, str] = MappingProxyType(
    {
        "euler": "euler",
        "euler a": "euler_ancestral",
        "euler cfg++": "euler_cfg_pp",
        "euler a cfg++": "euler_ancestral_cfg_pp",
        "heun": "heun",
        "heunpp2": "heunpp2",
        "lms": "lms",
        "dpm2": "dpm_2",
        "dpm2 a": "dpm_2_ancestral",
        "dpm fast": "dpm_fast",
        "dpm adaptive": "dpm_adaptive",
        "dpm++ 2s a": "dpmpp_2s_ancestral",
        "dpm++ 2s a cfg++": "dpmpp_2s_ancestral_cfg_pp",
        "dpm++ sde": "dpmpp_sde",
        "dpm++ 2m": "dpmpp_2m",
        "dpm++ 2m cfg++": "dpmpp_2m_cfg_pp",
        "dpm++ 2m sde": "dpmpp_2m_sde",
        "dpm++ 2m sde heun": "dpmpp_2m_sde_heun",
        "dpm++ 3m sde": "dpmpp_3m_sde",
        "ddim": "ddim",
        "ddim cfg++": "euler_cfg_pp",
        "ddpm": "ddpm",
        "lcm": "lcm",
        "unipc": "uni_pc",
        "unipc bh2": "uni_pc_bh2",
        "ipndm": "ipndm",
        "ipndm v": "ipndm_v",
        "deis": "deis",
        "er sde": "er_sde",
        "seeds 2": "seeds_2",
        "seeds 3": "seeds_3",
        "sa-solver": "sa_solver",
        "sa-solver pece": "sa_solver_pece",
        "gradient estimation": "gradient_estimation",
        "res multistep": "res_multistep",
        "res multistep a": "res_multistep_ancestral",
        "res multistep cfg++": "res_multistep_cfg_pp",
        "res multistep a cfg++": "res_multistep_ancestral_cfg_pp",
    }
)
"""Labels in lower case → names in `diffusion.names.SAMPLERS`. DDIM with CFG++ is Euler's step with it."""

NEAREST_SAMPLERS: Mapping[str, str] = MappingProxyType({"plms": "ipndm", "restart": "heun"})
"""Samplers that are not here, and the one that comes nearest: PLMS is a linear multistep method of the same order."""

SCHEDULES: Mapping[str, str] = MappingProxyType(
    {
        "uniform": "normal",
        "normal": "normal",
        "karras": "karras",
        "exponential": "exponential",
        "sgm uniform": "sgm_uniform",
        "kl optimal": "kl_optimal",
        "simple": "simple",
        "ddim": "ddim_uniform",
        "ddim uniform": "ddim_uniform",
        "beta": "beta",
        "linear quadratic": "linear_quadratic",
    }
)
"""Labels in lower case → names in `diffusion.names.SCHEDULERS`."""

NEAREST_SCHEDULES: Mapping[str, str] = MappingProxyType(
    {
        "polyexponential": "exponential",
        "turbo": "sgm_uniform",
        "align your steps": "karras",
        "align your steps gits": "karras",
        "align your steps 32": "karras",
    }
)
"""Schedules that are not here, and the one that comes nearest. Polyexponential is exponential where its rho is 1."""

AUTOMATIC: Mapping[str, str] = MappingProxyType(
    {
        "dpm_2": "karras",
        "dpm_2_ancestral": "karras",
        "dpmpp_2s_ancestral": "karras",
        "dpmpp_sde": "karras",
        "dpmpp_2m": "karras",
        "dpmpp_2m_sde": "exponential",
        "dpmpp_2m_sde_heun": "exponential",
        "dpmpp_3m_sde": "exponential",
    }
)
"""The schedules that A1111's choice "Automatic" stands for; of all other samplers it is uniform."""


class Sampling(NamedTuple):
    """How noise is taken away: our names, and a sentence about each label that could not be followed exactly."""

    sampler: str
    scheduler: str
    notes: tuple[str, ...] = ()


def sampling(label: str, schedule: str = "") -> Sampling:
    """Our sampler and scheduler for a sampler's label, such as "DPM++ 2M Karras", and a schedule's, such as "Beta".

    Our own names are read, too, as are both in one ("dpmpp_2m_karras"). What is unknown becomes "euler" and "normal".
    """
    notes: list[str] = []
    name, tail = _parted(label)
    sampler = SAMPLERS.get(name) or _OURS.get(name)
    if sampler is None:
        sampler = NEAREST_SAMPLERS.get(name, "euler")
        notes.append(f"the sampler '{label}' is not here; '{sampler}' stands in its place")
    plain = _plain(schedule) or tail
    if plain in ("", "automatic"):
        scheduler = AUTOMATIC.get(sampler, "normal") if plain else "normal"
        scheduler = "ddim_uniform" if sampler == "ddim" else scheduler
    else:
        scheduler = SCHEDULES.get(plain) or ""
        if not scheduler:
            scheduler = NEAREST_SCHEDULES.get(plain, "normal")
            notes.append(f"the schedule '{schedule or tail}' is not here; '{scheduler}' stands in its place")
    return Sampling(sampler, scheduler, tuple(notes))


def _plain(label: str) -> str:
    return " ".join(label.lower().replace("_", " ").split())


def _parted(label: str) -> tuple[str, str]:
    """A sampler's label without the schedule at its end, and that schedule: "dpm++ 2m", "karras"."""
    name = _plain(label).removeprefix("k ").removeprefix("[forge] ")
    if name in SAMPLERS or name in _OURS:
        return name, ""
    for schedule in (*SCHEDULES, *NEAREST_SCHEDULES):
        if name.endswith(f" {schedule}"):
            return name.removesuffix(f" {schedule}"), schedule
    return name, ""


_OTHERS = (
    "dpmpp_sde_gpu",
    "dpmpp_2m_sde_gpu",
    "dpmpp_2m_sde_heun_gpu",
    "dpmpp_3m_sde_gpu",
    "gradient_estimation_cfg_pp",
)
_OURS: Mapping[str, str] = MappingProxyType({_plain(name): name for name in (*SAMPLERS.values(), *_OTHERS)})
"""Our own names as `_plain` makes them; some programs write them as labels."""
