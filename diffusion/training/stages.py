"""The stages of a text-to-picture training, each resumable from its file in the state folder.

autoencoder -> `autoencoder.pt`; latents -> `latents.pt`; decoder -> `decoder.pt`; text -> `text.pt`; unet -> `unet.pt`;
export -> a checkpoint.
"""

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from diffusion.training import checkpoint, networks
from diffusion.training.drawing import drawn
from diffusion.training.export import exported, write_checkpoint
from diffusion.training.glyphs import Glyph
from diffusion.training.latents import SCALE_FACTOR, encoded, fold, preview_map, whitening
from diffusion.training.loop import Progress, Training, begin, train
from diffusion.training.loss import epsilon, patches, reconstruction, worst
from diffusion.training.plates import SIZE, Plate, atlas, composed, edition
from diffusion.training.ranking import ranks
from diffusion.training.scenes import scenes
from diffusion.training.tokens import tokens

__all__ = ["Run", "autoencoder_stage", "decoder_stage", "export_stage", "latents_stage", "text_stage", "unet_stage"]

AUTOENCODER_BATCH = 16
TEXT_BATCH = 48
UNET_BATCH = 48
JUDGE_EVERY = 2000
"""Steps of the U-Net between two judgements."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """One process of a stage: folder of states, the stage's steps, its number among `count` that share each batch."""

    state: Path
    total: int
    rank: int = 0
    count: int = 1


