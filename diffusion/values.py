"""The values that flow along links: pictures, masks, latents, conditionings, and recipes of models. Loads no torch.

Tensors are float32 on the CPU. Values are frozen and are never mutated: a node that changes a picture returns a new
one. `wire` is the name under which files and other programs know a type.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from torch import Tensor

    from diffusion.hooks import Hook, TextHooks


@dataclass(frozen=True, eq=False)
class Image:
    """Pictures. pixels: float32 [B, H, W, C], C ≥ 1, by convention 0..1 and clipped only where 8 bits are written.

    range: the (lowest, highest) value that stands for black and white where it is not (0, 1).
    spacing: the size of a pixel in millimetres (y, x), for scientific pictures.
    source_bits: bits per channel of the file the picture came from (8, 16, 32).
    """

    wire: ClassVar[str] = "IMAGE"
    pixels: Tensor
    range: tuple[float, float] | None = None
    spacing: tuple[float, float] | None = None
    source_bits: int | None = None

    def __post_init__(self) -> None:
        _expect(self.pixels, "Image.pixels", "[B, H, W, C]", 4)

    def _repr_png_(self) -> bytes:
        """The pictures side by side, as notebooks show them."""
        files = import_module("diffusion.picture_files")  # by name: no result depends on how pictures are shown
        row = dataclasses.replace(self, pixels=self.pixels.permute(1, 0, 2, 3).flatten(1, 2)[None])
        return files.png_files(row, texts={}, source_type=None)[0]


@dataclass(frozen=True, eq=False)
class Mask:
    """Masks. values: float32 [B, H, W] in 0..1; 1 = repaint."""

    wire: ClassVar[str] = "MASK"
    values: Tensor

    def __post_init__(self) -> None:
        _expect(self.values, "Mask.values", "[B, H, W]", 3)


@dataclass(frozen=True)
class Box:
    """A rectangle on a picture, in pixels; x, y: of its upper left corner. It may reach beyond the picture."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class Stitch:
    """Where crops belong that were cut out of pictures to be repainted.

    original: the pictures. boxes: where in each of them its crop lies. blends: for each, float32 [box height, box
    width] in 0..1, how much of the new picture shows; where it is 0 the original stays to the bit. size: (height,
    width) of the crops. method: how they are resized.
    """

    wire: ClassVar[str] = "STITCH"
    original: Image
    boxes: tuple[Box, ...]
    blends: tuple[Tensor, ...]
    size: tuple[int, int]
    method: str


@dataclass(frozen=True)
class LatentSpace:
    """A family's latent space: what one latent pixel is.

    name: "" where a file does not say: an autoencoder alone may be that of several families.
    factor: picture pixels per latent pixel. scale, shift: model scale = (VAE scale − shift) · scale.
    rgb, rgb_bias: linear map from model scale to red, green, blue in 0..1 for previews; None where it is not known.
    """

    name: str
    channels: int
    factor: int
    scale: float
    shift: float = 0.0
    rgb: tuple[tuple[float, float, float], ...] | None = None
    rgb_bias: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Latent:
    """Latents in the VAE's own scale. samples: float32 [B, C, *axes], pictures have the axes [H, W].

    space: None for an empty or foreign latent. noise_mask: float32 [B or 1, H, W] at any resolution, 1 = repaint.
    batch_index: which item of the noise of a larger batch each item takes. empty_size: (height, width) in picture
    pixels of a latent that holds nothing yet; it is made anew for the model's factor and channels when sampling begins.
    """

    wire: ClassVar[str] = "LATENT"
    samples: Tensor
    space: LatentSpace | None = None
    noise_mask: Tensor | None = None
    batch_index: tuple[int, ...] | None = None
    empty_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.samples.ndim < 3:
            raise ValueError(f"Latent.samples must be [B, C, *axes]; got shape {tuple(self.samples.shape)}.")
        if self.noise_mask is not None:
            _expect(self.noise_mask, "Latent.noise_mask", "[B, H, W]", 3)
        if self.batch_index is not None and len(self.batch_index) != self.samples.shape[0]:
            raise ValueError(
                f"Latent.batch_index has {len(self.batch_index)} items for a batch of {self.samples.shape[0]}."
            )


@dataclass(frozen=True)
class Area:
    """Where on the picture a conditioning holds: in pixels, or in fractions of the picture's sides (`relative`)."""

    height: float
    width: float
    y: float
    x: float
    relative: bool = False


