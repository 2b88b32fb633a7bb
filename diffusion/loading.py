"""From a file to a module: built without weights, every key accounted for, filled tensor by tensor in the type it
computes in.

Nothing keeps random weights: a module is made on torch's meta device, where weights take no memory, and is handed out
only when each of them has come from the file.
"""

import torch
from torch import Tensor, nn

from diffusion import upscalers
from diffusion.architectures import (
    AutoencoderKL,
    AutoencoderTiny,
    CLIPTextConfig,
    CLIPTextModel,
    UNet2DConditionModel,
)
from diffusion.families import Component
from diffusion.families.autoencoder import TINY
from diffusion.header import WeightFileError
from diffusion.original_layout import UNET_PREFIX, VAE_PREFIX, Place, open_clip_places, unet_names, vae_names
from diffusion.tensors import Reader, Residence

ROUNDINGS = {"fp8_e4m3fn": torch.float8_e4m3fn, "fp8_e5m2": torch.float8_e5m2}
"""Number types to which weights may be rounded, by the names that files know."""


def load(component: Component, residence: Residence) -> nn.Module:
    """One network with its weights, in evaluation mode and without gradients.

    Raises WeightFileError, with the file and some of the keys, where keys are missing, left over or of another shape.
    """
    if component.config.get("architecture") == upscalers.FOREIGN:
        return upscalers.load_foreign(component.header, residence)
    module = build(component)
    places = find(component, module)
    reader = Reader(component.header, residence)
    for name, target in module.state_dict().items():
        owner, _, leaf = name.rpartition(".")
        weight = fetch(reader, places[name], tuple(target.shape))
        if component.rounding:
            weight = weight.to(ROUNDINGS[component.rounding]).to(weight.dtype)
        setattr(module.get_submodule(owner), leaf, nn.Parameter(weight, requires_grad=False))
    for name, buffer in module.named_buffers():
        if buffer.is_meta:
            raise RuntimeError(f"{type(module).__name__}.{name} is a buffer that no file holds and nothing filled.")
        owner, _, leaf = name.rpartition(".")
        setattr(module.get_submodule(owner), leaf, buffer.to(residence.device))
    return module.eval()


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
                kind = AutoencoderTiny if config.get("_class_name") == TINY else AutoencoderKL
                return kind.from_config(config)  # pyright: ignore[reportReturnType] — likewise
            case "text_encoder" | "text_encoder_2":
                module = CLIPTextModel(CLIPTextConfig.from_dict(config | {"attn_implementation": "sdpa"}))
                if "projection_dim" in config:  # of the pooled state, as in `CLIPTextModelWithProjection`
                    projection = nn.Linear(config["hidden_size"], config["projection_dim"], bias=False)
                    module.add_module("text_projection", projection)
    positions = torch.arange(module.config.max_position_embeddings).expand((1, -1))
    module.embeddings.register_buffer("position_ids", positions, persistent=False)
    return module


def weights_in_bytes(component: Component, dtype: torch.dtype) -> int:
    """What a network will take in memory at `dtype`, known from its header."""
    elements = sum(component.header.tensors[name].count for name in component.names)
    return elements * dtype.itemsize


def fetch(reader: Reader, place: Place, shape: tuple[int, ...]) -> Tensor:
    """The tensor at a place in a file, of this shape."""
    if place.third is None:
        tensor = reader.read(place.name, shape[::-1] if place.transposed else shape)
        return tensor.T.contiguous() if place.transposed else tensor
    whole = reader.read(place.name)
    part = whole.chunk(3)[place.third]
    # A view of a mapped file takes no memory; one of a tensor of its own would keep all three thirds.
    return part.clone() if whole.untyped_storage().nbytes() == whole.nbytes else part


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
        case "open_clip", _:
            return open_clip_places(names, component.prefix)
        case "original", "unet":
            layers = component.config["layers_per_block"]
            return {name: Place(_under(component, file)) for name, file in unet_names(names, layers).items()}
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
    if ".attentions." in name:
        for old, new in (
            (".query.", ".to_q."),
            (".key.", ".to_k."),
            (".value.", ".to_v."),
            (".proj_attn.", ".to_out.0."),
        ):
            name = name.replace(old, new)
    return name
