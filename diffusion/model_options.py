"""What can be set on a model besides changed weights: how it is asked, and what is made of its answers. Loads no torch.

They stand in `Model.options`, in the order in which they were set, and do not change which weights are in memory. What
they do is in `diffusion.predictions` (what an answer means), `diffusion.joins` (how two become one),
`diffusion.changing` (what happens inside the network), `diffusion.inpainting` (what is kept), `diffusion.noise` (what
is drawn) and `diffusion.lending` (in which number type and with which code it computes).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from diffusion.values import Conditioning, IpAdapter, LatentOperation, WeightFile

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DiscreteSampling:
    """What the network's answer means, over the family's table of noise levels.

    predicts: the noise ("eps"), the velocity ("v_prediction"), the picture ("x0"), the picture from an unscaled one
    ("img_to_img"), or noise by a network distilled for few steps ("lcm"). zsnr: the table ends in noise alone.
    """

    predicts: Literal["eps", "v_prediction", "lcm", "x0", "img_to_img"]
    zsnr: bool = False


@dataclass(frozen=True)
class ContinuousSampling:
    """What the network's answer means, over all noise levels from sigma_min to sigma_max.

    told: of a level the network is told log(sigma) / 4 ("log"), or atan(sigma) · 2 / π ("angle").
    """

    predicts: Literal["v_prediction", "edm", "eps"]
    sigma_max: float
    sigma_min: float
    told: Literal["log", "angle"] = "log"


@dataclass(frozen=True)
class RescaledGuidance:
    """Guidance whose contrast is brought back towards that of the positive answer. multiplier: 0: not, 1: wholly."""

    multiplier: float


@dataclass(frozen=True)
class ZeroStarGuidance:
    """Guidance from the negative answer scaled to fit the positive one (CFG-Zero*)."""


@dataclass(frozen=True)
class NormedGuidance:
    """Guidance whose pixels are no longer vectors than those of the positive answer. strength: times the result."""

    strength: float


@dataclass(frozen=True)
class TangentialGuidance:
    """Guidance from what of the negative direction both directions share (tangential damping)."""


@dataclass(frozen=True)
class ProjectedGuidance:
    """Guidance split into what is parallel to the positive answer, times `eta`, and what is perpendicular to it (APG).

    norm_threshold: the length above which it is cut, over an item; 0: never. momentum: how much of the guidance before
    it carries on; below 0 it is taken away.
    """

    eta: float
    norm_threshold: float
    momentum: float


@dataclass(frozen=True)
class FrequencyGuidance:
    """Guidance whose low frequencies are scaled by `low` and the others by `high` (FreSca).

    cutoff: how many frequencies from the lowest one, along each side, are low.
    """

    low: float
    high: float
    cutoff: int


@dataclass(frozen=True)
class RenormedGuidance:
    """Guidance whose answer is no longer, over an item, than `longest` times the positive one; 0: of any length.

    below: noise levels from this one on are not guided.
    """

    below: float
    longest: float


@dataclass(frozen=True)
class MahiroGuidance:
    """Guidance that leans towards the positive answer alone, the less the negative one resembles it."""


@dataclass(frozen=True)
class OperatedGuidance:
    """Guidance whose way from the negative to the positive answer an operation on latents has changed."""

    operation: LatentOperation


@dataclass(frozen=True, eq=False)
class PerpendicularGuidance:
    """Guidance away from what of the negative side is not in the positive one. empty: the conditioning of no text."""

    empty: Conditioning
    neg_scale: float


@dataclass(frozen=True)
class PerturbedAttention:
    """Guidance, `scale` strong, away from the positive answer of a network that attends to nothing in its middle."""

    scale: float


@dataclass(frozen=True)
class SelfAttentionGuidance:
    """Guidance, `scale` strong, away from a picture blurred where self-attention looks. blur: sigma, in pixels."""

    scale: float
    blur: float


@dataclass(frozen=True)
class FreeU:
    """Backbone features scaled up, low frequencies of skips scaled down: b1, s1: where the network is four times as
    wide as at its entrance; b2, s2: where twice.

    by_content: half the features are scaled as strongly as the mean feature is there (version 2), not all alike.
    """

    b1: float
    b2: float
    s1: float
    s2: float
    by_content: bool = False


@dataclass(frozen=True)
class DeepShrink:
    """The latent made smaller by `factor` from an input layer on, and larger again where skips are larger.

    layer: counted as the original checkpoints do. start, end: the part of sampling, in 0..1. after_skip: what is kept
    for the skip keeps its size. down, up: methods of `diffusion.resize.resize`.
    """

    layer: int
    factor: float
    start: float
    end: float
    after_skip: bool
    down: str
    up: str


@dataclass(frozen=True)
class HyperTile:
    """Self-attention within tiles. tile: their least side, in picture pixels. swaps: among how many sizes they change.

    depth: how often the latent may be halved for its layers to be tiled. scaled: tiles are larger in deeper layers.
    """

    tile: int
    swaps: int
    depth: int
    scaled: bool


@dataclass(frozen=True)
class TokenMerging:
    """Self-attention asked by fewer pixels: `ratio` of them are merged into others that are like them."""

    ratio: float


@dataclass(frozen=True)
class Hypernetwork:
    """What attention makes keys and values of, changed by the networks in a file, `strength` times."""

    file: WeightFile
    strength: float


@dataclass(frozen=True)
class ScaledNoise:
    """The noise that is taken out in a step, divided by `factor`."""

    factor: float


@dataclass(frozen=True)
class TiledSampling:
    """The network is shown one tile of the latent after another, and its answers are averaged (`tiled_sampling`).

    width, height, overlap: of tiles, in picture pixels. weighting: tiles count alike ("even"), or the less the farther
    from their middle ("gaussian"). at_once: how many tiles share a call.
    """

    width: int
    height: int
    overlap: int
    weighting: Literal["even", "gaussian"] = "even"
    at_once: int = 4


@dataclass(frozen=True)
class DifferentialMask:
    """A soft noise mask says from when on each pixel is repainted. strength: 0: it mixes as usual, 1: this alone."""

    strength: float = 1.0


@dataclass(frozen=True)
class NoiseSource:
    """Which generator draws noise: torch's on the CPU ("cpu"), or, computed anywhere, that on CUDA cards ("cuda").

    initial: of the noise a run begins with. steps: of what samplers add in each step.
    """

    initial: Literal["cpu", "cuda"] = "cpu"
    steps: Literal["cpu", "cuda"] = "cpu"


@dataclass(frozen=True)
class ForeseenAnswers:
    """Answers made of earlier ones, where they are foreseen to have changed by less than a share (`diffusion.reuse`).

    level: those of the network to each conditioning ("network"), or the guided ones ("guidance"). threshold: the share,
    added up since the last true answer. start, end: the part of sampling in which it holds, 0..1. verbose: how many
    were foreseen is told.
    """

    level: Literal["network", "guidance"]
    threshold: float
    start: float
    end: float
    verbose: bool = False


@dataclass(frozen=True)
class ComputeType:
    """The number type in which the network computes; None: that of all others."""

    precision: Literal["fp32", "bf16", "fp16"] | None


@dataclass(frozen=True)
class CompiledNetwork:
    """The network computes with code that torch.compile makes for it. backend: which of torch's makes it."""

    backend: str


