"""What can be lent: which network of which file a recipe means, and what computes with it. Loads no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from diffusion import checkpoint
from diffusion.compiling import backend_of
from diffusion.families import Component, Part
from diffusion.lora.patch import LoraPatch
from diffusion.merging.patch import Settled, content_of, settled
from diffusion.model_options import ComputeType
from diffusion.precision import Precision
from diffusion.values import (
    ClipVision,
    ControlNet,
    DepthModel,
    IpAdapter,
    Model,
    PersonDetector,
    PhotoMaker,
    PoseModel,
    SegmentAnythingModel,
    StyleModel,
    TextEncoder,
    UpscaleModel,
    Vae,
    WeightFile,
)

if TYPE_CHECKING:
    from diffusion.clip_vision import ClipSight
    from diffusion.control_networks import ControlAdapter, ControlNetwork
    from diffusion.ip_adapter import PictureKeys
    from diffusion.lease import Lease
    from diffusion.network import Network
    from diffusion.photomaker import PersonSight
    from diffusion.preprocessors.depth import DepthSight
    from diffusion.preprocessors.pose import Finder, PoseSight
    from diffusion.preprocessors.selection import Selector
    from diffusion.style_model import Stylist
    from diffusion.text.clip import ClipText
    from diffusion.upscaling import Upscaler
    from diffusion.vae import Autoencoder

Recipe = (
    Model
    | TextEncoder
    | Vae
    | UpscaleModel
    | ClipVision
    | IpAdapter
    | ControlNet
    | StyleModel
    | PhotoMaker
    | DepthModel
    | SegmentAnythingModel
    | PoseModel
    | PersonDetector
)
"""What can be lent."""


def ingredients(recipe: Recipe) -> tuple[Part, WeightFile, tuple[LoraPatch, ...]]:
    """Which network of which file, under which patches. Raises TypeError for what cannot be lent."""
    match recipe:
        case Model(file=file, patches=patches):
            return "unet", file, _beside(patches, "unet")
        case TextEncoder(files=(file,), patches=patches):
            part = checkpoint.text_part(file)
            return part, file, _beside(patches, part)
        case TextEncoder():
            raise TypeError("Text encoders are lent one at a time: each of `recipe.encoders`.")
        case Vae(file=file):
            return "vae", file, ()
        case UpscaleModel(file=file):
            return "upscaler", file, ()
        case ClipVision(file=file):
            return "clip_vision", file, ()
        case IpAdapter(file=file):
            return "ip_adapter", file, ()
        case StyleModel(file=file):
            return "style_model", file, ()
        case PhotoMaker(file=file):
            return "photomaker", file, ()
        case DepthModel(file=file) | SegmentAnythingModel(file=file) | PoseModel(file=file) | PersonDetector(file=file):
            return "vision", file, ()
        case ControlNet(kind=kind, file=file):
            return "adapter" if kind == "adapter" else "controlnet", file, ()
    raise TypeError(
        f"Weights lend models, text encoders, autoencoders and upscaling models, not a {type(recipe).__name__}."
    )


def component(recipe: Recipe, part: Part, file: WeightFile) -> Component:
    """The network a recipe means, known from the header of its file."""
    if isinstance(recipe, UpscaleModel):
        from diffusion import upscalers

        return upscalers.component(file)
    if isinstance(recipe, ClipVision):
        return checkpoint.vision_component(file)
    if isinstance(recipe, DepthModel | SegmentAnythingModel | PoseModel | PersonDetector):
        from diffusion import vision_models

        return vision_models.component(recipe)
    if isinstance(recipe, IpAdapter):
        from diffusion.families import ip_adapter

        return ip_adapter.component(file)
    if isinstance(recipe, StyleModel):
        from diffusion.families import style_model

        return style_model.component(file)
    if isinstance(recipe, PhotoMaker):
        from diffusion.families import photomaker

        return photomaker.component(file)
    if isinstance(recipe, ControlNet):
        from diffusion.families import controlnet

        return controlnet.component(recipe)
    found, patches = checkpoint.component(file, part, recipe.family), _settled(recipe)
    found = replace(found, compiler=backend_of(recipe))
    if not patches:
        return found
    from diffusion.merging.applying import under

    return under(found, patches)


def merged(recipe: Recipe) -> str:
    """What is worked into the weights of a recipe as they are read; "" for nothing."""
    if isinstance(recipe, ControlNet):
        return "" if recipe.base is None else recipe.base.digest or recipe.base.path
    return content_of(_settled(recipe))


def computed(recipe: Recipe, usual: Precision) -> tuple[Precision, str]:
    """In which number type a recipe computes, and what tells its network from those that compute as usual."""
    options = recipe.options if isinstance(recipe, Model) else ()
    precision: Precision = usual
    for option in options:
        if isinstance(option, ComputeType):
            precision = option.precision or usual
    return precision, ("" if precision == usual else precision) + backend_of(recipe)


def ready(
    recipe: Recipe, lease: Lease, count: Callable[[int], object]
) -> (
    Network
    | ClipText
    | Autoencoder
    | Upscaler
    | ClipSight
    | PictureKeys
    | Stylist
    | PersonSight
    | ControlNetwork
    | ControlAdapter
    | DepthSight
    | Selector
    | PoseSight
    | Finder
):
    """What computes with the leased network of a recipe. count: is told how many items a denoiser is asked about."""
    match recipe:
        case Model():
            from diffusion.network import Network
            from diffusion.predictions import chosen_prediction

            return Network(lease, chosen_prediction(recipe), checkpoint.space_of(recipe), count)
        case TextEncoder():
            from diffusion.text.clip import ClipText

            return ClipText(lease, checkpoint.states_of(recipe), recipe.last_layer)
        case Vae():
            from diffusion.vae import Autoencoder

            return Autoencoder(lease, recipe.space)
        case UpscaleModel():
            from diffusion.upscaling import Upscaler

            return Upscaler(lease)
        case ClipVision():
            from diffusion.clip_vision import ClipSight

            return ClipSight(lease)
        case ControlNet():
            from diffusion.control_networks import ControlAdapter, ControlNetwork

            return ControlAdapter(lease) if recipe.kind == "adapter" else ControlNetwork(lease, recipe)
        case IpAdapter():
            from diffusion.ip_adapter import PictureKeys

            return PictureKeys(lease)
        case StyleModel():
            from diffusion.style_model import Stylist

            return Stylist(lease)
        case PhotoMaker():
            from diffusion.photomaker import PersonSight

            return PersonSight(lease)
        case DepthModel():
            from diffusion.preprocessors.depth import DepthSight

            return DepthSight(lease)
        case SegmentAnythingModel():
            from diffusion.preprocessors.selection import Selector

            return Selector(lease)
        case PoseModel():
            from diffusion.preprocessors.pose import PoseSight

            return PoseSight(lease)
        case PersonDetector():
            from diffusion.preprocessors.pose import Finder

            return Finder(lease)


def _settled(recipe: Recipe) -> tuple[object, ...]:
    return settled(recipe.patches) if isinstance(recipe, Model | TextEncoder) else ()


def _beside(patches: tuple[object, ...], part: Part) -> tuple[LoraPatch, ...]:
    """The patches that lie beside the weights: those after the last that is worked into them."""
    unknown = [patch for patch in patches if not isinstance(patch, LoraPatch | Settled)]
    if unknown:
        raise ValueError(f"Weights do not know how to apply a {type(unknown[0]).__name__} to a {part}.")
    return tuple(patch for patch in patches[len(settled(patches)) :] if isinstance(patch, LoraPatch))
