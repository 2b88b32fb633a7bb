"""Nodes that save models, and parts of them, with all that LoRA and merges change in them."""

from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Le

from diffusion.values import Model, TextEncoder, Vae
from graph.files import SavedFiles
from graph.folders import OutputFolder, atomic_file
from graph.node import Default, Help, Hint, node
from graph.progress import Progress, Steps
from graph.record import Record

if TYPE_CHECKING:
    from diffusion.saving.files import Draft

SUFFIX = ".safetensors"


@node("CheckpointSave", category="advanced/model_merging", title="Save Checkpoint", output=True)
def save_checkpoint(
    model: Model,
    clip: TextEncoder,
    vae: Vae,
    filename_prefix: str = "checkpoints/ComfyUI",
    *,
    output: OutputFolder,
    record: Record,
) -> Steps[SavedFiles]:
    """Save a whole model as one file that this and other programs load, LoRA and merges applied.

    Weights keep the number type of the file they are from. The file carries the workflow it came from.
    """
    from diffusion.saving.files import checkpoint_draft

    return (yield from _written([checkpoint_draft(model, clip, vae)], filename_prefix, output, record))


@node("ModelSave", category="advanced/model_merging", title="ModelSave", output=True)
def save_model(
    model: Model, filename_prefix: str = "diffusion_models/ComfyUI", *, output: OutputFolder, record: Record
) -> Steps[SavedFiles]:
    """Save a denoiser alone, LoRA and merges applied, for 'Load Diffusion Model'."""
    from diffusion.saving.files import model_draft

    return (yield from _written([model_draft(model)], filename_prefix, output, record))


@node("CLIPSave", category="advanced/model_merging", title="CLIPSave", output=True)
def save_text_encoders(
    clip: TextEncoder, filename_prefix: str = "clip/ComfyUI", *, output: OutputFolder, record: Record
) -> Steps[SavedFiles]:
    """Save each text encoder of a model alone, LoRA and merges applied, for 'Load CLIP' and 'DualCLIPLoader'."""
    from diffusion.saving.files import text_drafts

    return (yield from _written(text_drafts(clip), filename_prefix, output, record))


@node("VAESave", category="advanced/model_merging", title="VAESave", output=True)
def save_vae(
    vae: Vae, filename_prefix: str = "vae/ComfyUI_vae", *, output: OutputFolder, record: Record
) -> Steps[SavedFiles]:
    """Save an autoencoder alone, for 'Load VAE'."""
    from diffusion.saving.files import vae_draft

    return (yield from _written([vae_draft(vae)], filename_prefix, output, record))


@node("LoraSave", category="advanced/model_merging", title="Extract and Save Lora", output=True)
def save_lora(
    filename_prefix: Annotated[str, Default("loras/ComfyUI_extracted_lora"), Hint(multiline=False)],
    rank: Annotated[int, Ge(1), Le(4096), Default(8), Hint(step=1)],
    lora_type: Annotated[
        Literal["standard", "full_diff"], Help("Matrices of low rank, or every difference as it is: as large as both.")
    ],
    bias_diff: Annotated[bool, Default(True), Help("Keep differences of biases and norms too.")],
    model_diff: Annotated[Model | None, Help("What 'ModelMergeSubtract' gives.")] = None,
    text_encoder_diff: Annotated[TextEncoder | None, Help("What 'CLIPMergeSubtract' gives.")] = None,
    *,
    output: OutputFolder,
    record: Record,
) -> Steps[SavedFiles]:
    """Save the difference of two models as a LoRA: laid over the one that was subtracted, it gives the other.

    The lower the rank, the smaller the file, and the rougher the likeness.
    """
    from diffusion.lora.extract import extracted

    draft = extracted(model_diff, text_encoder_diff, rank, lora_type, biases=bias_diff)
    return (yield from _written([draft], filename_prefix, output, record))


def _written(drafts: list["Draft"], prefix: str, output: OutputFolder, record: Record) -> Steps[SavedFiles]:
    """Write files one after the other. None is begun where there is no room for all of them."""
    from diffusion.saving.files import require_room_for

    total, before, paths = sum(draft.nbytes for draft in drafts), 0, []
    for draft in drafts:
        (path,) = output.paths(prefix + draft.suffix, 1, SUFFIX)
        if not paths:
            require_room_for(drafts, path.parent)
        with atomic_file(path) as file:
            for done in draft.write(file, path.stem, record.texts()):
                yield Progress(100 * (before + done) // max(total, 1), 100)
        before += draft.nbytes
        paths.append(path)
    return SavedFiles(tuple(paths))
