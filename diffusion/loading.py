"""From a file to a module: built without weights, every key accounted for, filled tensor by tensor in the type it
computes in.

Nothing keeps random weights: a module is made on torch's meta device, where weights take no memory, and is handed out
only when each of them has come from the file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from diffusion.architectures import (
    AutoencoderKL,
    CLIPTextConfig,
    CLIPTextModel,
    UNet2DConditionModel,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)
from diffusion.families import Component
from diffusion.header import Header, TensorInfo, WeightFileError, torch_tensors

DTYPES: Mapping[str, torch.dtype] = {
    "BOOL": torch.bool, "U8": torch.uint8, "I8": torch.int8, "I16": torch.int16, "I32": torch.int32, "I64": torch.int64,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "F16": torch.float16, "BF16": torch.bfloat16,
    "F32": torch.float32, "F64": torch.float64,
}  # fmt: skip


@dataclass(frozen=True)
class Residence:
    """Where and how weights live. channels_last: 4-D weights are stored [out, H, W, in], which low-precision kernels
    like.
    """

    device: torch.device
    dtype: torch.dtype
    channels_last: bool = False


def load(component: Component, residence: Residence) -> nn.Module:
    """One network with its weights, in evaluation mode and without gradients.

    Raises WeightFileError, with the file and some of the keys, where keys are missing, left over or of another shape.
    """
    module = build(component)
    sources = _sources(component, module)
    read = _reader(component.header, residence)
    for name, target in module.state_dict().items():
        tensor = _settle(read(sources[name]).reshape(target.shape), residence)
        owner, _, leaf = name.rpartition(".")
        setattr(module.get_submodule(owner), leaf, nn.Parameter(tensor, requires_grad=False))
    for name, buffer in module.named_buffers():
        if buffer.is_meta:
            raise RuntimeError(f"{type(module).__name__}.{name} is a buffer that no file holds and nothing filled.")
        owner, _, leaf = name.rpartition(".")
        setattr(module.get_submodule(owner), leaf, buffer.to(residence.device))
    return module.eval()


def read_tensors(header: Header) -> dict[str, Tensor]:
    """All tensors of a file, in the file's types and in memory of their own: for small files."""
    host = Residence(torch.device("cpu"), torch.float32)
    read = _reader(header, host)
    return {name: read(name).clone() for name in header.tensors}


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


def _reader(header: Header, residence: Residence) -> Callable[[str], Tensor]:
    """How to get a tensor of the file by name, in the file's type.

    Where the file holds the type that computes, and the host is where it computes, tensors are views of the mapped
    file: they take no memory of their own. Else each is read alone and plainly, so that a cast never sees more than one
    of them twice.
    """
    if header.format == "torch":
        tensors = torch_tensors(header.path, device="cpu")
        return lambda name: tensors[name]
    mapped: dict[str, Tensor] = {}

    def read(name: str) -> Tensor:
        info = header.tensors[name]
        dtype = DTYPES.get(info.dtype)
        if dtype is None:
            raise WeightFileError(
                f"'{header.path.name}': tensor '{name}' is of type {info.dtype}, which this version does not read."
            )
        if info.count == 0:
            return torch.empty(info.shape, dtype=dtype)
        if dtype == residence.dtype and residence.device.type == "cpu" and info.start % dtype.itemsize == 0:
            if not mapped:
                mapped["file"] = _map(header.path)
            return mapped["file"][info.start : info.start + info.nbytes].view(dtype).reshape(info.shape)
        return _read(header.path, info).view(dtype).reshape(info.shape)

    return read


def _map(path: Path) -> Tensor:
    """A file's bytes as a tensor: private pages, so that nothing written to it reaches the file."""
    return torch.from_file(str(path), shared=False, size=path.stat().st_size, dtype=torch.uint8)


def _read(path: Path, info: TensorInfo) -> Tensor:
    """The bytes of one tensor, in memory of their own."""
    content = torch.empty(info.nbytes, dtype=torch.uint8)
    with path.open("rb", buffering=0) as file:
        file.seek(info.start)
        view = memoryview(content.numpy())  # pyright: ignore[reportArgumentType] — arrays are buffers
        done = 0
        while done < info.nbytes:
            count = file.readinto(view[done:])
            if not count:
                raise WeightFileError(f"'{path.name}' ended while it was read; it has changed since.")
            done += count
    return content


def _settle(tensor: Tensor, residence: Residence) -> Tensor:
    if residence.channels_last and tensor.ndim == 4:
        # not `contiguous`: a 1×1 kernel has both layouts at once, and only `to` gives it the strides that kernels go by
        return tensor.to(residence.device, residence.dtype, memory_format=torch.channels_last)
    return tensor.to(residence.device, residence.dtype)
