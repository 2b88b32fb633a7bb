"""Latents in files: safetensors with the field's names, which other programs read as `.latent`.

`latent_tensor` holds the samples in the VAE's own scale, and `latent_format_version_0`, empty, says so. Older files
have no such key and hold SD 1's model scale. What other programs do not know, our own metadata and a tensor
`noise_mask` say: the latent space, the batch index, the size of an empty latent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from diffusion.values import Latent, LatentSpace

SUFFIX = ".latent"
"""The ending of latent files."""

SAMPLES, VERSION, NOISE_MASK = "latent_tensor", "latent_format_version_0", "noise_mask"
FACTS = "noisewright.latent"
"""The metadata key of what we know about a latent beside its samples, as JSON."""

OLD_SCALE = 0.18215
"""Files without a version hold samples times this: SD 1's model scale."""


@dataclass(frozen=True)
class Facts:
    """What a latent knows beside its tensors; see `Latent`."""

    space: LatentSpace | None = None
    batch_index: tuple[int, ...] | None = None
    empty_size: tuple[int, int] | None = None


def to_bytes(latent: Latent, texts: Mapping[str, str]) -> bytes:
    """A latent file: the latent, and `texts` (where it comes from, for example a workflow) in the metadata."""
    tensors = {SAMPLES: latent.samples.contiguous(), VERSION: torch.empty(0)}
    if latent.noise_mask is not None:
        tensors[NOISE_MASK] = latent.noise_mask.contiguous()
    facts = TypeAdapter(Facts).dump_json(Facts(latent.space, latent.batch_index, latent.empty_size)).decode()
    return save(tensors, {**texts, FACTS: facts})


def read(path: Path) -> Latent:
    """The latent in a file, its samples as float32. Raises ValueError for what is no readable latent file."""
    try:
        with safe_open(path, framework="pt") as file:
            names, metadata = set(file.keys()), file.metadata() or {}
            if SAMPLES not in names:
                raise ValueError(
                    f"'{path.name}' is no latent file: it has no tensor '{SAMPLES}'. "
                    "Choose a file that SaveLatent wrote."
                )
            samples = file.get_tensor(SAMPLES).float()
            noise_mask = file.get_tensor(NOISE_MASK).float() if NOISE_MASK in names else None
        if VERSION not in names:
            samples = samples / OLD_SCALE
        facts = TypeAdapter(Facts).validate_json(metadata.get(FACTS, "{}"))
    except (SafetensorError, ValidationError) as error:
        raise ValueError(
            f"The latent file '{path.name}' is damaged or cut off ({_reason(error)}). Save it again."
        ) from error
    return _latent(samples, noise_mask, facts, path.name)


def _latent(samples: Tensor, noise_mask: Tensor | None, facts: Facts, name: str) -> Latent:
    """The latent of a file's parts, where they agree."""
    if facts.space is not None and (facts.space.channels != samples.shape[1:2].numel() or facts.space.factor < 1):
        raise ValueError(
            f"The latent file '{name}' contradicts itself: its samples have shape {list(samples.shape)}, "
            f"its latent space '{facts.space.name}' has {facts.space.channels} channels. Save it again."
        )
    try:
        return replace(Latent(samples), noise_mask=noise_mask, **vars(facts))
    except ValueError as error:
        raise ValueError(f"The latent file '{name}' holds no latent: {error}") from error


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")
