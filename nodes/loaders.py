"""Loader nodes: they name models. Weights come when something computes with them."""

from typing import Annotated, NamedTuple

from diffusion.names import WEIGHT_SUFFIXES
from diffusion.values import Model, TextEncoder, Vae
from graph.files import File, InFolder
from graph.node import node


class Checkpoint(NamedTuple):
    """The three parts of a checkpoint."""

    MODEL: Model
    CLIP: TextEncoder
    VAE: Vae


@node("CheckpointLoaderSimple", category="loaders", title="Load Checkpoint")
def load_checkpoint(ckpt_name: Annotated[File, InFolder("checkpoints", WEIGHT_SUFFIXES)]) -> Checkpoint:
    """Name a checkpoint: denoiser, text encoder and VAE. Reads the header; weights come when something computes."""
    from diffusion.checkpoint import read_checkpoint

    parts = read_checkpoint(ckpt_name.path, ckpt_name.digest)
    return Checkpoint(parts.model, parts.text_encoder, parts.vae)


@node("VAELoader", category="loaders", title="Load VAE")
def load_vae(vae_name: Annotated[File, InFolder("vae", WEIGHT_SUFFIXES)]) -> Vae:
    """Name an autoencoder (VAE), to be used in place of a checkpoint's own. Reads the header only."""
    from diffusion.checkpoint import read_vae

    return read_vae(vae_name.path, vae_name.digest)
