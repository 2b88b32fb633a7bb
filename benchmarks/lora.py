"""What LoRAs cost: five of rank 16 over a model of Stable Diffusion 1.5's size, at 512×512.

    python -m benchmarks.lora [--checkpoint PATH] [--rounds 5] [--size 512] [--precision auto]

Without a checkpoint one with seeded random weights is written to a temporary folder (2.1 GB). The LoRAs are such as
kohya's scripts write: float16, over all linear layers and 1×1 convolutions of the U-Net's transformers. Measured is a
guided step: without them; the first one with them, from recipes to the answer, files read and all; a later one; and the
first one after one strength was changed. Targets: the first and later steps at most 1.3 times one without; another
strength at most 0.5 s more than a step with them.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from benchmarks.sd15_checkpoint import TEXT, UNET, write
from diffusion.architectures import UNet2DConditionModel
from diffusion.checkpoint import read_checkpoint
from diffusion.latents import empty
from diffusion.lora.adding import with_lora
from diffusion.memory import Weights
from diffusion.sampling import SamplingProgress, sample
from diffusion.values import Conditioning, ConditioningEntry, Latent, Model, WeightFile
from graph.garbage import overlook

COUNT, RANK = 5, 16


def write_loras(folder: Path) -> list[WeightFile]:
    """Five LoRAs with seeded random tensors."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(**UNET)
    layers = {
        name: layer.weight.shape
        for name, layer in unet.named_modules()
        if "attentions" in name and (isinstance(layer, nn.Linear) or getattr(layer, "kernel_size", None) == (1, 1))
    }
    files = []
    for number in range(COUNT):
        generator, tensors = torch.Generator().manual_seed(number), {}
        for name, shape in layers.items():
            stem = "lora_unet_" + name.replace(".", "_")
            tensors[f"{stem}.lora_down.weight"] = torch.randn(RANK, *shape[1:], generator=generator).half() / shape[1]
            tensors[f"{stem}.lora_up.weight"] = (
                torch.randn(shape[0], RANK, *shape[2:], generator=generator).half() / RANK
            )
            tensors[f"{stem}.alpha"] = torch.tensor(float(RANK))
        path = folder / f"lora{number}.safetensors"
        save_file(tensors, path)
        files.append(WeightFile(str(path), str(number)))
    return files


def under(model: Model, files: list[WeightFile], strengths: list[float]) -> Model:
    """The model with these LoRAs, one after the other."""
    for file, strength in zip(files, strengths, strict=True):
        model = with_lora(file, model, None, strength).model or model
    return model


def steps(model: Model, weights: Weights, size: int) -> Generator[SamplingProgress, None, Latent]:
    """A guided run. Its first step does all that has to be done before it."""
    tokens = torch.randn(2, 77, TEXT["hidden_size"], generator=torch.Generator().manual_seed(0))
    positive, negative = (Conditioning((ConditioningEntry(item),)) for item in tokens.split(1))
    return sample(
        model,
        positive,
        negative,
        empty(size, size),
        weights=weights,
        seed=0,
        steps=1000,
        cfg=7.5,
        sampler="euler",
        scheduler="normal",
    )


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@torch.inference_mode()
def compare(checkpoint: Path, folder: Path, precision: str, rounds: int, size: int) -> bool:
    """Print all figures; whether the targets are reached. All take turns, so that what else runs touches all alike."""
    overlook()  # as workers do, once all is imported
    weights = Weights("auto", precision)
    print(weights.explain)
    model, files = read_checkpoint(checkpoint, "").model, write_loras(folder)
    bare = steps(model, weights, size)
    for _ in range(2):
        next(bare)
    held = weights.bytes_held
    taken: dict[str, list[float]] = {name: [] for name in ("without", "first", "later", "changed")}
    for number in range(rounds):
        fresh = [replace(file, digest=f"{file.digest} {number}") for file in files]  # content that is not known yet
        strengths = [0.2, 0.4, 0.6, 0.8, 1.0]
        taken["without"].append(seconds(lambda: next(bare)))
        begun = time.perf_counter()
        run = steps(under(model, fresh, strengths), weights, size)
        next(run)
        taken["first"].append(time.perf_counter() - begun)
        taken["without"].append(seconds(lambda: next(bare)))
        taken["later"].append(seconds(lambda run=run: next(run)))
        added = weights.bytes_held - held
        run.close()
        begun = time.perf_counter()
        run = steps(under(model, fresh, [*strengths[:-1], 0.9]), weights, size)
        next(run)
        taken["changed"].append(time.perf_counter() - begun)
        run.close()
        held = weights.bytes_held
    without, first, later, changed = (statistics.median(each) for each in taken.values())
    print(f"a step without: {without:.3f} s")
    print(f"first step with {COUNT} LoRAs: {first:.3f} s, {first / without:.2f} times; {added / 1e6:.0f} MB more")
    print(f"later steps: {later:.3f} s, {later / without:.2f} times")
    print(f"first step after one strength was changed: {changed - later:+.3f} s")
    return first <= 1.3 * without and later <= 1.3 * without and changed - later <= 0.5


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=512, help="side of the picture in pixels")
    parser.add_argument("--precision", default="auto")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        checkpoint = given.checkpoint or write(Path(temporary) / "sd15.safetensors")
        raise SystemExit(not compare(checkpoint, Path(temporary), given.precision, given.rounds, given.size))