def autoencoder_stage(run: Run, glyphs: Sequence[Glyph]) -> None:
    """Train the autoencoder on scenes of glyphs.

    Its latents are held near unit scale by a small KL term and blurred by a little noise in training. A throw-away
    linear head reads the mean colour of each latent's 4x4 pixels from them: else rare hues are given up for edges.
    """
    whole, half = atlas(glyphs)
    module = _hued()
    model = module.autoencoder
    training = begin(module)

    def loss(generator: torch.Generator) -> Tensor:
        pictures = scenes(whole, half, AUTOENCODER_BATCH // run.count, generator)
        with networks.autocast():
            mean, logvar = networks.moments(model, pictures)
        deviation = mean.detach().std(dim=(0, 2, 3), keepdim=True)
        noisy = mean + 0.05 * deviation * torch.randn(mean.shape, generator=generator)
        with networks.autocast():
            output = networks.decoded(model, noisy)
        divergence = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        colour = (module.colour(noisy) - F.avg_pool2d(pictures, 4)).abs().mean()
        return reconstruction(output, pictures) + colour + 1e-4 * divergence

    path = run.state / "autoencoder.pt"
    checkpoint.resume(path, training)
    steps = train(training, loss, peak=1e-3, warm_up=100, total=run.total, seed=1, rank=run.rank, decay=0.99)
    _keep(run, path, training, steps)


def latents_stage(run: Run, glyphs: Sequence[Glyph]) -> None:
    """Fold the whitening into the trained autoencoder and encode every plate once."""
    whole, half = atlas(glyphs)
    module = _hued()
    checkpoint.averaged(run.state / "autoencoder.pt", module)
    model = module.autoencoder
    plates, shares = edition(glyphs)

    def batches(chosen: Sequence[Plate]) -> Iterator[Tensor]:
        for start in range(0, len(chosen), 64):
            yield torch.stack([composed(plate, whole, half) for plate in chosen[start : start + 64]])

    bare = torch.cat(list(batches(plates[: len(glyphs)])))
    with networks.autocast():
        raw = encoded(model, bare.split(64)) / SCALE_FACTOR
    fold(model, whitening(raw))
    with networks.autocast():
        latents = encoded(model, batches(plates))
    matrix, bias = preview_map(latents[: len(glyphs)], bare)
    checkpoint.store(
        run.state / "latents.pt",
        {
            "autoencoder": model.state_dict(),
            "captions": [plate.caption for plate in plates],
            "shares": shares,
            "latents": latents,
            "rgb": matrix,
            "rgb_bias": bias,
        },
    )
    log.info("%d plates encoded", len(plates))


def decoder_stage(run: Run, glyphs: Sequence[Glyph]) -> None:
    """Sharpen the decoder while the latents stay what they are, and make it bear the errors of a U-Net's latents.

    The error of the worst pixels is weighed in: else a decoder leaves a bright speck in its pictures, which a mean over
    all pixels hardly sees.
    """
    whole, half = atlas(glyphs)
    model = networks.autoencoder()
    model.load_state_dict(checkpoint.load(run.state / "latents.pt")["autoencoder"])
    painter = networks.Painter(model)
    training = begin(painter)

    def loss(generator: torch.Generator) -> Tensor:
        pictures = scenes(whole, half, AUTOENCODER_BATCH // run.count, generator)
        with networks.autocast(), torch.no_grad():
            mean, _ = networks.moments(model, pictures)
        level = 0.1 / SCALE_FACTOR * torch.rand(len(mean), 1, 1, 1, generator=generator)
        with networks.autocast():
            output = painter(mean + level * torch.randn(mean.shape, generator=generator))
        return reconstruction(output, pictures) + 0.3 * worst(output, pictures)

    path = run.state / "decoder.pt"
    checkpoint.resume(path, training)
    steps = train(training, loss, peak=6e-4, warm_up=50, total=run.total, seed=4, rank=run.rank, decay=0.995)
    _keep(run, path, training, steps)


def text_stage(run: Run) -> None:
    """Teach the text encoder to spell pictures.

    The states of the last 64 positions, padding as a rule, tell the latent's 8x8 patches to a linear head.
    So the context carries the picture, cell by cell, before the U-Net has taken its first step.
    """
    data = checkpoint.load(run.state / "latents.pt")
    ids, targets = tokens([*data["captions"], ""]), patches(data["latents"])
    module = _speller()
    training = begin(module)

    def loss(generator: torch.Generator) -> Tensor:
        rows, chosen = _drawn_rows(data["shares"], TEXT_BATCH // run.count, 0.03, generator)
        with networks.autocast():
            output = module(ids[rows], targets.shape[1])
        return F.mse_loss(output.float(), targets[chosen])

    path = run.state / "text.pt"
    checkpoint.resume(path, training)
    steps = train(training, loss, peak=1.5e-3, warm_up=200, total=run.total, seed=2, rank=run.rank, decay=0.998)
    _keep(run, path, training, steps)


def unet_stage(run: Run, glyphs: Sequence[Glyph]) -> None:
    """Train the U-Net on cached latents and contexts; now and then draw 50 names and say how many are recognised."""
    data = checkpoint.load(run.state / "latents.pt")
    context = _contexts(run.state, [*data["captions"], ""])
    with networks.seeded(2):
        unet = networks.unet()
    training = begin(unet)
    denoiser = networks.denoiser(unet)

    def loss(generator: torch.Generator) -> Tensor:
        rows, chosen = _drawn_rows(data["shares"], UNET_BATCH // run.count, 0.1, generator)
        return epsilon(denoiser, data["latents"][chosen], context[rows].float(), generator)

    def steps() -> Iterator[Progress]:
        for progress in train(
            training, loss, peak=1.2e-3, warm_up=300, total=run.total, seed=3, rank=run.rank, clip=10.0
        ):
            yield progress
            if run.rank == 0 and (progress.step % JUDGE_EVERY == 0 or progress.step == run.total):
                _judge(run.state, glyphs, training, context[: len(glyphs)], context[-1:])

    path = run.state / "unet.pt"
    checkpoint.resume(path, training)
    _keep(run, path, training, steps())


def export_stage(run: Run, path: Path) -> None:
    """Write the averaged weights as one checkpoint in Stable Diffusion 1's layout, in half precision."""
    data = checkpoint.load(run.state / "latents.pt")
    autoencoder, text, unet = _autoencoder(run.state), _speller(), networks.unet()
    checkpoint.averaged(run.state / "text.pt", text)
    checkpoint.averaged(run.state / "unet.pt", unet)
    config = {
        "family": "sd1",
        "title": path.stem,
        "license": "Apache-2.0",
        "unet": {"attention_heads": networks.HEADS},
        "text_encoder": {"attention_heads": text.encoder.config.num_attention_heads},
        "latent": {"factor": 4, "scale_factor": SCALE_FACTOR, "rgb": data["rgb"], "rgb_bias": data["rgb_bias"]},
        "default_size": SIZE,
    }
    write_checkpoint(path, exported(unet, autoencoder, text.encoder), config)


def _hued() -> networks.Hued:
    with networks.seeded(0):
        return networks.Hued(networks.autoencoder())


def _autoencoder(state: Path) -> networks.AutoencoderKL:
    """The autoencoder as its stages left it, with its sharpened decoder where there is one."""
    model = networks.autoencoder()
    model.load_state_dict(checkpoint.load(state / "latents.pt")["autoencoder"])
    if (state / "decoder.pt").exists():
        checkpoint.averaged(state / "decoder.pt", networks.Painter(model))
    return model.requires_grad_(False).eval()


def _speller() -> networks.Speller:
    with networks.seeded(1):
        return networks.Speller(networks.text_encoder(), values=4 * 2 * 2)


def _drawn_rows(shares: Tensor, count: int, dropped: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Rows of captions and of latents, [count] each; a share `dropped` of the captions is the last, the empty one."""
    chosen = torch.multinomial(shares, count, replacement=True, generator=generator)
    empty = torch.rand(count, generator=generator) < dropped
    return torch.where(empty, len(shares), chosen), chosen


@torch.no_grad()
def _contexts(state: Path, captions: Sequence[str]) -> Tensor:
    """The trained text encoder's states for captions, bfloat16 [N, 77, width]."""
    module = _speller()
    checkpoint.averaged(state / "text.pt", module)
    with networks.autocast():
        return torch.cat([module.encoder(ids).last_hidden_state.bfloat16() for ids in tokens(captions).split(128)])


def _keep(run: Run, path: Path, training: Training, steps: Iterator[Progress]) -> None:
    """Run `steps` to their end; the first process writes the state."""
    if run.rank == 0:
        checkpoint.keep(path, training, steps)
    else:
        deque(steps, maxlen=0)


def _judge(state: Path, glyphs: Sequence[Glyph], training: Training, context: Tensor, empty: Tensor) -> None:
    """Draw 50 names with the averaged weights, say how many are recognised, write a sheet (originals above)."""
    unet, autoencoder = networks.unet(), _autoencoder(state)
    unet.load_state_dict(training.average)
    wanted = torch.randperm(len(glyphs), generator=torch.Generator().manual_seed(50))[:50].tolist()
    pictures = drawn(networks.denoiser(unet), autoencoder, context[wanted].float(), empty.float())
    whole, half = atlas(glyphs)
    drawings = torch.stack([composed(Plate("", ((i, None),)), whole, half) for i in range(len(glyphs))])
    found = ranks(pictures, wanted, drawings)
    hits = sum(rank <= 10 for rank in found)
    log.info("step %d: %d of 50 among the ten nearest, %d nearest", training.step, hits, found.count(1))
    rows = torch.stack([drawings[wanted], pictures], 1).reshape(5, 10, 2, 3, SIZE, SIZE)
    sheet = rows.permute(0, 2, 4, 1, 5, 3).reshape(5 * 2 * SIZE, 10 * SIZE, 3)
    Image.fromarray((sheet * 255).round().byte().numpy()).save(state / f"sheet-{training.step:06d}.png")
