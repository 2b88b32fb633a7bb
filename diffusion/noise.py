"""Seeded noise: what a picture begins with, and what stochastic samplers add on the way.

All noise is drawn in float32 on the CPU and moved afterwards, so a seed gives the same picture on every device. By
default it is what torch draws on the CPU; that of the source "cuda" is what torch draws on CUDA cards, see
`diffusion.philox`.
"""

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

import torch
from torch import Tensor

from diffusion.philox import CudaNormal

Source: TypeAlias = Literal["cpu", "cuda"]


class Normal(Protocol):
    """A seeded generator of unit Gaussian numbers."""

    def skip(self, shape: Sequence[int], draws: int) -> None:
        """Go on as after `draws` draws of this shape."""
        ...

    def draw(self, shape: Sequence[int]) -> Tensor:
        """The next numbers: float32 of this shape, on the CPU."""
        ...


class CpuNormal:
    """torch's own generator on the CPU."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def skip(self, shape: Sequence[int], draws: int) -> None:
        """Draw, and forget."""
        for _ in range(draws):
            self.draw(shape)

    def draw(self, shape: Sequence[int]) -> Tensor:
        """The next numbers."""
        return torch.randn(tuple(shape), generator=self._generator)


def normal(seed: int, source: Source = "cpu") -> Normal:
    """The generator of a source, seeded with 0..2^64 - 1."""
    return CpuNormal(seed) if source == "cpu" else CudaNormal(seed)


class Noise(Protocol):
    """Noise for one sampling run: unit Gaussian of x's shape for the way from one noise level to another."""

    @property
    def draws(self) -> int:
        """How many draws of a sequence are used up; 0 where noise depends on the levels alone."""
        ...

    def skip(self, draws: int) -> None:
        """Go to the place after `draws` draws, so that a resumed run continues with the same noise."""
        ...

    def __call__(self, sigma: float, sigma_next: float) -> Tensor:
        """Unit Gaussian noise of x's shape, dtype and device for the way from `sigma` to `sigma_next`."""
        ...


def initial_noise(
    shape: Sequence[int], seed: int, batch_index: Sequence[int] | None = None, source: Source = "cpu"
) -> Tensor:
    """The noise a picture begins with: float32 [B, C, *axes] on the CPU, from a generator seeded with `seed`.

    seed: 0..2^64 - 1. One draw over the whole batch. With `batch_index` (B places in a larger batch) items are drawn
    one by one and picked, so that an item gets the noise of its place in the larger batch. Raises ValueError when
    `batch_index` has not B entries, or a negative one.
    """
    generator = normal(seed, source)
    if batch_index is None:
        return generator.draw(shape)
    if len(batch_index) != shape[0] or min(batch_index, default=0) < 0:
        raise ValueError(
            f"initial_noise: batch_index {list(batch_index)} does not fit a batch of {shape[0]}; "
            "give one place, 0 or more, for each item."
        )
    places = range(max(batch_index, default=-1) + 1)
    items = [generator.draw((1, *shape[1:])) for _ in places]
    return torch.cat([items[place] for place in batch_index])


def slerp(start: Tensor, end: Tensor, weight: float) -> Tensor:
    """Spherical interpolation from `start` to `end`, item by item; both float32 [B, *axes].

    weight: 0 gives `start`, 1 gives `end`, to the bit. Between, an item goes along the great circle through both
    (Shoemake 1985, "Animating rotation with quaternion curves"), its norm linearly from that of one to that of the
    other: noise stays as strong as noise, where a straight line would cut through the sphere. Items that point the same
    way, or opposite ones, or nowhere, have no such circle; they are interpolated linearly.
    """
    if weight in (0, 1):
        return end if weight else start
    flat, other = start.flatten(1).double(), end.flatten(1).double()
    norm, other_norm = flat.norm(dim=1, keepdim=True), other.norm(dim=1, keepdim=True)
    cosine = (flat * other).sum(1, keepdim=True) / (norm * other_norm)
    angle = cosine.clamp(-1, 1).acos()
    sine = angle.sin()
    length = norm + weight * (other_norm - norm)
    turned = ((1 - weight) * angle).sin() / sine * (flat / norm) + (weight * angle).sin() / sine * (other / other_norm)
    straight = flat + weight * (other - flat)
    has_circle = (sine > 1e-6) & (norm > 0) & (other_norm > 0)
    return torch.where(has_circle, turned * length, straight).to(start.dtype).view_as(start)


class StepNoise:
    """Gaussian step noise: one draw per use, in order, from a generator of its own.

    On the CPU it is seeded with seed + 1, because a generator seeded with `seed` would hand out the initial noise again
    at the first step. The source "cuda" has the seed itself, as tools that draw step noise on the card have it. used:
    how many draws of the same seed and source the run has used up before: its initial noise.
    shapes: of the draws, where they are not all of x's shape.
    """

    def __init__(
        self, x: Tensor, seed: int, source: Source = "cpu", used: int = 0, shapes: Sequence[Sequence[int]] = ()
    ) -> None:
        self._shape, self._shapes, self._like = x.shape, shapes, (x.device, x.dtype)
        self._seed, self._used = (seed + (source == "cpu")) % 2**64, used
        self._source: Source = source
        self.skip(0)

    @property
    def draws(self) -> int:
        """Draws so far."""
        return self._draws

    def skip(self, draws: int) -> None:
        """Begin again and leave out the first `draws` draws."""
        self._normal: Normal = normal(self._seed, self._source)
        self._normal.skip(self._shape, self._used)
        for draw in range(draws):
            self._normal.skip(self._shape_of(draw), 1)
        self._draws = draws

    def __call__(self, sigma: float, sigma_next: float) -> Tensor:
        """The next draw; the levels do not matter."""
        del sigma, sigma_next
        self._draws += 1
        return self._normal.draw(self._shape_of(self._draws - 1)).to(*self._like)

    def _shape_of(self, draw: int) -> Sequence[int]:
        return self._shapes[draw] if self._shapes else self._shape


class BrownianNoise:
    """Increments of one Brownian path over the noise levels, scaled to unit variance.

    A path is fixed by its seed (torchsde's Brownian tree; Li et al. 2020, "Scalable Gradients for Stochastic
    Differential Equations", alg. 3), so schedules with other steps see the same path, and a resumed run needs no
    bookkeeping.
    """

    draws = 0

    def __init__(self, x: Tensor, sigma_min: float, sigma_max: float, seed: int) -> None:
        from torchsde import BrownianTree

        self._like = x.device, x.dtype
        # torchsde rounds times to six decimals and warns of any beyond its rounded ends: times are kept inside them.
        self._span = round(sigma_min, 6), round(sigma_max, 6)
        self._path = BrownianTree(t0=sigma_min, w0=torch.zeros(x.shape), t1=sigma_max, entropy=seed)

    def skip(self, draws: int) -> None:
        """Nothing to do: the path answers by noise level."""

    def __call__(self, sigma: float, sigma_next: float) -> Tensor:
        """The path's increment between two different levels inside its span, divided by sqrt(|sigma - sigma_next|)."""
        low, high = sorted((sigma, sigma_next))
        start, end = (min(max(level, self._span[0]), self._span[1]) for level in (low, high))
        sign = 1.0 if sigma < sigma_next else -1.0
        increment = torch.as_tensor(self._path(start, end))
        return (increment * (sign / (high - low) ** 0.5)).to(*self._like)
