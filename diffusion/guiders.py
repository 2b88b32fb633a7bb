"""Guiders: what a guider's value asks of a network, and the rules by which more than two answers become one."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from diffusion.asking import Backbone
from diffusion.conditioning import enlarged, showing
from diffusion.enlarging import noised
from diffusion.guidance import Asked, Cfg, Guided, Rule, lay_sides
from diffusion.joins import changed, joined
from diffusion.model_options import PerpendicularGuidance
from diffusion.sampling_values import BasicGuider, CfgGuider, DualCfgGuider, Guider, PerpNegGuider
from diffusion.unclip import settled
from diffusion.values import Conditioning, Shown


@dataclass(frozen=True)
class Plain:
    """The only side's answer, or what options of the model make of it."""

    alone = True

    def __call__(self, asked: Asked) -> Tensor:
        """Of the one side."""
        return joined(asked.between(0, 0, 1.0), asked.options) if asked.options else asked.sides[0].denoised


@dataclass(frozen=True)
class DualCfg:
    """Two scales: negative + cfg_second · (second − negative) + cfg_first · (first − second).

    Brooks et al. 2023, "InstructPix2Pix", eq. 3, with a picture as the second and picture and text as the first side.
    nested: negative + cfg_second · (second + cfg_first · (first − second) − negative). Options of the model change the
    way from the negative side, or, nested, the inner one.
    """

    cfg_first: float
    cfg_second: float
    nested: bool

    alone = False

    def __call__(self, asked: Asked) -> Tensor:
        """Of the sides first, second, negative."""
        first, second, negative = (side.denoised for side in asked.sides)
        if self.nested:
            inner = joined(asked.between(0, 1, self.cfg_first), asked.options)
            return negative + self.cfg_second * (inner - negative)
        outer = joined(asked.between(1, 2, self.cfg_second), asked.options)
        return outer + self.cfg_first * (first - second)


@dataclass(frozen=True)
class PerpNeg:
    """empty + cfg · (p − neg_scale · (n − (n·p / p·p) · p)), with p and n the ways from empty to positive and negative.

    Armandpour et al. 2023, "Re-imagine the Negative Prompt Algorithm": only what of the negative prompt is
    perpendicular to the positive one is taken away. The products are sums over each item. Options of the model that
    change the formula make no difference; those that change its result do.
    """

    cfg: float
    neg_scale: float

    alone = False

    def __call__(self, asked: Asked) -> Tensor:
        """Of the sides positive, empty, negative."""
        positive, empty, negative = (side.denoised for side in asked.sides)
        wanted, unwanted = positive - empty, negative - empty
        axes = tuple(range(1, empty.ndim))
        along = (unwanted * wanted).sum(axes, keepdim=True) / wanted.square().sum(axes, keepdim=True).clamp(min=1e-20)
        result = empty + self.cfg * (wanted - self.neg_scale * (unwanted - along * wanted))
        return changed(asked.between(0, 2, self.cfg), asked.options, result)


def denoiser_of(
    guider: Guider,
    network: Backbone,
    shape: Sequence[int],
    shown: Shown | None = None,
    seed: int = 0,
    begun: Sequence[int] | None = None,
) -> Guided:
    """The network of the guider's model, guided as it says, for latents of `shape` [B, C, H, W].

    shown: to a model that is shown pictures, where a conditioning shows it none. seed: of the run, for the noise on
    pictures that a model is told, or that it enlarges. begun: the shape of the latent that the run began with, where it
    has grown since. Raises ValueError as `lay_sides` does, and TypeError for a guider of another kind.
    """
    sides, rule = _sides(guider)
    if begun is not None:
        sides = tuple(enlarged(side, shape[2] / begun[2], shape[3] / begun[3]) for side in sides)
    sides = tuple(settled(side, network.inputs.classes, guider.model, seed) for side in sides)
    if shown is not None:
        sides = tuple(showing(side, shown, anew=False) for side in sides)
    sides = tuple(noised(side, network.inputs, shape, guider.model, seed) for side in sides)
    return lay_sides(network, sides, rule, shape, guider.model.options)


def conditionings_of(guider: Guider) -> tuple[Conditioning, ...]:
    """What a guider asks about, the negative side last."""
    return _sides(guider)[0]


def _sides(guider: Guider) -> tuple[tuple[Conditioning, ...], Rule]:
    match guider:
        case BasicGuider():
            return (guider.conditioning,), Plain()
        case CfgGuider():
            found = [option for option in guider.model.options if isinstance(option, PerpendicularGuidance)]
            if found:
                rule = PerpNeg(guider.cfg, found[-1].neg_scale)
                return (guider.positive, found[-1].empty, guider.negative), rule
            return (guider.positive, guider.negative), Cfg(guider.cfg)
        case DualCfgGuider():
            rule = DualCfg(guider.cfg_first, guider.cfg_second, guider.style == "nested")
            return (guider.first, guider.second, guider.negative), rule
        case PerpNegGuider():
            rule = PerpNeg(guider.cfg, guider.neg_scale)
            return (guider.positive, guider.empty, guider.negative), rule
    raise TypeError(f"There is no guider of the class {type(guider).__name__}. Use one of diffusion.sampling_values.")
