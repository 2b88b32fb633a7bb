"""The recipe of sprout's tiny autoencoder (TAESD's structure, Bohan 2023): quick looks at its latents.

    python -m diffusion.training.tiny --data DATA

DATA is an unpacked `emoji-datasource-google`. Training goes on where its state in `--state` ends.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from diffusion.architectures import AutoencoderTiny
from diffusion.training import checkpoint, networks
from diffusion.training.export import write_checkpoint
from diffusion.training.glyphs import Glyph, read_glyphs
from diffusion.training.lessons import held_out
from diffusion.training.loop import begin, train
from diffusion.training.loss import decibels, reconstruction
from diffusion.training.plates import atlas
from diffusion.training.scenes import scenes
from diffusion.training.sheet import write_sheet
from diffusion.training.teacher import CHECKPOINT, Teacher, read_teacher

__all__ = ["judged", "main", "tiny_autoencoder", "train_tiny"]

WIDTH = 32
BLOCKS = (2, 2, 1)
"""Blocks a level, from latents to pixels: between two of them lies a doubling of the sides."""
BATCH = 12
STEPS = 1000
NOISE = 0.3
"""The largest deviation of noise on latents in model scale, as halfway through sampling."""

log = logging.getLogger(__name__)


def tiny_autoencoder() -> AutoencoderTiny:
    """RGB [B, 3, H, W] in -1..1 ↔ latents in model scale [B, 4, H/4, W/4]: 0.32 million weights."""
    with networks.seeded(8):
        return AutoencoderTiny(
            encoder_block_out_channels=(WIDTH,) * len(BLOCKS),
            decoder_block_out_channels=(WIDTH,) * len(BLOCKS),
            num_encoder_blocks=BLOCKS[::-1],
            num_decoder_blocks=BLOCKS,
        )


def train_tiny(path: Path, teacher: Teacher, glyphs: Sequence[Glyph], total: int) -> AutoencoderTiny:
    """Train up to step `total`, going on from the state in `path`. Returns the network with its averaged weights.

    The decoder shall make of latents, noise and all, what sprout's own decoder makes of them; the encoder shall give
    the latents that sprout's gives.
    """
    apart = set(held_out(glyphs))
    whole, half = atlas([glyph for index, glyph in enumerate(glyphs) if index not in apart])
    module = tiny_autoencoder()
    training = begin(module)

    def loss(generator: torch.Generator) -> Tensor:
        pictures = scenes(whole, half, BATCH, generator) / 2 + 0.5
        latents = teacher.latents(pictures)
        level = NOISE * torch.rand(BATCH, 1, 1, 1, generator=generator)
        noisy = latents + level * torch.randn(latents.shape, generator=generator)
        wanted = teacher.pictures(noisy)
        with networks.autocast():
            coded, made = _encoded(module, pictures), _decoded(module, noisy)
        gap = 20 * F.mse_loss(made.float(), wanted) + 0.1 * reconstruction(made.float() * 2, wanted * 2)
        return gap + F.mse_loss(coded.float(), latents)

    checkpoint.resume(path, training)
    checkpoint.keep(path, training, train(training, loss, peak=2e-3, warm_up=100, total=total, seed=8, decay=0.995))
    trained = tiny_autoencoder()
    checkpoint.averaged(path, trained)
    return trained


@torch.no_grad()
def judged(
    teacher: Teacher, tiny: AutoencoderTiny, glyphs: Sequence[Glyph], sheet: Path | None = None
) -> tuple[float, float]:
    """On the drawings that were held out: dB of the tiny decoder beside sprout's own, and of pictures through both of
    its halves beside the drawings.

    sheet: where the drawings, as sprout and as the tiny decoder decodes them, are written.
    """
    pictures = scenes(*atlas([glyphs[index] for index in held_out(glyphs)]), 24, _seeded(24)) / 2 + 0.5
    latents = teacher.latents(pictures)
    wanted, made = teacher.pictures(latents), _decoded(tiny, latents)
    around = _decoded(tiny, _encoded(tiny, pictures))
    if sheet is not None:
        write_sheet(sheet, [pictures, wanted, made, around])
    return decibels(made, wanted), decibels(around, pictures)


def main(arguments: Sequence[str]) -> int:
    """Train the tiny autoencoder, judge it and write it; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    teacher, glyphs = read_teacher(options.sprout), read_glyphs(options.data)
    trained = train_tiny(options.state / "tiny.pt", teacher, glyphs, options.steps)
    figures = judged(teacher, trained, glyphs, options.state / "tiny.png")
    log.info("held-out drawings: %.1f dB beside sprout's decoder, %.1f dB there and back", *figures)
    config = {"family": "sd1", "title": options.model.stem, "license": "Apache-2.0", "latent": {"factor": 4}}
    write_checkpoint(options.model, trained.state_dict(), config)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m diffusion.training.tiny", description="Train the bundled tiny autoencoder."
    )
    parser.add_argument("--data", type=Path, default=Path(".train/package"), help="unpacked emoji-datasource-google")
    parser.add_argument("--sprout", type=Path, default=CHECKPOINT)
    parser.add_argument("--state", type=Path, default=Path(".train/state"), help="folder of what is resumed")
    parser.add_argument("--model", type=Path, default=Path("models/vae_approx/taesprout.safetensors"))
    parser.add_argument("--steps", type=int, default=STEPS)
    return parser


def _encoded(module: AutoencoderTiny, pictures: Tensor) -> Tensor:
    """Pictures in 0..1 → latents in model scale."""
    return cast(Any, module).encode(pictures * 2 - 1).latents


def _decoded(module: AutoencoderTiny, latents: Tensor) -> Tensor:
    """Latents in model scale → pictures about 0..1."""
    return cast(Any, module).decode(latents).sample / 2 + 0.5


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