@dataclass(frozen=True)
class SizeConditioning:
    """What SDXL is told of a picture (Podell et al. 2023, §2.2), in pixels; None: what fits the picture that is made.

    original: (height, width) of the picture before it was cut to shape. crop: (top, left), where the cut began. target:
    (height, width) of the cut. aesthetic: a score from 0 to 10, which the refiner is told in the target's place.
    """

    original: tuple[int, int] | None = None
    crop: tuple[int, int] = (0, 0)
    target: tuple[int, int] | None = None
    aesthetic: float | None = None


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture that a model is shown beside the noisy latent, as those for inpainting and instruct-pix2pix are.

    samples: float32 [B, C, H, W] in the VAE's own scale; of a small picture to be enlarged, its pixels in -1..1. mask:
    float32 [B, H, W] at any resolution, 1 = repaint; None for a model that takes none. noise: how much is put on a
    small picture before a model that enlarges it sees it, 0..1 of the most that it knows.
    """

    samples: Tensor
    mask: Tensor | None = None
    noise: float = 0.0

    def __post_init__(self) -> None:
        _expect(self.samples, "Shown.samples", "[B, C, H, W]", 4)
        if self.mask is not None:
            _expect(self.mask, "Shown.mask", "[B, H, W]", 3)


@dataclass(frozen=True, eq=False)
class Control:
    """A picture that steers a denoiser through a network of its own.

    picture: float32 [B, 3, H, W], red, green, blue in 0..1. strength: factor of what the network adds. start, end: the
    part of sampling in which it does, as percent of the noise range in 0..1. is_shared: a prompt that guides the other
    way and has no controls of its own is steered by it, too.
    """

    net: ControlNet
    picture: Tensor
    strength: float = 1.0
    start: float = 0.0
    end: float = 1.0
    is_shared: bool = False

    def __post_init__(self) -> None:
        _expect(self.picture, "Control.picture", "[B, 3, H, W]", 4)
        if self.picture.shape[1] != 3:
            raise ValueError(f"Control.picture must be [B, 3, H, W]; got shape {tuple(self.picture.shape)}.")


@dataclass(frozen=True, eq=False)
class ToldPicture:
    """A picture that an unCLIP model is told. embeds: float32 [1, P], CLIP's vector of it. strength: times that. noise:
    how much is added to it, 0..1.
    """

    embeds: Tensor
    strength: float = 1.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        _expect(self.embeds, "ToldPicture.embeds", "[1, P]", 2)


@dataclass(frozen=True, eq=False)
class ConditioningEntry:
    """One encoded prompt and where and when it holds.

    tokens: float32 [B, T, D]. pooled: float32 [B, D] or None. area: None = everywhere. strength: weight where entries
    overlap. mask: float32 [B, H, W] in 0..1 at any resolution, times mask_strength; mask_bounds: compute only in its
    bounding box. start, end: the part of sampling in which it holds, as percent of the noise range in 0..1. size: what
    a model that knows sizes is told; None: those of the picture that is made. shown: a picture for a model that is
    shown one. told: pictures for a model that is told CLIP's vectors of them; classes: float32 [1, C], what it is told,
    made of `told` when a run begins, or the noise level [1, 1] of the picture that it is shown. controls: pictures that
    steer the model through networks of their own; they add up; control_tokens, control_pooled: what those networks read
    in place of tokens and pooled. hooks: changes of the model that hold for this entry alone. is_default: it has a say
    only where the others of its side leave room. extras: what packs add, by name.
    """

    tokens: Tensor
    pooled: Tensor | None = None
    area: Area | None = None
    strength: float = 1.0
    mask: Tensor | None = None
    mask_strength: float = 1.0
    mask_bounds: bool = False
    start: float = 0.0
    end: float = 1.0
    size: SizeConditioning | None = None
    shown: Shown | None = None
    told: tuple[ToldPicture, ...] = ()
    classes: Tensor | None = None
    controls: tuple[Control, ...] = ()
    control_tokens: Tensor | None = None
    control_pooled: Tensor | None = None
    hooks: tuple[Hook, ...] = ()
    is_default: bool = False
    extras: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        _expect(self.tokens, "ConditioningEntry.tokens", "[B, T, D]", 3)
        if self.control_tokens is not None:
            _expect(self.control_tokens, "ConditioningEntry.control_tokens", "[B, T, D]", 3)
        if self.mask is not None:
            _expect(self.mask, "ConditioningEntry.mask", "[B, H, W]", 3)


@dataclass(frozen=True, eq=False)
class Conditioning:
    """What a picture shall show: one or more encoded prompts, combined."""

    wire: ClassVar[str] = "CONDITIONING"
    entries: tuple[ConditioningEntry, ...]


@dataclass(frozen=True)
class WeightFile:
    """A file (or diffusers folder) of weights. path: absolute. digest: of its content; two files with one digest are
    one.

    part: the folder of a diffusers model ("unet", "vae", …); in a single file "", or which of several text encoders is
    meant ("text_encoder", "text_encoder_2"). rounding: number type to which its weights are rounded before they are
    used ("fp8_e4m3fn", "fp8_e5m2"); "": none.
    """

    path: str
    digest: str
    part: str = ""
    rounding: str = ""


@dataclass(frozen=True)
class Model:
    """A denoiser: a recipe, not weights. `weights.lend(model)` makes it compute.

    patches: LoRA and the like, which change its weights, in order. options: what changes how it is asked or what is
    made of its answers, and no weights (`diffusion.model_options`), in order.
    """

    wire: ClassVar[str] = "MODEL"
    family: str
    file: WeightFile
    patches: tuple[object, ...] = ()
    options: tuple[object, ...] = ()

    def with_option(self, option: object) -> Model:
        """The model with one option more, behind those it has."""
        return dataclasses.replace(self, options=(*self.options, option))


@dataclass(frozen=True)
class TextEncoder:
    """Text encoder(s): a recipe. `weights.lend` takes each of `encoders`. last_layer: −1 is the last layer, −2 the one
    before it (CLIP skip); None: the family's own. hooks: changes of it on a schedule, which its conditionings may carry
    to the model.
    """

    wire: ClassVar[str] = "CLIP"
    family: str
    files: tuple[WeightFile, ...]
    last_layer: int | None = None
    patches: tuple[object, ...] = ()
    hooks: TextHooks | None = None

    @property
    def encoders(self) -> tuple[TextEncoder, ...]:
        """A recipe for each encoder alone, in the order in which their states stand side by side."""
        return tuple(dataclasses.replace(self, files=(file,)) for file in self.files)


@dataclass(frozen=True)
class Vae:
    """An autoencoder: a recipe. space: the latent space it speaks, read from its shapes and metadata. encoder: the file
    of what encodes, where `file` has only what decodes, as those of tiny autoencoders.
    """

    wire: ClassVar[str] = "VAE"
    family: str
    file: WeightFile
    space: LatentSpace
    encoder: WeightFile | None = None

    @property
    def encoding(self) -> Vae:
        """What is lent to encode."""
        return self if self.encoder is None else dataclasses.replace(self, file=self.encoder, encoder=None)


@dataclass(frozen=True)
class ClipVision:
    """CLIP's picture encoder: a recipe."""

    wire: ClassVar[str] = "CLIP_VISION"
    file: WeightFile


