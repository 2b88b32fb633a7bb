"""How a wanted and an unwanted answer become one: classifier-free guidance, and what options of a model make of it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch.linalg import vector_norm

from diffusion.answers import Answers
from diffusion.frequencies import scaled_frequencies
from diffusion.latent_operations import operated
from diffusion.model_options import (
    FrequencyGuidance,
    MahiroGuidance,
    NormedGuidance,
    OperatedGuidance,
    PerturbedAttention,
    ProjectedGuidance,
    RenormedGuidance,
    RescaledGuidance,
    ScaledNoise,
    SelfAttentionGuidance,
    TangentialGuidance,
    ZeroStarGuidance,
)
from diffusion.perturbed import perturbed
from diffusion.self_guidance import self_guided

__all__ = ["Answers", "changed", "joined"]

MOMENTUM = "momentum"
"""Under which name projected guidance remembers itself."""


def joined(at: Answers, options: tuple[object, ...] = ()) -> Tensor:
    """unwanted + cfg · (wanted − unwanted), unless an option says otherwise.

    Options that change the answers come first, in their order. Of those that replace the formula the last one counts;
    those that change its result follow, in their order.
    """
    for option in options:
        if type(option) in BEFORE:
            at = BEFORE[type(option)](at, option)
    formula = next((option for option in reversed(options) if type(option) in FORMULAS), None)
    result = _stretched(at) if formula is None else FORMULAS[type(formula)](at, formula)
    return changed(at, options, result)


def changed(at: Answers, options: tuple[object, ...], result: Tensor) -> Tensor:
    """What options make of a guided answer, in their order."""
    for option in options:
        if type(option) in CHANGES:
            result = CHANGES[type(option)](at, option, result)
    return result


def tangential(at: Answers, option: TangentialGuidance) -> Answers:
    """The unwanted direction x − U cut down to the first singular direction of both, item by item.

    Kwon et al. 2025, "TCFG: Tangential Damping Classifier-free Guidance".
    """
    del option
    unwanted = (at.x - at.unwanted).flatten(1)[:, None]
    both = torch.cat([(at.x - at.wanted).flatten(1)[:, None], unwanted], dim=1)
    shared = torch.linalg.svd(both, full_matrices=False).Vh[:, :1]
    damped = (unwanted @ shared.mT) * shared
    return replace(at, unwanted=at.x - damped.view_as(at.x))


def by_frequency(at: Answers, option: FrequencyGuidance) -> Answers:
    """W − U taken apart into frequencies, the low ones scaled apart from the high ones.

    Huang et al. 2025, "FreSca: Scaling in Frequency Space Enhances Diffusion Models".
    """
    way = scaled_frequencies(at.wanted - at.unwanted, option.low, option.high, option.cutoff)
    return replace(at, wanted=at.unwanted + way)


def operating(at: Answers, option: OperatedGuidance) -> Answers:
    """An operation on the way from U to W; on W itself where guidance does not go beyond it."""
    if at.cfg == 1:
        return replace(at, wanted=operated(option.operation, at.wanted))
    return replace(at, wanted=at.unwanted + operated(option.operation, at.wanted - at.unwanted))


def rescaled(at: Answers, option: RescaledGuidance) -> Tensor:
    """Guidance of velocities whose standard deviation is brought back to that of the wanted one, item by item.

    Lin et al. 2023, "Common Diffusion Noise Schedules and Sample Steps are Flawed", §3.4. The velocity is that
    of the variance-preserving frame, v = (x / (sigma² + 1) − D) · sqrt(sigma² + 1) / sigma, whatever the network itself
    predicts: pictures under this name have always been made so.
    """
    level = at.sigma.to(at.x.device)
    shown, scale = at.x / (level**2 + 1), (level**2 + 1) ** 0.5 / level
    wanted, unwanted = (shown - at.wanted) * scale, (shown - at.unwanted) * scale
    guided = unwanted + at.cfg * (wanted - unwanted)
    axes = tuple(range(1, guided.ndim))
    contrast = wanted.std(dim=axes, keepdim=True) / guided.std(dim=axes, keepdim=True)
    velocity = option.multiplier * (guided * contrast) + (1 - option.multiplier) * guided
    return shown - velocity / scale


def projected(at: Answers, option: ProjectedGuidance) -> Tensor:
    """W + (cfg − 1) · (perpendicular + eta · parallel part of Δ), as W has them, item by item.

    Sadat et al. 2024, "Eliminating Oversaturation and Artifacts of High Guidance Scales in Diffusion Models",
    algorithm 1: Δ is W − U plus `momentum` times that of the noise level before, cut to the length `norm_threshold`.
    """
    way, axes = at.wanted - at.unwanted, tuple(range(1, at.x.ndim))
    if option.momentum != 0:
        before = at.memory.get(MOMENTUM)
        # A latent that was enlarged on the way begins anew.
        way = way if before is None or before.shape != way.shape else way + option.momentum * before
        at.memory[MOMENTUM] = way
    if option.norm_threshold > 0:
        way = way * (option.norm_threshold / vector_norm(way, dim=axes, keepdim=True)).clamp(max=1)
    direction = at.wanted / vector_norm(at.wanted, dim=axes, keepdim=True).clamp(min=1e-12)
    parallel = (way * direction).sum(axes, keepdim=True) * direction
    return at.wanted + (at.cfg - 1) * (way - parallel + option.eta * parallel)


def renormed(at: Answers, option: RenormedGuidance) -> Tensor:
    """Guidance cut to `longest` times the length of W, item by item; W itself at the noise level `below` and above.

    Qin et al. 2025, "Lumina-Image 2.0", "CFG-Renormalization" and "CFG-Truncation".
    """
    if float(at.sigma) >= option.below:
        return at.wanted
    result = _stretched(at)
    if option.longest == 0:
        return result
    axes = tuple(range(1, result.ndim))
    length, most = (vector_norm(each, dim=axes, keepdim=True) for each in (result, at.wanted))
    return result * (option.longest * most / length.clamp(min=1e-12)).clamp(max=1)


def zero_star(at: Answers, option: ZeroStarGuidance, result: Tensor) -> Tensor:
    """The same guidance from the unwanted answer times s: s·U + cfg · (W − s·U), written as a change of `result`.

    s projects the wanted direction x − W on the unwanted one, item by item: Fan et al. 2025, "CFG-Zero*: Improved
    Classifier-Free Guidance for Flow Matching Models".
    """
    del option
    wanted, unwanted = (at.x - at.wanted).flatten(1), (at.x - at.unwanted).flatten(1)
    share = (wanted * unwanted).sum(1) / (unwanted.square().sum(1) + 1e-8)
    share = share.view(-1, *[1] * (at.x.ndim - 1))
    return result + (1 - at.cfg) * (share - 1) * at.unwanted


def normed(at: Answers, option: NormedGuidance, result: Tensor) -> Tensor:
    """`result` · strength, each pixel's vector of channels no longer than that of the wanted answer."""
    length, most = result.norm(dim=1, keepdim=True), at.wanted.norm(dim=1, keepdim=True)
    return result * (most / (length + 1e-8)).clamp(0.0, 1.0) * option.strength


