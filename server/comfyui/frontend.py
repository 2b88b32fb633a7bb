"""ComfyUI's browser application, where the person has installed it: its files, served as they are."""

import asyncio
import importlib.metadata
import importlib.util
import mimetypes
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from graph.errors import GraphError
from server.api import Refusal
from server.comfyui.bodies import answer
from server.confined import confined
from server.delivery import is_hidden
from server.disk import disk_errors

if TYPE_CHECKING:
    from server.comfyui.face import Face

MODULE, DISTRIBUTION = "comfyui_frontend_package", "comfyui-frontend-package"

TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".wasm": "application/wasm"}
"""Media types that must be right for a browser to use a file; a system's own list may have others."""

FINGERPRINTED = "assets/"
"""Below this folder a file with another content has another name."""


EXPECTED = (
    *("CheckpointLoaderSimple", "ImageOnlyCheckpointLoader", "LoraLoader", "LoraLoaderModelOnly", "VAELoader"),
    *("ControlNetLoader", "UNETLoader", "UpscaleModelLoader", "StyleModelLoader", "GLIGENLoader"),
)
"""Node types that the application looks up for its list of models; without one of them, loaders cannot be drawn."""


class Package(NamedTuple):
    """The installed application. folder: of its files."""

    folder: Path
    version: str


@cache
def package() -> Package | None:
    """The application, found without importing anything of it; None where it is not installed."""
    found = importlib.util.find_spec(MODULE)
    for place in (found.submodule_search_locations or ()) if found is not None else ():
        folder = Path(place) / "static"
        if (folder / "index.html").is_file():
            try:
                version = importlib.metadata.version(DISTRIBUTION)
            except importlib.metadata.PackageNotFoundError:
                version = ""
            return Package(folder, version)
    return None


def scripts() -> list[str]:
    """The paths of its extensions, which the application loads by itself."""
    found = package()
    if found is None:
        return []
    return sorted(f"/{path.relative_to(found.folder).as_posix()}" for path in found.folder.glob("extensions/**/*.js"))


def attach(app: web.Application, face: "Face") -> None:
    """Let an application answer at `/` with the browser application, if the settings say so.

    Raises GraphError where it is not installed.
    """
    if not face.core.settings.frontend:
        return
    found = package()
    if found is None:
        raise GraphError(
            "The browser application of ComfyUI is not installed. Install it beside this program, then start again: "
            f"pip install {DISTRIBUTION}"
        )
    folder = found.folder

    async def serve(request: web.Request) -> web.StreamResponse:
        name = request.match_info.get("name", "") or "index.html"
        with disk_errors(name):
            path = await asyncio.to_thread(_located, folder, name)
        if path is None:
            return _absent(name)
        media = TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        lasting = "public, max-age=86400" if name.startswith(FINGERPRINTED) else "no-cache"
        return web.FileResponse(path, headers={"Content-Type": media, "Cache-Control": lasting})

    app.router.add_get("/", serve)
    app.router.add_get("/{name:.+}", serve)


def _located(folder: Path, name: str) -> Path | None:
    """A file of the application; None where there is none."""
    try:
        path = confined(folder, name, links=True)  # package managers link files from their stores
    except Refusal:
        return None
    return path if path.is_file() and not is_hidden(name) else None


def _absent(name: str) -> web.Response:
    """The answer for what the application asks for and has not."""
    if name == "templates/index.json":
        return answer([])
    raise Refusal(404, "not_found", f"There is no '{name[:100]}'.")
