"""What every request passes on its way in, and every answer on its way out.

In order: the path and query are text a file system can bear; the host is one of ours; the page that asks may ask; the
caller is known; the caller may do this. Whatever goes wrong behind that becomes an answer that tells no secrets.
"""

import base64
import binascii
import errno
import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Middleware

from graph.document import NAME
from server.access import OPEN, SESSION_SECONDS, Access, Grant
from server.api import Caller, Refusal, Scope, is_plain, route_of
from server.database import StorageFailed
from server.headers import add_headers, preflight
from server.hosts import READING, Hosts, Seen, hosts_of
from server.login_page import login_page
from server.settings import Settings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

COOKIE = NAME

LONGEST_NAME = 255
"""Bytes one name of a path may have; no file system takes more."""

FOREIGN = ("cookie", "referer", "user-agent")
"""Headers that others have a part in: cookies of another program on this machine come here too."""

CONTROL = re.compile(r"[\x00-\x1f\x7f]")

COMFYUI = re.compile(
    "(embeddings|experiment|extensions|features|free|history|i18n|internal|interrupt|jobs|models|object_info|prompt"
    "|queue|settings|system_stats|upload|userdata|users|v2|view|view_metadata|workflow_templates|ws)"
)
"""First names of the paths of ComfyUI's interface."""

