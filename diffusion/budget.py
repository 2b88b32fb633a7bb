"""How much memory there is to compute with: what `--memory` asks for, and what a device has. Loads no torch before it
looks at a device.

A budget covers the weights on a device and what is computed with them. Where the device is the processor, it covers
memory of our own: pages of a mapped file of weights are not counted, since the system takes them back whenever it needs
them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from diffusion.precision import UnavailableError

SHARE_OF_FREE = 0.9
"""Of the memory that is free, how much is used where no budget is given."""

UNITS: Mapping[str, int] = MappingProxyType({
    "": 1, "B": 1,
    "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
    "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40,
})  # fmt: skip


@dataclass(frozen=True)
class Budget:
    """What weights and computing with them may take on a device. limit: bytes; None: nine tenths of what is free."""

    device: str
    limit: int | None = None

    def left(self, taken: int) -> int:
        """Bytes that are still to be had where `taken` are taken already; below 0 where that is too much.

        Without a limit what is free is measured now: other programs come and go.
        """
        if self.limit is not None:
            return self.limit - taken
        return int(SHARE_OF_FREE * room_of(self.device)[1])


def parse_memory(text: str) -> int | None:
    """The bytes that `--memory` asks for: "6GB", "1.5 GiB", "4000000000"; None for "auto".

    Raises UnavailableError for anything else.
    """
    if text.strip().lower() == "auto":
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", text)
    if found is None or found[2].upper() not in UNITS or not (nbytes := int(float(found[1]) * UNITS[found[2].upper()])):
        raise UnavailableError(f"'{text}' is no amount of memory. Write auto, or an amount such as 6GB or 1.5GB.")
    return nbytes


def said(nbytes: float) -> str:
    """An amount of memory as people say it."""
    return f"{nbytes / 1e9:.1f} GB" if nbytes >= 0.95e9 else f"{max(1, round(nbytes / 1e6))} MB"


def room_of(device: str) -> tuple[int, int]:
    """Bytes a device has, and those that are free now, what torch keeps for later use of this process included."""
    import psutil

    kind = device.partition(":")[0]
    if kind not in ("cuda", "xpu", "mps"):
        memory = psutil.virtual_memory()
        return memory.total, memory.available
    import torch

    if kind == "mps":
        total = torch.mps.recommended_max_memory()
        return total, max(0, total - torch.mps.current_allocated_memory())
    accelerator = torch.cuda if kind == "cuda" else torch.xpu
    free, total = accelerator.mem_get_info(device)
    return total, free + accelerator.memory_reserved(device) - accelerator.memory_allocated(device)


def give_back(device: str) -> None:
    """Hand memory that nothing uses back to the system, where allocators keep it for later."""
    import ctypes
    import gc
    import sys

    gc.collect()
    kind = device.partition(":")[0]
    if kind in ("cuda", "xpu", "mps"):
        import torch

        getattr(torch, kind).empty_cache()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
        if trim is not None:
            trim(0)
