"""The recipe of *sprout*: autoencoder, text encoder, U-Net, export; each stage resumable.

    python -m diffusion.training.sprout --data .train/src/package --state .train/state autoencoder
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from diffusion.training import checkpoint, networks, parallel
from diffusion.training.glyphs import Glyph, read_glyphs
from diffusion.training.drawing import drawn
from diffusion.training.export import exported, write_checkpoint
from diffusion.training.latents import SCALE_FACTOR, encoded, fold, preview_map, whitening
from diffusion.training.loop import Progress, Training, begin, train
from diffusion.training.loss import epsilon, patches, reconstruction
from diffusion.training.plates import HALF, SIZE, Plate, atlas, composed, framed_plates, moved_plates, pair_plates
from diffusion.training.ranking import ranks
from diffusion.training.tokens import tokens

BATCH = 16
TEXT_BATCH = 48
UNET_BATCH = 48
SAVE_EVERY = 120.0
"""Seconds between two writes of the state."""


def kept(path: Path, training: Training, steps: Iterator[Progress], rank: int = 0) -> None:
    """Run `steps` to their end; the first process writes the state now and then and a line of figures every 25 steps."""
    if rank > 0:
        for _ in steps:
            pass
        return
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


def autoencoder_stage(rank: int, glyphs: list[Glyph], state: Path, total: int, count: int) -> None:
    """Train the autoencoder; its latents are held near unit scale by a small KL term and blurred by a little noise in training.

    A throw-away linear head reads the mean colour of each latent's 4x4 pixels: else rare hues are lost for the sake of edges.
    """
    whole, half = atlas(glyphs)
    torch.manual_seed(0)
    module = nn.ModuleDict({"autoencoder": networks.autoencoder(), "colour": nn.Conv2d(4, 3, 1)})
    model = module["autoencoder"]
    if not (state / "colour.pt").exists():
        first = checkpoint.load(state / "autoencoder.pt")
        model.load_state_dict(first["average"] if len(first["average"]) == len(first["module"]) else first["module"])
    training = begin(module)
    checkpoint.resume(state / "colour.pt", training)
    size = BATCH // count

    def loss(generator: torch.Generator) -> Tensor:
        pictures = photographed(whole, half, size, generator)
        with torch.autocast("cpu", networks.compute_dtype()):
            moments = model.encode(pictures).latent_dist
        mean = moments.mean.float()
        deviation = mean.detach().std(dim=(0, 2, 3), keepdim=True)
        noisy = mean + 0.05 * deviation * torch.randn(mean.shape, generator=generator)
        with torch.autocast("cpu", networks.compute_dtype()):
            output = model.decode(noisy).sample
        logvar = moments.logvar.float()
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        colour = (module["colour"](noisy) - F.avg_pool2d(pictures, 4)).abs().mean()
        return reconstruction(output.float(), pictures) + colour + 1e-4 * kl

    steps = train(training, loss, peak=8e-4, warm_up=50, total=total, seed=1, rank=rank, decay=0.99)
    kept(state / "colour.pt", training, steps, rank)


def finished(path: Path, module: nn.Module) -> None:
    """Put a stage's averaged weights into `module`."""
    state = checkpoint.load(path)
    module.load_state_dict(state["module"])
    for name, parameter in module.named_parameters():
        parameter.data.copy_(state["average"][name])
    module.requires_grad_(False).eval()


def edition(glyphs: list[Glyph]) -> list[tuple[float, list[Plate]]]:
    """The training set: shares of the samples and the plates each is drawn from."""
    generator = torch.Generator().manual_seed(7)
    whole = range(len(glyphs))
    bare = [Plate(glyph.name, ((i, None),)) for i, glyph in enumerate(glyphs)]
    others = [Plate(alias, ((i, None),)) for i, glyph in enumerate(glyphs) for alias in glyph.aliases]
    framed = [plate for i in whole for plate in framed_plates(glyphs, i, generator)]
    moved = [plate for i in whole for plate in moved_plates(glyphs, i, generator)]
    pairs = pair_plates(glyphs, 4000, generator)
    return [(0.62, bare), (0.10, others), (0.06, framed), (0.12, moved), (0.10, pairs)]


