"""What a kind of upscaling network is: its module, how its files name what is in it, what their shapes say."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from diffusion.header import Header

__all__ = ["Architecture", "Conv2dInFloat32", "Enlarger", "count"]


class Enlarger(nn.Module):
    """A network that makes pictures larger by a whole number.

    It takes float32 [B, channels, H, W] in 0..1, H and W multiples of `multiple`, and gives float32
    [B, channels, scale·H, scale·W], not clipped, in whichever type its weights are held. reach: how far away, in pixels
    of the picture, what a pixel of the result depends on can lie; None where that is not known.
    """

    scale: int
    channels: int
    reach: int | None
    multiple: int = 1


@dataclass(frozen=True)
class Architecture:
    """A kind of network.

    name: as recipes have it. title: for people. names: from the names in a file, bare of prefix, the module's names →
    those in the file. shape: from a header and the module's names → names in the file, the arguments of `build`, or
    None where the file is of another kind; raises WeightFileError where it is of this kind but cannot be used.
    """

    name: str
    title: str
    names: Callable[[Iterable[str]], Mapping[str, str]]
    shape: Callable[[Header, Mapping[str, str]], Mapping[str, int] | None]
    build: Callable[..., Enlarger]


class Conv2dInFloat32(nn.Conv2d):
    """A convolution that computes in float32, in whichever type its weights are held.

    It stands where a network's answer becomes a picture: bfloat16 has eight significant bits, so a picture that comes
    out of it shows steps in its skies.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 — as torch calls it
        """input: [B, C, H, W] of any type; the answer is float32."""
        bias = None if self.bias is None else self.bias.float()
        return self._conv_forward(input.float(), self.weight.float(), bias)


def count(names: Iterable[str], start: str) -> int:
    """One more than the largest number that follows `start` in a name; 0 where none does."""
    numbers = (name.removeprefix(start).partition(".")[0] for name in names if name.startswith(start))
    return 1 + max((int(number) for number in numbers if number.isdigit()), default=-1)
