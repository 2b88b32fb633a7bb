"""Pictures told to unCLIP models (Ramesh et al. 2022; Stable unCLIP 2.1): CLIP's vector of a picture, under noise.

The network is told 2 · P numbers: CLIP's vector, to which noise is added (as much as the user says, so that the picture
is followed less closely), and how much that is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from diffusion.families.unet import AUGMENTOR
from diffusion.header import WeightFileError, read_header
from diffusion.tensors import Reader, Residence
from diffusion.values import ClipVisionOutput, Conditioning, ConditioningEntry, Model, ToldPicture

LEVELS = 1000
"""Noise levels that these models know."""

MERGED = 0.05
"""Noise on the sum of several pictures, as part of all levels."""

SEED_OFFSET = -10
"""From the seed of the picture that is made to that of the noise on what it is made after."""


@dataclass(frozen=True, eq=False)
class Statistics:
    """Mean and standard deviation [P] of CLIP's vectors, by which they are normed before noise is added."""

    mean: Tensor
    std: Tensor


def telling(conditioning: Conditioning, seen: ClipVisionOutput, strength: float, noise: float) -> Conditioning:
    """The conditioning, with pictures told beside those it tells already.

    strength: times the vectors; 0 tells nothing. noise: 0..1 of all levels; more follows the pictures less closely.
    """
    if strength == 0:
        return conditioning
    told = tuple(ToldPicture(embeds[None], strength, noise) for embeds in seen.image_embeds)
    return Conditioning(tuple(replace(entry, told=(*entry.told, *told)) for entry in conditioning.entries))


def statistics_of(model: Model) -> Statistics:
    """The statistics that an unCLIP checkpoint holds. Raises WeightFileError where it has none."""
    path = Path(model.file.path)
    names = [f"{AUGMENTOR}{name}" for name in ("data_mean", "data_std")]
    header = None if path.is_dir() else read_header(path)
    if header is None or any(name not in header.tensors for name in names):
        raise WeightFileError(
            f"'{path.name}' does not say how CLIP's vectors are normed ({names[0]}), so that it cannot be told a "
            "picture. Use the whole unCLIP checkpoint in one file."
        )
    reader = Reader(header, Residence(torch.device("cpu"), torch.float32))
    mean, std = (reader.read(name).flatten().clone() for name in names)
    return Statistics(mean, std)


def settled(conditioning: Conditioning, width: int, model: Model, seed: int) -> Conditioning:
    """The conditioning for a run: what entries tell of pictures becomes the vector that the network is told.

    width: of that vector; 0 for a model that is told none. seed: of the run. Raises ValueError, naming both sides, for
    pictures that the model cannot be told.
    """
    if not any(entry.told for entry in conditioning.entries):
        return conditioning
    if not width:
        raise ValueError(
            f"The conditioning tells of a picture (unCLIPConditioning), but the model '{Path(model.file.path).name}' "
            "is no unCLIP model. Load an unCLIP checkpoint, or use an IP-Adapter."
        )
    statistics = statistics_of(model)
    return Conditioning(tuple(_settled(entry, width, statistics, seed) for entry in conditioning.entries))


def class_vector(told: Sequence[ToldPicture], statistics: Statistics, seed: int) -> Tensor:
    """What a network is told of pictures, float32 [1, 2 · P].

    One picture: its vector under noise and the noise level, times its strength. Several: the vectors under noise, each
    times its strength, are added up; noise is added once more, at the level `MERGED`, which is the level told.
    """
    vectors = [_noised(each.embeds, each.noise, statistics, seed) * each.strength for each in told]
    if len(vectors) == 1:
        return vectors[0]
    merged = torch.stack(vectors).sum(0)
    return _noised(merged[:, : len(statistics.mean)], MERGED, statistics, seed)


def _settled(entry: ConditioningEntry, width: int, statistics: Statistics, seed: int) -> ConditioningEntry:
    if not entry.told:
        return entry
    wrong = next((each for each in entry.told if 2 * each.embeds.shape[1] != width), None)
    if wrong is not None:
        raise ValueError(
            f"The CLIP vision model gave a vector of width {wrong.embeds.shape[1]}, but this unCLIP model is told ones "
            f"of width {width // 2}. Use the CLIP vision model of its own checkpoint (unCLIPCheckpointLoader)."
        )
    return replace(entry, told=(), classes=class_vector(entry.told, statistics, seed))


def _noised(embeds: Tensor, noise: float, statistics: Statistics, seed: int) -> Tensor:
    """A vector [1, P] under noise, and its level, [1, 2 · P]: Ho et al. 2020, eq. 4, on the normed vector."""
    level = round((LEVELS - 1) * noise)
    kept = _kept()[level]
    normed = (embeds - statistics.mean) / statistics.std
    drawn = torch.randn(normed.shape, generator=torch.Generator().manual_seed(seed + SEED_OFFSET))
    noisy = kept.sqrt() * normed + (1 - kept).sqrt() * drawn
    return torch.cat([noisy * statistics.std + statistics.mean, _timestep(level, embeds.shape[1])], dim=1)


def _kept() -> Tensor:
    """How much of the signal's variance is left at each level, [1000]: Nichol & Dhariwal 2021, eq. 17."""

    def remaining(time: float) -> float:
        return math.cos((time + 0.008) / 1.008 * math.pi / 2) ** 2

    betas = [min(1 - remaining((step + 1) / LEVELS) / remaining(step / LEVELS), 0.999) for step in range(LEVELS)]
    return (1 - torch.tensor(betas, dtype=torch.float32)).cumprod(0)


def _timestep(level: int, width: int) -> Tensor:
    """A noise level as sines, [1, width]: Vaswani et al. 2017, §3.5, cosines first."""
    half = width // 2
    angles = level * torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32) / half)
    return torch.cat([angles.cos(), angles.sin()])[None]