COMFYUI_RUNS = frozenset({"history", "interrupt", "jobs", "prompt", "queue", "upload"})
COMFYUI_EDITS = frozenset({"settings", "userdata", "users", "v2"})
COMFYUI_ADMIN = frozenset({"free", "internal"})

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM})
NAMES = frozenset({errno.ENAMETOOLONG, errno.ELOOP})

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Guard:
    """The rules of one server."""

    settings: Settings
    access: Access
    hosts: Hosts

    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request, or say why not."""
        check_text(request)
        seen = self.hosts.seen(request)
        request["seen"] = seen
        origin = request["origin"] = self.hosts.check_origin(request, seen)
        if origin and request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return preflight(request)
        grant, by_cookie = self._grant(request, seen)
        who = (
            OPEN
            if grant is None and self.access.is_open
            else Caller("", frozenset())
            if grant is None
            else grant.caller
        )
        if by_cookie and request.method not in READING and not _is_own_page(request):
            raise Refusal(
                403,
                "foreign_origin",
                "A request with a cookie that changes something must say which page it is from.",
                "Send Origin, or use the token itself: Authorization: Bearer TOKEN.",
            )
        request["who"], request["grant"] = who, grant
        scope = self.scope(request)
        if not who.may(scope):
            return self._refused(request, seen, grant, scope)
        if grant is None:
            return await handler(request)
        if _is_opened(request) and "token" in request.query and not by_cookie:
            return await self._logged_in(request, seen)
        await self.access.note_use(grant)
        with self.access.holding(grant, request.transport):
            return await handler(request)

    def scope(self, request: web.Request) -> str:
        """What a request needs the caller to have."""
        route = route_of(request.match_info.handler)
        if route is not None:
            return route.needs(request.match_info)
        if not self.is_native(request):
            return comfyui_scope(request.method, self.inner_path(request))
        return "run:app"  # there is no such route: not for strangers to know

    def inner_path(self, request: web.Request) -> str:
        """The path without the base path."""
        return request.path.removeprefix(self.settings.base_path)

    def is_native(self, request: web.Request) -> bool:
        """Whether it is one of `/v1`."""
        return self.inner_path(request).startswith("/v1/")

    def is_page(self, request: web.Request) -> bool:
        """Whether it may be a page of ours or a part of one, and not data or a file of somebody's."""
        first = self.inner_path(request).removeprefix("/").partition("/")[0]
        return first == "extensions" or not (first in ("v1", "api") or COMFYUI.fullmatch(first))

    def add_cookie(self, response: web.StreamResponse, seen: Seen, value: str, seconds: float) -> None:
        """Give a browser its session; without seconds, take it back."""
        response.set_cookie(
            COOKIE,
            value,
            max_age=int(seconds),
            path=self.settings.base_path or "/",
            httponly=True,
            samesite="Strict",
            secure=seen.scheme == "https",
        )

    def dress(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers every answer has."""
        add_headers(
            response,
            page=self.is_page(request),
            native=self.is_native(request),
            loose=self.settings.frontend == "comfyui",
            tls=self.settings.scheme == "https",
            origin=request.get("origin", ""),
        )

    def _grant(self, request: web.Request, seen: Seen) -> tuple[Grant | None, bool]:
        # What the request shows, and whether by a cookie alone. A proxy may have put a password of its own where a
        # token could stand, so a session holds beside a wrong one.
        given = shown_tokens(request)
        for token in given:
            grant = self.access.find(token, seen.address)
            if grant is not None:
                return grant, False
        cookie = request.cookies.get(COOKIE, "")
        session = self.access.session(cookie) if cookie else None
        if session is not None:
            return session, True
        route = route_of(request.match_info.handler)
        if given and not self.access.is_open and not (route is not None and route.scope == "public"):
            raise self.access.refusal(seen.address)
        return None, False

    def _refused(self, request: web.Request, seen: Seen, grant: Grant | None, scope: str) -> web.StreamResponse:
        if grant is not None:
            raise Refusal(403, "forbidden", f"The token '{grant.name}' may not do this: it needs '{scope}'.")
        if _is_opened(request) and self.is_page(request):
            again = request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
            return login_page(self.settings.base_path, goal=_address(request), again=again)
        raise Refusal(401, "token_needed", "This server asks for a token.", "Send Authorization: Bearer TOKEN.")

    async def _logged_in(self, request: web.Request, seen: Seen) -> web.Response:
        # A page opened with the token in its address: it goes on without, so that it stays in no history.
        _, value = await self.access.login(request.query["token"], seen.address)
        response = web.Response(status=303, headers={"Location": _address(request), "Cache-Control": "no-store"})
        self.add_cookie(response, seen, value, SESSION_SECONDS)
        return response


def protect(app: web.Application, core: Any) -> None:
    """Put the guard before an application: its middlewares, and headers on what answers while it runs (websockets)."""
    app.middlewares.extend(middlewares(core))
    guard = guard_of(core)

    async def dress(request: web.Request, response: web.StreamResponse) -> None:
        guard.dress(request, response)

    app.on_response_prepare.append(dress)


def guard_of(core: Any) -> Guard:
    """The rules of a core. Raises GraphError for settings that name no network, host or origin."""
    return Guard(core.settings, core.access, hosts_of(core.settings, core.access.is_open))


def middlewares(core: Any) -> list[Middleware]:
    """What stands before the handlers; it puts `who` (Caller), `grant` and `seen` on every request."""
    guard = guard_of(core)

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        request["guard"] = guard
        try:
            response = await guard.admit(request, handler)
        except Refusal as refusal:
            response = _answer_to(refusal, request)
        except web.HTTPException as error:
            if error.status < 400 or not guard.is_native(request):
                guard.dress(request, error)
                raise
            response = _http_refusal(error).response()
        except Exception as error:  # noqa: BLE001 - whatever it is, it becomes an answer
            response = _failure(error, request).response()
        if not response.prepared:
            guard.dress(request, response)
        return response

    return [answer]


def mount(app: web.Application, core: Any, **options: Any) -> web.Application:
    """The application to serve: `app` below the base path, or itself where there is none.

    options: `client_max_size` as `app` has it; aiohttp takes it from the outermost application.
    """
    base = core.settings.base_path
    if not base:
        return app
    guard = guard_of(core)

    @web.middleware
    async def outside(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(f"{base}/"):
            return await handler(request)
        try:
            check_text(request)
            guard.hosts.seen(request)
            if request.path != base:
                raise Refusal(404, "not_found", f"The server's paths begin with {base}/.")
            query = request.rel_url.raw_query_string
            response: web.Response = web.Response(
                status=308, headers={"Location": f"{base}/" + (f"?{query}" if query else "")}
            )
        except Refusal as refusal:
            response = refusal.response()
        guard.dress(request, response)
        return response

    outer = web.Application(middlewares=[outside], **options)
    outer.add_subapp(base, app)
    return outer


def shown_tokens(request: web.Request) -> list[str]:
    """The tokens a request shows: as bearer, as the password of Basic, as `?token=`."""
    found = []
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and rest.strip():
        found.append(rest.strip())
    elif scheme.lower() == "basic":
        try:
            password = base64.b64decode(rest.strip(), validate=True).decode("utf-8").partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            password = ""
        if password:
            found.append(password)
    return found + [token for token in request.query.getall("token", [])[:1] if token]


def check_text(request: web.Request) -> None:
    """Raise Refusal 400 for a path, query or header that no file of ours could have and no client of ours sends.

    NUL and other control characters, bytes that are not UTF-8, a name that is `.` or `..` (however it is encoded) or
    longer than a file system takes.
    """
    path = _decoded(request.rel_url.raw_path, "path")
    if CONTROL.search(path):
        raise Refusal(400, "bad_path", "The path has control characters.")
    names = re.split(r"[/\\]", path)
    if any(name in (".", "..") for name in names):
        raise Refusal(400, "bad_path", "The path goes up.")
    if any(len(name.encode()) > LONGEST_NAME for name in names):
        raise Refusal(400, "bad_path", f"A name in the path has more than {LONGEST_NAME} bytes.")
    if "\0" in _decoded(request.rel_url.raw_query_string, "query"):
        raise Refusal(400, "bad_query", "The query has a NUL.")
    for name, value in request.headers.items():
        if name.lower() not in FOREIGN and not is_plain(value):
            raise Refusal(400, "bad_header", f"The header {name[:50]} is not UTF-8.")


def _decoded(raw: str, where: str) -> str:
    try:
        return unquote_to_bytes(raw.encode("utf-8", "surrogateescape")).decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError) as error:
        raise Refusal(400, f"bad_{where}", f"The {where} is not UTF-8.") from error


def comfyui_scope(method: str, path: str) -> Scope:
    """What a route of ComfyUI's interface, or a part of a page, needs. path: without the base path.

    Reading and running: "run". Settings and files of the person: "edit" to write. The rest: "admin".
    """
    name = path.removeprefix("/api").split("/")[1:2]
    first = name[0] if name else ""
    if first in COMFYUI_ADMIN:
        return "admin"
    if method in READING or first in COMFYUI_RUNS:
        return "run"
    return "edit" if first in COMFYUI_EDITS else "admin"


class AccessLog(AbstractAccessLogger):
    """One line per answer, without the query: tokens may stand in it."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Write the line."""
        path = request.rel_url.raw_path[:200]
        self.logger.info("%s %s %s %d %.0f ms", request.remote, request.method, path, response.status, time * 1000)


def _is_opened(request: web.Request) -> bool:
    # A person opens a page, and no script or picture fetches it.
    mode = request.headers.get("Sec-Fetch-Mode", "navigate")
    return request.method in READING and mode == "navigate" and "text/html" in request.headers.get("Accept", "")


def _address(request: web.Request) -> str:
    # What was asked for, without the token. Two slashes at the beginning would lead to another host.
    return "/" + str(request.rel_url.without_query_params("token")).lstrip("/\\")


def _is_own_page(request: web.Request) -> bool:
    # Origins of others were refused before, unless they are allowed.
    return "Origin" in request.headers or request.headers.get("Sec-Fetch-Site") == "same-origin"


def _answer_to(refusal: Refusal, request: web.Request) -> web.Response:
    response = refusal.response()
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        response.headers.add("WWW-Authenticate", f'Bearer realm="{NAME}"')
        if "Sec-Fetch-Mode" not in request.headers:  # browsers would show a window of their own
            response.headers.add("WWW-Authenticate", f'Basic realm="{NAME}", charset="UTF-8"')
    return response


def _http_refusal(error: web.HTTPException) -> Refusal:
    phrase = HTTPStatus(error.status).phrase
    code = re.sub(r"\W+", "_", phrase.lower())
    said = {404: "There is no such path.", 405: "This path does not take this method.", 413: "The body is too large."}
    kept = {name: value for name, value in error.headers.items() if name in ("Allow", "Retry-After")}
    return Refusal(error.status, code, said.get(error.status, f"{phrase}."), headers=kept)


def _failure(error: Exception, request: web.Request) -> Refusal:
    # A request that broke off or was garbled, a disk that is full, and last what we did wrong.
    if isinstance(error, (HttpProcessingError, web.RequestPayloadError)):
        refusal = Refusal(400, "bad_request", "The request is garbled.")
    elif isinstance(error, OSError) and error.errno in NAMES:
        refusal = Refusal(400, "bad_name", "A name is longer than the file system takes, or goes round in circles.")
    elif isinstance(error, StorageFailed) or (isinstance(error, OSError) and error.errno in FULL):
        log.error("%s %s: %s", request.method, request.rel_url.raw_path[:200], error)
        refusal = Refusal(503, "storage", "The server cannot store this now: its disk is full or read-only.")
    elif isinstance(error, ConnectionError) and (request.transport is None or request.transport.is_closing()):
        refusal = Refusal(400, "gone", "The connection was closed.")  # nobody reads it
    else:
        number = secrets.token_hex(4)
        log.error("%s: %s %s", number, request.method, request.rel_url.raw_path[:200], exc_info=error)
        refusal = Refusal(500, "internal", "Something went wrong in the server.", f"Its log tells what, at {number}.")
    if request.writer.output_size:
        raise ConnectionResetError("The answer had begun.") from error
    return refusal
