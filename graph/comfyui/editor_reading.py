"""From an `EditorDocument` to our `Workflow`: values get names, virtual nodes go, subgraphs and modes become ours.

The oracle is what their editor would send to its server: the workflow read here, flattened by our engine, is the same
prompt. Where our engine would pass something else through a bypassed node, the link is led past it, with a problem.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from graph.catalogue import Catalogue
from graph.comfyui.canvas import layout_of
from graph.comfyui.core_types import absence, core_spec
from graph.comfyui.editor import BYPASS, NEVER, OUTPUT_NODE, EditorDocument, EditorNode
from graph.comfyui.editor_links import NOWHERE, Constant, Found, Links, Port
from graph.comfyui.extras import EXTRAS
from graph.comfyui.group_nodes import group_name
from graph.comfyui.names import Names
from graph.comfyui.promotion import promoted_values
from graph.comfyui.requirements import pack_of, requires_of
from graph.comfyui.scopes import Scope, Scopes
from graph.comfyui.widgets import (
    BUTTON_NAMES,
    CONTROL,
    Named,
    after_run,
    controlled_input,
    fitted,
    has_widgets,
    is_control,
    named_values,
    slot_values,
    takes_constant,
)
from graph.document import AFTER_RUN, SUBGRAPH, Link, Node, Workflow
from graph.output_folder import DATED
from graph.problem import Code, Problem
from graph.spec import ANY, NodeSpec
from graph.text import shown

_MODES = {NEVER: "mute", BYPASS: "bypass"}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DYNAMIC = re.compile(r"(?<!\\)\{[^{}|]*\||/\*|//")
_REPLACED = re.compile(r"%[^%/\\.\s][^%/\\.]*\.[^%/\\]+%")
_OWN_PROPERTIES = frozenset({"Node name for S&R", "cnr_id", "aux_id", "ver", "models", "proxyWidgets"})
_OWN_EXTRA = frozenset({"ds", "reroutes", "linkExtensions", "groupNodes", "frontendVersion"})
_KEPT = f"They are kept under '{EXTRAS}'."
_AS_IT_STANDS = "Here the text is used as it stands."


def workflow_of(document: EditorDocument, catalogue: Catalogue) -> tuple[Workflow, list[Problem]]:
    """The workflow, and what could not be mapped: warnings that name node, type, reason, pack and version.

    Nothing is dropped in silence: what has no place in our format stays under `x-comfyui` of its node.
    """
    scopes = Scopes(document)
    spec = cache(catalogue.spec)
    problems: list[Problem] = []
    for scope in scopes.inner_first():
        reader = _Reader(scope, scopes, spec, catalogue)
        reader.read()
        problems += reader.problems
    extra = {key: value for key, value in document.graph.extra.items() if key not in _OWN_EXTRA}
    workflow = Workflow(
        scopes.root.nodes,
        subgraphs={scope.name: scope.definition() for scope in scopes.definitions()},
        layout=layout_of(document.graph, scopes.root.ids),
        requires=requires_of(document),
        extra={EXTRAS: {"extra": extra}} if extra else {},
    )
    return workflow, problems


class _Inputs:
    """The inputs of a node while they are put together. controls: what happens to each after a run."""

    def __init__(self, values: Mapping[str, Any], controls: Mapping[str, str]) -> None:
        self.values = dict(values)
        self.controls = {name: control for name, control in controls.items() if control}


class _Reader:
    """One graph being read."""

    def __init__(
        self, scope: Scope, scopes: Scopes, spec: Callable[[str], NodeSpec | None], catalogue: Catalogue
    ) -> None:
        self.scope = scope
        self.scopes = scopes
        self.spec = spec
        self.catalogue = catalogue
        self.problems: list[Problem] = []
        self._missing: set[str] = set()
        self._names: dict[str, tuple[str, ...]] = {}
        self.links = Links(
            scope.graph,
            scope.ids,
            spec,
            instance=lambda node: inner.outputs if (inner := scopes.of(node.type)) else None,
            slot_of=lambda node, index: (
                scope.slots(node, inner).get(index) if (inner := scopes.of(node.type)) else None
            ),
            output_name=self._output_name,
            lost=self._lost,
            is_definition=bool(scope.name),
        )

    def read(self) -> None:
        """Fill the scope's nodes and outputs."""
        for node in self.scope.graph.nodes.values():
            if node.id in self.scope.ids:
                inner, spec = self.scopes.of(node.type), self.spec(node.type)
                if inner is not None:
                    read = self._instance(node, inner)
                else:
                    read = self._known(node, spec) if spec is not None else self._unknown(node)
                self.scope.nodes[self.scope.ids[node.id]] = read
        if self.scope.name:
            self._outputs()

    # Nodes of each sort

    def _known(self, node: EditorNode, spec: NodeSpec) -> Node:
        """A node of a type that the catalogue has."""
        named, rest = _named(node, spec)
        extras = _leftover(node)
        if rest and not _is_only_shown(rest, spec):
            what = f"{len(rest)} of its widget values belong to no input: {shown(list(rest.values()))}."
            self._report("unmapped_values", node, what, _KEPT)
        extras |= _raw_values(node) if rest else {}
        inputs = _Inputs({}, named.controls)
        sources = self._sources(node, {item.name: item.type for item in spec.inputs})
        for item in spec.having(named.values).inputs:
            value = named.values.get(item.name)
            if value is not None or (item.optional and item.name in named.values):
                inputs.values[item.name] = fit = fitted(item, value)
                if fit is not value and item.name not in sources:
                    what = f"'{item.name}' is {shown(value)} in the file; it is read as {shown(fit)}."
                    self._report("changed_value", node, what, input=item.name)
            if item.name in sources:
                self._feed(node, item.name, sources.pop(item.name), inputs)
            if type(inputs.values.get(item.name)) is str:
                self._text(node, item.name, inputs.values[item.name], bool(item.hints.get("dynamicPrompts")))
        for name, found in sources.items():
            self._feed(node, name, found, inputs)
        return self._node(node, node.type, inputs, extras, spec=spec)

    def _unknown(self, node: EditorNode) -> Node:
        """A node of a type that the catalogue does not have: kept with all that can be named, and the rest beside."""
        named = _guessed(node)
        inputs = _Inputs(named.values, named.controls) if named else _Inputs({}, {})
        for name, found in self._sources(node, {}).items():
            self._feed(node, name, found, inputs)
        extras = _leftover(node) | _raw_values(node)
        extras["outputs"] = list(self._output_names(node))
        self._unknown_type(node)
        if node.widgets and named is None:
            what = f"its {len(node.widgets)} widget values cannot be named without its type: "
            self._report("unmapped_values", node, f"{what}{shown(list(node.widgets))}.", _KEPT)
        return self._node(node, node.type, inputs, extras)

    def _unknown_type(self, node: EditorNode) -> None:
        """Say that a node's type is not there, and which pack has it."""
        group = group_name(node.type)
        if group is not None or _UUID.fullmatch(node.type):
            kind = f"the group node '{group}'" if group is not None else "a subgraph"
            self._report("unknown_subgraph", node, f"it uses {kind}, whose definition is not in the file.")
            return
        pack, version = pack_of(node)
        origin = f" It is from the pack '{pack}'{f', version {version}' if version else ''}." if pack else ""
        message, hint = absence(self.catalogue, node.type)
        hint = f"Install the pack '{pack}'." if pack else hint
        code = "broken_pack" if self.catalogue.error(node.type) else "unknown_type"
        self._report(code, node, f"{message}{origin}", hint)

    def _instance(self, node: EditorNode, inner: Scope) -> Node:
        """A use of a subgraph."""
        promoted = promoted_values(node, inner, self.scopes, self.spec)
        extras = _leftover(node)
        if not promoted.is_clear:
            what = f"its widget values belong to no input of the subgraph: {shown(list(node.widgets))}."
            self._report("unmapped_values", node, what, _KEPT)
            extras |= _raw_values(node)
        inputs = _Inputs(promoted.values, inner.controls | promoted.controls)
        slots = self.scope.slots(node, inner)
        for index, slot in slots.items():
            if slot.link is not None:
                port = inner.graph.inputs[index]
                self._feed(node, port.name, self.links.source(slot.link, slot.type, port.type), inputs)
        strays = len([slot for slot in node.inputs if slot.link is not None])
        strays -= len([slot for slot in slots.values() if slot.link is not None])
        if strays:
            what = f"{strays} of its links lead to inputs that the subgraph '{inner.name}' does not have."
            self._report("lost_link", node, what, "They are left out.")
        return self._node(node, SUBGRAPH + inner.name, inputs, extras, title=inner.name)

    def _outputs(self) -> None:
        """Where the outputs of this definition come from."""
        graph = self.scope.graph
        ends = {link.target_slot: link.id for link in graph.links.values() if link.target == OUTPUT_NODE}
        for index, port in enumerate(graph.outputs):
            found = self.links.source(ends[index], port.type, port.type) if index in ends else NOWHERE
            if not found.same:
                self._rewired(None, f"Subgraph '{self.scope.name}': its output '{port.name}'", found)
            source = found.kept
            if isinstance(source, Constant):
                what = f"Subgraph '{self.scope.name}': its output '{port.name}' is the value of a primitive."
                self._report("lost_link", None, what, "Only nodes have outputs; it is left out.")
                source = None
            self.scope.outputs[index] = (port.name, source)

    def _node(
        self,
        node: EditorNode,
        type_id: str,
        inputs: _Inputs,
        extras: Mapping[str, Any],
        *,
        spec: NodeSpec | None = None,
        title: str = "",
    ) -> Node:
        own = (type_id, node.type, spec.title if spec else title)
        return Node(
            type_id,
            inputs.values,
            version=spec.version if spec else 1,
            title="" if node.title in own else node.title,
            mode=_MODES.get(node.mode, ""),
            after_run=self._after_run(node, inputs, spec),
            extra={EXTRAS: extras} if extras else {},
        )

    def _after_run(self, node: EditorNode, inputs: _Inputs, spec: NodeSpec | None) -> dict[str, str]:
        """What happens to settings after a run. Where the value comes from elsewhere, nothing does."""
        kept: dict[str, str] = {}
        for name, control in inputs.controls.items():
            if name not in inputs.values:
                continue
            value = inputs.values[name]
            port = self.scope.port(self.scope.ids[node.id], name)
            if port is not None:
                self.scope.controls[port] = control
            if port is not None or isinstance(value, Link):
                continue
            item = spec.input(name) if spec else None
            if control in AFTER_RUN and type(value) is int and (item is None or item.type == "INT"):
                kept[name] = control
            else:
                what = f"'{name}' would change after each run ({control}); here only whole numbers do."
                self._report("lost_control", node, what, input=name)
        return kept

    # Inputs that are linked

    def _sources(self, node: EditorNode, types: Mapping[str, str]) -> dict[str, Found]:
        """The linked inputs of a node by name. types: of its inputs as the catalogue has them."""
        sources: dict[str, Found] = {}
        for slot in node.inputs:
            if slot.link is not None and slot.name:
                name = slot.widget if slot.widget in types and slot.name not in types else slot.name
                sources[name] = self.links.source(slot.link, slot.type, types.get(name, ANY))
        return sources

    def _feed(self, node: EditorNode, name: str, found: Found, inputs: _Inputs) -> None:
        """Let a linked input have its source. Where that is nothing, it keeps its widget's value."""
        if not found.same:
            self._rewired(node, f"Node '{self.scope.ids[node.id]}' ({node.type}): its input '{name}'", found, name)
        source = found.kept
        if isinstance(source, Link):
            inputs.values[name] = source
        elif isinstance(source, Port):
            self.scope.fed[self.scope.ids[node.id], name] = source.number
        elif isinstance(source, Constant):
            self._constant(node, name, self.scope.graph.nodes[source.node], inputs)

    def _constant(self, node: EditorNode, name: str, primitive: EditorNode, inputs: _Inputs) -> None:
        """The value of a PrimitiveNode goes to each input it is linked to, and with it what happens after a run."""
        value, *more = primitive.widgets or tuple(primitive.values.values())[:1] or (None,)
        if value is None:
            return
        spec = self.spec(node.type)
        item = spec.input(name) if spec else None
        inputs.values[name] = fitted(item, value) if item else value
        inputs.controls.pop(name, None)
        control = after_run(more[0]) if more and is_control(more[0]) else ""
        if control == "random" and self.scope.fanout[primitive.id] > 1:
            what = f"'{name}' has the value of a primitive that gives several inputs one random number after each run."
            self._report("lost_control", node, what, "Here it keeps its value.", name)
        elif control:
            inputs.controls[name] = control

    # Problems

    def _report(
        self,
        code: Code,
        node: EditorNode | None,
        message: str,
        hint: str = "",
        input: str | None = None,  # noqa: A002 — the word of `Problem`
    ) -> None:
        name = self.scope.ids[node.id] if node else None
        place = f"Node '{name}' ({node.type}): " if node else ""
        self.problems.append(
            Problem(
                code=code,
                message=f"{place}{message}",
                hint=hint,
                node=name,
                input=input,
                subgraph=self.scope.subgraph,
                severity="warning",
            )
        )

    def _lost(self, origin: str) -> None:
        """A link begins at a node that is not there: said once."""
        if origin not in self._missing:
            self._missing.add(origin)
            self._report("lost_link", None, f"A link begins at node '{origin}', which the file does not have.")

    def _rewired(self, node: EditorNode | None, place: str, found: Found, name: str | None = None) -> None:
        final = found.final
        if isinstance(final, Link):
            end = f"It is linked to '{final.output}' of node '{final.node}', as in their editor."
        elif isinstance(final, Port):
            end = f"It is linked to the input '{self.scope.graph.inputs[final.number].name}' of the subgraph."
        else:
            end = "It is left unlinked." if final is None else "It has the value of a primitive."
        message = f"{place} is linked to a bypassed node, which would pass on something else here. {end}"
        problem = Problem(
            code="rewired",
            message=message,
            hint="Link it anew if you stop bypassing that node.",
            node=self.scope.ids[node.id] if node else None,
            input=name,
            subgraph=self.scope.subgraph,
            severity="warning",
        )
        self.problems.append(problem)

    def _text(self, node: EditorNode, name: str, text: str, is_dynamic: bool) -> None:
        """Say where their editor would change a text before it sends it."""
        if is_dynamic and _DYNAMIC.search(text):
            what = f"'{name}' has choices {{a|b}} or comments, which their editor resolves before each run."
            self._report("unresolved_text", node, what, _AS_IT_STANDS, name)
        elif name == "filename_prefix" and _REPLACED.search(DATED.sub("", text)):
            what = f"'{name}' is {shown(text)}, into which their editor puts settings of other nodes."
            self._report("unresolved_text", node, what, _AS_IT_STANDS, name)

    # Outputs by number

    def _output_name(self, node: EditorNode, slot: int) -> str:
        """The name of an output by its number; the number where there is none."""
        names = self._output_names(node)
        return names[slot] if slot < len(names) else str(slot)

    def _output_names(self, node: EditorNode) -> tuple[str, ...]:
        if node.id not in self._names:
            inner, spec = self.scopes.of(node.type), self.spec(node.type)
            if inner is not None:
                found = tuple(port.name for port in inner.graph.outputs)
            elif spec is not None:
                found = tuple(item.name for item in spec.outputs)
            else:
                unique = Names().unique
                found = tuple(unique(slot.name or str(index)) for index, slot in enumerate(node.outputs))
            self._names[node.id] = found
        return self._names[node.id]


