"""What planning and running need of each node type, worked out once for all of its nodes."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from graph.catalogue import Catalogue
from graph.errors import GraphError
from graph.files import INPUT
from graph.flat import FlatNode
from graph.keys import TypeKey
from graph.node import NodeType
from graph.settings import takes_settings
from graph.spec import InputSpec, NodeSpec
from graph.text import listing, nearest

MADE_BY_ENGINE = ("record", "resume", "around")
"""Services that the engine makes for each node, rather than being handed."""

DEEPER = frozenset({"record", "around"})
"""Services through which a node sees more than its inputs: where these come from."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A node type, prepared.

    key: makes the keys of its nodes. inputs: by name. required: those without default. defaults: of those with one.
    outputs: name → index. sources: input → folder, for those that name a file. plain: inputs that take settings; what a
    link brings them is brought to their type. whole: inputs that take a list as a whole. lazy: inputs computed only
    when asked for. lane: where it runs. cuts: whether its result may be found by the contents of its inputs, wherever
    they come from. loads: it brings a model into play. asks, needs: parameters of its fingerprint and of its `needs`.
    """

    spec: NodeSpec
    type: NodeType
    key: TypeKey
    inputs: Mapping[str, InputSpec]
    required: frozenset[str]
    defaults: Mapping[str, Any]
    outputs: Mapping[str, int]
    sources: Mapping[str, str]
    plain: Mapping[str, InputSpec]
    whole: frozenset[str]
    lazy: frozenset[str]
    lane: str
    cuts: bool
    loads: bool
    asks: tuple[str, ...]
    needs: tuple[str, ...]


class Kinds:
    """The kinds of the node types that a plan meets. services: what can be lent. metadata: how much files tell."""

    def __init__(
        self, catalogue: Catalogue, services: Mapping[str, Any], environment: Mapping[str, Any], metadata: str
    ) -> None:
        self.catalogue = catalogue
        self.services = services
        self._environment = environment
        self._metadata = metadata
        self._kinds: dict[str, Kind] = {}

    def spec(self, type_id: str) -> NodeSpec | None:
        """The spec of a type id; None if it is unknown."""
        kind = self._kinds.get(type_id)
        return kind.spec if kind is not None else self.catalogue.spec(type_id)

    def of(self, node: FlatNode) -> Kind:
        """The kind of a node. Raises GraphError for a type that is unknown, or needs a service that is not there."""
        kind = self._kinds.get(node.type)
        if kind is None:
            kind = self._kinds[node.type] = self._made(node)
        return kind if kind.spec.others is None else self._having(node, kind)

    def _having(self, node: FlatNode, kind: Kind) -> Kind:
        """The kind of a node that may have inputs besides those that its type declares."""
        return replace(kind, **_inputs_of(kind.spec.having((*node.settings, *node.links))))

    def _made(self, node: FlatNode) -> Kind:
        found = self.catalogue.node_type(node.type)
        if found is None:
            raise GraphError(self._unknown(node))
        spec = found.spec
        self._check_services(node, spec)
        lent = {name: self._lent(name) for name in spec.services}
        inputs = _inputs_of(spec)
        return Kind(
            **inputs,
            type=found,
            key=TypeKey(
                spec.type,
                self.catalogue.code_version(spec.type),
                self._environment if "weights" in spec.services else None,
                {name: key for name, key in lent.items() if key},
                self.catalogue.choice_code(spec),
            ),
            outputs={item.name: index for index, item in enumerate(spec.outputs)},
            lane=spec.lane,
            cuts=DEEPER.isdisjoint(spec.services),
            loads=any(source != INPUT for source in inputs["sources"].values()),
            asks=_parameters(found.fingerprint),
            needs=_parameters(found.needs),
        )

    def _lent(self, name: str) -> str:
        """What of a service joins the keys of nodes that take it: its own `cache_key`, and the code it may run."""
        if name == "record":
            return self._metadata
        service = self.services.get(name)
        return f"{getattr(service, 'cache_key', '')} {self.catalogue.code_of(type(service).__module__) or ''}".strip()

    def _check_services(self, node: FlatNode, spec: NodeSpec) -> None:
        for name in spec.services:
            if name not in self.services and name not in MADE_BY_ENGINE:
                there = listing(sorted({*self.services, *MADE_BY_ENGINE}))
                message = f"Node '{node.id}' ({spec.type}) asks for the service '{name}', which is not there."
                raise GraphError(f"{message} There is {there}.")

    def _unknown(self, node: FlatNode) -> str:
        reason = self.catalogue.error(node.type)
        if reason is not None:
            return f"Node '{node.id}' is of type '{node.type}', but {reason}."
        close = nearest(node.type, self.catalogue.types())
        return f"Node '{node.id}' is of unknown type '{node.type}'." + (f" Did you mean '{close}'?" if close else "")


def _inputs_of(spec: NodeSpec) -> dict[str, Any]:
    """A spec, and what is worked out of its inputs."""
    return {
        "spec": spec,
        "inputs": {item.name: item for item in spec.inputs},
        "required": frozenset(item.name for item in spec.inputs if item.required),
        "defaults": {item.name: item.default for item in spec.inputs if item.default is not None},
        "sources": {item.name: item.source for item in spec.inputs if item.source},
        "plain": {item.name: item for item in spec.inputs if _is_held(item)},
        "whole": frozenset(item.name for item in spec.inputs if item.list),
        "lazy": frozenset(item.name for item in spec.inputs if item.lazy),
    }


def _is_held(item: InputSpec) -> bool:
    """Whether what a link brings is brought to the type that the input declares; a file is always looked for."""
    return item.type != "*" and takes_settings(item) and (not item.as_is or item.source is not None)


def _parameters(function: Callable[..., Any] | None) -> tuple[str, ...]:
    """What a function of a node type wants to know, by name; `**names` means everything: "*"."""
    if function is None:
        return ()
    parameters = inspect.signature(function).parameters.values()
    return tuple("*" if item.kind is item.VAR_KEYWORD else item.name for item in parameters)


def asked(names: tuple[str, ...], inputs: Mapping[str, Any], known: Mapping[str, Any], more: Mapping[str, Any]) -> dict:
    """What to call such a function with: the known values it names and None for the others. more: services."""
    if "*" in names:
        return {name: known.get(name) for name in (*inputs, *known)}
    return {name: known.get(name, more.get(name)) for name in names}
