"""From a file to a module: built without weights, every key accounted for, filled tensor by tensor in the type it
computes in.

Nothing keeps random weights: a module is made on torch's meta device, where weights take no memory, and is handed out
only when each of them has come from the file.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from diffusion import upscalers, vision_models
from diffusion.architectures import (
    AutoencoderKL,
    AutoencoderTiny,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    ControlNetModel,
    ControlNetUnionModel,
    T2IAdapter,
    UNet2DConditionModel,
)
from diffusion.families import Changed, Component
from diffusion.families.adapter import LIGHT
from diffusion.families.autoencoder import TINY
from diffusion.families.controlnet import UNION
from diffusion.header import WeightFileError
from diffusion.ip_adapter import AdapterNetwork
from diffusion.original_layout import (
    CONTROL_PREFIX,
    UNET_PREFIX,
    VAE_PREFIX,
    Place,
    adapter_names,
    control_names,
    open_clip_places,
    open_clip_vision_places,
    tiny_names,
    unet_names,
    vae_names,
)
from diffusion.photomaker import PhotoMakerNetwork
from diffusion.style_model import StyleNetwork
from diffusion.tensors import Reader, Residence

ROUNDINGS = {"fp8_e4m3fn": torch.float8_e4m3fn, "fp8_e5m2": torch.float8_e5m2}
"""Number types to which weights may be rounded, by the names that files know."""


def load(
    component: Component, residence: Residence, settle: Callable[[nn.Module], nn.Module] = lambda layer: layer
) -> nn.Module:
    """One network with its weights, in evaluation mode and without gradients. settle: what becomes of each layer as
    soon as it has its weights.

    Raises WeightFileError, with the file and some of the keys, where keys are missing, left over or of another shape.
    """
    if component.config.get("architecture") == upscalers.FOREIGN:
        return upscalers.load_foreign(component.header, residence)
    if component.part == "vision":
        return vision_models.load(component.header, component.config["model_type"], residence)
    module = build(component)
    weight = stored(component, module, residence)
    for owner, names in groupby(list(module.state_dict()), lambda name: name.rpartition(".")[0]):
        for name in names:
            put(module, name, nn.Parameter(weight(name), requires_grad=False))
        layer = module.get_submodule(owner)
        if (settled := settle(layer)) is not layer:
            put(module, owner, settled)
    for name, buffer in module.named_buffers():
        if buffer.is_meta:
            raise RuntimeError(f"{type(module).__name__}.{name} is a buffer that no file holds and nothing filled.")
        put(module, name, buffer.to(residence.device))
    return module.eval()


def put(module: nn.Module, name: str, part: Tensor | nn.Module) -> None:
    """Give a network another tensor or layer under one of its names."""
    owner, _, leaf = name.rpartition(".")
    setattr(module.get_submodule(owner), leaf, part)


@dataclass(frozen=True, eq=False)
class Stored:
    """The weights of a network in its file. places: where each is, by its name in the network; shapes: of each there.
    reader: of the file, for float32 where something changes them. rounding: number type to which they are rounded; "":
    none. changed: what they go through after that.
    """

    places: Mapping[str, Place]
    shapes: Mapping[str, tuple[int, ...]]
    residence: Residence
    reader: Reader
    rounding: str = ""
    changed: Changed | None = None

    def __call__(self, name: str, memory: Tensor | None = None) -> Tensor:
        """A weight in its residence. memory: where it is put, as in `Residence.settled`; `nbytes` says how much that
        takes. Raises WeightFileError where the file has changed.
        """
        changes = self.rounding or self.changed
        weight = fetch(self.reader, self.places[name], self.shapes[name], None if changes else memory)
        if self.rounding:
            weight = weight.to(ROUNDINGS[self.rounding]).to(weight.dtype)
        if self.changed is not None:
            weight = self.changed(name, weight)
        return self.residence.settled(weight, memory=memory) if changes else weight

    def nbytes(self, name: str) -> int:
        """The memory a weight takes for itself in its residence: none where it is a part of the mapped file."""
        place, shape = self.places[name], self.shapes[name]
        is_as_stored = not (place.transposed or self.rounding or self.changed)
        if is_as_stored and self.reader.maps(place.name, len(shape)):
            return 0
        return math.prod(shape) * self.residence.dtype.itemsize


def stored(component: Component, module: nn.Module, residence: Residence) -> Stored:
    """Where the weights of a module come from. Raises WeightFileError like `load`."""
    shapes = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    plain = residence if component.changed is None else Residence(residence.device, torch.float32)
    reader = Reader(component.header, plain)
    return Stored(find(component, module), shapes, residence, reader, component.rounding, component.changed)


def build(component: Component) -> nn.Module:
    """The module of a component, its weights on the meta device."""
    config = dict(component.config)
    with torch.device("meta"):
        match component.part:
            case "unet":
                return UNet2DConditionModel.from_config(config)  # pyright: ignore[reportReturnType] — no kwargs: a model
            case "upscaler":
                return upscalers.build(config)
            case "vae":
                return _tiny(config) if config.get("_class_name") == TINY else AutoencoderKL.from_config(config)  # pyright: ignore[reportReturnType] — likewise
            case "clip_vision":
                return _clip_vision(config)
            case "ip_adapter":
                return AdapterNetwork(config)
            case "style_model":
                return StyleNetwork(**config)
            case "photomaker":
                return PhotoMakerNetwork(_clip_vision(dict(config["vision"])), config["second"])
            case "vision":
                raise TypeError("A network of transformers' kinds is made with its weights: see `load`.")
            case "controlnet":
                return _union(config) if config.get("_class_name") == UNION else ControlNetModel.from_config(config)  # pyright: ignore[reportReturnType] — likewise
            case "adapter":
                whole: Any = T2IAdapter.from_config(config)
                return whole.adapter
            case "text_encoder" | "text_encoder_2":
                module = CLIPTextModel(CLIPTextConfig.from_dict(config | {"attn_implementation": "sdpa"}))
                if "projection_dim" in config:  # of the pooled state, as in `CLIPTextModelWithProjection`
                    projection = nn.Linear(config["hidden_size"], config["projection_dim"], bias=False)
                    module.add_module("text_projection", projection)
    positions = torch.arange(module.config.max_position_embeddings).expand((1, -1))
    module.embeddings.register_buffer("position_ids", positions, persistent=False)
    return module


def _tiny(config: dict[str, Any]) -> nn.Module:
    """A tiny autoencoder, or the half of it that a file has."""
    half = config.pop("half", "")
    module: Any = AutoencoderTiny.from_config(config)
    if half:
        delattr(module, "decoder" if half == "encoder" else "encoder")
        module.register_to_config(half=half)
    return module


def _union(config: dict[str, Any]) -> nn.Module:
    """A ControlNet that knows several tasks. What it knows of each lies in a layer, which can come and go as others."""
    module: Any = ControlNetUnionModel.from_config(config)
    del module.task_embedding
    module.tasks = nn.Embedding(config["num_control_type"], config["num_trans_channel"])
    return module


def _clip_vision(config: dict[str, Any]) -> nn.Module:
    module = CLIPVisionModelWithProjection(CLIPVisionConfig.from_dict(config | {"attn_implementation": "sdpa"}))
    embeddings = module.vision_model.embeddings
    positions = torch.arange(embeddings.num_positions, device="cpu").expand((1, -1))
    embeddings.register_buffer("position_ids", positions, persistent=False)
    return module


def weights_in_bytes(component: Component, dtype: torch.dtype) -> int:
    """What a network will take in memory at `dtype`, known from its header."""
    elements = sum(component.header.tensors[name].count for name in component.names)
    return elements * dtype.itemsize


def own_bytes(component: Component, residence: Residence) -> int:
    """What of it is memory of the network's own: without what stays in the mapped file. Known from its header."""
    reader, tensors = Reader(component.header, residence), component.header.tensors
    names = () if component.rounding or component.changed else component.names
    mapped = sum(tensors[name].count for name in names if reader.maps(name, len(tensors[name].shape)))
    return weights_in_bytes(component, residence.dtype) - mapped * residence.dtype.itemsize


