"""Skeletons of persons as OpenPose draws them (Cao et al. 2019), which is how ControlNets were shown them."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

COCO: tuple[str, ...] = (
    *("nose", "left eye", "right eye", "left ear", "right ear", "left shoulder", "right shoulder"),
    *("left elbow", "right elbow", "left wrist", "right wrist", "left hip", "right hip"),
    *("left knee", "right knee", "left ankle", "right ankle"),
)
"""Joints of a person in the order of the COCO data set, in which networks name them."""

JOINTS: tuple[str, ...] = (
    *("nose", "neck", "right shoulder", "right elbow", "right wrist", "left shoulder", "left elbow", "left wrist"),
    *("right hip", "right knee", "right ankle", "left hip", "left knee", "left ankle"),
    *("right eye", "left eye", "right ear", "left ear"),
)
"""Joints in OpenPose's order, and with its neck. Each has a hue of its own: see `hue`."""

CHAINS: tuple[tuple[str, ...], ...] = (
    ("neck", "right shoulder"),
    ("neck", "left shoulder"),
    ("right shoulder", "right elbow", "right wrist"),
    ("left shoulder", "left elbow", "left wrist"),
    ("neck", "right hip", "right knee", "right ankle"),
    ("neck", "left hip", "left knee", "left ankle"),
    ("neck", "nose"),
    ("nose", "right eye", "right ear"),
    ("nose", "left eye", "left ear"),
)
"""Which joints limbs connect; the n-th limb has the hue of the n-th joint."""

RADIUS = 4 / 512
"""Of joints, and half the width of limbs, in parts of a picture's shorter side."""

LIMB = 0.6
"""Brightness of limbs."""

Joint = tuple[float, float] | None
"""Where a joint is (x, y), in pixels; None: not seen."""


def hue(place: int) -> tuple[float, float, float]:
    """The colour of a joint by its place: 18 of them around the wheel, three from each of red, yellow, green, cyan,
    blue and magenta to the next, as 8-bit levels are.
    """
    level, sixth = place % 3 / 3, place // 3
    rising, falling = round(255 * level) / 255, round(255 * (1 - level)) / 255
    wheel = (
        (1.0, rising, 0.0),
        (falling, 1.0, 0.0),
        (0.0, 1.0, rising),
        (0.0, falling, 1.0),
        (rising, 0.0, 1.0),
        (1.0, 0.0, falling),
    )
    return wheel[sixth]


def joints_of(points: Sequence[Joint]) -> dict[str, Joint]:
    """The joints of a person by name, from those of COCO in their order. The neck is between the shoulders."""
    found = dict(zip(COCO, points, strict=True))
    left, right = found["left shoulder"], found["right shoulder"]
    neck = None if left is None or right is None else ((left[0] + right[0]) / 2, (left[1] + right[1]) / 2)
    return found | {"neck": neck}


def drawn(persons: Sequence[Sequence[Joint]], height: int, width: int) -> Tensor:
    """Skeletons on black, float32 [height, width, 3] in 0..1. persons: joints of each, in COCO's order."""
    canvas = torch.zeros(height, width, 3)
    y, x = torch.arange(height)[:, None], torch.arange(width)
    radius = max(1.0, RADIUS * min(height, width))
    named = [joints_of(points) for points in persons]
    limbs = [pair for chain in CHAINS for pair in pairwise(chain)]
    for joints in named:
        for place, (one, other) in enumerate(limbs):
            start, end = joints[one], joints[other]
            if start is not None and end is not None:
                colour = torch.tensor(hue(place)) * LIMB
                canvas[_ellipse(x, y, start, end, radius)] = colour
    for joints in named:
        for place, name in enumerate(JOINTS):
            joint = joints[name]
            if joint is not None:
                canvas[(x - joint[0]) ** 2 + (y - joint[1]) ** 2 <= radius**2] = torch.tensor(hue(place))
    return canvas


def _ellipse(x: Tensor, y: Tensor, start: tuple[float, float], end: tuple[float, float], radius: float) -> Tensor:
    """Where the ellipse lies that has two joints at the ends of its long axis, bool [H, W]."""
    length = math.dist(start, end)
    if length == 0:
        return torch.zeros(y.shape[0], x.shape[0], dtype=torch.bool)
    along = (end[0] - start[0]) / length, (end[1] - start[1]) / length
    right, down = x - (start[0] + end[0]) / 2, y - (start[1] + end[1]) / 2
    forward, aside = right * along[0] + down * along[1], down * along[0] - right * along[1]
    return (forward / (length / 2)) ** 2 + (aside / radius) ** 2 <= 1
