"""What every answer tells a browser: what it may load, who may embed it, what it may guess."""

from collections.abc import Mapping
from types import MappingProxyType

from aiohttp import web

from graph.document import NAME

CONTENT = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
"""For data and files: nothing in them runs or loads anything, even when a browser is made to open one as a page."""

PAGES = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "font-src 'self'; worker-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
"""For the server's own pages and their scripts."""

LOOSE_PAGES = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; media-src 'self' blob: data:; "
    "font-src 'self' data:; worker-src 'self' blob:; connect-src 'self' blob: data:; frame-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; frame-ancestors 'self'; form-action 'self'"
)
"""For an editor that needs scripts in its page and made of text. It still reaches no other server."""

ACTIVE = ("text/html", "text/javascript", "application/javascript", "application/wasm")
"""Media types of pages and of what runs in them."""

ALWAYS: Mapping[str, str] = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        # Not no-referrer: with it browsers send `Origin: null` with a page's own forms.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
)

ALLOWED_HEADERS = "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, Range"
EXPOSED_HEADERS = "Content-Disposition, Content-Range, ETag, Link, Location, Preference-Applied, Retry-After"


def add_headers(response: web.StreamResponse, *, page: bool, native: bool, loose: bool, tls: bool, origin: str) -> None:
    """Add what a response lacks.

    page: its path belongs to pages and their parts; native: to `/v1`. loose: the policy for pages. tls: the server
    itself speaks it. origin: the allowed origin of another site's page that asked, "" if none did.
    """
    headers = response.headers
    policy = (LOOSE_PAGES if loose else PAGES) if page and response.content_type in ACTIVE else CONTENT
    headers.setdefault("Content-Security-Policy", policy)
    for name, value in ALWAYS.items():
        headers.setdefault(name, value)
    headers["Server"] = NAME
    if tls:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if "Cache-Control" not in headers and (response.status in (401, 403) or (native and _is_json(response))):
        headers["Cache-Control"] = "no-store"
    vary = headers.get("Vary", "")
    if "origin" not in vary.lower() and vary != "*":
        headers["Vary"] = f"{vary}, Origin" if vary else "Origin"
    if origin:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"


def preflight(request: web.Request) -> web.Response:
    """The answer to a browser that asks whether a page of an allowed origin may ask."""
    headers = {
        "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
        "Access-Control-Allow-Headers": ALLOWED_HEADERS,
        "Access-Control-Max-Age": "600",
    }
    if request.headers.get("Access-Control-Request-Private-Network") == "true":
        headers["Access-Control-Allow-Private-Network"] = "true"
    return web.Response(status=204, headers=headers)


def _is_json(response: web.StreamResponse) -> bool:
    return response.content_type == "application/json" or response.content_type.endswith("+json")
