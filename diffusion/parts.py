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


def called(component: Component) -> str:
    """A network as people call it, to go on a sentence with: "the U-Net of 'sprout.safetensors'"."""
    return f"the {WORDS[component.part]} of '{component.header.path.name}'"


def streams(component: Component) -> bool:
    """Whether layers of a network may come and go. Compiled code is made for weights that stay."""
    return component.part in STREAMED and not component.compiler
