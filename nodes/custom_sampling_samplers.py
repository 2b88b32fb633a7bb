"""Samplers as values: any by its name, and those that have settings of their own."""

from types import MappingProxyType
from typing import Annotated, Literal

from annotated_types import Ge, Le

from diffusion.sampling_values import SamplerRecipe
from diffusion.values import Model
from graph.node import Default, Help, Hint, node
from nodes.sampling import SamplerName

CATEGORY = "sampling/custom_sampling/samplers"

Amount = Annotated[float, Ge(0.0), Le(100.0), Hint(step=0.01, round=False), Default(1.0)]
Eta = Annotated[Amount, Help("How much of the noise is drawn anew in each step; 0: none.")]
NoiseStrength = Annotated[Amount, Help("How strong the noise is that is added; 1: as the model expects.")]
NoiseDevice = Annotated[Literal["gpu", "cpu"], Help("Kept for files that name it: noise is the same on every device.")]
Positive = Annotated[float, Ge(0.0), Le(100.0), Hint(step=0.01, round=False)]
Percent = Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.001)]


@node("KSamplerSelect", category=CATEGORY, title="KSamplerSelect")
def select_sampler(sampler_name: SamplerName) -> SamplerRecipe:
    """Choose a sampler by its name, with the settings that a KSampler gives it."""
    return SamplerRecipe(sampler_name)


@node("SamplerEulerAncestral", category=CATEGORY, title="SamplerEulerAncestral")
def euler_ancestral(eta: Eta, s_noise: NoiseStrength) -> SamplerRecipe:
    """Euler's method with noise in each step."""
    return _recipe("euler_ancestral", eta=eta, s_noise=s_noise)


@node("SamplerEulerAncestralCFGPP", category=CATEGORY, title="SamplerEulerAncestralCFG++")
def euler_ancestral_cfg_pp(
    eta: Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.01, round=False)] = 1.0,
    s_noise: Annotated[float, Ge(0.0), Le(10.0), Hint(step=0.01, round=False)] = 1.0,
) -> SamplerRecipe:
    """Euler's method with noise in each step, guided by CFG++; a scale near 1 is enough for it."""
    return _recipe("euler_ancestral_cfg_pp", eta=eta, s_noise=s_noise)


@node("SamplerEulerCFGpp", category="sampling/custom_sampling/samplers", title="SamplerEulerCFG++")
def euler_cfg_pp(
    version: Annotated[
        Literal["regular", "alternative"], Help("As in the paper, or Euler's method with twice the scale.")
    ],
) -> SamplerRecipe:
    """Euler's method guided by CFG++; a scale near 1 is enough for it."""
    return _recipe("euler_cfg_pp", version=version)


@node("SamplerLMS", category=CATEGORY, title="SamplerLMS")
def lms(
    order: Annotated[
        int, Ge(1), Le(100), Help("How many steps a step takes into account. Above 4 it gets unstable.")
    ] = 4,
) -> SamplerRecipe:
    """A linear multistep method: each step looks back at up to `order` earlier ones."""
    return _recipe("lms", order=order)


@node("SamplerLCMUpscale", category=CATEGORY, title="SamplerLCMUpscale")
def lcm_upscale(
    scale_ratio: Annotated[
        float, Ge(0.1), Le(20.0), Hint(step=0.01), Help("The sides of the finished latent by those of the given one.")
    ] = 1.0,
    scale_steps: Annotated[
        int, Ge(-1), Le(1000), Hint(step=1), Help("Over how many steps it grows; 0: none, -1: half of them.")
    ] = -1,
    upscale_method: Literal["bislerp", "nearest-exact", "bilinear", "area", "bicubic"] = "bislerp",
) -> SamplerRecipe:
    """The sampler `lcm` on a latent that grows over its first steps. A noise mask does not go with it."""
    return _recipe("lcm_upscale", scale=scale_ratio, scale_steps=scale_steps, method=upscale_method)


@node("SamplerDPMPP_3M_SDE", category=CATEGORY, title="SamplerDPMPP_3M_SDE")
def dpmpp_3m_sde(eta: Eta, s_noise: NoiseStrength, noise_device: NoiseDevice) -> SamplerRecipe:
    """DPM-Solver++(3M) with noise in each step."""
    return _recipe(_on("dpmpp_3m_sde", noise_device), eta=eta, s_noise=s_noise)


@node("SamplerDPMPP_2M_SDE", category=CATEGORY, title="SamplerDPMPP_2M_SDE")
def dpmpp_2m_sde(
    solver_type: Literal["midpoint", "heun"], eta: Eta, s_noise: NoiseStrength, noise_device: NoiseDevice
) -> SamplerRecipe:
    """DPM-Solver++(2M) with noise in each step."""
    return _recipe(_on("dpmpp_2m_sde", noise_device), solver_type=solver_type, eta=eta, s_noise=s_noise)


