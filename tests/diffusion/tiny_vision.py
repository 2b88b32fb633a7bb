"""Tiny CLIP vision models with seeded random weights, written as the files people have."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from diffusion.original_layout import open_clip_vision_places
from tests.diffusion.tiny import seeded

WIDTH, PROJECTION, SIDE, PATCH = 64, 48, 28, 7
"""Of the states, of a picture's vector; pixels of the square looked at and of a patch."""

SAID = {"clip_vision": {"attention_heads": 2, "activation": "gelu"}}
"""What shapes do not say of it."""


def tiny_vision(seed: int = 40, width: int = WIDTH, projection: int = PROJECTION) -> CLIPVisionModelWithProjection:
    """Three layers of two heads, 16 patches."""
    config = CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=SIDE,
        patch_size=PATCH,
        projection_dim=projection,
        hidden_act="gelu",
    )
    return seeded(CLIPVisionModelWithProjection(config), seed)


def write_vision(path: Path, model: CLIPVisionModelWithProjection | None = None) -> Path:
    """Write one with transformers' names."""
    save_file((model or tiny_vision()).state_dict(), path, metadata={"noisewright.config": json.dumps(SAID)})
    return path


def open_clip_tensors(model: CLIPVisionModelWithProjection, prefix: str = "visual.") -> dict[str, Tensor]:
    """Its tensors with OpenCLIP's names."""
    weights, found, thirds = model.state_dict(), dict[str, Tensor](), dict[str, dict[int, Tensor]]()
    for name, place in open_clip_vision_places(list(weights), prefix).items():
        if place.third is None:
            found[place.name] = (weights[name].T if place.transposed else weights[name]).contiguous()
        else:
            thirds.setdefault(place.name, {})[place.third] = weights[name]
    return found | {name: torch.cat([parts[third] for third in range(3)]) for name, parts in thirds.items()}
