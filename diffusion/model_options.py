"""What can be set on a model besides changed weights: how it is asked, and what is made of its answers. Loads no torch.

They stand in `Model.options`, in the order in which they were set, and do not change which weights are in memory. What
they do is in `diffusion.predictions` (what an answer means), `diffusion.joins` (how two become one),
`diffusion.inpainting` (what is kept) and `diffusion.noise` (what is drawn).
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class DiscreteSampling:
    """What the network's answer means, over the family's table of noise levels.

    predicts: the noise ("eps"), the velocity ("v_prediction"), the picture ("x0"), the picture from an unscaled one
    ("img_to_img"), or noise by a network distilled for few steps ("lcm"). zsnr: the table ends in noise alone.
    """

    predicts: Literal["eps", "v_prediction", "lcm", "x0", "img_to_img"]
    zsnr: bool = False


@dataclass(frozen=True)
class ContinuousSampling:
    """What the network's answer means, over all noise levels from sigma_min to sigma_max, told as log(sigma) / 4."""

    predicts: Literal["v_prediction", "edm", "eps"]
    sigma_max: float
    sigma_min: float


@dataclass(frozen=True)
class RescaledGuidance:
    """Guidance whose contrast is brought back towards that of the positive answer. multiplier: 0: not, 1: wholly."""

    multiplier: float


@dataclass(frozen=True)
class ZeroStarGuidance:
    """Guidance from the negative answer scaled to fit the positive one (CFG-Zero*)."""


@dataclass(frozen=True)
class NormedGuidance:
    """Guidance whose pixels are no longer vectors than those of the positive answer. strength: times the result."""

    strength: float


@dataclass(frozen=True)
class TangentialGuidance:
    """Guidance from what of the negative direction both directions share (tangential damping)."""


@dataclass(frozen=True)
class ScaledNoise:
    """The noise that is taken out in a step, divided by `factor`."""

    factor: float


@dataclass(frozen=True)
class DifferentialMask:
    """A soft noise mask says from when on each pixel is repainted. strength: 0: it mixes as usual, 1: this alone."""

    strength: float = 1.0


@dataclass(frozen=True)
class NoiseSource:
    """Which generator draws noise: torch's on the CPU ("cpu"), or, computed anywhere, that on CUDA cards ("cuda").

    initial: of the noise a run begins with. steps: of what samplers add in each step.
    """

    initial: Literal["cpu", "cuda"] = "cpu"
    steps: Literal["cpu", "cuda"] = "cpu"


OPTIONS: tuple[type, ...] = (
    DiscreteSampling,
    ContinuousSampling,
    RescaledGuidance,
    ZeroStarGuidance,
    NormedGuidance,
    TangentialGuidance,
    ScaledNoise,
    DifferentialMask,
    NoiseSource,
)
"""All of them."""
