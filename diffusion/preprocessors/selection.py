"""Masks of what is at a place of a picture, as Segment Anything sees it (Kirillov et al. 2023)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from diffusion.lease import Lease
from diffusion.picture_files import eight_bit
from diffusion.services import Weights
from diffusion.tensors import Residence
from diffusion.values import Image, Mask, SegmentAnythingModel

Point = tuple[float, float]
NUMBER = r"\s*(-?\d+(?:\.\d+)?)\s*"


@dataclass(frozen=True)
class Selection:
    """What is meant, in pixels from the upper left corner. wanted, unwanted: points (x, y) on it and beside it. box:
    (left, top, right, bottom) around it.
    """

    wanted: tuple[Point, ...] = ()
    unwanted: tuple[Point, ...] = ()
    box: tuple[float, float, float, float] | None = None

    @property
    def is_open(self) -> bool:
        """Whether one point says all there is, so that a part, a thing or a group may be meant."""
        return self.box is None and len(self.wanted) + len(self.unwanted) == 1


def selection(wanted: str, unwanted: str, box: str) -> Selection:
    """From texts: points as "x, y; x, y", a box as "left, top, right, bottom".

    Raises ValueError for another form, and where nothing is named.
    """
    corners = _numbers(box, 4, "A box", "left, top, right, bottom")
    if len(corners) > 1:
        raise ValueError(f"One box can be given, not {len(corners)}: '{box}'.")
    points = [_numbers(text, 2, "A point", "x, y") for text in (wanted, unwanted)]
    if not corners and not points[0]:
        raise ValueError('Nothing says what to select. Give a point on it, such as "120, 80", or a box around it.')
    if corners and (corners[0][0] >= corners[0][2] or corners[0][1] >= corners[0][3]):
        raise ValueError(f"The box '{box}' has no inside: left must be below right, and top below bottom.")
    return Selection(
        tuple((x, y) for x, y in points[0]),
        tuple((x, y) for x, y in points[1]),
        (corners[0][0], corners[0][1], corners[0][2], corners[0][3]) if corners else None,
    )


class Selector:
    """What `Weights.lend(segment_anything_model)` gives."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def __call__(self, picture: Any, meant: Selection) -> Tensor:
        """What is meant, float32 [H, W]: 1 there, else 0. picture: Pillow's, in colour."""
        module: Any = self._lease.run
        prepared = module.image_processor([picture], return_tensors="pt")
        original, shown = prepared["original_sizes"][0].tolist(), prepared["reshaped_input_sizes"][0].tolist()
        scale = torch.tensor([shown[1] / original[1], shown[0] / original[0]])
        points = [*meant.wanted, *meant.unwanted]
        labels = [1] * len(meant.wanted) + [0] * len(meant.unwanted)

        def forward(network: nn.Module, residence: Residence) -> tuple[Tensor, Tensor]:
            place: Any = {"device": residence.device, "dtype": residence.dtype}
            asked: dict[str, Tensor] = {"pixel_values": prepared["pixel_values"].to(**place)}
            if points:
                asked["input_points"] = (torch.tensor(points) * scale)[None, None].to(**place)
                asked["input_labels"] = torch.tensor(labels, device=residence.device)[None, None]
            if meant.box is not None:
                asked["input_boxes"] = (torch.tensor(meant.box) * scale.repeat(2))[None, None].to(**place)
            answer = network(**asked, multimask_output=meant.is_open)
            return answer.pred_masks, answer.iou_scores

        masks, scores = (each.to("cpu", torch.float32) for each in self._lease.compute(forward))
        found = module.image_processor.post_process_masks(masks, [original], [shown], binarize=False)[0][0]
        return (found[int(scores[0, 0].argmax())] > 0).float()


def selected(image: Image, meant: Selection, model: SegmentAnythingModel, weights: Weights) -> Mask:
    """What is meant on each picture, [B, H, W]; where several things may be, the one that the network trusts most.

    Raises ValueError for points that lie outside.
    """
    height, width = image.pixels.shape[1:3]
    for x, y in (*meant.wanted, *meant.unwanted):
        if not (0 <= x < width and 0 <= y < height):
            raise ValueError(f"The point ({x:g}, {y:g}) lies outside the picture, which is {width}×{height} pixels.")
    with weights.lend(model) as selector:
        return Mask(torch.stack([selector(picture.convert("RGB"), meant) for picture in eight_bit(image)]))


def _numbers(text: str, count: int, what: str, form: str) -> Sequence[list[float]]:
    """Groups of numbers with commas between them, semicolons between groups; none in an empty text."""
    groups = [group for group in re.split(r"[;\n]", text) if group.strip()]
    pattern = re.compile(",".join([NUMBER] * count))
    found = [pattern.fullmatch(group) for group in groups]
    for group, match in zip(groups, found, strict=True):
        if match is None:
            raise ValueError(f"{what} is written \"{form}\"; got '{group.strip()}'. Several are parted by semicolons.")
    return [[float(number) for number in match.groups()] for match in found if match is not None]
