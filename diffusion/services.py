"""What the engine lends to nodes, as types that need no torch."""

from contextlib import AbstractContextManager
from typing import Any, Protocol


class Weights(Protocol):
    """Lends weights for computing. `diffusion.memory.Weights` is the one that exists."""

    def lend(self, recipe: Any) -> AbstractContextManager[Any]:
        """Lend what a `Model`, `TextEncoder`, `Vae` or `UpscaleModel` describes, inside a `with` block."""
        ...
