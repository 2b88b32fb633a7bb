"""Pictures as prompts: what CLIP sees in them is told to a model."""

from functools import partial
from typing import Annotated, Literal, NamedTuple

from annotated_types import Ge, Le

from diffusion.model_options import PicturePrompt
from diffusion.names import WEIGHT_SUFFIXES
from diffusion.services import Weights
from diffusion.values import (
    ClipVision,
    ClipVisionOutput,
    Conditioning,
    Image,
    IpAdapter,
    Mask,
    Model,
    PhotoMaker,
    StyleModel,
    TextEncoder,
    Vae,
)
from graph.files import File, InFolder
from graph.folders import Folders
from graph.node import Default, Help, Hint, node
from nodes.conditioning import embedding_file, embeddings_of


class UnclipCheckpoint(NamedTuple):
    """The four parts of an unCLIP checkpoint."""

    MODEL: Model
    CLIP: TextEncoder
    VAE: Vae
    CLIP_VISION: ClipVision


@node("CLIPVisionLoader", category="loaders", title="Load CLIP Vision")
def load_clip_vision(clip_name: Annotated[File, InFolder("clip_vision", WEIGHT_SUFFIXES)]) -> ClipVision:
    """Name the part of a CLIP model that sees pictures. Reads the header only."""
    from diffusion.checkpoint import read_clip_vision

    return read_clip_vision(clip_name.path, clip_name.digest)


@node("CLIPVisionEncode", category="conditioning/pictures", title="CLIP Vision Encode")
def encode_picture(
    clip_vision: ClipVision,
    image: Image,
    crop: Annotated[
        Literal["center", "none"],
        Help("Of a picture that is not square: look at its middle, or at all of it, squeezed."),
    ],
    *,
    weights: Weights,
) -> ClipVisionOutput:
    """Let CLIP look at pictures: what unCLIP models, style models and picture prompts are told of them."""
    from diffusion.clip_vision import encode

    return encode(image, clip_vision, weights, crop)


@node("unCLIPCheckpointLoader", category="loaders", title="unCLIPCheckpointLoader")
def load_unclip_checkpoint(ckpt_name: Annotated[File, InFolder("checkpoints", WEIGHT_SUFFIXES)]) -> UnclipCheckpoint:
    """Name an unCLIP checkpoint (Stable Diffusion 2.1): also the CLIP that sees pictures for it. Reads the header."""
    from diffusion.checkpoint import read_checkpoint, read_clip_vision

    parts = read_checkpoint(ckpt_name.path, ckpt_name.digest)
    vision = read_clip_vision(ckpt_name.path, ckpt_name.digest)
    return UnclipCheckpoint(parts.model, parts.text_encoder, parts.vae, vision)


@node("unCLIPConditioning", category="conditioning/pictures", title="unCLIPConditioning")
def tell_picture(
    conditioning: Conditioning,
    clip_vision_output: ClipVisionOutput,
    strength: Annotated[
        float, Ge(-10.0), Le(10.0), Hint(step=0.01), Help("How strongly the model is told of it.")
    ] = 1.0,
    noise_augmentation: Annotated[
        float, Ge(0.0), Le(1.0), Hint(step=0.01), Help("More lets the result differ more from the picture.")
    ] = 0.0,
) -> Conditioning:
    """Tell an unCLIP model what CLIP sees in a picture, so that it makes one like it. Several in a row are mixed."""
    from diffusion.unclip import telling

    return telling(conditioning, clip_vision_output, strength, noise_augmentation)


@node("StyleModelLoader", category="loaders", title="Load Style Model")
def load_style_model(style_model_name: Annotated[File, InFolder("style_models", WEIGHT_SUFFIXES)]) -> StyleModel:
    """Name a style model: T2I-Adapter's style adapter for Stable Diffusion 1. Reads the header only."""
    from diffusion.families.style_model import read_style_model

    return read_style_model(style_model_name.path, style_model_name.digest)


@node("StyleModelApply", category="conditioning/pictures", title="Apply Style Model")
def apply_style(
    conditioning: Conditioning,
    style_model: StyleModel,
    clip_vision_output: ClipVisionOutput,
    strength: Annotated[float, Ge(0.0), Le(10.0), Hint(step=0.001), Default(1.0), Help("Times the style's tokens.")],
    strength_type: Annotated[
        Literal["multiply", "attn_bias"], Help("'attn_bias' is for models of other kinds: here it takes strength 1.")
    ],
    *,
    weights: Weights,
) -> Conditioning:
    """Add the style of a picture to a prompt, as words of its own behind it."""
    from diffusion.style_model import styled

    return styled(conditioning, style_model, clip_vision_output, weights, strength, strength_type)


