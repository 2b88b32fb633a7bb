"""The bundled models beside sprout do what their cards say: through the project's loaders, on pictures drawn here."""

from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from PIL import ImageDraw
from torch import Tensor
from torch.nn import functional

from diffusion.checkpoint import Parts, read_checkpoint, read_vae
from diffusion.families.controlnet import read_control_net
from diffusion.latents import empty
from diffusion.lora.adding import with_lora
from diffusion.memory import Weights
from diffusion.preprocessors.canny import canny
from diffusion.sampling import sample
from diffusion.text.encoding import encode
from diffusion.training.control import agreement
from diffusion.training.style import blueness, colourfulness
from diffusion.upscalers import read_upscaler
from diffusion.upscaling import upscale
from diffusion.vae import decode
from diffusion.vae import encode as encode_picture
from diffusion.values import Conditioning, Image, Model, WeightFile
from nodes.control_nets import apply_control_to_both
from server.models.header import read_header
from server.models.kind import kind_of

T = TypeVar("T")

MODELS = Path(__file__).parents[1] / "models"
LARGEST = 45_000_000
"""Bytes of all bundled weights together."""
CONTROL = MODELS / "controlnet" / "sprout-canny.safetensors"
BLUEPRINT = MODELS / "loras" / "sprout-blueprint.safetensors"
SEPIA = MODELS / "loras" / "sprout-sepia.safetensors"
UPSCALER = MODELS / "upscale_models" / "sprout-4x.safetensors"
TINY = MODELS / "vae_approx" / "taesprout.safetensors"

LIGHT = Weights("cpu", "fp32")


def drained(steps: Generator[object, None, T]) -> T:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


@cache
def sprout() -> Parts:
    return read_checkpoint(MODELS / "checkpoints" / "sprout.safetensors", "bundled sprout")


def prompt(text: str) -> Conditioning:
    return encode(text, sprout().text_encoder, LIGHT, Path)


def drawn(model: Model, positive: Conditioning, negative: Conditioning, seed: int = 1) -> Image:
    """As sprout's card says, with fewer steps."""
    latent = drained(
        sample(
            model,
            positive,
            negative,
            empty(64, 64),
            weights=LIGHT,
            seed=seed,
            steps=12,
            cfg=3.0,
            sampler="euler",
            scheduler="normal",
        )
    )
    return decode(latent, sprout().vae, LIGHT)


def painted(side: int) -> Image:
    """Three scenes with smooth outlines on light and dark grounds, [3, side, side, 3]."""
    large = 8 * 64
    pictures = []
    for ground, colour, other in (
        ("white", (214, 40, 40), (56, 158, 74)),
        ((150, 205, 245), (250, 216, 72), (122, 80, 50)),
        ("white", (40, 98, 214), (16, 16, 16)),
    ):
        picture = Pillow.new("RGB", (large, large), ground)
        pen = ImageDraw.Draw(picture)
        pen.ellipse((40, 70, 330, 360), fill=colour)
        pen.polygon([(300, 480), (400, 180), (490, 470)], fill=other)
        pen.ellipse((120, 150, 170, 230), fill=other)
        pen.arc((110, 180, 260, 320), 20, 160, fill="white", width=20)
        small = picture.resize((side, side), Pillow.Resampling.BOX)
        pictures.append(torch.from_numpy(np.asarray(small).astype(np.float32) / 255))
    return Image(torch.stack(pictures))


def decibels(made: Tensor, wanted: Tensor) -> float:
    return float(-10 * torch.log10((made.clamp(0, 1) - wanted).square().mean()))


def test_they_are_small_together_and_each_has_a_card():
    files = [path for path in MODELS.rglob("*") if path.suffix == ".safetensors"]
    assert {CONTROL, BLUEPRINT, SEPIA, UPSCALER, TINY} <= set(files)
    assert sum(path.stat().st_size for path in files) <= LARGEST
    for path in files:
        card = path.with_suffix(".md").read_text(encoding="utf-8")
        assert "Apache License 2.0" in card
        assert "## Limits" in card


@pytest.mark.parametrize("path", [CONTROL, BLUEPRINT, UPSCALER], ids=lambda path: path.parent.name)
def test_the_library_knows_their_kinds(path: Path):
    assert kind_of(read_header(path)).folder == path.parent.name


def test_the_upscaler_is_better_than_bicubic():
    large, small = painted(256).pixels, painted(64)
    recipe = read_upscaler(UPSCALER, "bundled upscaler")
    assert recipe.scale == 4
    made = drained(upscale(small, recipe, LIGHT)).pixels
    bicubic = functional.interpolate(small.pixels.movedim(-1, 1), scale_factor=4, mode="bicubic").movedim(1, -1)
    assert decibels(made, large) > decibels(bicubic, large) + 0.5


def test_the_tiny_autoencoder_shows_what_sprouts_own_shows():
    vae, tiny = sprout().vae, read_vae(TINY, "bundled tiny autoencoder")
    assert tiny.space.factor == 4
    latent = encode_picture(painted(64), vae, LIGHT)
    assert decibels(decode(latent, tiny, LIGHT).pixels, decode(latent, vae, LIGHT).pixels) > 24
    around = decode(encode_picture(painted(64), tiny, LIGHT), tiny, LIGHT).pixels
    assert decibels(around, painted(64).pixels) > 18


def styled(path: Path, strengths: tuple[float, ...]) -> list[Tensor]:
    """Pictures [1, 3, 64, 64] of one prompt at some strengths of a style."""
    pictures = []
    for strength in strengths:
        model = with_lora(WeightFile(str(path), f"bundled {path.stem}"), sprout().model, None, strength).model
        assert model is not None
        pictures.append(drawn(model, prompt("red apple"), prompt("")).pixels.movedim(-1, 1))
    return pictures


def test_blueprints_come_by_degrees():
    """Blue minus red: a white ground has none, a blueprint about 0.36."""
    blues = [blueness(picture) for picture in styled(BLUEPRINT, (0.0, 0.5, 1.0))]
    assert blues[0] < 0
    assert blues[0] + 0.05 < blues[1] < blues[2] - 0.05
    assert blues[2] > 0.2


def test_sepia_takes_colours_away():
    colours = [colourfulness(picture) for picture in styled(SEPIA, (0.0, 1.0))]
    assert colours[0] > 0.15
    assert colours[1] < 0.05


def test_control_puts_the_edges_where_they_were_asked_for():
    picture = Pillow.new("RGB", (64, 64), "white")
    ImageDraw.Draw(picture).ellipse((6, 18, 44, 58), fill=(200, 30, 40))
    hint = canny(Image(torch.from_numpy(np.asarray(picture).astype(np.float32) / 255)[None]), 0.4, 0.8)
    net = read_control_net(CONTROL, "bundled control net")
    plain = prompt("red apple"), prompt("")
    steered = apply_control_to_both(*plain, net, hint, 1.0, 0.0, 1.0)
    scores = [float(agreement(lines(drawn(sprout().model, *sides)), first(hint))) for sides in (plain, steered)]
    assert scores[1] > scores[0] + 0.15


def lines(image: Image) -> Tensor:
    return first(canny(image, 0.4, 0.8))


def first(image: Image) -> Tensor:
    """The first channel, [B, 1, H, W]."""
    return image.pixels.movedim(-1, 1)[:, :1]
