"""Which changes of the way through a network the options of a model mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from diffusion.changes import Change
from diffusion.deep_shrink import Shrinking
from diffusion.free_u import FreeLunch
from diffusion.hypernetworks import heeding
from diffusion.model_options import DeepShrink, FreeU, Hypernetwork, HyperTile, TokenMerging
from diffusion.tiled_attention import Tiled
from diffusion.token_merging import Merged

if TYPE_CHECKING:
    from diffusion.asking import Backbone


@dataclass(frozen=True)
class Layout:
    """What of a U-Net its changes go by.

    widths: channels of each of its levels, from the latent's own size down. inputs: how many input layers it has, as
    the original checkpoints number them. attends: at which levels it attends to the picture.
    """

    widths: tuple[int, ...]
    inputs: int
    attends: tuple[int, ...]

    @classmethod
    def of(cls, config: Any) -> Layout:
        """That of a `UNet2DConditionModel`'s configuration."""
        blocks, layers = len(config.block_out_channels), config.layers_per_block
        resnets = blocks * layers if isinstance(layers, int) else sum(layers)
        attends = tuple(level for level, kind in enumerate(config.down_block_types) if "Attn" in kind)
        return cls(tuple(config.block_out_channels), 1 + resnets + blocks - 1, attends)


def changes_of(options: tuple[object, ...], network: Backbone) -> tuple[Change, ...]:
    """The changes that options mean for a network, in their order; of attention, the first one is outermost.

    Raises ValueError for an option that the network has no place for; one that changes nothing in it is noted.
    """
    return tuple(CHANGING[type(option)](option, network) for option in options if type(option) in CHANGING)


def _free_u(option: FreeU, network: Backbone) -> Change:
    widths = network.layout.widths
    if not {2 * widths[0], 4 * widths[0]} & set(widths):
        network.note(
            f"FreeU changes nothing in this model: none of its levels is two or four times as wide as the first one "
            f"(their widths are {', '.join(map(str, widths))})."
        )
    return FreeLunch(option, widths[0])


def _deep_shrink(option: DeepShrink, network: Backbone) -> Change:
    last = network.layout.inputs - 1
    if option.layer > last:
        raise ValueError(
            f"PatchModelAddDownscale: block_number is {option.layer}, but the input layers of this model are numbered "
            f"0 to {last}. Choose at most {last}."
        )
    level = network.prediction.percent_to_sigma
    return Shrinking(option, level(option.start), level(option.end))


def _hyper_tile(option: HyperTile, network: Backbone) -> Change:
    first = min(network.layout.attends, default=None)
    if first is not None and first > option.depth:
        network.note(
            f"HyperTile changes nothing in this model: it attends to the picture only where that is halved {first} "
            f"times or more. Set max_depth to {first}."
        )
    return Tiled(option, network.space.factor)


def _token_merging(option: TokenMerging, network: Backbone) -> Change:
    if 0 not in network.layout.attends:
        network.note(
            "TomePatchModel changes nothing in this model: it merges pixels of the latent's own size, and there the "
            "model does not attend to the picture. Leave it out."
        )
    return Merged(option)


def _hypernetwork(option: Hypernetwork, network: Backbone) -> Change:
    del network
    return heeding(option)


CHANGING: Mapping[type, Callable[[Any, Backbone], Change]] = MappingProxyType(
    {
        FreeU: _free_u,
        DeepShrink: _deep_shrink,
        HyperTile: _hyper_tile,
        TokenMerging: _token_merging,
        Hypernetwork: _hypernetwork,
    }
)
"""Options that change what happens inside a network."""
