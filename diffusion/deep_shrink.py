"""Deep shrink: the early noise levels of a large picture, computed as a small one inside the network.

Known by its author's name, Kohya (2023): a model trained on small pictures keeps its sense of the whole.
"""

from torch import Tensor

from diffusion.changes import Call, Change, Place
from diffusion.model_options import DeepShrink
from diffusion.resize import resize


class Shrinking(Change):
    """What leaves an input layer, made smaller; what joins a larger skip, made as large. begin, end: it holds at noise
    levels begin ≥ sigma ≥ end.
    """

    def __init__(self, option: DeepShrink, begin: float, end: float) -> None:
        self._option = option
        self._begin, self._end = begin, end

    def entered(self, hidden: Tensor, place: Place, call: Call) -> Tensor:
        """Smaller already in the skip, unless only what goes on is to be."""
        return hidden if self._option.after_skip else self._shrunk(hidden, place, call)

    def passed(self, hidden: Tensor, place: Place, call: Call) -> Tensor:
        """Smaller, if the skip keeps its size."""
        return self._shrunk(hidden, place, call) if self._option.after_skip else hidden

    def joining(self, hidden: Tensor, skip: Tensor, place: Place, call: Call) -> tuple[Tensor, Tensor]:
        """As large as the skip."""
        del place, call
        return _resized(hidden, skip.shape[2], skip.shape[3], self._option.up), skip

    def _shrunk(self, hidden: Tensor, place: Place, call: Call) -> Tensor:
        here = (place.stage, place.number) == ("input", self._option.layer)
        if not here or not self._end <= call.context.sigma <= self._begin:
            return hidden
        height, width = (max(1, round(side / self._option.factor)) for side in hidden.shape[2:])
        return _resized(hidden, height, width, self._option.down)


def _resized(hidden: Tensor, height: int, width: int, method: str) -> Tensor:
    """In float32: angles between vectors that are nearly parallel have no bits left in half precision."""
    if hidden.shape[2:] == (height, width):
        return hidden
    return resize(hidden.float(), height, width, method).to(hidden.dtype)
