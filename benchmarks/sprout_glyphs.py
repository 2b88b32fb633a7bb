"""How well *sprout* knows its glyphs: 50 names drawn with a fixed seed, each picture compared with all drawings.

    python -m benchmarks.sprout_glyphs --data DATA [--sheet sheet.png]

DATA is an unpacked `emoji-datasource-google` (see docs/training.md). Target: the right drawing among the ten nearest
for at least 35 of the 50. Peers: what chance gives, and the drawings themselves after a trip through the autoencoder.
"""

import argparse
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from diffusion.checkpoint import Parts, read_checkpoint
from diffusion.latents import empty
from diffusion.memory import Weights
from diffusion.sampling import sample
from diffusion.text.encoding import encode
from diffusion.training.glyphs import read_glyphs
from diffusion.training.plates import SIZE, Plate, atlas, composed
from diffusion.training.ranking import ranks
from diffusion.vae import decode
from diffusion.vae import encode as encode_picture
from diffusion.values import Image as Picture

CHECKPOINT = Path(__file__).parent.parent / "models" / "checkpoints" / "sprout.safetensors"
COUNT, NEAREST, TARGET = 50, 10, 35
STEPS, CFG, SEED = 20, 3.0, 0
SAMPLER, SCHEDULER = "euler", "normal"


def drawn(weights: Weights, parts: Parts, prompt: str) -> Tensor:
    """One picture, [3, 64, 64] in 0..1."""
    positive, negative = (encode(text, parts.text_encoder, weights, no_embedding) for text in (prompt, ""))
    steps = sample(
        parts.model,
        positive,
        negative,
        empty(SIZE, SIZE),
        weights=weights,
        seed=SEED,
        steps=STEPS,
        cfg=CFG,
        sampler=SAMPLER,
        scheduler=SCHEDULER,
    )
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return decode(done.value, parts.vae, weights).pixels[0].movedim(-1, 0).clamp(0, 1)


def no_embedding(name: str) -> Path:
    """Names of glyphs name no embedding."""
    raise FileNotFoundError(name)


def returned(weights: Weights, parts: Parts, drawing: Tensor) -> Tensor:
    """A drawing [3, 64, 64] encoded and decoded."""
    latent = encode_picture(Picture(drawing.movedim(0, -1)[None]), parts.vae, weights)
    return decode(latent, parts.vae, weights).pixels[0].movedim(-1, 0).clamp(0, 1)


def write_sheet(path: Path, drawings: Tensor, pictures: Tensor) -> None:
    """Ten columns, each drawing [N, 3, 64, 64] above its picture."""
    rows = torch.stack([drawings, pictures], 1).reshape(COUNT // 10, 10, 2, 3, SIZE, SIZE)
    sheet = rows.permute(0, 2, 4, 1, 5, 3).reshape(COUNT // 10 * 2 * SIZE, 10 * SIZE, 3)
    Image.fromarray((sheet * 255).round().byte().numpy()).save(path)


@torch.inference_mode()
def main() -> None:
    """Print a line a name, and the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sprout_glyphs")
    parser.add_argument("--data", type=Path, default=Path(".train/package"))
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--sheet", type=Path, default=None)
    options = parser.parse_args()
    glyphs = read_glyphs(options.data)
    whole, half = atlas(glyphs)
    drawings = torch.stack([composed(Plate("", ((i, None),)), whole, half) for i in range(len(glyphs))])
    wanted = torch.randperm(len(glyphs), generator=torch.Generator().manual_seed(50))[:COUNT].tolist()
    weights, parts = Weights(), read_checkpoint(options.checkpoint, "")
    pictures = torch.stack([drawn(weights, parts, glyphs[i].name) for i in wanted])
    returns = torch.stack([returned(weights, parts, drawings[i]) for i in wanted])
    found = ranks(pictures, wanted, drawings)
    for index, rank in zip(wanted, found, strict=True):
        print(f"{glyphs[index].name:50} rank {rank}")
    if options.sheet is not None:
        write_sheet(options.sheet, drawings[wanted], pictures)
    print(f"of {COUNT} names, the right one of {len(glyphs)} drawings among the {NEAREST} nearest (target {TARGET}):")
    print(f"  sprout       {hits(found)}, nearest of all {found.count(1)}")
    print(f"  autoencoder  {hits(ranks(returns, wanted, drawings))}")
    print(f"  chance       {COUNT * NEAREST / len(glyphs):.1f}")


def hits(found: list[int]) -> int:
    """How many ranks are among the nearest."""
    return sum(rank <= NEAREST for rank in found)


if __name__ == "__main__":
    main()
