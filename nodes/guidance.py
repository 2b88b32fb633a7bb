"""What changes how a model is asked and what is made of its answers, without a change of its weights."""

from typing import Annotated, Literal, NamedTuple

from annotated_types import Ge, Le

from diffusion.model_options import (
    ContinuousSampling,
    DifferentialMask,
    DiscreteSampling,
    FrequencyGuidance,
    MahiroGuidance,
    NoiseSource,
    NormedGuidance,
    PerpendicularGuidance,
    PerturbedAttention,
    ProjectedGuidance,
    RenormedGuidance,
    RescaledGuidance,
    ScaledNoise,
    SelfAttentionGuidance,
    TangentialGuidance,
    ZeroStarGuidance,
)
from diffusion.values import Conditioning, Model
from graph.node import Default, Help, Hint, node

Generator = Literal["cpu", "cuda"]


class Patched(NamedTuple):
    """A changed model."""

    patched_model: Model


@node("RescaleCFG", category="advanced/guidance", title="RescaleCFG")
def rescale_guidance(
    model: Model, multiplier: Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.01), Help("0: not at all.")] = 0.7
) -> Model:
    """Take back the contrast that strong guidance adds (Lin et al. 2023)."""
    return model.with_option(RescaledGuidance(multiplier))


@node("CFGZeroStar", category="advanced/guidance", title="CFGZeroStar")
def zero_star_guidance(model: Model) -> Patched:
    """Scale the negative answer to fit the positive one before guidance (CFG-Zero*, Fan et al. 2025)."""
    return Patched(model.with_option(ZeroStarGuidance()))


@node("CFGNorm", category="advanced/guidance", title="CFGNorm")
def normed_guidance(
    model: Model, strength: Annotated[float, Ge(0.0), Le(100.0), Hint(step=0.01), Help("Times the answer.")] = 1.0
) -> Patched:
    """Let guidance turn the answer, but make no pixel of it stronger than the positive answer has it."""
    return Patched(model.with_option(NormedGuidance(strength)))


@node("TCFG", category="advanced/guidance", title="Tangential Damping CFG")
def tangential_guidance(model: Model) -> Patched:
    """Guide away only from what the negative answer shares with the positive one (TCFG, Kwon et al. 2025)."""
    return Patched(model.with_option(TangentialGuidance()))


@node("PerturbedAttentionGuidance", category="advanced/guidance", title="PerturbedAttentionGuidance")
def guide_by_perturbation(
    model: Model,
    scale: Annotated[
        float, Ge(0.0), Le(100.0), Hint(step=0.01, round=0.01), Help("Added to the guidance there is.")
    ] = 3.0,
) -> Model:
    """Guide away from what the model makes without attention in its middle (Ahn et al. 2024). Asks it once more."""
    return model.with_option(PerturbedAttention(scale))


@node("SelfAttentionGuidance", category="advanced/guidance", title="Self-Attention Guidance")
def guide_by_self_attention(
    model: Model,
    scale: Annotated[float, Ge(-2.0), Le(5.0), Hint(step=0.01), Help("Added to the guidance there is.")] = 0.5,
    blur_sigma: Annotated[
        float, Ge(0.0), Le(10.0), Hint(step=0.1), Help("How wide the blur is, in latent pixels.")
    ] = 2.0,
) -> Model:
    """Guide away from a picture blurred where the model looks (Hong et al. 2023). Asks it once more."""
    return model.with_option(SelfAttentionGuidance(scale, blur_sigma))


@node("APG", category="advanced/guidance", title="Adaptive Projected Guidance")
def project_guidance(
    model: Model,
    eta: Annotated[
        float, Ge(-10.0), Le(10.0), Hint(step=0.01), Help("How much counts of what is parallel to the positive answer.")
    ] = 1.0,
    norm_threshold: Annotated[
        float, Ge(0.0), Le(50.0), Hint(step=0.1), Help("Longer guidance is cut to this length; 0: never.")
    ] = 5.0,
    momentum: Annotated[
        float, Ge(-5.0), Le(1.0), Hint(step=0.01), Help("How much of the step before carries on; below 0: against it.")
    ] = 0.0,
) -> Model:
    """Let strong guidance change a picture without oversaturating it (Sadat et al. 2024)."""
    return model.with_option(ProjectedGuidance(eta, norm_threshold, momentum))


@node("FreSca", category="advanced/guidance", title="FreSca")
def scale_guidance_by_frequency(
    model: Model,
    scale_low: Annotated[
        float, Ge(0), Le(10), Hint(step=0.01), Help("For what changes slowly over the picture.")
    ] = 1.0,
    scale_high: Annotated[float, Ge(0), Le(10), Hint(step=0.01), Help("For its details.")] = 1.25,
    freq_cutoff: Annotated[
        int, Ge(1), Le(10000), Hint(step=1), Help("How many frequencies along each side are slow.")
    ] = 20,
) -> Model:
    """Guide details apart from large shapes (FreSca, Huang et al. 2025)."""
    return model.with_option(FrequencyGuidance(scale_low, scale_high, freq_cutoff))


