"""Routes of the native interface: declared by annotated functions, bound to aiohttp, described by OpenAPI.

    routes = Routes("runs")

    @routes.post("/v1/runs", scope="run", status=202)
    async def submit(core: Core, who: Caller, body: SubmitRun) -> RunInfo:
        \"""Accept a run. It is kept before the answer is sent.\"""

A parameter is known by its name: `core`, `who` (the caller), `request`, `query` and `body` (pydantic models); any other
is a part of the path. What it returns is the answer: a model, a list of models, `Answer[Model]`, None (204), or a
response of its own (`produces`). What it raises on purpose is a `Refusal`.
"""

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from aiohttp import web
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from graph.spec import Frozen
from graph.strict_json import parse
from server.wording import wrongs

Scope = Literal["admin", "edit", "run", "run:app", "public"]
"""What a caller must be allowed to do. admin: everything. edit: workflows, files, models lists, and run. run: submit,
see and cancel runs. run:app: published workflows alone. public: anyone who reaches the port.
"""

PARTS = ("core", "who", "request", "query", "body")
"""Parameters a handler may have besides the parts of its path."""

PART = re.compile(r"{(\w+)(:[^{}]*(?:{[^{}]*}[^{}]*)*)?}")
"""A part of a path, as aiohttp writes it: `{name}` or `{name:pattern}`."""

SPOILT = re.compile("[\\0\ud800-\udfff]")
"""Characters that text must not have: NUL ends a file name, surrogates have no UTF-8."""

LARGE = 2**20
"""Bytes from which JSON is read in a thread: a megabyte takes some 10 ms."""

PATIENCE = 60.0
"""Seconds a body may stand still while it is read."""

RANK: Mapping[str, int] = MappingProxyType({"run:app": 0, "run": 1, "edit": 2, "admin": 3})
"""Scopes of which each holds those before it."""

T_co = TypeVar("T_co", covariant=True)


class ErrorInfo(Frozen):
    """What went wrong. code: in snake case. problems: all of them, where there are several."""

    code: str
    message: str
    hint: str = ""
    problems: list[dict[str, Any]] = Field(default_factory=list)


class ErrorAnswer(Frozen):
    """The body of every answer from 400 on."""

    error: ErrorInfo


class Refusal(Exception):
    """A request that is not done. status: of HTTP. message: a sentence; hint: what to do."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        hint: str = "",
        *,
        problems: list[dict[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        # What is quoted from a request may have bytes that are no text.
        message, hint = (text.encode("utf-8", "replace").decode() for text in (message, hint))
        super().__init__(message)
        self.status = status
        self.info = ErrorInfo(code=code, message=message, hint=hint, problems=problems or [])
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        """The answer it becomes."""
        return json_response(ErrorAnswer(error=self.info), self.status, self.headers)


@dataclass(frozen=True)
class Answer(Generic[T_co]):
    """A result with a status or headers of its own. As an annotation it names the body: `Answer[RunInfo]`."""

    body: T_co
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Caller:
    """Who asks. owner: whose rows these are. scopes: "admin", "edit", "run", "run:app" or "run:app:NAME"."""

    owner: str = "local"
    scopes: frozenset[str] = frozenset({"admin"})

    @property
    def is_guest(self) -> bool:
        """Whether published workflows are all the caller may use."""
        return not self.may("run")

    def may(self, scope: str) -> bool:
        """Whether a scope is among what the caller has, or below it.

        "run:app" is had by whoever may run some published workflow, "run:app:NAME" by who may run that one.
        """
        if scope == "public":
            return True
        if scope.startswith("run:app"):
            mine = (
                any(own.startswith("run:app:") for own in self.scopes) if scope == "run:app" else scope in self.scopes
            )
            return mine or any(own in RANK for own in self.scopes)
        return any(RANK.get(own, -1) >= RANK[scope] for own in self.scopes)


@dataclass(frozen=True)
class Route:
    """One route. produces: the media type of an answer that is no JSON; consumes: of a body that is none.

    refusals: statuses that may come besides those every route has. also: further statuses of success. reads: the
    model of a body the handler reads itself, for the description.
    """

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    scope: Scope
    status: int
    tag: str
    produces: str = ""
    consumes: str = ""
    refusals: tuple[int, ...] = ()
    also: tuple[int, ...] = ()
    reads: type[BaseModel] | None = None

    @property
    def hints(self) -> dict[str, Any]:
        """The types of its parameters and of its answer."""
        return get_type_hints(self.handler, include_extras=True)

    @property
    def parts(self) -> Mapping[str, bool]:
        """The parts of its path, and whether each may hold slashes."""
        return {name: bool(pattern) for name, pattern in PART.findall(self.path)}

    def needs(self, parts: Mapping[str, str]) -> str:
        """The scope this request needs: routes of one published workflow ask for the right to that one."""
        if self.scope == "run:app" and self.path.startswith("/v1/apps/{name}"):
            return f"run:app:{parts['name']}"
        return self.scope


class Routes(list[Route]):
    """The routes of one subject."""

    def __init__(self, tag: str) -> None:
        super().__init__()
        self.tag = tag

    def _add(self, method: str, path: str, scope: Scope, status: int, **facts: Any) -> Callable[..., Any]:
        def declare(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
            route = Route(method, path, handler, scope, status, self.tag, **facts)
            unknown = [name for name in inspect.signature(handler).parameters if name not in {*route.parts, *PARTS}]
            if unknown:
                raise TypeError(f"{method} {path}: the parameter '{unknown[0]}' is no part of the path.")
            self.append(route)
            return handler

        return declare

    def get(self, path: str, *, scope: Scope = "run", status: int = 200, **facts: Any) -> Callable[..., Any]:
        """Declare a route that changes nothing."""
        return self._add("GET", path, scope, status, **facts)

    def post(self, path: str, *, scope: Scope, status: int = 200, **facts: Any) -> Callable[..., Any]:
        """Declare a route that does something."""
        return self._add("POST", path, scope, status, **facts)

    def put(self, path: str, *, scope: Scope, status: int = 200, **facts: Any) -> Callable[..., Any]:
        """Declare a route that puts something in its place."""
        return self._add("PUT", path, scope, status, **facts)

    def patch(self, path: str, *, scope: Scope, status: int = 200, **facts: Any) -> Callable[..., Any]:
        """Declare a route that changes a part."""
        return self._add("PATCH", path, scope, status, **facts)

    def delete(self, path: str, *, scope: Scope, status: int = 204, **facts: Any) -> Callable[..., Any]:
        """Declare a route that removes something."""
        return self._add("DELETE", path, scope, status, **facts)


def json_response(body: BaseModel | None, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A model as JSON."""
    if body is None:
        return web.Response(status=204 if status == 200 else status, headers=headers)
    text = body.model_dump_json(by_alias=True)
    return web.Response(text=text, status=status, headers=headers, content_type="application/json")


