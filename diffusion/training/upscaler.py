"""The recipe of the bundled upscaler: sprout's drawings, 64 → 256 pixels, by Real-ESRGAN's compact network.

    python -m diffusion.training.upscaler --drawings DIR

DIR holds the drawings as PNG files of 256×256 pixels with alpha. Training goes on where its state in `--state` ends.
"""

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from diffusion.architectures import AutoencoderKL
from diffusion.checkpoint import component, read_vae
from diffusion.loading import load
from diffusion.tensors import Residence
from diffusion.training import checkpoint, networks
from diffusion.training.export import write_checkpoint
from diffusion.training.loop import Progress, begin, train
from diffusion.training.loss import decibels, reconstruction
from diffusion.upscalers.compact import CompactNet

__all__ = [
    "Redraw",
    "awakened",
    "enlargement",
    "gains",
    "large_scenes",
    "main",
    "network",
    "pairs",
    "read_drawings",
    "reduced",
    "train_upscaler",
]

SCALE = 4
LARGE = 256
"""Pixels a side of a drawing; a fourth of it is what sprout draws."""
CROP = 32
"""Pixels a side of what the network is given in training."""
BATCH = 16
STEPS = 2000
NOISE = 0.1
"""The largest deviation of noise on sprout's latents in model scale: about what its U-Net leaves in them."""
JUDGE_EVERY = 1000
"""Steps between two judgements."""

log = logging.getLogger(__name__)


def network() -> CompactNet:
    """3 → 3 channels, ×4, 16 layers of width 64: 0.62 million weights, 1.24 MB in half precision."""
    with networks.seeded(5):
        return awakened(CompactNet(channels=3, width=64, layers=16, scale=SCALE))


def awakened(module: CompactNet) -> CompactNet:
    """A network whose layers hand on signals as strong as they get them (He et al. 2015, eq. 15); the last one begins
    with a tenth. With torch's own beginning, in a row of 18 layers without residuals nothing of the picture arrives.
    """
    *others, last = (layer for layer in module.body if isinstance(layer, nn.Conv2d))
    for layer in (*others, last):
        nn.init.kaiming_normal_(layer.weight, a=0.25)
        nn.init.zeros_(layer.bias)  # pyright: ignore[reportArgumentType] — these have one
    last.weight.data.mul_(0.1)
    return module


def read_drawings(folder: Path) -> Tensor:
    """All PNG files of a folder, by name: premultiplied RGBA, uint8 [N, 4, 256, 256].

    Raises FileNotFoundError where there is none, ValueError for one of another size.
    """
    drawings = []
    for path in sorted(folder.glob("*.png")):
        with Image.open(path) as file:
            pixels = np.asarray(file.convert("RGBA")).astype(np.float32)
        if pixels.shape != (LARGE, LARGE, 4):
            raise ValueError(
                f"'{path}' has {pixels.shape[1]}×{pixels.shape[0]} pixels; drawings have {LARGE}×{LARGE}. "
                "Render them at that size."
            )
        pixels[..., :3] *= pixels[..., 3:] / 255
        drawings.append(torch.from_numpy(pixels.round().astype(np.uint8)).movedim(-1, 0))
    if not drawings:
        raise FileNotFoundError(f"There are no PNG files in '{folder}'.")
    return torch.stack(drawings)


