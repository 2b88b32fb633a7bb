"""The widget values of an instance of a subgraph: which inner inputs they set.

Three generations of files: widgets linked to the definition's inputs, the definition's own list `widgets`, and
`proxyWidgets` among the properties of the instance. Group nodes show all widgets of all their nodes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from graph.comfyui.editor import EditorNode
from graph.comfyui.scopes import Scope, Scopes
from graph.comfyui.widgets import after_run, is_control, named_values
from graph.spec import ANY, NodeSpec


@dataclass(slots=True)
class Promoted:
    """What an instance sets, by the names of ports. controls: what happens to it after a run.

    is_clear: whether every value belongs to a port; if not, nothing is set by position.
    """

    values: dict[str, Any] = field(default_factory=dict)
    controls: dict[str, str] = field(default_factory=dict)
    is_clear: bool = True


def promoted_values(node: EditorNode, inner: Scope, scopes: Scopes, spec: Callable[[str], NodeSpec | None]) -> Promoted:
    """The values that `node`, an instance of `inner`, gives. Makes ports of `inner` for widgets that have none."""
    if inner.is_group:
        return _of_group(node, inner, spec)
    proxies = node.properties.get("proxyWidgets")
    ports: list[str | None]
    if type(proxies) is list and proxies:
        ports = [_proxy(inner, item, scopes, spec) for item in proxies]
    elif inner.widget_ports or not inner.graph.promoted:
        ports = [inner.graph.inputs[index].name for index in inner.widget_ports]
    else:
        ports = [_port(inner, *item, scopes, spec) for item in inner.graph.promoted]
    promoted = _paired(node.widgets, ports)
    for name, value in node.values.items():
        if name in inner.indices and value is not None:
            promoted.values[name] = value
    return promoted


def _proxy(inner: Scope, item: Any, scopes: Scopes, spec: Callable[[str], NodeSpec | None]) -> str | None:
    """The port for an entry of `proxyWidgets`: a node (-1: the definition itself) and a widget."""
    if type(item) is not list or len(item) < 2 or type(item[0]) not in (str, int) or type(item[1]) is not str:
        return None
    if item[0] in ("-1", -1):
        return item[1] if item[1] in inner.indices else None
    return _port(inner, str(item[0]), item[1], scopes, spec)


def _port(
    inner: Scope, node_id: str, widget: str, scopes: Scopes, spec: Callable[[str], NodeSpec | None]
) -> str | None:
    """The port for a widget of an inner node; None if there is no such widget."""
    if node_id not in inner.ids:
        return None
    node = inner.graph.nodes[node_id]
    deeper, known = scopes.of(node.type), spec(node.type)
    if deeper is not None:
        return inner.promote(inner.ids[node_id], widget, ANY) if deeper.ports.has(widget) else None
    item = known.input(widget) if known else None
    if known is not None and item is None:
        return None
    return inner.promote(inner.ids[node_id], widget, item.type if item else ANY)


def _of_group(node: EditorNode, inner: Scope, spec: Callable[[str], NodeSpec | None]) -> Promoted:
    promoted = Promoted()
    if not node.widgets:
        return promoted
    shown = [item for item in inner.graph.nodes.values() if item.widgets]
    if sum(len(item.widgets) for item in shown) != len(node.widgets):
        return Promoted(is_clear=False)
    place = 0
    for item in shown:
        values = node.widgets[place : place + len(item.widgets)]
        place += len(item.widgets)
        if values == item.widgets or item.id not in inner.ids:
            continue
        known = spec(item.type)
        named = named_values(known, values) if known else None
        if known is None or named is None or named.rest:
            return Promoted(is_clear=False)
        for name, value in named.values.items():
            found = known.input(name)
            port = inner.promote(inner.ids[item.id], name, found.type if found else ANY)
            promoted.values[port] = value
            if named.controls.get(name):
                promoted.controls[port] = named.controls[name]
    return promoted


def _paired(values: Sequence[Any], ports: Sequence[str | None]) -> Promoted:
    """Give each port its value; a control value may follow one. No values at all: inside is as it is."""
    promoted = Promoted()
    if not values:
        return promoted
    place = 0
    for index, port in enumerate(ports):
        if place == len(values):
            return Promoted(is_clear=False)
        if port is None:
            promoted.is_clear = False
        elif values[place] is not None:
            promoted.values[port] = values[place]
        place += 1
        if len(values) - place > len(ports) - index - 1 and is_control(values[place]):
            if port is not None:
                promoted.controls[port] = after_run(values[place])
            place += 1
    return promoted if place == len(values) else Promoted(is_clear=False)