def attach(app: web.Application, routes: Iterable[Route], core: Any) -> None:
    """Add routes to an application. What answers GET answers HEAD, but for websockets."""
    for route in routes:
        handle = bound(route, core)
        app.router.add_route(route.method, route.path, handle)
        if route.method == "GET" and route.status != 101:
            app.router.add_route("HEAD", route.path, handle)


def route_of(handler: Any) -> Route | None:
    """The route whose handler this is; None for handlers of others."""
    return getattr(handler, "__dict__", {}).get("route")


def bound(route: Route, core: Any) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler aiohttp calls: it reads what the function asks for and writes what it gives."""
    names = tuple(inspect.signature(route.handler).parameters)
    hints = route.hints
    adapters = {name: TypeAdapter(hints[name]) for name in names if name == "body" or name not in PARTS}
    answer = TypeAdapter(answer_type(hints.get("return")))
    lists = _lists(hints["query"]) if "query" in names else frozenset()
    closed = not {"query", "request"} & set(names)
    known = frozenset(getattr(hints.get("body"), "model_fields", ()))

    async def handle(request: web.Request) -> web.StreamResponse:
        arguments: dict[str, Any] = {}
        _check_parts(route, request.match_info)
        if closed and set(request.query) - {"token"}:
            raise Refusal(422, "invalid", "query: This takes no parameters behind a question mark.")
        for name in names:
            match name:
                case "core":
                    arguments[name] = core
                case "request":
                    arguments[name] = request
                case "who":
                    arguments[name] = request["who"]
                case "query":
                    arguments[name] = _query(hints["query"], lists, request)
                case "body":
                    arguments[name] = await _body(adapters["body"], request, core.settings.max_json, known)
                case _:
                    arguments[name] = validated(adapters[name].validate_strings, request.match_info[name], name)
        given = await route.handler(**arguments)
        match given:
            case web.StreamResponse():
                return given
            case Answer():
                return _response(given.body, given.status, given.headers, answer)
            case _:
                return _response(given, route.status, None, answer)

    handle.__dict__["route"] = route
    return handle


async def read_json(request: web.Request, limit: int) -> Any:
    """The JSON of a body. Raises Refusal: 415 for another type, 413 beyond the limit in bytes, 408 for a body that
    stands still, 400 for what is none, and for text with NUL or half of a surrogate pair, which no file can keep.
    """
    if request.content_type != "application/json":
        raise Refusal(415, "not_json", f"The body has the type '{request.content_type}'.", "Send application/json.")
    data = await read_bytes(request, limit)
    try:
        return await asyncio.to_thread(_parsed, data) if len(data) > LARGE else _parsed(data)
    except UnicodeDecodeError as error:
        raise Refusal(400, "not_json", f"The body is not UTF-8: byte {error.start}.") from error
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "not_json", f"The body {error}.") from error


async def read_bytes(request: web.Request, limit: int) -> bytes:
    """A body. Raises Refusal 413 as soon as it is longer than the limit, in bytes, 408 if nothing more comes."""
    data = bytearray()
    if (request.content_length or 0) > limit:
        raise Refusal(413, "too_large", f"The body is larger than {limit} bytes.")
    try:
        while piece := await asyncio.wait_for(request.content.readany(), PATIENCE):
            data += piece
            if len(data) > limit:
                raise Refusal(413, "too_large", f"The body is larger than {limit} bytes.")
    except TimeoutError as error:
        raise Refusal(408, "too_slow", f"Nothing of the body came for {PATIENCE:g} seconds.") from error
    return bytes(data)


def _parsed(data: bytes) -> Any:
    value = parse(data.decode("utf-8"))
    if b"\\u" in data:
        check_text(value)
    return value


def check_text(value: Any) -> None:
    """Raise ValueError if a JSON value has text that no file can keep."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += (*item, *item.values())
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, str) and not is_plain(item):
            raise ValueError("has text with a NUL or half of a surrogate pair")


