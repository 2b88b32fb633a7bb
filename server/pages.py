"""The editor's pages: the build of `web/`, served where nothing else is, or a page that says how to get it."""

import asyncio
import base64
import hashlib
import mimetypes
import secrets
from collections.abc import Awaitable, Callable
from html import escape
from pathlib import Path

from aiohttp import web

from graph.document import NAME
from server.api import Refusal
from server.confined import confined
from server.core import Core
from server.delivery import is_hidden
from server.disk import disk_errors
from server.headers import PAGES

EDITOR = Path(__file__).with_name("editor")
"""The build. It is there once it was installed or `npm run build` was run; git does not have it."""

VIEWS = ("/start", "/edit", "/edit/{name:.*}", "/form/{name:.*}")
"""Addresses beside `/` that are views of the one page; which is for its scripts to see."""

FILES = ("/{name:assets/.+}", r"/{name:[\w-]+\.(?:svg|png|ico|txt|webmanifest)}")
"""Paths of the page's parts. Names at the top have an ending, which no path of the other interfaces has."""

FINGERPRINTED = "assets/"
"""Below this folder a file with another content has another name."""

TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
"""Media types that must be right for a browser to use a file; a system's own list may have others."""

CAMERA = "camera=(self), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
"""What the editor may ask a person for: a picture from the camera."""

GET_IT = f"""The browser editor has not been built, so there is nothing to show here yet. Install once more, with a
network: <code>pip install -c constraints.txt -e .</code> in a checkout, else
<code>pip install --force-reinstall --no-deps {NAME}</code>. Then load this page again; the server may go on meanwhile.
Programs and the command line work without it."""

STYLE = """
:root { color-scheme: light dark }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: #f6f5f3;
  color: #1c1b1a; font: 1rem/1.6 system-ui, sans-serif }
main { max-width: 34rem }
h1 { font-size: 1.25rem }
code { overflow-wrap: anywhere }
@media (prefers-color-scheme: dark) { body { background: #141416; color: #eeedeb } }
"""

ABSENT = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{NAME.capitalize()}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>The server runs</h1>
<p>{GET_IT}</p>
</main>
</body>
</html>
"""

ABSENT_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def is_built(editor: Path = EDITOR) -> bool:
    """Whether there is an editor to serve."""
    return (editor / "index.html").is_file()


def attach(app: web.Application, core: Core, editor: Path = EDITOR) -> None:
    """Let an application answer browsers with the editor; programs that ask for `/` are told where the interfaces are.

    Whether it is built is seen anew each time, so that it can be built while the server runs.
    """
    base = core.settings.base_path
    show, deliver = _show(base, editor), _deliver(editor)
    app.router.add_get("/", _greet(base, show))
    for path in VIEWS:
        app.router.add_get(path, show)
    for path in FILES:
        app.router.add_get(path, deliver)


def page(text: str, base: str, nonce: str) -> str:
    """The page as a browser gets it.

    base: what stands before every path; addresses that begin with `./` do so with it, whatever view is open, and
    scripts find it in `data-base` of the root. nonce: of style elements that scripts make (a prompt's highlighting);
    scripts find it in `<meta name="nonce">`, where style sheets cannot.
    """
    address = escape(base)
    text = text.replace('="./', f'="{address}/')
    text = text.replace("<html", f'<html data-base="{address}"', 1)
    return text.replace("<head>", f'<head>\n    <meta name="nonce" nonce="{nonce}">', 1)


def _show(base: str, editor: Path) -> Handler:
    async def show(request: web.Request) -> web.Response:
        del request
        try:
            text = await asyncio.to_thread((editor / "index.html").read_text, "utf-8")
        except OSError:
            headers = {"Content-Security-Policy": ABSENT_POLICY, "Cache-Control": "no-store"}
            return web.Response(text=ABSENT, status=503, content_type="text/html", headers=headers)
        nonce = secrets.token_urlsafe(16)
        headers = {
            "Content-Security-Policy": PAGES.replace("style-src 'self'", f"style-src 'self' 'nonce-{nonce}'"),
            "Permissions-Policy": CAMERA,
            "Cache-Control": "no-store",
        }
        return web.Response(text=page(text, base, nonce), content_type="text/html", headers=headers)

    return show


def _greet(base: str, show: Handler) -> Handler:
    async def greet(request: web.Request) -> web.StreamResponse:
        if "text/html" in request.headers.get("Accept", ""):
            response = await show(request)
        else:
            api = {"native": f"{base}/v1/openapi.json", "comfyui": f"{base}/api"}
            response = web.json_response({"name": "Noisewright", "api": api, "documentation": "docs/http-api.md"})
        response.headers["Vary"] = "Accept"
        return response

    return greet


def _deliver(editor: Path) -> Handler:
    async def deliver(request: web.Request) -> web.FileResponse:
        name = request.match_info["name"]
        with disk_errors(name):
            path = await asyncio.to_thread(_located, editor, name)
        media = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        lasting = "public, max-age=31536000, immutable" if name.startswith(FINGERPRINTED) else "no-cache"
        return web.FileResponse(path, headers={"Content-Type": media, "Cache-Control": lasting})

    return deliver


def _located(editor: Path, name: str) -> Path:
    """A part of the page. Raises Refusal 404 where there is none."""
    path = confined(editor, name, links=True)  # package managers link files from their stores
    if is_hidden(name) or not path.is_file():
        raise Refusal(404, "not_found", f"There is no '{name[:100]}'.")
    return path
