"""What long steps along sprout's trajectories cost, from which `diffusion.trajectory` chooses noise levels.

    python -m diffusion.training.trajectory

Needs no data: the prompts are the names of Unicode's pictographs, of which sprout knows most.
"""

import argparse
import logging
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from diffusion import trajectory
from diffusion.prediction import EpsPrediction, discrete_sigmas
from diffusion.samplers import Denoise, PlainDenoise, sampler
from diffusion.schedules import normal
from diffusion.training.teacher import CHECKPOINT, Teacher, read_teacher

__all__ = ["PREDICTION", "costs", "guided", "main", "measured", "start", "trained_levels"]

PREDICTION = EpsPrediction(discrete_sigmas())
LEVELS = 61
GUIDANCE = 3.0
BATCH = 32
PICTOGRAPHS = (range(0x1F300, 0x1F650), range(0x1F680, 0x1F700), range(0x1F900, 0x1FA00))

log = logging.getLogger(__name__)


def trained_levels() -> Tensor:
    """Levels [LEVELS] from the highest to the lowest that sprout was trained on, even in training time."""
    return normal(PREDICTION, LEVELS)[:-1]


def guided(teacher: Teacher, captions: Sequence[str]) -> Denoise:
    """The teacher guided to these captions, one for each latent [B, 4, h, w]."""
    contexts = torch.cat([teacher.contexts(captions), teacher.contexts([""]).expand(len(captions), -1, -1)])

    @torch.no_grad()
    def answer(x: Tensor, sigma: Tensor) -> Tensor:
        asked, times = PREDICTION.scale_input(x, sigma), PREDICTION.timestep(sigma).expand(2 * len(x))
        positive, negative = teacher.unet(asked.repeat(2, 1, 1, 1), times, contexts).sample.chunk(2)
        return PREDICTION.denoised(x, torch.lerp(negative, positive, GUIDANCE), sigma)

    return PlainDenoise(answer, PREDICTION)


def start(count: int, generator: torch.Generator) -> tuple[list[str], Tensor]:
    """Captions, and the noise [count, 4, 16, 16] that their trajectories begin with."""
    names = [unicodedata.name(chr(code), "").lower() for block in PICTOGRAPHS for code in block]
    known = [name for name in names if name]
    rows = torch.randint(len(known), (count,), generator=generator).tolist()
    noise = torch.randn(count, 4, 16, 16, generator=generator)
    return [known[row] for row in rows], PREDICTION.frame.start(
        torch.zeros_like(noise), noise, PREDICTION.sigma_max, full=True
    )


def costs(denoise: Denoise, x: Tensor, levels: Sequence[float]) -> Tensor:
    """What an Euler step from each of N levels to each lower one costs on the trajectories of x, [N, N]; else 0.

    It is how much farther than the trajectory's own point its end lies from the straight line between the trajectory's
    two ends; the mean over them (Chen et al. 2024, §4). The trajectories are walked by Heun's method, levels falling.
    """
    points = [x, *(step.x for step in sampler("heun")(denoise, x, levels))]
    line = (points[-1] - x).flatten(1)
    line = line / line.norm(dim=1, keepdim=True)

    def strayed(point: Tensor) -> Tensor:
        beside = (points[-1] - point).flatten(1)
        return (beside - (beside * line).sum(dim=1, keepdim=True) * line).norm(dim=1)

    own = [strayed(point) for point in points]
    found = torch.zeros(len(levels), len(levels))
    for here, (point, level) in enumerate(zip(points[:-1], levels, strict=False)):
        slope = (point - denoise(point, torch.tensor(level))) / level
        for there in range(here + 1, len(levels)):
            end = point + (levels[there] - level) * slope
            found[here, there] = (strayed(end) - own[there]).mean()
    return found


def measured(teacher: Teacher, count: int) -> Tensor:
    """The mean costs of so many trajectories of the teacher, rounded up to whole batches, [LEVELS, LEVELS]."""
    generator = torch.Generator().manual_seed(9)
    total, batches = torch.zeros(LEVELS, LEVELS), -(-count // BATCH)
    for batch in range(batches):
        captions, x = start(BATCH, generator)
        total += costs(guided(teacher, captions), x, trained_levels().tolist())
        log.info("%d of %d batches", batch + 1, batches)
    return total / batches


def main(arguments: Sequence[str]) -> int:
    """Measure the costs and write them; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m diffusion.training.trajectory", description="Measure the bundled model's trajectories."
    )
    parser.add_argument("--sprout", type=Path, default=CHECKPOINT)
    parser.add_argument("--count", type=int, default=128, help="trajectories")
    parser.add_argument("--out", type=Path, default=trajectory.FILE)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    found = measured(read_teacher(options.sprout), options.count)
    save_file({"levels": trained_levels(), "costs": found}, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
