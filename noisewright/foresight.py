"""What a plan says of the memory that its run will take: which files it computes with, and how large pictures are."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from diffusion.forecast import Drawn, Needed
from graph.plan import Plan
from graph.work import Work

if TYPE_CHECKING:
    from diffusion.memory import Weights

FOLDERS: Mapping[str, frozenset[str]] = MappingProxyType({
    "MODEL": frozenset({"checkpoints", "diffusion_models"}),
    "CLIP": frozenset({"checkpoints", "text_encoders"}),
    "VAE": frozenset({"checkpoints", "vae"}),
    "CLIP_VISION": frozenset({"checkpoints", "clip_vision"}),
    "CONTROL_NET": frozenset({"controlnet"}),
    "UPSCALE_MODEL": frozenset({"upscale_models"}),
    "IPADAPTER": frozenset({"ipadapter"}),
    "STYLE_MODEL": frozenset({"style_models"}),
    "PHOTOMAKER": frozenset({"photomaker"}),
})  # fmt: skip
"""What a link may bring, and the folders of files that hold it."""

SAMPLES = frozenset({"MODEL", "GUIDER"})
"""What a node takes that samples: its latents have the size of those it is given."""

SIDES = frozenset({"width", "height"})

ALWAYS = 2
"""A picture is asked about twice: under its prompt, and under the negative one."""


def foreseen(planned: Plan, weights: "Weights") -> tuple[str, ...]:
    """What a person should know before the run, in sentences. Loads no torch that `weights` has not loaded."""
    works, runs = planned.works, {step.work.node for step in planned.steps if step.action != "reuse"}
    lent = {node for node, work in works.items() if "weights" in work.kind.spec.services}
    taken = _taken(works, [node for node in works if node in runs & lent], lent - runs)
    decoded = _decoded(works, runs & lent)
    needed = [
        Needed(wire, files, decoded.get(node) if wire == "VAE" else None)
        for wire, folders in FOLDERS.items()
        for node, brought in taken
        if brought == wire and (files := files_of(works[node], folders))
    ]
    nodes = dict.fromkeys(node for node, _ in taken)
    return tuple(weights.foresee(needed, largest_drawn([works[node] for node in nodes])))


def _taken(works: Mapping[str, Work], computing: list[str], there: set[str]) -> list[tuple[str, str]]:
    """Nodes from which something is computed, with what is taken of each, as links know it. there: nodes whose results
    are there already, so that nothing is computed for them. (A loader whose recipe is in the cache is asked for its
    weights all the same.)
    """
    found, waiting, seen = dict[tuple[str, str], None](), list(computing), set(computing)
    while waiting:
        for source, wire in sources_of(works, waiting.pop()):
            found[source, wire] = None
            if source not in seen and source not in there:
                seen.add(source)
                waiting.append(source)
    return list(found)


def sources_of(works: Mapping[str, Work], node: str) -> Iterator[tuple[str, str]]:
    """The nodes that a node's links come from, and what they bring."""
    for _, source, _, index in works[node].links:
        yield source, works[source].kind.spec.outputs[index].type


def files_of(work: Work, folders: frozenset[str]) -> tuple[tuple[Path, str], ...]:
    """The files of these kinds that a node names, each with its digest."""
    named = (found for name, found in work.files.items() if work.kind.sources[name] in folders)
    return tuple((file.path, file.digest) for found in named for file in found)


def _decoded(works: Mapping[str, Work], computing: set[str]) -> dict[str, tuple[int, int]]:
    """For loaders of autoencoders, the largest picture that is decoded in one piece, where its size is known."""
    sizes: dict[str, tuple[int, int]] = {}
    for node in computing:
        if works[node].kind.spec.type != "VAEDecode":
            continue
        sources = {wire: source for source, wire in sources_of(works, node)}
        size = _size(works, sources["LATENT"])
        if size is not None:
            sizes[sources["VAE"]] = max(size, sizes.get(sources["VAE"], size), key=lambda one: one[0] * one[1])
    return sizes


def _size(works: Mapping[str, Work], node: str) -> tuple[int, int] | None:
    """Width and height of the pictures that latents stand for: those of the empty latent they were sampled from."""
    while True:
        sources = list(sources_of(works, node))
        if not sources and (drawn := largest_drawn([works[node]])) is not None:
            return drawn.width, drawn.height
        latents = [source for source, wire in sources if wire == "LATENT"]
        if len(latents) != 1 or not any(wire in SAMPLES for _, wire in sources):
            return None
        (node,) = latents


def largest_drawn(works: list[Work]) -> Drawn | None:
    """The largest empty latent that something is made from."""
    drawn = [
        Drawn(work.arguments["width"], work.arguments["height"], ALWAYS * work.arguments.get("batch_size", 1))
        for work in works
        if work.kind.spec.type.startswith("Empty")
        and all(type(work.arguments.get(side)) is int for side in SIDES)
        and type(work.arguments.get("batch_size", 1)) is int
    ]
    return max(drawn, key=lambda one: one.width * one.height * one.rows, default=None)