def is_plain(text: str) -> bool:
    """Whether text can be kept: it has no NUL and no half of a surrogate pair."""
    return text.isascii() and "\0" not in text or not SPOILT.search(text)


def _response(given: Any, status: int, headers: Mapping[str, str] | None, answer: TypeAdapter[Any]) -> web.Response:
    if given is None or isinstance(given, BaseModel):
        return json_response(given, status, headers)
    text = answer.dump_json(given, by_alias=True).decode()
    return web.Response(text=text, status=status, headers=headers, content_type="application/json")


def answer_type(hint: Any) -> Any:
    """What a route's annotation says of the JSON it answers with: None where it is nothing, or not JSON."""
    if hint is None or hint is type(None) or (isinstance(hint, type) and issubclass(hint, web.StreamResponse)):
        return None
    if get_origin(hint) is Annotated:
        # `Annotated[Answer, Model]` says the same as `Answer[Model]`; of a response its own, what its JSON is.
        given, said = get_args(hint)[:2]
        is_response = isinstance(given, type) and issubclass(given, Answer | web.StreamResponse)
        return answer_type(said if is_response else given)
    if hint is Answer:
        return Any
    if get_origin(hint) is Answer:
        return answer_type(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        kinds = [kind for kind in map(answer_type, get_args(hint)) if kind is not None]
        return Union[tuple(kinds)] if kinds else None  # noqa: UP007 - made from a list
    return hint


def _check_parts(route: Route, given: Mapping[str, str]) -> None:
    for name, may_have_slashes in route.parts.items():
        if "/" in given[name] and not may_have_slashes:
            raise Refusal(404, "not_found", f"There is no {name} '{given[name][:100]}': it holds a slash.")


async def _body(model: TypeAdapter[Any], request: web.Request, limit: int, known: Collection[str]) -> Any:
    # An empty body is taken as {}: most models have defaults.
    is_empty = not request.body_exists or request.content_length == 0
    return validated(model.validate_python, {} if is_empty else await read_json(request, limit), "body", known)


def _lists(model: type[BaseModel]) -> frozenset[str]:
    # Names that may stand several times in a query: fields that take a list, or a list or nothing.
    def is_list(hint: Any) -> bool:
        return get_origin(hint) in (list, tuple, set, frozenset) or any(map(is_list, _choices(hint)))

    return frozenset(info.alias or name for name, info in model.model_fields.items() if is_list(info.annotation))


def _choices(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else ()


def _query(model: type[BaseModel], lists: frozenset[str], request: web.Request) -> BaseModel:
    given: dict[str, Any] = {}
    for name, value in request.query.items():
        if name in lists:
            given.setdefault(name, []).append(value)
        elif name in given:
            raise Refusal(422, "invalid", f"query.{name}: It is given more than once.")
        elif name != "token":  # it says who asks; see access
            given[name] = value
    return validated(model.model_validate, given, "query", model.model_fields)


def validated(validate: Callable[[Any], Any], given: Any, where: str, known: Collection[str] = ()) -> Any:
    """What a pydantic validation makes of what was given. Raises Refusal 422 with all problems; `where` it stood; the
    names that are `known` there.
    """
    try:
        return validate(given)
    except ValidationError as error:
        problems = wrongs(error, where, known)
        place = ".".join(map(str, problems[0]["place"]))
        raise Refusal(422, "invalid", f"{place}: {problems[0]['message']}", problems=problems) from error
