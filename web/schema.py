"""The shapes the editor shares with the server, as one JSON Schema on stdout; `npm run generate` makes types of it."""

import json
import sys
from pathlib import Path
from typing import Any, get_type_hints

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pydantic import TypeAdapter  # noqa: E402

import graph.events  # noqa: E402
from graph.events import Event  # noqa: E402
from graph.schema import schema as workflow_schema  # noqa: E402
from server.native import ALL  # noqa: E402
from server.openapi import document  # noqa: E402

RENAMED = {"Node": "WorkflowNode", "Input": "InputValue", "Output": "OutputValue", "Origin": "LinkOrigin"}
"""Definitions of workflow documents whose names mean something else to a browser."""

ADDED_BY_SERVER = {"run_finished": {"error": {"anyOf": [{"$ref": "#/$defs/Failure"}, {"type": "null"}]}}}
"""What the server adds to events of the engine. It is left out where there is nothing to say."""

SHAPING = {"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const"}
"""Keys without which a schema takes anything."""

TOLD_BY_SERVER = {
    "run_paused": {"by": {"enum": ["user", "run"]}},
    "run_resumed": {"worker": {"type": "string"}},
    "run_moved": {"priority": {"type": "integer"}, "position": {"type": "number"}},
    "run_interrupted": {"reason": {"type": "string"}},
}
"""Events of a run that are the server's own, with what they hold."""


def main() -> None:
    """Print the schema."""
    definitions = _api() | _workflow() | _events()
    everything = {name: {"$ref": f"#/$defs/{name}"} for name in sorted(definitions)}
    print(json.dumps({"title": "Everything", "type": "object", "properties": everything, "$defs": definitions}))


def _api() -> dict[str, Any]:
    found = document(ALL, version="")["components"]["schemas"]
    short = {name: name.rpartition("__")[2] for name in found}
    short |= {"server__routes__runs__Checked": "RunChecked", "server__routes__workflows__Checked": "WorkflowChecked"}
    short = {name: value.replace("-", "") for name, value in short.items()}
    return {short[name]: _referring(_plain(value), "#/components/schemas/", short) for name, value in found.items()}


def _workflow() -> dict[str, Any]:
    whole = workflow_schema()
    definitions = whole.pop("$defs")
    whole = {key: value for key, value in whole.items() if not key.startswith("$")}
    named = {name: RENAMED.get(name, name) for name in definitions}
    return {
        named.get(name, name): _referring(value, "#/$defs/", named)
        for name, value in (definitions | {"Workflow": whole}).items()
    }


def _events() -> dict[str, Any]:
    kinds = [kind for kind in vars(graph.events).values() if isinstance(kind, type) and issubclass(kind, Event)]
    made: dict[str, Any] = {}
    for kind in kinds:
        if kind is Event:
            continue
        hints = get_type_hints(kind)
        own = {name: TypeAdapter(hints[name]).json_schema() for name in graph.events._parts(kind)}  # noqa: SLF001
        if "plan" in own:
            own["plan"] = {"type": "array", "items": {"$ref": "#/$defs/PlanStep"}}
        made[kind.__name__] = _event(kind.name, own, ADDED_BY_SERVER.get(kind.name, {}))
    for name, own in TOLD_BY_SERVER.items():
        common = {"run": {"type": "string"}, "seq": {"type": "integer"}, "time": {"type": "number"}}
        made[name.title().replace("_", "")] = _event(name, common | own)
    return made | {"RunEvent": {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in made]}}


def _event(name: str, properties: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"event": {"const": name}} | properties | (optional or {}),
        "required": ["event", *properties],
        "additionalProperties": False,
    }


def _referring(value: Any, start: str, names: dict[str, str]) -> Any:
    """A schema whose references lead to the definitions as they are named here."""
    if isinstance(value, dict):
        if "prefixItems" in value:  # a pair, as the tool that writes types knows it
            value = {"type": "array", "items": value["prefixItems"], "minItems": 2, "maxItems": 2}
        return {
            key: f"#/$defs/{names[item.removeprefix(start)]}" if key == "$ref" else _referring(item, start, names)
            for key, item in value.items()
        }
    return [_referring(item, start, names) for item in value] if isinstance(value, list) else value


def _plain(value: Any, inside: str = "") -> Any:
    """A schema without the titles that pydantic gives to every field, of which each would become a type."""
    if isinstance(value, dict):
        if inside != "properties" and not SHAPING & value.keys() and value.keys() & {"title", "default"}:
            return {"tsType": "unknown"}  # any value at all
        return {key: _plain(item, key) for key, item in value.items() if key != "title" or inside == "properties"}
    return [_plain(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
