"""From ComfyUI's API JSON, what its `/prompt` route takes, to our `Workflow`. `graph.comfyui.api` is the way back."""

from collections.abc import Mapping
from typing import Any

from graph.catalogue import Catalogue
from graph.comfyui.api import WRAP
from graph.comfyui.core_types import absence, core_spec
from graph.comfyui.editor_parsing import whole
from graph.comfyui.extras import EXTRAS, our_id
from graph.comfyui.names import Names
from graph.comfyui.widgets import BUTTON_NAMES, fitted, takes_constant
from graph.document import Link, Node, Workflow
from graph.problem import Code, Problem
from graph.spec import NodeSpec
from graph.text import shown

SLOTS = 1000
"""Outputs a node of unknown type is believed to have at most."""

_KEYS = frozenset({"class_type", "inputs", "_meta", "is_changed"})


def workflow_of_api(prompt: Mapping[str, Any], catalogue: Catalogue) -> tuple[Workflow, list[Problem]]:
    """The workflow of a prompt: nodes by id with `class_type` and `inputs`, and what could not be mapped.

    A link `[id, slot]` gets the name of the output from the catalogue; where nobody knows the type, the slot number.
    """
    reader = _Reader(prompt, catalogue)
    nodes = {reader.ids[name]: reader.node(name, raw) for name, raw in prompt.items() if name in reader.ids}
    rest = {name: raw for name, raw in prompt.items() if name not in reader.ids}
    return Workflow(nodes, extra={EXTRAS: {"prompt": rest}} if rest else {}), reader.problems


def is_node(raw: Any) -> bool:
    """Whether a value of a prompt is a node."""
    return type(raw) is dict and type(raw.get("class_type")) is str


def is_link(value: Any) -> bool:
    """Whether an input's value is a link: a list of a text and a number, whatever else it may have been meant as."""
    return type(value) is list and len(value) == 2 and type(value[0]) is str and type(value[1]) in (int, float)


class _Reader:
    """A prompt being read. ids: of its nodes → ours."""

    def __init__(self, prompt: Mapping[str, Any], catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.problems: list[Problem] = []
        self.types = {name: raw["class_type"] for name, raw in prompt.items() if is_node(raw)}
        unique = Names().unique
        self.ids = {name: unique(our_id(name)) for name in self.types}
        self._specs: dict[str, NodeSpec | None] = {}
        self._slots: dict[str, int] = {}
        self._names: dict[str, list[str]] = {}
        for raw in prompt.values():
            for value in _object(raw.get("inputs")).values() if is_node(raw) else ():
                if is_link(value) and value[0] in self.types and type(value[1]) is int:
                    self._slots[value[0]] = max(value[1] + 1, self._slots.get(value[0], 0))
        for name, raw in prompt.items():
            if name not in self.types:
                self._report(
                    "unreadable_part", None, f"'{name}' is {shown(raw)}, which is no node: it has no class_type."
                )

    def node(self, name: str, raw: Mapping[str, Any]) -> Node:
        """One node."""
        type_id, ours = raw["class_type"], self.ids[name]
        spec = self._spec(type_id)
        extras: dict[str, Any] = {"id": name} if ours != name else {}
        if spec is None:
            message, hint = absence(self.catalogue, type_id)
            code = "broken_pack" if self.catalogue.error(type_id) else "unknown_type"
            self._report(code, ours, f"Node '{ours}' ({type_id}): {message}", hint)
            extras["outputs"] = self._outputs(name)
        given = raw.get("inputs", {})
        if type(given) is not dict:
            self._report("unreadable_part", ours, f"Node '{ours}' ({type_id}): its inputs are {shown(given)}.")
            extras["node"], given = {"inputs": given}, {}
        inputs: dict[str, Any] = {}
        ignored: dict[str, Any] = {}
        for key, value in given.items():
            item = spec.input(key) if spec else None
            if is_link(value):
                inputs[key] = self._link(*value)
            elif spec is None:
                inputs[key] = _unwrapped(value)
            elif item is None or not takes_constant(spec, key):
                ignored[key] = value
            else:
                value = _unwrapped(value)
                inputs[key] = fitted(item, value)
                if inputs[key] is not value:
                    what = f"Node '{ours}' ({type_id}): '{key}' is {shown(value)}; it is read as {shown(inputs[key])}."
                    self._report("changed_value", ours, what, input=key)
        if ignored:
            extras["inputs"] = ignored
            self._ignored(ours, type_id, ignored)
        rest = {key: value for key, value in raw.items() if key not in _KEYS}
        if rest:
            extras["node"] = {**extras.get("node", {}), **rest}
        title = _title(raw)
        return Node(
            type_id,
            inputs,
            version=spec.version if spec else 1,
            title="" if title in (type_id, spec.title if spec else "") else title,
            extra={EXTRAS: extras} if extras else {},
        )

    def _link(self, origin: str, slot: float) -> Link:
        """A link by the name of its output. Of an output that is not known, its number."""
        names = self._outputs(origin) if origin in self.types else []
        number = whole(slot, -1)
        output = names[number] if 0 <= number < len(names) else str(number) if number >= 0 else shown(slot)
        return Link(self.ids.get(origin, our_id(origin)), output)

    def _outputs(self, name: str) -> list[str]:
        """The names of a node's outputs; of those that nobody knows, their numbers."""
        if name not in self._names:
            spec = self._spec(self.types[name])
            known = spec or core_spec(self.types[name])
            names = [item.name for item in known.outputs] if known else []
            if spec is None:
                names += [str(slot) for slot in range(len(names), min(self._slots.get(name, 0), SLOTS))]
            self._names[name] = names
        return self._names[name]

    def _ignored(self, ours: str, type_id: str, ignored: Mapping[str, Any]) -> None:
        for key, value in ignored.items():
            if key not in BUTTON_NAMES:
                what = f"Node '{ours}' ({type_id}) has no input '{key}'; its value {shown(value)} is ignored."
                self._report("ignored_input", ours, what, f"It is kept under '{EXTRAS}'.", key)

    def _spec(self, type_id: str) -> NodeSpec | None:
        if type_id not in self._specs:
            self._specs[type_id] = self.catalogue.spec(type_id)
        return self._specs[type_id]

    def _report(
        self,
        code: Code,
        node: str | None,
        message: str,
        hint: str = "",
        input: str | None = None,  # noqa: A002 — the word of `Problem`
    ) -> None:
        self.problems.append(Problem(code=code, message=message, hint=hint, node=node, input=input, severity="warning"))


def _unwrapped(value: Any) -> Any:
    return value[WRAP] if type(value) is dict and value.keys() == {WRAP} else value


def _object(value: Any) -> Mapping[str, Any]:
    return value if type(value) is dict else {}


def _title(raw: Mapping[str, Any]) -> str:
    meta = raw.get("_meta")
    title = meta.get("title") if type(meta) is dict else ""
    return title if type(title) is str else ""
