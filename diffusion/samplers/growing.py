"""Sampling in which the latent changes its size on the way."""

from collections.abc import Sequence

from diffusion.resize import resize
from diffusion.samplers.contract import Moment, Step, stepwise

SIDES = ("height", "width")
"""What a step remembers of the latent that the run began with."""


@stepwise
def lcm_upscale(at: Moment, *, scale: float = 1.0, scale_steps: int = -1, method: str = "bislerp") -> Step:
    """Consistency sampling (Luo et al. 2023, algorithm 3) of a latent that grows: each answer is resized before it is
    noised to the next level, over the first `scale_steps` steps evenly up to `scale` times its size.

    The answer has no noise in it, so that resizing it leaves the noise at the next level what it should be.
    scale_steps: −1: half of all steps, rounded up; 0: none. method: as in `diffusion.resize.resize`.
    """
    height, width = (float(at.memory.get(name, side)) for name, side in zip(SIDES, at.x.shape[2:], strict=True))
    begun = (*at.x.shape[:2], round(height), round(width))
    shape = shapes(begun, len(at.sigmas) - 1, scale=scale, scale_steps=scale_steps, method=method)[at.index]
    x = denoised = resize(at.denoise(at.x, at.sigma), shape[2], shape[3], method)
    if at.sigma_next > 0:
        x = at.frame.renoise(denoised, at.noise(at.sigma, at.sigma_next), at.sigma_next)
    return at.step(x, denoised, **dict(zip(SIDES, (height, width), strict=True)))


def shapes(
    shape: Sequence[int], steps: int, *, scale: float = 1.0, scale_steps: int = -1, method: str = "bislerp"
) -> list[tuple[int, ...]]:
    """The shapes of x behind each of `steps` steps of `lcm_upscale`, which begins with `shape` [B, C, H, W]."""
    del method
    growing = min((steps + 1) // 2 if scale_steps < 0 else scale_steps, steps)
    times = [1 + (scale - 1) * min((step + 1) / growing, 1) if growing else 1.0 for step in range(steps)]
    return [(*shape[:2], *(max(1, round(side * each)) for side in shape[2:])) for each in times]
