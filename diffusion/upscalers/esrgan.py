"""ESRGAN and Real-ESRGAN: residual-in-residual dense blocks, then doublings.

Wang et al. 2018, "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", section 3.1; Wang et al. 2021,
"Real-ESRGAN", section 3.3, whose networks for ×2 and ×1 first fold 2×2 or 4×4 pixels into channels; Rakotonirina and
Rasoanaivo 2020, "ESRGAN+", whose dense blocks have residuals of their own.
"""

import re
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from diffusion.header import Header, WeightFileError
from diffusion.upscalers.architecture import Architecture, Conv2dInFloat32, Enlarger, count

__all__ = ["ESRGAN", "RRDBNet"]

SHARE = 0.2
"""How much of what a block finds is added to what it was given (residual scaling)."""

SIGNS = tuple(f"{name}.weight" for name in ("conv_first", "body.0.rdb1.conv1", "conv_body", "conv_hr", "conv_last"))
"""Names of the module that every network of this kind has."""


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees what those before it found.

    own: ESRGAN+'s residuals inside the block, from its input to the second and from the second to the fourth finding.
    """

    def __init__(self, width: int, growth: int, *, own: bool) -> None:
        super().__init__()
        self.conv1 = _conv(width, growth)
        self.conv2 = _conv(width + growth, growth)
        self.conv3 = _conv(width + 2 * growth, growth)
        self.conv4 = _conv(width + 3 * growth, growth)
        self.conv5 = _conv(width + 4 * growth, width)
        self.conv1x1 = nn.Conv2d(width, growth, 1, bias=False) if own else None

    def forward(self, x: Tensor) -> Tensor:
        """[B, width, H, W] → the same."""
        found = [x]
        for index, conv in enumerate((self.conv1, self.conv2, self.conv3, self.conv4), start=1):
            new = _leaky(conv(torch.cat(found, 1)))
            if self.conv1x1 is not None and index == 2:
                new = new + self.conv1x1(x)
            if self.conv1x1 is not None and index == 4:
                new = new + found[2]
            found.append(new)
        return x + SHARE * self.conv5(torch.cat(found, 1))


class ResidualBlock(nn.Module):
    """Three dense blocks in a row and a residual around them (RRDB)."""

    def __init__(self, width: int, growth: int, *, own: bool) -> None:
        super().__init__()
        self.rdb1 = DenseBlock(width, growth, own=own)
        self.rdb2 = DenseBlock(width, growth, own=own)
        self.rdb3 = DenseBlock(width, growth, own=own)

    def forward(self, x: Tensor) -> Tensor:
        """[B, width, H, W] → the same."""
        return x + SHARE * self.rdb3(self.rdb2(self.rdb1(x)))


class RRDBNet(Enlarger):
    """The whole network. doublings: how often the features are doubled in size. unshuffle: 1, or how many pixels a
    side are first folded into channels; the picture grows by 2^doublings / unshuffle.
    """

    def __init__(
        self, *, channels: int, width: int, growth: int, blocks: int, doublings: int, unshuffle: int = 1, own: int = 0
    ) -> None:
        super().__init__()
        self.scale = 2**doublings // unshuffle
        self.channels = channels
        self.multiple = unshuffle
        # 15 convolutions a block, one before and one after; those behind the doublings reach less than 2 pixels
        self.reach = unshuffle * (15 * blocks + 4)
        self.conv_first = _conv(channels * unshuffle**2, width)
        self.body = nn.Sequential(*(ResidualBlock(width, growth, own=bool(own)) for _ in range(blocks)))
        self.conv_body = _conv(width, width)
        self.conv_up = nn.ModuleList(_conv(width, width) for _ in range(doublings))
        self.conv_hr = _conv(width, width)
        self.conv_last = Conv2dInFloat32(width, channels, 3, padding=1)

    def forward(self, picture: Tensor) -> Tensor:
        """As `Enlarger` says."""
        picture = picture.to(self.conv_first.weight.dtype)
        x = self.conv_first(functional.pixel_unshuffle(picture, self.multiple))
        x = x + self.conv_body(self.body(x))
        for conv in self.conv_up:
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = _leaky(conv(x))
        x = _leaky(
            self.conv_hr(x)
        )  # one name for all: features of the result's size are let go as soon as they are used
        return self.conv_last(x)


def names(given: Iterable[str]) -> Mapping[str, str]:
    """The module's names → those in the file, in any of the three ways they are written."""
    known = list(given)
    rename = _numbered(known) if "model.0.weight" in known else _spelled
    return {rename(name): name for name in known}


