"""How people call the networks of models, and which of them may be there in part. Loads no torch."""

from collections.abc import Mapping
from types import MappingProxyType

from diffusion.families import TEXT_PARTS, Component, Part

WORDS: Mapping[Part, str] = MappingProxyType({
    "unet": "U-Net", "text_encoder": "text encoder", "text_encoder_2": "second text encoder", "vae": "autoencoder",
    "upscaler": "upscaling model", "controlnet": "ControlNet", "adapter": "T2I-Adapter",
    "clip_vision": "CLIP vision model", "ip_adapter": "IP-Adapter", "style_model": "style model",
    "photomaker": "PhotoMaker", "vision": "vision model",
})  # fmt: skip
"""What each is called in sentences."""

STREAMED: frozenset[Part] = frozenset({"unet", "vae", "controlnet", "clip_vision", *TEXT_PARTS})
"""Those whose layers may come and go. The others are small, or come whole from another library."""

ESTIMATED: frozenset[Part] = frozenset({"unet", "controlnet", "vae", "upscaler"})
"""Those that take much more than their weights, whatever is done: see `diffusion.activations`."""

LARGE, LARGE_AT_EVERY_STEP = 2**30, 2**32
"""Bytes of weights for which memory is worth more than the time it takes to cast them anew: of networks that compute
once for a prompt or a picture, and of those that do at every step.
"""


def called(component: Component) -> str:
    """A network as people call it, to go on a sentence with: "the U-Net of 'sprout.safetensors'"."""
    return f"the {WORDS[component.part]} of '{component.header.path.name}'"


def streams(component: Component) -> bool:
    """Whether layers of a network may come and go. Compiled code is made for weights that stay."""
    return component.part in STREAMED and not component.compiler


def casts_in_layers(component: Component, device: str, limit: int | None, own: int) -> bool:
    """Whether a network comes layer by layer although there may be room for it: a large one that takes more where it
    computes than in its file, on a processor, under no budget.

    To cast a layer into memory that is used again takes about an eighth of the time of computing with it at 256×256,
    and less the larger the picture is; to ask the system for memory for all of them takes as long as several steps.

    own: bytes it would take there as a whole.
    """
    stored = sum(component.header.tensors[name].nbytes for name in component.names)
    large = LARGE_AT_EVERY_STEP if component.part in ("unet", "controlnet") else LARGE
    return streams(component) and device == "cpu" and limit is None and own > max(large, stored)
