"""What stands in for the output of a bypassed node, by the rule of ComfyUI's editor.

`graph.flat.passed_through` is ours. The two agree wherever an input of the output's own type is linked. They differ
where theirs sees only sockets and links while ours sees settings and defaults too, and on `*`.
"""

from collections.abc import Sequence

from graph.comfyui.editor import EditorSlot
from graph.flat import passed_through
from graph.settings import takes_settings
from graph.spec import ANY, NodeSpec


class Bypass:
    """The inputs of a bypassed node."""

    def __init__(self, inputs: Sequence[EditorSlot]) -> None:
        self._inputs = inputs
        self._linked = {slot.name for slot in inputs if slot.link is not None}
        self._elsewhere: dict[tuple[str, str], EditorSlot | None] = {}

    def standing_in(self, given: str, slot: int, wanted: str) -> EditorSlot | None:
        """The input that stands for output number `slot` of type `given`, for a link to an input of type `wanted`.

        For `*`: the input in the same place, else the first. Else the input in the same place if its type joins with
        both; else the first of exactly the wanted type; else the first that joins with both.
        """
        same = self._inputs[slot] if slot < len(self._inputs) else None
        if wanted == ANY:
            return same or (self._inputs[0] if self._inputs else None)
        if same is not None and _joins(same.type, given) and _joins(same.type, wanted):
            return same
        if (given, wanted) not in self._elsewhere:
            exact = (item for item in self._inputs if item.type == wanted)
            close = (item for item in self._inputs if _joins(item.type, given) and _joins(item.type, wanted))
            self._elsewhere[given, wanted] = next(exact, None) or next(close, None)
        return self._elsewhere[given, wanted]

    def agrees(self, spec: NodeSpec, slot: int, wanted: str, theirs: EditorSlot | None) -> bool:
        """Whether our engine bypasses a node of this type by way of the same input."""
        if slot >= len(spec.outputs):
            return False
        ours = passed_through(spec, spec.outputs[slot].name, wanted)
        if theirs is not None and theirs.link is not None:
            return ours is not None and ours.name == theirs.name
        return ours is None or (ours.name not in self._linked and not takes_settings(ours))


def _joins(one: str, other: str) -> bool:
    """Whether their editor lets a link of one type end at another."""
    one, other = one.lower(), other.lower()
    return one == other or ANY in (one, other) or not set(one.split(",")).isdisjoint(other.split(","))
