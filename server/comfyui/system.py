"""What ComfyUI's clients ask of the server itself: its machine, log and folders, and what packs bring to the page."""

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any

from aiohttp import web

from server.comfyui.bodies import answer
from server.comfyui.clients import SCREEN, log_entry
from server.comfyui.frontend import package, scripts
from server.comfyui.routing import Table
from server.crew import WorkerInfo
from server.delivery import is_hidden
from server.facts import Host, host_of

if TYPE_CHECKING:
    from server.comfyui.face import Face

routes = Table()

LIKE = "0.3.64"
"""The version of ComfyUI whose interface this is."""


@routes.get("/system_stats")
async def read_system(face: "Face", request: web.Request) -> web.Response:
    """The machine and its devices."""
    core = face.core
    host = await asyncio.to_thread(host_of, core.places.data)
    workers = core.crew.workers
    torch = next((str(info.facts["torch"]) for info in workers if "torch" in info.facts), "")
    frontend = package() if core.settings.frontend else None
    system = {
        "os": os.name,
        "ram_total": host.memory_total or 0,
        "ram_free": host.memory_available or 0,
        "comfyui_version": LIKE,
        "noisewright_version": core.version,
        "required_frontend_version": frontend.version if frontend is not None else "",
        "installed_templates_version": "",
        "required_templates_version": "",
        "python_version": sys.version,
        "pytorch_version": torch,
        "embedded_python": False,
        "argv": ["main.py"],
    }
    devices = {info.facts.get("device", info.device): info for info in workers}
    return answer({"system": system, "devices": [_device(str(name), info, host) for name, info in devices.items()]})


@routes.get("/extensions")
async def list_extensions(face: "Face", request: web.Request) -> web.Response:
    """Scripts that the browser application loads."""
    if not face.core.settings.frontend:
        return answer([])
    return answer(await asyncio.to_thread(scripts))


@routes.get("/workflow_templates")
async def list_templates(face: "Face", request: web.Request) -> web.Response:
    """Example workflows of packs: none are told here; `/v1/workflows` lists templates."""
    return answer({})


@routes.get("/i18n")
async def list_languages(face: "Face", request: web.Request) -> web.Response:
    """Texts of packs in other languages."""
    return answer({})


@routes.get("/internal/logs")
async def read_log(face: "Face", request: web.Request) -> web.Response:
    """The last lines of the log, as one text."""
    entries = map(log_entry, face.core.facts.logs.entries())
    return answer("".join(f"{entry['t']} - {entry['m']}" for entry in entries))


@routes.get("/internal/logs/raw")
async def read_log_entries(face: "Face", request: web.Request) -> web.Response:
    """The last lines of the log."""
    return answer({"entries": [log_entry(entry) for entry in face.core.facts.logs.entries()], "size": SCREEN})


@routes.get("/internal/folder_paths")
async def list_folders(face: "Face", request: web.Request) -> web.Response:
    """Where models of each kind, and other files, are looked for. For admins, as all below `/internal`."""
    places = face.core.places

    def found() -> dict[str, list[str]]:
        models = {name: [str(path) for path in face.files.places(name)] for name in places.model_folders}
        return models | {name: [str(path)] for name, path in places.kinds.items()}

    return answer(await asyncio.to_thread(found))


@routes.get("/internal/files/{kind}")
async def list_files(face: "Face", request: web.Request) -> web.Response:
    """The files of a folder, without those of folders in it, the newest first."""
    folder = face.core.places.kinds.get(request.match_info["kind"])
    if folder is None:
        return answer({"error": "Invalid directory type"}, 400)

    def found() -> list[str]:
        try:
            with os.scandir(folder) as entries:
                files = [
                    (entry.stat().st_mtime_ns, entry.name)
                    for entry in entries
                    if entry.is_file(follow_symlinks=False) and not is_hidden(entry.name)
                ]
        except OSError:
            return []
        return [name for _, name in sorted(files, reverse=True)]

    return answer(await asyncio.to_thread(found))


def _device(name: str, info: WorkerInfo, host: Host) -> dict[str, Any]:
    """A device as they describe it. Memory in bytes; of a GPU it is known when the first run is over."""
    kind, _, index = name.partition(":")
    total, free = int(info.facts.get("memory", 0)), int(info.facts.get("free", 0))
    if kind == "cpu":
        total, free = host.memory_total or 0, host.memory_available or 0
    return {
        "name": f"{name} {info.facts.get('name', '')}".strip(),
        "type": kind,
        "index": int(index) if index.isdecimal() else 0 if kind == "cuda" else None,
        "vram_total": total,
        "vram_free": free,
        "torch_vram_total": int(info.facts.get("weights_bytes", 0)),
        "torch_vram_free": 0,
    }
