"""Errors of ComfyUI's `/prompt` route: types and texts that its clients know."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from graph.text import shown

LONGEST = 200
"""Letters of a value that an error repeats in its text."""

Fault = dict[str, Any]
"""`{"type", "message", "details", "extra_info"}`."""


def fault(kind: str, message: str, details: str = "", extra: Mapping[str, Any] | None = None) -> Fault:
    """One error, of a prompt or of a node."""
    return {"type": kind, "message": message, "details": details, "extra_info": dict(extra or {})}


def no_prompt() -> Fault:
    """The request has no `prompt`."""
    return fault("no_prompt", "No prompt provided", "No prompt provided")


def invalid_prompt(message: str, node: str | None = None) -> Fault:
    """The prompt is no graph. node: the id of the first node at which that shows."""
    return fault("invalid_prompt", message, "" if node is None else f"Node ID '#{node}'")


def no_outputs() -> Fault:
    """Nothing in the prompt is wanted."""
    return fault("prompt_no_outputs", "Prompt has no outputs")


def failed_validation(lines: list[str]) -> Fault:
    """No output can be made. lines: what is wrong with the output nodes themselves."""
    return fault("prompt_outputs_failed_validation", "Prompt outputs failed validation", "\n".join(lines))


def line_of(error: Fault) -> str:
    """An error as the answer's `details` repeat it."""
    return f"{error['message']}: {error['details']}"


def missing(name: str) -> Fault:
    """A required input holds nothing."""
    return fault("required_input_missing", "Required input is missing", name, {"input_name": name})


def bad_link(name: str, config: Any, value: Any) -> Fault:
    """A list that is no link."""
    message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
    return fault("bad_linked_input", message, name, _of_input(name, config) | {"received_value": value})


def mismatch(name: str, config: Any, wanted: Any, given: str, link: list[Any]) -> Fault:
    """A link of the wrong type."""
    details = f"{name}, received_type({given}) mismatch input_type({wanted})"
    extra = _of_input(name, config) | {"received_type": given, "linked_node": link}
    return fault("return_type_mismatch", "Return type mismatch between linked nodes", details, extra)


def unreadable(name: str, config: Any, wire: str, value: Any, reason: str) -> Fault:
    """A value that is none of the input's type. reason: why, a sentence or the text of an exception."""
    extra = _of_input(name, config) | {"received_value": value, "exception_message": reason}
    message = f"Failed to convert an input value to a {wire} value"
    return fault("invalid_input_type", message, f"{name}, {text_of(value)}, {reason}", extra)


def too_small(name: str, config: Any, value: Any, limit: Any) -> Fault:
    """A number below the least there may be."""
    message = f"Value {text_of(value)} smaller than min of {limit}"
    return fault("value_smaller_than_min", message, name, _of_input(name, config) | {"received_value": value})


def too_big(name: str, config: Any, value: Any, limit: Any) -> Fault:
    """A number above the most there may be."""
    message = f"Value {text_of(value)} bigger than max of {limit}"
    return fault("value_bigger_than_max", message, name, _of_input(name, config) | {"received_value": value})


def not_in_list(name: str, config: Any, value: Any, choices: list[Any], shortest: int) -> Fault:
    """A value that is none of the choices. shortest: from how many on they are only counted."""
    offered = f"(list of length {len(choices)})" if len(choices) > shortest else str(choices)
    details = f"{name}: '{text_of(value)}' not in {offered}"
    extra = _of_input(name, config) | {"received_value": value}
    return fault("value_not_in_list", "Value not in list", details, extra)


def custom(details: str, name: str) -> Fault:
    """Something that the node type itself does not take."""
    return fault("custom_validation_failed", "Custom validation failed for node", details, {"input_name": name})


def inner(details: str, exception: str, facts: Mapping[str, Any]) -> Fault:
    """A node that is not itself an output leads nowhere. facts: `input_name`, `input_config`, `linked_node`."""
    extra = {**facts, "exception_message": details, "exception_type": exception, "traceback": []}
    return fault("exception_during_inner_validation", "Exception when validating inner node", details, extra)


def outer(details: str, exception: str) -> Fault:
    """An output node leads nowhere."""
    extra = {"exception_type": exception, "traceback": []}
    return fault("exception_during_validation", "Exception when validating node", details, extra)


_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "missing_input": "required_input_missing",
        "wrong_link_type": "return_type_mismatch",
        "wrong_type": "invalid_input_type",
        "not_a_choice": "value_not_in_list",
        "dangling_link": "exception_during_validation",
        "cycle": "exception_during_validation",
    }
)
"""What our check says → the type under which their clients know such a thing."""


def body_of(
    problems: Iterable[Mapping[str, Any]], prompt: Mapping[str, Any], theirs: Callable[[str], str]
) -> dict[str, Any]:
    """The answer of status 400, where our own check refuses what passed theirs.

    problems: JSON of `graph.problem.Problem`s, as a Refusal has them. theirs: a path → the id of its node.
    """
    node_errors: dict[str, dict[str, Any]] = {}
    lines: list[str] = []
    for problem in problems:
        if problem.get("severity") == "warning":
            continue
        message, hint, name = problem["message"], problem.get("hint", ""), problem.get("input")
        lines.append(f"{message} {hint}".strip())
        node = theirs(problem["node"]) if problem.get("node") is not None else None
        if node is None or type(prompt.get(node)) is not dict:
            continue
        blank = {"errors": [], "dependent_outputs": [], "class_type": prompt[node].get("class_type", "")}
        extra = {"input_name": name} if name is not None else {}
        kind = _TYPES.get(problem["code"], "custom_validation_failed")
        node_errors.setdefault(node, blank)["errors"].append(fault(kind, message, hint, extra))
    return {"error": failed_validation(lines), "node_errors": node_errors}


def text_of(value: Any) -> str:
    """A value as such texts have it: as Python writes it, if it is short."""
    if type(value) is str:
        return value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"
    if value is None or type(value) in (bool, float):
        return str(value)
    return shown(value, LONGEST)


def _of_input(name: str, config: Any) -> dict[str, Any]:
    return {"input_name": name, "input_config": config}
