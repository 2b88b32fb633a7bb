"""Planes taken apart into frequencies: slow changes across a picture and fast ones."""

import torch
from torch import Tensor


def scaled_frequencies(planes: Tensor, low: float, high: float, cutoff: int) -> Tensor:
    """Planes whose low frequencies are times `low`, and all others times `high`.

    planes: float [B, C, H, W]. cutoff: low are, along each side, the `cutoff` frequencies below 0 (the mean) and those
    from 0 up to below `cutoff`, so that 1 scales the mean and three frequencies beside it. Same shape and number type;
    computed in float32.
    """
    height, width = planes.shape[2:]
    spectrum = torch.fft.fftshift(torch.fft.fft2(planes.float()), dim=(-2, -1))
    scales = torch.full((height, width), high, device=planes.device)
    rows, columns = (slice(max(0, side // 2 - cutoff), side // 2 + cutoff) for side in (height, width))
    scales[rows, columns] = low
    return torch.fft.ifft2(torch.fft.ifftshift(spectrum * scales, dim=(-2, -1))).real.to(planes.dtype)
