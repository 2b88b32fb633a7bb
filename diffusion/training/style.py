"""The recipe of sprout's style LoRAs: drawings as blueprints, white lines on blue, or in sepia, brown on cream.

    python -m diffusion.training.style [blueprint|sepia] --data DATA

DATA is an unpacked `emoji-datasource-google`. Training goes on where its state in `--state` ends.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor, nn

from diffusion.architectures import UNet2DConditionModel
from diffusion.preprocessors.gradient import sobel
from diffusion.preprocessors.planes import LUMA
from diffusion.smoothing import blurred
from diffusion.training import checkpoint, networks
from diffusion.training.drawing import drawn
from diffusion.training.export import write_checkpoint
from diffusion.training.glyphs import Glyph, read_glyphs
from diffusion.training.lessons import Lessons, held_out
from diffusion.training.loop import begin, train
from diffusion.training.loss import epsilon
from diffusion.training.plates import Plate
from diffusion.training.sheet import write_sheet
from diffusion.training.teacher import CHECKPOINT, Teacher, read_teacher

__all__ = [
    "RANK",
    "STYLES",
    "Adapted",
    "Style",
    "adapt",
    "blueness",
    "blueprint",
    "colourfulness",
    "exported_style",
    "judged",
    "main",
    "sepia",
    "strength_set",
    "train_style",
]

RANK = 8
ALPHA = 8.0
BATCH = 24
STEPS = 800
DROPPED = 0.1
"""Share of the lessons without a caption, for guidance."""

GROUND, TONE, LINE = (24, 60, 140), (74, 120, 196), (238, 245, 255)
"""RGB of the paper, of the darkest parts of a drawing, and of its lines."""
INK, PAPER = (62, 38, 20), (246, 236, 214)
"""RGB of the darkest and the lightest parts of a drawing in sepia."""

log = logging.getLogger(__name__)


class Adapted(nn.Module):
    """A linear or convolutional layer and a low-rank change beside it: W·x + strength·α/r · up(down(x)) (Hu et al.
    2021, eq. 3). It begins by changing nothing.
    """

    def __init__(self, layer: nn.Linear | nn.Conv2d, rank: int = RANK, alpha: float = ALPHA) -> None:
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.strength = 1.0
        self.scale = alpha / rank
        if isinstance(layer, nn.Linear):
            self.down: nn.Module = nn.Linear(layer.in_features, rank, bias=False)
            self.up: nn.Module = nn.Linear(rank, layer.out_features, bias=False)
        else:
            size, stride, margin = layer.kernel_size, layer.stride, layer.padding
            self.down = nn.Conv2d(layer.in_channels, rank, size, stride, margin, bias=False)  # pyright: ignore[reportArgumentType] — two numbers each
            self.up = nn.Conv2d(rank, layer.out_channels, 1, bias=False)
        nn.init.zeros_(self.up.weight)  # pyright: ignore[reportArgumentType] — a layer's weight

    def forward(self, x: Tensor) -> Tensor:
        """As the layer's own, changed."""
        return self.layer(x) + self.strength * self.scale * self.up(self.down(x))


class Changes(nn.Module):
    """The low-rank halves of a network's adapted layers alone, by the layers' names: what is trained and kept."""

    def __init__(self, adapted: dict[str, Adapted]) -> None:
        super().__init__()
        for name, layer in adapted.items():
            halves = nn.ModuleDict({"lora_down": layer.down, "lora_up": layer.up})
            self.add_module("lora_unet_" + name.replace(".", "_"), halves)


def adapt(unet: UNet2DConditionModel) -> Changes:
    """Put changes beside the layers of all transformers and the convolutions of all residual layers, in place."""
    chosen = [name for name, layer in unet.named_modules() if _is_adapted(name, layer)]
    adapted: dict[str, Adapted] = {}
    with networks.seeded(9):
        for name in chosen:
            owner, _, leaf = name.rpartition(".")
            adapted[name] = Adapted(unet.get_submodule(name))  # pyright: ignore[reportArgumentType] — one of these two
            setattr(unet.get_submodule(owner), leaf, adapted[name])
    return Changes(adapted)


def strength_set(unet: UNet2DConditionModel, strength: float) -> None:
    """How much of the changes counts from now on."""
    for layer in _adapted(unet):
        layer.strength = strength


def blueprint(pictures: Tensor) -> Tensor:
    """Pictures [B, 3, H, W] in 0..1 as blueprints: their edges as white lines, dark parts a lighter blue."""
    ground, tone, line = _rgb(GROUND), _rgb(TONE), _rgb(LINE)
    dark = 1 - _luma(pictures)
    across, down = sobel(blurred(pictures, 0.8, 2))
    lines = (0.6 * torch.hypot(across, down).amax(1, keepdim=True)).clamp(0, 1)
    washed = ground + (tone - ground) * dark
    return washed + (line - washed) * lines


def sepia(pictures: Tensor) -> Tensor:
    """Pictures [B, 3, H, W] in 0..1 in brown ink on cream paper: their brightness alone."""
    ink, paper = _rgb(INK), _rgb(PAPER)
    return ink + (paper - ink) * _luma(pictures)


def blueness(pictures: Tensor) -> float:
    """Mean of blue minus red, −1..1. A blueprint has about 0.36."""
    return float((pictures[:, 2] - pictures[:, 0]).mean())


