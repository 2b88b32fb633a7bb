"""The description of the native interface: whole, consistent, and of the routes there are."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import jsonschema
import pytest
from aiohttp import web
from pydantic import Field

from graph.spec import Frozen
from server.api import Answer, Routes
from server.openapi import AppPath, document, template
from tests.server.guarded import Served, attack
from tests.server.guarded import routes as things

METHODS = ("get", "post", "put", "patch", "delete")


class Query(Frozen):
    limit: int = Field(10, ge=1, description="how many")
    since: int | None = None
    kind: tuple[str, ...] = ()
    name: str


class Picture(Frozen):
    name: str
    made: float = 0.0


def made(**facts: Any) -> dict[str, Any]:
    routes = Routes("pictures")

    @routes.get("/v1/pictures", status=200)
    async def find(query: Query) -> list[Picture]:
        """Those there are.

        The newest first.
        """
        return []

    @routes.get("/v1/pictures/{folder:[a-z]{1,3}}/{number}", produces="image/png")
    async def view(folder: str, number: int) -> web.Response:
        """One."""
        return web.Response()

    @routes.post("/v1/pictures", scope="edit", status=201, refusals=(409,))
    async def add(body: Picture) -> Answer[Picture]:
        """Add one."""
        return Answer(body)

    @routes.post("/v1/apps/{name}/runs", scope="run:app", status=202, also=(200,))
    async def run(name: str, body: dict[str, Any]) -> Annotated[Answer, Picture]:
        """Run one."""
        return Answer(None)

    @routes.delete("/v1/pictures/{folder:.+}", scope="admin")
    async def remove(folder: str) -> None:
        """Remove a folder."""

    @routes.get("/v1/open", scope="public")
    async def is_open() -> Picture | web.Response:
        """For all."""
        return web.Response()

    return document(routes, version="1", **facts)


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(item)


def check_whole(written: dict[str, Any]) -> None:
    """What the OpenAPI 3.1 document asks for, in so far as it can be said in a page."""
    assert written["openapi"].startswith("3.1.")
    names = []
    for path, operations in written["paths"].items():
        assert path.startswith("/")
        for method, operation in operations.items():
            assert method in METHODS
            names.append(operation["operationId"])
            parameters = operation.get("parameters", [])
            in_path = {part["name"] for part in parameters if part["in"] == "path"}
            assert in_path == {part.partition("}")[0] for part in path.split("{")[1:]}
            assert all(part["required"] for part in parameters if part["in"] == "path")
            assert len({(part["in"], part["name"]) for part in parameters}) == len(parameters)
            assert operation["summary"]
            assert operation["responses"]
            assert any(status[0] in "123" for status in operation["responses"])
    assert len(set(names)) == len(names)
    for part in walk(written):
        if isinstance(part.get("$ref"), str):
            found: Any = written
            for step in part["$ref"].removeprefix("#/").split("/"):
                found = found[step]
        if isinstance(part.get("schema"), dict):
            jsonschema.Draft202012Validator.check_schema(part["schema"])
    for schema in written["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    json.dumps(written, allow_nan=False)


def test_a_document_is_whole() -> None:
    check_whole(made())


def test_a_validator_of_others_agrees() -> None:
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(made())


def test_routes_become_operations() -> None:
    paths = made()["paths"]
    find = paths["/v1/pictures"]["get"]
    assert (find["summary"], find["description"]) == ("Those there are.", "The newest first.")
    by_name = {parameter["name"]: parameter for parameter in find["parameters"]}
    assert by_name["limit"]["schema"] == {"default": 10, "minimum": 1, "title": "Limit", "type": "integer"}
    assert by_name["limit"]["description"] == "how many"
    assert by_name["since"]["schema"] == {"title": "Since", "type": "integer"}
    assert by_name["kind"]["schema"]["items"] == {"type": "string"}
    assert [name for name, parameter in by_name.items() if parameter.get("required")] == ["name"]
    answer = find["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"type": "array", "items": {"$ref": "#/components/schemas/Picture-Output"}}
    view = paths["/v1/pictures/{folder}/{number}"]["get"]
    assert view["parameters"][1]["schema"]["type"] == "integer"
    assert list(view["responses"]["200"]["content"]) == ["image/png"]
    add = paths["/v1/pictures"]["post"]
    assert add["requestBody"]["required"]
    assert {"201", "400", "401", "403", "409", "413", "415", "422", "429", "503"} <= set(add["responses"])
    schema = add["responses"]["201"]["content"]["application/json"]["schema"]
    assert schema["$ref"].removeprefix("#/components/schemas/").startswith("Picture")
    assert "content" not in paths["/v1/pictures/{folder}"]["delete"]["responses"]["204"]
    assert paths["/v1/open"]["get"]["security"] == [{}]
    assert "application/json" in paths["/v1/open"]["get"]["responses"]["200"]["content"]
    assert {"200", "202"} <= set(paths["/v1/apps/{name}/runs"]["post"]["responses"])


def test_tokens_are_asked_for_where_they_are() -> None:
    assert {} in made(protected=False)["security"]
    assert made(protected=True)["security"] == [{"bearer": []}, {"basic": []}, {"query": []}, {"cookie": []}]
    assert made(base_path="/art")["servers"] == [{"url": "/art"}]


def test_published_workflows_have_paths_of_their_own() -> None:
    inputs = {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}
    written = made(apps=[AppPath("portrait", "A portrait", "Draws one.", inputs)])
    check_whole(written)
    operation = written["paths"]["/v1/apps/portrait/runs"]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"] == inputs
    assert "parameters" not in operation
    assert "/v1/apps/{name}/runs" in written["paths"]


def test_two_operations_of_one_name_are_refused() -> None:
    routes = Routes("a")

    async def same() -> None:
        """Nothing."""

    routes.post("/v1/a", scope="run")(same)
    routes.post("/v1/b", scope="run")(same)
    with pytest.raises(ValueError, match="'a_same'"):
        document(routes, version="1")


def test_patterns_do_not_show_in_paths() -> None:
    routes = Routes("a")

    @routes.get("/v1/{a:[x-z]{2}}/{b}/{c:.+}/end")
    async def odd(a: str, b: str, c: str) -> None:
        """Odd."""

    assert template(routes[0]) == "/v1/{a}/{b}/{c}/end"
    assert routes[0].parts == {"a": True, "b": False, "c": True}


def test_a_server_describes_what_it_answers(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        told = await server.ask("GET", "/v1/openapi.json")
        assert told.status == 200
        check_whole(told.json)
        paths = told.json["paths"]
        for route in things:
            assert route.method.lower() in paths[template(route)]
        assert {"/v1/tokens", "/v1/login", "/v1/openapi.json"} <= set(paths)
        assert "head" not in paths["/v1/things"]

    attack(tmp_path, play)


def test_every_native_route_is_described_and_nothing_else() -> None:
    from server.native import ALL

    written = document(ALL, version="1")
    check_whole(written)
    described = {(method, path) for path, operations in written["paths"].items() for method in operations}
    assert described == {(route.method.lower(), template(route)) for route in ALL}
    assert all(path.startswith("/v1/") for _, path in described)
