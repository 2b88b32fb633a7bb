"""Control nodes: pictures that steer a model through networks of their own."""

from typing import Annotated, Literal, NamedTuple

from annotated_types import Ge, Le

from diffusion.names import WEIGHT_SUFFIXES
from diffusion.values import Conditioning, ControlNet, Image, Model, Vae
from graph.files import File, InFolder
from graph.node import Default, Help, Hint, node
from nodes.conditioning import Percent

ControlFile = Annotated[File, InFolder("controlnet", WEIGHT_SUFFIXES)]
Strength = Annotated[
    float, Ge(0.0), Le(10.0), Hint(step=0.01), Default(1.0), Help("0 leaves the conditionings as they are.")
]


class Steered(NamedTuple):
    """Both conditionings, steered."""

    positive: Conditioning
    negative: Conditioning


@node("ControlNetLoader", category="loaders", title="Load ControlNet Model")
def load_control_net(control_net_name: ControlFile) -> ControlNet:
    """Name a network that steers a model by a picture: a ControlNet, one that knows several tasks, or a T2I-Adapter.
    Reads the header only.
    """
    from diffusion.families.controlnet import read_control_net

    return read_control_net(control_net_name.path, control_net_name.digest)


@node("DiffControlNetLoader", category="loaders", title="Load ControlNet Model (diff)")
def load_differences(model: Model, control_net_name: ControlFile) -> ControlNet:
    """Name a ControlNet whose file holds differences to a model's own weights. LoRA over the model is not counted in.

    Other ControlNets are loaded as 'Load ControlNet Model' does it.
    """
    from diffusion.families.controlnet import read_control_net

    return read_control_net(control_net_name.path, control_net_name.digest, model)


@node("SetUnionControlNetType", category="conditioning/controlnet", title="SetUnionControlNetType")
def set_task(
    control_net: ControlNet,
    type: Literal[  # noqa: A002 — the field's name
        "auto",
        "openpose",
        "depth",
        "hed/pidi/scribble/ted",
        "canny/lineart/anime_lineart/mlsd",
        "normal",
        "segment",
        "tile",
        "repaint",
    ],
) -> ControlNet:
    """Tell a ControlNet that knows several tasks what its pictures show; "auto" tells it nothing."""
    from diffusion.families.controlnet import with_task

    return with_task(control_net, type)


@node("ControlNetApply", category="conditioning/controlnet", title="Apply ControlNet (OLD)", deprecated=True)
def apply_control(
    conditioning: Conditioning, control_net: ControlNet, image: Image, strength: Strength
) -> Conditioning:
    """Steer a model by a picture. The negative prompt is steered by it too, if nothing else steers that."""
    from diffusion.controlling import control_picture, controlled
    from diffusion.values import Control

    if strength == 0:
        return conditioning
    return controlled(conditioning, Control(control_net, control_picture(image), strength, is_shared=True))


@node("ControlNetApplyAdvanced", category="conditioning/controlnet", title="Apply ControlNet")
def apply_control_to_both(
    positive: Conditioning,
    negative: Conditioning,
    control_net: ControlNet,
    image: Image,
    strength: Strength,
    start_percent: Annotated[Percent, Default(0.0), Help("From which part of the sampling on: 0 is pure noise.")],
    end_percent: Annotated[Percent, Default(1.0), Help("Up to which part: 1 is the finished picture.")],
    vae: Annotated[
        Vae | None, Help("Not used: the control networks of Stable Diffusion 1, 2 and XL look at pictures.")
    ] = None,
) -> Steered:
    """Steer a model by a picture, in a part of the sampling. Several in a row add up.

    The picture is brought to the size of the one that is made; what sticks out of its proportions is cut off.
    """
    from diffusion.controlling import control_picture, controlled
    from diffusion.values import Control

    del vae
    if strength == 0:
        return Steered(positive, negative)
    control = Control(control_net, control_picture(image), strength, start_percent, end_percent)
    return Steered(controlled(positive, control), controlled(negative, control))
