"""What a sampling run needs besides the model's own network, lent for the whole run: the networks of its controls,
and those under the hooks of its conditionings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from diffusion import checkpoint
from diffusion.conditioning import require_fit
from diffusion.hooking import hooks_of, require_hooks
from diffusion.model_options import PicturePrompt
from diffusion.services import Weights
from diffusion.values import Conditioning, ControlNet, Model
from diffusion.variants import Variants

if TYPE_CHECKING:
    from diffusion.asking import Backbone
    from diffusion.changes import Change
    from diffusion.controlling import Steerer


@dataclass(frozen=True, eq=False)
class Equipment:
    """What is lent beside a network. controls: what computes with each control network that the conditionings name.
    variants: lends the network under patches of hooks; None where the conditionings have no hooks. changes: of the way
    through the network by pictures that the model is prompted with.
    """

    controls: Mapping[ControlNet, Steerer] = field(default_factory=lambda: MappingProxyType({}))
    variants: Variants | None = None
    changes: tuple[Change, ...] = ()


@contextmanager
def equipped(model: Model, conditionings: Sequence[Conditioning], weights: Weights) -> Iterator[Backbone]:
    """Lend a model's network, and all networks that the conditionings name, for a whole run: a `Network` that knows its
    `equipment`.

    Raises WeightFileError, before any weights are read, for a control network or a hook that does not fit the model,
    and ValueError for a conditioning that does not.
    """
    nets = tuple(dict.fromkeys(net for given in conditionings for net in control_nets(given)))
    if nets:
        from diffusion.families.controlnet import check_fit

        for net in nets:
            check_fit(net, model)
    hooks = hooks_of(conditionings)
    require_hooks(hooks, model)
    with ExitStack() as stack:
        network = stack.enter_context(weights.lend(model))
        require_fit(conditionings, model, network.inputs.tokens)
        controls = {net: stack.enter_context(steering(net, model, weights)) for net in nets}
        variants = stack.enter_context(closing(Variants(model, weights))) if hooks else None
        network.equipment = Equipment(controls, variants, _pictured(model, weights, network))
        yield network


@contextmanager
def steering(net: ControlNet, model: Model, weights: Weights) -> Iterator[Steerer]:
    """Lend a control network for steering a model that it fits."""
    with weights.lend(net) as lent:
        yield lent.under(checkpoint.component(model.file, "unet").config) if net.kind == "adapter" else lent


def _pictured(model: Model, weights: Weights, network: Backbone) -> tuple[Change, ...]:
    if not any(isinstance(option, PicturePrompt) for option in model.options):
        return ()
    from diffusion.picture_prompts import attentions

    return attentions(model, weights, network.prediction.percent_to_sigma)


def control_nets(conditioning: Conditioning) -> Iterator[ControlNet]:
    """The control networks that a conditioning names, in order; one may come several times."""
    return (control.net for entry in conditioning.entries for control in entry.controls)
