"""The native interface in OpenAPI 3.1, made from its routes."""

import inspect
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter

from graph.document import NAME
from server.api import ErrorAnswer, Route, answer_type
from server.guard import COOKIE

SCHEMAS = "#/components/schemas/"

JSON = "application/json"
MULTIPART = "multipart/form-data"
BYTES = "application/octet-stream"

EMPTY = (412, 416)
"""Refusals of what answers with files: those have no body (RFC 9110, sections 13 and 14)."""

APP_RUNS = "/v1/apps/{name}/runs"
"""The path of which every published workflow has its own."""

SECURITY: dict[str, dict[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer TOKEN"},
    "basic": {"type": "http", "scheme": "basic", "description": "the token as password, any user name"},
    "query": {"type": "apiKey", "in": "query", "name": "token", "description": "for websockets and old clients"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "what POST /v1/login gives"},
}

REFUSALS: dict[int, str] = {
    400: "The request is garbled: its path, its query, or its JSON.",
    401: "A token is needed, or the one given does not hold.",
    403: "The token may not do this, or a page of another site asked.",
    404: "There is no such thing.",
    405: "This path does not take this method.",
    408: "The body stopped coming.",
    409: "It cannot be done as things are.",
    413: "The body is too large.",
    415: "The body is of another type than this takes.",
    422: "The request is well formed, but says something that cannot be; `problems` lists it all.",
    429: "Too much at once, or too many wrong tokens. Retry-After says when to try again.",
    503: "It cannot be done now.",
}


@dataclass(frozen=True)
class AppPath:
    """A published workflow with its own path. inputs: JSON Schema of the body's object, references resolved."""

    name: str
    title: str
    help: str
    inputs: Mapping[str, Any]


def document(
    routes: Iterable[Route],
    *,
    version: str,
    apps: Iterable[AppPath] = (),
    protected: bool = True,
    base_path: str = "",
) -> dict[str, Any]:
    """The whole description, as JSON. protected: tokens are asked for.

    Raises ValueError for two routes of one name: their operations could not be told apart.
    """
    written = _general(tuple(routes), version, protected, base_path)
    paths = dict(written["paths"])
    general = paths.get(APP_RUNS, {}).get("post")
    if general is not None:
        general = _with_picture(general)
        paths[APP_RUNS] = paths[APP_RUNS] | {"post": general}
        paths |= {APP_RUNS.replace("{name}", app.name): {"post": _app_operation(general, app)} for app in apps}
    return written | {"paths": paths}


@lru_cache(maxsize=4)
def _general(routes: tuple[Route, ...], version: str, protected: bool, base_path: str) -> dict[str, Any]:
    # It takes a tenth of a second, and is the same until the program is another.
    schemas = _Schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    names: set[str] = set()
    for route in routes:
        operation = _operation(route, schemas)
        if operation["operationId"] in names:
            raise ValueError(f"Two routes have the name '{operation['operationId']}'.")
        names.add(operation["operationId"])
        paths.setdefault(template(route), {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": NAME.capitalize(),
            "version": version,
            "description": "Runs of workflows, their events and files, and all that belongs to them.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base_path or "/"}],
        "security": [{name: []} for name in SECURITY] + ([] if protected else [{}]),
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "schemas": schemas.components(),
            "responses": {f"Error{status}": _refusal(status) for status in REFUSALS},
            "securitySchemes": SECURITY,
        },
    }


def template(route: Route) -> str:
    """The path of a route as OpenAPI writes it, without patterns."""
    path = route.path
    for name in route.parts:
        head, _, rest = path.partition("{" + name)
        depth = 1
        for end, letter in enumerate(rest):
            depth += {"{": 1, "}": -1}.get(letter, 0)
            if depth == 0:
                path = f"{head}{{{name}}}{rest[end + 1 :]}"
                break
    return path


class _Schemas:
    """The JSON Schemas of all routes, made at once so that equal names of different models are told apart."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        wanted: dict[Hashable, tuple[Any, Any]] = {"error": ("serialization", ErrorAnswer)}
        for route in routes:
            hints = route.hints
            answer = answer_type(hints.get("return"))
            if answer is not None:
                wanted[self.key(route, "answer")] = ("serialization", answer)
            body = route.reads or hints.get("body")
            if body is not None:
                wanted[self.key(route, "body")] = ("validation", body)
            for name in route.parts:
                wanted[self.key(route, "path", name)] = ("validation", hints.get(name, str))
            if "query" in hints:
                wanted[self.key(route, "query")] = ("validation", hints["query"])
        found, self._definitions = TypeAdapter.json_schemas(
            [(key, mode, TypeAdapter(kind)) for key, (mode, kind) in wanted.items()],
            ref_template=SCHEMAS + "{model}",
        )
        self._found = {key: schema for (key, _), schema in found.items()}
        self._queries = [key for key in wanted if isinstance(key, tuple) and key[2] == "query"]

    @staticmethod
    def key(route: Route, *what: str) -> Hashable:
        return (route.method, route.path, *what)

    def get(self, route: Route, *what: str) -> dict[str, Any] | None:
        return self._found.get(self.key(route, *what))

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        name = schema.get("$ref", "").removeprefix(SCHEMAS)
        return self._definitions["$defs"][name] if name else schema

    def components(self) -> dict[str, Any]:
        # Models of queries stand in the parameters; as components nothing would refer to them.
        found = dict(self._definitions.get("$defs", {}))
        for key in self._queries:
            found.pop(self._found[key].get("$ref", "").removeprefix(SCHEMAS), None)
        return dict(sorted(found.items()))


def _operation(route: Route, schemas: _Schemas) -> dict[str, Any]:
    summary, _, description = (inspect.getdoc(route.handler) or "").partition("\n\n")
    parameters = [_part(route, name, schemas) for name in route.parts] + _query(route, schemas)
    body = _body(route, schemas)
    operation: dict[str, Any] = {
        "operationId": f"{route.tag}_{route.handler.__name__}",
        "tags": [route.tag],
        "summary": " ".join(summary.split()),
        "x-scope": route.scope,
    }
    if description:
        operation["description"] = description
    if parameters:
        operation["parameters"] = parameters
    if body is not None:
        operation["requestBody"] = {"content": body, "required": _is_needed(schemas, route)}
    if route.scope == "public":
        operation["security"] = [{}]
    operation["responses"] = _answers(route, schemas, bool(parameters), body is not None)
    return operation


def _part(route: Route, name: str, schemas: _Schemas) -> dict[str, Any]:
    schema = {"minLength": 1} | dict(schemas.get(route, "path", name) or {})
    if schema.get("type") != "string":
        schema.pop("minLength")
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query(route: Route, schemas: _Schemas) -> list[dict[str, Any]]:
    given = schemas.get(route, "query")
    if given is None:
        return []
    model = schemas.resolved(given)
    parameters = []
    for name, found in model.get("properties", {}).items():
        schema = _without_null(found)
        parameter: dict[str, Any] = {"name": name, "in": "query", "schema": schema}
        if "description" in schema:
            parameter["description"] = schema.pop("description")
        if name in model.get("required", ()):
            parameter["required"] = True
        parameters.append(parameter)
    return parameters


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    # A query cannot say null: what may be null may be left out.
    plain = {name: value for name, value in schema.items() if not (name == "default" and value is None)}
    choices = [choice for choice in plain.get("anyOf", ()) if choice.get("type") != "null"]
    if len(choices) == 1:
        return choices[0] | {name: value for name, value in plain.items() if name != "anyOf"}
    return plain | ({"anyOf": choices} if choices else {})


def _body(route: Route, schemas: _Schemas) -> dict[str, Any] | None:
    content = {}
    schema = schemas.get(route, "body")
    if schema is not None:
        content[JSON] = {"schema": schema}
    if route.consumes == MULTIPART:
        part = {"type": "string", "contentMediaType": BYTES}
        content[MULTIPART] = {"schema": {"type": "object", "properties": {"file": part}, "required": ["file"]}}
        content[BYTES] = {"schema": {}}  # the file alone
    elif route.consumes:
        content[route.consumes] = {"schema": _raw(route.consumes)}
    return content or None


def _is_needed(schemas: _Schemas, route: Route) -> bool:
    # No body is an empty object, which some models take.
    schema = schemas.get(route, "body")
    return schema is None or bool(schemas.resolved(schema).get("required"))


def _answers(route: Route, schemas: _Schemas, has_parameters: bool, has_body: bool) -> dict[str, Any]:
    refusals = {400, 401, 403, 429, 503, *route.refusals}
    refusals |= {404} if route.parts else set()
    refusals |= {422} if has_parameters or has_body else set()
    refusals |= {408, 413, 415} if has_body else set()
    refusals -= {*route.also}
    schema = schemas.get(route, "answer")
    answers: dict[str, Any] = {}
    for status in (route.status, *route.also, *(status for status in route.refusals if status < 400)):
        answer: dict[str, Any] = {"description": HTTPStatus(status).phrase}
        if route.produces and status >= 200 and status not in (204, 304):
            answer["content"] = {route.produces: {"schema": _raw(route.produces)}}
        elif schema is not None and status not in (101, 204, 304):
            answer["content"] = {JSON: {"schema": schema}}
        answers[str(status)] = answer
    for status in sorted(status for status in refusals if status >= 400):
        if route.produces and status in EMPTY:
            answers[str(status)] = {"description": HTTPStatus(status).phrase}
            continue
        answers[str(status)] = (
            {"$ref": f"#/components/responses/Error{status}"} if status in REFUSALS else _refusal(status)
        )
    return answers


def _with_picture(operation: Mapping[str, Any]) -> dict[str, Any]:
    # A run that is over may be answered with its picture, for who accepts one.
    answers = dict(operation["responses"])
    if "200" in answers:
        answers["200"] = answers["200"] | {"content": answers["200"].get("content", {}) | {"image/*": {"schema": {}}}}
    return dict(operation) | {"responses": answers}


def _app_operation(general: Mapping[str, Any], app: AppPath) -> dict[str, Any]:
    operation = dict(general)
    kept = [parameter for parameter in general.get("parameters", ()) if parameter["in"] != "path"]
    operation |= {
        "operationId": f"{general['operationId']}_{app.name}",
        "summary": app.title or app.name,
        "description": app.help,
        "requestBody": {
            "content": {JSON: {"schema": dict(app.inputs)}},
            "required": bool(app.inputs.get("required")),
        },
    }
    operation.pop("parameters", None)
    return operation | ({"parameters": kept} if kept else {})


def _raw(media_type: str) -> dict[str, Any]:
    # Of a stream of events readers take each for an object.
    return {"type": "string"} if media_type.startswith("text/") and media_type != "text/event-stream" else {}


def _refusal(status: int) -> dict[str, Any]:
    schema = {"$ref": f"{SCHEMAS}{ErrorAnswer.__name__}"}
    return {
        "description": REFUSALS.get(status, HTTPStatus(status).phrase),
        "content": {JSON: {"schema": schema}},
    }
