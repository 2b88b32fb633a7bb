"""Upscaling networks of other kinds, through the package spandrel where it is installed and can be imported.

spandrel (github.com/chaiNNer-org/spandrel) recognises a network from its tensors, so these are read when they are
named already. It needs torchvision, which must fit the torch there is.
"""

import re
from typing import Any

from torch import Tensor

from diffusion.families import looks_like, seems
from diffusion.header import Header, WeightFileError, torch_tensors
from diffusion.tensors import Residence
from diffusion.torchvision_guard import hide_broken_torchvision
from diffusion.upscalers.architecture import Enlarger

__all__ = ["Foreign", "load"]

KINDS: tuple[tuple[str, str], ...] = (
    (r"layers\.\d+\.residual_group\.overlap_attn\.", "a HAT"),
    (r"layers\.\d+\.residual_group\.blocks\.\d+\.attn\.logit_scale", "a Swin2SR"),
    (r"layers\.\d+\.residual_group\.blocks\.", "a SwinIR"),
    (r"before_RG\.", "a DAT"),
    (r"residual_layer\.\d+\.residual_layer\.", "an OmniSR"),
    (r"block_\d+\.c1_r\.", "a SPAN"),
    (r"unet1\.conv", "a Real-CUGAN"),
)
"""How tensors of other kinds of upscaling networks are named."""

SAYS_NOTHING = ("an upscaling model", "something unknown")
"""What `looks_like` says of files that may be upscaling networks."""


class Foreign(Enlarger):
    """A network as spandrel describes it. It computes in float32."""

    def __init__(self, described: Any) -> None:
        super().__init__()
        self.network = described.model  # a module of this one, so that it moves and is counted with it
        self._described = described
        self.title = str(described.architecture.name)
        self.scale = int(described.scale)
        self.channels = int(described.input_channels)
        self.reach = None
        self.multiple = int(described.size_requirements.multiple_of)

    def forward(self, picture: Tensor) -> Tensor:
        """As `Enlarger` says, but clipped to 0..1. What is too small is made larger for the network, and cut again."""
        return self._described(picture.float())


def load(header: Header, residence: Residence) -> Foreign:
    """The network of a file, ready to compute, in float32.

    Raises WeightFileError, naming what the file looks like, where spandrel is missing, cannot be imported or does not
    know it either.
    """
    kind = _kind(header)
    if not kind.startswith(SAYS_NOTHING) and not any(kind.startswith(known) for _, known in KINDS):
        raise WeightFileError(f"'{header.path.name}' is no upscaling model: {seems(header)}")
    hide_broken_torchvision()
    try:
        import spandrel  # pyright: ignore[reportMissingImports] — an optional extra
    except ImportError as error:
        here = f"{header.path.name}' is no upscaling model of a kind that is read here (ESRGAN, Real-ESRGAN, compact)"
        raise WeightFileError(f"'{here}: it looks like {kind}. {_missing(error)}") from error
    try:
        described = spandrel.ModelLoader().load_from_state_dict(_tensors(header))
    except Exception as error:  # noqa: BLE001 — whatever the code of a hundred networks may raise
        raise WeightFileError(
            f"'{header.path.name}' is no upscaling model that is known here, and spandrel cannot load it either "
            f"({_first_line(error)}): it looks like {kind}."
        ) from error
    enlarges = isinstance(described, spandrel.ImageModelDescriptor)
    if not enlarges or described.input_channels != described.output_channels:
        raise WeightFileError(
            f"'{header.path.name}' is a {described.architecture.name} network, which does not make a larger picture of "
            "a picture alone."
        )
    return Foreign(described).requires_grad_(False).eval().to(residence.device)


def _kind(header: Header) -> str:
    for pattern, kind in KINDS:
        if any(re.match(pattern, name) for name in header.tensors):
            return f"{kind} network"
    return looks_like(header)


def _missing(error: ImportError) -> str:
    if error.name == "spandrel":
        return "Others are read where spandrel is installed: pip install 'noisewright[upscale]'."
    return f"spandrel, which reads others, is installed but cannot be imported: {error}."


def _first_line(error: Exception) -> str:
    """Of a message that may name every tensor of a network."""
    return next(iter(str(error).splitlines()), "").rstrip(".: ") or type(error).__name__


def _tensors(header: Header) -> dict[str, Tensor]:
    """All tensors, without what trainers put before their names."""
    if header.format == "torch":
        tensors = torch_tensors(header.path, device="cpu")
    else:
        from safetensors.torch import load_file

        tensors = load_file(header.path)
    for prefix in ("params_ema.", "params.", "module.", "netG."):
        if any(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): each for name, each in tensors.items() if name.startswith(prefix)}
    return tensors