def _named(node: EditorNode, spec: NodeSpec) -> tuple[Named, dict[str, Any]]:
    """Widget values of a node by name, and those that belong to no input, by name or position."""
    named = named_values(spec, node.widgets)
    first = len(node.widgets) - len(named.rest)
    rest: dict[str, Any] = {str(first + index): value for index, value in enumerate(named.rest)}
    if not node.values:
        return named, rest
    known = {item.name for item in spec.inputs}
    values, controls = dict(named.values), dict(named.controls)
    for name, value in node.values.items():
        if name in known:
            values[name] = value
        elif name == CONTROL and is_control(value):
            item = controlled_input(spec)
            if item is not None:
                controls[item.name] = after_run(value)
        elif name not in BUTTON_NAMES:
            (values if takes_constant(spec, name) else rest)[name] = value
    return Named(values, controls, ()), rest


def _is_only_shown(rest: Mapping[str, Any], spec: NodeSpec) -> bool:
    """Whether values that belong to no input say nothing: of buttons, or what a node without settings has shown."""
    return all(value in ("", None) for value in rest.values()) or (spec.output and not has_widgets(spec))


def _guessed(node: EditorNode) -> Named | None:
    """The values of a node of unknown type by name: from the file, from ComfyUI's own types, from the node's slots."""
    if node.values:
        return Named(dict(node.values), {}, ())
    core = core_spec(node.type)
    named = named_values(core, node.widgets) if core else slot_values(node)
    return None if named is None or named.rest else named


def _leftover(node: EditorNode) -> dict[str, Any]:
    """What our format has no place for: properties of the person's or a pack's own."""
    properties = {key: value for key, value in node.properties.items() if key not in _OWN_PROPERTIES}
    return {"properties": properties} if properties else {}


def _raw_values(node: EditorNode) -> dict[str, Any]:
    return {key: node.raw[key] for key in ("widgets_values", "widgets_values_named") if node.raw.get(key)}
