"""Why a run failed, as ComfyUI's clients are told: `execution_error`."""

import builtins
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from graph.comfyui.api import WRAP
from graph.comfyui.api_reading import is_link
from graph.text import shown
from server.comfyui.ids import Ids, named

LONGEST = 1_000
"""Letters of an input's value that are told."""

_BUILT_IN: Mapping[str, str] = MappingProxyType(
    {
        name.lower(): name
        for name, kind in vars(builtins).items()
        if isinstance(kind, type) and issubclass(kind, Exception)
    }
)
_MEMORY = frozenset({"out_of_memory", "out_of_memory_error", "memory_shortage"})


def error_data(
    prompt_id: str,
    ids: Ids,
    prompt: Mapping[str, Any],
    failure: Mapping[str, Any],
    executed: Iterable[str],
    time: float,
) -> dict[str, Any]:
    """The data of the message. failure: `{"node", "code", "message", "hint"}`. executed: ids of the nodes that ran.
    time: seconds since 1970.

    There is no traceback: it would tell of the machine, and the message says what to do.
    """
    node = ids.place(failure["node"]).real if failure.get("node") else ""
    raw = named(prompt, node)
    finished = list(executed)
    return {
        "prompt_id": prompt_id,
        "node_id": node,
        "node_type": raw.get("class_type", ""),
        "executed": finished,
        "exception_message": "\n".join(part for part in (failure["message"], failure.get("hint", "")) if part),
        "exception_type": exception_type(failure.get("code", "")),
        "traceback": [],
        "current_inputs": _inputs(raw.get("inputs")),
        "current_outputs": finished,
        "timestamp": milliseconds(time),
    }


def exception_type(code: str) -> str:
    """The class that a failure's code is made of: "value_error" → "ValueError"."""
    if code in _MEMORY:
        return "torch.OutOfMemoryError"
    plain = code.replace("_", "")
    return _BUILT_IN.get(plain) or "".join(part.capitalize() for part in code.split("_"))


def milliseconds(time: float) -> int:
    """Seconds as their clients count."""
    return round(time * 1000)


def _inputs(given: Any) -> dict[str, list[Any]]:
    """Constants as they are, links as a text, all in lists; long texts are cut."""
    inputs = given if isinstance(given, Mapping) else {}
    told: dict[str, list[Any]] = {}
    for name, value in inputs.items():
        if is_link(value):
            told[name] = [f"output {value[1]} of node {value[0]}"]
            continue
        bare = value[WRAP] if isinstance(value, Mapping) and value.keys() == {WRAP} else value
        if type(bare) is str:
            told[name] = [bare[:LONGEST]]
        else:
            told[name] = [bare if bare is None or type(bare) in (bool, int, float) else shown(bare, LONGEST)]
    return told
