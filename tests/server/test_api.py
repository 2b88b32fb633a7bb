"""Routes as declared: what they read, what they answer, what they refuse."""

import json
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, Union

import pytest
from aiohttp import web

from graph.spec import Frozen
from server.api import Answer, Routes, answer_type, attach, is_plain, route_of
from tests.server.guarded import Served, attack


class Model(Frozen):
    name: str = ""


@pytest.mark.parametrize(
    ("query", "given"),
    [
        ("", ["", 10, False]),
        ("?newest=true", ["", 10, True]),
        ("?newest=1", ["", 10, True]),
        ("?newest=false", ["", 10, False]),
        ("?newest=0", ["", 10, False]),
        ("?kind=a", ["a", 10, False]),
        ("?kind=a&kind=b&limit=3", ["a,b", 3, False]),
        ("?kind=a%26b%2Cc&kind=%C3%A9", ["a&b,c,é", 10, False]),
        ("?limit=100&token=of-something-else", ["", 100, False]),
    ],
)
def test_queries_are_read(tmp_path: Path, query: str, given: list[Any]) -> None:
    async def play(server: Served) -> None:
        told = await server.ask("GET", f"/v1/things{query}")
        assert told.status == 200, told.body
        thing = told.json[0]
        assert [thing["name"], thing["size"], thing["more"]["newest"]] == given

    attack(tmp_path, play)


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("?newest=maybe", "query.newest"),
        ("?newest=", "query.newest"),
        ("?limit=0", "query.limit"),
        ("?limit=ten", "query.limit"),
        ("?limit=1e3", "query.limit"),
        ("?limit=", "query.limit"),
        ("?limit=" + "9" * 5000, "query.limit"),
        ("?limit=1&limit=2", "query.limit"),
        ("?limits=1", "query.limits"),
        ("?Limit=1", "query.Limit"),
        ("?=1", "query."),
    ],
)
def test_queries_that_make_no_sense_are_refused(tmp_path: Path, query: str, place: str) -> None:
    async def play(server: Served) -> None:
        told = await server.ask("GET", f"/v1/things{query}")
        assert (told.status, told.code) == (422, "invalid")
        assert told.json["error"]["message"].startswith(place)

    attack(tmp_path, play)


def test_routes_without_a_query_take_none(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        assert (await server.ask("GET", "/v1/things/known?limit=1")).status == 422
        assert (await server.ask("GET", "/v1/things/known?token=x")).status == 200

    attack(tmp_path, play)


def test_all_problems_of_a_body_are_told_and_none_of_its_values(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        told = await server.ask("POST", "/v1/things", json={"name": 1, "size": "secret", "more": []})
        assert told.status == 422
        assert [problem["place"] for problem in told.json["error"]["problems"]] == [
            ["body", "name"],
            ["body", "size"],
            ["body", "more"],
        ]
        assert b"secret" not in told.body

    attack(tmp_path, play)


def test_large_bodies_are_read_in_a_thread(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        more = {str(number): "x" * 100 for number in range(20_000)}
        body = BytesIO(json.dumps({"more": more}).encode())
        told = await server.ask("POST", "/v1/things", data=body, headers={"Content-Type": "application/json"})
        assert told.status == 201
        assert told.json["more"] == more

    attack(tmp_path, play)


def test_parts_of_paths_hold_slashes_only_where_they_say_so(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        assert (await server.ask("PUT", "/v1/drawers/a/b", json={})).json["name"] == "a/b"
        assert (await server.ask("PUT", "/v1/drawers/a%2Fb", json={})).json["name"] == "a/b"
        assert (await server.ask("GET", "/v1/things/a%2Fb")).status == 404

    attack(tmp_path, play)


def test_deleting_answers_with_nothing(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        told = await server.ask("DELETE", "/v1/things/a")
        assert (told.status, told.body) == (204, b"")

    attack(tmp_path, play)


@pytest.mark.parametrize(
    ("hint", "answer"),
    [
        (None, None),
        (type(None), None),
        (web.Response, None),
        (Model, Model),
        (list[Model], list[Model]),
        (Answer, Any),
        (Answer[Model], Model),
        (Annotated[Answer, Model], Model),
        (Annotated[Model, "a note"], Model),
        (Model | web.StreamResponse, Model),
        (Answer[Model] | None, Model),
        (Answer[list[Model]] | web.Response, list[Model]),
        (web.Response | None, None),
        (Model | Answer[int] | None, Union[Model, int]),  # noqa: UP007 - what it gives
    ],
)
def test_annotations_say_what_is_answered(hint: Any, answer: Any) -> None:
    assert answer_type(hint) == answer


def test_a_parameter_that_is_no_part_of_the_path_is_refused() -> None:
    routes = Routes("a")
    with pytest.raises(TypeError, match="'number' is no part"):

        @routes.get("/v1/a/{name}")
        async def read(name: str, number: int) -> None:
            """Nothing."""


def test_handlers_know_their_route() -> None:
    routes = Routes("a")

    @routes.get("/v1/a")
    async def read() -> None:
        """Nothing."""

    @routes.get("/v1/b", status=101)
    async def follow() -> web.WebSocketResponse:
        """A websocket."""
        return web.WebSocketResponse()

    app = web.Application()
    attach(app, routes, None)
    found = {(bound.method, bound.resource.canonical if bound.resource else "") for bound in app.router.routes()}
    assert found == {("GET", "/v1/a"), ("HEAD", "/v1/a"), ("GET", "/v1/b")}
    assert {route_of(bound.handler) for bound in app.router.routes()} == set(routes)
    assert route_of(read) is None
    assert route_of(len) is None


@pytest.mark.parametrize(
    ("text", "plain"),
    [("", True), ("é😀\n", True), ("a\0", False), ("é\0", False), ("\ud800", False), ("a\udfff", False)],
)
def test_text_that_can_be_kept(text: str, plain: bool) -> None:
    assert is_plain(text) is plain


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/shelves/3/a", 200),
        ("/v1/shelves/0/a", 422),
        ("/v1/shelves/x/a", 422),
        ("/v1/shelves/3.5/a", 422),
        ("/v1/shelves/3/c", 422),
    ],
)
def test_limits_of_parts_hold(tmp_path: Path, path: str, status: int) -> None:
    async def play(server: Served) -> None:
        assert (await server.ask("GET", path)).status == status

    attack(tmp_path, play)
