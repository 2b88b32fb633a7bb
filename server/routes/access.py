"""Logging in and out, and the tokens that others are given."""

from typing import Annotated, Any
from urllib.parse import parse_qs

from aiohttp import web
from pydantic import Field

from graph.spec import Frozen
from server.access import SESSION_SECONDS, Grant
from server.api import Answer, Caller, Refusal, Routes, json_response, read_bytes, read_json, validated
from server.core import Core
from server.guard import COOKIE, Guard
from server.login_page import login_page

routes = Routes("access")

LOGIN_BYTES = 4096

TokenScope = Annotated[str, Field(pattern=r"^(admin|edit|run|run:app(:[A-Za-z0-9][A-Za-z0-9._-]{0,99})?)$")]
"""What a token may do: of admin, edit, run, run:app each holds those after it; run:app:NAME: one published workflow."""


class Login(Frozen):
    """A token to be exchanged for a cookie."""

    token: str = Field(min_length=1, max_length=1000)


class Me(Frozen):
    """The caller. owner: whose rows are the caller's. token: the name of its token. protected: tokens are asked for."""

    owner: str
    scopes: list[str]
    token: str
    protected: bool


class NewToken(Frozen):
    """A token to be made. days: how long it holds; none: until it is revoked."""

    name: str = Field(min_length=1, max_length=100)
    scopes: tuple[TokenScope, ...] = Field(min_length=1, max_length=100)
    days: Annotated[float, Field(gt=0, le=36_500)] | None = None


class TokenInfo(Frozen):
    """A token, without itself. Times are Unix seconds. used: when it was last, to the minute. expires: null: never."""

    id: str
    name: str
    scopes: list[str]
    owner: str
    created: float
    used: float | None
    expires: float | None


class MadeToken(TokenInfo):
    """A token that was just made. It is told here and never again."""

    token: str


@routes.get("/v1/me", scope="run:app")
async def me(core: Core, who: Caller, request: web.Request) -> Me:
    """Who the server takes the caller for."""
    return _me(core, who, request.get("grant"))


@routes.post("/v1/login", scope="public", reads=Login)
async def login(core: Core, request: web.Request) -> Me | web.Response:
    """Exchange a token for a cookie, as JSON or as a form.

    A form is answered with the way to the page that was asked for (`next`) or the first one, or with the form again.
    """
    guard: Guard = request["guard"]
    seen = request["seen"]
    is_form = request.content_type == "application/x-www-form-urlencoded"
    first = goal = f"{guard.settings.base_path}/"
    try:
        if is_form:
            token, asked = await _form(request)
            goal = asked if _is_below(first, asked) else first
        else:
            token = await _json_token(request)
        grant, value = await core.access.login(token, seen.address)
    except Refusal as refusal:
        if is_form:
            wrong, status = refusal.info.message, refusal.status
            return login_page(guard.settings.base_path, goal=goal, wrong=wrong, status=status)
        raise
    if is_form:
        response = web.Response(status=303, headers={"Location": goal})
    else:
        response = json_response(_me(core, grant.caller, grant))
    guard.add_cookie(response, seen, value, SESSION_SECONDS)
    return response


@routes.post("/v1/logout", scope="public", status=204)
async def logout(core: Core, request: web.Request) -> None | web.Response:
    """End the session of the cookie."""
    await core.access.logout(request.cookies.get(COOKIE, ""), request.transport)
    response = web.Response(status=204)
    request["guard"].add_cookie(response, request["seen"], "", 0)
    return response


@routes.get("/v1/tokens", scope="admin")
async def tokens(core: Core) -> list[TokenInfo]:
    """The tokens that hold. The configured one and sessions are not among them."""
    return [TokenInfo(**_facts(grant)) for grant in core.access.tokens()]


@routes.post("/v1/tokens", scope="admin", status=201, refusals=(409,))
async def create_token(core: Core, body: NewToken) -> Answer[MadeToken]:
    """Make a token. A token for published workflows alone sees the runs it submitted itself, and no others."""
    seconds = None if body.days is None else body.days * 86_400.0
    grant, token = await core.access.create(body.name, body.scopes, seconds=seconds)
    return Answer(MadeToken(**_facts(grant), token=token), 201, {"Cache-Control": "no-store"})


@routes.delete("/v1/tokens/{token}", scope="admin")
async def revoke_token(core: Core, token: str, request: web.Request) -> None:
    """Revoke a token by its id. Its sessions end and its open connections are cut."""
    await core.access.revoke(token, request.transport)


def _me(core: Core, who: Caller, grant: Grant | None) -> Me:
    return Me(
        owner=who.owner,
        scopes=sorted(who.scopes),
        token=grant.name if grant else "",
        protected=not core.access.is_open,
    )


def _facts(grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "name": grant.name,
        "scopes": list(grant.scopes),
        "owner": grant.owner,
        "created": grant.created,
        "used": grant.used,
        "expires": grant.expires,
    }


async def _json_token(request: web.Request) -> str:
    login: Login = validated(Login.model_validate, await read_json(request, LOGIN_BYTES), "body")
    return login.token


async def _form(request: web.Request) -> tuple[str, str]:
    """The token of a form, and the address to go to."""
    data = await read_bytes(request, LOGIN_BYTES)
    fields = parse_qs(data.decode("ascii", "replace"))
    return fields.get("token", [""])[0].strip(), fields.get("next", [""])[0]


def _is_below(first: str, address: str) -> bool:
    """Whether an address leads to a page of ours. Two slashes at the beginning would lead to another host."""
    is_plain = address.isascii() and address.isprintable() and "\\" not in address
    return is_plain and address.startswith(first) and not address.startswith("//")
