"""Hooks over recipes: whether they fit, and the text encoders that come of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from diffusion.checkpoint import read_checkpoint, read_unet
from diffusion.hooks import Difference, Hook, Patches, Span, text_patches, text_spans
from diffusion.lora.adding import networks_of
from diffusion.lora.file import read_lora
from diffusion.lora.fitting import require_fit
from diffusion.lora.patch import LoraPatch
from diffusion.merging.mixing import require_alike
from diffusion.merging.patch import MergePatch, Share, settled
from diffusion.values import Conditioning, Model, TextEncoder, WeightFile


def lora_hook(file: WeightFile, strength_model: float, strength_text: float) -> Hook:
    """A LoRA as a hook; a strength of 0 leaves the model or the text encoders as they are.

    Reads the header. Raises WeightFileError where the file is no LoRA.
    """
    read_lora(Path(file.path), file.digest)
    return Hook(
        LoraPatch(file, strength_model) if strength_model else None,
        LoraPatch(file, strength_text) if strength_text else None,
    )


def model_hook(path: Path, digest: str, strength_model: float, strength_text: float) -> Hook:
    """What a checkpoint has over the model that it is used with, as a hook; a strength of 0 leaves that part as it is.

    Reads headers. Raises WeightFileError where the file is no checkpoint, or, without a strength for text encoders,
    holds no denoiser.
    """
    if not strength_text:
        return Hook(Difference(read_unet(path, digest), strength_model) if strength_model else None, None)
    parts = read_checkpoint(path, digest)
    text = Difference(parts.text_encoder, strength_text)
    return Hook(Difference(parts.model, strength_model) if strength_model else None, text)


def laid(patches: tuple[object, ...], hooks: Patches) -> tuple[object, ...]:
    """The patches of a recipe and those of its hooks, in the order in which weights take them.

    LoRA comes last. Differences come before all LoRA that lies beside the weights: W + Σ strength · (W' − W), W with
    what is worked into it.
    """
    worked = settled(patches)
    differences = [patch for patch in hooks if isinstance(patch, Difference)]
    loras = [patch for patch in hooks if not isinstance(patch, Difference)]
    rest = 1 - sum(difference.strength for difference in differences)
    merges = [
        MergePatch(difference.other, (Share("", 1.0 if place else rest, difference.strength),))
        for place, difference in enumerate(differences)
    ]
    return (*worked, *merges, *patches[len(worked) :], *loras)


def require_hooks(hooks: Sequence[Hook], recipe: Model | TextEncoder) -> None:
    """Raise WeightFileError, naming both sides, where a hook fits no tensor of a recipe, or is for another family.

    Files about text encoders alone are no error for a model where the hook is for text encoders too, and the reverse.
    Reads headers only.
    """
    is_model = isinstance(recipe, Model)
    for hook in dict.fromkeys(hooks):
        patch, elsewhere = (hook.model, hook.text) if is_model else (hook.text, hook.model)
        if patch is None:
            continue
        if isinstance(patch, Difference):
            require_alike(recipe, patch.other)
            continue
        lora = read_lora(patch.path, patch.file.digest)
        if elsewhere is None or any((entry.part == "unet") is is_model for entry in lora.entries):
            require_fit(lora, networks_of(recipe))


def hooks_of(conditionings: Sequence[Conditioning]) -> tuple[Hook, ...]:
    """All hooks that any entry carries, each once."""
    entries = (entry for conditioning in conditionings for entry in conditioning.entries)
    return tuple(dict.fromkeys(hook for entry in entries for hook in entry.hooks))


def encoders_of(clip: TextEncoder) -> Iterator[tuple[TextEncoder, Span]]:
    """The text encoders under a text encoder's hooks, each with the part of sampling for which it encodes.

    Raises WeightFileError as `require_hooks` does.
    """
    if clip.hooks is None:
        yield clip, Span(0.0, 1.0, ())
        return
    hooks = clip.hooks.hooks
    require_hooks(hooks, clip)
    begun = Span(0.0, 1.0, text_patches(hooks, lambda percent: percent <= 0))
    for span in text_spans(hooks) if clip.hooks.scheduled else [begun]:
        yield replace(clip, patches=laid(clip.patches, span.patches), hooks=None), span
