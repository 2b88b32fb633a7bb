"""Guiders: what a guider's value asks of a network, and the rules by which more than two answers become one."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from diffusion.asking import Backbone
from diffusion.conditioning import showing
from diffusion.guidance import Cfg, Guided, Rule, lay_sides
from diffusion.joins import Answers, joined
from diffusion.sampling_values import BasicGuider, CfgGuider, DualCfgGuider, Guider, PerpNegGuider
from diffusion.values import Conditioning, Shown


@dataclass(frozen=True)
class Plain:
    """The only side's answer. options: of the model; some of them change it."""

    options: tuple[object, ...] = ()

    alone = True

    def __call__(self, x: Tensor, sigma: Tensor, answers: Sequence[Tensor]) -> Tensor:
        """answers: the one."""
        (answer,) = answers
        return joined(Answers(x, sigma, answer, answer, 1.0), self.options) if self.options else answer


@dataclass(frozen=True)
class DualCfg:
    """Two scales: negative + cfg_second · (second − negative) + cfg_first · (first − second).

    Brooks et al. 2023, "InstructPix2Pix", eq. 3, with a picture as the second and picture and text as the first side.
    nested: negative + cfg_second · (second + cfg_first · (first − second) − negative). options: of the model; they
    change the way from the negative side, or, nested, the inner one.
    """

    cfg_first: float
    cfg_second: float
    nested: bool
    options: tuple[object, ...] = ()

    alone = False

    def __call__(self, x: Tensor, sigma: Tensor, answers: Sequence[Tensor]) -> Tensor:
        """answers: first, second, negative."""
        first, second, negative = answers
        if self.nested:
            inner = joined(Answers(x, sigma, first, second, self.cfg_first), self.options)
            return negative + self.cfg_second * (inner - negative)
        outer = joined(Answers(x, sigma, second, negative, self.cfg_second), self.options)
        return outer + self.cfg_first * (first - second)


@dataclass(frozen=True)
class PerpNeg:
    """empty + cfg · (p − neg_scale · (n − (n·p / p·p) · p)), with p and n the ways from empty to positive and negative.

    Armandpour et al. 2023, "Re-imagine the Negative Prompt Algorithm": only what of the negative prompt is
    perpendicular to the positive one is taken away. The products are sums over each item.
    """

    cfg: float
    neg_scale: float

    alone = False

    def __call__(self, x: Tensor, sigma: Tensor, answers: Sequence[Tensor]) -> Tensor:
        """answers: positive, empty, negative."""
        del x, sigma
        positive, empty, negative = answers
        wanted, unwanted = positive - empty, negative - empty
        axes = tuple(range(1, empty.ndim))
        along = (unwanted * wanted).sum(axes, keepdim=True) / wanted.square().sum(axes, keepdim=True).clamp(min=1e-20)
        return empty + self.cfg * (wanted - self.neg_scale * (unwanted - along * wanted))


def denoiser_of(guider: Guider, network: Backbone, shape: Sequence[int], shown: Shown | None = None) -> Guided:
    """The network of the guider's model, guided as it says, for latents of `shape` [B, C, H, W].

    shown: to a model that is shown pictures, where a conditioning shows it none. Raises ValueError as `lay_sides` does,
    and TypeError for a guider of another kind.
    """
    sides, rule = _sides(guider)
    if shown is not None:
        sides = tuple(showing(side, shown, anew=False) for side in sides)
    return lay_sides(network, sides, rule, shape)


def _sides(guider: Guider) -> tuple[tuple[Conditioning, ...], Rule]:
    options = guider.model.options
    match guider:
        case BasicGuider():
            return (guider.conditioning,), Plain(options)
        case CfgGuider():
            return (guider.positive, guider.negative), Cfg(guider.cfg, options)
        case DualCfgGuider():
            rule = DualCfg(guider.cfg_first, guider.cfg_second, guider.style == "nested", options)
            return (guider.first, guider.second, guider.negative), rule
        case PerpNegGuider():
            rule = PerpNeg(guider.cfg, guider.neg_scale)
            return (guider.positive, guider.empty, guider.negative), rule
    raise TypeError(f"There is no guider of the class {type(guider).__name__}. Use one of diffusion.sampling_values.")
