"""The compact networks of Real-ESRGAN: one row of convolutions, whose answer is unfolded and added to the picture.

Wang et al. 2021, "Real-ESRGAN", published code, `SRVGGNetCompact`; the structure is VGG's (Simonyan and Zisserman
2014), the unfolding that of Shi et al. 2016 (sub-pixel convolution), the activation PReLU (He et al. 2015).
"""

from collections.abc import Iterable, Mapping
from math import isqrt

from torch import Tensor, nn
from torch.nn import functional

from diffusion.header import Header, WeightFileError
from diffusion.upscalers.architecture import Architecture, Conv2dInFloat32, Enlarger, count

__all__ = ["COMPACT", "CompactNet"]


class CompactNet(Enlarger):
    """The whole network. layers: convolutions between the first and the last one."""

    def __init__(self, *, channels: int, width: int, layers: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.channels = channels
        self.reach = layers + 2
        self.body = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.PReLU(width))
        for _ in range(layers):
            self.body.extend([nn.Conv2d(width, width, 3, padding=1), nn.PReLU(width)])
        self.body.append(Conv2dInFloat32(width, channels * scale**2, 3, padding=1))

    def forward(self, picture: Tensor) -> Tensor:
        """As `Enlarger` says. The picture itself is added in float32, so that none of its bits are lost."""
        found = self.body(picture.to(next(self.parameters()).dtype))
        large = functional.interpolate(picture.float(), scale_factor=self.scale, mode="nearest")
        return large + functional.pixel_shuffle(found, self.scale)


def names(given: Iterable[str]) -> Mapping[str, str]:
    """The module's names are those in the file."""
    return {name: name for name in given}


def shape(header: Header, found: Mapping[str, str]) -> Mapping[str, int] | None:
    """Arguments of `CompactNet`, from names and shapes."""
    last = count(found, "body.") - 1
    if last < 2 or last % 2 or not all(f"body.{index}.weight" in found for index in range(last + 1)):
        return None
    signs = ("body.0.weight", "body.1.weight", f"body.{last}.weight")
    first, slopes, end = (header.shape(found[sign]) for sign in signs)
    if (len(first), len(slopes), len(end)) != (4, 1, 4) or 0 in first:
        return None
    width, channels = first[:2]
    scale = isqrt(end[0] // channels)
    if channels * scale**2 != end[0] or scale == 0:
        raise WeightFileError(
            f"'{header.path.name}' is a compact Real-ESRGAN network that makes {end[0]} channels of {channels}, "
            "which does not enlarge a picture by a whole number."
        )
    return {"channels": channels, "width": width, "layers": (last - 2) // 2, "scale": scale}


COMPACT = Architecture("compact", "the compact kind of Real-ESRGAN", names, shape, CompactNet)
