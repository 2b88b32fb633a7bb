"""Names in a document that must lead somewhere: ends of subgraphs, inputs of instances, `after_run`, the interface."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

from graph.catalogue import Catalogue
from graph.document import SUBGRAPH, Link, Node, Subgraph, Workflow
from graph.ends import inputs_of, is_known, outputs_of
from graph.problem import Problem
from graph.spec import InputSpec
from graph.text import meant

T = TypeVar("T", bound=Hashable)


def reference_problems(workflow: Workflow, catalogue: Catalogue) -> Iterator[Problem]:
    """Names that lead nowhere. Each stands once, at the definition, however often a subgraph is used.

    Ends of subgraphs and inputs of instances are errors; `after_run` and the interface never change a run: warnings.
    """
    yield from _nodes(workflow.nodes, None, workflow, catalogue)
    for name, definition in workflow.subgraphs.items():
        yield from _nodes(definition.nodes, name, workflow, catalogue)
        for message, hint in _ends(definition, workflow, catalogue):
            yield Problem(code="bad_subgraph", subgraph=name, message=f"Subgraph '{name}': {message}", hint=hint)
    for message, hint in _interface(workflow, catalogue):
        yield Problem(code="bad_interface", message=f"Interface: {message}", hint=hint, severity="warning")


def _nodes(
    nodes: Mapping[str, Node], subgraph: str | None, workflow: Workflow, catalogue: Catalogue
) -> Iterator[Problem]:
    inside = f" of subgraph '{subgraph}'" if subgraph is not None else ""
    for name, node in nodes.items():
        is_instance = node.type.startswith(SUBGRAPH)
        if not (is_instance or node.after_run) or not is_known(node, workflow, catalogue):
            continue
        inputs = inputs_of(node, workflow, catalogue)
        where = f"Node '{name}'{inside} ({node.type})"
        for key in node.inputs if is_instance else ():
            if key not in inputs:
                yield Problem(
                    code="unknown_input",
                    node=name,
                    input=key,
                    subgraph=subgraph,
                    message=f"{where} has no input '{key}'.",
                    hint=meant(key, inputs),
                )
        for key in node.after_run:
            fault, hint = _after_run_fault(key, node, inputs)
            if fault:
                yield Problem(
                    code="bad_after_run",
                    node=name,
                    input=key,
                    subgraph=subgraph,
                    message=f"{where}: 'after_run' changes the input '{key}', {fault}.",
                    hint=hint,
                    severity="warning",
                )


def _after_run_fault(key: str, node: Node, inputs: Mapping[str, InputSpec]) -> tuple[str, str]:
    if key not in inputs:
        return "which it does not have", meant(key, inputs)
    if "INT" not in inputs[key].type.split(","):
        return f"whose type is {inputs[key].type}", "Only INT inputs can be changed after a run."
    if isinstance(node.inputs.get(key), Link):
        return "which is linked", "Remove the link or the entry in 'after_run'."
    return "", ""


def _ends(definition: Subgraph, workflow: Workflow, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Where the inputs of a subgraph lead and where its outputs come from: (message, hint)."""
    for what, ends in (("inputs", definition.inputs), ("outputs", definition.outputs)):
        for name in _doubled(end.name for end in ends):
            yield f"it has two {what} named '{name}'.", "Rename one of them."
    for node_id, key in _doubled(pair for item in definition.inputs for pair in item.to):
        yield f"two of its inputs lead to input '{key}' of node '{node_id}'.", "Keep one of them."
    for item in definition.inputs:
        for node_id, key in item.to:
            node = definition.nodes.get(node_id)
            lead = f"input '{item.name}' leads to"
            if node is None:
                yield f"{lead} node '{node_id}', which it does not have.", meant(node_id, definition.nodes)
            elif is_known(node, workflow, catalogue) and key not in inputs_of(node, workflow, catalogue):
                hint = meant(key, inputs_of(node, workflow, catalogue))
                yield f"{lead} input '{key}' of node '{node_id}' ({node.type}), which has no such input.", hint
    for item in definition.outputs:
        node_id, key = item.origin
        node = definition.nodes.get(node_id)
        come = f"output '{item.name}' comes from"
        if node is None:
            yield f"{come} node '{node_id}', which it does not have.", meant(node_id, definition.nodes)
        elif is_known(node, workflow, catalogue) and key not in outputs_of(node, workflow, catalogue):
            hint = meant(key, outputs_of(node, workflow, catalogue))
            yield f"{come} output '{key}' of node '{node_id}' ({node.type}), which has no such output.", hint


def _interface(workflow: Workflow, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Where the entries of the interface lead: (message, hint)."""
    for name in _doubled(item.name for item in workflow.interface.inputs):
        yield f"two inputs have the name '{name}'.", "Rename one of them."
    for item in workflow.interface.inputs:
        node = workflow.nodes.get(item.node)
        lead = f"input '{item.name}' leads to"
        if node is None:
            yield f"{lead} node '{item.node}', which is not there.", meant(item.node, workflow.nodes)
        elif is_known(node, workflow, catalogue):
            inputs = inputs_of(node, workflow, catalogue)
            if item.input not in inputs:
                yield (
                    f"{lead} input '{item.input}' of node '{item.node}', which has none of that name.",
                    meant(item.input, inputs),
                )
            elif isinstance(node.inputs.get(item.input), Link):
                yield (
                    f"{lead} input '{item.input}' of node '{item.node}', which is linked.",
                    "A value given there replaces the link.",
                )
    for item in workflow.interface.outputs:
        node = workflow.nodes.get(item.node)
        if node is None:
            yield f"an output is node '{item.node}', which is not there.", meant(item.node, workflow.nodes)
        elif item.output and is_known(node, workflow, catalogue):
            outputs = outputs_of(node, workflow, catalogue)
            if item.output not in outputs:
                yield (
                    f"an output is '{item.output}' of node '{item.node}', which has none of that name.",
                    meant(item.output, outputs),
                )


def _doubled(names: Iterable[T]) -> list[T]:
    return [name for name, count in Counter(names).items() if count > 1]