def latents_stage(glyphs: list[Glyph], state: Path) -> None:
    """Fold the whitening into the trained autoencoder and encode every plate once."""
    whole, half = atlas(glyphs)
    module = nn.ModuleDict({"autoencoder": networks.autoencoder(), "colour": nn.Conv2d(4, 3, 1)})
    finished(state / "colour.pt", module)
    model = module["autoencoder"]
    shares, plates = [], []
    for share, group in edition(glyphs):
        shares += [share / len(group)] * len(group)
        plates += group

    def batches(chosen: list[Plate]) -> Iterator[Tensor]:
        for start in range(0, len(chosen), 64):
            yield torch.stack([composed(plate, whole, half) for plate in chosen[start : start + 64]])

    bare = plates[: len(glyphs)]
    with torch.autocast("cpu", networks.compute_dtype()):
        raw = encoded(model, batches(bare)) / SCALE_FACTOR
    fold(model, whitening(raw))
    pictures = torch.cat(list(batches(bare)))
    with torch.autocast("cpu", networks.compute_dtype()):
        latents = encoded(model, batches(plates))
        parts = [model.decode(part / SCALE_FACTOR).sample.float() / 2 + 0.5 for part in latents[: len(glyphs)].split(64)]
    again = torch.cat(parts).clamp(0, 1)
    print(f"{len(plates)} plates; L1 of decoded glyphs {2 * (again - pictures).abs().mean():.4f} in -1..1", flush=True)
    matrix, bias = preview_map(latents[: len(glyphs)], pictures)
    checkpoint.store(state / "latents.pt", {
        "autoencoder": model.state_dict(),
        "captions": [plate.caption for plate in plates],
        "shares": torch.tensor(shares),
        "latents": latents,
        "rgb": matrix,
        "rgb_bias": bias,
    })


def text_stage(rank: int, state: Path, total: int, count: int) -> None:
    """Teach the text encoder to spell pictures: the states of the last 64 positions, padding as a rule, tell the latent's 8x8 patches.

    So the context carries the picture, cell by cell, before the U-Net has taken its first step.
    """
    data = checkpoint.load(state / "latents.pt")
    ids = tokens([*data["captions"], ""])
    targets = patches(data["latents"])
    size = TEXT_BATCH // count
    torch.manual_seed(1)
    module = nn.ModuleDict({"encoder": networks.text_encoder(), "head": nn.Linear(128, targets.shape[-1])})
    training = begin(module)
    checkpoint.resume(state / "text.pt", training)

    def loss(generator: torch.Generator) -> Tensor:
        chosen = torch.multinomial(data["shares"], size, replacement=True, generator=generator)
        dropped = torch.rand(size, generator=generator) < 0.03
        rows = torch.where(dropped, len(ids) - 1, chosen)
        with torch.autocast("cpu", networks.compute_dtype()):
            states = module["encoder"](ids[rows]).last_hidden_state
            output = module["head"](states[:, -64:])
        return F.mse_loss(output.float(), targets[chosen])

    kept(state / "text.pt", training, train(training, loss, peak=1.5e-3, warm_up=200, total=total, seed=2, rank=rank, decay=0.998), rank)


def contexts(state: Path, captions: list[str]) -> Tensor:
    """The trained text encoder's states for captions, bfloat16 [N, 77, 128]."""
    module = nn.ModuleDict({"encoder": networks.text_encoder(), "head": nn.Linear(128, 16)})
    finished(state / "text.pt", module)
    with torch.no_grad(), torch.autocast("cpu", networks.compute_dtype()):
        parts = [module["encoder"](ids).last_hidden_state.bfloat16() for ids in tokens(captions).split(128)]
    return torch.cat(parts)


def unet_stage(rank: int, glyphs: list[Glyph], state: Path, total: int, count: int) -> None:
    """Train the U-Net on cached latents and contexts; every 2000 steps draw 50 names and say how many are recognised."""
    data = checkpoint.load(state / "latents.pt")
    context = contexts(state, [*data["captions"], ""])
    size = UNET_BATCH // count
    torch.manual_seed(2)
    training = begin(networks.unet())
    checkpoint.resume(state / "unet.pt", training)
    net = half_precision(training.module)

    def loss(generator: torch.Generator) -> Tensor:
        chosen = torch.multinomial(data["shares"], size, replacement=True, generator=generator)
        dropped = torch.rand(size, generator=generator) < 0.1
        rows = torch.where(dropped, len(context) - 1, chosen)
        return epsilon(net, data["latents"][chosen], context[rows].float(), generator)

    def steps() -> Iterator[Progress]:
        for progress in train(training, loss, peak=1.2e-3, warm_up=300, total=total, seed=3, rank=rank, clip=10.0):
            yield progress
            if progress.step % 2000 == 0 and rank == 0:
                judged(glyphs, state, training, context[: len(glyphs)], context[-1:])

    kept(state / "unet.pt", training, steps(), rank)


