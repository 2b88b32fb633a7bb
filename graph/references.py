"""Names in a document that must lead somewhere: ends of subgraphs, inputs of instances, `after_run`, the interface."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Literal, TypeVar

from graph.catalogue import Catalogue
from graph.document import SUBGRAPH, Link, Node, Subgraph, Workflow
from graph.ends import inputs_of, is_known, outputs_of
from graph.problem import Problem
from graph.spec import InputSpec
from graph.text import Suggestions

T = TypeVar("T", bound=Hashable)
Fault = tuple[str, str]
"""What is wrong, and what to do about it."""


def reference_problems(workflow: Workflow, catalogue: Catalogue, suggestions: Suggestions) -> Iterator[Problem]:
    """Names that lead nowhere. Each stands once, at the definition, however often a subgraph is used.

    Ends of subgraphs and inputs of instances are errors; `after_run` and the interface never change a run: warnings.
    """
    names = _Names(workflow, catalogue, suggestions)
    yield from names.instances_and_after_run(workflow.nodes, None)
    for name, definition in workflow.subgraphs.items():
        yield from names.instances_and_after_run(definition.nodes, name)
        for message, hint in names.ends(definition):
            yield Problem(code="bad_subgraph", subgraph=name, message=f"Subgraph '{name}': {message}", hint=hint)
    for message, hint in names.interface():
        yield Problem(code="bad_interface", message=f"Interface: {message}", hint=hint, severity="warning")


class _Names:
    """Names being looked up; what each node has is worked out once."""

    def __init__(self, workflow: Workflow, catalogue: Catalogue, suggestions: Suggestions) -> None:
        self.workflow = workflow
        self.catalogue = catalogue
        self.suggestions = suggestions
        self._inputs: dict[int, Mapping[str, InputSpec]] = {}
        self._outputs: dict[int, Mapping[str, str]] = {}

    def inputs(self, node: Node) -> Mapping[str, InputSpec]:
        """The inputs of a node of the workflow."""
        if id(node) not in self._inputs:
            self._inputs[id(node)] = inputs_of(node, self.workflow, self.catalogue)
        return self._inputs[id(node)]

    def outputs(self, node: Node) -> Mapping[str, str]:
        """The outputs of a node of the workflow."""
        if id(node) not in self._outputs:
            self._outputs[id(node)] = outputs_of(node, self.workflow, self.catalogue)
        return self._outputs[id(node)]

    def fault(
        self, lead: str, nodes: Mapping[str, Node], node_id: str, what: Literal["input", "output"], name: str
    ) -> Iterator[Fault]:
        """What is wrong with a name that should lead to an input or output of a node; "" leads to the node itself."""
        node = nodes.get(node_id)
        if node is None:
            yield f"{lead} node '{node_id}', which is not there.", self.suggestions.meant(node_id, nodes)
        elif name and is_known(node, self.workflow, self.catalogue):
            ends = self.inputs(node) if what == "input" else self.outputs(node)
            if name not in ends:
                place = f"{what} '{name}' of node '{node_id}' ({node.type})"
                yield f"{lead} {place}, which has no such {what}.", self.suggestions.meant(name, ends)

    def ends(self, definition: Subgraph) -> Iterator[Fault]:
        """Where the inputs of a subgraph lead and where its outputs come from."""
        for what, ends in (("inputs", definition.inputs), ("outputs", definition.outputs)):
            for name in _doubled(end.name for end in ends):
                yield f"it has two {what} named '{name}'.", "Rename one of them."
        for node_id, key in _doubled(pair for item in definition.inputs for pair in item.to):
            yield f"two of its inputs lead to input '{key}' of node '{node_id}'.", "Keep one of them."
        for item in definition.inputs:
            for node_id, key in item.to:
                yield from self.fault(f"input '{item.name}' leads to", definition.nodes, node_id, "input", key)
        for item in definition.outputs:
            lead = f"output '{item.name}' comes from"
            yield from self.fault(lead, definition.nodes, item.origin.node, "output", item.origin.output)

    def interface(self) -> Iterator[Fault]:
        """Where the entries of the interface lead."""
        nodes = self.workflow.nodes
        for name in _doubled(item.name for item in self.workflow.interface.inputs):
            yield f"two inputs have the name '{name}'.", "Rename one of them."
        for item in self.workflow.interface.inputs:
            lead = f"input '{item.name}' leads to"
            yield from self.fault(lead, nodes, item.node, "input", item.input)
            node = nodes.get(item.node)
            if node is not None and isinstance(node.inputs.get(item.input), Link):
                linked = f"{lead} input '{item.input}' of node '{item.node}', which is linked."
                yield linked, "A value given there replaces the link."
        for item in self.workflow.interface.outputs:
            yield from self.fault("an output comes from", nodes, item.node, "output", item.output)

    def instances_and_after_run(self, nodes: Mapping[str, Node], subgraph: str | None) -> Iterator[Problem]:
        """Inputs of subgraph instances, and what `after_run` changes."""
        inside = f" of subgraph '{subgraph}'" if subgraph is not None else ""
        for name, node in nodes.items():
            is_instance = node.type.startswith(SUBGRAPH)
            if not (is_instance or node.after_run) or not is_known(node, self.workflow, self.catalogue):
                continue
            inputs = self.inputs(node)
            where = f"Node '{name}'{inside} ({node.type})"
            for key in node.inputs if is_instance else ():
                if key not in inputs:
                    yield Problem(
                        code="unknown_input",
                        node=name,
                        input=key,
                        subgraph=subgraph,
                        message=f"{where} has no input '{key}'.",
                        hint=self.suggestions.meant(key, inputs),
                    )
            for key in node.after_run:
                for fault, hint in self.after_run(key, node, inputs):
                    yield Problem(
                        code="bad_after_run",
                        node=name,
                        input=key,
                        subgraph=subgraph,
                        message=f"{where}: 'after_run' changes the input '{key}', {fault}.",
                        hint=hint,
                        severity="warning",
                    )

    def after_run(self, key: str, node: Node, inputs: Mapping[str, InputSpec]) -> Iterator[Fault]:
        """What is wrong with changing an input after a run."""
        if key not in inputs:
            yield "which it does not have", self.suggestions.meant(key, inputs)
        elif "INT" not in inputs[key].type.split(","):
            yield f"whose type is {inputs[key].type}", "Only INT inputs can be changed after a run."
        elif isinstance(node.inputs.get(key), Link):
            yield "which is linked", "Remove the link or the entry in 'after_run'."


def _doubled(names: Iterable[T]) -> list[T]:
    return [name for name, count in Counter(names).items() if count > 1]