@dataclass(frozen=True, eq=False)
class ClipVisionOutput:
    """What CLIP sees in pictures, float32. image_embeds: [B, P], one vector a picture, in the space it shares with
    texts. last_hidden, penultimate: [B, 1 + patches, D], states behind the last layer and the one before it, not
    normed; first a token for the whole, then one a patch, row by row.
    """

    wire: ClassVar[str] = "CLIP_VISION_OUTPUT"
    image_embeds: Tensor
    last_hidden: Tensor
    penultimate: Tensor

    def __post_init__(self) -> None:
        _expect(self.image_embeds, "ClipVisionOutput.image_embeds", "[B, P]", 2)
        _expect(self.last_hidden, "ClipVisionOutput.last_hidden", "[B, T, D]", 3)
        _expect(self.penultimate, "ClipVisionOutput.penultimate", "[B, T, D]", 3)


@dataclass(frozen=True)
class StyleModel:
    """What makes tokens beside a text's of a picture (T2I-Adapter's style adapter): a recipe."""

    wire: ClassVar[str] = "STYLE_MODEL"
    file: WeightFile


@dataclass(frozen=True)
class PhotoMaker:
    """What makes a word of a prompt the person on pictures (Li et al. 2023): a recipe."""

    wire: ClassVar[str] = "PHOTOMAKER"
    file: WeightFile


