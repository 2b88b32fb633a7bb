"""The inputs and outputs of a node, whether its type declares them or its subgraph."""

from graph.catalogue import Catalogue
from graph.document import SUBGRAPH, Node, SubgraphInput, Workflow
from graph.spec import InputSpec


def is_known(node: Node, workflow: Workflow, catalogue: Catalogue) -> bool:
    """Whether the node's type, or its subgraph, is there."""
    if node.type.startswith(SUBGRAPH):
        return workflow.definition_of(node) is not None
    return catalogue.spec(node.type) is not None


def inputs_of(node: Node, workflow: Workflow, catalogue: Catalogue) -> dict[str, InputSpec]:
    """The inputs of a node by name; none for an unknown type. What a subgraph's input takes, it has from inside."""
    if node.type.startswith(SUBGRAPH):
        definition = workflow.definition_of(node)
        inputs = definition.inputs if definition else ()
        return {item.name: _inner(item, node, workflow, catalogue) for item in inputs}
    spec = catalogue.spec(node.type)
    return {item.name: item for item in spec.having(node.inputs).inputs} if spec else {}


def outputs_of(node: Node, workflow: Workflow, catalogue: Catalogue) -> dict[str, str]:
    """The outputs of a node, name → wire type; none for an unknown type."""
    if node.type.startswith(SUBGRAPH):
        definition = workflow.definition_of(node)
        return {item.name: item.type for item in definition.outputs} if definition else {}
    spec = catalogue.spec(node.type)
    return {item.name: item.type for item in spec.outputs} if spec else {}


def _inner(item: SubgraphInput, instance: Node, workflow: Workflow, catalogue: Catalogue) -> InputSpec:
    """What the first inner input takes to which a subgraph's input leads, through subgraphs inside it too."""
    unknown = InputSpec(name=item.name, type=item.type, required=False)
    target = item.to[0] if item.to else None
    for _ in workflow.subgraphs:
        definition = workflow.definition_of(instance)
        inner = definition.nodes.get(target[0]) if definition and target else None
        if inner is None or target is None:
            return unknown
        nested = workflow.definition_of(inner)
        if nested is None:
            spec = catalogue.spec(inner.type)
            found = spec.input(target[1]) if spec else None
            return found.model_copy(update={"name": item.name, "required": False}) if found else unknown
        instance, name = inner, target[1]
        target = next((entry.to[0] for entry in nested.inputs if entry.name == name and entry.to), None)
    return unknown
