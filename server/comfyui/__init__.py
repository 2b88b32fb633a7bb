"""ComfyUI's wire interface: its routes, messages and frames over the same core."""

from aiohttp import web

from server.comfyui import descriptions, files, frontend, models, prompts, queue, socket, system, userdata
from server.comfyui.face import Face
from server.core import Core

__all__ = ["attach"]


def attach(app: web.Application, core: Core) -> None:
    """Let an application answer ComfyUI's clients: at each path, and below `/api`.

    Raises GraphError where the settings ask for a frontend that is not installed.
    """
    face = Face(core)
    subjects = (prompts, queue, descriptions, models, files, userdata, system, socket)
    for subject in subjects:
        subject.routes.attach(app, face)
    frontend.attach(app, face)
