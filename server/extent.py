"""How much a run asks for, as far as its document tells: pixels, steps, batch.

batch: the largest `batch_size` of any node, times every `amount`. pixels: the largest `width` × `height` any node asks
for, or the largest picture it loads, times the square of every `scale_by` above 1, times the batch. steps: all `steps`
together. This is more than the run needs where nodes do not build on each other, and never less but for loops and
nodes of packs that make more of what they get.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, prod

from graph.catalogue import Catalogue
from graph.document import Workflow
from graph.flat import Flat, FlatNode, flatten

DEPTH = 20
"""Links followed to the number at their beginning, at most."""


@dataclass(frozen=True)
class Extent:
    """What a run asks for. unclear: "node.input" of the numbers that only the run itself will know, by what they count
    to.
    """

    pixels: int
    steps: int
    batch: int
    unclear: dict[str, str]

    def with_pictures(self, pixels: int, frames: int) -> "Extent":
        """The same where pictures are loaded: the pixels of the largest, the frames of the longest."""
        batch = self.batch * max(frames, 1)
        return Extent(max(self.pixels // max(self.batch, 1), pixels) * batch, self.steps, batch, self.unclear)


def extent_of(workflow: Workflow, catalogue: Catalogue) -> Extent:
    """What a workflow asks for with the settings it has. Raises InvalidWorkflow where it has no end."""
    numbers = _Numbers(flatten(workflow, catalogue), catalogue)
    areas = [width * height for width, height in numbers.of("pixels", "width", "height")]
    scales = [max(scale, 1.0) ** 2 for (scale,) in numbers.of("pixels", "scale_by")]
    sizes = [size for (size,) in numbers.of("batch", "batch_size")]
    amounts = [max(amount, 1) for (amount,) in numbers.of("batch", "amount")]
    steps = [steps for (steps,) in numbers.of("steps", "steps")]
    batch = ceil(max(sizes, default=1)) * ceil(prod(amounts))
    pixels = ceil(max(areas, default=0) * prod(scales)) * batch
    return Extent(pixels, ceil(sum(steps)), batch, numbers.unclear)


class _Numbers:
    """The numbers that inputs hold, links to a node that only holds one followed."""

    def __init__(self, flat: Flat, catalogue: Catalogue) -> None:
        self.unclear: dict[str, str] = {}
        self._flat = flat
        self._catalogue = catalogue

    def of(self, what: str, *names: str) -> Iterator[tuple[float, ...]]:
        """For each node that has number inputs of all these names: what they hold. what: it counts to."""
        for node in self._flat.values():
            if all(self._is_number(node, name) for name in names):
                found = [self._number(node, name) for name in names]
                for name, number in zip(names, found, strict=True):
                    if number is None:
                        self.unclear[f"{node.id}.{name}"] = what
                yield tuple(number or 0 for number in found)

    def _is_number(self, node: FlatNode, name: str) -> bool:
        spec = self._catalogue.spec(node.type)
        item = spec.input(name) if spec is not None else None
        wanted = "FLOAT" if name == "scale_by" else "INT"
        return item is not None and wanted in item.type.split(",")

    def _number(self, node: FlatNode, name: str) -> float | None:
        for _ in range(DEPTH):
            if name not in node.links:
                spec = self._catalogue.spec(node.type)
                item = spec.input(name) if spec is not None else None
                value = node.settings.get(name, item.default if item is not None else None)
                return value if type(value) in (int, float) else None
            origin = self._flat.get(node.links[name][0])
            spec = self._catalogue.spec(origin.type) if origin is not None else None
            if origin is None or spec is None or [item.name for item in spec.inputs] != ["value"]:
                return None
            node, name = origin, "value"
        return None
