"""Resizing pictures, masks and latents: from one grid of pixels to another."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import torch
from PIL import Image as PilImage
from torch import Tensor
from torch.nn import functional

from diffusion.tables import look_up


def resize(tensor: Tensor, height: int, width: int, method: str, crop: str = "disabled") -> Tensor:
    """Resize `tensor` to `height` × `width`.

    tensor: float [B, C, H, W], any range and device; it is not clipped.
    method: "nearest-exact", "bilinear", "area", "bicubic" (as torch.nn.functional.interpolate computes them, without
    antialiasing), "lanczos" (three lobes, antialiased) or "bislerp".
    crop: "center" first cuts the middle of the new proportions out, "disabled" stretches.
    Returns [B, C, height, width]; the tensor itself when nothing has to change.
    Raises ValueError for an unknown method or crop, a tensor of another form, and a size below 1.
    """
    if tensor.ndim != 4 or 0 in tensor.shape:
        raise ValueError(f"Only [B, C, H, W] that holds something can be resized; got shape {list(tensor.shape)}.")
    if height < 1 or width < 1:
        raise ValueError(f"Nothing can be resized to {width}×{height} pixels; both sides must be at least 1.")
    resized = look_up(METHODS, method, "resize method")
    cropped = look_up(CROPS, crop, "crop")(tensor, height, width)
    return cropped if cropped.shape[2:] == (height, width) else resized(cropped, height, width)


def bislerp(tensor: Tensor, height: int, width: int) -> Tensor:
    """Interpolate between neighbours along the sphere: first along rows, then along columns.

    A pixel is a vector over channels. Its direction follows the great circle between its two neighbours (Shoemake 1985,
    slerp), its length goes linearly from one to the other: noise-like latents keep their contrast, averaging lowers it.
    tensor: float [B, C, H, W]. Returns [B, C, height, width].
    """
    across = _slerp_along(tensor, 3, width)
    return _slerp_along(across, 2, height)


def lanczos(tensor: Tensor, height: int, width: int) -> Tensor:
    """Resize with a sinc windowed to three lobes (Duchon 1979), widened when shrinking; channels apart, in float32."""
    planes = tensor.detach().to("cpu", torch.float32).reshape(-1, *tensor.shape[2:]).numpy()
    resized = [_lanczos_plane(plane, height, width) for plane in planes]
    return torch.from_numpy(np.stack(resized)).reshape(*tensor.shape[:2], height, width).to(tensor)


def _lanczos_plane(plane: np.ndarray, height: int, width: int) -> np.ndarray:
    picture = PilImage.fromarray(np.ascontiguousarray(plane))
    return np.asarray(picture.resize((width, height), PilImage.Resampling.LANCZOS))


def _interpolated(mode: str) -> Callable[[Tensor, int, int], Tensor]:
    return lambda tensor, height, width: functional.interpolate(tensor, size=(height, width), mode=mode)


def _slerp_along(tensor: Tensor, axis: int, length: int) -> Tensor:
    """Slerp between the two neighbours of each new pixel centre on one axis; outside them the edge holds."""
    old = tensor.shape[axis]
    if old == length:
        return tensor
    place = (torch.arange(length, device=tensor.device, dtype=torch.float64) + 0.5) * (old / length) - 0.5
    place = place.clamp(0, old - 1)
    lower = place.floor().long()
    upper = (lower + 1).clamp(max=old - 1)
    weight = (place - lower).to(tensor.dtype).reshape([-1 if each == axis else 1 for each in range(4)])
    return _slerp(tensor.index_select(axis, lower), tensor.index_select(axis, upper), weight)


def _slerp(start: Tensor, end: Tensor, weight: Tensor) -> Tensor:
    """Between two vectors over axis 1; straight where they name no great circle: parallel, opposite or zero."""
    start_length, end_length = (vector.norm(dim=1, keepdim=True) for vector in (start, end))
    tiny = torch.finfo(start.dtype).tiny
    start_unit, end_unit = start / start_length.clamp(min=tiny), end / end_length.clamp(min=tiny)
    cosine = (start_unit * end_unit).sum(dim=1, keepdim=True)
    straight = (cosine.abs() > 1 - 1e-5) | (start_length == 0) | (end_length == 0)
    # Kahan 2006, "How futile are mindless assessments of roundoff", §12: exact also where acos(cosine) is not.
    opening, sum_length = ((start_unit + sign * end_unit).norm(dim=1, keepdim=True) for sign in (-1, 1))
    angle = 2 * torch.atan2(opening, sum_length).masked_fill(straight, 1)
    direction = (((1 - weight) * angle).sin() * start_unit + (weight * angle).sin() * end_unit) / angle.sin()
    length = torch.lerp(start_length, end_length, weight)
    return torch.where(straight, torch.lerp(start, end, weight), direction * length)


def _uncropped(tensor: Tensor, height: int, width: int) -> Tensor:
    del height, width
    return tensor


def _center(tensor: Tensor, height: int, width: int) -> Tensor:
    """The middle of `tensor` that has the proportions of `height` × `width`: as much cut off left as right."""
    old_height, old_width = tensor.shape[2:]
    spare_width = old_width - old_height * width / height
    spare_height = old_height - old_width * height / width
    left = min(round(max(spare_width, 0) / 2), (old_width - 1) // 2)
    top = min(round(max(spare_height, 0) / 2), (old_height - 1) // 2)
    return tensor[:, :, top : old_height - top, left : old_width - left]


METHODS: Mapping[str, Callable[[Tensor, int, int], Tensor]] = MappingProxyType(
    {
        "nearest-exact": _interpolated("nearest-exact"),
        "bilinear": _interpolated("bilinear"),
        "area": _interpolated("area"),
        "bicubic": _interpolated("bicubic"),
        "lanczos": lanczos,
        "bislerp": bislerp,
    }
)
"""What `resize` can do, by name."""

CROPS: Mapping[str, Callable[[Tensor, int, int], Tensor]] = MappingProxyType(
    {"disabled": _uncropped, "center": _center}
)
"""What may happen before resizing, by name."""
