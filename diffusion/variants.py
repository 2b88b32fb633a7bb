"""The networks of one model under patches that come and go: those that hooks lay over it at each noise level."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from diffusion.hooking import laid
from diffusion.hooks import Patches
from diffusion.services import Weights
from diffusion.values import Model

if TYPE_CHECKING:
    from diffusion.asking import Backbone


class Variants:
    """Lends a model under further patches. Under LoRA its networks share the model's weights."""

    def __init__(self, model: Model, weights: Weights) -> None:
        self._model = model
        self._weights = weights
        self._lent: dict[Patches, tuple[Backbone, ExitStack]] = {}

    def under(self, wanted: Collection[Patches]) -> Mapping[Patches, Backbone]:
        """A network for each of these lists of patches, which come behind the model's own.

        It stays the same while it is wanted each time; what is not wanted now is given back before others are lent.
        """
        for patches in [each for each in self._lent if each not in wanted]:
            self._lent.pop(patches)[1].close()
        for patches in wanted:
            if patches not in self._lent:
                self._lent[patches] = self._lend(patches)
        return {patches: self._lent[patches][0] for patches in wanted}

    def close(self) -> None:
        """Give all of them back."""
        self.under(())

    def _lend(self, patches: Patches) -> tuple[Backbone, ExitStack]:
        loan = ExitStack()
        recipe = replace(self._model, patches=laid(self._model.patches, patches))
        return loan.enter_context(self._weights.lend(recipe)), loan
