"""Models and their parts as files: under the names of the first checkpoints, in the number types of their sources."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch

from diffusion import checkpoint
from diffusion.families import Component, family_named
from diffusion.header import WeightFileError
from diffusion.merging.applying import networks
from diffusion.saving import facts
from diffusion.saving.layout import is_tiny, text_entries, unet_entries, vae_entries
from diffusion.saving.writing import Entry, require_room, write
from diffusion.values import Model, TextEncoder, Vae


@dataclass(frozen=True, eq=False)
class Draft:
    """A file that is not written yet. suffix: what its name ends in, before the counter."""

    entries: Sequence[Entry]
    metadata: Mapping[str, str]
    suffix: str = ""

    @property
    def nbytes(self) -> int:
        """Bytes of its tensors."""
        return sum(entry.nbytes for entry in self.entries)

    def write(self, file: BinaryIO, title: str, texts: Mapping[str, str]) -> Iterator[int]:
        """Write it; gives how many bytes of tensors are written so far. title: of the model. texts: further metadata,
        such as the workflow.
        """
        metadata = {"format": "pt", **self.metadata, "modelspec.title": title, **texts}
        return write(file, self.entries, metadata)


def require_room_for(drafts: Sequence[Draft], folder: Path) -> None:
    """Raise OSError, with both sizes, where files have no place together on the disk of a folder."""
    require_room(folder, [entry for draft in drafts for entry in draft.entries])


def checkpoint_draft(model: Model, text_encoder: TextEncoder, vae: Vae) -> Draft:
    """A whole checkpoint, with all that the recipes' patches change in it.

    Raises WeightFileError, naming both sides, where the parts do not go together or have no place in a checkpoint.
    """
    (unet,), texts, autoencoder = networks(model), networks(text_encoder), _vae(vae)
    _require_parts(model, unet, text_encoder, texts, vae, autoencoder)
    places = family_named(model.family).texts
    entries = [*_unet_entries(model, unet), *vae_entries(autoencoder)]
    for text in texts:
        entries += text_entries(text, places[text.part])
    config = facts.model_config(model, unet) | facts.text_config(texts)
    return Draft(entries, facts.spec(model) | facts.as_text(config))


def model_draft(model: Model) -> Draft:
    """A denoiser alone, under the names that it has in a checkpoint."""
    (unet,) = networks(model)
    return Draft(_unet_entries(model, unet), facts.spec(model) | facts.as_text(facts.model_config(model, unet)))


def text_drafts(text_encoder: TextEncoder) -> list[Draft]:
    """Each text encoder alone in a file, under the names of transformers."""
    places = family_named(text_encoder.family).texts
    found = []
    for text in networks(text_encoder):
        name = places[text.part].name if text.part in places else text.part
        config = facts.as_text(facts.text_config([text]))
        found.append(Draft(text_entries(text), facts.spec(text_encoder, name) | config, f"_{name}"))
    return found


def vae_draft(vae: Vae) -> Draft:
    """An autoencoder alone, under original names without prefix; a tiny one under those of diffusers, in one file.

    Raises WeightFileError for a decoder alone.
    """
    config = facts.as_text({"family": vae.family, "latent": facts.latent_config(vae.space)})
    parts = [_vae(vae)] if vae.encoder is None else [_vae(vae), _vae(vae.encoding)]
    if vae.encoder is None and parts[0].config.get("half"):
        name = parts[0].header.path.name
        raise WeightFileError(f"'{name}' holds only the decoder of a tiny autoencoder. Put its encoder beside it.")
    entries = [entry for part in parts for entry in vae_entries(part, prefix="")]
    return Draft(entries, facts.spec(vae, "vae") | config)


def _unet_entries(model: Model, unet: Component) -> list[Entry]:
    marks = [Entry(name, torch.float32, (0,), lambda: torch.empty(0)) for name in facts.marks(model)]
    return [*unet_entries(unet), *marks]


def _vae(vae: Vae) -> Component:
    return checkpoint.component(vae.file, "vae", vae.family)


def _require_parts(
    model: Model,
    unet: Component,
    text_encoder: TextEncoder,
    texts: Sequence[Component],
    vae: Vae,
    autoencoder: Component,
) -> None:
    """Raise WeightFileError where three networks make no checkpoint that could be loaded again."""
    family, name = family_named(model.family), unet.header.path.name
    if not family.texts:
        raise WeightFileError(
            f"The family {family.title} does not say how its checkpoints name their text encoders. Save the parts of "
            f"'{name}' alone, or have the pack that brings the family fill in `Family.texts`."
        )
    if text_encoder.family != model.family or [text.part for text in texts] != list(family.texts):
        raise WeightFileError(
            f"The model '{name}' is {family.title}, the text encoder '{texts[0].header.path.name}' belongs to "
            f"{family_named(text_encoder.family).title}: they make no checkpoint. Connect a text encoder of the "
            "model's family, or save the parts alone."
        )
    width, wanted = sum(text.config["hidden_size"] for text in texts), unet.config["cross_attention_dim"]
    if width != wanted:
        raise WeightFileError(
            f"The text encoder '{texts[0].header.path.name}' gives states of width {width}, the model '{name}' takes "
            f"{wanted}: they make no checkpoint. Connect the text encoder of a model of the same size."
        )
    if is_tiny(autoencoder):
        raise WeightFileError(
            f"'{autoencoder.header.path.name}' is a tiny autoencoder, which has no place in a checkpoint. Connect a "
            "full one, or save the parts alone."
        )
    space = checkpoint.space_of(model)
    if (space.channels, space.factor) != (vae.space.channels, vae.space.factor):
        raise WeightFileError(
            f"The model '{name}' has latents of {space.channels} channels with factor {space.factor}, the autoencoder "
            f"'{autoencoder.header.path.name}' makes {vae.space.channels} with factor {vae.space.factor}: they make no "
            "checkpoint. Connect an autoencoder for this model."
        )
