"""Our own node types, called by packs: with a pack's values, and a pack's values back."""

from collections.abc import Callable, Mapping
from functools import cache
from inspect import isgenerator
from typing import Any

from graph.catalogue import Catalogue
from graph.errors import GraphError
from graph.node import NodeType
from graph.progress import Progress
from nodes import MODULES
from nodes.comfyui.surroundings import Surroundings, current
from nodes.comfyui.values import from_pack, to_pack


@cache
def built_in() -> Catalogue:
    """The node types that ship with the program."""
    return Catalogue.of(MODULES)


def called(node_type: NodeType, given: Mapping[str, Any]) -> tuple[Any, ...]:
    """The outputs of one of our nodes, as packs know them. given: its inputs, as packs know them.

    It borrows what was lent to the node that calls it, and its progress is that node's.
    """
    around = current()
    arguments = {name: _argument(node_type, name, value, around) for name, value in given.items()}
    result = node_type.function(**arguments, **{name: _lent(name, around) for name in node_type.spec.services})
    if isgenerator(result):
        result = drained(result)
    if not node_type.spec.outputs:
        return ()
    return tuple(map(to_pack, result)) if hasattr(result, "_fields") else (to_pack(result),)


def drained(steps: Any) -> Any:
    """Go through a long node of ours and give its result. Its progress is that of the pack's node."""
    around = current()
    try:
        while True:
            progress = next(steps)
            if isinstance(progress, Progress):
                around.report(Progress(progress.done, progress.total, progress.preview))
            if around.cancelled():
                from nodes.comfyui.interruption import InterruptProcessingException

                raise InterruptProcessingException
    except StopIteration as stop:
        return stop.value
    finally:
        steps.close()


def _argument(node_type: NodeType, name: str, value: Any, around: Surroundings) -> Any:
    spec = node_type.spec.input(name)
    if spec is None:
        known = ", ".join(item.name for item in node_type.spec.inputs)
        raise GraphError(f"It called '{node_type.spec.type}' with '{name}', which is none of its inputs: {known}.")
    if spec.source is not None and isinstance(value, str):
        return around.files.find(spec.source, value)
    return from_pack(value, spec.type)


def _lent(name: str, around: Surroundings) -> Any:
    lent: Mapping[str, Callable[[], Any]] = {
        "files": lambda: around.files,
        "output": lambda: around.output,
        "weights": lambda: weights_of(around),
        "record": lambda: around.record,
        "around": lambda: around.around,
        "resume": lambda: None,
    }
    return lent[name]()


def weights_of(around: Surroundings) -> Any:
    """The service that lends weights. Raises GraphError where the node was lent none."""
    if around.weights is None:
        raise GraphError("It computes with a model, but was lent none: none of its inputs is a MODEL, CLIP or VAE.")
    return around.weights