def fetch(reader: Reader, place: Place, shape: tuple[int, ...], memory: Tensor | None = None) -> Tensor:
    """The tensor at a place in a file, of this shape. memory: where it is put, as in `Residence.settled`."""
    if place.transposed:
        tensor = reader.read(place.name, shape[::-1]).T
        return tensor.contiguous() if memory is None else reader.residence.settled(tensor, memory=memory)
    if place.third is None:
        return reader.read(place.name, shape, memory=memory)
    return reader.read(place.name, third=place.third, memory=memory)


def find(component: Component, module: nn.Module) -> dict[str, Place]:
    """For each name of the module, its place in the file. All of both are matched, shapes included.

    Raises WeightFileError as `load` does.
    """
    given = component.names
    wanted = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    places = {name: place for name, place in _places(component, list(wanted)).items() if place.name in set(given)}
    used, shapes = {place.name for place in places.values()}, component.header.tensors
    problems = {
        "lacks": [name for name in wanted if name not in places],
        "has left over": [name for name in given if name not in used],
        "has in another shape": [
            place.name for name, place in places.items() if not _fits(shapes[place.name].shape, wanted[name], place)
        ],
    }
    told = [f"{what} {_some(list(dict.fromkeys(names)))}" for what, names in problems.items() if names]
    if told:
        raise WeightFileError(
            f"'{component.header.path.name}': its {component.part.replace('_', ' ')} {'; it '.join(told)}."
        )
    return places


