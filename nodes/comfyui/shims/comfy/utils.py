"""`comfy.utils`: progress, resizing, files of weights, and what goes with them."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from graph.progress import Preview, Progress
from nodes.comfyui.absent import lacking_attribute
from nodes.comfyui.interruption import InterruptProcessingException
from nodes.comfyui.surroundings import current

if TYPE_CHECKING:
    import torch
    from torch import Tensor

PROGRESS_BAR_ENABLED = True
MAX_PREVIEW_RESOLUTION = 512


class ProgressBar:
    """Tells how far a node is. Raises InterruptProcessingException, from its updates, where the node shall end."""

    def __init__(self, total: int, node_id: str | None = None) -> None:
        del node_id
        self.total = total
        self.current = 0
        self._around = current()

    def update_absolute(self, value: float, total: int | None = None, preview: Any = None) -> None:
        """`value` of `total` is done. preview: (format, PIL picture, largest side), drawn if somebody looks."""
        if total is not None:
            self.total = total
        self.current = min(value, self.total)
        if self._around.cancelled():
            raise InterruptProcessingException
        draw = (lambda: _drawn(*preview)) if isinstance(preview, tuple | list) and len(preview) == 3 else None
        self._around.report(Progress(int(self.current), int(self.total), draw))

    def update(self, value: float) -> None:
        """So much more is done."""
        self.update_absolute(self.current + value)


def _drawn(form: str, picture: Any, largest: int | None) -> Preview:
    if largest is not None:
        picture = picture.copy()
        picture.thumbnail((largest, largest))
    encoded = BytesIO()
    kind = "png" if form.lower() == "png" else "jpeg"
    picture.convert("RGB").save(encoded, kind)
    return Preview(f"image/{kind}", encoded.getvalue())


def set_progress_bar_enabled(enabled: bool) -> None:
    """Nothing to do: whether progress is shown is up to whoever runs the graph."""
    del enabled


# Resizing


def common_upscale(samples: "Tensor", width: int, height: int, upscale_method: str, crop: str) -> "Tensor":
    """Resize [B, C, H, W], or the frames of [B, C, T, H, W]. crop: "center" keeps the proportions, "disabled" not."""
    from diffusion.resize import resize

    if samples.ndim != 5:
        return resize(samples, height, width, upscale_method, crop)
    batch, channels, frames = samples.shape[:3]
    flat = samples.movedim(2, 1).reshape(batch * frames, channels, *samples.shape[3:])
    resized = resize(flat, height, width, upscale_method, crop)
    return resized.reshape(batch, frames, *resized.shape[1:]).movedim(1, 2)


def lanczos(samples: "Tensor", width: int, height: int) -> "Tensor":
    """Resize [B, C, H, W] with a windowed sinc."""
    from diffusion.resize import resize

    return resize(samples, height, width, "lanczos")


def bislerp(samples: "Tensor", width: int, height: int) -> "Tensor":
    """Resize [B, C, H, W] along the sphere."""
    from diffusion.resize import resize

    return resize(samples, height, width, "bislerp")


def repeat_to_batch_size(tensor: "Tensor", batch_size: int, dim: int = 0) -> "Tensor":
    """A tensor with so many items along an axis: repeated in turn, surplus ones left out."""
    import torch

    have = tensor.shape[dim]
    return tensor if have == batch_size else tensor.index_select(dim, torch.arange(batch_size) % have)


def resize_to_batch_size(tensor: "Tensor", batch_size: int) -> "Tensor":
    """A tensor with so many items, taken evenly or repeated evenly along the first axis."""
    import torch

    have = tensor.shape[0]
    if have == batch_size:
        return tensor
    if batch_size <= 1:
        return tensor[:batch_size]
    if batch_size < have:
        places = [round(index * (have - 1) / (batch_size - 1)) for index in range(batch_size)]
    else:
        places = [min(have - 1, math.floor((index + 0.5) * have / batch_size)) for index in range(batch_size)]
    return tensor[torch.tensor(places)]


def reshape_mask(input_mask: "Tensor", output_shape: Sequence[int]) -> "Tensor":
    """A mask as [B, C, H, W] of a shape: resized bilinearly, repeated over channels and items."""
    import torch

    dims = len(output_shape) - 2
    mask = input_mask
    if dims == 1:
        scale = "linear"
    elif dims == 2:
        scale, mask = "bilinear", mask.reshape(-1, 1, *mask.shape[-2:])
    else:
        scale = "trilinear"
        mask = mask.reshape(1, 1, -1, *mask.shape[-2:]) if mask.ndim < 5 else mask
    resized = torch.nn.functional.interpolate(mask, size=tuple(output_shape[2:]), mode=scale)
    if resized.shape[1] < output_shape[1]:
        resized = repeat_to_batch_size(resized, output_shape[1], dim=1)
    return repeat_to_batch_size(resized, output_shape[0])


# Tiles


def get_tiled_scale_steps(width: int, height: int, tile_x: int, tile_y: int, overlap: int) -> int:
    """How many tiles a picture of that size is cut into."""

    def along(length: int, side: int) -> int:
        return 1 if length <= side else math.ceil((length - overlap) / (side - overlap))

    return along(height, tile_y) * along(width, tile_x)


def tiled_scale(
    samples: "Tensor",
    function: Callable[["Tensor"], "Tensor"],
    tile_x: int = 64,
    tile_y: int = 64,
    overlap: int = 8,
    upscale_amount: float = 4,
    out_channels: int = 3,
    output_device: Any = "cpu",
    pbar: ProgressBar | None = None,
) -> "Tensor":
    """Run `function` on overlapping tiles of [B, C, H, W] and fade them into one result, `upscale_amount` times as
    large.
    """
    import torch

    from diffusion.tiling import in_tiles

    def tile(part: "Tensor") -> "Tensor":
        result = function(part).to("cpu", torch.float32)
        if pbar is not None:
            pbar.update(1)
        return result

    side = min(tile_x, tile_y)
    items = [
        in_tiles(tile, item, side, overlap, scale=upscale_amount, channels=out_channels) for item in samples.split(1)
    ]
    return torch.cat(items).to(output_device)


# Weights


def load_torch_file(
    ckpt: str, safe_load: bool = False, device: Any = None, return_metadata: bool = False
) -> dict[str, Any] | tuple[dict[str, Any], dict[str, str] | None]:
    """The tensors of a file by name, read without running code. Raises WeightFileError for what would run code."""
    from diffusion.header import torch_tensors

    del safe_load
    place = str(device) if device is not None else "cpu"
    metadata: dict[str, str] | None = None
    if Path(ckpt).suffix.lower() in (".safetensors", ".sft"):
        from safetensors import safe_open

        with safe_open(ckpt, framework="pt", device=place) as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 — it is no mapping
            metadata = file.metadata()
    else:
        tensors = {name: tensor.to(place) for name, tensor in torch_tensors(Path(ckpt), "cpu").items()}
    return (tensors, metadata) if return_metadata else tensors


def save_torch_file(sd: Mapping[str, "Tensor"], ckpt: str, metadata: dict[str, str] | None = None) -> None:
    """Write tensors by name as safetensors."""
    from safetensors.torch import save_file

    save_file({name: tensor.contiguous() for name, tensor in sd.items()}, ckpt, metadata=metadata)


def calculate_parameters(sd: Mapping[str, "Tensor"], prefix: str = "") -> int:
    """How many numbers the tensors under a prefix hold."""
    return sum(tensor.nelement() for name, tensor in sd.items() if name.startswith(prefix))


def weight_dtype(sd: Mapping[str, "Tensor"], prefix: str = "") -> "torch.dtype | None":
    """The number type that most of these tensors' numbers have; None if there are none."""
    counts: dict[Any, int] = {}
    for name, tensor in sd.items():
        if name.startswith(prefix):
            counts[tensor.dtype] = counts.get(tensor.dtype, 0) + tensor.numel()
    return max(counts, key=lambda dtype: counts[dtype]) if counts else None