def shape(header: Header, found: Mapping[str, str]) -> Mapping[str, int] | None:
    """Arguments of `RRDBNet`, from names and shapes."""
    blocks, doublings = count(found, "body."), count(found, "conv_up.")
    rows = (
        *(f"body.{index}.rdb1.conv1.weight" for index in range(min(blocks, len(found)))),
        *(f"conv_up.{index}.weight" for index in range(min(doublings, len(found)))),
    )
    if not all(sign in found and _is_kernel(header.shape(found[sign])) for sign in (*SIGNS, *rows)):
        return None
    width, inputs = header.shape(found["conv_first.weight"])[:2]
    outputs = header.shape(found["conv_last.weight"])[0]
    unshuffle = next((side for side in (1, 2, 4) if inputs == outputs * side**2), None)
    if unshuffle is None or 2**doublings < unshuffle:
        raise WeightFileError(
            f"'{header.path.name}' is an ESRGAN network that makes {outputs} channels of {inputs} and doubles "
            f"{doublings} times, which does not enlarge a picture by a whole number."
        )
    return {
        "channels": outputs,
        "width": width,
        "growth": header.shape(found["body.0.rdb1.conv1.weight"])[0],
        "blocks": blocks,
        "doublings": doublings,
        "unshuffle": unshuffle,
        "own": int("body.0.rdb1.conv1x1.weight" in found),
    }


ESRGAN = Architecture("esrgan", "ESRGAN and Real-ESRGAN", names, shape, RRDBNet)


def _is_kernel(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and 0 not in shape


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.2, inplace=True)


def _spelled(name: str) -> str:
    """Names of ESRGAN's second release (`RRDB_trunk.0.RDB1.conv1`) and of Real-ESRGAN (`body.0.rdb1.conv1`)."""
    for pattern, current in (
        (r"RRDB_trunk\.(\d+)\.RDB(\d)\.", r"body.\1.rdb\2."),
        (r"trunk_conv\.", "conv_body."),
        (r"HRconv\.", "conv_hr."),
    ):
        name = re.sub("^" + pattern, current, name)
    return re.sub(r"^(?:upconv|conv_up)(\d+)\.", lambda match: f"conv_up.{int(match[1]) - 1}.", name)


def _numbered(known: list[str]) -> Callable[[str], str]:
    """Names of ESRGAN's first release, numbers in a row of layers: the first convolution, the blocks with one behind
    them, for each doubling three layers the second of which is a convolution, and two convolutions with a layer
    between.
    """
    last, blocks = count(known, "model.") - 1, count(known, "model.1.sub.") - 1
    doublings = min((last - 4) // 3, len(known))  # a file may hold any number
    rows = {"model.0.": "conv_first.", f"model.1.sub.{blocks}.": "conv_body."}
    rows |= {f"model.{3 * index + 3}.": f"conv_up.{index}." for index in range(doublings)}
    rows |= {f"model.{3 * doublings + 2}.": "conv_hr.", f"model.{3 * doublings + 4}.": "conv_last."}

    def rename(name: str) -> str:
        for start, current in rows.items():
            if name.startswith(start):
                return current + name.removeprefix(start)
        return re.sub(r"^model\.1\.sub\.(\d+)\.RDB(\d)\.(conv\d(?:x1)?)(?:\.0)?\.", r"body.\1.rdb\2.\3.", name)

    return rename
