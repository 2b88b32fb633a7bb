"""How a wanted and an unwanted answer become one: classifier-free guidance, and what options of a model make of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from diffusion.model_options import (
    NormedGuidance,
    RescaledGuidance,
    ScaledNoise,
    TangentialGuidance,
    ZeroStarGuidance,
)


@dataclass(frozen=True, eq=False)
class Answers:
    """Two denoised answers to x at noise level sigma (0-d), all float32 [B, C, H, W], and how far guidance goes."""

    x: Tensor
    sigma: Tensor
    wanted: Tensor
    unwanted: Tensor
    cfg: float


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


def scaled_noise(at: Answers, option: ScaledNoise, result: Tensor) -> Tensor:
    """x − (x − D) / factor: Ning et al. 2024, "Elucidating the Exposure Bias in Diffusion Models"."""
    return at.x - (at.x - result) / option.factor


def _stretched(at: Answers) -> Tensor:
    return at.unwanted + at.cfg * (at.wanted - at.unwanted)


BEFORE: Mapping[type, Callable[[Answers, Any], Answers]] = MappingProxyType({TangentialGuidance: tangential})
"""Options that change the answers before they are joined."""

FORMULAS: Mapping[type, Callable[[Answers, Any], Tensor]] = MappingProxyType({RescaledGuidance: rescaled})
"""Options that replace the formula of guidance."""

CHANGES: Mapping[type, Callable[[Answers, Any, Tensor], Tensor]] = MappingProxyType(
    {ZeroStarGuidance: zero_star, NormedGuidance: normed, ScaledNoise: scaled_noise}
)
"""Options that change its result."""