@node("RenormCFG", category="advanced/guidance", title="RenormCFG")
def renorm_guidance(
    model: Model,
    cfg_trunc: Annotated[
        float, Ge(0.0), Le(100.0), Hint(step=0.01), Help("Noise levels from this one on are not guided.")
    ] = 100,
    renorm_cfg: Annotated[
        float, Ge(0.0), Le(100.0), Hint(step=0.01), Help("How much longer guidance may make an answer; 0: as it likes.")
    ] = 1.0,
) -> Model:
    """Keep guided answers as long as the positive ones, and guide low noise levels alone (Qin et al. 2025)."""
    return model.with_option(RenormedGuidance(cfg_trunc, renorm_cfg))


@node("Mahiro", category="advanced/guidance", title="Mahiro")
def lean_guidance(model: Model) -> Patched:
    """Lean towards the positive answer alone, the more the two differ."""
    return Patched(model.with_option(MahiroGuidance()))


@node("PerpNeg", category="advanced/guidance", title="PerpNeg (use PerpNegGuider)", deprecated=True)
def guide_perpendicularly(
    model: Model,
    empty_conditioning: Conditioning,
    neg_scale: Annotated[float, Ge(0.0), Le(100.0), Hint(step=0.01), Help("How much of the rest is taken away.")] = 1.0,
) -> Model:
    """Take away only what of the negative prompt is not in the positive one (Armandpour et al. 2023)."""
    return model.with_option(PerpendicularGuidance(empty_conditioning, neg_scale))


@node("Epsilon Scaling", category="advanced/guidance", title="Epsilon Scaling")
def scale_noise(
    model: Model,
    scaling_factor: Annotated[
        float, Ge(0.5), Le(1.5), Hint(step=0.001, display="number"), Help("Above 1 less noise is taken out.")
    ] = 1.005,
) -> Model:
    """Take a little less (or more) noise out in each step than the model says (Ning et al. 2024)."""
    return model.with_option(ScaledNoise(scaling_factor))


@node("ModelSamplingDiscrete", category="advanced/model", title="ModelSamplingDiscrete")
def sample_discretely(
    model: Model,
    sampling: Annotated[
        Literal["eps", "v_prediction", "lcm", "x0", "img_to_img"], Help("What the network answers with.")
    ],
    zsnr: Annotated[bool, Help("For models trained with noise levels that end in noise alone.")] = False,
) -> Model:
    """Say what a network was trained to answer with, where its file does not say so itself."""
    return model.with_option(DiscreteSampling(sampling, zsnr))


@node("ModelSamplingContinuousEDM", category="advanced/model", title="ModelSamplingContinuousEDM")
def sample_continuously(
    model: Model,
    sampling: Literal["v_prediction", "edm", "edm_playground_v2.5", "eps", "cosmos_rflow"],
    sigma_max: Annotated[float, Ge(0.0), Le(1000.0), Hint(step=0.001, round=False), Default(120.0)],
    sigma_min: Annotated[float, Ge(0.0), Le(1000.0), Hint(step=0.001, round=False), Default(0.002)],
) -> Model:
    """Say that a network was trained at all noise levels between two, and what it answers with."""
    if sampling not in ("v_prediction", "edm", "eps"):
        raise ValueError(
            f"ModelSamplingContinuousEDM: '{sampling}' is for models of a family that is not known here. "
            "Choose 'edm', 'eps' or 'v_prediction'."
        )
    _require_levels("ModelSamplingContinuousEDM", sigma_min, sigma_max)
    return model.with_option(ContinuousSampling(sampling, sigma_max, sigma_min))


@node("ModelSamplingContinuousV", category="advanced/model", title="ModelSamplingContinuousV")
def sample_continuous_velocities(
    model: Model,
    sampling: Annotated[Literal["v_prediction"], Help("What the network answers with.")],
    sigma_max: Annotated[float, Ge(0.0), Le(1000.0), Hint(step=0.001, round=False), Default(500.0)],
    sigma_min: Annotated[float, Ge(0.0), Le(1000.0), Hint(step=0.001, round=False), Default(0.03)],
) -> Model:
    """Say that a network answers with velocities at all noise levels between two, and is told them as angles."""
    _require_levels("ModelSamplingContinuousV", sigma_min, sigma_max)
    return model.with_option(ContinuousSampling(sampling, sigma_max, sigma_min, told="angle"))


@node("DifferentialDiffusion", category="advanced/model", title="Differential Diffusion")
def repaint_by_degrees(
    model: Model,
    strength: Annotated[
        float | None, Ge(0.0), Le(1.0), Hint(step=0.01), Default(1.0), Help("0: masks mix as usual.")
    ] = 1.0,
) -> Model:
    """Let a soft noise mask say from when on each pixel is repainted, not how much of it (Levin & Fried 2023)."""
    return model.with_option(DifferentialMask(1.0 if strength is None else strength))


@node("ModelNoiseSource", category="advanced/model", title="Model Noise Source")
def set_noise_source(
    model: Model,
    initial: Annotated[Generator, Help("For the noise a picture begins with.")] = "cpu",
    steps: Annotated[Generator, Help("For the noise that samplers add in each step.")] = "cuda",
) -> Model:
    """Draw noise as an NVIDIA card does, so that pictures made on one come back from their seed on any device.

    Tools that make the first noise on the processor and the rest on the card need "cpu" and "cuda"; those that make all
    noise on the card need "cuda" twice. SDE samplers always draw theirs on the processor.
    """
    return model.with_option(NoiseSource(initial, steps))


def _require_levels(node_type: str, low: float, high: float) -> None:
    if not 0 < low < high:
        raise ValueError(f"{node_type}: sigma_min {low:g} must be above 0 and below sigma_max {high:g}.")
