"""FreeU: stronger backbone features, and skips with less of what changes slowly.

Si et al. 2023, "FreeU: Free Lunch in Diffusion U-Net". In the layers with four times the channels of the network's
entrance b1 and s1 count, in those with twice as many b2 and s2.
"""

import torch
from torch import Tensor

from diffusion.changes import Call, Change, Place
from diffusion.frequencies import scaled_frequencies
from diffusion.model_options import FreeU

LOWEST = 1
"""Up to which frequency skips are changed, along each side."""


class FreeLunch(Change):
    """What an output layer joins, scaled. width: channels at the network's entrance."""

    def __init__(self, option: FreeU, width: int) -> None:
        self._option = option
        self._scales = {4 * width: (option.b1, option.s1), 2 * width: (option.b2, option.s2)}

    def joining(self, hidden: Tensor, skip: Tensor, place: Place, call: Call) -> tuple[Tensor, Tensor]:
        """The first half of the channels times b, the skip's lowest frequencies times s."""
        del place, call
        channels = hidden.shape[1]
        if channels not in self._scales:
            return hidden, skip
        backbone, low = self._scales[channels]
        half = hidden[:, : channels // 2]
        scale = (backbone - 1) * _structure(hidden) + 1 if self._option.by_content else backbone
        joined = torch.cat([half * scale, hidden[:, channels // 2 :]], dim=1)
        return joined, scaled_frequencies(skip, low, 1.0, LOWEST)


def _structure(hidden: Tensor) -> Tensor:
    """The mean over channels, stretched to 0..1 over each item: [B, 1, H, W]. 0 where all is alike."""
    mean = hidden.mean(1, keepdim=True)
    low, high = mean.amin((2, 3), keepdim=True), mean.amax((2, 3), keepdim=True)
    return (mean - low) / (high - low).clamp(min=torch.finfo(mean.dtype).tiny)