def _fits(stored: tuple[int, ...], wanted: tuple[int, ...], place: Place) -> bool:
    if place.third is not None:
        return stored == (3 * wanted[0], *wanted[1:])
    return _bare(stored) == _bare(wanted[::-1] if place.transposed else wanted)


def _bare(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without trailing axes of length 1: a linear layer may be stored as a 1×1 convolution."""
    return _bare(shape[:-1]) if shape[-1:] == (1,) else shape


def _some(names: list[str]) -> str:
    return f"{len(names)} tensors ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"


def _places(component: Component, names: list[str]) -> dict[str, Place]:
    """Where a file of this layout has the tensors of a module, whether it has them or not."""
    match component.layout, component.part:
        case _, "upscaler":
            found = upscalers.names(component)
            return {name: Place(component.prefix + found.get(name, name)) for name in names}
        case "open_clip", "clip_vision":
            return open_clip_vision_places(names, component.prefix)
        case "open_clip", _:
            return open_clip_places(names, component.prefix)
        case "numbered", _:
            return {name: Place(file) for name, file in tiny_names(names).items()}
        case "original", "unet":
            layers = component.config["layers_per_block"]
            return {name: Place(_under(component, file)) for name, file in unet_names(names, layers).items()}
        case "original", "controlnet":
            control = control_names(names, component.config["layers_per_block"])
            return {name: Place(component.prefix + file.removeprefix(CONTROL_PREFIX)) for name, file in control.items()}
        case "original", "adapter":
            light = component.config["adapter_type"] == LIGHT
            resnets = 0 if light else component.config["num_res_blocks"]
            return {name: Place(component.prefix + file) for name, file in adapter_names(names, resnets).items()}
        case "original", _:
            return {name: Place(_under(component, file)) for name, file in vae_names(names).items()}
    stored = {
        _current_name(name.removeprefix(component.prefix).removeprefix("text_model.")): name for name in component.names
    }
    return {name: Place(stored.get(name, "")) for name in names}


def _under(component: Component, file: str) -> str:
    """An original name below the component's own prefix: alone in a file a network has none."""
    return component.prefix + file.removeprefix(UNET_PREFIX if component.part == "unet" else VAE_PREFIX)


def _current_name(name: str) -> str:
    """Attention layers of autoencoders were called differently by early versions of diffusers."""
    if name == "task_embedding":
        return "tasks.weight"
    if ".attentions." in name:
        for old, new in (
            (".query.", ".to_q."),
            (".key.", ".to_k."),
            (".value.", ".to_v."),
            (".proj_attn.", ".to_out.0."),
        ):
            name = name.replace(old, new)
    return name
