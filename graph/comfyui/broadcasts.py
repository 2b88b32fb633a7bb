"""Use Everywhere: values sent to every input of their type that has no link. They become plain links.

The rules, as the pack's manual gives them: an input takes what is sent with the highest priority (`Anything
Everywhere?` 10, seeds and prompts 5, others 0, or what the node itself says); two of the same priority are no link at
all. Regular expressions on titles, inputs and groups, and marks for group and colour, narrow who takes it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from graph.comfyui.editor import BYPASS, INPUT_NODE, NEVER, NOTHING, EditorGraph, EditorLink, EditorNode, EditorSlot
from graph.comfyui.editor_parsing import identity
from graph.comfyui.reports import Reports
from graph.spec import ANY
from graph.text import listing, shown

SEED = "Seed Everywhere"
_SENDER = re.compile(r"[\w ]{1,40} Everywhere[?3]?")
_VIRTUAL = frozenset({"Note", "MarkdownNote", "Reroute", "PrimitiveNode"})
_POSITIVE, _NEGATIVE = r"(\b|_)pos(itive)?(\b|_)|^prompt", r"(\b|_)neg(ative)?(\b|_)"
_SLOW = re.compile(r"\)[*+{]|\\[1-9]|\(\?P?<")
"""What can make a regular expression take for ever: repeated groups and references back."""

PRIORITIES: Mapping[str, int] = MappingProxyType({"Anything Everywhere?": 10, SEED: 5, "Prompts Everywhere": 5})
COMPARISONS = 1_000_000
"""How many times an input is held against what is sent. Beyond it nothing more is linked."""

LENGTH, STEPS = 60, 300_000
"""How much of a name is searched, and how many ways a pattern may have to be tried on it."""

Test = Callable[[str], bool]


@dataclass(frozen=True, eq=False)
class Cast:
    """One value that is sent. origin, slot: where it begins. title, input, groups: tests of who takes it.

    group, color: 1: only who is in the sender's own group or has its colour; 2: only others; 0: all.
    """

    sender: EditorNode
    type: str
    origin: str
    slot: int
    priority: float
    title: Test
    input: Test
    groups: Test | None
    group: int
    color: int


def is_sender(node: EditorNode) -> bool:
    """Whether a node is one of the pack's that send."""
    return bool(_SENDER.fullmatch(node.type))


def linked(graph: EditorGraph, reports: Reports) -> EditorGraph:
    """The graph with plain links in place of what is sent, and without the nodes that send.

    `Seed Everywhere`, which holds its value itself, becomes a `PrimitiveInt`.
    """
    senders = [node for node in graph.nodes.values() if is_sender(node)]
    if not senders:
        return graph
    sending = _Sending(graph, reports)
    for sender in senders:
        if sender.mode not in (NEVER, BYPASS):
            for cast in _casts(graph, sender, reports):
                if cast.type != ANY:
                    sending.casts.setdefault(cast.type, []).append(cast)
    nodes = [sending.taken_by(node) for node in graph.nodes.values() if _takes(node)]
    taken: dict[str, list[str]] = {}
    for cast, link, name in sending.made:
        taken.setdefault(cast.sender.id, []).append(f"{link.target}.{name}")
    for sender in senders:
        ends = taken.get(sender.id)
        what = f"what it sends becomes plain links to {listing(ends)}." if ends else "nothing takes what it sends."
        reports.add("rewired", graph, sender, what)
    gone = {node.id for node in senders if node.type != SEED}
    seeds = [_primitive(node) for node in senders if node.type == SEED]
    used = {slot.link for node in graph.nodes.values() if node.id not in gone for slot in node.inputs}
    lost = [link.id for link in graph.links.values() if link.target in gone and link.id not in used]
    return graph.with_nodes([*nodes, *seeds], gone).with_links([link for _, link, _ in sending.made], lost)


def _takes(node: EditorNode) -> bool:
    is_closed = node.properties.get("rejects_ue_links") is True
    return node.mode not in (NEVER, BYPASS) and node.type not in _VIRTUAL and not is_sender(node) and not is_closed


def _primitive(node: EditorNode) -> EditorNode:
    outputs = (EditorSlot("INT", "INT", links=node.outputs[0].links if node.outputs else ()),)
    return replace(node, type="PrimitiveInt", title=node.title or node.type, outputs=outputs, properties=NOTHING)


# What is sent


