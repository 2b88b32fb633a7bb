"""Noise levels fitted to how trajectories bend: close together where straight steps would stray, else far apart.

Chen et al. 2024, "On the Trajectory Regularity of ODE-based Diffusion Sampling" (GITS): the ways from noise to picture
are bent alike, whatever is drawn. So it is enough to walk a few of them in small steps, to note what each longer step
would cost, and to look for the cheapest few.
"""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from diffusion.levels import last_share, stretched

FILE = Path(__file__).with_suffix(".safetensors")
"""levels [N], falling, and costs [N, N] of the bundled model, as `diffusion.training.trajectory` measures them."""
MOST_STEPS = 20
"""Steps that are looked for; more lie between these."""

Numbers = NDArray[np.float64]


def trajectory_fitted(steps: int, coeff: float = 1.2, denoise: float = 1.0) -> Tensor:
    """Levels float32 [steps + 1] of Stable Diffusion's range, the last 0, along which Euler's method strays little.

    steps: at least 2; from the 21st on they lie log-linearly between those of 20. coeff: what the steps that follow
    weigh beside the one before: below 1 the levels crowd at the noisy end, far above it at the other. denoise: only
    this share of the steps, the last ones; none with 0.
    """
    levels, costs = _measured()
    path = cheapest(costs, min(steps, MOST_STEPS), coeff)
    return last_share(stretched([float(levels[place]) for place in path], steps), denoise)


def cheapest(costs: Numbers, steps: int, coeff: float) -> list[int]:
    """The way from the first of N places to the last in so many steps forward that costs least, as `steps + 1` places.

    costs: [N, N], of a step from the row's place to the column's. What follows a step counts `coeff` times, and so on.
    Found by dynamic programming, as in the paper. Raises ValueError for more steps than there are, or none.
    """
    if not 1 <= steps < len(costs):
        raise ValueError(f"There is no way in {steps} steps through {len(costs)} places.")
    forward = np.where(np.triu(np.ones_like(costs), 1) > 0, costs, np.inf)
    rest = forward[:, -1]
    following = [np.full(len(costs), len(costs) - 1)]
    for _ in range(steps - 1):
        ways = forward + coeff * rest
        following.append(ways.argmin(axis=1))
        rest = ways.min(axis=1)
    path = [0]
    for nexts in reversed(following):
        path.append(int(nexts[path[-1]]))
    return path


@cache
def _measured() -> tuple[Numbers, Numbers]:
    from safetensors.numpy import load_file

    found = load_file(FILE)
    return found["levels"].astype(np.float64), found["costs"].astype(np.float64)