@node("SamplerDPMPP_SDE", category=CATEGORY, title="SamplerDPMPP_SDE")
def dpmpp_sde(
    eta: Eta,
    s_noise: NoiseStrength,
    r: Annotated[Amount, Default(0.5), Help("Where in a step the model is asked a second time; above 0.")],
    noise_device: NoiseDevice,
) -> SamplerRecipe:
    """DPM-Solver++ with noise and two questions to the model in each step."""
    if r == 0:
        raise ValueError("SamplerDPMPP_SDE: r is 0, where the model was asked already. Give a number above 0, as 0.5.")
    return _recipe(_on("dpmpp_sde", noise_device), eta=eta, s_noise=s_noise, r=r)


@node("SamplerDPMPP_2S_Ancestral", category=CATEGORY, title="SamplerDPMPP_2S_Ancestral")
def dpmpp_2s_ancestral(eta: Eta, s_noise: NoiseStrength) -> SamplerRecipe:
    """DPM-Solver++(2S) with noise in each step."""
    return _recipe("dpmpp_2s_ancestral", eta=eta, s_noise=s_noise)


@node("SamplerDPMAdaptative", category=CATEGORY, title="SamplerDPMAdaptative")
def dpm_adaptive(
    order: Annotated[int, Ge(2), Le(3)] = 3,
    rtol: Annotated[Positive, Help("How large an error may be, as a share of the latent.")] = 0.05,
    atol: Annotated[Positive, Help("How large it may be at least.")] = 0.0078,
    h_init: Annotated[Positive, Help("The length of the first step in log sigma.")] = 0.05,
    pcoeff: Positive = 0.0,
    icoeff: Positive = 1.0,
    dcoeff: Positive = 0.0,
    accept_safety: Annotated[
        Positive, Help("A step is taken again where it should be shorter than this share.")
    ] = 0.81,
    eta: Positive = 0.0,
    s_noise: Positive = 1.0,
) -> SamplerRecipe:
    """DPM-Solver with steps as long as the error allows. Of the noise levels only the first and the last count."""
    if max(rtol, atol) == 0 or h_init == 0 or accept_safety >= 1:
        raise ValueError(
            f"SamplerDPMAdaptative never gets on with rtol {rtol:g}, atol {atol:g}, h_init {h_init:g} and "
            f"accept_safety {accept_safety:g}: rtol or atol and h_init must be above 0, accept_safety below 1."
        )
    return _recipe(
        "dpm_adaptive",
        order=order,
        rtol=rtol,
        atol=atol,
        h_init=h_init,
        pcoeff=pcoeff,
        icoeff=icoeff,
        dcoeff=dcoeff,
        accept_safety=accept_safety,
        eta=eta,
        s_noise=s_noise,
    )


@node("SamplerER_SDE", category=CATEGORY, title="SamplerER_SDE")
def er_sde(
    solver_type: Literal["ER-SDE", "Reverse-time SDE", "ODE"],
    max_stage: Annotated[int, Ge(1), Le(3), Default(3)],
    eta: Annotated[Amount, Help("How much noise the reverse-time SDE adds; the others do not use it.")],
    s_noise: NoiseStrength,
) -> SamplerRecipe:
    """Extended reverse-time SDE solvers (Cui et al. 2023), and the SDE and the ODE they lie around."""
    if solver_type == "ER-SDE":
        return _recipe("er_sde", max_stage=max_stage, s_noise=s_noise)
    power = 1.0 if solver_type == "ODE" else 1.0 + eta
    return _recipe("er_sde", max_stage=max_stage, s_noise=0.0 if power == 1 else s_noise, power=power)


@node("SamplerSASolver", category=CATEGORY, title="SamplerSASolver")
def sa_solver(
    model: Annotated[Model, Help("Kept for files that give it: the percents are read in the model that is sampled.")],
    eta: Annotated[float, Ge(0.0), Le(10.0), Hint(step=0.01, round=False), Default(1.0)],
    sde_start_percent: Annotated[Percent, Default(0.2)],
    sde_end_percent: Annotated[Percent, Default(0.8)],
    s_noise: NoiseStrength,
    predictor_order: Annotated[int, Ge(1), Le(6), Default(3)],
    corrector_order: Annotated[int, Ge(0), Le(6), Default(4), Help("0: without a corrector.")],
    use_pece: Annotated[bool, Help("Ask the model again after the correction.")],
    simple_order_2: Annotated[bool, Help("Weights for short steps where only two answers are used.")],
) -> SamplerRecipe:
    """The stochastic Adams method, with noise between two percents of the way."""
    del model
    return _recipe(
        "sa_solver",
        eta=eta,
        s_noise=s_noise,
        start_percent=sde_start_percent,
        end_percent=sde_end_percent,
        predictor_order=predictor_order,
        corrector_order=corrector_order,
        pece=use_pece,
        simple_order_2=simple_order_2,
    )


def _recipe(name: str, **options: float | str | bool) -> SamplerRecipe:
    return SamplerRecipe(name, MappingProxyType(options))


def _on(name: str, device: str) -> str:
    return f"{name}_gpu" if device == "gpu" else name
