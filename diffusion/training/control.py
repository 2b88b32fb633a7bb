"""The recipe of sprout's ControlNet for Canny edges (Zhang et al. 2023).

    python -m diffusion.training.control --data DATA

DATA is an unpacked `emoji-datasource-google`. Training goes on where its state in `--state` ends.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from diffusion.architectures import ControlNetModel, UNet2DConditionModel
from diffusion.original_layout import control_names
from diffusion.preprocessors.canny import canny
from diffusion.training import checkpoint, networks
from diffusion.training.drawing import drawn
from diffusion.training.export import write_checkpoint
from diffusion.training.glyphs import Glyph, read_glyphs
from diffusion.training.lessons import Lessons, held_out, moved
from diffusion.training.loop import begin, train
from diffusion.training.loss import epsilon
from diffusion.training.plates import Plate
from diffusion.training.sheet import write_sheet
from diffusion.training.teacher import CHECKPOINT, Teacher, read_teacher
from diffusion.values import Image

__all__ = ["agreement", "control_network", "controlled", "edges", "exported_control", "judged", "main", "train_control"]

WIDTHS = (16, 32, 64)
"""Channels of what reads the edges; it halves their sides between two of them, as often as sprout's autoencoder."""
BATCH = 24
STEPS = 1200
DROPPED = 0.3
"""Share of the lessons without a caption: what the picture is must then be read from its edges."""
LOW, HIGH = 0.4, 0.8
"""Canny's thresholds, those of the node."""

Denoiser = Callable[[Tensor, Tensor, Tensor], Tensor]

log = logging.getLogger(__name__)


def control_network(unet: UNet2DConditionModel) -> ControlNetModel:
    """A ControlNet that begins as the U-Net's own encoder and changes nothing yet: 1.79 M weights for sprout's."""
    with networks.seeded(7):
        network = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=WIDTHS)
    return networks.plainly_attending(network).requires_grad_(True).train()


def edges(pictures: Tensor) -> Tensor:
    """Pictures [B, 3, H, W] in 0..1 → their edges as the node Canny draws them, white on black, the same shape."""
    return canny(Image(pictures.movedim(1, -1)), LOW, HIGH).pixels.movedim(-1, 1).contiguous()


def controlled(unet: UNet2DConditionModel, control: ControlNetModel, hints: Tensor, strength: float = 1.0) -> Denoiser:
    """The U-Net under control, (x, timesteps, context) → ε. hints [B, 3, H, W]; x may hold a multiple of B rows."""

    def predict(x: Tensor, timesteps: Tensor, context: Tensor) -> Tensor:
        rows = hints.repeat(len(x) // len(hints), 1, 1, 1)
        with networks.autocast():
            skips, middle = control(x, timesteps, context, rows, strength, return_dict=False)
            residuals: dict[str, Any] = {
                "down_block_additional_residuals": skips,
                "mid_block_additional_residual": middle,
            }
            return unet(x, timesteps, context, **residuals).sample

    return predict


def train_control(path: Path, teacher: Teacher, glyphs: Sequence[Glyph], total: int) -> ControlNetModel:
    """Train up to step `total`, going on from the state in `path`. Returns the network with its averaged weights."""
    lessons, control = Lessons(glyphs), control_network(teacher.unet)
    training = begin(control)

    def loss(generator: torch.Generator) -> Tensor:
        captions, pictures = lessons.draw(BATCH, generator, DROPPED)
        pictures = moved(pictures, generator)
        denoiser = controlled(teacher.unet, control, edges(pictures))
        return epsilon(denoiser, teacher.latents(pictures), teacher.contexts(captions), generator)

    checkpoint.resume(path, training)
    checkpoint.keep(path, training, train(training, loss, peak=8e-4, warm_up=100, total=total, seed=7, decay=0.995))
    trained = control_network(teacher.unet)
    checkpoint.averaged(path, trained)
    return trained


def agreement(made: Tensor, wanted: Tensor, reach: int = 1) -> Tensor:
    """How far edges agree: the F-score of lines [B, 1, H, W] of 0 and 1, for each picture, [B].

    Precision is the share of made pixels that have a wanted one within `reach` pixels, recall the reverse (as Martin
    et al. 2004 compare boundaries, with every pixel free to be met twice).
    """
    near_wanted, near_made = (F.max_pool2d(lines, 2 * reach + 1, 1, reach) for lines in (wanted, made))
    precision = (made * near_wanted).sum(dim=(1, 2, 3)) / made.sum(dim=(1, 2, 3)).clamp(min=1)
    recall = (wanted * near_made).sum(dim=(1, 2, 3)) / wanted.sum(dim=(1, 2, 3)).clamp(min=1)
    return 2 * precision * recall / (precision + recall).clamp(min=1e-6)


def judged(teacher: Teacher, control: ControlNetModel, glyphs: Sequence[Glyph], sheet: Path | None = None) -> Tensor:
    """Mean agreement of edges of 20 held-out drawings, mirrored and moved, under their names: without and with control.

    sheet: where the drawings, their edges, and the pictures without and with control are written, a column each.
    """
    chosen = held_out(glyphs)[:20]
    lessons = Lessons(glyphs)
    drawings = torch.stack([lessons.picture(Plate("", ((index, None),))) for index in chosen])
    drawings = moved(drawings.flip(3), torch.Generator().manual_seed(20))
    hints = edges(drawings)
    contexts, empty = teacher.contexts([glyphs[index].name for index in chosen]), teacher.contexts([""])
    denoisers = networks.denoiser(teacher.unet), controlled(teacher.unet, control, hints)
    made = [drawn(denoiser, teacher.autoencoder, contexts, empty) for denoiser in denoisers]
    if sheet is not None:
        write_sheet(sheet, [drawings, hints, *made])
    return torch.stack([agreement(edges(pictures)[:, :1], hints[:, :1]).mean() for pictures in made])


def exported_control(control: ControlNetModel) -> dict[str, Tensor]:
    """All weights under the names of the first ControlNets, `control_model.…`."""
    state = control.state_dict()
    names = control_names(list(state), control.config["layers_per_block"])
    return {names[name]: tensor for name, tensor in state.items()}


def main(arguments: Sequence[str]) -> int:
    """Train the ControlNet, judge it and write it; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    teacher, glyphs = read_teacher(options.sprout), read_glyphs(options.data)
    trained = train_control(options.state / "control.pt", teacher, glyphs, options.steps)
    without, controlled_ = judged(teacher, trained, glyphs, options.state / "control.png").tolist()
    log.info("edges of held-out drawings agree to %.3f without control, %.3f with it", without, controlled_)
    config = {
        "family": "sd1",
        "title": options.model.stem,
        "license": "Apache-2.0",
        "unet": {"attention_heads": networks.HEADS},
        "latent": {"factor": 4},
    }
    write_checkpoint(options.model, exported_control(trained), config)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m diffusion.training.control", description="Train the bundled ControlNet."
    )
    parser.add_argument("--data", type=Path, default=Path(".train/package"), help="unpacked emoji-datasource-google")
    parser.add_argument("--sprout", type=Path, default=CHECKPOINT)
    parser.add_argument("--state", type=Path, default=Path(".train/state"), help="folder of what is resumed")
    parser.add_argument("--model", type=Path, default=Path("models/controlnet/sprout-canny.safetensors"))
    parser.add_argument("--steps", type=int, default=STEPS)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
