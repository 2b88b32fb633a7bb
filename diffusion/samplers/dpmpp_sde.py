"""DPM-Solver++ (S) with ancestral noise from a Brownian path in both sub-steps.

The levels inside a step are computed in float32, as the field has always done: a Brownian path is so rough that a level off by 1e-6
changes the noise by 1e-3, and the sampler would give other pictures than people know.
"""

import torch
from torch import Tensor

from diffusion.prediction import FLOW, Frame
from diffusion.samplers.contract import Moment, Step, finite, stepwise
from diffusion.samplers.euler import toward


@finite
@stepwise
def dpmpp_sde(at: Moment, *, eta: float = 1.0, s_noise: float = 1.0, r: float = 1 / 2) -> Step:
    """DPM-Solver++(S) with ancestral noise in both sub-steps; second order at eta 0.

    Lu et al. 2022, "DPM-Solver++", algorithm 1; Song et al. 2020, "DDIM", eq. 16 for the noise, in noise levels relative to alpha.
    """
    denoised = at.denoise(at.x, at.sigma)
    if at.sigma_next == 0:
        return at.step(denoised, denoised)
    start, end = _lambda(at.frame, at.sigma), _lambda(at.frame, at.sigma_next)
    middle = start + r * (end - start)
    sigma_middle = float(middle.neg().sigmoid() if at.frame == FLOW else middle.neg().exp())
    x = _stepped(at, denoised, start, middle, sigma_middle, eta, s_noise)
    target = denoised + (at.denoise(x, sigma_middle) - denoised) / (2 * r)
    return at.step(_stepped(at, target, start, end, at.sigma_next, eta, s_noise), denoised)


def _lambda(frame: Frame, sigma: float) -> Tensor:
    """Half log-SNR, 0-d float32."""
    level = torch.tensor(sigma, dtype=torch.float32)
    return ((1 - level) / level).log() if frame == FLOW else level.log().neg()


def _stepped(at: Moment, target: Tensor, start: Tensor, end: Tensor, sigma_end: float, eta: float, s_noise: float) -> Tensor:
    """From x towards `target`, from half log-SNR `start` to `end` (0-d float32), by the ancestral step of x / alpha."""
    ratio, ratio_end = start.neg().exp(), end.neg().exp()
    up = torch.minimum(ratio_end, eta * (ratio_end**2 * (ratio**2 - ratio_end**2) / ratio**2).sqrt())
    down = float((ratio_end**2 - up**2).sqrt())
    alpha_end = sigma_end / float(ratio_end)
    x = alpha_end * toward(at.x / (at.sigma / float(ratio)), target, float(ratio), down)
    return x + at.noise(at.sigma, sigma_end) * (s_noise * float(up) * alpha_end) if up > 0 else x
