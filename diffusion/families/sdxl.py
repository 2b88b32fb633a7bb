"""SDXL (Podell et al. 2023): a base model with two text encoders side by side and a refiner with the larger one, both
told the sizes of the picture. Loads no torch.
"""

from collections.abc import Mapping
from typing import Any

from diffusion.families.clip import TextKind
from diffusion.families.family import TextStates
from diffusion.families.marks import prediction, said
from diffusion.families.stable_diffusion import Structure, family
from diffusion.families.unet import told_sizes
from diffusion.values import LatentSpace

RGB = tuple((red / 255, green / 255, blue / 255) for red, green, blue in (
    (60, 60, 60),
    (-60, -5, 10),
    (25, 15, -5),
    (-70, -50, -35),
))  # fmt: skip
"""The picture's colours by channels of the latent in model scale: T. A. Vass 2024, "Explaining the SDXL latent space"
(Hugging Face blog), as in diffusers' documentation ("Display intermediate images").
"""

SPACE = LatentSpace("sdxl", channels=4, factor=8, scale=0.13025, rgb=RGB, rgb_bias=(150 / 255, 140 / 255, 130 / 255))

CLIP_L = TextKind(
    "text_encoder",
    "conditioner.embedders.0.transformer.",
    width=768,
    states=TextStates(layer=-2, normed=False),
)
BASE_SIZES, REFINER_SIZES = 6, 5
"""Height, width, top, left, target height, target width; the refiner: height, width, top, left, aesthetic score."""


def _open_clip(embedder: int) -> TextKind:
    """OpenCLIP's bigG."""
    return TextKind(
        "text_encoder_2",
        f"conditioner.embedders.{embedder}.model.",
        width=1280,
        layouts=("open_clip", "modules"),
        activation="gelu",
        states=TextStates(layer=-2, normed=False, padding=0),
        projected=True,
        name="clip_g",
    )


def _is_refiner(unet: Mapping[str, Any]) -> bool:
    """Its U-Net attends to the states of bigG alone, whose pooled state is as wide."""
    return _is_told(unet) and told_sizes(unet, unet["cross_attention_dim"]) == REFINER_SIZES


def _is_told(unet: Mapping[str, Any]) -> bool:
    return unet.get("addition_embed_type") == "text_time"


SDXL = family(
    Structure(
        "sdxl",
        "Stable Diffusion XL",
        fits=lambda unet: _is_told(unet) and not _is_refiner(unet),
        texts=(CLIP_L, _open_clip(1)),
        space=SPACE,
        prediction=prediction,
        said=said,
        sizes=BASE_SIZES,
    )
)

SDXL_REFINER = family(
    Structure(
        "sdxl-refiner",
        "Stable Diffusion XL refiner",
        fits=_is_refiner,
        texts=(_open_clip(0),),
        space=SPACE,
        prediction=prediction,
        said=said,
        sizes=REFINER_SIZES,
    )
)
