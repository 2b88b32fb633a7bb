"""LoRA nodes: small files that change a model are laid over it. Weights come when something computes with them."""

from typing import Annotated, NamedTuple

from annotated_types import Ge, Le

from diffusion.names import WEIGHT_SUFFIXES
from diffusion.values import Model, TextEncoder, WeightFile
from graph.files import File, InFolder
from graph.node import Help, Hint, node

LoraFile = Annotated[File, InFolder("loras", WEIGHT_SUFFIXES)]
Strength = Annotated[float, Ge(-100.0), Le(100.0), Hint(step=0.01)]
NextFile = Annotated[File | None, InFolder("loras", WEIGHT_SUFFIXES), Hint(series="lora_name")]
NextStrength = Annotated[
    Strength, Hint(series="strength"), Help("For the model and the text encoder; 0 leaves it out.")
]


class Patched(NamedTuple):
    """A model and its text encoder under LoRA."""

    MODEL: Model
    CLIP: TextEncoder


@node("LoraLoader", category="loaders", title="Load LoRA")
def load_lora(
    model: Model, clip: TextEncoder, lora_name: LoraFile, strength_model: Strength = 1.0, strength_clip: Strength = 1.0
) -> Patched:
    """Change a model and its text encoder by a LoRA. Several in a row add up; strengths below 0 do the opposite.

    The checkpoint's own weights stay in memory once, whatever LoRAs are laid over them. A file made for another family
    of models is an error.
    """
    return _with_loras(model, clip, [(lora_name, strength_model, strength_clip)])


@node("LoraLoaderModelOnly", category="loaders", title="LoraLoaderModelOnly")
def load_lora_of_model(model: Model, lora_name: LoraFile, strength_model: Strength = 1.0) -> Model:
    """Change a model by a LoRA and leave its text encoder as it is."""
    from diffusion.lora.adding import with_lora

    return with_lora(weight_file(lora_name), model, None, strength_model).model or model


@node("LoraStack", category="loaders", title="LoRA Stack")
def load_loras(
    model: Model,
    clip: TextEncoder,
    lora_name1: NextFile = None,
    strength1: NextStrength = 1.0,
    lora_name2: NextFile = None,
    strength2: NextStrength = 1.0,
    lora_name3: NextFile = None,
    strength3: NextStrength = 1.0,
    lora_name4: NextFile = None,
    strength4: NextStrength = 1.0,
    lora_name5: NextFile = None,
    strength5: NextStrength = 1.0,
    lora_name6: NextFile = None,
    strength6: NextStrength = 1.0,
    lora_name7: NextFile = None,
    strength7: NextStrength = 1.0,
    lora_name8: NextFile = None,
    strength8: NextStrength = 1.0,
) -> Patched:
    """Change a model and its text encoder by several LoRAs, one after the other, each with a strength of its own."""
    stack = [
        (lora_name1, strength1),
        (lora_name2, strength2),
        (lora_name3, strength3),
        (lora_name4, strength4),
        (lora_name5, strength5),
        (lora_name6, strength6),
        (lora_name7, strength7),
        (lora_name8, strength8),
    ]
    return _with_loras(model, clip, [(file, strength, strength) for file, strength in stack if file is not None])


def _with_loras(model: Model, clip: TextEncoder, stack: list[tuple[File, float, float]]) -> Patched:
    from diffusion.lora.adding import with_lora

    for file, strength_model, strength_clip in stack:
        patched = with_lora(weight_file(file), model, clip, strength_model, strength_clip)
        model, clip = patched.model or model, patched.text_encoder or clip
    return Patched(model, clip)


def weight_file(file: File) -> WeightFile:
    """The file that an input names, as recipes name it."""
    return WeightFile(str(file.path.resolve()), file.digest)
