"""What a run would leave on the disk for good, which no limit of a published workflow counts: models."""

from collections.abc import Iterator, Sequence

from graph.catalogue import Catalogue
from graph.document import Workflow
from graph.flat import flatten
from graph.problem import Problem

WEIGHTS = frozenset({
    "MODEL", "CLIP", "VAE", "CLIP_VISION", "CONTROL_NET", "STYLE_MODEL", "UPSCALE_MODEL", "LORA_MODEL", "IPADAPTER",
    "PHOTOMAKER",
})  # fmt: skip
"""Wire types of what holds the weights of a network."""


def model_files(workflow: Workflow, catalogue: Catalogue, wanted: Sequence[str]) -> Iterator[Problem]:
    """A problem for each node that would write a model: an output that takes one and gives nothing on.

    wanted: paths of the nodes that a run begins from; none: all outputs. Raises InvalidWorkflow for a workflow without
    end.
    """
    asked = tuple(f"{path}/" for path in wanted)
    for path, node in flatten(workflow, catalogue).items():
        spec = catalogue.spec(node.type)
        if spec is None or not spec.output or spec.outputs or (asked and not f"{path}/".startswith(asked)):
            continue
        if any(WEIGHTS & set(item.type.split(",")) for item in spec.inputs):
            yield Problem(
                code="bad_interface",
                node=path,
                message=f"'{path}' ({spec.title}) saves a model, and each run would leave another one on the disk.",
                hint="Take it out, or name the outputs that are published in the interface, without it.",
            )
