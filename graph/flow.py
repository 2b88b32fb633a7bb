"""Building a graph in Python: `flow.add(node_function, …)`. The same builder makes workflows and expansions."""

from collections.abc import Callable, Mapping
from typing import Any

from graph.catalogue import Catalogue
from graph.document import Interface, Link, Node, Workflow
from graph.errors import GraphError
from graph.node import NodeType, node_type_of
from graph.settings import Unfit, coerce, takes_settings
from graph.spec import InputSpec, NodeSpec, accepts
from graph.text import listing, meant, nearest

PLAIN = (str, int, float, bool, list)
"""Python types of settings. Other values can be handed over in expansions; only the node knows what they are."""


class Added:
    """A node that was added to a flow. Its outputs are its attributes, or its items where a name is no Python name.

    loaded = flow.add(load_checkpoint, ckpt_name="sprout.safetensors")
    flow.add(encode_prompt, text="red apple", clip=loaded.CLIP)

    `str` gives its id.
    """

    def __init__(self, flow: "Flow", name: str, spec: NodeSpec | None) -> None:
        self._flow = flow
        self._name = name
        self._spec = spec

    def __getattr__(self, output: str) -> Link:
        if output.startswith("_"):  # what Python and notebooks ask every object for
            raise AttributeError(output)
        return self[output]

    def __getitem__(self, output: str | int) -> Link:
        names = [item.name for item in self._spec.outputs] if self._spec is not None else None
        if isinstance(output, int) and names is not None and 0 <= output < len(names):
            return Link(self._name, names[output])
        if isinstance(output, str) and (names is None or output in names):
            return Link(self._name, output)
        if names is None:
            raise GraphError(f"The outputs of node '{self._name}' are not known here. Name one of them as a text.")
        close = nearest(str(output), names)
        hint = f"Did you mean '{close}'?" if close else f"It has {listing(names)}."
        raise GraphError(f"Node '{self._name}' has no output {output!r}. {hint}")

    def __dir__(self) -> list[str]:
        return [item.name for item in self._spec.outputs] if self._spec is not None else []

    def __str__(self) -> str:
        return self._name

    def __repr__(self) -> str:
        return f"Added({self._name!r})"


def output_of(added: Added) -> Link:
    """The one output of a node that was added. Raises GraphError where it has none, or several."""
    spec = added._spec  # noqa: SLF001 — the names of an Added are those of outputs
    if spec is not None and len(spec.outputs) == 1:
        return added[0]
    if spec is None:
        raise GraphError(f"The outputs of node '{added}' are not known here. Say which one: handle['NAME'].")
    if not spec.outputs:
        raise GraphError(f"Node '{added}' ({spec.type}) has no output to link to.")
    names = [item.name for item in spec.outputs]
    raise GraphError(f"Node '{added}' ({spec.type}) has {len(names)} outputs: {listing(names)}. Say which one.")


