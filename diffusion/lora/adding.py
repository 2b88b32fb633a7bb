"""Adding a LoRA file to recipes: they say what is to be changed, and nothing is computed yet."""

from dataclasses import replace
from typing import NamedTuple

from diffusion import checkpoint
from diffusion.families import Component, family_named
from diffusion.lora.file import read_lora
from diffusion.lora.fitting import require_fit
from diffusion.lora.patch import LoraPatch
from diffusion.values import Model, TextEncoder, WeightFile


class Patched(NamedTuple):
    """Recipes, as far as they were given."""

    model: Model | None
    text_encoder: TextEncoder | None


def with_lora(
    file: WeightFile,
    model: Model | None,
    text_encoder: TextEncoder | None,
    strength_model: float = 1.0,
    strength_text: float = 1.0,
) -> Patched:
    """The recipes with a LoRA on top of what they have. With a strength of 0 a recipe stays as it is.

    Reads headers only. Raises WeightFileError, naming both sides, where the file fits neither of them or is for another
    family of models.
    """
    changed_model, changed_text = (model if strength_model else None), (text_encoder if strength_text else None)
    if changed_model is None and changed_text is None:
        return Patched(model, text_encoder)
    patch = LoraPatch(file, 0.0)
    networks = networks_of(model) + networks_of(text_encoder)
    fits = require_fit(read_lora(patch.path, file.digest), networks)
    places = {fit.component.part == "unet" for fit in fits if fit.changes}
    if changed_model is not None and True in places:
        model = replace(changed_model, patches=(*changed_model.patches, replace(patch, strength=strength_model)))
    if changed_text is not None and False in places:
        text_encoder = replace(changed_text, patches=(*changed_text.patches, replace(patch, strength=strength_text)))
    return Patched(model, text_encoder)


def networks_of(recipe: Model | TextEncoder | None) -> list[tuple[Component, str]]:
    """The networks of a recipe, each with the title of its family."""
    if recipe is None:
        return []
    title = family_named(recipe.family).title
    if isinstance(recipe, Model):
        return [(checkpoint.component(recipe.file, "unet", recipe.family), title)]
    return [(checkpoint.component(file, checkpoint.text_part(file), recipe.family), title) for file in recipe.files]