def state_dict_key_replace(state_dict: dict[str, Any], keys_to_replace: Mapping[str, str]) -> dict[str, Any]:
    """Rename tensors, in place: old → new."""
    for old, new in keys_to_replace.items():
        if old in state_dict:
            state_dict[new] = state_dict.pop(old)
    return state_dict


def state_dict_prefix_replace(
    state_dict: dict[str, Any], replace_prefix: Mapping[str, str], filter_keys: bool = False
) -> dict[str, Any]:
    """Rename tensors by prefix: in place, or, with `filter_keys`, moving those with such a prefix into a new dict."""
    result = {} if filter_keys else state_dict
    for old, new in replace_prefix.items():
        for name in [name for name in state_dict if name.startswith(old)]:
            result[new + name[len(old) :]] = state_dict.pop(name)
    return result


# The rest


def string_to_seed(data: str | bytes) -> int:
    """A number from 0 to 2**32 - 1 that is the same for the same text: its CRC-32."""
    import zlib

    return zlib.crc32(data.encode() if isinstance(data, str) else data)


def get_attr(obj: Any, attr: str) -> Any:
    """An attribute behind a dotted name."""
    for name in attr.split("."):
        obj = getattr(obj, name)
    return obj


def set_attr(obj: Any, attr: str, value: Any) -> Any:
    """Set an attribute behind a dotted name; what stood there before is returned."""
    parent, _, name = attr.rpartition(".")
    owner = get_attr(obj, parent) if parent else obj
    before = getattr(owner, name)
    setattr(owner, name, value)
    return before


def flatten(items: Iterable[Iterable[Any]]) -> list[Any]:
    """The items of lists one after the other."""
    return [item for inner in items for item in inner]


def __getattr__(name: str) -> NoReturn:
    lacking_attribute("comfy.utils", name)