class Flow:
    """A graph in the making. nodes: by id, in the order in which they were added. types: node types that were handed
    over as functions.

    catalogue: knows the node types that are named by their ids; without it their inputs and outputs are taken as
    written.
    """

    def __init__(self, title: str = "", catalogue: Catalogue | None = None) -> None:
        self.title = title
        self.nodes: dict[str, Node] = {}
        self.types: dict[str, NodeType] = {}
        self._catalogue = catalogue
        self._specs: dict[str, NodeSpec] = {}
        self._uses: dict[str, int] = {}

    def add(self, node: Callable[..., Any] | str, name: str = "", /, **inputs: Any) -> Added:
        """Add a node and give a handle on its outputs.

        node: a function declared with `@node`, or the id of a node type. name: its id; made up if not given.
        inputs: settings, outputs of other nodes, or handles of nodes with one output.
        Raises GraphError, naming node and input, for a function that is no node type, an id that is unknown or taken,
        an input that is not there, and a setting or output that it does not take.
        """
        type_id, spec = self._declared(node)
        name = name or self._free(type_id)
        if name in self.nodes:
            raise GraphError(f"There is a node '{name}' already. Give this one another name.")
        given = {key: self._linked(name, key, value) for key, value in inputs.items()}
        if spec is not None:
            for key, value in given.items():
                self._fits(name, spec, key, value)
            self._specs[name] = spec
        self.nodes[name] = Node(type_id, given, spec.version if spec is not None else 1)
        return Added(self, name, spec)

    def workflow(self, interface: Interface | None = None) -> Workflow:
        """The document of this graph."""
        return Workflow(dict(self.nodes), self.title, interface=interface or Interface())

    def _declared(self, node: Callable[..., Any] | str) -> tuple[str, NodeSpec | None]:
        """The id of a node type and what is known of it."""
        declared = node_type_of(node)
        if declared is not None:
            self.types[declared.spec.type] = declared
            return declared.spec.type, declared.spec
        if not isinstance(node, str):
            raise GraphError(f"{node!r} is no node type: it is not declared with @node.")
        if self._catalogue is None:
            return node, self.types[node].spec if node in self.types else None
        spec = self._catalogue.spec(node)
        if spec is None:
            reason = self._catalogue.error(node)
            if reason is not None:
                raise GraphError(f"There is no node type '{node}': {reason}.")
            close = nearest(node, self._catalogue.types())
            raise GraphError(f"There is no node type '{node}'." + (f" Did you mean '{close}'?" if close else ""))
        return spec.type, spec

    def _linked(self, name: str, key: str, value: Any) -> Any:
        """A handle as the link it stands for, anything else as it is."""
        if not isinstance(value, Added):
            return value
        if value._flow is not self:  # noqa: SLF001 — the names of an Added are those of outputs
            raise GraphError(f"Input '{key}' of node '{name}' is given a node of another flow, '{value}'.")
        try:
            return output_of(value)
        except GraphError as error:
            raise GraphError(f"Input '{key}' of node '{name}': {error}") from None

    def _fits(self, name: str, spec: NodeSpec, key: str, value: Any) -> None:
        """Raises GraphError where a node has no such input, or one that does not take the value."""
        wanted = spec.input(key)
        if wanted is None:
            hint = meant(key, [item.name for item in spec.inputs])
            raise GraphError(f"Node type '{spec.type}' has no input '{key}'. {hint}")
        if isinstance(value, Link):
            given = self._type_of(value)
            if given is not None and not accepts(wanted.type, given):
                raise GraphError(
                    f"Input '{key}' of node '{name}' ({spec.type}) takes {wanted.type}, but '{value.output}' of node "
                    f"'{value.node}' gives {given}."
                )
        elif type(value) in PLAIN and takes_settings(wanted):
            _taken(name, spec, wanted, value)

    def _type_of(self, link: Link) -> str | None:
        """The wire type of an output, as far as it is known here."""
        origin = self._specs.get(link.node)
        output = origin.output_named(link.output) if origin is not None else None
        return output.type if output is not None else None

    def _free(self, type_id: str) -> str:
        stem = name = type_id.replace("/", "_")
        while name in self.nodes:
            self._uses[stem] = self._uses.get(stem, 1) + 1
            name = f"{stem}_{self._uses[stem]}"
        return name


def _taken(name: str, spec: NodeSpec, wanted: InputSpec, value: Any) -> None:
    try:
        coerce(wanted, value)
    except Unfit as error:
        message = f"Input '{wanted.name}' of node '{name}' ({spec.type}) {error}. {error.hint}"
        raise GraphError(message.strip()) from error


def types_of(flow: Flow, catalogue: Catalogue) -> Mapping[str, NodeType]:
    """The node types of a flow that a catalogue does not know, or knows as another function: those of a notebook."""
    return {
        type_id: declared
        for type_id, declared in flow.types.items()
        if (known := catalogue.node_type(type_id)) is None or known.function is not declared.function
    }