@dataclass(frozen=True)
class IpAdapter:
    """What lets a model attend to pictures beside texts (Ye et al. 2023): a recipe.

    kind: "plain" takes a picture's one vector; "plus" and "full" take the states of its patches.
    """

    wire: ClassVar[str] = "IPADAPTER"
    kind: str
    file: WeightFile


@dataclass(frozen=True)
class ControlNet:
    """A network that steers a denoiser by a picture: a recipe.

    kind: a ControlNet (Zhang et al. 2023), one that knows several tasks ("union"), or a T2I-Adapter (Mou et al. 2023).
    base: the denoiser to whose weights those of the file are differences; None where they are weights. task: which of
    its tasks a union is told, counted from 0; None: none. averaged: what it adds is averaged over the picture, as with
    networks that were trained on shuffled pictures.
    """

    wire: ClassVar[str] = "CONTROL_NET"
    kind: Literal["controlnet", "union", "adapter"]
    file: WeightFile
    base: WeightFile | None = None
    task: int | None = None
    averaged: bool = False


@dataclass(frozen=True)
class DepthModel:
    """A network that sees how far things are on pictures: a recipe. kind: as transformers names it."""

    wire: ClassVar[str] = "DEPTH_MODEL"
    kind: str
    file: WeightFile


@dataclass(frozen=True)
class PoseModel:
    """A network that sees where a person's joints are: a recipe. kind: as transformers names it."""

    wire: ClassVar[str] = "POSE_MODEL"
    kind: str
    file: WeightFile


@dataclass(frozen=True)
class PersonDetector:
    """A network that finds persons on pictures: a recipe. kind: as transformers names it."""

    wire: ClassVar[str] = "PERSON_DETECTOR"
    kind: str
    file: WeightFile


@dataclass(frozen=True)
class SegmentAnythingModel:
    """A network that finds what is at a place of a picture: a recipe. kind: as transformers names it."""

    wire: ClassVar[str] = "SAM_MODEL"
    kind: str
    file: WeightFile


@dataclass(frozen=True)
class UpscaleModel:
    """A network that enlarges pictures: a recipe. architecture: its kind. scale: how many times longer sides get."""

    wire: ClassVar[str] = "UPSCALE_MODEL"
    architecture: str
    file: WeightFile
    scale: int


@dataclass(frozen=True)
class LatentOperation:
    """What can be done with a latent, or with the way guidance goes: one of the kinds below."""

    wire: ClassVar[str] = "LATENT_OPERATION"


@dataclass(frozen=True)
class TonemapReinhard(LatentOperation):
    """Long vectors of channels made shorter. multiplier: times the length that none exceeds."""

    multiplier: float


@dataclass(frozen=True)
class Sharpen(LatentOperation):
    """Directions of channels sharpened. radius: in latent pixels. sigma: of the blur, in radii. alpha: how much."""

    radius: int
    sigma: float
    alpha: float


def size_in_bytes(value: object) -> int:
    """How much memory a value holds: its tensors, and a little for everything else. Shared tensors count each time."""
    size, pending = 0, [value]
    while pending:
        item = pending.pop()
        nbytes = getattr(item, "nbytes", None)
        if isinstance(nbytes, int):
            size += nbytes
        elif isinstance(item, str | bytes):
            size += len(item)
        elif dataclasses.is_dataclass(item) and not isinstance(item, type):
            pending.extend(getattr(item, part.name) for part in dataclasses.fields(item))
        elif isinstance(item, Mapping):
            pending.extend(item.values())
        elif isinstance(item, tuple | list):
            pending.extend(item)
        size += 64
    return size


def describe(value: object) -> str:
    """One line that does not hold on to the value: 'Latent: float32[1, 4, 64, 64]'."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        tensors = [getattr(value, part.name) for part in dataclasses.fields(value)]
        shapes = [_shape(tensor) for tensor in tensors if hasattr(tensor, "nbytes")]
        return f"{type(value).__name__}: {', '.join(shapes)}" if shapes else repr(value)[:120]
    return _shape(value) if hasattr(value, "nbytes") else repr(value)[:120]


def _shape(tensor: object) -> str:
    dtype, shape = getattr(tensor, "dtype", "?"), getattr(tensor, "shape", ())
    return f"{str(dtype).removeprefix('torch.')}{list(shape)}"


def _expect(tensor: Tensor, name: str, axes: str, ndim: int) -> None:
    if tensor.ndim != ndim:
        raise ValueError(f"{name} must be {axes}; got shape {tuple(tensor.shape)}.")