def _casts(graph: EditorGraph, node: EditorNode, reports: Reports) -> Iterator[Cast]:
    """What a node sends: its own seed, or what each of its inputs gets."""
    own = node.properties.get("ue_properties")
    own = own if type(own) is dict else {}
    given = own.get("priority")
    priority = (
        given
        if isinstance(given, int | float)
        else PRIORITIES.get(node.type, PRIORITIES["Anything Everywhere?"] if node.type.endswith("?") else 0)
    )
    texts = dict.fromkeys(("title_regex", "input_regex", "group_regex"), "")
    if node.type.endswith("?"):
        texts |= dict(zip(texts, node.widgets, strict=False))
    texts |= {key: found for key in texts if (found := own.get(key) or node.values.get(key))}
    rules = [_rule(own, node, key) for key in ("group_restricted", "color_restricted")]
    title, groups = (
        _test(graph, node, texts[key], own.get(f"{key}_invert") is True, reports)
        for key in ("title_regex", "group_regex")
    )
    for origin, slot, wire, pattern in _values(graph, node):
        tests = [
            _test(graph, node, text, own.get("input_regex_invert") is True and text is not pattern, reports)
            for text in (pattern, texts["input_regex"])
            if text
        ]
        yield Cast(
            sender=node,
            type=wire,
            origin=origin,
            slot=slot,
            priority=priority,
            title=title or _always,
            input=lambda name, tests=tests: all(test is None or test(name) for test in tests),
            groups=groups,
            group=rules[0],
            color=rules[1],
        )


def _values(graph: EditorGraph, node: EditorNode) -> Iterator[tuple[str, int, str, str]]:
    """Where each value begins, its type, and the pattern that its kind asks of inputs."""
    if node.type == SEED:
        yield node.id, 0, "INT", "seed"
        return
    for index, item in enumerate(node.inputs):
        link = graph.links.get(item.link) if item.link is not None else None
        if link is not None and not item.widget:
            wire = link.type if link.type != ANY else _output_type(graph, link) or item.type
            pattern = (_POSITIVE, _NEGATIVE)[min(index, 1)] if node.type == "Prompts Everywhere" else ""
            yield link.origin, link.slot, wire, pattern


def _output_type(graph: EditorGraph, link: EditorLink) -> str:
    slots = graph.inputs if link.origin == INPUT_NODE else getattr(graph.nodes.get(link.origin), "outputs", ())
    return slots[link.slot].type if link.slot < len(slots) else ""


def _rule(own: Mapping[str, Any], node: EditorNode, key: str) -> int:
    value = own.get(key, node.properties.get(key, 0))
    return int(value) if value in (0, 1, 2) else 0  # older files have true and false


def _always(_: str) -> bool:
    return True


def _test(graph: EditorGraph, node: EditorNode, pattern: Any, inverted: bool, reports: Reports) -> Test | None:
    """A test of names, letter case as written; None for a pattern that everything fits."""
    if type(pattern) is not str or pattern in ("", ".*"):
        return None
    try:
        if len(pattern) > 200 or _SLOW.search(pattern) or _steps(pattern) > STEPS:
            raise re.error("it could take for ever")
        compiled = re.compile(pattern, re.IGNORECASE if pattern in (_POSITIVE, _NEGATIVE, "seed") else 0)
    except (re.error, OverflowError, RecursionError) as error:
        reports.add(
            "ignored_input", graph, node, f"the pattern {shown(pattern)} cannot be used: {error}.", "Nothing fits it."
        )
        return lambda _: False
    return lru_cache(4096)(lambda name: bool(compiled.search(name[:LENGTH])) != inverted)


def _steps(pattern: str) -> float:
    """At most how many ways a search tries: each repetition has as many as there are letters, each choice two."""
    return float(LENGTH) ** sum(map(pattern.count, "*+{")) * 2.0 ** sum(map(pattern.count, "|?"))


# Who takes it


