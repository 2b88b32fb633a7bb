"""Loader nodes: they name models. Weights come when something computes with them."""

from typing import Annotated, Literal, NamedTuple

from diffusion.names import WEIGHT_SUFFIXES
from diffusion.values import Model, TextEncoder, Vae
from graph.files import File, InFolder
from graph.node import Help, Hint, node

EncoderFile = Annotated[File, InFolder("text_encoders", WEIGHT_SUFFIXES)]
Device = Annotated[
    Literal["default", "cpu"] | None,
    Hint(advanced=True),
    Help("Not used: `--device` decides where all compute."),
]


class Checkpoint(NamedTuple):
    """The three parts of a checkpoint."""

    MODEL: Model
    CLIP: TextEncoder
    VAE: Vae


TINY = ("taesd", "taesdxl")
"""Tiny autoencoders that come in two files, which are named as one."""


@node("CheckpointLoaderSimple", category="loaders", title="Load Checkpoint")
def load_checkpoint(ckpt_name: Annotated[File, InFolder("checkpoints", WEIGHT_SUFFIXES)]) -> Checkpoint:
    """Name a checkpoint: denoiser, text encoder and VAE. Reads the header; weights come when something computes."""
    from diffusion.checkpoint import read_checkpoint

    parts = read_checkpoint(ckpt_name.path, ckpt_name.digest)
    return Checkpoint(parts.model, parts.text_encoder, parts.vae)


@node("VAELoader", category="loaders", title="Load VAE")
def load_vae(vae_name: Annotated[File, InFolder("vae", (*WEIGHT_SUFFIXES, *TINY))]) -> Vae:
    """Name an autoencoder (VAE), to be used in place of a checkpoint's own. Reads the header only.

    `taesd` and `taesdxl` are the tiny ones whose two files are in the folder `vae_approx`.
    """
    from diffusion.checkpoint import read_vae

    return read_vae(vae_name.path, vae_name.digest)


@node("UNETLoader", category="advanced/loaders", title="Load Diffusion Model")
def load_unet(
    unet_name: Annotated[File, InFolder("diffusion_models", WEIGHT_SUFFIXES)],
    weight_dtype: Literal["default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2"],
) -> Model:
    """Name a denoiser alone, without text encoder and VAE. Reads the header only.

    `weight_dtype`: the number type to which its weights are rounded before they compute in the one chosen at the start.
    """
    from diffusion.checkpoint import read_unet

    rounding = "" if weight_dtype == "default" else weight_dtype.removesuffix("_fast")
    return read_unet(unet_name.path, unet_name.digest, rounding)


@node("CLIPLoader", category="advanced/loaders", title="Load CLIP")
def load_text_encoder(
    clip_name: EncoderFile,
    type: Literal[  # noqa: A002 — the field's name
        "stable_diffusion",
        "stable_cascade",
        "sd3",
        "stable_audio",
        "mochi",
        "ltxv",
        "pixart",
        "cosmos",
        "lumina2",
        "wan",
        "hidream",
        "chroma",
        "ace",
        "omnigen2",
        "qwen_image",
        "hunyuan_image",
    ],
    device: Device = None,
) -> TextEncoder:
    """Name a text encoder alone: that of Stable Diffusion 1 or 2, or of SDXL's refiner. Reads the header only.

    What kind it is, the file tells; `type` makes no difference.
    """
    from diffusion.checkpoint import read_text_encoders

    del type, device
    return read_text_encoders([(clip_name.path, clip_name.digest)])


@node("DualCLIPLoader", category="advanced/loaders", title="DualCLIPLoader")
def load_text_encoders(
    clip_name1: EncoderFile,
    clip_name2: EncoderFile,
    type: Literal["sdxl", "sd3", "flux", "hunyuan_video", "hidream", "hunyuan_image"],  # noqa: A002 — the field's name
    device: Device = None,
) -> TextEncoder:
    """Name the two text encoders of SDXL, in either order. Reads headers only.

    What kinds they are, the files tell; `type` makes no difference.
    """
    from diffusion.checkpoint import read_text_encoders

    del type, device
    return read_text_encoders([(file.path, file.digest) for file in (clip_name1, clip_name2)])
