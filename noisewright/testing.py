"""For the tests of packs: one node run by the engine, as in a workflow, with its inputs guarded.

def test_brighter():
    image = picture()
    assert (run_node(brighten, image=image, amount=0.1).pixels >= image.pixels).all()
"""

import importlib
import inspect
from collections import namedtuple
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nodes
from diffusion.values import Image
from graph.catalogue import Catalogue
from graph.check import check
from graph.document import Link, Node, Workflow
from graph.errors import GraphError, InvalidWorkflow
from graph.files import INPUT
from graph.folders import Folders
from graph.kind import MADE_BY_ENGINE
from graph.node import WIRE_OF_PLAIN, NodeType, node_type_of
from graph.output_folder import OutputFolder
from graph.packs import node_types_in
from graph.plan import plan
from graph.problem import errors
from graph.result import Many
from graph.run import results, run
from graph.settings import takes_settings
from graph.spec import InputSpec, NodeSpec, OutputSpec
from graph.states import MemoryStates
from graph.text import meant, nearest
from noisewright.codecs import codecs_of
from noisewright.home import find_home

__all__ = ["picture", "run_node"]

NODE = "node"
"""The id of the node that is run."""


def run_node(node: Callable[..., Any] | str, /, **given: Any) -> Any:
    """Run one node through the engine and give what it returned.

    node: a function declared with `@node`, or the id of a built-in type. given: its inputs and services, by the names
    of its parameters. An input may be any value; where it names a file, a path. Services that are not given: `weights`
    compute on the CPU in float32, `files` finds the bundled models; `output` takes a folder to write into, `resume` a
    state to go on from.
    One output gives its value, several a named tuple, an output node the paths of the files it wrote; a list comes as
    a list. Raises InvalidWorkflow for inputs that do not fit, and NodeFailed where the node fails or changes an input,
    both with the sentences a person would read.
    """
    import torch

    types = _types(node)
    spec = types[_id(node, types)].spec
    graph: dict[str, Node] = {}
    inputs: dict[str, Any] = {}
    paths: dict[str, Path] = {}
    services = {name: given.pop(name) for name in spec.services if name in given}
    for name, value in given.items():
        item = spec.input(name)
        if item is None:
            hint = meant(name, [other.name for other in spec.inputs])
            raise GraphError(f"Node type '{spec.type}' has no input '{name}'. {hint}")
        if item.source is not None and isinstance(value, Path):
            paths[item.source] = value.parent
            value = value.name
        if _is_setting(item, value):
            inputs[name] = value
        else:
            made = _giving(item, value)
            types[made.spec.type] = made
            graph[f"given {name}"] = Node(made.spec.type, {})
            inputs[name] = Link(f"given {name}", "value")
    graph[NODE] = Node(spec.type, inputs, spec.version)
    catalogue = Catalogue({name: found.spec for name, found in types.items()}, types=types)
    workflow = Workflow(graph)
    problems = check(workflow, catalogue, outputs=[NODE])
    if errors(problems):
        raise InvalidWorkflow(problems)
    states = _Resumed(services.pop("resume", None))
    services = _services(spec, services, paths)
    planned = plan(workflow, catalogue, services=services, outputs=[NODE])
    events = run(
        planned,
        services=services,
        codecs=codecs_of(catalogue),
        context=torch.inference_mode,
        states=states,
        guard=True,
    )
    finished = results(events)[NODE]
    if not spec.outputs:
        return finished.files
    values = [list(value) if isinstance(value, Many) else value for value in finished.values.values()]
    if len(spec.outputs) == 1:
        return values[0]
    return namedtuple("Values", [item.name for item in spec.outputs], rename=True)(*values)  # noqa: PYI024 — its names are known only now


def picture(height: int = 8, width: int = 8, batch: int = 1, seed: int = 0) -> Image:
    """A picture of random values in 0..1: float32 [batch, height, width, 3], the same for the same seed."""
    import torch

    return Image(torch.rand(batch, height, width, 3, generator=torch.Generator().manual_seed(seed)))


def _types(node: Callable[..., Any] | str) -> dict[str, NodeType]:
    """The node types there are: built-in ones, those of the function's module, the function itself."""
    modules = [importlib.import_module(name) for name in nodes.MODULES]
    module = inspect.getmodule(node)
    if module is not None:
        modules.append(module)
    types = {found.spec.type: found for module in modules for found in node_types_in(module)}
    declared = node_type_of(node)
    if declared is not None:
        types[declared.spec.type] = declared
    return types


def _id(node: Callable[..., Any] | str, types: Mapping[str, NodeType]) -> str:
    declared = node_type_of(node)
    if declared is not None:
        return declared.spec.type
    if isinstance(node, str) and node in types:
        return node
    if isinstance(node, str):
        close = nearest(node, types)
        raise GraphError(f"There is no node type '{node}'." + (f" Did you mean '{close}'?" if close else ""))
    raise GraphError(f"{node!r} is no node type: it is not declared with @node.")


def _is_setting(item: InputSpec, value: Any) -> bool:
    """Whether a value can stand in a workflow file; others come by a link."""
    if isinstance(value, list) and item.list:
        return takes_settings(item) and all(_is_setting(item, one) for one in value)
    return takes_settings(item) and (value is None or type(value) in (bool, int, float, str))


def _giving(item: InputSpec, value: Any) -> NodeType:
    """A node type that gives this value. A list for an input that takes one at a time is many values on one link."""
    several = isinstance(value, list)
    kind = type(value[0] if several and value else value)
    wire = WIRE_OF_PLAIN.get(kind) or getattr(kind, "wire", item.type)
    spec = NodeSpec(
        type=f"given/{item.name}",
        title=item.name,
        category="given",
        help="A value.",
        outputs=(OutputSpec(name="value", type=wire, list=several),),
        module=__name__,
    )
    return NodeType(spec, lambda: value)


def _services(spec: NodeSpec, given: Mapping[str, Any], paths: Mapping[str, Path]) -> dict[str, Any]:
    services = dict(given)
    home = find_home()
    if "files" not in services:
        places = {folder: (path,) for folder, path in paths.items()}
        services["files"] = Folders((home.bundled / "models",), (home.templates / INPUT,), places=places)
    if "weights" in spec.services and "weights" not in services:
        from diffusion.memory import Weights

        services["weights"] = Weights(device="cpu", precision="fp32")
    if isinstance(services.get("output"), Path):
        services["output"] = OutputFolder(services["output"])
    for name in spec.services:
        if name not in services and name not in MADE_BY_ENGINE:
            example = f"run_node(…, {name}=tmp_path)" if name == "output" else f"run_node(…, {name}=…)"
            raise GraphError(f"Node type '{spec.type}' takes the service '{name}': {example}.")
    return services


class _Resumed(MemoryStates):
    """States that begin with one, whichever node asks."""

    def __init__(self, state: object) -> None:
        super().__init__()
        self._state = state

    def load(self, key: str) -> object | None:
        """The state to go on from."""
        return self._state if self._state is not None else super().load(key)
