"""Conditioning nodes: prompts become what a sampler follows, and are joined, blended and restricted."""

from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from annotated_types import Ge, Le

from diffusion.names import WEIGHT_SUFFIXES
from diffusion.services import Weights
from diffusion.values import Area, Conditioning, Mask, TextEncoder
from graph.errors import FileMissing
from graph.folders import Folders
from graph.node import Default, Hint, node

Side = Annotated[int, Ge(64), Le(16384), Hint(step=8)]
Place = Annotated[int, Ge(0), Le(16384), Hint(step=8)]
Fraction = Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.01)]
Strength = Annotated[float, Ge(0.0), Le(10.0), Hint(step=0.01)]
Percent = Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.001)]


def embeddings_of(files: Folders, text: str | None = None) -> str:
    """What an encoded prompt depends on besides its words: the contents of the embeddings that it may name.

    Those are all whose name occurs in the text, and all there are while the text is not known (it comes by a link).
    """
    if text is not None and "embedding:" not in text:
        return ""
    names = [name for name in files.choices("embeddings") if text is None or PurePosixPath(name).stem in text]
    return " ".join(f"{name}={files.find('embeddings', name).digest}" for name in names)


def embedding_file(files: Folders, name: str) -> Path:
    """The file of `embedding:name`, which may leave out its ending."""
    for ending in ("", *WEIGHT_SUFFIXES):
        with suppress(FileMissing):
            return files.locate("embeddings", name + ending).path
    return files.locate("embeddings", name).path


@node("CLIPTextEncode", category="conditioning", title="CLIP Text Encode (Prompt)", fingerprint=embeddings_of)
def encode_text(
    text: Annotated[str, Hint(multiline=True, dynamicPrompts=True)],
    clip: TextEncoder,
    *,
    weights: Weights,
    files: Folders,
) -> Conditioning:
    """Encode a prompt. `(word:1.3)` weighs a word, `(word)` is 1.1, `embedding:name` stands for a textual inversion."""
    from diffusion.text.encoding import encode

    return encode(text, clip, weights, partial(embedding_file, files))


@node(
    "CLIPTextEncodeControlnet",
    category="conditioning/controlnet",
    title="CLIPTextEncodeControlnet",
    fingerprint=embeddings_of,
)
def encode_text_for_controls(
    clip: TextEncoder,
    conditioning: Conditioning,
    text: Annotated[str, Hint(multiline=True, dynamicPrompts=True)],
    *,
    weights: Weights,
    files: Folders,
) -> Conditioning:
    """Give ControlNets a prompt of their own, in place of the one that the model itself follows."""
    from diffusion.conditioning import read_by_controls
    from diffusion.text.encoding import encode

    return read_by_controls(conditioning, encode(text, clip, weights, partial(embedding_file, files)))


@node("CLIPSetLastLayer", category="conditioning", title="CLIP Set Last Layer")
def set_last_layer(
    clip: TextEncoder, stop_at_clip_layer: Annotated[int, Ge(-24), Le(-1), Hint(step=1)] = -1
) -> TextEncoder:
    """Take the text encoder's answer from an earlier layer (CLIP skip): −1 is the last one, −2 the one before it."""
    return replace(clip, last_layer=stop_at_clip_layer)


@node("ConditioningCombine", category="conditioning", title="Conditioning (Combine)")
def combine_conditionings(conditioning_1: Conditioning, conditioning_2: Conditioning) -> Conditioning:
    """Follow both: the model is asked about each on its own, and where they overlap the answers are averaged."""
    from diffusion.conditioning import combine

    return combine(conditioning_1, conditioning_2)


@node("ConditioningConcat", category="conditioning", title="Conditioning (Concat)")
def concatenate_conditionings(conditioning_to: Conditioning, conditioning_from: Conditioning) -> Conditioning:
    """Append one text to another without letting their words mix: the model is asked once, about both."""
    from diffusion.conditioning import concatenate

    return concatenate(conditioning_to, conditioning_from)


@node("ConditioningAverage", category="conditioning", title="ConditioningAverage")
def average_conditionings(
    conditioning_to: Conditioning, conditioning_from: Conditioning, conditioning_to_strength: Fraction = 1.0
) -> Conditioning:
    """Blend two encoded texts, token by token: strength 1 is all `conditioning_to`, 0 all `conditioning_from`."""
    from diffusion.conditioning import average

    return average(conditioning_to, conditioning_from, conditioning_to_strength)


@node("ConditioningSetArea", category="conditioning", title="Conditioning (Set Area)")
def set_area(
    conditioning: Conditioning,
    width: Side = 64,
    height: Side = 64,
    x: Place = 0,
    y: Place = 0,
    strength: Strength = 1.0,
) -> Conditioning:
    """Follow a prompt only in a rectangle of the picture, in pixels."""
    from diffusion.conditioning import restrict_to_area

    return restrict_to_area(conditioning, Area(height=height, width=width, y=y, x=x), strength)


@node("ConditioningSetAreaPercentage", category="conditioning", title="Conditioning (Set Area with Percentage)")
def set_area_percentage(
    conditioning: Conditioning,
    width: Fraction = 1.0,
    height: Fraction = 1.0,
    x: Fraction = 0.0,
    y: Fraction = 0.0,
    strength: Strength = 1.0,
) -> Conditioning:
    """Follow a prompt only in a rectangle of the picture, in fractions of its sides, so that it fits every size."""
    from diffusion.conditioning import restrict_to_area

    return restrict_to_area(conditioning, Area(height=height, width=width, y=y, x=x, relative=True), strength)


@node("ConditioningSetAreaStrength", category="conditioning", title="ConditioningSetAreaStrength")
def set_area_strength(conditioning: Conditioning, strength: Strength = 1.0) -> Conditioning:
    """Say how much a prompt counts where it overlaps others."""
    from diffusion.conditioning import weighted

    return weighted(conditioning, strength)


@node("ConditioningSetMask", category="conditioning", title="Conditioning (Set Mask)")
def set_mask(
    conditioning: Conditioning,
    mask: Mask,
    strength: Annotated[Strength, Default(1.0)],
    set_cond_area: Literal["default", "mask bounds"],
) -> Conditioning:
    """Follow a prompt where a mask says. With "mask bounds" the model sees only that part of the picture."""
    from diffusion.conditioning import restrict_to_mask

    return restrict_to_mask(conditioning, mask.values, strength, bounds=set_cond_area == "mask bounds")


@node("ConditioningSetTimestepRange", category="advanced/conditioning", title="ConditioningSetTimestepRange")
def set_timestep_range(conditioning: Conditioning, start: Percent = 0.0, end: Percent = 1.0) -> Conditioning:
    """Follow a prompt only in a part of the sampling: 0 is pure noise, 1 the finished picture."""
    from diffusion.conditioning import restrict_to_range

    return restrict_to_range(conditioning, start, end)


@node("ConditioningZeroOut", category="advanced/conditioning", title="ConditioningZeroOut")
def zero_out_conditioning(conditioning: Conditioning) -> Conditioning:
    """No text at all: all numbers of the encoded prompt become 0."""
    from diffusion.conditioning import zero_out

    return zero_out(conditioning)