@node("IPAdapterModelLoader", category="loaders", title="Load IP-Adapter")
def load_ip_adapter(ipadapter_file: Annotated[File, InFolder("ipadapter", WEIGHT_SUFFIXES)]) -> IpAdapter:
    """Name an IP-Adapter: plain, plus or full, also those for faces. Reads the header only."""
    from diffusion.families.ip_adapter import read_ip_adapter

    return read_ip_adapter(ipadapter_file.path, ipadapter_file.digest)


@node("IPAdapterAdvanced", category="conditioning/pictures", title="Picture Prompt (IP-Adapter)")
def prompt_with_picture(
    model: Model,
    ipadapter: IpAdapter,
    image: Annotated[Image, Help("What the picture shall be like. CLIP sees the square in its middle.")],
    weight: Annotated[
        float, Ge(-1.0), Le(5.0), Hint(step=0.05), Default(1.0), Help("How much the picture counts beside the text.")
    ],
    weight_type: Annotated[
        Literal[
            "linear",
            "weak input",
            "weak output",
            "weak middle",
            "strong middle",
            "style transfer",
            "composition",
            "strong style transfer",
            "style and composition",
        ],
        Help("Which layers heed the picture: all alike, or some less; those for style or composition: SDXL alone."),
    ],
    combine_embeds: Annotated[
        Literal["concat", "add", "subtract", "average"],
        Help("Of several pictures: side by side, or as one: their sum, the first less the others, or the mean."),
    ],
    start_at: Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.001), Default(0.0)],
    end_at: Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.001), Default(1.0)],
    embeds_scaling: Annotated[
        Literal["V only", "K+V"], Help("What the weight multiplies: what is seen, or also how it is looked for.")
    ],
    clip_vision: ClipVision,
    image_negative: Annotated[Image | None, Help("What the picture shall not be like.")] = None,
    attn_mask: Annotated[Mask | None, Help("Where the picture counts: 1 wholly, 0 not at all.")] = None,
    *,
    weights: Weights,
) -> Model:
    """Let a model follow a picture beside its text (IP-Adapter, Ye et al. 2023). Several in a row add up.

    The adapter has to be made for this kind of model and for this CLIP vision model.
    """
    from diffusion.conditioning import check_range
    from diffusion.picture_prompts import check_fit, seen

    check_range("picture", start_at, end_at)
    check_fit(ipadapter, model, weight_type)
    wanted, unwanted = seen(ipadapter, clip_vision, image, weights, combine_embeds, image_negative)
    mask = None if attn_mask is None else attn_mask.values
    scales_keys = embeds_scaling == "K+V"
    prompt = PicturePrompt(ipadapter, wanted, unwanted, weight, weight_type, scales_keys, start_at, end_at, mask)
    return model.with_option(prompt)


@node("PhotoMakerLoader", category="loaders", title="PhotoMakerLoader")
def load_photomaker(
    photomaker_model_name: Annotated[File, InFolder("photomaker", WEIGHT_SUFFIXES)],
) -> PhotoMaker:
    """Name PhotoMaker's first version, which puts a person from pictures into a prompt for SDXL. Reads the header only.

    The LoRA in the same file is laid on the model by a LoRA loader.
    """
    from diffusion.families.photomaker import read_photomaker

    return read_photomaker(photomaker_model_name.path, photomaker_model_name.digest)


@node("PhotoMakerEncode", category="conditioning/pictures", title="PhotoMakerEncode", fingerprint=embeddings_of)
def encode_person(
    photomaker: PhotoMaker,
    image: Image,
    clip: TextEncoder,
    text: Annotated[
        str,
        Hint(multiline=True, dynamicPrompts=True),
        Help("`photomaker` stands behind the word that becomes the person: 'a man photomaker on a beach'."),
    ] = "photograph of photomaker",
    *,
    weights: Weights,
    files: Folders,
) -> Conditioning:
    """Encode a prompt for SDXL in which a word is the person on the pictures; several pictures of one person help."""
    from diffusion.person_prompts import encoded

    return encoded(text, photomaker, image, clip, weights, partial(embedding_file, files))