def large_scenes(drawings: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Random scenes, float32 [count, 3, 256, 256] in 0..1: drawings whole or half as large, shifted, mirrored.

    Half of them stand on white, the others on one colour or on a slope between two.
    """
    return torch.stack([_scene(drawings, generator) for _ in range(count)])


def reduced(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures [B, 3, H, W] in 0..1 a fourth as large: as means, or as smaller pictures are made of larger ones."""
    method = int(torch.randint(0, 3, (), generator=generator))
    if method == 0:
        return F.avg_pool2d(pictures, SCALE)
    mode = ("bilinear", "bicubic")[method - 1]
    return F.interpolate(pictures, scale_factor=1 / SCALE, mode=mode, antialias=True, align_corners=False).clamp(0, 1)


class Redraw:
    """Draws small pictures anew as sprout does: through its autoencoder, with noise on the latents.

    So the network learns what is an edge of a drawing and what is only the autoencoder's trace.
    """

    def __init__(self, autoencoder: AutoencoderKL, scale: float) -> None:
        self._autoencoder = autoencoder
        self._scale = scale

    @torch.no_grad()
    def __call__(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """[B, 3, 64, 64] in 0..1 → the same."""
        with networks.autocast():
            mean, _ = networks.moments(self._autoencoder, pictures * 2 - 1)
            level = NOISE / self._scale * torch.rand(len(mean), 1, 1, 1, generator=generator)
            drawn = networks.decoded(self._autoencoder, mean + level * torch.randn(mean.shape, generator=generator))
        return (drawn / 2 + 0.5).clamp(0, 1)


def pairs(
    drawings: Tensor, count: int, generator: torch.Generator, redraw: Redraw | None = None
) -> tuple[Tensor, Tensor]:
    """What the network is given and what it shall make of it: [count, 3, 32, 32] and [count, 3, 128, 128] in 0..1.

    Half of the small pictures are drawn anew, where it is said how.
    """
    large = large_scenes(drawings, count, generator)
    small = reduced(large, generator)
    if redraw is not None:
        anew = torch.rand(count, generator=generator) < 0.5
        small[anew] = redraw(small[anew], generator) if anew.any() else small[anew]
    corners = torch.randint(0, LARGE // SCALE - CROP + 1, (count, 2), generator=generator).tolist()
    return (
        torch.stack([picture[:, y : y + CROP, x : x + CROP] for picture, (y, x) in zip(small, corners, strict=True)]),
        torch.stack([_crop(picture, y, x) for picture, (y, x) in zip(large, corners, strict=True)]),
    )


def enlargement(output: Tensor, target: Tensor) -> Tensor:
    """Squared error of pictures [B, 3, H, W] in 0..1, and a little of what measures colours and edges.

    By absolute error alone a network never begins: most pixels lie in even grounds, where the right thing to add to
    the picture is nothing, and their weight keeps all of them there.
    """
    return 20 * F.mse_loss(output, target) + 0.1 * reconstruction(output * 2, target * 2)  # the latter is for −1..1


def train_upscaler(path: Path, drawings: Tensor, total: int, redraw: Redraw | None = None) -> CompactNet:
    """Train up to step `total`, going on from the state in `path`. Returns the network with its averaged weights."""
    module = network()
    training = begin(module)

    def loss(generator: torch.Generator) -> Tensor:
        small, large = pairs(drawings, BATCH, generator, redraw)
        with networks.autocast():
            made = module(small)
        return enlargement(made.float(), large)

    def steps() -> Iterator[Progress]:
        for progress in train(training, loss, peak=1e-3, warm_up=100, total=total, seed=6, decay=0.995):
            yield progress
            if progress.step % JUDGE_EVERY == 0:
                judged = network()
                judged.load_state_dict(training.average)
                log.info("step %d: %.2f dB, bicubic %.2f dB", progress.step, *gains(judged, drawings))

    checkpoint.resume(path, training)
    checkpoint.keep(path, training, steps())
    trained = network()
    checkpoint.averaged(path, trained)
    return trained


@torch.no_grad()
def gains(module: CompactNet, drawings: Tensor, count: int = 16) -> tuple[float, float]:
    """Peak signal-to-noise ratios in dB over the same `count` scenes: of the network, and of bicubic enlargement."""
    small, large = pairs(drawings, count, torch.Generator().manual_seed(64))
    bicubic = F.interpolate(small, scale_factor=SCALE, mode="bicubic", align_corners=False)
    made = module(small)
    return decibels(made, large), decibels(bicubic, large)


def main(arguments: Sequence[str]) -> int:
    """Train the upscaler and write it; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    drawings = read_drawings(options.drawings)
    vae = read_vae(options.sprout, str(options.sprout))
    autoencoder = load(component(vae.file, "vae"), Residence(torch.device("cpu"), torch.float32))
    redraw = Redraw(autoencoder, vae.space.scale)  # pyright: ignore[reportArgumentType] — an AutoencoderKL
    trained = train_upscaler(options.state / "upscaler.pt", drawings, options.steps, redraw)
    config = {"title": options.model.stem, "license": "Apache-2.0", "scale": SCALE}
    write_checkpoint(options.model, trained.state_dict(), config)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m diffusion.training.upscaler", description="Train the bundled upscaler."
    )
    parser.add_argument("--drawings", type=Path, default=Path(".train/drawings"), help="PNG files of 256×256 pixels")
    parser.add_argument("--sprout", type=Path, default=Path("models/checkpoints/sprout.safetensors"))
    parser.add_argument("--state", type=Path, default=Path(".train/state"), help="folder of what is resumed")
    parser.add_argument("--model", type=Path, default=Path("models/upscale_models/sprout-4x.safetensors"))
    parser.add_argument("--steps", type=int, default=STEPS)
    return parser


def _scene(drawings: Tensor, generator: torch.Generator) -> Tensor:
    white, small, mirror, graded = (torch.rand(4, generator=generator) < torch.tensor([0.5, 0.4, 0.3, 0.5])).tolist()
    picture = torch.ones(3, LARGE, LARGE) if white else _ground(graded, generator)
    index = int(torch.randint(0, len(drawings), (), generator=generator))
    layer = drawings[index].float() / 255
    if small:
        layer = F.avg_pool2d(layer, 2)
    free = LARGE - layer.shape[1] + LARGE // 16  # up to an eighth of the side stands out, half on each side
    top, left = (torch.randint(0, free + 1, (2,), generator=generator) - LARGE // 32).tolist()
    _lay(picture, layer, top, left)
    return picture.flip(2) if mirror else picture


def _ground(graded: bool, generator: torch.Generator) -> Tensor:
    """One colour, or a slope from one to another in a random direction."""
    colours = torch.rand(2, 3, 1, 1, generator=generator)
    across, down = torch.rand(2, generator=generator).tolist()
    ramp = torch.linspace(0, 1, LARGE)
    slope = (across * ramp + down * ramp[:, None]) / 2 if graded else torch.zeros(LARGE, LARGE)
    return colours[0] + (colours[1] - colours[0]) * slope


def _lay(picture: Tensor, layer: Tensor, top: int, left: int) -> None:
    """Lay a premultiplied RGBA layer over the picture, in place; what stands out is cut."""
    height, width = layer.shape[1:]
    region = picture[:, max(0, top) : top + height, max(0, left) : left + width]
    source = layer[:, max(0, -top) :, max(0, -left) :][:, : region.shape[1], : region.shape[2]]
    region.copy_(source[:3] + region * (1 - source[3:]))


def _crop(picture: Tensor, y: int, x: int) -> Tensor:
    """The part of a large picture that lies under a crop of the small one at (y, x)."""
    side = CROP * SCALE
    return picture[:, y * SCALE : y * SCALE + side, x * SCALE : x * SCALE + side]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