@dataclass(frozen=True, eq=False)
class PicturePrompt:
    """Pictures to which the network attends beside the text (`diffusion.picture_prompts`).

    wanted, unwanted: what CLIP saw in those for the positive and for the negative side of guidance, vectors [N, P] or
    states [N, T, D], float32, as the adapter takes them. weight: of what attention makes of them. weight_type: how the
    layers share it. scales_keys: the weight scales keys and values instead. start, end: the part of sampling in which
    they hold, 0..1. mask: where, float32 [B, H, W] in 0..1 at any resolution; None: everywhere.
    """

    adapter: IpAdapter
    wanted: Tensor
    unwanted: Tensor
    weight: float = 1.0
    weight_type: str = "linear"
    scales_keys: bool = False
    start: float = 0.0
    end: float = 1.0
    mask: Tensor | None = None


OPTIONS: tuple[type, ...] = (
    DiscreteSampling,
    ContinuousSampling,
    RescaledGuidance,
    ZeroStarGuidance,
    NormedGuidance,
    TangentialGuidance,
    ProjectedGuidance,
    FrequencyGuidance,
    RenormedGuidance,
    MahiroGuidance,
    OperatedGuidance,
    PerpendicularGuidance,
    PerturbedAttention,
    SelfAttentionGuidance,
    FreeU,
    DeepShrink,
    HyperTile,
    TokenMerging,
    Hypernetwork,
    ScaledNoise,
    TiledSampling,
    DifferentialMask,
    NoiseSource,
    ForeseenAnswers,
    ComputeType,
    CompiledNetwork,
    PicturePrompt,
)
"""All of them."""
