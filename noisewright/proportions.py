"""What a plan says of sizes: pictures far larger or smaller than those a checkpoint was trained on.

A model begins with pictures of about the size it knows. In much larger ones it repeats things, in much smaller ones
little can be recognised: a mistake that everybody makes once, as with the empty latent's 512 × 512 and another model.
"""

from collections.abc import Iterator, Mapping

from graph.plan import Plan
from graph.work import Work
from noisewright.foresight import SAMPLES, files_of, largest_drawn, sources_of
from server.models.error import ModelError
from server.models.header import read_header
from server.models.kind import kind_of

FAR = 8
"""Times as many, or as few, pixels as a model knows, beyond which it is told."""

CHECKPOINTS = frozenset({"checkpoints"})

MADE_FOR_IT = frozenset({"PatchModelAddDownscale", "TiledDiffusion"})
"""Types of nodes that are there so that a model can make pictures much larger than those it knows."""


def out_of_proportion(planned: Plan) -> tuple[str, ...]:
    """In sentences, which checkpoints are to begin with pictures of a size that is far from theirs. Loads no torch."""
    works, told = planned.works, dict[str, None]()
    for step in planned.steps:
        sources = {wire: source for source, wire in sources_of(works, step.work.node)}
        taker = sources.get("MODEL") or sources.get("GUIDER")
        if step.action == "reuse" or taker is None or "LATENT" not in sources:
            continue
        drawn = largest_drawn([works[sources["LATENT"]]])
        if drawn is None:
            continue
        found = [_sentence(work, drawn.width, drawn.height) for work in _models(works, taker)]
        told |= dict.fromkeys(filter(None, found))
    return tuple(told)


def _models(works: Mapping[str, Work], node: str) -> Iterator[Work]:
    """What a model is from: the nodes that change it, and those that load it."""
    waiting, seen = [node], {node}
    while waiting:
        work = works[waiting.pop()]
        if work.kind.spec.type in MADE_FOR_IT:
            continue
        yield work
        above = [source for source, wire in sources_of(works, work.node) if wire in SAMPLES]
        waiting += [source for source in above if source not in seen]
        seen.update(above)


def _sentence(work: Work, width: int, height: int) -> str:
    files = files_of(work, CHECKPOINTS)
    try:
        side = kind_of(read_header(files[0][0])).side if files else 0
    except (OSError, ModelError):
        return ""  # who loads it tells
    if not side:
        return ""
    known, asked = side * side, max(1, width * height)
    begins = f"'{files[0][0].name}' was trained on pictures of about {side} × {side}. One of {width} × {height} has"
    if asked > FAR * known:
        more = f"{asked / known:.0f} times as many pixels"
        return f"{begins} {more}: things will repeat in it. Begin with a smaller one, and enlarge that."
    if asked * FAR < known:
        return f"{begins} {known / asked:.0f} times fewer pixels: little will be recognised. Begin with a larger one."
    return ""
