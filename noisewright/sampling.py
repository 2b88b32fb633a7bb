"""What samplers and schedulers of packs are written with. Loads torch.

A sampler is a generator by the contract of `Sampler`, or one step from a `Moment` to a `Step` under `@stepwise`; a
scheduler is a function of a `Prediction` and a number of steps.
"""

from diffusion.noise import Noise
from diffusion.prediction import Frame, Prediction
from diffusion.samplers.contract import (
    Denoise,
    Memory,
    Moment,
    PlainDenoise,
    Sampler,
    Step,
    finite,
    remembered,
    stepwise,
)

__all__ = [
    "Denoise", "Frame", "Memory", "Moment", "Noise", "PlainDenoise", "Prediction", "Sampler", "Step", "finite",
    "remembered", "stepwise",
]  # fmt: skip