def half_precision(module: nn.Module) -> Callable[..., Tensor]:
    """The U-Net's answer computed in the half precision of the machine."""

    def call(x: Tensor, timesteps: Tensor, context: Tensor) -> Tensor:
        with torch.autocast("cpu", networks.compute_dtype()):
            return module(x, timesteps, context).sample

    return call


def judged(glyphs: list[Glyph], state: Path, training: Training, context: Tensor, empty: Tensor) -> None:
    """Draw 50 names with the averaged weights, print how many are recognised and write a contact sheet (original above drawing)."""
    net, model = networks.unet(), networks.autoencoder()
    net.load_state_dict(training.average)
    model.load_state_dict(checkpoint.load(state / "latents.pt")["autoencoder"])
    wanted = torch.randperm(len(glyphs), generator=torch.Generator().manual_seed(50))[:50].tolist()
    pictures = drawn(half_precision(net), model, context[wanted].float(), empty.float())
    whole, half = atlas(glyphs)
    drawings = torch.stack([composed(Plate("", ((i, None),)), whole, half) for i in range(len(glyphs))])
    found = ranks(pictures, wanted, drawings)
    hits = sum(rank <= 10 for rank in found)
    print(f"{time.strftime('%H:%M:%S')} step {training.step}: {hits} of 50 among the ten nearest, {found.count(1)} first", flush=True)
    rows = torch.stack([drawings[wanted], pictures], 1).reshape(5, 10, 2, 3, SIZE, SIZE)
    sheet = rows.permute(0, 2, 4, 1, 5, 3).reshape(5 * 2 * SIZE, 10 * SIZE, 3)
    Image.fromarray((sheet * 255).round().byte().numpy()).save(state / f"sheet-{training.step:06d}.png")


def export_stage(state: Path, path: Path) -> None:
    """Write the averaged weights as one checkpoint in Stable Diffusion 1's layout, in half precision."""
    data = checkpoint.load(state / "latents.pt")
    model = networks.autoencoder()
    model.load_state_dict(data["autoencoder"])
    text = nn.ModuleDict({"encoder": networks.text_encoder(), "head": nn.Linear(128, 16)})
    finished(state / "text.pt", text)
    net = networks.unet()
    finished(state / "unet.pt", net)
    config = {
        "family": "sd1",
        "title": "sprout",
        "license": "Apache-2.0",
        "unet": {"attention_heads": 8},
        "text_encoder": {"attention_heads": text["encoder"].config.num_attention_heads},
        "latent": {"factor": 4, "scale_factor": SCALE_FACTOR, "rgb": data["rgb"], "rgb_bias": data["rgb_bias"]},
        "default_size": SIZE,
    }
    write_checkpoint(path, exported(net, model, text["encoder"]), config)


@contextmanager
def processes(arguments: list[str], options: argparse.Namespace) -> Iterator[int]:
    """Join the processes of a stage and give this one's number; the first starts the others with its own arguments."""
    meeting = options.state / "meeting"
    others = []
    if options.rank == 0:
        meeting.unlink(missing_ok=True)
        for rank in range(1, options.processes):
            command = [sys.executable, "-m", "diffusion.training.sprout", *arguments, "--rank", str(rank)]
            others.append(subprocess.Popen(command, start_new_session=True))
    with parallel.joined(options.rank, options.processes, meeting):
        yield options.rank
    for other in others:
        other.wait()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m diffusion.training.sprout", description=__doc__)
    parser.add_argument("stage", choices=["autoencoder", "latents", "text", "unet", "export"])
    parser.add_argument("--data", type=Path, default=Path(".train/src/package"))
    parser.add_argument("--state", type=Path, default=Path(".train/state"))
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--checkpoint", type=Path, default=Path("models/checkpoints/sprout.safetensors"))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rank", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    glyphs = read_glyphs(options.data)
    print(f"{len(glyphs)} glyphs, {sum(len(glyph.aliases) for glyph in glyphs)} aliases", flush=True)
    if options.stage == "autoencoder":
        with processes(arguments, options) as rank:
            autoencoder_stage(rank, glyphs, options.state, options.steps or 3600, options.processes)
    elif options.stage == "latents":
        latents_stage(glyphs, options.state)
    elif options.stage == "text":
        with processes(arguments, options) as rank:
            text_stage(rank, options.state, options.steps or 4000, options.processes)
    elif options.stage == "export":
        export_stage(options.state, options.checkpoint)
    else:
        with processes(arguments, options) as rank:
            unet_stage(rank, glyphs, options.state, options.steps or 14000, options.processes)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