def leaning(at: Answers, option: MahiroGuidance, result: Tensor) -> Tensor:
    """s · result + (1 − s) · cfg · W, with s from 0 to 1 as U and the mean of both resemble each other, item by item.

    s is half of 1 plus the mean cosine, over pixels, between √(cfg · U) and √((result + cfg · W) / 2), roots taken of
    the size and with the sign. The guidance people call Mahiro (2024); there is no paper.
    """
    del option
    leap = at.cfg * at.wanted
    alike = torch.cosine_similarity(_root(at.cfg * at.unwanted), _root((result + leap) / 2), dim=1)
    share = (1 + alike.flatten(1).mean(1)).view(-1, *[1] * (result.ndim - 1)) / 2
    return share * result + (1 - share) * leap


def scaled_noise(at: Answers, option: ScaledNoise, result: Tensor) -> Tensor:
    """x − (x − D) / factor: Ning et al. 2024, "Elucidating the Exposure Bias in Diffusion Models"."""
    return at.x - (at.x - result) / option.factor


def _stretched(at: Answers) -> Tensor:
    return at.unwanted + at.cfg * (at.wanted - at.unwanted)


def _root(values: Tensor) -> Tensor:
    return values.abs().sqrt() * values.sign()


BEFORE: Mapping[type, Callable[[Answers, Any], Answers]] = MappingProxyType(
    {TangentialGuidance: tangential, FrequencyGuidance: by_frequency, OperatedGuidance: operating}
)
"""Options that change the answers before they are joined."""

FORMULAS: Mapping[type, Callable[[Answers, Any], Tensor]] = MappingProxyType(
    {RescaledGuidance: rescaled, ProjectedGuidance: projected, RenormedGuidance: renormed}
)
"""Options that replace the formula of guidance."""

CHANGES: Mapping[type, Callable[[Answers, Any, Tensor], Tensor]] = MappingProxyType(
    {
        ZeroStarGuidance: zero_star,
        NormedGuidance: normed,
        MahiroGuidance: leaning,
        PerturbedAttention: perturbed,
        SelfAttentionGuidance: self_guided,
        ScaledNoise: scaled_noise,
    }
)
"""Options that change its result."""