class _Sending:
    """The casts of a graph, and the links that come of them: (cast, link, name of the input)."""

    def __init__(self, graph: EditorGraph, reports: Reports) -> None:
        self.graph = graph
        self.reports = reports
        self.casts: dict[str, list[Cast]] = {}
        self.made: list[tuple[Cast, EditorLink, str]] = []
        self._left = COMPARISONS
        self._hints = _hints(graph)

    def taken_by(self, node: EditorNode) -> EditorNode:
        """The node with links at all its inputs that take something."""
        slots = list(node.inputs)
        for index, slot in enumerate(_open_slots(self.graph, node)):
            cast = self._best(node, slot) if slot is not None and slot.type in self.casts else None
            if slot is None or cast is None:
                continue
            link = EditorLink(f"everywhere {len(self.made)}", cast.origin, cast.slot, node.id, index, cast.type)
            self.made.append((cast, link, slot.name))
            slots[index : index + 1] = [slot._replace(link=link.id)]
        return replace(node, inputs=tuple(slots))

    def _best(self, node: EditorNode, slot: EditorSlot) -> Cast | None:
        casts = self.casts[slot.type]
        self._left -= len(casts)
        if self._left < 0:
            if self._left + len(casts) >= 0:
                self.reports.add(
                    "lost_link", self.graph, node, "from here on too much is sent to be matched.", "Link by hand."
                )
            return None
        fitting = [cast for cast in casts if self._fits(cast, node, slot)]
        highest = max((cast.priority for cast in fitting), default=0)
        best = [cast for cast in fitting if cast.priority == highest]
        if len({(cast.origin, cast.slot) for cast in best}) > 1:
            best = [cast for cast in best if (node.id, cast.sender.id) in self._hints] or best
        if len({(cast.origin, cast.slot) for cast in best}) > 1:
            senders = listing(dict.fromkeys(cast.sender.id for cast in best))
            what = f"the input '{slot.name}' is sent something by the nodes {senders} alike."
            self.reports.add("lost_link", self.graph, node, what, "It is left unlinked: link it by hand.", slot.name)
            return None
        return best[0] if best else None

    def _fits(self, cast: Cast, node: EditorNode, slot: EditorSlot) -> bool:
        if cast.origin == node.id or not cast.input(slot.name):
            return False
        if not (cast.title(node.title or node.type) or (not node.title and cast.title(_search_name(node)))):
            return False
        if cast.color and (_color(node) == _color(cast.sender)) != (cast.color == 1):
            return False
        if cast.group or cast.groups:
            groups = self._groups_of(node)
            shared = bool(groups & self._groups_of(cast.sender))
            if cast.group and shared != (cast.group == 1):
                return False
            return cast.groups is None or any(cast.groups(self.graph.groups[index].title) for index in groups)
        return True

    def _groups_of(self, node: EditorNode) -> frozenset[int]:
        """The groups in which the middle of a node lies."""
        if node.pos is None:
            return frozenset()
        width, height = node.size or (0, 0)
        x, y = node.pos[0] + width / 2, node.pos[1] + height / 2
        self._left -= len(self.graph.groups)
        return frozenset(
            index
            for index, group in enumerate(self.graph.groups)
            if group.x <= x <= group.x + group.width and group.y <= y <= group.y + group.height
        )


def _open_slots(graph: EditorGraph, node: EditorNode) -> Iterator[EditorSlot | None]:
    """The inputs of a node that would take something, None in the places of others.

    A widget takes something if the node says so, or if it was made a socket, as in files of old editors.
    """
    own = node.properties.get("ue_properties")
    own = own if type(own) is dict else {}
    widgets = own.get("widget_ue_connectable")
    widgets = {name for name, is_open in widgets.items() if is_open} if type(widgets) is dict else set[str]()
    closed = own.get("input_ue_unconnectable")
    closed = {name for name, is_closed in closed.items() if is_closed} if type(closed) is dict else set[str]()
    is_old = not graph.name and "ue_properties" not in node.properties and "frontendVersion" not in graph.extra
    for slot in node.inputs:
        is_open = slot.link is None and slot.name not in closed
        yield slot if is_open and (not slot.widget or is_old or slot.name in widgets) else None
    for name in sorted(widgets - {slot.name for slot in node.inputs}):
        yield EditorSlot(name, "INT" if "seed" in name else ANY, None, widget=name)


def _search_name(node: EditorNode) -> str:
    name = node.properties.get("Node name for S&R")
    return name if type(name) is str else node.type


def _color(node: EditorNode) -> Any:
    return node.raw.get("bgcolor") or node.raw.get("color")


def _hints(graph: EditorGraph) -> set[tuple[str | None, str | None]]:
    """(who takes, who sends) as the pack itself found it when the file was saved."""
    saved = graph.extra.get("ue_links")
    return {
        (identity(item.get("downstream")), identity(item.get("controller")))
        for item in (saved if type(saved) is list else [])
        if type(item) is dict
    }
