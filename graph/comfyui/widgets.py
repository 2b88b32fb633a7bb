"""Which input a widget value belongs to: ComfyUI's editor saves values by position, without names.

The order is that of the node type's inputs, with values in between that no input takes: what to do with a seed after
each run, and the label of an upload button. Old and new editors differ in which of these they write, so each value is
looked at before it is taken for one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from graph.comfyui.editor import EditorNode
from graph.settings import Unfit, coerce
from graph.spec import InputSpec, NodeSpec

CONTROLS: Mapping[Any, str] = {
    "fixed": "",
    "randomize": "random",
    "increment": "increment",
    "decrement": "decrement",
    "increment-wrap": "increment-wrap",
}
"""Their word for what happens to a value after a run → ours; "increment-wrap" is of choices alone and has none."""

CONTROL = "control_after_generate"
UPLOADS = ("image_upload", "video_upload", "audio_upload", "animated_image_upload")
BUTTONS = frozenset({"image", "video", "audio"})
"""What the widget of an upload button holds."""

BUTTON_NAMES = frozenset({"upload", "choose file to upload", "audioUI", "videoUI"})
"""Names under which files give the value of an upload button, or of a player beside it."""

_WIDGETS = frozenset({"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "COLOR"})
_SEEDS = frozenset({"seed", "noise_seed"})


class Named(NamedTuple):
    """Widget values by input. controls: what happens to an input after a run, in our words. rest: values left over."""

    values: dict[str, Any]
    controls: dict[str, str]
    rest: tuple[Any, ...]


def named_values(spec: NodeSpec, widgets: Sequence[Any]) -> Named:
    """The positional values of a node of a known type by the names of its inputs."""
    inputs = [item for item in spec.inputs if _is_widget(item)]
    forced = [item for item in inputs if item.hints.get("forceInput")]
    if forced and len(widgets) == sum(2 if _is_controlled(item) else 1 for item in inputs):
        taken = inputs
    else:
        taken = [item for item in inputs if not item.hints.get("forceInput")]
    named = Named({}, {}, ())
    place = _named(taken, widgets, named)
    for item in forced:
        named.values.pop(item.name, None)
        named.controls.pop(item.name, None)
    return named._replace(rest=tuple(widgets[place:]))


def _named(inputs: Sequence[InputSpec], widgets: Sequence[Any], named: Named) -> int:
    """Fill `named`; how many of the values have been taken."""
    place, has_button = 0, False
    for index, item in enumerate(inputs):
        if has_button and place < len(widgets) and _is_button(widgets[place]) and not _fits(item, widgets[place]):
            place, has_button = place + 1, False
        if place == len(widgets):
            return place
        named.values[item.name] = widgets[place]
        place += 1
        has_button = has_button or any(item.hints.get(hint) for hint in UPLOADS)
        if not _is_controlled(item) or place == len(widgets):
            continue
        following = inputs[index + 1] if index + 1 < len(inputs) else None
        has_more = len(widgets) - place > len(inputs) - index - 1
        if is_control(widgets[place]) and (has_more or following is None or not _fits(following, widgets[place])):
            named.controls[item.name] = after_run(widgets[place])
            place += 1
            if item.type == "COMBO" and has_more and place < len(widgets) and type(widgets[place]) is str:
                place += len(widgets) - place > len(inputs) - index - 1
    if has_button and place < len(widgets) and type(widgets[place]) is str:
        place += 1
    return place


def slot_values(node: EditorNode) -> Named | None:
    """The values of a node of unknown type, where its own slots name all its widgets; else None.

    Editors of 2025 list a slot for every widget, older and newer ones only for those that are linked.
    """
    names = [slot.widget for slot in node.inputs if slot.widget]
    named, place = Named({}, {}, ()), 0
    for index, name in enumerate(names):
        if place == len(node.widgets):
            return None
        named.values[name] = node.widgets[place]
        place += 1
        has_more = len(node.widgets) - place > len(names) - index - 1
        if has_more and name in _SEEDS and is_control(node.widgets[place]):
            named.controls[name] = after_run(node.widgets[place])
            place += 1
    return named if names and place == len(node.widgets) else None


def is_control(value: Any) -> bool:
    """Whether a value can be what happens after a run. Files of 2023 have true and false."""
    return type(value) is bool or (type(value) is str and value in CONTROLS)


def after_run(value: Any) -> str:
    """A control value in our words; "" for leaving the setting as it is."""
    if type(value) is bool:
        return "random" if value else ""
    return CONTROLS[value]


def controlled_input(spec: NodeSpec) -> InputSpec | None:
    """The first input of the type that is followed by a control value, or None."""
    return next((item for item in spec.inputs if _is_widget(item) and _is_controlled(item)), None)


def has_widgets(spec: NodeSpec) -> bool:
    """Whether the editor saves values of a node of this type."""
    return any(_is_widget(item) and not item.hints.get("forceInput") for item in spec.inputs)


def takes_constant(spec: NodeSpec, name: str) -> bool:
    """Whether a value is passed to the input of that name. Inputs that a type does not declare may take links only."""
    declared = any(item.name == name for item in spec.inputs)
    return declared or (spec.others is not None and not spec.others.hints.get("forceInput"))


def fitted(item: InputSpec, value: Any) -> Any:
    """The value as ComfyUI's server would take it for the input: "20" is 20 for INT. What fits anyway stays as it is,
    and so does what does not fit at all: `check` will say why.
    """
    if _fits(item, value):
        return value
    converted = _converted(item, value)
    return converted if converted is not None and _fits(item, converted) else value


def _converted(item: InputSpec, value: Any) -> Any:
    if type(value) not in (str, int, float, bool):
        return None
    try:
        match item.type:
            case "INT":
                return int(value) if type(value) is str else int(float(value))
            case "FLOAT":
                return float(value)
            case "STRING":
                return str(value)
            case "BOOLEAN" if type(value) is str:
                return {"true": True, "false": False}.get(value.lower())
            case "BOOLEAN":
                return bool(value)
            case "COMBO":
                return str(value)
    except (ValueError, OverflowError):
        return None
    return None


def _fits(item: InputSpec, value: Any) -> bool:
    try:
        coerce(item, value)
    except Unfit:
        return False
    return True


def _is_button(value: Any) -> bool:
    return type(value) is str and value in BUTTONS


def _is_widget(item: InputSpec) -> bool:
    return item.hints.get("widgetType", item.type) in _WIDGETS


def _is_controlled(item: InputSpec) -> bool:
    return bool(item.hints.get(CONTROL)) or (item.type == "INT" and item.name in _SEEDS)