def colourfulness(pictures: Tensor) -> float:
    """How far colours lie, in the mean, from the line between ink and paper, 0..1. A drawing in sepia has 0."""
    ink, paper = _rgb(INK), _rgb(PAPER)
    along = ((pictures - ink) * (paper - ink)).sum(1, keepdim=True) / (paper - ink).square().sum()
    return float((pictures - ink - along * (paper - ink)).norm(dim=1).mean())


@dataclass(frozen=True)
class Style:
    """A style that can be learnt. draw: makes it of pictures [B, 3, H, W] in 0..1. caption: what half of the captions
    say; the others are bare, so that the style comes with either. measure: how much of it pictures have, and what that
    is.
    """

    draw: Callable[[Tensor], Tensor]
    caption: str
    measure: Callable[[Tensor], float]
    measured: str


STYLES: Mapping[str, Style] = MappingProxyType(
    {
        "blueprint": Style(blueprint, "blueprint of a {}", blueness, "blue minus red"),
        "sepia": Style(sepia, "sepia drawing of a {}", colourfulness, "distance from sepia"),
    }
)
"""By name."""


def train_style(path: Path, style: Style, teacher: Teacher, glyphs: Sequence[Glyph], total: int) -> Changes:
    """Adapt the teacher's U-Net and train up to step `total`, going on from the state in `path`.

    Returns the changes with their averaged weights, which stay beside the U-Net's layers.
    """
    lessons, changes = Lessons(glyphs), adapt(teacher.unet)
    training = begin(changes)
    denoiser = networks.denoiser(teacher.unet)

    def loss(generator: torch.Generator) -> Tensor:
        captions, pictures = lessons.draw(BATCH, generator, DROPPED)
        worded = (torch.rand(BATCH, generator=generator) < 0.5).tolist()
        captions = [
            style.caption.format(each) if each and word else each for each, word in zip(captions, worded, strict=True)
        ]
        latents = teacher.latents(style.draw(pictures))
        return epsilon(denoiser, latents, teacher.contexts(captions), generator)

    checkpoint.resume(path, training)
    checkpoint.keep(path, training, train(training, loss, peak=2e-3, warm_up=50, total=total, seed=9, decay=0.99))
    checkpoint.averaged(path, changes)
    return changes


def judged(style: Style, teacher: Teacher, glyphs: Sequence[Glyph], sheet: Path | None = None) -> list[float]:
    """How much of a style pictures of 20 held-out names have at strengths 0, 0.5 and 1, as it measures that.

    sheet: where the pictures are written, a strength a row, below the drawings.
    """
    chosen = held_out(glyphs)[:20]
    contexts, empty = teacher.contexts([glyphs[index].name for index in chosen]), teacher.contexts([""])
    lessons = Lessons(glyphs)
    rows = [torch.stack([lessons.picture(Plate("", ((index, None),))) for index in chosen])]
    for strength in (0.0, 0.5, 1.0):
        strength_set(teacher.unet, strength)
        rows.append(drawn(networks.denoiser(teacher.unet), teacher.autoencoder, contexts, empty))
    if sheet is not None:
        write_sheet(sheet, rows)
    return [style.measure(row) for row in rows[1:]]


def exported_style(changes: Changes) -> dict[str, Tensor]:
    """The changes as kohya's trainer names them: `….lora_down.weight`, `….lora_up.weight`, `….alpha`."""
    weights = dict(changes.state_dict())
    stems = {name.partition(".")[0] for name in weights}
    return weights | {f"{stem}.alpha": torch.tensor(ALPHA) for stem in sorted(stems)}


def main(arguments: Sequence[str]) -> int:
    """Train a style, judge it and write it; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    style, state = STYLES[options.style], options.state / f"style-{options.style}"
    teacher, glyphs = read_teacher(options.sprout), read_glyphs(options.data)
    changes = train_style(state.with_suffix(".pt"), style, teacher, glyphs, options.steps)
    found = judged(style, teacher, glyphs, state.with_suffix(".png"))
    log.info("%s at strengths 0, 0.5, 1: %.2f, %.2f, %.2f", style.measured, *found)
    path = options.models / f"sprout-{options.style}.safetensors"
    write_checkpoint(path, exported_style(changes), {"title": path.stem, "license": "Apache-2.0"})
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m diffusion.training.style", description="Train one of the bundled style LoRAs."
    )
    parser.add_argument("style", choices=list(STYLES), nargs="?", default="blueprint")
    parser.add_argument("--data", type=Path, default=Path(".train/package"), help="unpacked emoji-datasource-google")
    parser.add_argument("--sprout", type=Path, default=CHECKPOINT)
    parser.add_argument("--state", type=Path, default=Path(".train/state"), help="folder of what is resumed")
    parser.add_argument("--models", type=Path, default=Path("models/loras"), help="folder the style is written to")
    parser.add_argument("--steps", type=int, default=STEPS)
    return parser


def _rgb(colour: tuple[int, int, int]) -> Tensor:
    """A colour of bytes as [3, 1, 1] in 0..1."""
    return torch.tensor(colour).float()[:, None, None] / 255


def _luma(pictures: Tensor) -> Tensor:
    """Their brightness, [B, 1, H, W]."""
    return (pictures * torch.tensor(LUMA)[:, None, None]).sum(1, keepdim=True)


def _is_adapted(name: str, layer: nn.Module) -> bool:
    if not isinstance(layer, nn.Linear | nn.Conv2d):
        return False
    return ".attentions." in name or name.endswith((".conv1", ".conv2"))


def _adapted(unet: UNet2DConditionModel) -> Iterator[Adapted]:
    return (layer for layer in unet.modules() if isinstance(layer, Adapted))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
