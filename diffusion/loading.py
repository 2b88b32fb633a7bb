"""From a file to a module: built without weights, every key accounted for, filled tensor by tensor in the type it
computes in.

Nothing keeps random weights: a module is made on torch's meta device, where weights take no memory, and is handed out
only when each of them has come from the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from diffusion.architectures import (
    AutoencoderKL,
    CLIPTextConfig,
    CLIPTextModel,
    UNet2DConditionModel,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)
from diffusion.families import Component
from diffusion.header import WeightFileError
from diffusion.tensors import Reader, Residence


def load(component: Component, residence: Residence) -> nn.Module:
    """One network with its weights, in evaluation mode and without gradients.

    Raises WeightFileError, with the file and some of the keys, where keys are missing, left over or of another shape.
    """
    module = build(component)
    sources = _sources(component, module)
    reader = Reader(component.header, residence)
    for name, target in module.state_dict().items():
        owner, _, leaf = name.rpartition(".")
        weight = nn.Parameter(reader.read(sources[name], tuple(target.shape)), requires_grad=False)
        setattr(module.get_submodule(owner), leaf, weight)
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
            case "vae":
                return AutoencoderKL.from_config(config)  # pyright: ignore[reportReturnType] — likewise
            case "text_encoder":
                module = CLIPTextModel(CLIPTextConfig.from_dict(config | {"attn_implementation": "sdpa"}))
    positions = torch.arange(module.config.max_position_embeddings).expand((1, -1))
    module.embeddings.register_buffer("position_ids", positions, persistent=False)
    return module


def weights_in_bytes(component: Component, dtype: torch.dtype) -> int:
    """What a network will take in memory at `dtype`, known from its header."""
    elements = sum(component.header.tensors[name].count for name in component.names)
    return elements * dtype.itemsize


def _sources(component: Component, module: nn.Module) -> dict[str, str]:
    """For each name of the module, the name in the file. All of both are matched, shapes included."""
    given = {name.removeprefix(component.prefix): name for name in component.names}
    found = {wanted: given[source] for wanted, source in _converted(component, given).items()}
    wanted = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    shapes = component.header.tensors
    problems = {
        "lacks": [name for name in wanted if name not in found],
        "has left over": [name for name in given.values() if name not in set(found.values())],
        "has in another shape": [
            found[name]
            for name, shape in wanted.items()
            if name in found and _bare(shapes[found[name]].shape) != _bare(shape)
        ],
    }
    problems["has left over"] += [found[name] for name in found if name not in wanted]
    told = [f"{what} {_some(names)}" for what, names in problems.items() if names]
    if told:
        raise WeightFileError(
            f"'{component.header.path.name}': its {component.part.replace('_', ' ')} {'; it '.join(told)}."
        )
    return found


def _bare(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without trailing axes of length 1: a linear layer may be stored as a 1×1 convolution."""
    return _bare(shape[:-1]) if shape[-1:] == (1,) else shape


def _some(names: list[str]) -> str:
    return f"{len(names)} tensors ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"


def _converted(component: Component, given: Mapping[str, str]) -> Mapping[str, str]:
    """The module's names → names in the file without prefix, through diffusers' converters run on names alone."""
    shapes = component.header.tensors
    if component.layout == "modules":
        return {_current_name(name): name for name in given}
    placeholders = {name: _Placeholder(name, shapes[file].shape) for name, file in given.items()}
    prefixed = {component.prefix + name: placeholder for name, placeholder in placeholders.items()}
    try:
        if component.part == "unet":
            converted = convert_ldm_unet_checkpoint(prefixed, component.config)
        else:
            converted = convert_ldm_vae_checkpoint(prefixed, component.config)
    except (KeyError, IndexError) as error:
        raise WeightFileError(
            f"'{component.header.path.name}': its {component.part} lacks the tensor {error} that its others call for."
        ) from error
    return {name: placeholder.name for name, placeholder in converted.items()}


@dataclass(frozen=True)
class _Placeholder:
    """Stands for a tensor while names are converted. Converters look at the shape and may drop trailing axes of
    length 1.
    """

    name: str
    shape: tuple[int, ...]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __getitem__(self, index: object) -> "_Placeholder":
        del index
        return self


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
