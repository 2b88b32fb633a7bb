"""What a plan says of the memory that its run will take: which files it computes with, and how large pictures are."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from diffusion.forecast import Drawn
from graph.plan import Plan
from graph.work import Work

if TYPE_CHECKING:
    from diffusion.memory import Weights

DENOISERS = frozenset({"checkpoints", "diffusion_models"})
"""Folders whose files hold a U-Net."""

SIDES = frozenset({"width", "height"})

ALWAYS = 2
"""A picture is asked about twice: under its prompt, and under the negative one."""


def foreseen(planned: Plan, weights: "Weights") -> tuple[str, ...]:
    """What a person should know before the run, in sentences. Loads no torch that `weights` has not loaded."""
    runs = {step.work.node for step in planned.steps if step.action != "reuse"}
    computing = {node for node in runs if "weights" in planned.works[node].kind.spec.services}
    # A loader whose recipe is in the cache is asked for its weights all the same.
    works = [planned.works[node] for node in _before(computing, planned.works)]
    files = {
        file.path: file.digest
        for work in works
        for name, found in work.files.items()
        if work.kind.sources[name] in DENOISERS
        for file in found
    }
    return tuple(weights.foresee(list(files.items()), _drawn(works)))


def _before(nodes: set[str], works: Mapping[str, Work]) -> list[str]:
    """These nodes, and all that they are made from."""
    found, waiting = dict.fromkeys(nodes), list(nodes)
    while waiting:
        for _, source, _, _ in works[waiting.pop()].links:
            if source not in found:
                found[source] = None
                waiting.append(source)
    return list(found)


def _drawn(works: list[Work]) -> Drawn | None:
    """The largest empty latent that something is made from."""
    drawn = [
        Drawn(work.arguments["width"], work.arguments["height"], ALWAYS * work.arguments.get("batch_size", 1))
        for work in works
        if work.kind.spec.type.startswith("Empty")
        and all(type(work.arguments.get(side)) is int for side in SIDES)
        and type(work.arguments.get("batch_size", 1)) is int
    ]
    return max(drawn, key=lambda one: one.width * one.height * one.rows, default=None)
