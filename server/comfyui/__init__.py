"""ComfyUI's wire interface: its routes, messages and frames over the same core."""

from aiohttp import web

from server.core import Core


def attach(app: web.Application, core: Core) -> None:
    """Let an application answer ComfyUI's clients."""
