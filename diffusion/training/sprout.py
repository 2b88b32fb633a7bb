"""The recipe of *sprout*: autoencoder, text encoder, U-Net, export; each stage resumable.

    python -m diffusion.training.sprout --data .train/src/package --state .train/state autoencoder
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from diffusion.training import checkpoint, networks
from diffusion.training.glyphs import Glyph, read_glyphs
from diffusion.training.loop import Progress, Training, begin, train
from diffusion.training.loss import reconstruction
from diffusion.training.plates import HALF, SIZE, atlas

BATCH = 16
SAVE_EVERY = 120.0
"""Seconds between two writes of the state."""


def kept(path: Path, training: Training, steps: Iterator[Progress]) -> None:
    """Run `steps` to their end, writing the state now and then, with a line of figures every 25 steps."""
    saved, mean, started, first = time.monotonic(), None, time.monotonic(), training.step
    for progress in steps:
        mean = progress.loss if mean is None else 0.98 * mean + 0.02 * progress.loss
        if progress.step % 25 == 0:
            pace = (time.monotonic() - started) / (progress.step - first)
            print(f"{time.strftime('%H:%M:%S')} step {progress.step} loss {mean:.4f} rate {progress.rate:.2e} norm {progress.norm:.2f} {pace:.3f} s/step", flush=True)
        if time.monotonic() - saved > SAVE_EVERY:
            checkpoint.save(path, training)
            saved = time.monotonic()
    checkpoint.save(path, training)


def photographed(whole: Tensor, half: Tensor, batch: int, generator: torch.Generator) -> Tensor:
    """Pictures for the autoencoder, [batch, 3, 64, 64] in -1..1: glyphs whole, shifted, mirrored and in twos, on white (half of them), plain and graded grounds."""
    pictures = []
    for _ in range(batch):
        white, pair, mirror, graded = (torch.rand(4, generator=generator) < torch.tensor([0.5, 0.2, 0.3, 0.5])).tolist()
        colours = torch.rand(2, 3, 1, 1, generator=generator)
        across, down = torch.rand(2, generator=generator).tolist()
        ramp = across * torch.linspace(0, 1, SIZE)[None, None, :] + down * torch.linspace(0, 1, SIZE)[None, :, None]
        ramp = ramp / 2 if graded else torch.zeros(1, SIZE, SIZE)
        picture = torch.ones(3, SIZE, SIZE) if white else colours[0] + (colours[1] - colours[0]) * ramp
        first, second = torch.randint(0, len(whole), (2,), generator=generator).tolist()
        top, left, lower = torch.randint(0, HALF + 1, (3,), generator=generator).tolist()
        if pair:
            layers = [(half[first], top, left % (HALF // 2)), (half[second], lower, HALF - left % (HALF // 2))]
        else:
            shift = 0 if white and top % 2 else 8
            layers = [(whole[first], top % (2 * shift + 1) - shift, left % (2 * shift + 1) - shift)]
        for layer, y, x in layers:
            _paint(picture, layer, y, x)
        pictures.append(picture.flip(2) if mirror else picture)
    return torch.stack(pictures) * 2 - 1


def _paint(picture: Tensor, layer: Tensor, top: int, left: int) -> None:
    """Lay a premultiplied RGBA layer over the picture, in place; what stands out is cut."""
    height, width = layer.shape[1:]
    region = picture[:, max(0, top) : top + height, max(0, left) : left + width]
    source = layer[:, max(0, -top) :, max(0, -left) :][:, : region.shape[1], : region.shape[2]]
    region.copy_(source[:3] + region * (1 - source[3:]))


def autoencoder_stage(glyphs: list[Glyph], state: Path, total: int) -> None:
    """Train the autoencoder; its latents are pressed to unit scale by a small KL term and blurred by a little noise in training."""
    whole, half = atlas(glyphs)
    torch.manual_seed(0)
    training = begin(networks.autoencoder())
    model = training.module
    checkpoint.resume(state / "autoencoder.pt", training)

    def loss(generator: torch.Generator) -> Tensor:
        pictures = photographed(whole, half, BATCH, generator)
        with torch.autocast("cpu", networks.compute_dtype()):
            moments = model.encode(pictures).latent_dist
        mean = moments.mean.float()
        deviation = mean.detach().std(dim=(0, 2, 3), keepdim=True)
        noisy = mean + 0.05 * deviation * torch.randn(mean.shape, generator=generator)
        with torch.autocast("cpu", networks.compute_dtype()):
            output = model.decode(noisy).sample
        logvar = moments.logvar.float()
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        return reconstruction(output.float(), pictures) + 1e-4 * kl

    kept(state / "autoencoder.pt", training, train(training, loss, peak=1e-3, warm_up=100, total=total, seed=1, decay=0.995))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m diffusion.training.sprout", description=__doc__)
    parser.add_argument("stage", choices=["autoencoder"])
    parser.add_argument("--data", type=Path, default=Path(".train/src/package"))
    parser.add_argument("--state", type=Path, default=Path(".train/state"))
    parser.add_argument("--steps", type=int, default=None)
    options = parser.parse_args(arguments)
    glyphs = read_glyphs(options.data)
    print(f"{len(glyphs)} glyphs, {sum(len(glyph.aliases) for glyph in glyphs)} aliases", flush=True)
    autoencoder_stage(glyphs, options.state, options.steps or 3000)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
