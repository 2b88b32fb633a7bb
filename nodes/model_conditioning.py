"""Conditioning nodes for models that are told or shown more than a text: sizes, pictures."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, NamedTuple

from annotated_types import Ge, Le

from diffusion.services import Weights
from diffusion.values import Conditioning, Image, Latent, Mask, TextEncoder, Vae
from graph.folders import Folders
from graph.node import Default, Help, Hint, node
from nodes.conditioning import embedding_file, embeddings_of

Side = Annotated[int, Ge(0), Le(16384), Default(1024)]
Cut = Annotated[int, Ge(0), Le(16384), Default(0)]
Text = Annotated[str, Hint(multiline=True, dynamicPrompts=True)]


class Pair(NamedTuple):
    """Both conditionings, and a latent to begin with."""

    positive: Conditioning
    negative: Conditioning
    latent: Latent


def embeddings_of_both(files: Folders, text_g: str | None = None, text_l: str | None = None) -> str:
    """What two encoded prompts depend on besides their words: see `embeddings_of`."""
    return " ".join((embeddings_of(files, text_g), embeddings_of(files, text_l)))


@node(
    "CLIPTextEncodeSDXL", category="advanced/conditioning", title="CLIPTextEncodeSDXL", fingerprint=embeddings_of_both
)
def encode_for_sdxl(
    clip: TextEncoder,
    width: Annotated[Side, Help("What SDXL is told of the width of the picture before it was cut to shape.")],
    height: Annotated[Side, Help("The same of its height.")],
    crop_w: Annotated[Cut, Help("Where the cut began, from the left. 0 gives pictures that are not cut off.")],
    crop_h: Annotated[Cut, Help("Where the cut began, from the top.")],
    target_width: Side,
    target_height: Side,
    text_g: Annotated[Text, Help("For the larger text encoder, OpenCLIP bigG.")],
    text_l: Annotated[Text, Help("For the smaller text encoder, CLIP L.")],
    *,
    weights: Weights,
    files: Folders,
) -> Conditioning:
    """Encode a prompt for SDXL: a text for each of its two encoders, and the sizes that it is told of the picture."""
    from diffusion.conditioning import told_sizes
    from diffusion.families import Part
    from diffusion.text.encoding import encode
    from diffusion.values import SizeConditioning

    texts: Mapping[Part, str] = {"text_encoder": text_l, "text_encoder_2": text_g}
    size = SizeConditioning((height, width), (crop_h, crop_w), (target_height, target_width))
    return told_sizes(encode(texts, clip, weights, partial(embedding_file, files)), size)


@node(
    "CLIPTextEncodeSDXLRefiner",
    category="advanced/conditioning",
    title="CLIPTextEncodeSDXLRefiner",
    fingerprint=embeddings_of,
)
def encode_for_sdxl_refiner(
    ascore: Annotated[
        float,
        Ge(0.0),
        Le(1000.0),
        Hint(step=0.01),
        Default(6.0),
        Help("How beautiful the picture shall be told to be, 0 to 10; 2.5 is usual for what it shall not show."),
    ],
    width: Side,
    height: Side,
    text: Text,
    clip: TextEncoder,
    *,
    weights: Weights,
    files: Folders,
) -> Conditioning:
    """Encode a prompt for SDXL's refiner, which is told the size of the picture and a score of its beauty."""
    from diffusion.conditioning import told_sizes
    from diffusion.text.encoding import encode
    from diffusion.values import SizeConditioning

    encoded = encode(text, clip, weights, partial(embedding_file, files))
    return told_sizes(encoded, SizeConditioning((height, width), aesthetic=ascore))


@node("InpaintModelConditioning", category="conditioning", title="InpaintModelConditioning")
def condition_inpainting(
    positive: Conditioning,
    negative: Conditioning,
    vae: Vae,
    pixels: Image,
    mask: Mask,
    noise_mask: Annotated[
        bool, Help("Keep what is outside the mask as it is; without it, the model may change a little there, too.")
    ] = True,
    *,
    weights: Weights,
) -> Pair:
    """Show an inpainting model the picture and which part of it to repaint.

    Such models have more inputs than others; an ordinary model is not shown anything.
    """
    from dataclasses import replace

    from diffusion.conditioning import showing
    from diffusion.showing import to_repaint

    shown, latent = to_repaint(pixels, mask, vae, weights)
    latent = latent if noise_mask else replace(latent, noise_mask=None)
    return Pair(showing(positive, shown), showing(negative, shown), latent)


@node("InstructPixToPixConditioning", category="conditioning", title="InstructPixToPixConditioning")
def condition_instruction(
    positive: Conditioning, negative: Conditioning, vae: Vae, pixels: Image, *, weights: Weights
) -> Pair:
    """Show a model that was trained to follow instructions the picture that is to be changed."""
    from diffusion.conditioning import showing
    from diffusion.showing import to_instruct

    shown, latent = to_instruct(pixels, vae, weights)
    return Pair(showing(positive, shown), showing(negative, shown), latent)


@node("SD_4XUpscale_Conditioning", category="conditioning", title="SD_4XUpscale_Conditioning")
def condition_upscaling(
    images: Image,
    positive: Conditioning,
    negative: Conditioning,
    scale_ratio: Annotated[
        float,
        Ge(0.0),
        Le(10.0),
        Hint(step=0.01),
        Help("The new sides by the old ones. The model was trained for 4; other ratios resize the picture it sees."),
    ] = 4.0,
    noise_augmentation: Annotated[
        float,
        Ge(0.0),
        Le(1.0),
        Hint(step=0.001),
        Help("Noise on the picture that the model sees: more lets it invent more. 1 is the most it was trained on."),
    ] = 0.0,
) -> Pair:
    """Show Stable Diffusion's x4 upscaler the picture that it shall enlarge."""
    from diffusion.conditioning import showing
    from diffusion.enlarging import to_enlarge

    shown, latent = to_enlarge(images, scale_ratio, noise_augmentation)
    return Pair(showing(positive, shown), showing(negative, shown), latent)
