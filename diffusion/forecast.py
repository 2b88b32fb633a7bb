"""Whether what a run needs will fit, said before it begins: from headers and settings alone. Loads no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from diffusion import checkpoint
from diffusion.activations import denoising_bytes
from diffusion.budget import Budget, said
from diffusion.families import Component
from diffusion.header import WeightFileError
from diffusion.precision import Choice

ITEMSIZES = {"fp32": 4, "bf16": 2, "fp16": 2}
STORED = {"fp32": "F32", "bf16": "BF16", "fp16": "F16"}

LARGEST_LAYER = 30
"""Numbers in the largest layer of a U-Net, times the square of its greatest width."""

AHEAD = 3
"""How many layers are on a GPU at once, beside those that stay."""


@dataclass(frozen=True)
class Drawn:
    """What is sampled: pictures of width × height, and how many at once, negative ones included."""

    width: int
    height: int
    rows: int


def foreseen(choice: Choice, limit: int | None, files: Sequence[tuple[Path, str]], drawn: Drawn | None) -> list[str]:
    """What a person should know of the memory that a run will take, in sentences; nothing where all will fit.

    files: of denoisers or checkpoints, each with its digest; others are passed over. drawn: what is sampled, if known.
    """
    sentences = []
    for path, digest in files:
        try:
            model = checkpoint.read_unet(path, digest)
            unet, factor = checkpoint.component(model.file, "unet"), checkpoint.space_of(model).factor
        except (WeightFileError, OSError):
            continue  # told by the node that loads it
        sentences += _foreseen(choice, Budget(choice.device, limit), path.name, unet, factor, drawn)
    return sentences


def _foreseen(
    choice: Choice, budget: Budget, name: str, unet: Component, factor: int, drawn: Drawn | None
) -> list[str]:
    itemsize, room = ITEMSIZES[choice.precision], budget.left(0)
    own = _own(unet, choice)

    def need(rows: int) -> int:
        if drawn is None:
            return 0
        return denoising_bytes(unet.config, rows, drawn.height // factor, drawn.width // factor, itemsize)

    takes = f"The U-Net of '{name}' takes {said(own)}" if own else f"The U-Net of '{name}' stays in its file"
    if drawn is not None:
        takes += f", sampling {drawn.width} × {drawn.height} about {said(need(drawn.rows))} beside"
    where = f"{takes}; {'the budget' if budget.limit is not None else 'what is free'} is {said(max(0, room))}"
    layers = 1 if choice.kind == "cpu" else AHEAD
    least = min(own, layers * LARGEST_LAYER * max(unet.config["block_out_channels"]) ** 2 * itemsize)
    if own + need(drawn.rows if drawn else 0) <= room:
        return []
    if least + need(1) > room:
        return [f"{where}. It cannot fit, even layer by layer and one picture at a time: see --memory."]
    if least + need(drawn.rows if drawn else 0) > room:
        return [f"{where}: its layers will come and go, and its pictures will be computed one by one."]
    return [f"{where}: its layers will come and go, which is slower."]


def _own(unet: Component, choice: Choice) -> int:
    """Bytes of memory of its own: on a processor, what is computed with as it is stored stays in the mapped file."""
    tensors = [unet.header.tensors[name] for name in unet.names]
    is_mapped = choice.kind == "cpu" and unet.header.format == "safetensors" and not unet.rounding
    total = sum(
        tensor.count
        for tensor in tensors
        # Half precision lays convolutions out anew.
        if not is_mapped
        or tensor.dtype != STORED[choice.precision]
        or (choice.precision != "fp32" and len(tensor.shape) == 4)
    )
    return total * ITEMSIZES[choice.precision]
